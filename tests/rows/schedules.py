"""Schedules, against optax."""

from __future__ import annotations

from typing import Any

import numpy as np
import optax

from rows.row import Row

# Steps on both sides of every boundary.
STEPS = (0, 1, 9, 10, 11, 99, 100, 101, 250, 999, 1000, 2000)
SCALES = {100: 0.5, 200: 0.1}
TEXT_SCALES = "(100, 200), (0.5, 0.1)"

SCHEDULES: list[tuple[str, Any]] = [
    ("constant_schedule(step, 0.1)", optax.constant_schedule(0.1)),
    ("linear_schedule(step, 0, 0.1, 1000)", optax.linear_schedule(0, 0.1, 1000)),
    ("linear_schedule(step, 0.1, 0, 100, 10)", optax.linear_schedule(0.1, 0, 100, 10)),
    (
        "polynomial_schedule(step, 1, 0.1, 2.5, 100)",
        optax.polynomial_schedule(1, 0.1, 2.5, 100),
    ),
    ("warmup_constant_schedule(step, 0, 1, 10)", optax.warmup_constant_schedule(0, 1, 10)),
    ("exponential_decay(step, 1, 100, 0.9)", optax.exponential_decay(1, 100, 0.9)),
    (
        "exponential_decay(step, 1, 100, 0.9, 10, true, 0.5)",
        optax.exponential_decay(1, 100, 0.9, 10, True, 0.5),
    ),
    (
        "exponential_decay(step, 1, 100, 1.1, end_value=1.5)",
        optax.exponential_decay(1, 100, 1.1, end_value=1.5),
    ),
    (
        "cosine_decay_schedule(step, 1, 1000, alpha=0.1, exponent=2)",
        optax.cosine_decay_schedule(1, 1000, 0.1, 2),
    ),
    (
        "warmup_cosine_decay_schedule(step, 0, 1, 10, 1000, 0.1)",
        optax.warmup_cosine_decay_schedule(0, 1, 10, 1000, 0.1),
    ),
    (
        "warmup_cosine_decay_schedule(step, 0, 1, 0, 1000)",
        optax.warmup_cosine_decay_schedule(0, 1, 0, 1000),
    ),
    (
        "warmup_exponential_decay_schedule(step, 0, 1, 10, 100, 0.9)",
        optax.warmup_exponential_decay_schedule(0, 1, 10, 100, 0.9),
    ),
    (
        f"piecewise_constant_schedule(step, 1, {TEXT_SCALES})",
        optax.piecewise_constant_schedule(1, SCALES),
    ),
    (
        f'piecewise_interpolate_schedule(step, "linear", 1, {TEXT_SCALES})',
        optax.piecewise_interpolate_schedule("linear", 1, SCALES),
    ),
    (
        f'piecewise_interpolate_schedule(step, "cosine", 1, {TEXT_SCALES})',
        optax.piecewise_interpolate_schedule("cosine", 1, SCALES),
    ),
    ("linear_onecycle_schedule(step, 1000, 1)", optax.linear_onecycle_schedule(1000, 1.0)),
    ("cosine_onecycle_schedule(step, 1000, 1)", optax.cosine_onecycle_schedule(1000, 1.0)),
]


def row(text: str, schedule: Any) -> Row:
    return Row(
        text,
        lambda step: np.asarray(schedule(float(step))),
        given=lambda random, drawn: {"step": np.int32(random.choice(STEPS))},
    )


ROWS = [row(text, schedule) for text, schedule in SCHEDULES]
