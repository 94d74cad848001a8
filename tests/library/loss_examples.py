"""A spec for each loss of the library that calls it with every option, made from its signature.

The inputs come clean, and with garbage where `kept` is false (prefix `dirty_`). There are two sets
of them: in the second nothing is kept, so that the `dirty_` ones are nothing but garbage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from oracle import Tree, Value
from programs import expected

import lossdsl
from lossdsl.library.declare import Builtin, Library, builtins
from lossdsl.syntax import ast
from lossdsl.testing.draw import Sizes, draw, run_of

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
WITHOUT_WEIGHT = ("weight=0*weights",)

# What every loss is tried with, beside the rows of test_differential.py, which are clean; a few of
# each kind of signature are tried with all of the above.
BRIEF = ("where=kept, weight=dirty_weights",)
THOROUGH = {
    "mse", "sse", "cross_entropy", "kl", "integral_crossentropy", "mse_rate", "sparsity", "l0",
    "summed_exp_boundary", "info_nce",
}  # fmt: skip

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
    ("sparsity", 0): ("norm=square",),
    ("integral_crossentropy", 0): ("smoothing=0",),
    ("summed_exp_boundary", 0): ("lower=-0.5", "upper=0.5", "lower=-0.5, upper=0.5"),
}

# Inputs that must fit each other: labels that five frames can say, none of them the blank.
GIVEN = {"ctc": {"y": np.tile(np.int32([1, 2, 1, 2]), (4, 2, 1))}}

# Operands that a value reads at other places than its own, so that their garbage may show.
READ_ELSEWHERE = {"lm_cross_entropy": ("z",), "cox": ("risk", "time")}

SIZES = Sizes(run=(4, 2), dims={"K": 3, "T": 5}, other=4)
Axes = tuple[tuple[str, int], ...]  # a name and a size for each axis


@dataclass(frozen=True)
class Example:
    """A spec whose metrics `m0`, `m1`, … are the `variants`, and whose loss is their sum."""

    text: str
    variants: tuple[str, ...]
    inputs: Mapping[str, Any]
    lost: Mapping[str, Any]

    @property
    def clean(self) -> frozenset[str]:
        """The inputs that hold no garbage in either set."""
        return frozenset(self.inputs) - {one for one in self.inputs if one.startswith("dirty_")}


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
    required = [one for one in signature.parameters if one.required]
    text = f"{function.name}({', '.join(map(_argument, required))})"
    plain = {**draw(function, text, 7, SIZES, variant), **GIVEN.get(function.name, {})}
    run = run_of(function, text, SIZES)
    operands = [
        Operand(one.name, plain[one.name], _axes(one.type, run))
        for one in required
        if one.name in plain
    ]

    def call(options: str, prefix: str = "") -> str:
        names = [prefix + one.name if one.name in plain else _argument(one) for one in required]
        return f"{function.name}({', '.join([*names, *filter(None, [options])])})"

    none = call('reduce="none"')
    unreduced = expected(f"loss = {call('')}\nmetric u = {none}", plain).metrics["u"]
    is_tree = isinstance(unreduced, dict)
    axes = () if is_tree else _axes(signature.result, run)
    kept = _like(unreduced, lambda shape: random.random(shape) < 0.6)
    weights = _like(unreduced, lambda shape: random.uniform(0.5, 2.0, shape))
    more = MORE.get((function.name, variant), ())
    clean, masked = more, BRIEF
    if function.name in THOROUGH:
        clean = (*CLEAN, *more, *(ALONG_AN_AXIS if axes else ()))
        along = MASKED_ALONG_AN_AXIS if axes else ()
        masked = (*MASKED, *along, *WITHOUT_WEIGHT)
    calls = [*map(call, clean), *(call(one, "dirty_") for one in masked)]
    elsewhere = READ_ELSEWHERE.get(function.name, ())
    text = _spec(calls, is_tree)

    def given(kept: Value, spoiled: Callable[[Operand], Any]) -> Mapping[str, Any]:
        inputs = {
            **plain,
            **{f"dirty_{one.name}": spoiled(one) for one in operands},
            "kept": _nested(kept),
            "weights": _nested(weights),
            "dirty_weights": _nested(_where(kept, weights)),
            "cancelling": _nested(_like(unreduced, _cancelling)),
        }
        return {name: one for name, one in inputs.items() if re.search(rf"\b{name}\b", text)}

    def partly(one: Operand) -> Any:
        return one.value if one.name in elsewhere else _spoiled(one, kept, axes)

    nothing = _like(unreduced, lambda shape: np.zeros(shape, bool))
    lost = given(nothing, lambda one: _spoiled(one, None, axes))
    return Example(text, tuple(calls), given(kept, partly), lost)


def couples(function: Builtin, variant: int, library: Library | None = None) -> bool:
    """Return whether a masked call is warned of (LD413): garbage in one example reaches others."""
    signature = function.signatures[variant]
    required = [one for one in signature.parameters if one.required]
    text = f"{function.name}({', '.join([*map(_argument, required), 'where=kept'])})"
    rank = len(run_of(function, text, SIZES))
    assert signature.result is not None
    result = re.sub(r".*?\[|^\w+$", "bool[", signature.result.span.text, count=1, flags=re.DOTALL)

    def axes(run: re.Match[str]) -> str:
        return ", ".join(f"{run[1]}{at}" for at in range(rank))

    written = {one.name: one.type.span.text for one in required if one.type is not None}
    types = {
        name: re.sub(r"\*(\w+)", axes, type.rpartition("|")[2].strip()).replace("float", "f64")
        for name, type in {**written, "kept": f"{result.rstrip(']')}]"}.items()
        if "[" in type or name == "kept"
    }
    found = lossdsl.check(text, types, library).diagnostics
    assert {one.code for one in found} <= {"LD413"}, found
    return bool(found)


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


def _argument(parameter: ast.Parameter) -> str:
    """Return an input of the parameter's name, or a literal where no array is wanted."""
    match parameter.type:
        case ast.ArrayTypeExpr(dims=()):
            return "0.4"
        case ast.WordTypeExpr(word="static"):
            return "2"
        case _:
            return parameter.name


def _axes(type: ast.TypeExpr | None, run: tuple[int, ...]) -> Axes:
    """Return the axes of a pattern, each a name and a size; equal names are equal axes."""
    found: list[tuple[str, int]] = []
    for dim in type.dims if isinstance(type, ast.ArrayTypeExpr) else ():
        match dim:
            case ast.Run(name):
                found += [(f"{name}{at}", size) for at, size in enumerate(run)]
            case ast.DimExpr(symbols=(symbol,)):
                found.append((symbol, SIZES.dims.get(symbol, 4)))
            case ast.DimExpr(constant, ()):
                found.append((str(constant), constant))
            case _:
                found.append(("_", 4))
    return tuple(found)


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
    names = [name for name, _ in operand.axes]
    absent = tuple(at for at, (name, _) in enumerate(axes) if name not in names)
    present = [name for name, _ in axes if name in names]
    if kept is None:
        # A mask over other axes, as examples are beside a table of classes, covers nothing of it.
        covered = present or not axes
        return np.full_like(value, _garbage(value)) if covered else value
    mask = np.any(kept, axis=absent)
    order = sorted(range(len(present)), key=lambda at: names.index(present[at]))
    shape = [size if name in present else 1 for name, size in operand.axes]
    return np.where(mask.transpose(order).reshape(shape), value, _garbage(value))


def _spoiled_tree(value: Any, kept: Any, path: tuple[str, ...] = ()) -> Any:
    if isinstance(value, Mapping):
        return {name: _spoiled_tree(one, kept, (*path, name)) for name, one in value.items()}
    # What a loss does not read, such as a leaf that is no matrix, is garbage throughout.
    mask = kept.get(path, False) if isinstance(kept, dict) else bool(kept)
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
