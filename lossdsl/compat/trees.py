"""Trees that a caller passes beside each other: parameters, and bounds that mirror them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, at
from lossdsl.library.suggest import did_you_mean
from lossdsl.lower.array_arguments import as_array
from lossdsl.lower.callable import explain
from lossdsl.selectors import Flat, duplicates, flatten
from lossdsl.types.types import Path


def floating(tree: Any, name: str) -> Any:
    """Return a tree with the leaves that are no floats, such as counts, as floats.

    >>> floating({"delay": 2, "gain": None}, "params")
    {'delay': Array(2., dtype=float32), 'gain': None}
    """
    return mapped(as_float, tree, name)


def as_float(leaf: Any) -> Any:
    """Return an array as it is if it holds floats, else as the default float."""
    return jnp.asarray(leaf, _float_of(leaf))


def mapped(function: Callable[[Any], Any], tree: Any, name: str) -> Any:
    """Return a tree with each leaf, as an array, put through a function."""
    flat = _flattened({name: tree})[name]
    leaves = [function(leaf) for leaf in _arrays(flat, name).values()]
    return jax.tree.unflatten(flat.treedef, leaves)


def matched(params: Any, **bounds: Any) -> list[Any]:
    """Return the lower and the upper bounds as trees of the parameters' structure, all floats.

    Each has one bound for every leaf, found by its path: a scalar or an array of the leaf's shape.
    Raises LD301 for a leaf without a bound and for a bound without a leaf, LD303 for a bound of
    another shape, and LD302 for bounds that leave no value, where they are known at the call.

    >>> import jax.numpy as jnp
    >>> lower, upper = matched({"tau": jnp.ones(2)}, lower={"tau": 0.1}, upper={"tau": 2})
    >>> upper
    {'tau': Array(2., dtype=float32)}
    """
    flats = _flattened({"params": params} | bounds)
    leaves = _arrays(flats["params"], "params")
    sides = {name: _arrays(flats[name], name) for name in bounds}
    problems = [
        problem for name, side in sides.items() for problem in _misplaced(leaves, side, name)
    ]
    if not problems:
        lower, upper = sides.values()
        problems = [
            problem
            for path, leaf in leaves.items()
            if (problem := _crossed(path, leaf, lower[path], upper[path])) is not None
        ]
    if problems:
        raise LossError(problems)
    return [
        jax.tree.unflatten(
            flats["params"].treedef, [_converted(side[path], leaves[path]) for path in leaves]
        )
        for side in sides.values()
    ]


def _flattened(trees: Mapping[str, Any]) -> dict[str, Flat]:
    try:
        return {name: flatten(tree) for name, tree in trees.items()}
    except ValueError as problem:
        explain(problem, trees)


def _arrays(flat: Flat, name: str) -> dict[Path, Any]:
    """Return the leaves by path; two of one path are refused."""
    if twice := duplicates(flat.paths):
        message = f"two leaves of `{name}` have one path: `{_shown(twice[0])}`"
        help = "rename one of them; keys that contain `/` are split"
        raise LossError([at("LD304", message, None, help=help)])
    named = zip(flat.paths, flat.leaves, strict=True)
    return {path: as_array(leaf, "/".join((name, *path))) for path, leaf in named}


def _misplaced(
    leaves: Mapping[Path, Any], bounds: Mapping[Path, Any], name: str
) -> list[Diagnostic]:
    """Say which leaves have no bound, which bounds no leaf, and which another shape."""
    diagnostics: list[Diagnostic] = []
    for path in leaves.keys() - bounds.keys():
        help = "`make_bounds(params)` has one for every leaf; an infinite one costs nothing"
        diagnostics.append(at("LD301", f"`{name}` has none for `{_shown(path)}`", None, help=help))
    for path in bounds.keys() - leaves.keys():
        message = f"`{_shown(path)}` of `{name}` names no leaf of the parameters"
        help = did_you_mean(_shown(path), map(_shown, leaves)) or "bounds are matched by path"
        diagnostics.append(at("LD301", message, None, help=help))
    for path in leaves.keys() & bounds.keys():
        bound, leaf = bounds[path], leaves[path]
        if bound.shape not in ((), leaf.shape):
            message = f"`{_shown(path)}` of `{name}` has the shape {bound.shape}"
            help = f"a bound is a scalar or has the shape of its leaf, {leaf.shape}"
            diagnostics.append(at("LD303", message, None, help=help))
    return sorted(diagnostics, key=lambda diagnostic: (diagnostic.code, diagnostic.message))


def _crossed(path: Path, leaf: Any, lower: Any, upper: Any) -> Diagnostic | None:
    """Say between which bounds of a leaf there is no value; traced ones are not known yet."""
    if isinstance(lower, Tracer) or isinstance(upper, Tracer):
        return None
    low, high = np.broadcast_arrays(np.asarray(lower, float), np.asarray(upper, float))
    whole = not jnp.issubdtype(leaf.dtype, jnp.floating)
    apart = np.ceil(low) > np.floor(high) if whole else low > high
    if not apart.any():
        return None
    at_ = np.argmax(apart)
    what = "integer" if whole else "value"
    message = f"no {what} of `{_shown(path)}` is between {low.flat[at_]:g} and {high.flat[at_]:g}"
    help = "swap the bounds" if low.flat[at_] > high.flat[at_] else "the leaf holds integers"
    return at("LD302", message, None, help=help)


def _converted(bound: Any, leaf: Any) -> Any:
    """Return a bound as a float; a scalar takes the leaf's dtype, as a literal would.

    That of a leaf without elements has none either, since both are left out of the cost.
    """
    if leaf.size == 0:
        return jnp.zeros(leaf.shape, _float_of(leaf))
    floats = bound.ndim and jnp.issubdtype(bound.dtype, jnp.floating)
    return bound if floats else jnp.asarray(bound, _float_of(leaf))


def _float_of(leaf: Any) -> Any:
    return leaf.dtype if jnp.issubdtype(leaf.dtype, jnp.floating) else float


def _shown(path: Path) -> str:
    return "/".join(path) or "the array itself"
