"""The kernels of constraints called directly: what a limit costs, and what bounds add up to."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_kernels import INF, NAN, kernel, same

# law, side, strict: the cost of -1, 0, 2 with bound 0, and the gradients
LIMITS = [
    ("exp", "lower", False, (np.e, 0, 0), (-np.e, 0, 0)),
    ("exp", "lower", True, (np.e, 1, 0), (-np.e, -1, 0)),
    ("exp", "upper", False, (0, 0, np.exp(2)), (0, 0, np.exp(2))),
    ("exp", "equal", False, (np.e, 0, np.exp(2)), (-np.e, 0, np.exp(2))),
    ("hinge", "lower", False, (1, 0, 0), (-1, 0, 0)),
    ("hinge", "equal", False, (1, 0, 2), (-1, 0, 1)),
    ("quadratic", "upper", False, (0, 0, 4), (0, 0, 4)),
    ("softplus", "upper", False, (0.3132617, 0.6931472, 2.126928), (0.26894143, 0.5, 0.880797)),
    ("log_barrier", "lower", False, (73.802585, 3.8025851, -0.6931472), (-120, -20, -0.5)),
]


@pytest.mark.parametrize(("law", "side", "strict", "costs", "slopes"), LIMITS)
def test_limits(law: str, side: str, strict: bool, costs: Any, slopes: Any) -> None:
    def cost(x: Any, bound: Any = 0.0) -> Any:
        return kernel("limit_cost")(x, bound, 1, side=side, strict=strict, law=law)

    slope = jax.vmap(jax.grad(cost), (0, None))
    none = {"lower": -INF, "upper": INF}.get(side, 0.0)

    @jax.jit
    def computed(x: Any, free: Any) -> Any:
        return cost(x), slope(x, 0.0), cost(NAN), (cost(free, none), slope(free, none))

    value, slope_of, at_nan, (free, free_slopes) = computed(
        np.float32([-1, 0, 2]), np.float32([-1, 2, none])
    )
    same(value, costs)
    same(slope_of, slopes)
    assert np.isnan(at_nan)
    if none and not strict:
        same(free[:2], (0, 0))
        assert np.isfinite(free_slopes).all()


def test_the_exponential_is_clamped_and_its_gradient_held() -> None:
    def cost(x: Any) -> Any:
        return kernel("limit_cost")(x, 0.0, 1, side="lower", strict=False, law="exp")

    both = jax.jit(jax.value_and_grad(cost))
    for distance in (89.0, 1e30, INF):
        value, slope = both(np.float32(-distance))
        same((value, slope), (np.exp(60), -np.exp(60)))
        assert np.isfinite(np.float32(1e3) * np.float32(value))
    assert np.isfinite(jax.jit(cost)(np.float16(-100)))
    with jax.enable_x64(True):
        same(jax.jit(cost)(np.float64(-650)), np.exp(650))


def test_totals_of_constraints() -> None:
    costs = (np.ones(3, np.float32), np.full((2, 2), 2, jnp.bfloat16), np.zeros(0, np.float32))
    expected = {"sum": 11, "mean": 11 / 7, "max": 2}

    @jax.jit
    def computed(*costs: Any) -> Any:
        return [
            [kernel(name)(*costs, reduce=reduce) for reduce in expected]
            for name in ("bounds", "penalty")
        ]

    for totals in computed(*costs):
        same(totals, list(expected.values()))
        assert {one.dtype for one in totals} == {np.dtype("float32")}
    same(kernel("bounds")(reduce="sum"), 0)
