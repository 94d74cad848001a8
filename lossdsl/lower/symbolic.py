"""Sizes that `jax.export` leaves open: symbols while a spec is checked, JAX's own in kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
from jax import export

from lossdsl.core.graph import Apply, Graph
from lossdsl.core.places import in_calls
from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, at
from lossdsl.library.abstract import read_size
from lossdsl.polynomial import Polynomial
from lossdsl.source import Span
from lossdsl.types.dims import Dim, literal_dim, substitute, symbol_dim

# The symbols of a call end like those of an expanded definition, so that they are none of a text.
_MARK = "@call"


def dim_of(size: Any) -> Dim:
    """Return a size of an array as a dim: a number, or a polynomial of what JAX leaves open.

    >>> str(dim_of(3)), str(dim_of(export.symbolic_shape("2*b + 1")[0]))
    ('3', '2*b+1')
    """
    if not export.is_symbolic_dim(size):
        return literal_dim(int(size))
    return substitute(_polynomial(size), lambda name: symbol_dim(name + _MARK))


def open_sizes(inputs: Any) -> Mapping[str, Any]:
    """Return what each symbol stands for that the arrays of a call have in their shapes."""
    sizes: dict[str, Any] = {}
    for leaf in jax.tree.leaves(inputs):
        for size in getattr(leaf, "shape", ()):
            if export.is_symbolic_dim(size):
                sizes |= _symbols(size)
    return sizes


def _symbols(size: Any) -> dict[str, Any]:
    names = _polynomial(size).symbols
    if names == (str(size),):
        return {str(size) + _MARK: size}
    symbols = export.symbolic_shape(", ".join(names), scope=size.scope)
    return {name + _MARK: symbol for name, symbol in zip(names, symbols, strict=True)}


def _polynomial(size: Any) -> Polynomial:
    """Return a size in its symbols; one that is no polynomial, as by a division, is a symbol."""
    text = str(size)
    return read_size(text) or Polynomial(0, (((text,), 1),))


def run_with_open_sizes(graph: Graph, node: Apply, operands: Sequence[Any]) -> Any:
    """Return the value of an operation; raise `LossError` (LD225) where it asks for a number."""
    try:
        return node.function.kernel(*operands, **dict(node.options))
    except Exception as problem:  # of a kernel that runs where sizes are numbers
        places = graph.places.get(node)
        wrong = _needs_number(
            f"`{node.function.name}`", problem, places[0].span if places else None
        )
        raise LossError([in_calls(wrong, places[0].calls) if places else wrong]) from problem


def open_size_problem(problem: Exception) -> Diagnostic | None:
    """Say that a gradient asks for the number of an open size; None if that is not what it is."""
    # By its name: it stands in another module of each release of JAX.
    if type(problem).__name__ != "InconclusiveDimensionOperation":
        return None
    return _needs_number("a gradient of the loss", problem, None)


def _needs_number(what: str, problem: Exception, span: Span | None) -> Diagnostic:
    first, *_ = str(problem).splitlines() or [""]
    return at(
        "LD225",
        f"{what} depends on a size that `jax.export` leaves open",
        span,
        notes=(f"JAX says: {first}",),
        help="say what holds of it, such as `symbolic_shape('b', constraints=['b >= 2'])`, "
        "or pass the number",
    )
