"""Programs for the differential tests: how to check one, and random well-typed ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import jax
import numpy as np
from hypothesis import strategies as st
from oracle import Evaluation, evaluate, type_of

from lossdsl.core.graph import Core
from lossdsl.elaborate.passed_inputs import Passed
from lossdsl.elaborate.program import elaborate
from lossdsl.library.declare import builtins
from lossdsl.source import Source
from lossdsl.syntax.parse import parse_program

Inputs = Mapping[str, Any]


def core_of(text: str, inputs: Inputs) -> Core:
    """Return the checked program of a text, at the shapes and dtypes of its inputs."""
    program, diagnostics = parse_program(Source(text))
    assert program is not None, diagnostics
    types = {name: type_of(value) for name, value in inputs.items()}
    done = elaborate(program, builtins(), passed=Passed(types, "f64"))
    assert done.core is not None, "\n".join(str(one) for one in done.diagnostics)
    return done.core


def expected(text: str, inputs: Inputs) -> Evaluation:
    """Return what the oracle says a text is worth."""
    return evaluate(core_of(text, inputs), inputs)


def slope(text: str, inputs: Inputs, name: str, direction: Any, step: float = 1e-6) -> np.ndarray:
    """Return the derivative of a loss along a direction of one input, by central differences."""
    core = core_of(text, inputs)

    def moved(by: float) -> np.ndarray:
        return evaluate(core, {**inputs, name: _added(inputs[name], direction, by)}).values["loss"]

    return (moved(step) - moved(-step)) / (2 * step)


def _added(value: Any, direction: Any, by: float) -> Any:
    if isinstance(value, Mapping):
        return {key: _added(child, direction[key], by) for key, child in value.items()}
    return value + by * direction


# Random programs. A place in braces is filled with an expression of that kind.

HEADER = """
a, b: f64[B, C]
r: f64[B]
c: f64[C]
s: float = 0.5
y: int[B]
m: bool[B, C]
params: tree
"""

INPUTS: Inputs = {
    "a": np.array([[0.3, -1.2, 0.8], [2.0, 0.1, -0.4], [-0.6, 0.9, 1.5], [0.7, -0.2, 0.05]]),
    "b": np.array([[1.1, 0.4, 0.2], [0.5, 0.6, 1.9], [0.35, 2.2, 0.15], [1.3, 0.25, 0.45]]),
    "r": np.array([0.4, -0.9, 1.7, 0.1]),
    "c": np.array([1.4, 0.3, 0.8]),
    "s": np.float64(0.7),
    "y": np.array([2, 0, 1, 1]),
    "m": np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]], bool),
    "params": {
        "encoder": {"kernel": np.array([[0.2, -0.7], [1.1, 0.6]]), "bias": np.array([0.3, -0.1])},
        "tau": np.array([0.02, 0.005, 0.05]),
    },
}

RULES: Mapping[str, tuple[str, ...]] = {
    "matrix": (
        "a",
        "b",
        "{matrix} + {matrix}",
        "{matrix} - {scalar}",
        "{matrix}*{column}",
        "{matrix} - {row}[:, None]",
        "{matrix}/(1 + square({matrix}))",
        "-{matrix}",
        "{matrix}**2",
        "tanh({matrix})",
        "sigmoid({matrix})",
        "softplus({matrix})",
        "abs({matrix})",
        "exp(-square({matrix}))",
        "log({matrix})",
        "sqrt({matrix})",
        "maximum({matrix}, {matrix})",
        "clip({matrix}, -0.5, 0.75)",
        "where({mask}, {matrix}, {matrix})",
        "({matrix} if {mask} else {scalar})",
        "softmax({matrix}, axis=C)",
        "log_softmax({matrix}, axis=B)",
        "softmax({matrix}, axis=C, where={mask})",
        "cumsum({matrix}, axis=B)",
        "transpose(transpose({matrix}))",
        "{matrix} @ transpose(b) @ {matrix}",
        'mse({matrix}, {matrix}, where={mask}, reduce="none")',
        "(a if s > 0 else {matrix})",
    ),
    "row": (
        "r",
        "mean({matrix}, axis=C)",
        "sum({matrix}, axis=1, where={mask})",
        "max({matrix}, axis=-1)",
        "logsumexp({matrix}, axis=C, where={mask})",
        "norm({matrix}, axis=C)",
        "{matrix}[:, 1]",
        "{matrix} @ {column}",
        'cross_entropy({matrix}, y, reduce="none")',
        "{row}*{row} + {scalar}",
    ),
    "column": (
        "c",
        "mean({matrix}, axis=0, where={mask}, weight=b)",
        "std({matrix}, axis=B)",
        "{matrix}[0]",
        "{matrix}[1:][-1]",
        "{row} @ {matrix}",
        "1 - {column}",
    ),
    "scalar": (
        "s",
        "0.25",
        "mean({matrix})",
        "mean({matrix}, where={mask})",
        'mean({matrix}, weight=b, normalize="count")',
        "sum({row}, where={row} > 0)",
        "min({column})",
        "mse({matrix}, {matrix}, where={mask}, weight=c)",
        "huber({row}, r, delta=0.5)",
        'log_cosh({column}, c, reduce="sum")',
        "cross_entropy({matrix}, y, where=r > 0, smoothing=0.1)",
        "kl(softmax(b, axis=C), softmax({matrix}, axis=C))",
        'cosine_distance({matrix}, b, weight=r, normalize="all")',
        "l2sqr(params)",
        'l1(params["kernel | tau"])*{scalar}',
        "sum(square(params.encoder.kernel))",
        "bounds(params, tau >= 0.01, kernel < 0.5)",
        "exp(-square({scalar}))",
    ),
    # Of these a kept element reads itself alone, or a kept row: what a mask can hide.
    "pointwise": (
        "a",
        "b",
        "s",
        "{pointwise} + {pointwise}",
        "{pointwise}*{pointwise}",
        "{pointwise}/{pointwise}",
        "{pointwise}**s",
        "{pointwise}**2",
        "log({pointwise})",
        "sqrt({pointwise})",
        "exp({pointwise})",
        "tanh({pointwise})",
        "abs({pointwise})",
        "maximum({pointwise}, 0.1)",
        "xlogy({pointwise}, {pointwise})",
        "where(a > 0, {pointwise}, {pointwise})",
        "(log({pointwise}) if b > 0.5 else {pointwise})",
        'mse({pointwise} + a, b, reduce="none", where=a > 0)',
        "transpose(transpose({pointwise}))",
        "reshape(reshape({pointwise} + a, (C, B)), (B, C))",
        "stop_gradient({pointwise})*b",
    ),
    "rowwise": (
        "g",
        "h",
        "{rowwise} - {rowwise}",
        "{rowwise}*c",
        "log({rowwise})",
        "sqrt({rowwise})",
        "1/{rowwise}",
        "softmax({rowwise}, axis=1)",
        "log_softmax({rowwise} + h, axis=1)",
        "{rowwise}*norm({rowwise} + g, axis=1)[:, None]",
        "{rowwise} - mean({rowwise}*g, axis=1, keepdims=true)",
        "({rowwise} + h)[:, ::-1]",
        "cumsum({rowwise} + h, axis=1)",
        "normalize({rowwise}*h)",
        "(g + {rowwise}) @ square",
        "where({rowwise} > g, {rowwise}, h)",
        "sum({rowwise} + g, axis=1, where={rowwise} > h)[:, None]*h",
        "where(logsumexp(h*{rowwise}, axis=1)[:, None] > 0, {rowwise}, g)",
    ),
    "mask": ("m", "a > 0", "b <= {column}", "not {mask}", "{mask} and {mask}", "{mask} or a < b"),
}


@st.composite
def expressions(draw: st.DrawFn, kind: str, depth: int) -> str:
    """Draw an expression of a kind; at depth 0, one without parts."""
    rules = [rule for rule in RULES[kind] if depth or "{" not in rule]

    def part(match: re.Match[str]) -> str:
        text = draw(expressions(match[1], depth - 1))
        return text if text.isidentifier() else f"({text})"

    return re.sub(r"\{(\w+)\}", part, draw(st.sampled_from(rules)))


@st.composite
def programs(draw: st.DrawFn, depth: int = 3) -> str:
    """Draw a program over `INPUTS`: a shared binding, three terms and three metrics."""
    first, second = draw(expressions("scalar", depth)), draw(expressions("scalar", depth))
    third = f"mean(square(shared), where={draw(expressions('mask', 1))})"
    lines = [
        HEADER,
        f"shared = {draw(expressions('matrix', depth))}",
        f"loss = {first} + 1e-2*s*({second}) - {third}",
        f"metric matrix = {draw(expressions('matrix', depth))} + shared",
        f"metric row = {draw(expressions('row', depth))}",
        f"metric column = {draw(expressions('column', depth))}",
    ]
    return "\n".join(lines)


MASKED_HEADER = """
a, b, g, h: f64[B, C]
c: f64[C]
square: f64[C, C]
s: float = 0.5
m: bool[B, C]
rows: bool[B]
"""

MASKED_INPUTS: Inputs = {
    **{name: INPUTS[name] for name in ("a", "b", "c", "s", "m")},
    "g": INPUTS["a"][::-1],
    "h": INPUTS["b"][:, ::-1],
    "square": np.array([[1.0, 0.2, -0.4], [0.0, -0.7, 0.3], [0.6, 0.1, 0.9]]),
    "rows": np.array([True, False, True, False]),
}


@st.composite
def masked_programs(draw: st.DrawFn, depth: int = 3) -> str:
    """Draw a program over `MASKED_INPUTS` of which `m` hides elements of `a` and `b`, and `rows`
    hides rows of `g` and `h`."""
    pointwise, rowwise = (draw(expressions(kind, depth)) for kind in ("pointwise", "rowwise"))
    return (
        f"{MASKED_HEADER}\nloss = mean({pointwise} + a, where=m) + mean({rowwise} + g, where=rows)"
    )


def unnested(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that, traced, has no programs within it, as `jax.numpy` has them."""

    @wraps(function)
    def flat(*args: Any, **options: Any) -> Any:
        with jax.disable_jit():
            return function(*args, **options)

    return flat
