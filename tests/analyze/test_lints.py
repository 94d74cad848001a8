"""A lint is one file: its name has the code, its head is the page, and it tells nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import lossdsl
from lossdsl.analyze.lints import LINTS
from lossdsl.analyze.lints.lint import Lint
from lossdsl.diagnostics.codes import CODES
from lossdsl.diagnostics.lint_pages import lint_files

PACKAGE = Path(lossdsl.__file__).parent
FILES = {code: Path(file) for code, file in lint_files().items()}
each_lint = pytest.mark.parametrize("code", sorted(FILES))


def test_every_warning_of_a_text_is_a_lint_in_a_file_of_its_own() -> None:
    assert {code for code in CODES if code.startswith("LD4")} == set(FILES)
    named = list(PACKAGE.rglob("ld[0-9]*.py"))
    assert sorted(named) == sorted(FILES.values())


@each_lint
def test_the_page_of_a_lint_is_what_heads_its_file(code: str) -> None:
    row = CODES[code]
    module = import_module(".".join(("lossdsl", *FILES[code].relative_to(PACKAGE).parts))[:-3])
    head = " ".join((module.__doc__ or "").split())
    assert row.code == code
    assert head.startswith(f"{code}: {row.title}. {row.why}")
    for text in (row.bad, row.good, *(f"{name}: {type}" for name, type in row.inputs.items())):
        assert " ".join(text.split()) in head


@each_lint
def test_a_file_tells_of_no_other_lint(code: str) -> None:
    source = FILES[code].read_text(encoding="utf-8")
    told = set(re.findall(r"\b(?:at|error|misread)\(\s*(?:subject, )?\"(LD4\d\d)\"", source))
    assert told == {code}


def test_lints_are_found_by_their_files_each_once() -> None:
    files = [path for path in FILES.values() if path.parent == PACKAGE / "analyze" / "lints"]
    modules = [import_module(f"lossdsl.analyze.lints.{path.stem}") for path in files]
    found = [value for module in modules for value in vars(module).values()]
    assert len(set(LINTS)) == len(LINTS)
    assert set(LINTS) == {value for value in found if isinstance(value, Lint)}
    assert all(any(isinstance(value, Lint) for value in vars(m).values()) for m in modules)


def test_a_lint_comes_after_those_that_tell_of_its_mistake() -> None:
    codes = [lint.check.__module__.rpartition(".")[2][:5].upper() for lint in LINTS]
    for at, (code, lint) in enumerate(zip(codes, LINTS, strict=True)):
        for other in (*lint.around, *lint.within):
            assert other in CODES
            assert other == code or other not in codes[at:]


def test_a_page_is_read_without_importing_its_lint() -> None:
    lines = (
        "import sys",
        "from lossdsl.diagnostics.codes import CODES",
        "assert CODES['LD440'].why",
        "assert not {'lossdsl.analyze', 'lossdsl.core', 'lossdsl.library'} & set(sys.modules)",
    )
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)
