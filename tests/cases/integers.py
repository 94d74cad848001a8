"""Integers compute in 32 bits and signed, sums and kernels in f32, and nothing wraps in silence."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from cases.case import Case, case

NARROW = ("i1", "i2", "u1", "u2")
BEYOND = np.array([2**32 + 1])
RECORD = "b: {z: f32[N, C], y: i32[N]}\ncross_entropy(b.z, b.y)"
ALTERNATING = [0.0, 1.0] * 12


class Batch(NamedTuple):
    """A batch as frameworks pass it."""

    z: object
    y: object


def whole(*values: int, dtype: str) -> np.ndarray:
    return np.array(values, dtype)


def promoted(dtype: str) -> list[Case]:
    """Return cases of arithmetic that an integer of 8 or 16 bits cannot hold."""
    low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    a, b = whole(low, high, 12, dtype=dtype), whole(high, low, 3, dtype=dtype)
    given, wide = {"a": a, "b": b}, np.float64(np.stack([a, b]))
    return [
        case(text, given, value=value)
        for text, value in (
            ("mean(a + b)", np.mean(wide[0] + wide[1])),
            ("mean(abs(a - b))", np.mean(np.abs(wide[0] - wide[1]))),
            ("mean(a*b)", np.mean(wide[0] * wide[1])),
            ("mean(-a)", -np.mean(wide[0])),
            ("mean(abs(a))", np.mean(np.abs(wide[0]))),
            ("mean(square(a))", np.mean(wide[0] ** 2)),
            ("mean(a**2)", np.mean(wide[0] ** 2)),
            ("mean(3*a - 2)", np.mean(3 * wide[0] - 2)),
            ("1.0*sum(a)", np.sum(wide[0])),
            ("prod(a)", np.prod(wide[0])),
            ("mean(cumsum(a))", np.mean(np.cumsum(wide[0]))),
            ("mean(diff(a))", np.mean(np.diff(wide[0]))),
            ("1.0*(a @ b)", wide[0] @ wide[1]),
            ('1.0*einsum("i,i->", a, b)', wide[0] @ wide[1]),
            ("mean(segment_sum(a, by=(0, 0, 0), segments=1))", np.sum(wide[0])),
            ("mean(clip(a, -300, 300))", np.mean(np.clip(wide[0], -300, 300))),
            ("mean(maximum(a, -1))", np.mean(np.maximum(wide[0], -1))),
            ("mean(a, where=a > -70000)", np.mean(wide[0])),
            ("mean(a // -1)", -np.mean(wide[0])),
            ("1.0*max(a) - min(a)", np.max(wide[0]) - np.min(wide[0])),
        )
    ]


CASES = [
    *(row for dtype in ("i1", "u2") for row in promoted(dtype)),
    *(row for dtype in ("i2", "u1") for row in promoted(dtype)[::4]),
    # A metric of counts that multiply.
    *(
        Case(
            text="auc(o, t)", inputs={"o": ALTERNATING, "t": np.array(ALTERNATING, dtype)}, value=1
        )
        for dtype in (*NARROW, "i4", "u4", "f4")
    ),
    Case(
        text="auc(o, t)",
        inputs={"o": [0.0, 1.0] * 50_000, "t": [0, 1] * 50_000},
        value=1,
    ),
    # Labels of 0 and 1 as signs, in every dtype of integers.
    *(
        Case(
            text="hinge(out, 2*y - 1)",
            inputs={"out": [0.5, -0.5], "y": np.array([1, 0], dtype)},
            value=0.5,
        )
        for dtype in (*NARROW, "i4", "u4")
    ),
    # Integers with and without a sign compare as the numbers that they are.
    *(
        case(
            f"1.0*count({text})",
            {"u": whole(4_000_000_000, 2**31, 7, 0, dtype="u4"), "i": [2**31 - 1, -1, 7, -(2**31)]},
            value=value,
        )
        for text, value in (
            ("u == i", 1),
            ("u != i", 3),
            ("u > i", 3),
            ("i < u", 3),
            ("u >= i", 4),
            ("i <= u", 4),
            ("u < i", 0),
            ("i >= u", 1),
        )
    ),
    # There is no truth at a position that is not there.
    Case(text="1.0*count(take(m, y))", inputs={"m": np.array([True]), "y": [0, 3, -1]}, value=1),
    # A 64-bit integer that 32 bits do not hold, wherever it lies.
    *(
        Case(
            text=text,
            inputs={"b": b},
            code="LD219",
            message="`b/y`" if ":" not in text else "`b.y`",
            help="float32",
            static=False,
        )
        for text, b in (
            ("cross_entropy(b.z, b.y)", {"z": np.zeros((1, 3), "f4"), "y": BEYOND}),
            ("cross_entropy(b.z, b.y)", Batch(np.zeros((1, 3), "f4"), BEYOND)),
            (RECORD, {"z": np.zeros((1, 3), "f4"), "y": BEYOND}),
            (RECORD, Batch(np.zeros((1, 3), "f4"), BEYOND)),
            (
                "b: {z: f32[N, 3], y: tree}\nmean(b.z)",
                {"z": np.zeros((1, 3), "f4"), "y": BEYOND},
            ),
        )
    ),
    Case(
        text="b: {z: f32[N, 3], y: tree}\nmean(b.z)",
        inputs={"b": {"z": np.zeros((1, 3), "f4"), "y": {"of": (BEYOND,)}}},
        code="LD219",
        message="`b.y/of/0`",
        static=False,
    ),
    *(
        Case(
            text=text,
            inputs={"b": Batch(np.zeros((1, 3), "f4"), whole(2, dtype="i8"))},
            value=np.log(3),
        )
        for text in ("cross_entropy(b.z, b.y)", RECORD)
    ),
    # The numbers that index arithmetic is made of stay integers, and raise no alarm.
    Case(
        text="x: f32[B, 3]\ny: i32[B]\nmean(take_along(x, (y + 1)[:, None]))",
        inputs={"x": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "y": [0, 1]},
        value=4.0,
    ),
    Case(
        text="x: f32[T]\nmean(take(x, maximum(arange(T) - 1, 0)))",
        inputs={"x": [1.0, 2.0, 3.0]},
        value=4 / 3,
    ),
    Case(
        text="out: f32[B]\ny: i32[B]\nhinge(out, 2*y - 1)",
        inputs={"out": [0.5, -0.5], "y": [1, 0]},
        value=0.5,
    ),
    *(
        Case(
            text="mean(take(x, y, axis=0) + one_hot(y, 200)[:, 0] + take(x, y*2 - y, axis=0))",
            inputs={"x": np.arange(200.0), "y": np.array([0, 100], dtype)},
            value=100.5,
        )
        for dtype in NARROW
    ),
    # A label to ignore that the dtype of the labels cannot hold.
    *(
        Case(
            text="cross_entropy(z, y, ignore_index=-1)",
            inputs={"z": [[0.0, 0.0], [0.0, 0.0]], "y": np.array([1, 0], dtype)},
            value=np.log(2),
        )
        for dtype in ("u1", "i1", "u4")
    ),
    # A position past the end or before the start, in a dtype that the size does not fit.
    Case(
        text="mean(isfinite(take(x, y, axis=0)))",
        inputs={"x": np.arange(300.0), "y": whole(-1, 5, dtype="i1")},
        value=0.5,
    ),
    Case(
        text="mean(isfinite(take(x, y, axis=0)))",
        inputs={"x": np.arange(300.0), "y": whole(2**32 - 1, 5, dtype="u4")},
        value=0.5,
    ),
    # Schedules of a step that 31 bits cannot hold.
    *(
        Case(
            text=f"{declared}{schedule}*mse(a, b)",
            inputs={"step": step, "a": [1.0], "b": [0.0]},
            value=value,
        )
        for step, declared in (
            (np.uint32(3_000_000_000), "step: u32\na, b: f32[B]\n"),
            (jnp.uint32(3_000_000_000), ""),
        )
        for schedule, value in (
            ("linear_schedule(step, 0.0, 1.0, 1000)", 1.0),
            ("linear_schedule(step, 0.0, 1.0, 1000, 100)", 1.0),
            ("polynomial_schedule(step, 0.0, 1.0, 2, 1000)", 1.0),
            ("cosine_decay_schedule(step, 1.0, 1000, 0.5)", 0.5),
            ("exponential_decay(step, 1.0, 1000000000, 0.5)", 0.125),
            ("exponential_decay(step, 1.0, 1000000000, 0.5, 1000000000)", 0.25),
            ("warmup_cosine_decay_schedule(step, 0.0, 1.0, 10, 1000, 0.25)", 0.25),
            ("warmup_exponential_decay_schedule(step, 0.0, 1.0, 10, 1000000000, 0.5)", 0.125),
            ("piecewise_constant_schedule(step, 1.0, (100, 200), (0.5, 0.5))", 0.25),
            ('piecewise_interpolate_schedule(step, "linear", 1.0, (100, 200), (0.5, 0.5))', 0.25),
            ("linear_onecycle_schedule(step, 1000, 1.0, 0.3, 0.85, 4, 2)", 1 / 8),
            ("cosine_onecycle_schedule(step, 1000, 1.0, 0.3, 4, 2)", 1 / 8),
            ("constant_schedule(step, 0.5)", 0.5),
        )
    ),
]
