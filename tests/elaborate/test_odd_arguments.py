"""Every function with an argument of every kind in every place: a diagnostic or a value."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice

import pytest

import lossdsl
from lossdsl.library.declare import Builtin, builtins
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.syntax.parse import parse_program

# What is put in the place of an argument, with the type that it is declared with.
DECLARED = {
    "a record": "{mu: f32[B, C], tau: f32[C]}",
    "a tree": "tree",
    "truth values": "bool[B, C]",
    "whole numbers": "i32[B]",
}
WRITTEN = ('"text"', "none", "true", "(1, 2, 3)", "mse", "(x > 1)", "odd")
FUNCTIONS = [function for name, function in sorted(builtins().functions.items())]


def places(function: Builtin) -> Iterator[tuple[str, str]]:
    """Yield what stands before and after each argument of a function's example, and each option."""
    (example, *_) = re.findall(r"^example:\s*(.*)$", function.doc, re.MULTILINE)
    program, _ = parse_program(Source(example))
    assert program is not None
    for node in ast.walk(program):
        match node:
            case ast.Call(function.name, arguments, keywords, span):
                for one in (*arguments, *(keyword.value for keyword in keywords)):
                    yield example[: one.span.start], example[one.span.end :]
                named = {keyword.name for keyword in keywords}
                signature = function.signatures[0]
                later = [one.name for one in signature.parameters[len(arguments) :]]
                for name in dict.fromkeys((*later, *function.options)):
                    if name not in named:
                        close = span.end - 1
                        yield f"{example[:close]}, {name}=", example[close:]
                return
            case _:
                pass


def tried(function: Builtin) -> Iterator[str]:
    """Yield every third spec on every change, of each function others, and all in the long run."""
    step = 1 if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else 3
    yield from islice(specs(function), FUNCTIONS.index(function) % step, None, step)


def specs(function: Builtin) -> Iterator[str]:
    for before, after in places(function):
        for written in WRITTEN:
            yield f"{before}{written}{after}"
        rest = {
            "odd",
            *re.findall(r"\b[a-z]\w*\b(?!\s*[(=])", re.sub(r'"[^"]*"', "", before + after)),
        }
        others = "".join(f"{name}: f32[B, C]\n" for name in sorted(rest - {"odd", *KNOWN}))
        for kind in DECLARED.values():
            yield f"{others}odd: {kind}\nloss = mean(1.0*({before}odd{after}))"


NAME = re.compile(r"\b[a-z]\w*\b(?!\s*[(=])")
KNOWN = {"true", "false", "none", "inf", "nan", "all", "if", "else", "and", "or", "not"}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_no_argument_makes_a_defect(function: Builtin) -> None:
    for text in tried(function):
        found = lossdsl.check(text).diagnostics
        assert "LD999" not in [one.code for one in found], f"{text}\n{found}"
