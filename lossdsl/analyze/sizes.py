"""What a program would cost: operations, chains of them, terms, ranks and symbols."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from lossdsl.core.graph import Apply, Core, Node, operands, tape
from lossdsl.core.places import in_calls
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.inputs.declarations import Declared, symbols_of
from lossdsl.limits import Limits
from lossdsl.syntax import ast
from lossdsl.types.dims import Dim
from lossdsl.types.dtypes import bytes_of
from lossdsl.types.types import ArrayType, arrays_of, map_dims


def input_sizes(declared: Mapping[str, Declared], limits: Limits) -> Iterator[Diagnostic]:
    """Yield declared types with too many dims, and too many symbols in all."""
    for declaration in declared.values():
        for node in ast.walk(declaration.type):
            if isinstance(node, ast.ArrayTypeExpr) and len(node.dims) > limits.rank:
                message = f"`{declaration.name}` has {len(node.dims)} dims; at most {limits.rank}"
                yield at("LD612", message, node.span)
    symbols = symbols_of(declared.values())
    if len(symbols) > limits.symbols:
        message = f"{len(symbols)} dim symbols; at most {limits.symbols}"
        yield at("LD612", message, list(symbols.values())[limits.symbols])


def declared_sizes(program: ast.Program, declared: Mapping[str, Declared]) -> Iterator[Diagnostic]:
    """Yield declared sizes that are below 0 whatever the sizes of their symbols are."""
    definitions = (
        statement for statement in program.statements if isinstance(statement, ast.Definition)
    )
    signatures = (definition.signature for definition in definitions)
    for root in (*(declaration.type for declaration in declared.values()), *signatures):
        for node in ast.walk(root):
            if isinstance(node, ast.DimExpr) and Dim(node.constant, node.terms).most < 0:
                message = f"the size `{node.span.text}` is below 0"
                yield at("LD223", message, node.span, help="no axis has a size below 0")


def program_sizes(core: Core, program: ast.Program, limits: Limits) -> Iterator[Diagnostic]:
    """Yield what is too large to compile, and warn of what compiles slowly."""
    span = program.statements[-1].span
    order = tape([*(outcome.value for outcome in core.results), *core.metrics.values()])
    if len(order) > limits.nodes:
        yield at(
            "LD603",
            f"a program of {len(order)} operations after expanding definitions; at most "
            f"{limits.nodes}",
            span,
            help="split it into several losses",
        )
        return
    if len(order) > limits.nodes_warning:
        yield at(
            "LD613",
            f"a program of {len(order)} operations compiles slowly",
            span,
            help="share what is repeated in bindings, or split the loss",
        )
    for outcome in core.results:
        if len(outcome.terms) > limits.terms_warning:
            yield at(
                "LD613",
                f"a loss of {len(outcome.terms)} terms compiles slowly",
                span,
                help="`map` applies one function to many leaves",
            )
    # The sum of the terms is bounded by their number.
    roots = [term.raw for outcome in core.results for term in outcome.terms]
    chain = longest_chain([*roots, *core.metrics.values()])
    if chain > limits.chain:
        yield at(
            "LD611",
            f"a chain of {chain} operations, each on the one before; at most {limits.chain}",
            span,
            help="`recurrence` steps along an axis; `cumsum` and `sum` add along one",
        )


Made = tuple[Node, ArrayType]
"""An array that a program makes, and the operation that makes it."""


def made_values(core: Core) -> tuple[Made, ...]:
    """Return the arrays that a program makes, the first of each shape and dtype."""
    made: dict[object, Made] = {}
    for node in tape(core.roots):
        for type in arrays_of(core.graph.types[node]) if isinstance(node, Apply) else ():
            made.setdefault((type.dtype, type.dims), (node, type))
    return tuple(made.values())


def array_sizes(
    core: Core, made: Iterable[Made], limits: Limits, sizes: Mapping[str, int] | None = None
) -> Iterator[Diagnostic]:
    """Yield the first value that is too large to be made; if there is none, the largest that grew.

    Values are counted by their shapes, where these are known, at a call of these `sizes`; inputs
    exist already, and what is no larger than one of them is no growth.
    """
    sizes = sizes or {}
    inputs = [array_type for type in core.inputs.values() for array_type in arrays_of(type)]
    given = max((_elements(array_type, sizes) for array_type in inputs), default=0)
    largest: tuple[int, Node, ArrayType] | None = None
    for node, type in made:
        elements = _elements(type, sizes)
        size = elements * bytes_of(type.dtype)
        if size > limits.array_bytes:
            help = "reduce it in parts, or raise `Limits(array_bytes=…)`"
            more = f"; at most {_shown(limits.array_bytes)}"
            yield _large(core, node, "LD614", type, sizes, size, more, help)
            return
        if elements > given and size > max(
            limits.array_bytes_warning, largest[0] if largest else 0
        ):
            largest = size, node, type
    if largest is not None:
        size, node, type = largest
        help = "reduce before an axis is added, or work through it in parts"
        yield _large(core, node, "LD615", type, sizes, size, "", help)


def _elements(type: ArrayType, sizes: Mapping[str, int]) -> int:
    """Return how many elements an array has; 0 where that is not known."""
    shape = type.shape_at(sizes)
    return 0 if shape is None else math.prod(shape)


def _large(
    core: Core,
    node: Node,
    code: str,
    type: ArrayType,
    sizes: Mapping[str, int],
    size: int,
    more: str,
    help: str,
) -> Diagnostic:
    place = next(iter(core.graph.places.get(node, ())), None)
    message = f"a value of {_shown(size)}{more}"
    shown = str(map_dims(type, lambda dim: dim.sized(sizes)))
    diagnostic = at(code, message, place.span if place else None, shown, help=help)
    return in_calls(diagnostic, place.calls if place else ())


def _shown(size: int) -> str:
    """Return a number of bytes in the unit that makes it short."""
    unit = min(max(size.bit_length() - 1, 0) // 10, 5)
    return f"{size / 1024**unit:.3g} {('bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB')[unit]}"


def longest_chain(roots: list[Node]) -> int:
    """Return the length of the longest path from an input to a root."""
    depth: dict[Node, int] = {}
    for node in tape(roots):
        depth[node] = 1 + max((depth[operand] for operand in operands(node)), default=-1)
    return max((depth[root] for root in roots), default=0)
