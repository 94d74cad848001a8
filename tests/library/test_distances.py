"""Distances of all pairs are as exact as differences, however many are added in a loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lossdsl

LOSSES = [
    "mean(pairwise_distance(a, b))",
    "mean(pairwise_distance(a, b, squared=true))",
    "mmd(a, b)",
    "energy_distance(a, b)",
]


def clouds(rows: int, width: int, shift: float, spread: float) -> dict[str, np.ndarray]:
    """Return two samples around a point, f32, of which the second is near the first."""
    random = np.random.default_rng(0)
    a = (shift + random.normal(size=(rows, width))).astype(np.float32)
    b = (a[: rows - 3] + spread * random.normal(size=(rows - 3, width))).astype(np.float32)
    return {"a": a, "b": b}


def squares(a: Any, b: Any) -> Any:
    """Return squared distances by their differences."""
    return ((a[:, None] - b[None]) ** 2).sum(-1)


def lengths(a: Any, b: Any) -> Any:
    """Return distances, with gradient 0 where they are 0."""
    far = squares(a, b)
    return jnp.where(far > 0, jnp.sqrt(jnp.where(far > 0, far, 1)), 0)


def kernels(a: Any, b: Any) -> Any:
    """Return the mean of Gaussian kernels of three widths."""
    return sum(jnp.exp(-squares(a, b) / (2 * width**2)).mean() for width in (0.5, 1, 2))


PLAIN: dict[str, Callable[[Any, Any], Any]] = {
    LOSSES[0]: lambda a, b: lengths(a, b).mean(),
    LOSSES[1]: lambda a, b: squares(a, b).mean(),
    LOSSES[2]: lambda a, b: kernels(a, a) + kernels(b, b) - 2 * kernels(a, b),
    LOSSES[3]: lambda a, b: 2 * lengths(a, b).mean() - lengths(a, a).mean() - lengths(b, b).mean(),
}


@pytest.mark.parametrize("text", LOSSES)
@pytest.mark.parametrize("width", [16, 37])
@pytest.mark.parametrize(("shift", "spread"), [(0.0, 1.0), (1e3, 1.0), (1.0, 1e-3)])
def test_shifted_and_near_rows_lose_nothing(
    text: str, width: int, shift: float, spread: float
) -> None:
    given = clouds(53, width, shift, spread)
    loss = lossdsl.compile(text)
    value, slopes = jax.jit(jax.value_and_grad(lambda on: loss(**on)))(given)
    with jax.enable_x64(True):
        exact = {name: np.float64(array) for name, array in given.items()}
        plain, expected = jax.jit(jax.value_and_grad(lambda on: PLAIN[text](**on)))(exact)
        expected = jax.tree.map(np.asarray, expected)
    scale = max(np.abs(slope).max() for slope in expected.values())
    np.testing.assert_allclose(value, plain, rtol=1e-5, atol=1e-5)
    for name, slope in expected.items():
        np.testing.assert_allclose(slopes[name], slope, rtol=1e-4, atol=5e-6 * scale)


def test_every_mode_of_differentiation_passes_through_the_loop() -> None:
    loss = lossdsl.compile("mean(square(pairwise_distance(a, b, squared=true)))")
    given = {name: jnp.asarray(x) for name, x in clouds(20, 130, 0.0, 1.0).items()}
    a, b = given["a"], given["b"]

    def plain(a: Any) -> Any:
        return jnp.mean(squares(a, b) ** 2)

    def ours(a: Any) -> Any:
        return loss(a=a, b=b)

    along = jnp.ones_like(a)
    pairs = [
        (lambda f: jax.jvp(f, (a,), (along,))[1]),
        jax.jit(lambda f: jax.jvp(jax.grad(f), (a,), (along,))[1], static_argnums=0),
        jax.jit(lambda f: jax.grad(lambda x: jnp.sum(jax.grad(f)(x) * along))(a), static_argnums=0),
        jax.jit(lambda f: jax.vmap(jax.grad(f))(jnp.stack([a, 2 * a])), static_argnums=0),
    ]
    for derivative in pairs:
        expected = np.asarray(derivative(plain))
        atol = 1e-6 * np.abs(expected).max()
        np.testing.assert_allclose(derivative(ours), expected, rtol=1e-5, atol=atol)
