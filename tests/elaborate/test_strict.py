"""A strict check: inputs are declared, axes are named, and warnings are errors."""

from __future__ import annotations

import pickle
from collections.abc import Sequence

import pytest

import lossdsl

HEAD = "z: logits f32[B, C]\ny: labels i32[B]\n"
# A text, and the codes of what a strict check refuses in it, in order.
STRICT: Sequence[tuple[str, Sequence[str]]] = (
    (HEAD + "cross_entropy(z, y)", []),
    (HEAD + "mean(logsumexp(z, axis=C)) + mean(y == 0)", []),
    (HEAD + "cross_entropy(softmax(z), y)", ["LD410"]),
    (HEAD + "cross_entropy(softmax(z), y)  # lossdsl: allow LD410", []),
    (HEAD + "mean(logsumexp(z, axis=-1))", ["LD418", "LD123"]),
    (HEAD + "cross_entropy(z, y) + mean(sum(z, axis=(0, 1)))/B", ["LD123"]),
    (HEAD + "cross_entropy(z, y, class_axis=1)", ["LD123"]),
    (HEAD + "# lossdsl: allow LD123\ncross_entropy(z, y, class_axis=1)", []),
    (HEAD + "def f(x: f32[*S, K]) = max(x, axis=K)\nloss = mean(f(z)) + 0*mean(y)", ["LD431"]),
    ("mse(out, tgt) + mean(out)", ["LD122", "LD122"]),
    ("mean(out, axis=all)", ["LD122"]),
    (HEAD + "cross_entropy(z, w)", ["LD103"]),
)


@pytest.mark.parametrize(("text", "codes"), STRICT)
def test_what_a_strict_check_refuses(text: str, codes: Sequence[str]) -> None:
    found = lossdsl.check(text, strict=True)
    assert [one.code for one in found.diagnostics] == codes
    assert {one.severity for one in found.diagnostics} <= {"error"}
    assert found.ok == (not codes)
    assert pickle.loads(pickle.dumps(found)).diagnostics == found.diagnostics
    if not codes:
        assert lossdsl.compile(text, strict=True) is not lossdsl.compile(text)
        return
    with pytest.raises(lossdsl.LossError) as raised:
        lossdsl.compile(text, strict=True)
    assert [one.code for one in raised.value.diagnostics] == codes


def test_an_input_is_told_where_it_is_read() -> None:
    text = "def f(out) = square(out)\nloss = mean(f(out))"
    (found,) = lossdsl.check(text, strict=True).diagnostics
    assert found.span is not None
    assert found.span.start == text.rindex("out")


def test_inputs_may_be_declared_beside_the_text() -> None:
    types = {"out": "f32[B]", "tgt": "f32[B]"}
    assert lossdsl.check("mse(out, tgt)", inputs=types, strict=True).ok
    assert not lossdsl.check("mse(out, tgt)", strict=True).ok


def test_strict_is_a_flag() -> None:
    (found,) = lossdsl.check("mean(x)", strict="yes").diagnostics  # type: ignore[arg-type]
    assert found.code == "LD121"
