"""Losses of object detectors."""

from __future__ import annotations

from typing import Any

import numpy as np


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def log_loss(score: float, target: float) -> float:
    p = sigmoid(score)
    return -target * np.log(p) - (1 - target) * np.log(1 - p)


def focal(score: float, target: bool) -> float:
    p = sigmoid(score) if target else 1 - sigmoid(score)
    alpha = 0.25 if target else 0.75
    return -alpha * (1 - p) ** 2 * np.log(p)


def focals(z: Any, t: Any) -> float:
    return sum(focal(score, one) for score, one in zip(z.ravel(), t.ravel(), strict=True))


def smooth_l1(d: float, beta: float) -> float:
    return 0.5 * d**2 / beta if abs(d) < beta else abs(d) - 0.5 * beta


def retinanet(z: Any, t: Any, out: Any, tgt: Any, matched: Any, ignored: Any) -> float:
    total = 0.0
    for at in np.ndindex(matched.shape):
        if not ignored[at]:
            total += focals(z[at], t[at])
        if matched[at]:
            total += sum(smooth_l1(d, 1 / 9) for d in out[at] - tgt[at])
    return total / max(matched.sum(), 1)


def areas_of(a: Any, b: Any) -> tuple[float, float, float]:
    """Return the areas of the overlap, of the union and of the box around both."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both
    around = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return both, union, around


def detr(out: Any, tgt: Any) -> float:
    scores, classes = out["scores"], out["scores"].shape[-1]
    kind, weights, box, found = 0.0, 0.0, 0.0, 0
    for at in np.ndindex(tgt["labels"].shape):
        label = tgt["labels"][at]
        weight = 0.1 if label == classes - 1 else 1.0
        p = np.exp(scores[at]) / np.exp(scores[at]).sum()
        kind -= weight * np.log(p[label])
        weights += weight
        if label != classes - 1:
            found += 1
            a, b = out["boxes"][at], tgt["boxes"][at]
            box += 5 * np.abs(a - b).sum()
            sides = [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for x, y, w, h in (a.tolist(), b)]
            both, union, around = areas_of(*sides)
            box += 2 * (1 - (both / union - (around - union) / around))
    return kind / weights + box / max(found, 1)


def boxes_around(random: Any, shape: Any) -> Any:
    return np.concatenate(
        [random.uniform(0.3, 0.7, (*shape, 2)), random.uniform(0.2, 0.6, (*shape, 2))], -1
    )


def draw_detr(random: Any, inputs: Any) -> Any:
    shape = inputs["tgt"]["labels"].shape
    return {
        "out": {**inputs["out"], "boxes": boxes_around(random, shape)},
        "tgt": {**inputs["tgt"], "boxes": boxes_around(random, shape)},
    }


def fcos(z: Any, t: Any, out: Any, tgt: Any, center: Any, inside: Any) -> float:
    total = focals(z, t)
    for at in np.ndindex(inside.shape):
        if inside[at]:
            left, top, right, bottom = tgt[at]
            a = (-out[at][0], -out[at][1], out[at][2], out[at][3])
            both, union, _ = areas_of(a, (-left, -top, right, bottom))
            total -= np.log(both / union)
            even = min(left, right) / max(left, right) * min(top, bottom) / max(top, bottom)
            total += log_loss(center[at], np.sqrt(even))
    return total / max(inside.sum(), 1)


def draw_fcos(random: Any, inputs: Any) -> Any:
    return {name: random.uniform(0.5, 4, inputs[name].shape) for name in ("out", "tgt")}


def yolo(out: Any, tgt: Any, object: Any, responsible: Any) -> float:
    total = 0.0
    for at in np.ndindex(responsible.shape):
        score = out["score"][at]
        if responsible[at]:
            cell = at[:2]
            total += 5 * np.sum((out["center"][at] - tgt["center"][cell]) ** 2)
            total += 5 * np.sum((np.sqrt(out["size"][at]) - np.sqrt(tgt["size"][cell])) ** 2)
            total += (score - tgt["score"][at]) ** 2
        else:
            total += 0.5 * score**2
    for cell in np.ndindex(object.shape):
        if object[cell]:
            total += np.sum((out["classes"][cell] - tgt["classes"][cell]) ** 2)
    return total / len(object)


def draw_yolo(random: Any, inputs: Any) -> Any:
    return {
        name: {**inputs[name], "size": random.uniform(0.1, 1, inputs[name]["size"].shape)}
        for name in ("out", "tgt")
    }


def ciou(out: Any, tgt: Any, matched: Any, held: Any) -> float:
    def parts(a: Any, b: Any) -> tuple[float, float, float]:
        both, union, _ = areas_of(a, b)
        apart = ((a[0] + a[2] - b[0] - b[2]) / 2) ** 2 + ((a[1] + a[3] - b[1] - b[3]) / 2) ** 2
        across = max(a[2], b[2]) - min(a[0], b[0])
        down = max(a[3], b[3]) - min(a[1], b[1])
        tilt = np.arctan((b[2] - b[0]) / (b[3] - b[1])) - np.arctan((a[2] - a[0]) / (a[3] - a[1]))
        return both / union, apart / (across**2 + down**2), 4 / np.pi**2 * tilt**2

    total = 0.0
    for at in np.ndindex(matched.shape):
        if matched[at]:
            overlap, distance, aspect = parts(out[at], tgt[at])
            held_overlap, _, held_aspect = parts(held["out"][at], held["tgt"][at])
            trade = held_aspect / (1 - held_overlap + held_aspect)
            total += 1 - overlap + distance + trade * aspect
    return total / max(matched.sum(), 1)


def draw_ciou(random: Any, inputs: Any) -> Any:
    found = {}
    for name in ("out", "tgt"):
        low = random.uniform(0, 0.5, (*inputs[name].shape[:-1], 2))
        found[name] = np.concatenate([low, low + random.uniform(0.2, 0.6, low.shape)], -1)
    return found


def faster_rcnn(z: Any, out: Any, tgt: Any, positive: Any, sampled: Any) -> float:
    kind, box = 0.0, 0.0
    for at in np.ndindex(z.shape):
        if sampled[at]:
            kind += log_loss(z[at], float(positive[at]))
            if positive[at]:
                box += sum(smooth_l1(d, 1) for d in out[at] - tgt[at])
    return kind / max(sampled.sum(), 1) + 10 * box / (z.size / 9)


def generalized_focal(z: Any, quality: Any, sides: Any, tgt: Any, matched: Any) -> float:
    total = 0.0
    for score, target in zip(z.ravel(), quality.ravel(), strict=True):
        total += abs(target - sigmoid(score)) ** 2 * log_loss(score, target)
    for at in np.ndindex(tgt.shape):
        if matched[at[:2]]:
            s = np.exp(sides[at]) / np.exp(sides[at]).sum()
            y, below = tgt[at], int(np.floor(tgt[at]))
            near = (below + 1 - y) * np.log(s[below]) + (y - below) * np.log(s[below + 1])
            total -= 0.25 * near / 4
    for at in np.ndindex(matched.shape):
        if matched[at]:
            p = np.exp(sides[at]) / np.exp(sides[at]).sum(-1, keepdims=True)
            a, b = ((-d[0], -d[1], d[2], d[3]) for d in (p @ np.arange(p.shape[-1]), tgt[at]))
            both, union, around = areas_of(a, b)
            total += 2 * (1 - both / union + (around - union) / around)
    return total / max(matched.sum(), 1)


def draw_generalized_focal(random: Any, inputs: Any) -> Any:
    last = inputs["sides"].shape[-1] - 1
    return {
        "quality": random.uniform(0, 1, inputs["quality"].shape),
        "tgt": random.uniform(0.01, last - 0.01, inputs["tgt"].shape),
    }


def ssd(z: Any, y: Any, out: Any, tgt: Any) -> float:
    kind, box, found = 0.0, 0.0, 0
    for scores, labels, ours, theirs in zip(z, y, out, tgt, strict=True):
        p = np.array([np.exp(row) / np.exp(row).sum() for row in scores])
        matched = [k for k in range(len(labels)) if labels[k] > 0]
        others = sorted(set(range(len(labels))) - set(matched), key=lambda k, p=p: p[k][0])
        for k in matched:
            kind -= np.log(p[k][labels[k]])
            box += sum(smooth_l1(d, 1) for d in ours[k] - theirs[k])
        kind -= sum(np.log(p[k][0]) for k in others[: 3 * len(matched)])
        found += len(matched)
    return (kind + box) / max(found, 1)


def draw_ssd(random: Any, inputs: Any) -> Any:
    labels = np.where(random.random((2, 9)) < 0.2, random.integers(1, 3, (2, 9)), 0)
    return {
        "y": labels.astype(np.int32),
        "z": random.normal(size=(2, 9, 3)),
        "out": random.normal(size=(2, 9, 4)),
        "tgt": random.normal(size=(2, 9, 4)),
    }


def centernet(
    heat: Any,
    target: Any,
    offset: Any,
    true_offset: Any,
    size: Any,
    true_size: Any,
    center: Any,
) -> float:
    total = 0.0
    for score, goal in zip(heat.ravel(), target.ravel(), strict=True):
        p = sigmoid(score)
        if goal == 1:
            total -= (1 - p) ** 2 * np.log(p)
        else:
            total -= (1 - goal) ** 4 * p**2 * np.log(1 - p)
    for at in np.ndindex(center.shape):
        if center[at]:
            total += np.sum(np.abs(offset[at] - true_offset[at]))
            total += 0.1 * np.sum(np.abs(size[at] - true_size[at]))
    return total / max(center.sum(), 1)


def draw_centernet(random: Any, inputs: Any) -> Any:
    return {"target": random.uniform(0, 1, inputs["target"].shape)}
