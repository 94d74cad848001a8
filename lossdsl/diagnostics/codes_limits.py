"""LD6xx that are met after parsing; those of the text are in `codes_syntax`."""

from __future__ import annotations

from lossdsl.diagnostics.code import Code

ROWS = (
    Code(
        "LD608",
        title="definitions expanded too deeply",
        why="Definitions are expanded where they are called; what they nest to is bounded like "
        "the nesting of the text.",
        bad="def f0(x) = x + 1\n"
        + "".join(f"def f{n}(x) = 1 + (2*f{n - 1}(x))\n" for n in range(1, 60))
        + "loss = mean(f59(out))",
        good="def f(x) = x + 1\nloss = mean(f(f(out)))",
    ),
    Code(
        "LD609",
        title="too many leaves",
        why="Each leaf is an operation or more of its own in the compiled program.",
        bad='lossdsl.compile("l2sqr(params)")(params=[jnp.ones(1)] * 200_001)',
        good='lossdsl.compile("l2sqr(params)")(params=[jnp.ones(1)] * 2)',
        form="python",
    ),
    Code(
        "LD610",
        title="too many terms",
        why="Each term is reported with a value of its own, and the program grows with each.",
        bad="loss = " + " + ".join(f"mean(out**{n + 2})" for n in range(20)) + " + mean(out)" * 240,
        good="loss = mean(out**2) + mean(out**3)",
    ),
)
