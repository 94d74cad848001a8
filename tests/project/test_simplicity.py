"""How simple the code is, in numbers that may only fall, and that names of files say which."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import lossdsl

PACKAGE = Path(lossdsl.__file__).parent

# By room: how many parameters its functions have on average, and the share that has six or more.
PARAMETERS = {"elaborate": (2.25, 0.01), "infer": (2.34, 0.0)}


def parameters(room: str) -> Iterator[int]:
    """Yield how many parameters each function of a room has, `self` and keywords included."""
    for path in sorted((PACKAGE / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                given = node.args
                named = (*given.posonlyargs, *given.args, *given.kwonlyargs)
                yield len(named) + sum(rest is not None for rest in (given.vararg, given.kwarg))


@pytest.mark.parametrize("room", PARAMETERS)
def test_functions_take_few_parameters(room: str) -> None:
    counts, (mean, share) = list(parameters(room)), PARAMETERS[room]
    assert sum(counts) / len(counts) <= mean
    assert sum(count >= 6 for count in counts) / len(counts) <= share


def test_no_file_has_the_name_of_another() -> None:
    names = Counter(path.name for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
    assert [name for name, count in names.items() if count > 1] == []
