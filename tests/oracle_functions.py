"""Functions of arrays for the oracle, one entry each: NumPy and SciPy, by definition."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from oracle_reductions import reduce_array
from scipy import special

Array = np.ndarray


def real(compute: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that takes integers as the floats that they are."""
    return lambda *operands, **options: compute(
        *(np.asarray(one, np.float64) for one in operands), **options
    )


def softplus(x: Array) -> Array:
    return np.logaddexp(0.0, x)


def gelu(x: Array, approximate: bool = True) -> Array:
    if not approximate:
        return x * special.ndtr(x)
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def keep(mask: Array, x: Array, fill: float) -> Array:
    return np.where(mask, x, np.asarray(fill).astype(x.dtype))


def limit_cost(x: Array, bound: Array, scale: Array, side: str, strict: bool, law: str) -> Array:
    """Price the distance d beyond a bound, in units of the scale; inside d is negative."""
    apart = np.where(x == bound, 0, x - bound)
    d = {"lower": -apart, "upper": apart, "equal": np.abs(apart)}[side] / scale
    if law == "softplus":
        return softplus(d)
    if law == "log_barrier":
        edge = 0.1
        parabola = 0.5 * (((-d - 2 * edge) / edge) ** 2 - 1) - np.log(edge)
        return np.where(np.isneginf(d), 0, np.where(-d > edge, -np.log(-d), parabola))
    price = {"exp": lambda d: np.exp(np.minimum(d, 700)), "hinge": np.abs, "quadratic": np.square}
    inside = (d < 0) if strict else (d <= 0)
    return np.where(inside, 0, price[law](d))


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "held": lambda x: np.abs(x) < 2**30,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": real(np.divide),
    "floordiv": np.floor_divide,
    "mod": np.mod,
    "power": real(np.power),
    "negative": np.negative,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_not": np.logical_not,
    "where": np.where,
    "keep": keep,
    "safe_divide": real(lambda x, y: np.where(y == 0, 0, np.divide(x, np.where(y == 0, 1, y)))),
    "l0_share": real(lambda x, sigma: 1 / (1 + sigma / x**4)),
    "limit_cost": real(limit_cost),
    "zeros": np.zeros_like,
    "abs": np.abs,
    "exp": real(np.exp),
    "log": real(np.log),
    "log1p": real(np.log1p),
    "expm1": real(np.expm1),
    "sqrt": real(np.sqrt),
    "square": np.square,
    "sign": np.sign,
    "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "minimum": np.minimum,
    "maximum": np.maximum,
    "sin": real(np.sin),
    "cos": real(np.cos),
    "erf": real(special.erf),
    "gammaln": real(special.gammaln),
    "xlogy": real(special.xlogy),
    "weigh": real(lambda weight, x: np.where((weight == 0) & np.isinf(x), 0, weight * x)),
    "nan_unless": lambda condition, x: np.where(condition, x, np.nan),
    "entr": real(special.entr),
    "round": real(np.round),
    "floor": real(np.floor),
    "isfinite": np.isfinite,
    "stop_gradient": np.asarray,
    "sg": np.asarray,
    "tanh": real(np.tanh),
    "sigmoid": real(special.expit),
    "log_sigmoid": real(lambda x: -softplus(-x)),
    "softplus": real(softplus),
    "relu": lambda x: np.maximum(x, 0),
    "gelu": real(gelu),
    "silu": real(lambda x: x * special.expit(x)),
    "elu": real(lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))),
}


# Forms: what the syntax desugars to.


def index(x: Array, items: tuple[tuple[Any, ...], ...]) -> Array:
    numpy = {"at": lambda position: position, "slice": slice, "new": lambda: None}
    return x[tuple(numpy[kind](*rest) for kind, *rest in items)]


def align(x: Array, order: tuple[int, ...], expand: tuple[int, ...]) -> Array:
    return np.expand_dims(np.transpose(x, order), expand)


def project(mask: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
    return np.any(mask, axis=axes, keepdims=keepdims)


def pairwise_distance(a: Array, b: Array, squared: bool = False) -> Array:
    apart = a[:, None] - b[None, :]
    return np.sum(apart**2, -1) if squared else np.linalg.norm(apart, axis=-1)


# Along axes.


def log_softmax(x: Array, temperature: Any = None, where: Any = None, axis: Any = -1) -> Array:
    x = x / (1.0 if temperature is None else temperature)
    x = x if where is None else np.where(where, x, -np.inf)
    total = special.logsumexp(x, axis=axis, keepdims=True)
    return np.where(np.isneginf(x), -np.inf, x - total)


def pick_log_softmax(x: Array, index: Array, where: Any = None, axis: int = -1) -> Array:
    logs = log_softmax(x, None, where, axis)
    return np.squeeze(take_along(logs, np.expand_dims(index, axis), axis), axis)


def softmax(x: Array, temperature: Any = None, where: Any = None, axis: Any = -1) -> Array:
    return np.exp(log_softmax(x, temperature, where, axis))


def normalize(x: Array, axis: Any = -1) -> Array:
    length = np.sqrt(np.sum(np.square(x), axis=axis, keepdims=True))
    return np.where(length == 0, 0, np.divide(x, length))


def one_hot(y: Array, classes: int) -> Array:
    return (y[..., None] == np.arange(classes)).astype(np.float64)


def ordered(find: Callable[..., Any], x: Array, axis: int, descending: bool) -> Array:
    return find(-x if descending else x, axis=axis, kind="stable")


def argsort(x: Array, axis: int = -1, descending: bool = False) -> Array:
    return ordered(np.argsort, x, axis, descending)


def sort(x: Array, axis: int = -1, descending: bool = False) -> Array:
    found = ordered(np.sort, x, axis, descending)
    return -found if descending else found


def cumsum(x: Array, axis: int = -1, reverse: bool = False) -> Array:
    return np.flip(np.cumsum(np.flip(x, axis), axis), axis) if reverse else np.cumsum(x, axis)


def recurrence(b: Array, a: Array, axis: int, reverse: bool = False) -> Array:
    steps = np.moveaxis(b, axis, 0)
    factors = np.moveaxis(np.broadcast_to(a, b.shape), axis, 0)
    result = np.zeros_like(steps)
    state = np.zeros(steps.shape[1:])
    for at in reversed(range(len(steps))) if reverse else range(len(steps)):
        state = result[at] = steps[at] + factors[at] * state
    return np.moveaxis(result, 0, axis)


# Rearranging and picking.


def picked(x: Array, index: Array, axis: int, gather: Callable[..., Array]) -> Array:
    """Gather along an axis; for floats, NaN where the position is out of range."""
    size = x.shape[axis]
    fill = np.nan if x.dtype.kind == "f" else True
    missing = np.full((*x.shape[:axis], 1, *x.shape[axis + 1 :]), fill, x.dtype)
    padded = np.concatenate([x, missing], axis=axis)
    return gather(padded, np.where((index < 0) | (index >= size), size, index), axis=axis)


def take(x: Array, index: Array, axis: int = 0) -> Array:
    return picked(x, index, axis % x.ndim, np.take)


def take_along(x: Array, index: Array, axis: int = -1) -> Array:
    return picked(x, index, axis % x.ndim, np.take_along_axis)


def diag(x: Array) -> Array:
    return np.diag(x) if x.ndim == 1 else np.diagonal(x, axis1=-2, axis2=-1)


def pooled(
    reduce: Callable[..., Any], x: Array, window: Any, strides: Any = None, padding: str = "valid"
) -> Array:
    """Reduce each window over the axes before the last; at edges only what lies inside counts."""
    strides = strides or window
    first = x.ndim - 1 - len(window)
    places: list[list[slice]] = []
    for size, width, stride in zip(x.shape[first:-1], window, strides, strict=True):
        if padding == "valid":
            starts = range(0, size - width + 1, stride)
        else:
            count = -(-size // stride)
            before = max((count - 1) * stride + width - size, 0) // 2
            starts = range(-before, count * stride - before, stride)
        places.append([slice(max(start, 0), start + width) for start in starts])
    axes = tuple(range(first, x.ndim - 1))
    lead = (slice(None),) * first
    results = [reduce(x[(*lead, *where)], axis=axes) for where in itertools.product(*places)]
    shape = (*x.shape[:first], *map(len, places), x.shape[-1])
    return np.stack(results, axis=first).reshape(shape)


def segment_sum(x: Array, by: Array, segments: int) -> Array:
    if by.ndim > 1:
        return np.stack([segment_sum(*rows, segments) for rows in zip(x, by, strict=True)])
    return np.stack([x[by == group].sum(0) for group in range(segments)])


def segment_mean(x: Array, by: Array, segments: int) -> Array:
    if by.ndim > 1:
        return np.stack([segment_mean(*rows, segments) for rows in zip(x, by, strict=True)])
    counts = [max(1, np.count_nonzero(by == group)) for group in range(segments)]
    return np.stack([x[by == group].sum(0) / n for group, n in enumerate(counts)])


ARRAYS: dict[str, Callable[..., Any]] = {
    "index": index,
    "permute": lambda x, order: np.transpose(x, order),
    "align": align,
    "project": project,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "pick_log_softmax": pick_log_softmax,
    "positions": lambda x, axis=-1: np.indices(x.shape)[axis].astype(np.int32),
    "pairwise_distance": real(pairwise_distance),
    "normalize": normalize,
    "one_hot": one_hot,
    "arange": lambda stop: np.arange(stop),
    "argmax": lambda x, axis=-1: np.argmax(x, axis),
    "argmin": lambda x, axis=-1: np.argmin(x, axis),
    "sort": sort,
    "argsort": argsort,
    "rank": lambda x, axis=-1, descending=False: np.argsort(argsort(x, axis, descending), axis),
    "top_k": lambda x, k, axis=-1: np.take(sort(x, axis, True), np.arange(k), axis),
    "cumsum": cumsum,
    "diff": lambda x, axis=-1: np.diff(x, axis=axis),
    "recurrence": recurrence,
    "matmul": np.matmul,
    "einsum": lambda *operands, equation: np.einsum(equation.replace(" ", ""), *operands),
    "diag": diag,
    "max_pool": lambda x, **options: pooled(np.max, x, **options),
    "avg_pool": lambda x, **options: pooled(np.mean, x, **options),
    "segment_sum": segment_sum,
    "segment_mean": segment_mean,
    "quantile": lambda x, q, where=None, axis=None: reduce_array(
        "quantile", [x, where], {"axis": axis, "q": q}
    ),
    "reshape": lambda x, shape: np.reshape(x, shape),
    "transpose": lambda x, axes=None: np.transpose(x, axes),
    "squeeze": lambda x, axis=None: np.squeeze(x, axis),
    "expand": lambda x, axis: np.expand_dims(x, axis),
    "concatenate": lambda *xs, axis=(0,): np.concatenate(xs, axis=np.ravel(axis)[0]),
    "stack": lambda *xs, axis=0: np.stack(xs, axis),
    "broadcast": lambda x, like: np.broadcast_to(x, like.shape),
    "take": take,
    "take_along": take_along,
}

COSTS: Mapping[str, Callable[[list[Array]], Any]] = {
    "sum": lambda costs: sum(cost.sum() for cost in costs),
    "mean": lambda costs: np.concatenate([cost.ravel() for cost in costs]).mean(),
    "max": lambda costs: np.concatenate([cost.ravel() for cost in costs]).max(),
}
