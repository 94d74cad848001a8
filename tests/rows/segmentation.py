"""Regions, boxes and images: optax, or the formulas of the papers, example by example."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optax

from rows.row import FINITE, Row

Array = np.ndarray


def by_class(compute: Callable[[Array, Array], float]) -> Callable[[Array, Array], Array]:
    """Return a function of two regions as one of every example and class."""

    def reference(p: Array, t: Array) -> Array:
        batch, classes = p.shape[0], p.shape[-1]
        found = [
            [compute(p[b, ..., k], t[b, ..., k]) for k in range(classes)] for b in range(batch)
        ]
        return np.reshape(np.asarray(found, np.float64), (batch, classes))

    return reference


def by_image(compute: Callable[[Array, Array], float]) -> Callable[..., Array]:
    """Return a function of the pixels of one image as one of a batch."""

    def reference(t: Array, **outputs: Array) -> Array:
        (out,) = outputs.values()
        return np.asarray([compute(x.ravel(), y.ravel()) for x, y in zip(out, t, strict=True)])

    return reference


def dice(p: Array, t: Array, smooth: float = 1) -> float:
    return 1 - (2 * (p * t).sum() + smooth) / (p.sum() + t.sum() + smooth)


def squared_dice(p: Array, t: Array) -> float:
    return 1 - (2 * (p * t).sum() + 1) / ((p**2).sum() + (t**2).sum() + 1)


def tversky(p: Array, t: Array, alpha: float = 0.3, beta: float = 0.7, smooth: float = 1) -> float:
    both = (p * t).sum()
    return 1 - (both + smooth) / (
        both + alpha * (p.sum() - both) + beta * (t.sum() - both) + smooth
    )


def optax_dice(p: Array, t: Array) -> Array:
    """Give optax logits whose softmax are the probabilities; its `smooth` counts twice."""
    if p.shape[-1] == 1:  # of one class it takes the sigmoid
        return 1 - (2 * (p * t).sum(tuple(range(1, p.ndim - 1))) + 1) / (
            (p + t).sum(tuple(range(1, p.ndim - 1))) + 1
        )
    return np.asarray(optax.losses.dice_loss(np.log(p), t, smooth=0.5, reduction="none"))


def generalized_dice(p: Array, t: Array) -> Array:
    found: list[float] = []
    for a, b in zip(p, t, strict=True):
        regions = [(a[..., k], b[..., k]) for k in range(a.shape[-1])]
        least = min(y.sum() for _, y in regions if y.sum() > 0)
        weights = [1 / (y.sum() if y.sum() > 0 else least) ** 2 for _, y in regions]
        both = sum(w * (x * y).sum() for w, (x, y) in zip(weights, regions, strict=True))
        each = sum(w * (x + y).sum() for w, (x, y) in zip(weights, regions, strict=True))
        found.append(1 - 2 * both / each)
    return np.asarray(found)


def lovasz(z: Array, t: Array) -> float:
    """Sum the errors, from the largest, each times what it adds to the Jaccard loss."""
    truth = {i for i, one in enumerate(t) if one > 0.5}
    errors = np.asarray([1 - one if i in truth else 1 + one for i, one in enumerate(z)])
    total, before, wrong = 0.0, 0.0, set[int]()
    for i in np.argsort(-errors):
        wrong.add(int(i))
        found = truth ^ wrong
        loss = 1 - len(found & truth) / len(found | truth)
        total += max(errors[i], 0) * (loss - before)
        before = loss
    return total


def box(b: Array) -> tuple[float, float, float, float]:
    return min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])


def areas(a: Array, b: Array) -> tuple[float, float, float]:
    """Return the areas of the overlap, the union and the box around two boxes."""
    (x, u, r, d), (m, v, s, e) = box(a), box(b)
    both = max(min(r, s) - max(x, m), 0) * max(min(d, e) - max(u, v), 0)
    union = (r - x) * (d - u) + (s - m) * (e - v) - both
    return both, union, (max(r, s) - min(x, m)) * (max(d, e) - min(u, v))


def overlap(a: Array, b: Array) -> float:
    both, union, _ = areas(a, b)
    return both / union if union > 0 else 0.0


def giou(a: Array, b: Array) -> float:
    _, union, hull = areas(a, b)
    return 1 - overlap(a, b) + ((hull - union) / hull if hull > 0 else 0)


def aspects(a: Array, b: Array) -> float:
    """Return how much the aspects of two boxes differ, from 0 to 1."""
    angles = [np.arctan2(r - x, d - u) for x, u, r, d in (box(a), box(b))]
    return 4 / np.pi**2 * (angles[0] - angles[1]) ** 2


def trade_off(a: Array, b: Array) -> float:
    v = aspects(a, b)
    return v / (1 - overlap(a, b) + v) if v else 0.0


def ciou(a: Array, b: Array, alpha: float | None = None) -> float:
    (x, u, r, d), (m, v, s, e) = box(a), box(b)
    apart = np.hypot((x + r - m - s) / 2, (u + d - v - e) / 2) ** 2
    across = np.hypot(max(r, s) - min(x, m), max(d, e) - min(u, v)) ** 2
    alpha = trade_off(a, b) if alpha is None else alpha
    return 1 - overlap(a, b) + (apart / across if across else 0) + alpha * aspects(a, b)


def moving_ciou(out: Array, tgt: Array, held: Mapping[str, Array]) -> Array:
    alphas = boxes(trade_off)(held["out"], held["tgt"])
    pairs = zip(out.reshape(-1, 4), tgt.reshape(-1, 4), alphas.ravel(), strict=True)
    return np.reshape([ciou(a, b, alpha) for a, b, alpha in pairs], out.shape[:-1])


def boxes(compute: Callable[..., float]) -> Callable[[Array, Array], Array]:
    """Return a function of two boxes as one of arrays of them."""

    def reference(out: Array, tgt: Array) -> Array:
        pairs = zip(out.reshape(-1, 4), tgt.reshape(-1, 4), strict=True)
        found = [compute(a, b) for a, b in pairs]
        return np.reshape(np.asarray(found, np.float64), out.shape[:-1])

    return reference


def overlapping(random: np.random.Generator, drawn: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return boxes of which most overlap."""
    shape = drawn["out"].shape[:-1]
    corners = [[0.0, 0.0, 3.0, 2.0], [1.0, 0.5, 3.5, 3.0]]
    return {
        name: at + random.uniform(-0.4, 0.4, (*shape, 4))
        for name, at in zip(("out", "tgt"), corners, strict=True)
    }


ROWS = [
    Row("dice(p, t)", by_class(dice)),
    # The gradient of the reference holds the probabilities' sum.
    Row("dice(p, t)", optax_dice, gradient=False),
    Row("dice(p, t, smooth=0)", by_class(lambda p, t: dice(p, t, 0))),
    Row("dice(p, t, squared=true)", by_class(squared_dice)),
    Row("binary_dice(p, t)", by_image(dice)),
    Row("binary_dice(p, t, squared=true)", by_image(squared_dice)),
    Row("generalized_dice(p, t)", generalized_dice),
    Row("tversky(p, t)", by_class(tversky)),
    Row("tversky(p, t, alpha=0.5, beta=0.5, smooth=0.5)", by_class(dice)),
    Row("focal_tversky(p, t)", by_class(lambda p, t: tversky(p, t) ** 0.75)),
    Row("focal_tversky(p, t, gamma=2)", by_class(lambda p, t: tversky(p, t) ** 0.5)),
    Row(
        "jaccard(p, t)",
        by_class(lambda p, t: 1 - ((p * t).sum() + 1) / (p.sum() + t.sum() - (p * t).sum() + 1)),
    ),
    Row("lovasz_hinge(z, t)", by_image(lovasz)),
    Row(
        "tv2d(x)",
        lambda x: np.asarray(
            [abs(np.diff(one, axis=0)).sum() + abs(np.diff(one, axis=1)).sum() for one in x]
        ),
    ),
    Row("giou(out, tgt)", boxes(giou), given=overlapping),
    Row("giou(out, tgt)", boxes(giou)),
    Row("ciou(out, tgt)", boxes(ciou), given=overlapping, moving=moving_ciou),
    # Boxes are measured by the largest corner of both: an infinite one is inf/inf, NaN. That the
    # overlap of one infinite box with a finite one tends to 0 would take two ways of measuring.
    Row("box_iou(out, tgt)", boxes(overlap), given=overlapping, extremes=FINITE),
]
