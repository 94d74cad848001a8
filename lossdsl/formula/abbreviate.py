"""Long formulas made short: what occurs several times, and cases inside, get names of their own.

A part that depends on indices is named with them, so that `s_nm` also stands for `s_nn`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import is_dataclass
from typing import Any, cast

from lossdsl.formula.math import (
    Apply,
    Big,
    Cases,
    Fraction,
    Indexed,
    Listed,
    Math,
    Number,
    Operator,
    Phrase,
    Power,
    Relation,
    Sum,
    Symbol,
    below,
    with_parts,
)
from lossdsl.formula.symbols import split
from lossdsl.formula.unicode import text
from lossdsl.syntax.walk import field_names

LONG = 80  # columns from which on a formula is worth naming its parts
_SHORTEST = 9  # characters that a name must save at each place
_MOST = 6
_LETTERS = "srcuvwhabdefgopqxyz"

Equation = tuple[Math, Math]


def abbreviated(left: Math, right: Math, parameters: Set[str]) -> tuple[Equation, ...]:
    """Return an equation and those of the names that it uses, each before what it uses itself."""
    taken = {split(node.name)[0] for node in below(right) if isinstance(node, Symbol)}
    taken |= {node.name for node in below(left) if isinstance(node, Symbol)} | parameters
    names = iter([letter for letter in _LETTERS if letter not in taken])
    indices = _indices(right, parameters)
    named: list[Equation] = []
    for _ in range(_MOST):
        part = _worth_naming([right, *(value for _, value in named)], indices)
        letter = next(names, None)
        if part is None or letter is None:
            break
        free = [
            symbol for symbol in _symbols(part) if symbol in indices and symbol not in _bound(part)
        ]
        name = _name(letter, free)

        def put(node: Math, part: Math = part, letter: str = letter, free: Any = free) -> Math:
            return _put(node, part, letter, free, indices)

        right = put(right)
        named = [(head, put(value)) for head, value in named]
        named.append((name, part))
    named = [(head, flattened(value)) for head, value in named]
    return ((left, flattened(right)), *_ordered(right, named))


def flattened(node: Math) -> Math:
    """Return a node in which the element of what has a name is written with all its places."""
    node = with_parts(node, flattened)
    match node:
        case Indexed(Indexed(Symbol() as base, outer), inner) if not any(
            place is None or isinstance(place, Phrase) for place in outer
        ):
            return Indexed(base, (*outer, *inner))
        case _:
            return node


def _name(letter: str, places: Sequence[Math]) -> Math:
    return Indexed(Symbol(letter), tuple(places)) if places else Symbol(letter)


def _ordered(right: Math, named: list[Equation]) -> list[Equation]:
    """Return the names in the order in which they are first read."""
    order: list[Equation] = []
    waiting = [right]
    while waiting:
        names = {node.name for node in below(waiting.pop(0)) if isinstance(node, Symbol)}
        for equation in named:
            if symbol_of(equation[0]) in names and equation not in order:
                order.append(equation)
                waiting.append(equation[1])
    return order


def symbol_of(name: Math) -> str:
    """Return the name that an equation is of, without its indices; "" of a call."""
    base = name.base if isinstance(name, Indexed) else name
    return base.name if isinstance(base, Symbol) else ""


def _indices(right: Math, parameters: Set[str]) -> frozenset[Math]:
    """Return the symbols that count elements: small letters that are no parameters."""
    letters = (node for node in below(right) if isinstance(node, Symbol) and len(node.name) == 1)
    return frozenset(
        symbol for symbol in letters if symbol.name.islower() and symbol.name not in parameters
    )


def _bound(node: Math) -> set[Math]:
    return {
        index for part in below(node) if isinstance(part, Big) for index in _counted(part.under)
    }


def _counted(under: Math | None) -> Iterator[Math]:
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


def _symbols(node: Math) -> list[Math]:
    return list(dict.fromkeys(symbol for symbol in below(node) if isinstance(symbol, Symbol)))


def _worth_naming(roots: Sequence[Math], indices: frozenset[Math]) -> Math | None:
    """Return cases inside of something, else what saves most where it is named, or None."""
    for root in roots:
        inner = _inner_cases(root)
        if inner is not None:
            return inner
    if max(len(text(root)) for root in roots) <= LONG:
        return None
    nodes = [node for root in roots for node in below(root)]
    best, saved = None, 0
    seen: set[Math] = set()
    for part in nodes:
        if part in seen or not _can_be_named(part):
            continue
        seen.add(part)
        length = len(text(part))
        if length < _SHORTEST:
            continue
        free = {symbol for symbol in _symbols(part) if symbol in indices} - _bound(part)
        count = sum(1 for node in nodes if _match(part, node, indices, {}, free) is not None)
        gain = (length - 2) * (count - 1)
        if count > 1 and gain > saved:
            best, saved = part, gain
    return best


def _can_be_named(node: Math) -> bool:
    return isinstance(node, Sum | Fraction | Power | Big | Operator | Apply) or (
        type(node).__name__ in ("Product", "Fence", "Root")
    )


def _inner_cases(root: Math) -> Math | None:
    top = root.rows if isinstance(root, Cases) else ()
    starts = [part for row in top for part in row if part is not None] or [root]
    inside = [node for start in starts for node in below(start) if isinstance(node, Cases)]
    return min((node for node in inside if node is not root), key=_weight, default=None)


def _weight(node: Math) -> int:
    return sum(1 for _ in below(node))


def _match(
    pattern: Any, node: Any, indices: frozenset[Math], binding: dict[Math, Math], free: set[Math]
) -> Mapping[Math, Math] | None:
    """Return which indices stand for those of the pattern, if a node is an instance of it."""
    if isinstance(pattern, Symbol) and pattern in free:
        if node not in indices and not isinstance(node, Number | Symbol):
            return None
        return binding if binding.setdefault(pattern, node) == node else None
    if type(pattern) is not type(node):
        return None
    if isinstance(pattern, tuple):
        items, others = cast("tuple[Any, ...]", pattern), cast("tuple[Any, ...]", node)
        if len(items) != len(others):
            return None
        matched = all(
            _match(item, other, indices, binding, free) is not None
            for item, other in zip(items, others, strict=True)
        )
        return binding if matched else None
    if not is_dataclass(pattern):
        return binding if pattern == node else None
    matched = all(
        _match(getattr(pattern, name), getattr(node, name), indices, binding, free) is not None
        for name in field_names(type(pattern))
    )
    return binding if matched else None


def _put(
    node: Math, part: Math, letter: str, free: Sequence[Math], indices: frozenset[Math]
) -> Math:
    """Return a node with the name for every instance of a part."""
    binding = _match(part, node, indices, {}, set(free))
    if binding is not None:
        return _name(letter, [binding[index] for index in free])
    change: Callable[[Math], Math] = lambda inner: _put(inner, part, letter, free, indices)  # noqa: E731
    return with_parts(node, change)
