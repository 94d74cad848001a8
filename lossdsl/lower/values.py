"""What a call passes: JAX values with their concrete types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, at
from lossdsl.selectors import duplicates, flatten
from lossdsl.syntax import ast
from lossdsl.types.dtypes import dtype_name
from lossdsl.types.types import (
    ARRAY,
    SCALAR,
    STRONG,
    ArrayType,
    RecordType,
    TreeType,
    Type,
    literal_dim,
)

_NUMBERS = (bool, int, float, complex)
_NO_NUMBERS = "OSUMm"  # NumPy's kinds of objects, texts and dates


def array_type(value: Any, name: str) -> ArrayType:
    """Return the concrete type of an array, a traced array or a shape."""
    dtype = dtype_name(value.dtype)
    if dtype is None:
        raise LossError(
            [
                at(
                    "LD219",
                    f"`{name}` is {value.dtype}, which is no dtype of the language",
                    None,
                    help="the dtypes: f16 bf16 f32 f64, i8 to i64, u8 to u64, bool",
                )
            ]
        )
    dims = tuple(literal_dim(int(size)) for size in value.shape)
    return ArrayType(dtype, dims, ARRAY if dims else SCALAR)


def as_array(leaf: Any, name: str) -> Any:
    """Return a number as an array, and an array as it is."""
    if isinstance(leaf, _NUMBERS):
        return jnp.asarray(leaf)
    found = no_array(leaf, name)
    if found is not None:
        raise LossError([found])
    return leaf


def no_array(leaf: Any, name: str) -> Diagnostic | None:
    """Say what a leaf is that JAX cannot take; None if it can."""
    dtype = getattr(leaf, "dtype", None)
    numeric = isinstance(leaf, _NUMBERS) or getattr(dtype, "kind", "O") not in _NO_NUMBERS
    if numeric and not isinstance(leaf, jax.ShapeDtypeStruct):
        return None
    kind = type(leaf).__name__
    what = kind if dtype is None else f"{kind} of {getattr(dtype, 'name', dtype)}"
    message = f"`{name}` is a {what}, not an array"
    help = f"pass the arrays only, such as `eqx.filter({name.partition('/')[0]}, eqx.is_array)`"
    return at("LD213", message, None, help=help)


def concrete(value: Any, declared: ast.TypeExpr | None, name: str, limit: int) -> tuple[Type, Any]:
    """Return the type of one input and the value in the form that the tape reads.

    Arrays stay arrays; a tree becomes the list of its leaves, in the order of its type.
    """
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return array_type(value, name), value
    if isinstance(declared, ast.RecordTypeExpr):
        return _record(value, declared, name, limit)
    if value is None:
        raise LossError([at("LD213", f"`{name}` is None, not an array", None)])
    flat = flatten(value)
    if len(flat.paths) > limit:
        raise LossError(
            [at("LD609", f"`{name}` has {len(flat.paths)} leaves; at most {limit}", None)]
        )
    twice = duplicates(flat.paths)
    if twice:
        shown = ", ".join(f"`{'/'.join(path)}`" for path in twice[:3])
        raise LossError(
            [
                at(
                    "LD304",
                    f"two leaves of `{name}` have one path: {shown}",
                    None,
                    help="rename one of them; keys that contain `/` are split",
                )
            ]
        )
    names = ["/".join((name, *path)) for path in flat.paths]
    arrays = [as_array(leaf, one) for leaf, one in zip(flat.leaves, names, strict=True)]
    types = [array_type(leaf, one) for leaf, one in zip(arrays, names, strict=True)]
    if flat.paths == [()]:
        return types[0], arrays[0]
    leaves = zip(flat.paths, map(_strong_leaf, types), strict=True)
    return TreeType(None, tuple(leaves)), arrays


def _strong_leaf(type: ArrayType) -> ArrayType:
    return type if type.dims else replace(type, strength=STRONG)


def _record(
    value: Any, declared: ast.RecordTypeExpr, name: str, limit: int
) -> tuple[RecordType, list[Any]]:
    """Pick the fields that a record declares, of a mapping or an object with attributes."""
    fields: list[tuple[str, Type]] = []
    leaves: list[Any] = []
    for one in declared.fields:
        inner = field_of(value, one.name, name)
        type, below = concrete(inner, one.type, f"{name}.{one.name}", limit)
        fields.append((one.name, type))
        leaves += below if isinstance(below, list) else [below]
    return RecordType(tuple(fields)), leaves


def field_of(value: Any, field: str, name: str) -> Any:
    """Return a field of a mapping, named tuple or dataclass."""
    if isinstance(value, Mapping):
        if field in value:
            return value[field]  # type: ignore[no-any-return]
        given = ", ".join(f"`{key}`" for key in value)
    elif hasattr(value, field):
        return getattr(value, field)
    else:
        given = f"a {type(value).__name__}"
    raise LossError(
        [at("LD217", f"`{name}` has no field `{field}`", None, help=f"the call passes {given}")]
    )


def only_fields(value: Any, declared: ast.TypeExpr | None, name: str) -> Any:
    """Return a record as a dict of the fields that are declared; anything else as it is."""
    if not isinstance(declared, ast.RecordTypeExpr):
        return value
    return {
        one.name: only_fields(field_of(value, one.name, name), one.type, f"{name}.{one.name}")
        for one in declared.fields
    }
