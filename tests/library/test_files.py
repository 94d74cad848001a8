"""lossdsl's own files: what is read one definition at a time is what reading the file gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from spelled import spelled

import lossdsl
from lossdsl.library.function import OWN, Builtin
from lossdsl.source import Source

FILES = sorted((Path(lossdsl.__file__).parent / "library" / "losses").glob("*.loss"))


def facts(function: Builtin) -> tuple[object, ...]:
    definitions = spelled(tuple(function.definitions))
    return function.name, function.family, function.laws, function.doc, function.domain, definitions


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_read_by_definitions(path: Path) -> None:
    """The whole is also held to everything that a user's library is."""
    source = Source(path.read_text(encoding="utf-8"), f"{OWN}{path.name}")
    whole = lossdsl.Library.loads(source.text, source.name, path.stem)
    own = lossdsl.BUILTINS
    assert {facts(own[name]) for name in whole} == {facts(whole[name]) for name in whole}
    assert {name for at, name in own.private if at == source} == {n for _, n in whole.private}
    for key, function in whole.private.items():
        assert facts(own.private[key]) == facts(function)


def test_every_file_is_read() -> None:
    families = {lossdsl.BUILTINS[name].family for name in lossdsl.BUILTINS}
    assert families >= {path.stem for path in FILES}
