"""What the tests of the library share: inputs for examples, and arguments by parameter type."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossdsl.library.declare import Builtin
from lossdsl.syntax import ast

TYPES = {
    "out": "f32[4, 3]",
    "tgt": "f32[4, 3]",
    "z": "f32[4, 3]",
    "y": "labels int[4]",
    "p": "f32[4, 3]",
    "q": "f32[4, 3]",
    "signs": "f32[4, 3]",
    "params": "tree",
    "traces": "f32[4, 5, 3]",
    "spikes": "tree",
    "step": "int",
}


def draws(seed: int) -> dict[str, Any]:
    """Return random values of the inputs that examples use."""
    random = np.random.default_rng(seed)

    def normal(*shape: int) -> Any:
        return random.normal(size=shape).astype(np.float32)

    def simplex(*shape: int) -> Any:
        drawn = random.dirichlet(np.ones(shape[-1]), size=shape[:-1])
        return drawn.astype(np.float32)

    def spikes(*shape: int) -> Any:
        return (random.random(shape) < 0.4).astype(np.float32)

    return {
        "out": normal(4, 3),
        "tgt": normal(4, 3),
        "z": 3 * normal(4, 3),
        "y": random.integers(0, 3, size=4).astype(np.int32),
        "p": simplex(4, 3),
        "q": simplex(4, 3),
        "signs": np.where(random.random((4, 3)) < 0.5, -1, 1).astype(np.float32),
        "params": {"layer": {"weight": normal(3, 2), "bias": normal(2)}, "tau": normal()},
        "traces": spikes(4, 5, 3),
        "spikes": [spikes(4, 3), spikes(4, 2, 3)],
        "step": np.int32(random.integers(0, 1000)),
    }


# Parameters of losses, by name where a type does not say what to draw.
BY_ROLE = {
    "logits": "z",
    "probs": "p",
    "labels": "y",
    "signs": "signs",
    "spikes": "traces",
}


def arguments(function: Builtin, at: int = 0) -> list[str] | None:
    """Return an example input for each required parameter; None if one is of no kind known."""
    found: list[str] = []
    for parameter in function.signatures[at].parameters:
        if not (parameter.required or parameter.variadic):
            continue
        name = _argument(parameter.type, found)
        if name is None:
            return None
        found.append(name)
    return found


def _argument(type: ast.TypeExpr | None, taken: list[str]) -> str | None:
    match type:
        case ast.TreeTypeExpr(leaf=None):
            return "params"
        case ast.TreeTypeExpr():
            return "spikes"
        case ast.ArrayTypeExpr(dims=()):
            return "0.5"
        case ast.ArrayTypeExpr(role=role) if role in BY_ROLE:
            name = BY_ROLE[role]
            return "q" if name == "p" and "p" in taken else name
        case ast.ArrayTypeExpr(dtype="float" | "num"):
            return "tgt" if "out" in taken else "p" if "z" in taken else "out"
        case _:
            return None
