"""Mathematics as a tree: what stands between the loss language and a printed formula.

Both printers read these nodes; `building` makes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, is_dataclass, replace
from typing import Any, cast

from lossdsl.syntax.walk import field_names


@dataclass(frozen=True, slots=True)
class Symbol:
    """A variable, a dim or an index, by its name in the language."""

    name: str


@dataclass(frozen=True, slots=True)
class Number:
    """A non-negative constant."""

    value: float | int


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words, such as a choice or what the conditions of a case say."""

    text: str


@dataclass(frozen=True, slots=True)
class Sum:
    """Signed terms; a single negative one is a negation."""

    terms: tuple[tuple[bool, Math], ...]
    """Pairs of whether the term is subtracted, and the term."""


@dataclass(frozen=True, slots=True)
class Product:
    """Two factors or more."""

    factors: tuple[Math, ...]


@dataclass(frozen=True, slots=True)
class Fraction:
    """A quotient."""

    above: Math
    below: Math


@dataclass(frozen=True, slots=True)
class Power:
    """A base with an exponent."""

    base: Math
    exponent: Math


@dataclass(frozen=True, slots=True)
class Root:
    """A square root."""

    body: Math


@dataclass(frozen=True, slots=True)
class Operator:
    """A named function of one argument that needs no parentheses around an atom: `log x`."""

    name: str
    body: Math


@dataclass(frozen=True, slots=True)
class Apply:
    """A named function with its arguments in parentheses."""

    name: str
    arguments: tuple[Math, ...]


@dataclass(frozen=True, slots=True)
class Indexed:
    """An element, row or column of an array; None is a whole axis."""

    base: Math
    places: tuple[Math | None, ...]


@dataclass(frozen=True, slots=True)
class Fence:
    """A body between marks: `abs`, `norm`, `floor`, `holds` (1 where it holds), `set`, `list`."""

    kind: str
    body: Math


@dataclass(frozen=True, slots=True)
class Big:
    """An operator over indices: `sum`, `prod`, `max`, `min`, `mean`, `var` and the like."""

    name: str
    under: Math | None
    body: Math


@dataclass(frozen=True, slots=True)
class Cases:
    """Values by condition, the first that holds; the last may have none."""

    rows: tuple[tuple[Math, Math | None], ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """A chain of comparisons, membership among them."""

    first: Math
    links: tuple[tuple[str, Math], ...]


@dataclass(frozen=True, slots=True)
class Logic:
    """`and` or `or` of several conditions."""

    operator: str
    operands: tuple[Math, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary of a condition."""

    operand: Math


@dataclass(frozen=True, slots=True)
class Listed:
    """Items after one another, with commas."""

    items: tuple[Math, ...]


Math = (
    Symbol
    | Number
    | Phrase
    | Sum
    | Product
    | Fraction
    | Power
    | Root
    | Operator
    | Apply
    | Indexed
    | Fence
    | Big
    | Cases
    | Relation
    | Logic
    | Not
    | Listed
)

# How tightly each kind binds. `OPEN` is what reads on to the right, such as `log x` or a big sum:
# only the last factor of a product may stand open.
CHOICE, LIST, LOGIC, RELATION, SUM, OPEN, PRODUCT, POWER, ATOM = range(9)


def binding(node: Math) -> int:
    """Return how tightly a node holds together."""
    match node:
        case Cases():
            return CHOICE
        case Listed():
            return LIST
        case Logic():
            return LOGIC
        case Relation():
            return RELATION
        case Sum():
            return SUM
        case Big() | Operator():
            return OPEN
        case Product(factors):
            return OPEN if binding(factors[-1]) == OPEN else PRODUCT
        case Fraction():
            return PRODUCT
        case Power() | Not():
            return POWER
        case _:
            return ATOM


def stands_open(operator: Operator) -> bool:
    """Whether what an operator is applied to needs no parentheses, so that it reads on."""
    body = operator.body
    return binding(body) >= POWER or isinstance(body, Operator | Big)


ZERO, ONE, TWO = Number(0), Number(1), Number(2)
HALF = Fraction(ONE, TWO)


def with_parts(node: Math, change: Callable[[Math], Math]) -> Math:
    """Return a node with each of its parts changed."""
    parts = {name: _changed(getattr(node, name), change) for name in field_names(type(node))}
    return replace(node, **parts)


def _changed(value: Any, change: Callable[[Math], Math]) -> Any:
    if isinstance(value, tuple):
        return tuple(_changed(item, change) for item in cast("tuple[Any, ...]", value))
    return change(cast("Math", value)) if is_dataclass(value) else value


def below_once(node: Math) -> Iterator[Math]:
    """Yield the parts of a node, and not what is in them."""
    waiting: list[Any] = [getattr(node, name) for name in field_names(type(node))]
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, tuple):
            waiting = [*cast("tuple[Any, ...]", value), *waiting]
        elif is_dataclass(value):
            yield cast("Math", value)


def below(node: Math) -> Iterator[Math]:
    """Yield a node and all nodes in it."""
    waiting: list[Any] = [node]
    while waiting:
        value = waiting.pop()
        if isinstance(value, tuple):
            waiting.extend(reversed(cast("tuple[Any, ...]", value)))
        elif is_dataclass(value):
            yield cast("Math", value)
            waiting.extend(getattr(value, name) for name in reversed(field_names(type(value))))
