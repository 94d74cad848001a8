"""A call by name: indices of runs within, of what the function makes behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from lossdsl.core.graph import Apply, Input, Node
from lossdsl.formula.math import Apply as Call
from lossdsl.formula.math import Big, Math, Phrase, Relation, Symbol
from lossdsl.formula.reader import (
    Place,
    Places,
    Reader,
    couples,
    named_operands,
    number,
    operands,
    placed,
)
from lossdsl.syntax import ast
from lossdsl.syntax.options import AXIS, NORMALIZE, REDUCE, WEIGHT, WHERE
from lossdsl.types.types import Dim

_IDLE = {NORMALIZE: "weight"}
_OPTIONS = (WHERE, WEIGHT)
_UNSAID = ("reads", "each", REDUCE)


def named(reader: Reader, node: Apply, places: Places) -> Math:
    """Return a call by name, with the options that are given."""
    function = node.function
    if function.elementwise and not node.undecided:
        shown = [reader.part(operand, places) for operand in node.arguments if operand is not None]
        return Call(function.name, (*shown, *_statics(reader, node)))
    if function.reduction:
        reader = replace(reader, masks=reader.masks | {operands(node).get(WHERE)})
    usual = _reduction(node)
    if usual is not None:
        return Big(usual, None, Call(function.name, tuple(_arguments(reader, node, ()))))
    if node.option("each") is not None:
        return Call(function.name, tuple(_arguments(reader, node, places, each=True)))
    inside = _run(reader, node, places)
    dims = reader.dims(node)
    behind = None if dims is None else dims[inside:]
    shown = tuple(_arguments(reader, node, places[:inside]))
    return placed(Call(function.name, shown), places[inside:], behind)


def own_mask(mask: Node | None, weight: Node | None) -> Node | None:
    """Return the mask of a reduction but for what its weight says: an element of weight 0."""
    if mask is None or weight is None or not isinstance(mask, Apply):
        return mask
    if mask.function.operator == "!=" and mask.arguments[0] is weight:
        return None
    if mask.function.operator == "and" and own_mask(mask.arguments[0], weight) is None:
        return mask.arguments[1]
    return mask


def _reduction(node: Apply) -> str | None:
    """Return by what the call of a loss reduces; None where it does not, or in its own way."""
    given = dict(node.options)
    if not (node.undecided and node.function.is_loss) or given.keys() & {AXIS, NORMALIZE}:
        return None
    if {WHERE, WEIGHT} & {name for name, _ in named_operands(node)}:
        return None
    defaults = (p.default for p in node.function.signatures[0].parameters if p.name == REDUCE)
    default = next(defaults, None)
    usual = given.get(REDUCE) or (default.value if isinstance(default, ast.Text) else "mean")
    return str(usual) if usual in ("mean", "sum") else None


def _arguments(reader: Reader, node: Apply, outside: Places, each: bool = False) -> Iterator[Math]:
    required = {
        parameter.name
        for signature in node.function.signatures
        for parameter in signature.parameters
        if parameter.default is None and parameter.name not in _OPTIONS
    }
    given = operands(node)
    for name, operand in named_operands(node):
        if name == WHERE and own_mask(operand, given.get(WEIGHT)) is None:
            continue
        if name not in required and isinstance(operand, Input) and operand.name == name:
            continue
        value = (reader.part if each else partial(_argument, reader))(operand, outside)
        yield value if name in required else Relation(Symbol(name), (("=", value),))
    yield from _statics(reader, node)


def _statics(reader: Reader, node: Apply) -> Iterator[Math]:
    """Yield the static options that differ from what holds without them."""
    defaults = {
        parameter.name: parameter.default
        for parameter in node.function.signatures[0].parameters
        if parameter.default is not None
    }
    typed = {parameter.name for parameter in node.function.signatures[0].parameters
             if not isinstance(parameter.type, ast.OptionalTypeExpr)}  # fmt: skip
    for name, value in node.options:
        if value in (None, False, ()) or name in _UNSAID or _IDLE.get(name) == value:
            continue
        if reader.chosen.get(name) == value or (isinstance(value, Dim) and value.name == name):
            continue
        default = defaults.get(name)
        if isinstance(default, ast.Literal | ast.Text) and default.value == value:
            continue
        if name == AXIS and not node.undecided and not node.function.reduction:
            continue
        shown = Phrase(value) if name == AXIS and isinstance(value, str) else number(value)
        required = name not in defaults and name in typed
        yield shown if required else Relation(Symbol(name), (("=", shown),))


def _run(reader: Reader, node: Apply, places: Places) -> int:
    """Return how many places are those of the examples that a call has one by one."""
    dims = reader.dims(node)
    signature = node.function.signatures[0]
    if dims is None or not isinstance(signature.result, ast.ArrayTypeExpr) or not places:
        return 0
    pattern = signature.result.dims
    if (
        not pattern
        or not isinstance(pattern[0], ast.Run)
        or pattern[0].name is None
        or node.function.reduction
    ):
        return 0
    return max(len(places) - len(pattern) + 1, 0)


def _argument(reader: Reader, node: Node, outside: Places) -> Math:
    """Return an argument at the places of its example.

    What pairs rows with columns is written with indices, also along the axes that it keeps.
    """
    dims = reader.dims(node)
    if dims is None:
        return reader.read(node, ())
    places: list[Place] = [*outside, *[None] * (len(dims) - len(outside))][: len(dims)]
    if len(dims) < len(outside):
        return reader.part(node, outside)
    for axis, dim in enumerate(dims):
        if places[axis] is None and not _is_run(dim) and couples(node):
            places[axis], _, reader = reader.fresh(dim)
    return reader.read(node, places)


def _is_run(dim: Dim) -> bool:
    return (dim.name or "").startswith("*")
