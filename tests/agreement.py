"""Random programs, mostly wrong, over the whole vocabulary: do `check` and the call say the same?

A program is drawn from the signatures of the library with arguments of every kind: arrays, masks,
labels, scalars, trees, selections of them, and records where inputs are declared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np

from lossdsl.checking import check
from lossdsl.elaborate.passed_inputs import Passed
from lossdsl.elaborate.program import elaborate
from lossdsl.inputs.declarations import declared_inputs
from lossdsl.library.declare import builtins
from lossdsl.lower.passed_values import concrete
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.syntax.options import LOSS_OPTIONS
from lossdsl.syntax.parse import parse_program

MATRIX = np.linspace(0.1, 0.9, 12, dtype=np.float32).reshape(4, 3)
TREE = {"w": np.ones((2, 3), np.float32), "b": np.ones(3, np.float32)}
INPUTS: Mapping[str, Any] = {
    "a": MATRIX,
    "b": MATRIX - 0.5,
    "r": MATRIX[:, 0],
    "c": MATRIX[0],
    "n": np.array([0, 1, 2, 1], np.int32),
    "m": MATRIX > 0.3,
    "s": np.float32(0.5),
    "p": TREE,
    "q": {"w": -TREE["w"], "b": TREE["b"]},
    "t": {"w": TREE["w"], "n": np.array(2, np.int32), "deep": [TREE["b"]], "act": np.tanh},
    "rec": {"mu": MATRIX, "sig": MATRIX[:, 0]},
}
# fmt: off
TYPES = {
    "a": "f32[B, C]", "b": "f32[B, C]", "r": "f32[B]", "c": "f32[C]", "n": "i32[B]",
    "m": "bool[B, C]", "s": "float", "p": "tree", "q": "tree", "t": "tree",
    "rec": "{mu: f32[B, C], sig: f32[B]}",
}
PARTS = ('["w"]', ".w", '["**"]', ".b", ".deep[0]", '["n"]', '["/w"]', '["**", ndim >= 2]',
         ".mu", '["mu"]', ".sig", '["act"]')
OPERATORS = ("+", "-", "*", "/", "**", "@", "//", "%", ">", "<=", "==", "and", "or")
REDUCED = ("mean", "sum", "max", "min", "any", "all", "count", "std", "var", "norm", "prod",
           "logsumexp", "median")
MAPPED = ("abs", "mean", "square", "huber", "mse", "sum", "l1")
WHOLE = ("mean({})", "sum({})", "{}", "1.0*{}", "sum(map(mean, {}))", "mse({}, 0.5)",
         "z = {}\nloss = mean(z)", "def f(x) = {}\nloss = mean(f(a)) + mean(f(p))")
INDICES = ("[0]", "[:, 0]", "[None]", "[..., None]", "[::-1]", "[1:]")
WORDS = {"static": ("1", "2", "3", "true", "0.5"), "axis": ("0", "1", "-1"),
         "axes": ("0", "1", "-1", "all"), "function": MAPPED, "shape": ("(12,)", "(3, 4)"),
         "constraint": ("w <= 0.5", "b >= 0"), "text": ('"ij,jk->ik"',)}
OPTIONS = {"axis": ("0", "1", "-1", "all", "(0, 1)"), "keepdims": ("true",),
           "where": ("m", "a > 0", "p", "r > 0.5"), "weight": ("r", "b", "s", "p"),
           "reduce": ('"sum"', '"none"', '"mean"'), "normalize": ('"count"', '"all"')}
# fmt: on


@dataclass(frozen=True)
class Drawing:
    """What a program may be made of."""

    random: Random
    names: tuple[str, ...]

    def program(self) -> str:
        """Return the text of a program, without declarations."""
        whole = self.random.choice(WHOLE)
        text = self.expression(self.random.choice((1, 2, 2, 3)))
        if whole.startswith("def"):
            text = re.sub(r"\b[abrcpqt]\b", "x", text)
        return whole.format(text)

    def expression(self, depth: int) -> str:
        """Return an expression with at most so many levels."""
        choose, rest = self.random.choice, depth - 1
        kinds = (self.call, self.call, self.reduction, self.operation, self.choice, self.indexed)
        return choose((*kinds, self.mapped, self.leaf))(rest) if depth else self.leaf(0)

    def leaf(self, depth: int) -> str:
        choose = self.random.choice
        if self.random.random() < 0.1:
            return choose(("0.5", "2", "true", "-1", "(0.1, 0.5)"))
        name = choose(self.names)
        is_tree = name in ("p", "q", "t", "rec") and self.random.random() < 0.5
        return name + choose(PARTS) if is_tree else name

    def operation(self, depth: int) -> str:
        left, right = self.expression(depth), self.expression(depth)
        return f"({left} {self.random.choice(OPERATORS)} {right})"

    def choice(self, depth: int) -> str:
        value, condition, other = (self.expression(depth) for _ in range(3))
        return f"({value} if {condition} else {other})"

    def indexed(self, depth: int) -> str:
        return self.expression(depth) + self.random.choice(INDICES)

    def mapped(self, depth: int) -> str:
        trees = ", ".join(self.expression(depth) for _ in range(self.random.choice((1, 1, 2))))
        return f"map({self.random.choice(MAPPED)}, {trees})"

    def reduction(self, depth: int) -> str:
        name = self.random.choice(REDUCED)
        return f"{name}({self.expression(depth)}{self.options(('axis', 'keepdims', 'where'))})"

    def call(self, depth: int) -> str:
        function = builtins()[self.random.choice(FUNCTIONS)]
        signature = self.random.choice(function.signatures)
        parameters = [one for one in signature.parameters if one.name not in LOSS_OPTIONS]
        given: list[str] = []
        for one in parameters:
            if not one.required and self.random.random() < 0.75:
                break
            given.append(self.argument(one, depth))
        options = self.options(function.options) if given else ""
        return f"{function.name}({', '.join(given)}{options})"

    def argument(self, parameter: ast.Parameter, depth: int) -> str:
        match parameter.plain_type:
            case ast.WordTypeExpr(word):
                return self.random.choice(WORDS[word])
            case ast.ChoiceTypeExpr(options):
                return f'"{self.random.choice(options)}"'
            case _:
                return self.expression(depth)

    def options(self, names: tuple[str, ...]) -> str:
        chosen = [one for one in names if one in OPTIONS and self.random.random() < 0.15]
        return "".join(f", {one}={self.random.choice(OPTIONS[one])}" for one in chosen)


FUNCTIONS = sorted(builtins())


def drawn(random: Random) -> tuple[str, dict[str, Any]]:
    """Return a program and the inputs that a call of it passes."""
    declares = random.random() < 0.3
    names = tuple(INPUTS) if declares else tuple(name for name in INPUTS if name != "rec")
    text = Drawing(random, names).program()
    if not declares:
        return text, {name: INPUTS[name] for name in names if re.search(rf"\b{name}\b", text)}
    body = text if "loss = " in text else f"loss = {text}"
    return "\n".join([*(f"{name}: {TYPES[name]}" for name in names), body]), dict(INPUTS)


def errors(diagnostics: Any) -> list[str]:
    return [found.code for found in diagnostics if found.severity == "error"]


def verdicts(text: str, inputs: Mapping[str, Any]) -> tuple[list[str], list[str], list[str]]:
    """Return the errors of `check` without types, of `check` with those of a call, of the call."""
    program, found = parse_program(Source(text))
    if program is None:
        return errors(found), errors(found), errors(found)
    declared, _ = declared_inputs(program, {})
    types = {
        name: concrete(value, declared[name].type if name in declared else None, name, 1000)[0]
        for name, value in inputs.items()
    }
    called = elaborate(program, builtins(), passed=Passed(types, "f32"))
    given = {
        name: value if np.ndim(value) or isinstance(value, dict) else "f32[]"
        for name, value in inputs.items()
        if not declared or TYPES[name] == "tree"
    }
    return (
        errors(check(text).diagnostics),
        errors(check(text, given).diagnostics),
        errors(called.diagnostics),
    )
