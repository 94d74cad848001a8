"""Sequences: what lies beyond their lengths has no effect, and labels that do not fit are said."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lossdsl


def slope(text: str, z: Any, **given: Any) -> tuple[float, Any]:
    loss = lossdsl.compile(text)
    value, gradient = jax.value_and_grad(lambda z: loss(z=z, **given))(jnp.asarray(z))
    return float(value), np.asarray(gradient)


def test_padding_of_a_language_model_reaches_nothing() -> None:
    z = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    y = np.array([[0, 1, 2, 1, 0], [2, 0, 1, -1, -1]], np.int32)
    mask = y >= 0
    clean = slope("lm_cross_entropy(z, y, where=mask)", z, y=y, mask=mask)
    # The last logits that count are those before the last token.
    z[0, 4:] = z[1, 2:] = np.nan
    value, gradient = slope("lm_cross_entropy(z, y, where=mask)", z, y=y, mask=mask)
    assert value == clean[0]
    np.testing.assert_array_equal(gradient, clean[1])


def test_mask_of_a_language_model_is_that_of_its_tokens() -> None:
    z = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    y = np.array([[0, 1, 2, 1, 0], [2, 0, 1, 1, 0]], np.int32)
    logs = np.asarray(jax.nn.log_softmax(z))
    loss = lossdsl.compile("lm_cross_entropy(z, y, where=mask)")
    mask = np.zeros((2, 5), bool)
    mask[1, 3] = True
    np.testing.assert_allclose(loss(z=z, y=y, mask=mask), -logs[1, 2, y[1, 3]], rtol=1e-6)


FRAMES = np.random.default_rng(1).normal(size=(2, 4, 3)).astype(np.float32)


def test_frames_and_labels_beyond_their_lengths_are_not_read() -> None:
    y = np.array([[1, 2, -1], [1, -5, 99]], np.int32)
    lengths = {"n": np.array([3, 2]), "m": np.array([2, 1])}
    text = "ctc(z, y, z_length=n, y_length=m)"
    z = FRAMES.copy()
    z[0, 3:] = z[1, 2:] = np.nan
    clean, dirty = (slope(text, given, y=y, **lengths) for given in (FRAMES, z))
    assert clean[0] == dirty[0]
    assert np.isfinite(dirty[1]).all()
    np.testing.assert_array_equal(clean[1], dirty[1])


@pytest.mark.parametrize(
    ("y", "value"),
    [
        ([[1, 2], [2, 1]], np.inf),  # five frames too few for the first two, but not one
        ([[1, 1], [2, 2]], np.inf),
        ([[0, 1], [1, 2]], np.nan),
        ([[3, 1], [1, 2]], np.nan),
        ([[-1, 1], [1, 2]], np.nan),
    ],
)
def test_labels_that_cannot_be(y: Any, value: float) -> None:
    frames = FRAMES[:, :2]
    given = {"y": np.asarray(y, np.int32), "n": np.array([1, 2])}
    found, gradient = slope("ctc(z, y, z_length=n)", frames, **given)
    np.testing.assert_equal(found, value)
    assert np.isnan(value) or np.isfinite(gradient).all()


@pytest.mark.parametrize("n", [-1, 5])
def test_lengths_past_the_end(n: int) -> None:
    y = np.array([[1], [2]], np.int32)
    found, _ = slope("ctc(z, y, z_length=n)", FRAMES, y=y, n=np.array([4, n]))
    assert np.isnan(found)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("ctc(z, y)", "LD221", "7 labels do not fit into 4 frames"),
        ("ctc(z, y, blank=3)", "LD208", "`blank` of `ctc` counts from 0 to 2; this is 3"),
    ],
)
def test_what_can_never_fit_is_said_before_running(text: str, code: str, said: str) -> None:
    found = lossdsl.check(text, inputs={"z": "f32[B, 4, 3]", "y": "i32[B, 7]"}).diagnostics
    assert (code, said) in [(one.code, one.message) for one in found]


def test_padded_labels_may_be_longer_than_the_frames() -> None:
    inputs = {"z": "f32[B, 4, 3]", "y": "i32[B, 7]", "m": "i32[B]"}
    assert lossdsl.check("ctc(z, y, y_length=m)", inputs=inputs).ok
