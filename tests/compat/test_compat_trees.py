"""Bounds of `lossdsl.compat.rockpool`: trees of every kind, and which are refused."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import equinox as eqx
import flax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import lossdsl
from lossdsl.compat import rockpool, spyx

INF = float("inf")

TREE = {
    "layers": [{"tau": jnp.array([0.0, 2.0])}, {"tau": jnp.array(3.0), "w": None}],
    "shape": (jnp.array([1, 5]), jnp.ones((2, 2))),
}


def bounds_of(tree: Any) -> tuple[Any, Any]:
    lower, upper = rockpool.make_bounds(tree)
    lower["layers"][0]["tau"] = np.array([1.0, 0.0])
    upper["layers"][1]["tau"] = 2
    upper["shape"] = (3, INF)
    return lower, upper


def test_bounds_of_a_tree_of_lists_tuples_integers_and_none() -> None:
    lower, upper = bounds_of(TREE)
    assert jax.tree.structure(lower) == jax.tree.structure(TREE)
    cost = rockpool.bounds_cost(TREE, lower, upper)
    np.testing.assert_allclose(cost, np.exp(1) + np.exp(1) + np.exp(2), rtol=1e-6)
    clipped = rockpool.bounds_clip(TREE, lower, upper)
    expected = {
        "layers": [{"tau": jnp.array([1.0, 2.0])}, {"tau": jnp.array(2.0), "w": None}],
        "shape": (jnp.array([1, 3]), jnp.ones((2, 2))),
    }
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(a, b, strict=True), clipped, expected)


def test_parameters_of_frameworks_are_trees_too() -> None:
    boxed = nnx.state(nnx.Linear(2, 3, rngs=nnx.Rngs(0)))
    lower, upper = rockpool.make_bounds(boxed)
    lower["kernel"] = 0.0
    assert rockpool.bounds_clip(boxed, lower, upper)["kernel"][...].min() == 0

    module = eqx.filter(eqx.nn.Linear(2, 3, key=jax.random.key(0)), eqx.is_array)
    lower, upper = rockpool.make_bounds(module)
    lower = eqx.tree_at(lambda tree: tree.weight, lower, 0.0)
    assert rockpool.bounds_clip(module, lower, upper).weight.min() == 0


def test_everything_composes_with_jit_grad_and_vmap() -> None:
    params = {"a": jnp.array([-1.0, 0.5]), "b": jnp.array(4.0)}
    lower, upper = {"b": -1.0, "a": 0.0}, {"a": 1.0, "b": jnp.inf}
    stacked = jax.tree.map(lambda leaf: jnp.stack([leaf, 2 * leaf]), params)

    def loss(params: Any, lower: Any, upper: Any) -> Any:
        return (
            rockpool.bounds_cost(params, lower, upper)
            + rockpool.l2sqr_norm(params)
            + rockpool.l0_norm_approx(params)
            + rockpool.logsoftmax(params["a"])[0]
            + rockpool.ParameterBoundaryRegularizer(0.0)(params["a"])[0]
        )

    once = jax.value_and_grad(loss)(params, lower, upper)
    both = jax.jit(jax.vmap(jax.value_and_grad(loss), (0, None, None)))(stacked, lower, upper)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b[0], rtol=1e-6), once, both)


def test_integer_leaves_are_regularized_and_none_is_no_leaf() -> None:
    params = {"w": jnp.array([1.0, 3.0]), "delay": jnp.array([2]), "steps": 3, "off": None}
    np.testing.assert_allclose(rockpool.l2sqr_norm(params), (5 + 4 + 9) / 3)
    np.testing.assert_allclose(rockpool.l0_norm_approx(params, sigma=0.0), 1)


def test_what_has_no_elements_costs_nothing() -> None:
    params = {"w": jnp.ones(0), "n": jnp.array([9, 2], jnp.uint8)}
    lower, upper = {"w": 0, "n": 3}, {"w": jnp.ones(0), "n": 4}
    cost = rockpool.bounds_cost(params, lower, upper)
    np.testing.assert_allclose(cost, np.exp(5) + np.exp(1), rtol=1e-6)
    assert rockpool.bounds_clip(params, lower, upper)["n"].tolist() == [4, 3]
    assert rockpool.l2sqr_norm({}) == spyx.silence_reg(0.5)([None]) == 0


def test_a_scalar_bound_takes_the_dtype_of_its_leaf() -> None:
    params = {"tau": jnp.array(1.0, jnp.bfloat16), "w": jnp.ones(2, jnp.float16)}
    lower, upper = {"tau": np.float64(2), "w": np.int64(0)}, {"tau": 3, "w": True}
    clipped = rockpool.bounds_clip(params, lower, upper)
    assert jax.tree.map(lambda leaf: leaf.dtype, clipped) == jax.tree.map(
        lambda leaf: leaf.dtype, params
    )
    assert rockpool.bounds_cost(params, lower, upper).dtype == jnp.float32


# What is wrong there, and what happens here


TAU = {"rate": {"tau": jnp.array([0.5, 1.0])}, "w": jnp.ones(3)}
OPEN = {"rate": {"tau": -INF}, "w": -INF}
WRONG_BOUNDS = {
    "missing": (TAU, {"w": 0.0}, "LD301", "`lower_bounds` has none for `rate/tau`"),
    "misnamed": (
        TAU,
        {"rate": {"tau": 0.0, "taus": 1.0}, "w": 0.0},
        "LD301",
        "`rate/taus` of `lower_bounds` names no leaf of the parameters",
    ),
    "None": (TAU, {"rate": {"tau": None}, "w": 0.0}, "LD301", "has none for `rate/tau`"),
    "a list for a leaf": (TAU, {**OPEN, "w": [0, 0, 0]}, "LD301", "`w/0` of `lower_bounds`"),
    "of another shape": (TAU, {**OPEN, "w": jnp.ones((2, 3))}, "LD303", "has the shape (2, 3)"),
    "crossed": (TAU, {**OPEN, "w": 9.0}, "LD302", "no value of `w` is between 9 and 8.9"),
    "crossed for one element": (
        TAU,
        {**OPEN, "w": np.array([0.0, 9.0, 0.0])},
        "LD302",
        "no value of `w` is between 9 and 8.9",
    ),
    "no integer between": (
        {"n": jnp.array([8])},
        {"n": np.float32(8.5)},
        "LD302",
        "no integer of `n` is between 8.5 and 8.9",
    ),
    "two of one path": (
        TAU,
        {"rate": {"tau": 0.0}, "rate/tau": 0.0, "w": 0.0},
        "LD304",
        "two leaves of `lower_bounds` have one path",
    ),
    "no number": (TAU, {**OPEN, "w": "0"}, "LD213", "`lower_bounds/w` is a str"),
    "keys of two kinds": (TAU, {1: 0.0, "w": 0.0}, "LD213", "cannot be sorted"),
    "no leaves": ({}, {}, "LD301", "matches no leaf"),
}


@pytest.mark.parametrize("use", [rockpool.bounds_cost, rockpool.bounds_clip])
@pytest.mark.parametrize("case", WRONG_BOUNDS.values(), ids=WRONG_BOUNDS)
def test_wrong_bounds_are_refused(use: Callable[..., Any], case: Any) -> None:
    params, lower, code, message = case
    upper = jax.tree.map(lambda _: 8.9, params)
    with pytest.raises(lossdsl.LossError) as error:
        use(params, lower, upper)
    assert set(error.value.codes) == {code}
    assert message in str(error.value)


def test_every_wrong_bound_is_named_at_once_and_the_right_one_suggested() -> None:
    with pytest.raises(lossdsl.LossError) as error:
        rockpool.bounds_cost(TAU, {"rate": {"taus": 0.0}, "w": 0.0}, {"rate": {"tau": 1.0}})
    assert error.value.codes == ("LD301", "LD301", "LD301")
    assert "did you mean `rate/tau`?" in str(error.value)


def test_bounds_are_matched_by_path_whatever_their_order_and_containers() -> None:
    params = {"b": jnp.array(0.0), "a": jnp.array(5.0)}
    lower, upper = OrderedDict(b=1.0, a=0.0), flax.core.freeze({"a": INF, "b": INF})
    np.testing.assert_allclose(rockpool.bounds_cost(params, lower, upper), np.e, rtol=1e-6)


def test_what_rockpool_s_bounds_lose_is_kept() -> None:
    zero = {"p": 0.0}
    far = rockpool.bounds_cost({"p": jnp.array(-200.0)}, zero, {"p": INF})
    gradient = jax.grad(rockpool.bounds_cost)({"p": jnp.array(-200.0)}, zero, {"p": INF})
    np.testing.assert_allclose([far, -gradient["p"]], np.exp(60), rtol=1e-5)
    for value in (INF, 2.0**40):
        gradient = jax.grad(rockpool.bounds_cost)({"p": jnp.array(value)}, zero, {"p": INF})
        assert gradient["p"] == 0
    assert jnp.isnan(rockpool.bounds_cost({"p": jnp.array([1, jnp.nan])}, zero, {"p": INF}))
    assert jnp.isnan(rockpool.l2sqr_norm({"w": jnp.array([1, jnp.nan])}))
    np.testing.assert_allclose(rockpool.l0_norm_approx({"w": jnp.array([0.0, 1e20])}), 0.5)
    assert rockpool.summed_exp_boundary_loss(jnp.array([-1.0]), 0, None) > 2.7
