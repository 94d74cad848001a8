"""What a caller gives `compile`: specs in their forms, and types of inputs in theirs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lossdsl.check.core import Apply
from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.lower.dtypes import dtype_name
from lossdsl.lower.tape import tree_leaves
from lossdsl.source import Source
from lossdsl.types.types import ArrayType, Type


def spec_parts(spec: Any, inputs: Mapping[str, Any] | None) -> tuple[Source, dict[str, str]]:
    """Return the text of a spec and the type texts of its inputs."""
    types = {name: type_text(name, value) for name, value in (inputs or {}).items()}
    if isinstance(spec, str):
        return Source(spec), types
    if isinstance(spec, Source):
        return spec, types
    if isinstance(spec, Mapping):
        text = spec.get("text", spec.get("loss"))
        if not isinstance(text, str):
            raise LossError([at("LD705", "a spec in mapping form has a `text`", None)])
        return Source(text), {**dict(spec.get("inputs", {})), **types}
    source, own = getattr(spec, "source", None), getattr(spec, "inputs", None)
    if isinstance(source, Source) and isinstance(own, Mapping):
        return source, {**dict(own), **types}
    raise LossError(
        [
            at(
                "LD705",
                f"a spec is a text, a mapping or a `LossSpec`, not a {type(spec).__name__}",
                None,
            )
        ]
    )


def type_text(name: str, value: Any) -> str:
    """Return the type of an input as text: of a string, an array, a shape, an annotation, a tree.

    >>> import numpy as np
    >>> type_text("out", np.zeros((2, 3), np.float32))
    'f32[2, 3]'
    """
    if isinstance(value, str):
        return value
    if hasattr(value, "dim_str") and hasattr(value, "dtypes"):
        return _annotation(name, value)
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        dtype = dtype_name(value.dtype)
        if dtype is None:
            raise LossError(
                [at("LD219", f"`{name}` is {value.dtype}, no dtype of the language", None)]
            )
        return f"{dtype}[{', '.join(str(size) for size in value.shape)}]"
    return "tree"


def _annotation(name: str, value: Any) -> str:
    """Return the type of a jaxtyping annotation such as `Float[Array, "b t c"]`."""
    words = {dtype_name(_Named(dtype)) for dtype in value.dtypes}
    known = sorted(word for word in words if word)
    dtype = (
        known[0]
        if len(known) == 1
        else "float"
        if all(word.startswith(("f", "b")) for word in known)
        else "int"
        if not any(word.startswith("f") for word in known)
        else "any"
    )
    dims = value.dim_str.split()
    return f"{dtype}[{', '.join(dims)}]"


class _Named:
    def __init__(self, name: str):
        self.name = name


def count(type: Type, node: Apply, kept: Sequence[Any]) -> Any:
    """Return the sum of the weights that a mean divides by, or how many elements it has."""
    import jax.numpy as jnp

    if isinstance(type, ArrayType):
        shapes = [type.shape or ()]
    else:
        shapes = [leaf.shape or () for _, leaf in tree_leaves(type)]
    size = sum(math.prod(shape) for shape in shapes)
    if not kept or node.option("normalize") == "all":
        return jnp.asarray(size, jnp.float32)
    total: Any = 0.0
    for place, shape in enumerate(shapes):
        factor: Any = 1.0
        for one in kept:
            part = one[place] if isinstance(one, list) else one
            if node.option("normalize") == "count":
                part = part != 0
            factor = factor * part
        total = total + jnp.sum(jnp.broadcast_to(factor, shape), dtype=jnp.float32)
    return total
