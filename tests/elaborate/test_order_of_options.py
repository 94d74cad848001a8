"""In which order a call is read: arguments, the body of a definition, then its options."""

from __future__ import annotations

import pytest

import lossdsl

DECLARED = {"out": "f32[B, C]", "u": "f32[B]", "v": "f32[B]"}

# Right texts: an axis that is no axis, and defaults that a call leaves unread.
RIGHT = (
    "def spread(x, k=()) = sum(abs(x), axis=k)\nloss t = sum(spread(out)) + sum(spread(out, 0))",
    "loss l(a: float[*S], b: float[*S], normalize=sum(b[:, 0])) = square(a - b)\n"
    'loss t = l(u, v, reduce="sum")',
    "loss l(a: float[*S], b: float[*S], normalize=sum(b[:, 0])) = square(a - b)\n"
    "loss t = l(u, v, normalize=3)",
)

# What a body says of an undeclared input goes before what an option reads of it.
INFERRED = {
    "loss l(a, y) = cross_entropy(a, y)\nloss t = l(z, k, where=isfinite(z))": {
        "z": "logits float[*S, K]",
        "k": "labels int[*S] or probs float[*S, K]",
    },
    "loss l(a, y) = cross_entropy(a, y)\nloss t = l(z, k, where=abs(k) > 3)": {
        "z": "logits float[*S, K]",
        "k": "labels int[*S] or probs float[*S, K]",
    },
    "loss l(p) = l2sqr(p)\nloss t = l(params, weight=abs(params))": {"params": "tree"},
    "def f(x: float[N, K]) = mean(x)\nloss l(q) = f(q)\nloss t = l(z, weight=norm(z))": {
        "z": "float[N, K]"
    },
    "mse(a, b, where=isfinite(a))": {"a": "float[*S]", "b": "float[*S]"},
}


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_not_read_refuses_nothing(text: str) -> None:
    assert lossdsl.check(text, DECLARED).diagnostics == ()


@pytest.mark.parametrize("text", INFERRED)
def test_a_body_goes_before_options(text: str) -> None:
    assert dict(lossdsl.check(text).signature) == INFERRED[text]
