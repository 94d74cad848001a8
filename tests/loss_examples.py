"""A spec for each loss of the library that calls it with every option, made from its signature.

The inputs come three times: clean, with garbage where `kept` is false (prefix `dirty_`), and with
nothing but garbage (prefix `lost_`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from oracle import Tree, Value
from programs import expected

from lossdsl.library.declare import Builtin, builtins
from lossdsl.syntax import ast

CLEAN = (
    "",
    'reduce="sum"',
    'reduce="none"',
    "weight=weights",
    'weight=weights, reduce="sum"',
    'weight=weights, reduce="none"',
    'weight=weights, reduce="mean", normalize="count"',
    'weight=weights, reduce="mean", normalize="all"',
    'weight=weights, reduce="mean", normalize=7.5',
    'weight=cancelling, reduce="sum"',
)
MASKED = (
    "where=kept",
    'where=kept, reduce="sum"',
    'where=kept, reduce="none"',
    "where=kept, weight=dirty_weights",
    'where=kept, weight=dirty_weights, reduce="sum"',
    'where=kept, weight=dirty_weights, reduce="none"',
    'where=kept, weight=dirty_weights, reduce="mean", normalize="count"',
    'where=kept, reduce="mean", normalize="count"',
    'where=kept, reduce="mean", normalize="all"',
    'where=kept, reduce="mean", normalize=7.5',
)
ALONG_AN_AXIS = ("axis=0", 'axis=-1, reduce="sum"', "weight=weights, axis=0")
MASKED_ALONG_AN_AXIS = ("where=kept, axis=0", "where=kept, axis=-1, weight=dirty_weights")
LOST = (
    "where=nothing",
    'where=nothing, reduce="sum"',
    'where=nothing, reduce="none"',
    "where=nothing, weight=weights",
    "weight=0*weights",
)

# Optional parameters that change the mask, the weight or the law.
MORE = {
    ("cross_entropy", 0): (
        "smoothing=0.1",
        "ignore_index=1",
        "ignore_index=1, weight=weights",
        "class_weight=(0.5, 2.0, 1.0)",
        'class_weight=(0.5, 2.0, 1.0), normalize="count", weight=weights',
    ),
    ("cross_entropy", 1): ("smoothing=0.1",),
    ("focal", 0): ("gamma=1.5",),
    ("huber", 0): ("delta=0.5",),
    ("sparsity", 0): ("norm=square",),
    ("integral_crossentropy", 0): ("smoothing=0",),
    ("summed_exp_boundary", 0): ("lower=-0.5", "upper=0.5", "lower=-0.5, upper=0.5"),
}

RUN = (4, 2)
SIZES = {"K": 3, "T": 5}
Axes = tuple[tuple[str, int], ...]  # a name and a size for each axis


@dataclass(frozen=True)
class Example:
    """A spec whose metrics `m0`, `m1`, … are the `variants`, and whose loss is their sum."""

    text: str
    variants: tuple[str, ...]
    inputs: Mapping[str, Any]


@dataclass(frozen=True)
class Operand:
    """An argument of a call: its value, and the axes that tell where a mask lies over it."""

    name: str
    value: Any
    axes: Axes


def cases() -> Iterator[tuple[Builtin, int]]:
    """Yield every loss of the library with the number of each of its definitions."""
    for function in builtins().functions.values():
        if function.is_loss:
            yield from ((function, at) for at in range(len(function.signatures)))


def example(function: Builtin, variant: int) -> Example:
    """Return the spec of one definition of a loss."""
    random = np.random.default_rng(7)
    signature = function.signatures[variant]
    # An axis counted from the front says how many axes come before it.
    fronts = [one.default.value for one in signature.parameters if _is_front(one)]
    run = RUN[: min(fronts, default=2)]
    given = [_operand(parameter, run, random) for parameter in signature.parameters]
    operands = [operand for operand in given if operand is not None]
    plain = {one.name: one.value for one in operands if not isinstance(one.value, str)}

    def call(options: str, prefix: str = "") -> str:
        names = [one.value if isinstance(one.value, str) else prefix + one.name for one in operands]
        return f"{function.name}({', '.join([*names, *filter(None, [options])])})"

    none = call('reduce="none"')
    unreduced = expected(f"loss = {call('')}\nmetric u = {none}", plain).metrics["u"]
    is_tree = isinstance(unreduced, dict)
    axes = () if is_tree else _axes(signature.result, run)
    kept = _like(unreduced, lambda shape: random.random(shape) < 0.6)
    weights = _like(unreduced, lambda shape: random.uniform(0.5, 2.0, shape))
    more = MORE.get((function.name, variant), ())
    calls = [
        *map(call, (*CLEAN, *more, *(ALONG_AN_AXIS if axes else ()))),
        *(call(one, "dirty_") for one in (*MASKED, *(MASKED_ALONG_AN_AXIS if axes else ()))),
        *(call(one, "lost_") for one in LOST),
    ]
    inputs = {
        **plain,
        **{f"dirty_{one.name}": _spoiled(one, kept, axes) for one in operands if one.name in plain},
        **{f"lost_{one.name}": _spoiled(one, None, axes) for one in operands if one.name in plain},
        "kept": _nested(kept),
        "nothing": _nested(_like(unreduced, lambda shape: np.zeros(shape, bool))),
        "weights": _nested(weights),
        "dirty_weights": _nested(_where(kept, weights)),
        "cancelling": _nested(_like(unreduced, _cancelling)),
    }
    return Example(_spec(calls, is_tree), tuple(calls), inputs)


def _spec(calls: Sequence[str], is_tree: bool) -> str:
    """Return the text with each call as a metric, unreduced trees as their sum."""
    values = [f"sum({call})" if is_tree and "none" in call else call for call in calls]
    return "\n".join(
        [
            *(f"v{at} = {value}" for at, value in enumerate(values)),
            *(f"metric m{at} = v{at}" for at in range(len(values))),
            f"loss = {' + '.join(f'sum(v{at})' for at in range(len(values)))}",
        ]
    )


def _is_front(parameter: ast.Parameter) -> bool:
    match parameter:
        case ast.Parameter(type=ast.WordTypeExpr("axis"), default=ast.Literal()):
            return True
        case _:
            return False


def _operand(
    parameter: ast.Parameter, run: tuple[int, ...], random: np.random.Generator
) -> Operand | None:
    match parameter:
        case ast.Parameter(default=default) if default is not None:
            return None
        case ast.Parameter(name, ast.ArrayTypeExpr(dims=())):
            return Operand(name, "0.4", ())
        case ast.Parameter(name, ast.ArrayTypeExpr() as type):
            axes = _axes(type, run)
            return Operand(name, _array(type, tuple(size for _, size in axes), random), axes)
        case ast.Parameter(name, ast.TreeTypeExpr(leaf)):
            kind = leaf or ast.ArrayTypeExpr("float", (), None, parameter.span)
            shapes = {"b": (4, 3), "a": {"w": (4, 2, 2), "v": (4, 2)}}
            return Operand(name, _tree(shapes, lambda shape: _array(kind, shape, random)), ())
        case _:
            return None


def _tree(shapes: Any, make: Callable[[tuple[int, ...]], Any]) -> Any:
    if isinstance(shapes, tuple):
        return make(shapes)
    return {name: _tree(inner, make) for name, inner in shapes.items()}


def _axes(type: ast.TypeExpr | None, run: tuple[int, ...]) -> Axes:
    """Return the axes of a pattern, each a name and a size; equal names are equal axes."""
    found: list[tuple[str, int]] = []
    for dim in type.dims if isinstance(type, ast.ArrayTypeExpr) else ():
        match dim:
            case ast.Run(name):
                found += [(f"{name}{at}", size) for at, size in enumerate(run)]
            case ast.DimExpr(_, ((symbol, _),)):
                found.append((symbol, SIZES.get(symbol, 4)))
            case _:
                found.append(("_", 4))
    return tuple(found)


def _array(
    type: ast.ArrayTypeExpr, shape: tuple[int, ...], random: np.random.Generator
) -> np.ndarray:
    match type.role, type.dtype:
        case "labels", _:
            return random.integers(0, SIZES["K"], shape)
        case (("probs" | "one_hot"), _):
            positive = random.uniform(0.2, 1, shape)
            return positive / positive.sum(-1, keepdims=True)
        case "signs", _:
            return random.choice([-1.0, 1.0], shape)
        case "spikes", _:
            return random.choice([0.0, 1.0], shape)
        case _, "bool":
            return random.random(shape) < 0.5
        case _:
            return 1.5 * random.normal(size=shape)


def _like(value: Value, make: Callable[[tuple[int, ...]], Any]) -> Value:
    """Return arrays of the same shapes, in a tree of the same structure."""
    if isinstance(value, dict):
        return {path: np.asarray(make(leaf.shape)) for path, leaf in value.items()}
    return np.asarray(make(value.shape))


def _where(kept: Value, value: Value) -> Value:
    if isinstance(value, dict):
        return {path: _where(kept[path], leaf) for path, leaf in value.items()}
    return np.where(kept, value, np.nan)


def _cancelling(shape: tuple[int, ...]) -> np.ndarray:
    """Return weights that sum to 0, none of which is 0; a single one cannot cancel."""
    flat = np.resize([1.0, -1.0], shape).ravel()
    return (flat - flat.mean()).reshape(shape) if flat.size > 1 else flat.reshape(shape)


def _spoiled(operand: Operand, kept: Value | None, axes: Axes) -> Any:
    """Return an operand with garbage wherever nothing that reads it is kept."""
    if isinstance(kept, dict) or isinstance(operand.value, dict):
        return _spoiled_tree(operand.value, kept)
    value = operand.value
    if kept is None:
        return np.full_like(value, _garbage(value))
    names = [name for name, _ in operand.axes]
    absent = tuple(at for at, (name, _) in enumerate(axes) if name not in names)
    present = [name for name, _ in axes if name in names]
    mask = np.any(kept, axis=absent)
    order = sorted(range(len(present)), key=lambda at: names.index(present[at]))
    shape = [size if name in present else 1 for name, size in operand.axes]
    return np.where(mask.transpose(order).reshape(shape), value, _garbage(value))


def _spoiled_tree(value: Any, kept: Any, path: tuple[str, ...] = ()) -> Any:
    if isinstance(value, Mapping):
        return {name: _spoiled_tree(one, kept, (*path, name)) for name, one in value.items()}
    mask = kept[path] if isinstance(kept, dict) else False if kept is None else bool(kept)
    return np.where(mask, value, _garbage(value))


def _garbage(value: np.ndarray) -> Any:
    return -1000 if value.dtype.kind == "i" else False if value.dtype == bool else np.nan


def _nested(value: Value | Tree) -> Any:
    """Return a tree as nested dicts."""
    if not isinstance(value, dict):
        return value
    nested: dict[str, Any] = {}
    for path, leaf in value.items():
        inner = nested
        for segment in path[:-1]:
            inner = inner.setdefault(segment, {})
        inner[path[-1]] = leaf
    return nested
