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
        bad="mean(where(x > 0, x, 300))",
        good="mean(where(x > 0, x, 100))",
        inputs={"x": "i8[B]"},
    ),
    Code(
        "LD503",
        title="number outside of the function's domain",
        why="The function is undefined there, or gives NaN, as a temperature of 0 does. Literals "
        "are held to it before anything runs, arrays with `compile(…, debug=True)`.",
        bad="mean(softmax(z, temperature=0))",
        good="mean(softmax(z, temperature=0.5))",
        inputs={"z": "f32[B, C]"},
    ),
    Code(
        "LD504",
        title="value is not finite",
        why="A term that is inf or NaN has no gradient to follow. A debug build names the first "
        "operation that gave one from finite numbers, or the input that held it.",
        bad='lossdsl.compile("mean(log(x))", debug=True)(x=jnp.array([1.0, 0.0]))',
        good='lossdsl.compile("mean(log(x))", debug=True)(x=jnp.array([1.0, 0.5]))',
        form="python",
    ),
    Code(
        "LD505",
        title="probabilities that do not sum to 1",
        why="A distribution over the classes sums to 1. Scores that do not, or that are summed "
        "along another axis, make a loss of the right shape and the wrong meaning. A debug build "
        "finds them.",
        bad='lossdsl.compile("cross_entropy(z, t)", debug=True)(z=jnp.ones((1, 2)), '
        "t=jnp.array([[0.5, 0.9]]))",
        good='lossdsl.compile("cross_entropy(z, t)", debug=True)(z=jnp.ones((1, 2)), '
        "t=jnp.array([[0.5, 0.5]]))",
        form="python",
    ),
    Code(
        "LD506",
        title="report inside of a transformation",
        why="`loss.report` says what the numbers of one call are. Inside the caller's `jit` or "
        "`vmap` there are none yet; a loss compiled with `debug=True` warns when the "
        "program runs.",
        bad='import jax\njax.jit(lambda x: lossdsl.compile("mean(x)").report(x=x).problems)'
        "(jnp.ones(2))",
        good='lossdsl.compile("mean(x)").report(x=jnp.ones(2))',
        form="python",
    ),
    Code(
        "LD507",
        title="terms of very different sizes",
        why="Training follows the largest term of a loss. One that is ten thousand times smaller "
        "at the start is often a mean where a sum was meant, or a weight of another unit. A debug "
        "build looks at its first evaluation.",
        bad='lossdsl.compile("mean(x) + 1e-6*mean(y)", debug=True)(x=jnp.ones(2), y=jnp.ones(2))',
        good='lossdsl.compile("mean(x) + 1e-3*mean(y)", debug=True)(x=jnp.ones(2), y=jnp.ones(2))',
        form="python",
        warning=True,
    ),
)
