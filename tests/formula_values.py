"""The value of a formula: an interpreter of what is printed, to hold it against the function.

It reads the tree behind the text and knows nothing of the language: NumPy, one element at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from itertools import product, takewhile
from typing import Any

import numpy as np
from scipy import special

from lossdsl.formula.math import (
    Apply,
    Big,
    Cases,
    Fence,
    Fraction,
    Indexed,
    Listed,
    Logic,
    Math,
    Not,
    Number,
    Operator,
    Phrase,
    Power,
    Product,
    Relation,
    Root,
    Sum,
    Symbol,
    below,
)  # fmt: skip

Values = Mapping[str, Any]

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "log": np.log, "exp": np.exp, "sin": np.sin, "cos": np.cos, "tanh": np.tanh,
    "max": np.maximum, "min": np.minimum, "sigma": special.expit, "sg": lambda x: x,
    "clip": np.clip, "Gamma": special.gamma, "erf": special.erf, "mod": np.mod,
    "softmax": special.softmax, "sign": np.sign,
}  # fmt: skip
FENCES: Mapping[str, Callable[[Any], Any]] = {
    "abs": np.abs, "norm": lambda x: np.sqrt(np.sum(np.square(x))), "floor": np.floor,
    "round": np.round, "holds": lambda x: np.asarray(x) * 1.0,
}  # fmt: skip


def largest(values: list[Any]) -> Any:
    return np.max(np.stack([*map(np.asarray, values)]), axis=0)


def smallest(values: list[Any]) -> Any:
    return np.min(np.stack([*map(np.asarray, values)]), axis=0)


BIG: Mapping[str, Callable[[Any], Any]] = {
    "sum": sum, "prod": np.prod, "max": largest, "min": smallest, "any": any, "all": all,
    "mean": lambda found: sum(found) / len(found) if found else 0.0,
    "var": np.var, "std": np.std, "argmax": np.argmax, "argmin": np.argmin,
    "rms": lambda x: np.sqrt(np.mean(np.square(x))),
}  # fmt: skip
SIGNS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip


class Unknown(Exception):
    """The formula names a function that has a formula of its own."""


def value(node: Math, given: Values) -> Any:
    """Return the value of a formula where its names have values."""
    match node:
        case Symbol("pi"):
            return np.pi
        case Symbol(name):
            held = given[name]
            return np.asarray(held) if isinstance(held, Tree) else held
        case Number(number):
            return number
        case Phrase(text):
            return phrase(text, given)
        case Sum(terms):
            return sum(-value(one, given) if minus else value(one, given) for minus, one in terms)
        case Product(factors):
            return multiplied(list(factors), given)
        case Fraction(above, under):
            return value(above, given) / value(under, given)
        case Power(base, exponent):
            return np.power(value(base, given) * 1.0, value(exponent, given))
        case Root(body):
            return np.sqrt(value(body, given))
        case Operator("log", Apply("Gamma", (body,))):
            return special.gammaln(value(body, given))
        case Operator(name, body):
            return FUNCTIONS[name](value(body, given))
        case Apply(name, arguments):
            if name not in FUNCTIONS:
                raise Unknown(name)
            return FUNCTIONS[name](*(value(one, given) for one in arguments))
        case Indexed(Symbol(name), (Phrase(selector),)) if isinstance(given.get(name), Tree):
            return np.asarray(selected(given[name], selector))
        case Indexed(base, places):
            at = tuple(_index(one, given) for one in places)
            return np.asarray(value(base, given))[at]
        case Fence("list", Listed(items)):
            return np.array([value(item, given) for item in items])
        case Fence(kind, body):
            return FENCES[kind](value(body, given))
        case Big(name, None, body):
            return BIG[name](list(np.ravel(value(body, given))))
        case Big(name, under, body):
            return BIG[name]([value(body, one) for one in counted(under, body, given)])
        case Cases(rows):
            held = (one for one, when in rows if when is None or value(when, given))
            return value(next(held), given)
        case Relation(first, links):
            sides = [value(first, given), *(value(one, given) for _, one in links)]
            signs = [SIGNS[sign] for sign, _ in links]
            return all(sign(a, b) for sign, a, b in zip(signs, sides[:-1], sides[1:], strict=True))
        case Logic(operator, operands):
            return (all if operator == "and" else any)(value(one, given) for one in operands)
        case Not(operand):
            return not value(operand, given)
        case Listed():
            raise Unknown("a list")


class Tree:
    """A tree, which is read leaf by leaf; what is computed with it, of all of its elements."""

    def __init__(self, leaves: Mapping[str, Any]):
        self.named = leaves
        self.leaves = list(leaves.values())

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.concatenate([np.ravel(leaf) for leaf in self.leaves])


def leaves(node: Math, given: Values) -> list[Any]:
    """Return the leaves of a tree that a formula names, or of a part of it."""
    match node:
        case Symbol(name):
            return given[name].leaves
        case Indexed(Symbol(name), (Phrase(selector),)):
            return selected(given[name], selector).leaves
        case _:
            raise Unknown(str(node))


def selected(tree: Tree, selector: str) -> Tree:
    """Return the leaves that a selector names, which is the key of each or its least rank."""
    kept = {
        path: leaf
        for path, leaf in tree.named.items()
        if (
            np.ndim(leaf) >= int(selector[-1])
            if selector.startswith("ndim")
            else selector in path.split("/") or fnmatchcase(path, selector)
        )
    }
    return Tree(kept)


def phrase(text: str, given: Values) -> Any:
    word, _, name = text.partition(" ")
    if word in ("with", "without"):
        return (given[name] is None) == (word == "without")
    return {"true": True, "false": False, "none": None}.get(text, text.strip("“”"))


def multiplied(factors: list[Math], given: Values) -> Any:
    """Return a product; after a transposed vector comes what it is multiplied with."""
    total: Any = 1.0
    while factors:
        match factors:
            case [Power(base, Symbol("⊤")), other, *rest]:
                inner = np.dot(value(base, given), value(other, given))
                while np.ndim(inner) and rest:
                    inner, rest = np.dot(inner, value(rest[0], given)), rest[1:]
                total = total * inner
                factors = rest
            case [first, *rest]:
                total = total * value(first, given)
                factors = rest
            case _:
                pass
    return total


def counted(under: Math | None, body: Math, given: Values) -> Iterator[Values]:
    """Yield the names with each index that an operator runs over, where its condition holds."""
    match under:
        case Relation(Symbol(name), (("in", tree),)):
            yield from ({**given, name: leaf} for leaf in leaves(tree, given))
            return
        case Relation(inner, ((":", condition),)):
            pass
        case Relation(inner):
            condition = under
        case _:
            assert under is not None
            inner, condition = under, None
    symbols = inner.items if isinstance(inner, Listed) else (inner,)
    names = [one.name for one in symbols if isinstance(one, Symbol)]
    sizes = [size(name, [body, *([condition] if condition else [])], given) for name in names]
    for at in product(*map(range, sizes)):
        here = {**given, **dict(zip(names, at, strict=True))}
        if condition is None or value(condition, here):
            yield here


def size(name: str, nodes: list[Math], given: Values) -> int:
    """Return over how many elements an index runs: those that the axes have where it stands."""
    found: list[int] = []
    for node in (one for root in nodes for one in below(root)):
        match node:
            case Relation(Symbol(of), (("<", stop),)) if of == name and _is_size(stop, given):
                found.append(int(value(stop, given)))
            case Indexed():
                found += _extents(node, name, given)
            case _:
                pass
    return min(found) if found else given[name.upper()]


def _extents(node: Indexed, name: str, given: Values) -> Iterator[int]:
    for axis, place in enumerate(node.places):
        if place is not None and _is_linear(place, name, given):
            bound = {one.name: 0 for one in below(node) if isinstance(one, Symbol)}
            length = np.shape(value(node.base, {**bound, **given}))[axis]
            yield _count(place, name, given, length)


def _is_size(node: Math, given: Values) -> bool:
    """Whether a bound of an index is made of numbers and sizes."""
    names = {one.name for one in below(node) if isinstance(one, Symbol)}
    return all(name in given and np.ndim(given[name]) == 0 for name in names)


def _is_linear(place: Math, name: str, given: Values) -> bool:
    """Whether a place follows one index and sizes only."""
    nodes = list(below(place))
    names = {one.name for one in nodes if isinstance(one, Symbol)}
    plain = all(isinstance(one, Sum | Product | Number | Symbol) for one in nodes)
    return plain and name in names and all(np.ndim(given.get(one, 0)) == 0 for one in names)


def _count(place: Math, name: str, given: Values, length: int) -> int:
    """Return how many values of an index, from 0 on, stay inside of an axis."""
    steps = (value(place, {**dict.fromkeys(_free(place, given), 0), **given, name: at})
             for at in range(length + 1))  # fmt: skip
    return sum(1 for _ in takewhile(lambda at: 0 <= at < length, steps))


def _free(place: Math, given: Values) -> set[str]:
    return {one.name for one in below(place) if isinstance(one, Symbol)} - set(given)


def _index(place: Math | None, given: Values) -> Any:
    match place:
        case None:
            return slice(None)
        case Phrase(text) if ":" in text:
            ends = text.replace("−", "-").split(":")
            return slice(*(int(given.get(one, one)) if one else None for one in ends))
        case _:
            return int(value(place, given))
