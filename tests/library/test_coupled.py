"""Losses that hold examples against each other: what a mask leaves out is in no other value."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import numpy as np
import pytest

import lossdsl
from lossdsl.library import BUILTINS
from lossdsl.testing.draw import Sizes, draw

CALLS = (
    "info_nce(q, k)",
    "info_nce(q, k, pairs=pairs)",
    "clip_loss(a, b)",
    "siglip(a, b, bias=-2)",
    "supcon(z, y)",
    "ntxent(z, y)",
    "ntxent(a, b)",
    "npairs(anchor, positive)",
    "circle(z, y, scale=4)",
)
KEPT = np.array([True, False, True, True, False, True])


def inputs_of(call: str) -> dict[str, Any]:
    return draw(BUILTINS[call.partition("(")[0]], call, 3, Sizes(dims={"N": len(KEPT), "K": 2}))


def spoiled(inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs with garbage in the rows that are left out."""
    garbage = {"f": np.nan, "i": -7, "b": True}
    return {
        name: np.where(KEPT.reshape(-1, *[1] * (one.ndim - 1)), one, garbage[one.dtype.kind])
        for name, one in inputs.items()
    }


def only_kept(inputs: dict[str, Any]) -> dict[str, Any]:
    return {
        name: one[KEPT][:, KEPT] if one.dtype.kind == "b" else one[KEPT]
        for name, one in inputs.items()
    }


@cache
def computed(text: str) -> Any:
    """Return value and gradient of a text as one program a shape."""
    loss = lossdsl.compile(text)
    return jax.jit(jax.value_and_grad(lambda chosen, fixed: loss(**chosen, **fixed)))


def value_and_slopes(text: str, inputs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    moving = {name: one for name, one in inputs.items() if one.dtype.kind == "f" and name != "w"}
    fixed = {name: one for name, one in inputs.items() if name not in moving}
    with jax.enable_x64(True):
        return jax.device_get(computed(text)(moving, fixed))


WITHOUT = [(call, "where=m") for call in CALLS]
WITHOUT += [(CALLS[0], "weight=w"), (CALLS[0], "where=m, weight=w"), ("ntxent(z, y)", "weight=w")]


@pytest.mark.parametrize(("call", "option"), WITHOUT)
def test_a_batch_with_rows_left_out_is_the_batch_without_them(call: str, option: str) -> None:
    inputs = inputs_of(call)
    more = {"m": KEPT, "w": 2.0 * KEPT}
    given = {**spoiled(inputs), **{name: more[name] for name in "mw" if f"={name}" in option}}
    value, slopes = value_and_slopes(f"{call[:-1]}, {option})", given)
    wanted, rows = value_and_slopes(call, only_kept(inputs))
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    for name, slope in slopes.items():
        np.testing.assert_allclose(slope[KEPT], rows[name], rtol=1e-9, atol=1e-12)
        assert (slope[~KEPT] == 0).all()


@pytest.mark.parametrize("keeps", [True, False])
def test_a_mask_of_all_rows_at_once(keeps: bool) -> None:
    inputs = inputs_of("info_nce(q, k)")
    value, slopes = value_and_slopes(
        "info_nce(q, k, where=all)", {**inputs, "all": np.bool_(keeps)}
    )
    wanted, rows = value_and_slopes("info_nce(q, k)", inputs)
    np.testing.assert_allclose(value, wanted if keeps else 0, rtol=1e-12)
    for name, slope in slopes.items():
        np.testing.assert_allclose(slope, rows[name] if keeps else 0, rtol=1e-12)


def test_rows_that_equal_others_and_rows_of_zeros_have_gradients() -> None:
    ones = np.ones((4, 3))
    for call in (
        "info_nce(x, x)",
        "npairs(x, x)",
        "supcon(x, y)",
        "circle(x, y)",
        "triplet(x, x, x)",
    ):
        for x in (ones, 0 * ones):
            inputs = {"x": x, "y": np.array([0, 0, 1, 1])}
            given = inputs if "y" in call else {"x": x}
            value, slopes = value_and_slopes(call, given)
            assert np.isfinite(value)
            assert np.isfinite(slopes["x"]).all()


def test_arcface_has_gradients_where_an_embedding_is_its_class_or_its_opposite() -> None:
    w = np.eye(3)
    for x in (w, -w, 0 * w):
        value, slopes = value_and_slopes("arcface(x, w, y)", {"x": x, "w": w, "y": np.arange(3)})
        assert np.isfinite(value)
        assert all(np.isfinite(slope).all() for slope in slopes.values())
