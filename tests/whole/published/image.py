"""Losses of networks that make or mend images."""

from __future__ import annotations

from typing import Any

import numpy as np


def leaves(tree: Any) -> list[Any]:
    """Return the arrays of a tree in the order of their paths."""
    if not isinstance(tree, dict):
        return [tree]
    return [x for key in sorted(tree) for x in leaves(tree[key])]


def style_transfer(content: Any, photo: Any, styles: Any, painting: Any) -> float:
    style = 0.0
    for ours, theirs in zip(leaves(styles), leaves(painting), strict=True):
        points, channels = ours.shape
        for i in range(channels):
            for j in range(channels):
                apart = np.sum(ours[:, i] * ours[:, j]) - np.sum(theirs[:, i] * theirs[:, j])
                style += apart**2 / (4 * points**2 * channels**2)
    style /= len(leaves(styles))
    return float(0.001 * 0.5 * np.sum((content - photo) ** 2) + style)


def draw_style_transfer(random: Any, inputs: Any) -> Any:
    def layers() -> Any:
        return {"conv1": random.normal(size=(5, 2)), "conv2": random.normal(size=(3, 4))}

    return {"styles": layers(), "painting": layers()}


def perceptual(out: Any, tgt: Any, features: Any, wanted: Any, held: Any) -> float:
    total = float(np.mean((out - tgt) ** 2))
    for ours, theirs in zip(leaves(features), leaves(held["wanted"]), strict=True):
        total += float(np.mean((ours - theirs) ** 2))
    rough = 0.0
    for image in out:
        rough += np.sum(np.abs(image[1:] - image[:-1]))
        rough += np.sum(np.abs(image[:, 1:] - image[:, :-1]))
    return total + 0.0001 * rough / len(out)


def super_resolution(outs: Any, images: Any) -> float:
    total = 0.0
    for ours, theirs in zip(leaves(outs), leaves(images), strict=True):
        total += np.sum(np.sqrt((ours - theirs) ** 2 + 1e-3**2))
    return float(total / len(leaves(outs)[0]))
