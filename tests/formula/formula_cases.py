"""Calls of functions whose formulas can be evaluated, with inputs, made from their examples."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from formula_values import FUNCTIONS

from lossdsl.formula.formulas import Formula, equation, formulas
from lossdsl.formula.math import Apply, Big, Indexed, Listed, Math, Power, Relation, Symbol, below
from lossdsl.library.declare import Library, builtins
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.syntax.parse import parse_program
from lossdsl.testing.draw import Sizes, draw, own_call, signature_of

# What the functions of lossdsl do not do: options of reductions, and parts of axes.
OF_A_USER = """
def by_weight(x: float[N], w: float[N]) = mean(x, weight=exp(w))
def by_rows(x: float[N, K], u: float[N]) = mean(x, weight=exp(u))
def by_seven(x: float[N]) = mean(x, normalize=7)
def over_all(x: float[N]) = mean(x, where=x > 0, normalize="all")
def over_kept(x: float[N], w: float[N]) = mean(x, where=x > 0, weight=exp(w), normalize="count")
def kept_weight(x: float[N], w: float[N]) = mean(x, where=x > 0, weight=exp(w))
def columns(x: float[N, K], w: float[K]) = mean(x, where=w > 0, axis=K)
def weighted_sum(x: float[N], w: float[N]) = sum(x, weight=w)
def turned(x: float[N]) = x[::-1]
def turned_product(x: float[N]) = sum(x*x[::-1])
def even(x: float[N]) = sum(x[::2])
def odd_mean(x: float[N]) = mean(x[1::2])
def first(x: float[N]) = sum(x[:3])
def inner(x: float[N]) = sum(square(x[1:3]))
def last(x: float[N]) = sum(x[-3:])
def but_last(x: float[N]) = mean(x[:-1])
def backwards(x: float[N]) = sum(square(x[3:0:-2]))
def steps(x: float[N]) = mean(square(x[1:] - x[:-1]))
def corner(x: float[N, K]) = sum(x[1:, :2])
def later(x: float[N]) = cumsum(x, reverse=false)
def earlier(x: float[N]) = cumsum(x, reverse=true)
"""


def _with_example(text: str) -> str:
    """Return a definition with a call of it as its example."""
    head, _, rest = text.removeprefix("def ").partition("(")
    names = re.findall(r"(\w+): float", rest.partition(")")[0])
    return f"## example: {head}({', '.join(names)})\n{text}"


USER = Library.loads("\n".join(map(_with_example, OF_A_USER.strip().splitlines())))
LIBRARY = builtins() | USER
SIZES = Sizes(run=(), dims={"K": 3, "N": 4}, other=3)
NAMES_OF_THE_PRINTER = {"pi", "⊤", "ℓ"}


@cache
def formulas_of(name: str) -> tuple[Formula, ...]:
    """Return the formulas of a function; typesetting them all takes seconds."""
    return formulas(LIBRARY[name], LIBRARY)


@dataclass(frozen=True)
class Case:
    """A call as a spec says it, its inputs, and the equation with the values of its names."""

    text: str
    inputs: Mapping[str, Any]
    left: Math
    right: Math
    given: Mapping[str, Any]

    @property
    def places(self) -> tuple[str, ...]:
        """The indices of the result."""
        found = self.left.places if isinstance(self.left, Indexed) else ()
        return tuple(one.name for one in found if isinstance(one, Symbol))


@cache
def case(name: str) -> Case | None:
    """Return the call in the first example of a function, if its formula can be evaluated."""
    function = LIBRARY[name]
    example = function.about.get("example", "").partition("\n")[0]
    call = own_call(function, example)
    if call is None or not formulas_of(name):
        return None
    signature = signature_of(function, call)
    program, _ = parse_program(Source(call))
    assert program is not None
    (result,) = program.statements
    assert isinstance(result, ast.Result)
    assert isinstance(result.value, ast.Call)
    bound = bound_to(signature, result.value)
    try:
        inputs = draw(function, call, seed=3, sizes=SIZES)
    except TypeError:
        return None
    given = None if bound is None else _given(signature, bound, inputs)
    whole = equation(function, signature, LIBRARY)
    if given is None or whole is None:
        return None
    left, right = whole
    text = call[:-1] + ', reduce="none")' if function.is_loss else call
    found = Case(text, inputs, left, right, given)
    return found if _is_plain(right, given, found.places) else None


def bound_to(signature: ast.Signature, call: ast.Call) -> dict[str, ast.Expr] | None:
    """Return the arguments of a call by parameter; None with an option of all reductions."""
    parameters = {parameter.name: parameter for parameter in signature.parameters}
    bound = dict(zip(parameters, call.arguments, strict=False))
    bound |= {keyword.name: keyword.value for keyword in call.keywords}
    typed = all(name in parameters and (parameters[name].type or parameters[name].required)
                for name in bound)  # fmt: skip
    return bound if typed else None


def _given(
    signature: ast.Signature, bound: Mapping[str, ast.Expr], inputs: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return the values of the parameters and dims; None if one is no number or array."""
    given: dict[str, Any] = {}
    for parameter in signature.parameters:
        if parameter.default is not None and parameter.type is not None:
            given[parameter.name] = _value(parameter.default, inputs)
    given |= {name: _value(expr, inputs) for name, expr in bound.items()}
    if any(isinstance(one, Mapping | _Missing) for one in given.values()):
        return None
    for parameter in signature.parameters:
        array = given.get(parameter.name)
        if isinstance(parameter.type, ast.ArrayTypeExpr) and array is not None:
            named = [dim for dim in parameter.type.dims if not isinstance(dim, ast.Run)]
            if np.ndim(array) != len(named):
                return None
            given |= dict(_sizes(named, np.shape(array)))
    return given


def _sizes(dims: list[Any], shape: tuple[int, ...]) -> Iterator[tuple[str, int]]:
    for dim, size in zip(dims, shape, strict=True):
        if isinstance(dim, ast.DimExpr) and len(dim.symbols) == 1:
            yield dim.symbols[0], size


class _Missing:
    """The value of an argument that is no literal and no input."""


def _value(expr: ast.Expr, inputs: Mapping[str, Any]) -> Any:
    match expr:
        case ast.Name(name):
            return inputs.get(name, _Missing())
        case ast.Literal(value) | ast.Text(value):
            return value
        case ast.Unary("-", ast.Literal(int() | float() as value)):
            return -value
        case _:
            return _Missing()


def _is_plain(right: Math, given: Mapping[str, Any], places: tuple[str, ...]) -> bool:
    """Whether a formula calls nothing that has a formula of its own, and all names are known.

    A run is drawn as no axes at all, so that a formula with an index along one is left out.
    """
    known = {*given, *places}
    nodes = list(below(right))
    bound = {one.name for node in nodes if isinstance(node, Big) for one in _counted(node.under)}
    for node in nodes:
        match node:
            case Apply(name) if name not in FUNCTIONS:
                return False
            case Symbol(name) if name not in known | bound | NAMES_OF_THE_PRINTER:
                return False
            case Indexed(Symbol(name), at) if name in given and len(at) > np.ndim(given[name]):
                return False
            case Big(_, None):
                return False
            case _:
                pass
    return not isinstance(right, Power) or right.exponent != Symbol("⊤")


def _counted(under: Math | None) -> Iterator[Symbol]:
    match under:
        case Symbol():
            yield under
        case Listed(items):
            for item in items:
                yield from _counted(item)
        case Relation(first):
            yield from _counted(first)
        case _:
            pass
