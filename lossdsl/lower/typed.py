"""Values held against the types of their nodes: what a kernel returns is what core says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np

from lossdsl.core.graph import Apply, Graph
from lossdsl.core.leaves import tree_leaves
from lossdsl.diagnostics.defect import defect
from lossdsl.diagnostics.diagnostic import LossError
from lossdsl.library.abstract import described
from lossdsl.lower.jax_dtypes import jax_dtype
from lossdsl.types.dtypes import LONG_NAMES, dtype_name
from lossdsl.types.types import CLASSES, LITERAL, ArrayType, Type, kind, map_dims


def misfit(type: Type, value: Any) -> tuple[str, str] | None:
    """Return what a value is and what its type says, where the two differ; None if they agree.

    >>> import numpy as np
    >>> from lossdsl.types.types import array
    >>> misfit(array("i32", ()), np.float32(1))
    ('f32[]', 'i32[]')
    """
    pairs = [(type, value)]
    if not isinstance(type, ArrayType):
        leaves = tree_leaves(type)
        if not isinstance(value, list | tuple):
            return _shown(value), f"a list of {len(leaves)} arrays"
        parts = cast("Sequence[Any]", value)
        if len(parts) != len(leaves):
            return f"{described(value)} of length {len(parts)}", f"a list of {len(leaves)} arrays"
        pairs = [(leaf, part) for (_, leaf), part in zip(leaves, parts, strict=True)]
    wrong = next(((leaf, part) for leaf, part in pairs if not _is_of(leaf, part)), None)
    return None if wrong is None else (_shown(wrong[1]), str(wrong[0]))


def hold(graph: Graph, node: Apply, value: Any, sizes: Mapping[str, int]) -> None:
    """Raise `LossError` unless a value has the dtype and the shape of its node at a call."""
    type = graph.types[node]
    # The common case is decided first: it is asked of every operation of every trace.
    if _is_exactly(type, value, sizes):
        return
    wrong = misfit(at_call(type, sizes), value)
    if wrong is not None:
        places = graph.places.get(node)
        message = f"`{node.function.name}` returns {wrong[0]} where core says {wrong[1]}"
        raise LossError([defect(message, places[0].span if places else None)])


def at_call(type: Type, sizes: Mapping[str, int]) -> Type:
    """Return a type with the sizes that it has at a call."""
    return map_dims(type, lambda dim: dim.sized(sizes))


def _is_exactly(type: Type, value: Any, sizes: Mapping[str, int]) -> bool:
    return (
        isinstance(type, ArrayType)
        and type.dtype in LONG_NAMES
        and hasattr(value, "dtype")
        and value.dtype == jax_dtype(type.dtype)
        and getattr(value, "shape", None) == type.shape_at(sizes)
    )


def _is_of(type: Type, value: Any) -> bool:
    if not isinstance(type, ArrayType):
        return True
    dtype = getattr(value, "dtype", None)
    if dtype is None:
        return isinstance(value, (bool, int, float)) and type.shape == ()
    name = dtype_name(dtype)
    loose = type.dtype in CLASSES or type.strength == LITERAL
    same = name == type.dtype or (loose and name is not None and kind(name) == kind(type.dtype))
    return same and type.shape in (None, np.shape(value))


def _shown(value: Any) -> str:
    name = dtype_name(value.dtype) if hasattr(value, "dtype") else None
    return described(value) if name is None else f"{name}[{', '.join(map(str, value.shape))}]"
