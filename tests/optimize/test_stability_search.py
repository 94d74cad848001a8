"""Texts put together at random, at numbers of every magnitude, against what is true."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from high_precision import Inputs, Undefined, flat_core, truth
from hypothesis import given, settings
from hypothesis import strategies as st

import lossdsl

Y = np.array([[0.8, 0.2, 0.4], [0.6, 0.1, 0.3]], np.float32)
M = np.array([[True, False, True], [False, True, True]])

LEAVES = ("x", "x", "(x - y)", "2*x", "x*y", "-x", "(x + 1)", "x[:, ::-1]")
WRAPS = (
    "log(sigmoid({}))", "log(1 - sigmoid({}))", "log(1 + exp({}))", "log(1 + {})", "log(1 - {})",
    "(exp({}) - 1)", "(1 - exp({}))", "log(exp({}))", "1/(1 + exp(-{}))", "log(softmax({}))",
    "log(1 - tanh({})**2)", "log((exp({0}) + exp(-{0}))/2)", "{0}*log({0})", "log(({})**2)",
    "sqrt(({})**2)", "log(prod(sigmoid({}), axis=1, keepdims=true))",
    "log(sum(exp({}), axis=1, keepdims=true))", "log(mean(exp({} + y), axis=1, where=m))[:, None]",
    "sqrt(sum(square({}), axis=1, keepdims=true))",
    "sqrt(mean(square({} - y), axis=1, where=m))[:, None]",
    "{0}/norm({0}, axis=1, keepdims=true)", "exp({0})/sum(exp({0}), axis=1, keepdims=true)",
    "(mean(square({0}), axis=1, keepdims=true) - square(mean({0}, axis=1, keepdims=true)))",
    "sigmoid({})", "tanh({})", "({} + y)",
)  # fmt: skip
MAGNITUDES = st.one_of(
    st.floats(-30, 30),
    st.tuples(st.sampled_from([-1.0, 1.0]), st.floats(-30, 3)).map(lambda p: p[0] * 10 ** p[1]),
    st.sampled_from([0.0, 1.0, -1.0, 88.0, 104.0, -104.0, 17.0, 1e-9]),
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    made = draw(st.sampled_from(LEAVES))
    for _ in range(draw(st.integers(1, 3))):
        made = draw(st.sampled_from(WRAPS)).format(made)
    ends = ("sum({}, axis=1)", "mean(y*{}, axis=1, where=m)", "sum(y*{}, axis=1)")
    return f"sum({draw(st.sampled_from(ends)).format(made)})"


def never_wrong(text: str, inputs: Inputs) -> None:
    """Hold that what is computed is true, or as near to it as what is written, or shows itself.

    Where what is written is infinite or NaN, a number in its place is true.
    """
    losses = [lossdsl.compile(text, stabilize=on) for on in (True, False)]
    given = {name: inputs[name] for name in losses[0].signature}
    try:
        exact = truth(*flat_core(losses[1], given), given, "x")
    except Undefined:
        return
    rest = {name: value for name, value in given.items() if name != "x"}
    mine, theirs = (
        jax.value_and_grad(lambda x, loss=loss: loss(x=x, **rest))(jnp.asarray(given["x"]))
        for loss in losses
    )
    unit = float(jnp.finfo(given["x"].dtype).eps)
    far = 1 + max(float(np.abs(value).max()) for value in given.values())
    for computed, written, true in zip(mine, theirs, exact, strict=True):
        computed, written = np.asarray(computed, float), np.asarray(written, float)
        if np.abs(true).max() > 1e30:
            continue
        near = 300 * unit * (np.abs(true) + np.abs(true).max() + far)
        lost = np.where(np.isfinite(written), np.abs(written - true), 0)
        right = np.abs(computed - true) <= np.maximum(near, 4 * lost)
        loud = ~np.isfinite(computed) & ~(np.abs(written - true) <= near)
        assert (right | loud).all(), (text, given, computed, written, true)


@st.composite
def samples(draw: st.DrawFn) -> tuple[str, Inputs]:
    """Return a text and its inputs, in one of the dtypes."""
    dtype = draw(st.sampled_from(["float32", "float32", "float64", "bfloat16"]))
    numbers = np.array([draw(MAGNITUDES) for _ in range(6)]).reshape(2, 3)
    x = np.abs(numbers) if draw(st.booleans()) else numbers
    return draw(texts()), {"x": x.astype(dtype), "y": Y.astype(dtype), "m": M}


@settings(max_examples=max(40, settings.default.max_examples // 40))
@given(sample=samples())
def test_no_rule_makes_a_right_number_wrong(sample: tuple[str, Inputs]) -> None:
    with jax.enable_x64(sample[1]["x"].dtype == np.float64):
        never_wrong(*sample)
