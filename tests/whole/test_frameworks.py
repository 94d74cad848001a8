"""Models of flax, equinox and haiku as they are: losses, gradients, projections and messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import flax.linen as nn
import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import lossdsl

KEY = jax.random.key(0)
X, Y = jnp.array([[0.3, -1.0], [0.5, 2.0], [1.5, 0.1]]), jnp.ones((3, 1))
FIT = "mse(out, tgt) + 0.5*l2sqr(params{})"


class Dropping(nnx.Module):
    """An nnx network with batch statistics and a stream of random numbers."""

    def __init__(self, rngs: nnx.Rngs):
        self.inner = nnx.Linear(2, 3, rngs=rngs)
        self.norm = nnx.BatchNorm(3, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)
        self.outer = nnx.Linear(3, 1, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.outer(self.dropout(nnx.relu(self.norm(self.inner(x)))))


class Listed(eqx.Module):
    """An equinox network that keeps its activation among its layers."""

    layers: list[Any]
    name: str

    def __call__(self, x: jax.Array) -> jax.Array:
        for layer in self.layers:
            x = layer(x)
        return x


class Dense(nn.Module):
    """A linen network with batch statistics and dropout."""

    @nn.compact
    def __call__(self, x: jax.Array, train: bool = False) -> jax.Array:
        x = nn.BatchNorm(use_running_average=not train)(nn.Dense(3)(x))
        return nn.Dense(1)(nn.Dropout(0.5, deterministic=not train)(nn.relu(x)))


def dropping() -> Dropping:
    return Dropping(nnx.Rngs(0))


def mlp() -> eqx.nn.MLP:
    return eqx.nn.MLP(2, 1, 3, 1, key=KEY)


def listed() -> Listed:
    inner, outer = eqx.nn.Linear(2, 3, key=KEY), eqx.nn.Linear(3, 1, key=KEY)
    return Listed([inner, jax.nn.relu, outer], "listed")


def linen() -> Any:
    return Dense().init(KEY, X)["params"]


def haiku() -> Any:
    return NET.init(KEY, X)


NET = hk.without_apply_rng(hk.transform(lambda x: hk.nets.MLP([3, 1])(x)))

# A model, the arrays that are its parameters, and the name of its weights.
MODELS: Mapping[str, tuple[Callable[[], Any], Callable[[Any], Any], str]] = {
    "nnx": (dropping, lambda model: nnx.state(model, nnx.Param), "kernel"),
    "nnx state": (lambda: nnx.state(dropping(), nnx.Param), lambda state: state, "kernel"),
    "equinox": (mlp, lambda model: eqx.filter(model, eqx.is_array), "weight"),
    "equinox, a list": (listed, lambda model: eqx.filter(model, eqx.is_array), "weight"),
    "linen": (linen, lambda params: params, "kernel"),
    "haiku": (haiku, lambda params: params, "w"),
}
EACH = pytest.mark.parametrize(("make", "arrays", "weight"), MODELS.values(), ids=MODELS)


def squares(leaves: list[Any]) -> Any:
    return np.mean([np.mean(np.square(leaf)) for leaf in leaves])


@EACH
def test_a_model_is_its_parameters(
    make: Callable[[], Any], arrays: Callable[[Any], Any], weight: str
) -> None:
    model = make()
    leaves = jax.tree.leaves(arrays(model))
    weights = [leaf for leaf in leaves if leaf.ndim == 2]
    for selector, expected in (("", leaves), (f'["{weight}"]', weights)):
        text = f"l2sqr(params{selector})"
        assert lossdsl.check(text, {"params": model}).ok
        value = lossdsl.compile(text)(params=model)
        np.testing.assert_allclose(value, squares(expected), rtol=1e-6)
    (found,) = lossdsl.check(f'l2sqr(params["{weight}s"])', {"params": model}).diagnostics
    assert found.code == "LD301"
    assert f"/{weight}`" in (found.help or "")
    with pytest.raises(lossdsl.LossError, match="LD301"):
        lossdsl.compile(f'l2sqr(params["{weight}s"])')(params=model)


@EACH
def test_a_model_is_projected_and_comes_back_as_it_was(
    make: Callable[[], Any], arrays: Callable[[Any], Any], weight: str
) -> None:
    model = make()
    loss = lossdsl.compile(f"bounds(params, {weight} <= 0.1, {weight} >= -0.1)")
    assert loss.violations(model)
    for moved in (loss.project(model), loss.project(params=model)):
        assert type(moved) is type(model)
        assert loss.violations(moved) == {}
        assert jax.tree.structure(moved) == jax.tree.structure(model)
        pairs = zip(jax.tree.leaves(model), jax.tree.leaves(moved), strict=True)
        for before, after in pairs:
            if not hasattr(before, "ndim") or before.ndim < 2:
                same = before is after or np.array_equal(_plain(before), _plain(after))
                assert same


def _plain(leaf: Any) -> Any:
    is_key = isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return jax.random.key_data(leaf) if is_key else leaf


def by_nnx(loss: lossdsl.CompiledLoss) -> tuple[Any, Any]:
    objective = loss.objective(lambda model, x, y: {"out": model(x), "tgt": y})
    model = dropping()
    (value, _), gradient = nnx.value_and_grad(objective, has_aux=True)(model, X, Y)
    within = nnx.jit(nnx.value_and_grad(objective, has_aux=True))(dropping(), X, Y)
    np.testing.assert_allclose(within[0][0], value, rtol=1e-6)
    model = dropping()

    def written(model: Dropping) -> Any:
        out = model(X)
        leaves = [leaf for leaf in jax.tree.leaves(nnx.state(model, nnx.Param)) if leaf.ndim == 2]
        return jnp.mean((out - Y) ** 2) + 0.25 * sum(jnp.mean(leaf**2) for leaf in leaves)

    return (value, gradient), nnx.value_and_grad(written)(model)


def by_equinox(make: Callable[[], Any]) -> Callable[[lossdsl.CompiledLoss], tuple[Any, Any]]:
    def found(loss: lossdsl.CompiledLoss) -> tuple[Any, Any]:
        objective = loss.objective(lambda model, x, y: {"out": jax.vmap(model)(x), "tgt": y})
        graded = eqx.filter_value_and_grad(objective, has_aux=True)
        (value, _), gradient = graded(make(), X, Y)
        within = eqx.filter_jit(graded)(make(), X, Y)
        np.testing.assert_allclose(within[0][0], value, rtol=1e-6)

        def written(model: Any) -> Any:
            leaves = [x for x in jax.tree.leaves(model) if eqx.is_array(x) and x.ndim == 2]
            fit = jnp.mean((jax.vmap(model)(X) - Y) ** 2)
            return fit + 0.25 * sum(jnp.mean(leaf**2) for leaf in leaves)

        return (value, gradient), eqx.filter_jit(eqx.filter_value_and_grad(written))(make())

    return found


def by_params(
    init: Callable[[], Any], apply: Callable[[Any, Any], Any]
) -> Callable[[lossdsl.CompiledLoss], tuple[Any, Any]]:
    def found(loss: lossdsl.CompiledLoss) -> tuple[Any, Any]:
        objective = loss.objective(lambda params, x, y: {"out": apply(params, x), "tgt": y})
        graded = jax.jit(jax.value_and_grad(objective, has_aux=True))
        (value, _), gradient = graded(init(), X, Y)

        def written(params: Any) -> Any:
            leaves = [leaf for leaf in jax.tree.leaves(params) if leaf.ndim == 2]
            fit = jnp.mean((apply(params, X) - Y) ** 2)
            return fit + 0.25 * sum(jnp.mean(leaf**2) for leaf in leaves)

        return (value, gradient), jax.jit(jax.value_and_grad(written))(init())

    return found


def by_linen(loss: lossdsl.CompiledLoss) -> tuple[Any, Any]:
    variables = Dense().init(KEY, X)
    others = {name: value for name, value in variables.items() if name != "params"}
    apply = lambda params, x: Dense().apply({"params": params, **others}, x)  # noqa: E731
    return by_params(linen, apply)(loss)


TRAINED: Mapping[str, tuple[Callable[[lossdsl.CompiledLoss], tuple[Any, Any]], str]] = {
    "nnx": (by_nnx, "kernel"),
    "equinox": (by_equinox(mlp), "weight"),
    "equinox, a list": (by_equinox(listed), "weight"),
    "linen": (by_linen, "kernel"),
    "haiku": (by_params(haiku, NET.apply), "w"),
}


@pytest.mark.parametrize(("graded", "weight"), TRAINED.values(), ids=TRAINED)
def test_the_gradient_of_a_model_is_that_of_the_loss_by_hand(
    graded: Callable[[lossdsl.CompiledLoss], tuple[Any, Any]], weight: str
) -> None:
    loss = lossdsl.compile(FIT.format(f'["{weight}"]'))
    (value, gradient), (expected, by_hand) = graded(loss)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    pairs = zip(jax.tree.leaves(gradient), jax.tree.leaves(by_hand), strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


def test_what_is_no_parameter_of_a_module_is_named() -> None:
    model = dropping()
    for name, kind in (("mean", "BatchStat"), ("key", "RngKey")):
        (found,) = lossdsl.check(f'l2sqr(params["{name}"])', {"params": model}).diagnostics
        assert found.code == "LD213"
        assert f"in an `nnx.{kind}`" in found.message
        assert f"nnx.state(model, nnx.{kind})" in (found.help or "")
    statistics = nnx.state(model, nnx.BatchStat)
    assert float(lossdsl.compile("sum(params)")(params=statistics)) == 3.0


# What JAX, flax and equinox print for a leaf, and the selector to write.
PRINTED = (
    (dropping, "inner/kernel/value", "inner/kernel"),
    (dropping, "['inner']['kernel']", "inner/kernel"),
    (dropping, ".inner.kernel.value", "inner/kernel"),
    (dropping, "('inner', 'kernel')", "inner/kernel"),
    (dropping, "inner.kernel", "inner/kernel"),
    (dropping, "kernel/value", "kernel"),
    (mlp, "layers[0].weight", "layers/0/weight"),
    (mlp, ".layers[0].weight", "layers/0/weight"),
    (linen, "['Dense_0']['kernel']", "Dense_0/kernel"),
    (linen, "Dense_0.kernel", "Dense_0/kernel"),
    (haiku, "['mlp/~/linear_0']['w']", "mlp/~/linear_0/w"),
)


@pytest.mark.parametrize(("make", "printed", "selector"), PRINTED)
def test_a_path_as_it_is_printed_selects_or_is_told_how_to_write(
    make: Callable[[], Any], printed: str, selector: str
) -> None:
    model = make()
    assert lossdsl.check(f'l2sqr(params["{selector}"])', {"params": model}).ok
    (found,) = lossdsl.check(f'l2sqr(params["{printed}"])', {"params": model}).diagnostics
    assert found.code in ("LD301", "LD307")
    assert f'`"{selector}"`' in (found.help or "")


# Leaves that no loss can read. Nothing that a selector passes by decides.
ODD: Mapping[str, Any] = {
    "lora": jnp.ones(3),
    "key": KEY,
    "int4": jnp.ones(3, jnp.int4),
    "fp8": jnp.ones(3, jnp.float8_e4m3fn),
    "complex": jnp.ones(3, jnp.complex64),
    "text": "relu",
    "texts": np.array(["a"]),
    "act": jnp.tanh,
    "object": object(),
    "none": None,
}
PICKED = {
    "int4": "LD219",
    "fp8": "LD219",
    "complex": "LD219",
    "key": "LD213",
    "text": "LD213",
    "texts": "LD213",
    "act": "LD213",
    "object": "LD213",
}


@pytest.mark.parametrize(
    "text",
    [
        'l2sqr(params["lora"])',
        "l2sqr(params.lora)",
        'l2sqr(params["l*"])',
        'l2sqr(params["**", dtype=f32])',
        'mean(map(abs, params["lora"]))',
        'def norms(p) = mean(square(p["lora"]))\nloss = norms(params)',
        'def norms(p: tree) = mean(square(p["lora"]))\nloss = norms(params)',
        'l2sqr(params["lora"]) + 0*bounds(params, lora <= 2)',
    ],
)
def test_a_leaf_that_no_selector_picks_decides_nothing(text: str) -> None:
    assert not [
        found
        for found in lossdsl.check(text, {"params": ODD}).diagnostics
        if found.severity == "error"
    ]
    assert float(lossdsl.compile(text)(params=ODD)) == 1.0


def test_constraints_pass_other_leaves_by() -> None:
    loss = lossdsl.compile("bounds(params, lora <= 0.5)")
    assert {name: float(far) for name, far in loss.violations(ODD).items()} == {"lora": 0.5}
    moved = loss.project(ODD)
    assert np.array_equal(moved["lora"], np.full(3, 0.5, np.float32))
    for name in ODD:
        if name not in ("lora", "int4", "fp8", "complex", "key"):
            assert moved[name] is ODD[name]


@pytest.mark.parametrize(("leaf", "code"), PICKED.items())
def test_a_leaf_that_is_picked_is_named(leaf: str, code: str) -> None:
    for spec in (f'l2sqr(params["{leaf}"])', f"l2sqr(params.{leaf})"):
        (found,) = lossdsl.check(spec, {"params": ODD}).diagnostics
        assert (found.code, f"`params/{leaf}`" in found.message) == (code, True)
        with pytest.raises(lossdsl.LossError, match=f"{code}.*`params/{leaf}`"):
            lossdsl.compile(spec)(params=ODD)


def test_what_counts_for_nothing_is_passed_over_in_a_whole_tree() -> None:
    tree = {name: ODD[name] for name in ("lora", "key", "int4", "none")}
    assert lossdsl.check("l2sqr(params)", {"params": tree}).ok
    assert float(lossdsl.compile("l2sqr(params)")(params=tree)) == 1.0
    for name in ("fp8", "complex", "text", "act", "object"):
        mixed = {"lora": ODD["lora"], name: ODD[name]}
        with pytest.raises(lossdsl.LossError, match=f"`params/{name}`"):
            lossdsl.compile("l2sqr(params)")(params=mixed)
