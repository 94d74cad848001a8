"""LD5xx: numbers that overflow, change value or lie outside of a function's domain."""

from __future__ import annotations

from lossdsl.diagnostics.code import Code

ROWS = (
    Code(
        "LD501",
        title="literal overflows or vanishes",
        why="A literal takes the dtype of the array it meets; there this one is infinite, or 0 "
        "though it was written as something else.",
        bad="mean(x*1e6)",
        good="mean(x*1e3)",
        inputs={"x": "f16[B]"},
    ),
    Code(
        "LD502",
        title="integer literal changes value",
        why="A literal takes the dtype of the array it meets, and that dtype cannot hold it.",
        bad="mean(x + 300)",
        good="mean(x + 100)",
        inputs={"x": "i8[B]"},
    ),
    Code(
        "LD503",
        title="literal outside of the function's domain",
        why="The function is undefined there, or gives NaN, as a temperature of 0 does.",
        bad="mean(softmax(z, temperature=0))",
        good="mean(softmax(z, temperature=0.5))",
        inputs={"z": "f32[B, C]"},
    ),
)
