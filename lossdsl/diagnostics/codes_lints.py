"""LD4xx: lints, which warn of what is legal and most likely wrong."""

from __future__ import annotations

from lossdsl.diagnostics.code import Code

ROWS = (
    Code(
        "LD413",
        title="mask does not reach a reduction",
        why="A mask selects the elements of the value that is reduced. A reduction inside that "
        "value couples them before, so what is masked still counts there.",
        bad="mean(square(x - mean(x)), where=m)",
        good="mean(square(x - mean(x, where=m)), where=m)",
        inputs={"x": "f32[B]", "m": "bool[B]"},
    ),
    Code(
        "LD431",
        title="weight is zero",
        why="The term is reported and never trained.",
        bad="mse(out, tgt) + 0*mae(out, tgt)",
        good="mse(out, tgt) + 0.1*mae(out, tgt)",
        inputs={"out": "f32[B]", "tgt": "f32[B]"},
    ),
)
