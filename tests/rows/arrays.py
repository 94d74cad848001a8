"""Functions along axes, shapes, products and groups, against NumPy and SciPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import signal, special

from rows.row import FINITE, Row

Given = Callable[[np.random.Generator, Mapping[str, Any]], Mapping[str, Any]]


def shaped(**shapes: tuple[int, ...]) -> Given:
    """Real inputs of given shapes."""
    return lambda random, drawn: {name: random.normal(size=shape) for name, shape in shapes.items()}


def positions(high: int, *shape: int, **shapes: tuple[int, ...]) -> Given:
    """Real inputs, and an `index` below a number."""
    return lambda random, drawn: {
        **shaped(**shapes)(random, drawn),
        "index": random.integers(0, high, shape).astype(np.int32),
    }


def grouped(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Rows of three groups, and one that belongs to none."""
    return {"x": random.normal(size=(6, 2)), "by": np.array([0, 2, 0, -1, 2, 2], np.int32)}


def grouped_in_rows(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Two examples, whose rows belong to different groups."""
    groups = np.array([[0, 2, 0, -1, 2], [1, 1, 0, 2, -1]], np.int32)
    return {"x": random.normal(size=(2, 5, 3)), "by": groups}


def masked_softmax(x: Any, present: Any) -> Any:
    found = np.zeros(x.shape)
    for row, keep, into in zip(x, present, found, strict=True):
        into[keep] = special.softmax(row[keep]) if keep.any() else []
    return found


def picked_masked(x: Any, index: Any, present: Any) -> Any:
    """The log-softmax over the present entries along the second axis."""
    logs = special.log_softmax(np.where(present, x, -np.inf), 1)
    return np.take_along_axis(logs, index[:, None], 1)[:, 0]


def indexed(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Positions along the second axis that are present, as some others are."""
    index = random.integers(0, 3, (2, 4)).astype(np.int32)
    present = (random.random((2, 3, 4)) < 0.5) | (np.arange(3)[:, None] == index[:, None])
    return {"x": random.normal(size=(2, 3, 4)), "index": index, "present": present}


def masked(random: np.random.Generator, drawn: Mapping[str, Any]) -> dict[str, Any]:
    kept = random.random((4, 5)) < 0.6
    kept[0] = False
    return {"x": random.normal(size=(4, 5)), "present": kept}


def lengthless(x: Any) -> Any:
    lengths = np.linalg.norm(x, axis=-1, keepdims=True)
    return np.where(lengths == 0, 0, x / np.where(lengths == 0, 1, lengths))


def recurred(b: Any, a: Any, reverse: bool = False) -> Any:
    steps = range(b.shape[-1])
    found, last = np.zeros(b.shape), 0.0
    for t in reversed(steps) if reverse else steps:
        last = b[..., t] + a[..., t] * last
        found[..., t] = last
    return found


def sums(x: Any, by: Any) -> Any:
    return np.stack([x[by == group].sum(0) for group in range(3)])


def means(x: Any, by: Any) -> Any:
    return np.stack([x[by == g].mean(0) if (by == g).any() else 0 * x[0] for g in range(3)])


def pooled(compute: Callable[..., Any], width: int, stride: int) -> Callable[[Any], Any]:
    """Windows over the axis before the last, one at a time."""
    return lambda x: np.stack(
        [compute(x[:, at : at + width], axis=1) for at in range(0, x.shape[1] - width + 1, stride)],
        axis=1,
    )


def same_pool(x: Any) -> Any:
    """Windows of 3 around each entry; at the ends, of the 2 that there are."""
    ends = [x[:, max(at - 1, 0) : at + 2].mean(1) for at in range(x.shape[1])]
    return np.stack(ends, axis=1)


def place(x: Any) -> Any:
    return np.argsort(np.argsort(x, -1, kind="stable"), -1, kind="stable")


ROWS = [
    Row("softmax(x)", lambda x: special.softmax(x, -1), given=shaped(x=(3, 4))),
    Row(
        "softmax(x, temperature=0.5)",
        lambda x: special.softmax(x / 0.5, -1),
        given=shaped(x=(3, 4)),
    ),
    Row("softmax(x, axis=all)", lambda x: special.softmax(x), given=shaped(x=(3, 4))),
    Row("softmax(x, axis=-1, where=present)", masked_softmax, given=masked),
    Row(
        "pick_log_softmax(x, index)",
        lambda x, index: special.log_softmax(x, -1)[np.arange(4), index],
        given=positions(3, 4, x=(4, 3)),
    ),
    Row(
        "pick_log_softmax(x, index, axis=1, where=present)",
        picked_masked,
        given=indexed,
    ),
    Row("log_softmax(x)", lambda x: special.log_softmax(x, -1), given=shaped(x=(3, 4))),
    # Of a vector with an infinite entry nothing is left but NaN: that entry over the length is
    # inf/inf, and the zeros beside it would hide that the vector is lost.
    Row("normalize(x)", lengthless, given=shaped(x=(3, 4)), extremes=FINITE),
    Row(
        "one_hot(y, 3)",
        lambda y: (y[..., None] == np.arange(3)) * 1.0,
        given=lambda random, drawn: {"y": random.integers(0, 3, (4, 2)).astype(np.int32)},
    ),
    Row("arange(4)", lambda: np.arange(4), gradient=False),
    Row("argmax(x)", lambda x: x.argmax(-1), gradient=False),
    Row("argmin(x)", lambda x: x.argmin(-1), gradient=False),
    Row("sort(x)", lambda x: np.sort(x, -1)),
    Row("sort(x, descending=true)", lambda x: -np.sort(-x, -1)),
    Row("argsort(x)", lambda x: np.argsort(x, -1, kind="stable"), gradient=False),
    Row("rank(x)", place, gradient=False),
    Row("rank(x, descending=true)", lambda x: place(-x), gradient=False),
    Row("top_k(x, 2)", lambda x: -np.sort(-x, -1)[..., :2], given=shaped(x=(3, 4))),
    Row("cumsum(x)", lambda x: np.cumsum(x, -1)),
    Row("cumsum(x, reverse=true)", lambda x: np.cumsum(x[..., ::-1], -1)[..., ::-1]),
    Row("diff(x)", lambda x: np.diff(x, axis=-1)),
    Row("recurrence(b, a, axis=-1)", recurred),
    Row("recurrence(b, a, axis=-1, reverse=true)", lambda b, a: recurred(b, a, reverse=True)),
    Row("recurrence(b, 0.9, axis=-1)", lambda b: signal.lfilter([1], [1, -0.9], b, axis=-1)),
    Row(
        "take(x, index, axis=1)",
        lambda x, index: np.take(x, index, axis=1),
        given=positions(4, 2, 2, x=(3, 4)),
    ),
    Row(
        "take_along(x, index)",
        lambda x, index: np.take_along_axis(x, index, -1),
        given=positions(4, 3, 2, x=(3, 4)),
    ),
    Row("reshape(x, (4, -1))", lambda x: x.reshape(4, -1), given=shaped(x=(2, 6))),
    Row("transpose(x)", lambda x: x.T, given=shaped(x=(2, 3, 4))),
    Row("transpose(x, (1, 0, 2))", lambda x: x.swapaxes(0, 1), given=shaped(x=(2, 3, 4))),
    Row("squeeze(x, 1)", lambda x: x[:, 0], given=shaped(x=(2, 1, 4))),
    Row("expand(x, 1)", lambda x: x[:, None], given=shaped(x=(2, 4))),
    Row(
        "concatenate(a, b, axis=1)",
        lambda a, b: np.concatenate([a, b], axis=1),
        given=shaped(a=(2, 3), b=(2, 1)),
    ),
    Row("stack(a, b, axis=1)", lambda a, b: np.stack([a, b], 1), given=shaped(a=(2, 3), b=(2, 3))),
    Row(
        "broadcast(x, like=like)",
        lambda x, like: np.broadcast_to(x, like.shape),
        given=shaped(x=(3, 1), like=(2, 3, 4)),
    ),
    Row(
        "matmul(a, b)",
        lambda a, b: a @ b,
        given=shaped(a=(2, 3, 4), b=(4, 2)),
        extremes=(0.0, 1e-30),
    ),
    # Products of numbers around 1e30 are no float32.
    Row(
        'einsum("bij,bjk->bk", a, b)',
        lambda a, b: np.einsum("bij,bjk->bk", a, b),
        given=shaped(a=(2, 3, 4), b=(2, 4, 5)),
        extremes=(0.0, -0.0, 1e-30),
    ),
    Row("diag(x)", lambda x: np.diagonal(x, axis1=-2, axis2=-1), given=shaped(x=(2, 3, 3))),
    Row("max_pool(x, (2,))", pooled(np.max, 2, 2), given=shaped(x=(2, 7, 3))),
    Row("avg_pool(x, (3,), strides=(2,))", pooled(np.mean, 3, 2), given=shaped(x=(2, 7, 3))),
    Row('avg_pool(x, (3,), strides=(1,), padding="same")', same_pool, given=shaped(x=(2, 7, 3))),
    Row("segment_sum(x, by, segments=3)", sums, given=grouped),
    Row("segment_mean(x, by, segments=3)", means, given=grouped),
    Row(
        "segment_sum(x, by, segments=3)",
        lambda x, by: np.stack(list(map(sums, x, by))),
        given=grouped_in_rows,
    ),
    Row(
        "segment_mean(x, by, segments=3)",
        lambda x, by: np.stack(list(map(means, x, by))),
        given=grouped_in_rows,
    ),
    Row(
        "pick(x, index)",
        lambda x, index: np.take_along_axis(x, index[..., None], -1)[..., 0],
        given=lambda random, drawn: {
            "index": random.integers(0, drawn["x"].shape[-1], drawn["x"].shape[:-1], np.int32)
        },
    ),
]
