"""Reading `.loss` files, specs and libraries, and replacing one in one step."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, at
from lossdsl.source import Source

if TYPE_CHECKING:
    from pathlib import Path

    from lossdsl.library.declare import Library


def read_text(path: Path) -> tuple[Source | None, tuple[Diagnostic, ...]]:
    """Return the text of a `.loss` file; the texts in configs are not `fmt`'s to rewrite."""
    if path.suffix.lower() != ".loss":
        return None, (at("LD701", f"`{path}` is no .loss file", None),)
    from lossdsl.spec.read import read_spec

    written, diagnostics = read_spec(path)
    return (written.source if written else None), diagnostics


def is_config(name: str) -> bool:
    """Say whether a file is one of a format in which a spec stands below a key."""
    return name != "-" and not name.lower().endswith(".loss")


def read_stdin() -> Source:
    """Return what comes in by a pipe, as a text."""
    return Source(sys.stdin.buffer.read().decode("utf-8", "surrogateescape"), "<stdin>")


def read_source(
    name: str, key: str | None
) -> tuple[Source | None, Mapping[str, str | Source], tuple[Diagnostic, ...]]:
    """Return the text of a spec in a file (`-` is stdin) and the inputs declared beside it."""
    if name == "-":
        return read_stdin(), {}, ()
    from lossdsl.spec.read import read_spec

    written, diagnostics = read_spec(name, key or "loss") if is_config(name) else read_spec(name)
    if written is None:
        return None, {}, diagnostics
    return written.source, written.inputs, ()


def read_libraries(
    paths: Iterable[str],
) -> tuple[Library | None, tuple[Diagnostic, ...]]:
    """Return the functions of lossdsl and of all files, or what is wrong with the files."""
    from lossdsl.library.declare import Library, with_builtins

    library = with_builtins()
    try:
        for path in paths:
            library |= Library.load(path)
    except LossError as problem:
        return None, problem.diagnostics
    return library, ()


def replace_text(path: Path, text: str) -> None:
    """Write a file beside the old one and put it in its place: whoever reads sees one or the other.

    A link stays a link, and the permissions stay as they are.
    """
    import tempfile

    target = path.resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, target.stat().st_mode & 0o7777)
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise
