"""Sizes are polynomials of the dims, and whatever becomes a size is at least 0."""

from __future__ import annotations

from cases.case import Case

CASES = [
    Case(text="a: f32[A+B]\nloss = mean(a)", inputs={"a": [1.0, 2.0, 3.0]}, value=2.0),
]
