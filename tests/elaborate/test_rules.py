"""The types of functions that have a rule of their own, or the code of what is wrong."""

from __future__ import annotations

import pytest

import lossdsl

INPUTS = {
    "x": "f32[B, T, C]",
    "m": "f32[B, C]",
    "w": "f32[C, K]",
    "s": "f32[N, N]",
    "v": "f32[C]",
    "i": "int[B, T]",
    "h": "bf16[B, C]",
    "a": "f32[4, 6]",
    "b": "f32[4, 1]",
    "one": "f32[]",
}

TYPES = [
    ("reshape(x, (B, -1))", "f32[B, C*T]"),
    ("reshape(a, (8, -1))", "f32[8, 3]"),
    ("reshape(a, (2, 12))", "f32[2, 12]"),
    ("reshape(a, (5, -1))", "LD201"),
    ("reshape(a, (5, 5))", "LD201"),
    ("reshape(a, (-1, -1))", "LD201"),
    ("reshape(m, (C, B))", "f32[C, B]"),
    ("reshape(m, (1, B, C))", "f32[1, B, C]"),
    ("transpose(x)", "f32[C, T, B]"),
    ("transpose(x, (0, 2, 1))", "f32[B, C, T]"),
    ("transpose(x, (B, C, T))", "f32[B, C, T]"),
    ("transpose(x, (0, 2))", "LD207"),
    ("transpose(x, (0, 1, 3))", "LD207"),
    ("squeeze(b, -1)", "f32[4]"),
    ("squeeze(b, 0)", "LD201"),
    ("squeeze(m[:, None], 1)", "f32[B, C]"),
    ("expand(m, 1)", "f32[B, 1, C]"),
    ("expand(m, -1)", "f32[B, C, 1]"),
    ("expand(m, 3)", "LD207"),
    ("concatenate(m, m)", "f32[2*B, C]"),
    ("concatenate(m, m, axis=-1)", "f32[B, 2*C]"),
    ("concatenate(m, m, axis=C)", "f32[B, 2*C]"),
    ("concatenate(m, h, axis=0)", "f32[2*B, C]"),
    ("concatenate(x, m)", "LD201"),
    ("concatenate(m, a, axis=0)", "LD201"),
    ("stack(m, m)", "f32[2, B, C]"),
    ("stack(m, m, axis=-1)", "f32[B, C, 2]"),
    ("stack(m, a)", "LD201"),
    ("broadcast(v, like=m)", "f32[B, C]"),
    ("broadcast(1.0, like=m)", "f32[B, C]"),
    ("broadcast(m, like=v)", "LD201"),
    ("take(w, i)", "f32[B, T, K]"),
    ("take(w, i, axis=1)", "f32[C, B, T]"),
    ("take(w, i, axis=K)", "f32[C, B, T]"),
    ("take_along(x, i[:, None], axis=1)", "LD201"),
    ("take_along(x, i[:, :, None], axis=-1)", "f32[B, T, 1]"),
    ("top_k(x, 2, axis=T)", "f32[B, 2, C]"),
    ("top_k(a, 7)", "LD218"),
    ("diff(x, axis=T)", "f32[B, T-1, C]"),
    ("argmax(x, axis=T)", "i32[B, C]"),
    ("one_hot(i, C)", "one_hot float[B, T, C]"),
    ("arange(T)", "i32[T]"),
    ("m @ w", "f32[B, K]"),
    ("x @ w", "f32[B, T, K]"),
    ("m @ v", "f32[B]"),
    ("v @ w", "f32[K]"),
    ("v @ v", "f32[]"),
    ("h @ w", "f32[B, K]"),
    ("w @ m", "LD201"),
    ("m @ one", "LD204"),
    ('einsum("btc,ck->btk", x, w)', "f32[B, T, K]"),
    ('einsum("...c,ck->...k", x, w)', "f32[B, T, K]"),
    ('einsum("bc,ck", m, w)', "f32[B, K]"),
    ('einsum("bc,bk->b", m, w)', "LD201"),
    ('einsum("bc->bz", m)', "LD112"),
    ('einsum("bc,ck->bk", m)', "LD104"),
    ('einsum("b->b", m)', "LD204"),
    ("diag(s)", "f32[N]"),
    ("diag(v)", "f32[C, C]"),
    ("diag(m)", "LD201"),
    ("max_pool(a[None, :, :, None], (2, 2))", "f32[1, 2, 3, 1]"),
    ("avg_pool(x, (1,))", "f32[B, T, C]"),
    ('max_pool(x, (3,), (1,), padding="same")', "f32[B, T, C]"),
    ("max_pool(a, (7,))", "LD201"),
    ("max_pool(x, (2, 2, 2))", "LD204"),
    ("quantile(m, 0.5)", "f32[]"),
    ("quantile(h, 0.5, axis=C)", "f32[B]"),
    ("softmax(m, axis=C)", "probs f32[B, C]"),
    ("softmax(x, axis=(T, C))", "probs f32[B, T, C]"),
    ("softmax(x, axis=all)", "probs f32[B, T, C]"),
    ("segment_mean(m, i[:, 0], segments=5)", "f32[5, C]"),
    ("recurrence(x, 0.9, axis=T)", "f32[B, T, C]"),
    ("recurrence(x, x, axis=T, reverse=true)", "f32[B, T, C]"),
    ("pairwise_distance(m, m) @ m", "f32[B, C]"),
    ("cosine_similarity(x, x) + i", "f32[B, T]"),
    ("cosine_similarity(x, x, feature_axis=T) + m", "f32[B, C]"),
]


@pytest.mark.parametrize(("text", "expected"), TYPES)
def test_type(text: str, expected: str | None) -> None:
    used = {name: one for name, one in INPUTS.items() if name in text.replace("(", " ")}
    result = lossdsl.check(
        f"metric value = {text}\nloss = mean(x)", inputs={"x": INPUTS["x"], **used}
    )
    codes = [one.code for one in result.diagnostics if not one.code.startswith("LD4")]
    if expected is not None and expected.startswith("LD"):
        assert codes == [expected]
    else:
        assert codes == []
        assert result.program is not None
        found = str(result.program.graph.types[result.program.metrics["value"]])
        assert expected in (None, found)
