"""LD4xx: lints, which warn of what is legal and most likely wrong."""

from __future__ import annotations

from lossdsl.diagnostics.code import Code

ROWS = (
    Code(
        "LD431",
        title="weight is zero",
        why="The term is reported and never trained.",
        bad="mse(out, tgt) + 0*mae(out, tgt)",
        good="mse(out, tgt) + 0.1*mae(out, tgt)",
        inputs={"out": "f32[B]", "tgt": "f32[B]"},
    ),
)
