"""What a call passes: JAX values with their concrete types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from lossdsl.diagnostics.diagnostic import LossError, article, at
from lossdsl.lower.array_arguments import as_array, host_arrays, refusal
from lossdsl.lower.symbolic import dim_of
from lossdsl.selectors import duplicates, flatten
from lossdsl.syntax import ast
from lossdsl.types.dtypes import KNOWN_DTYPES, dtype_name, has
from lossdsl.types.types import (
    ARRAY,
    SCALAR,
    STRONG,
    ArrayType,
    RecordType,
    TreeType,
    Type,
)
from lossdsl.types.unread_leaves import Unread, unread


def array_type(value: Any, name: str) -> ArrayType:
    """Return the concrete type of an array, a traced array or a shape."""
    dtype = dtype_name(value.dtype)
    if str(value.dtype).startswith("key<"):
        message = f"`{name}` is a key of random numbers, not an array of them"
        help = "pass what is drawn with it, such as `jax.random.normal(key, shape)`"
        raise LossError([at("LD219", message, None, help=help)])
    if dtype is None:
        raise LossError(
            [
                at(
                    "LD219",
                    f"`{name}` is {value.dtype}, which is no dtype of the language",
                    None,
                    help=KNOWN_DTYPES,
                )
            ]
        )
    dims = tuple(map(dim_of, value.shape))
    return ArrayType(dtype, dims, ARRAY if dims else SCALAR)


def concrete(value: Any, declared: ast.TypeExpr | None, name: str, limit: int) -> tuple[Type, Any]:
    """Return the type of one input and the value in the form that the tape reads.

    Arrays stay arrays; a tree becomes the list of its leaves, in the order of its type.
    """
    if isinstance(value, (jax.Array, np.ndarray, np.generic)):
        return array_type(as_array(value, name), name), value
    if isinstance(declared, ast.RecordTypeExpr):
        return _record(value, declared, name, limit)
    if value is None or hasattr(type(value), "todense"):  # JAX takes both for trees
        as_array(value, name)
    flat = flatten(value)
    if len(flat.paths) > limit:
        raise LossError(
            [at("LD609", f"`{name}` has {len(flat.paths)} leaves; at most {limit}", None)]
        )
    read = flat.read
    paths = [flat.paths[place] for place in read]
    twice = duplicates(paths)
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
    if flat.paths == [()]:
        array = as_array(flat.leaves[0], name)
        return array_type(array, name), array
    names = ["/".join((name, *path)) for path in paths]
    arrays = [
        as_array(flat.leaves[place], leaf_name)
        for place, leaf_name in zip(read, names, strict=True)
    ]
    types = [array_type(leaf, leaf_name) for leaf, leaf_name in zip(arrays, names, strict=True)]
    leaves = zip(paths, map(_strong_leaf, types), strict=True)
    return TreeType(None, tuple(leaves), unread=flat.unread_of(name)), arrays


jax.tree_util.register_pytree_node(Unread, lambda leaf: ((), leaf), lambda leaf, _: leaf)


def without_unread(value: Any) -> Any:
    """Return a tree in whose place of a leaf that JAX cannot take stands what it is.

    What stands there has no leaves, so that `jit` passes the tree on, paths and all.
    """
    leaves, treedef = jax.tree.flatten(value)
    if jax.tree_util.all_leaves([value]) or not any(map(_refused, leaves)):
        return value
    return jax.tree.unflatten(treedef, [_refused(leaf) or leaf for leaf in leaves])


def restored(value: Any, before: Any) -> Any:
    """Return a tree with the leaves again that `without_unread` took from the one before."""
    leaves, treedef = jax.tree.flatten(before)
    if not any(map(_refused, leaves)):
        return value
    changed = iter(jax.tree.leaves(value))
    merged = [leaf if _refused(leaf) else next(changed) for leaf in leaves]
    return jax.tree.unflatten(treedef, merged)


_LEAF = "tree/leaf"


def _refused(leaf: Any) -> Unread | None:
    """Return what a leaf is that JAX refuses as an argument; keys and foreign dtypes it takes."""
    reason = unread(leaf)
    if reason is None or isinstance(leaf, (jax.Array, Unread)):
        return None
    refused = refusal(leaf, _LEAF)
    if refused is None or refused.left_out:
        return reason
    return replace(reason, what=refused.what, help=refused.help)


def _strong_leaf(type: ArrayType) -> ArrayType:
    return type if type.dims else replace(type, strength=STRONG)


def _record(
    value: Any, declared: ast.RecordTypeExpr, name: str, limit: int
) -> tuple[RecordType, list[Any]]:
    """Pick the fields that a record declares, of a mapping or an object with attributes."""
    fields: list[tuple[str, Type]] = []
    leaves: list[Any] = []
    for field in declared.fields:
        inner = field_of(value, field.name, name)
        type, below = concrete(inner, field.type, f"{name}.{field.name}", limit)
        fields.append((field.name, type))
        leaves += below if isinstance(below, list) else [below]
    return RecordType(tuple(fields)), leaves


def field_of(value: Any, field: str, name: str) -> Any:
    """Return a field of a mapping, named tuple or dataclass."""
    if isinstance(value, Mapping):
        if field in value:
            return value[field]  # type: ignore[no-any-return]
        passed = ", ".join(f"`{key}`" for key in value)
    elif has(value, field):
        return getattr(value, field)
    else:
        passed = article(type(value).__name__)
    raise LossError(
        [
            at(
                "LD217",
                f"`{name}` has no field `{field}`",
                None,
                help=f"the call passes {passed or 'nothing'}",
            )
        ]
    )


def only_fields(value: Any, declared: ast.TypeExpr | None, name: str) -> Any:
    """Return a record as a dict of the fields that are declared; anything else as it is."""
    if not isinstance(declared, ast.RecordTypeExpr):
        return host_arrays(value, name)
    return {
        field.name: only_fields(
            field_of(value, field.name, name), field.type, f"{name}.{field.name}"
        )
        for field in declared.fields
    }
