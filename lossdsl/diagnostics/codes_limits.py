"""LD6xx that are met after parsing; those of the text are in `codes_syntax`."""

from __future__ import annotations

from lossdsl.diagnostics.code import Code

ROWS = (
    Code(
        "LD608",
        title="definitions expanded too deeply",
        why="Definitions are expanded where they are called; what they nest to is bounded like "
        "the nesting of the text.",
        bad="def deep0(x) = x + 1\n"
        + "".join(f"def deep{n}(x) = 1 + (2*deep{n - 1}(x))\n" for n in range(1, 60))
        + "loss = mean(deep59(out))",
        good="def f(x) = x + 1\nloss = mean(f(f(out)))",
    ),
    Code(
        "LD609",
        title="too many leaves",
        why="Each leaf is an operation or more of its own in the compiled program.",
        bad='lossdsl.compile("l2sqr(params)", limits=lossdsl.Limits(leaves=2))('
        "params=[jnp.ones(1)] * 3)",
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
    Code(
        "LD611",
        title="a chain of operations that is too long",
        why="XLA's compile time grows steeply with the length of a chain: 1,000 operations take "
        "over a minute.",
        bad="".join(f"a{n} = tanh(a{n - 1} + {n})\n" for n in range(1, 130)).replace("a0", "out")
        + "loss = mean(a129)",
        good="a1 = tanh(out + 1)\nloss = mean(a1)",
    ),
    Code(
        "LD612",
        title="too many dims",
        why="No loss needs arrays of more dims, or more sizes with names of their own.",
        bad="out: f32[" + ", ".join(f"D{n}" for n in range(17)) + "]\nmean(out)",
        good="out: f32[B, T, C]\nmean(out)",
    ),
    Code(
        "LD613",
        title="slow to compile",
        why="Compile time grows with the size of a program; this one is legal and large.",
        bad="loss = " + " + ".join(f"mean(tanh(out + {n}))" for n in range(101)),
        good="loss = mean(tanh(out + 1)) + mean(tanh(out + 2))",
        warning=True,
    ),
    Code(
        "LD614",
        title="value that is too large",
        why="Sizes multiply: an axis more in each line soon makes an array that no machine holds. "
        "The shapes say so before anything is made.",
        bad="mean(square(x[:, None] - x[None, :]))",
        good="mean(square(x[:1000, None] - x[None, :1000]))",
        inputs={"x": "f32[1000000]"},
    ),
    Code(
        "LD615",
        title="value that takes much memory",
        why="A value that is larger than all that it is made of, such as every row beside every "
        "other, is often larger than meant. It is legal, and XLA may not store it.",
        bad="mean(square(x[:, None] - x[None, :]))",
        good="mean(square(x[:1000, None] - x[None, :1000]))",
        inputs={"x": "f32[30000]"},
        warning=True,
    ),
    Code(
        "LD616",
        title="costly TOML",
        why="The time that a TOML parser takes grows with the square of the parts of a key, so a "
        "small file can take minutes. A config is shorter, and its keys have few parts.",
        bad="import pathlib, tempfile\n"
        'path = pathlib.Path(tempfile.mkdtemp()) / "train.toml"\n'
        """_ = path.write_text(".".join("a" * 40) + " = 1\\nloss = 'mse(out, tgt)'")\n"""
        "lossdsl.load(path)",
        form="python",
    ),
    Code(
        "LD617",
        title="budget that holds no row",
        why="Of a product that is larger than `chunk_bytes`, rows are computed a chunk at a time: "
        "one row at least. `chunk_bytes=None` computes all rows at once.",
        bad="import jax.numpy as jnp\n"
        'loss = lossdsl.compile("cross_entropy(h @ w, y)", chunk_bytes=100)\n'
        "loss(h=jnp.ones((4, 2)), w=jnp.ones((2, 64)), y=jnp.zeros(4, int))",
        good="import jax.numpy as jnp\n"
        'loss = lossdsl.compile("cross_entropy(h @ w, y)", chunk_bytes=512)\n'
        "loss(h=jnp.ones((4, 2)), w=jnp.ones((2, 64)), y=jnp.zeros(4, int))",
        form="python",
    ),
)
