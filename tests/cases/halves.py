"""Half precision adds up in f32, and truth values and weights have the types that they say."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from cases.case import Case, case


def half(count: int, dtype: str = "bfloat16") -> object:
    return jnp.ones(count, dtype)


CASES = [
    # The type of a weighted sum of integers or truth values is that of its value.
    Case(text="mean(w) + 2*sum(n, weight=w)", inputs={"n": [2, 1], "w": [0.5, 0.25]}, value=2.875),
    # A weight that is a number, of which 1 alone leaves a sum as it is.
    Case(text="sum(x, weight=0.5)", inputs={"x": [1.0, 2.0]}, value=1.5),
    Case(text="mean(x) + sum(x, weight=0)", inputs={"x": [1.0, 2.0]}, value=1.5),
    Case(
        text="1.0*(2*sum(m, weight=w))",
        inputs={"m": np.array([True, True]), "w": [0.25, 0.25]},
        value=1.0,
    ),
    Case(
        text="mean(2*sum(m, weight=w, axis=0, keepdims=true))",
        inputs={"m": np.array([True, True]), "w": [0.25, 0.25]},
        value=1.0,
    ),
    Case(
        text='2*mse(n, 0*n, weight=w, reduce="sum")',
        inputs={"n": [2, 1], "w": [0.5, 0.25]},
        value=4.5,
    ),
    Case(text="1.0*sum(p > 0)", inputs={"p": {"a": np.float32(1), "b": np.float32(2)}}, value=2.0),
    Case(
        text="1.0*count(p > 0)", inputs={"p": {"a": np.float32(1), "b": np.float32(2)}}, value=2.0
    ),
    Case(text="mean(broadcast(true, like=x))", inputs={"x": [1.0, 2.0]}, value=1.0),
    # What adds up half precision does so in f32.
    *(
        case(text, {"x": half(count, dtype), "g": [0] * count}, value=value)
        for count in (512, 4096)
        for dtype in ("bfloat16", "float16")
        for text, value in (
            ("sum(segment_sum(x, by=g, segments=1))", count),
            ("sum(segment_mean(x, by=g, segments=1))", 1),
            (
                f"mean(avg_pool(x[:, None], ({count},)))",
                1,
            ),
            ("max(cumsum(x))", count),
            ("max(recurrence(x, 1, axis=0))", count),
            ("1.0*(x @ x)", count),
            ('1.0*einsum("i,i->", x, x)', count),
            ("sum(x)", count),
            ("sum(sparsemax(x))", 1),
            ("sum(softmax(x))", 1),
        )
    ),
    # Truth values of trees, as of arrays.
    *(
        Case(
            text=text,
            inputs={"p": {"a": np.ones(3, "f4"), "b": np.ones(4, "f4")}, "x": [1.0]},
            code="LD214",
            at="p",
            static=False,
        )
        for text in ("count(p)*mean(x)", "mean(x, where=any(p))", "mean(x, where=not all(p))")
    ),
    Case(text="p: tree[f32[...]]\n1.0*count(p)", inputs={"p": {"a": [1.0]}}, code="LD214", at="p"),
    Case(
        text="p: {a: f32[3]}\n1.0*count(p)",
        inputs={"p": {"a": [1.0, 2.0, 3.0]}},
        code="LD214",
        at="p",
    ),
]
