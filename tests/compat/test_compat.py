"""`lossdsl.compat` as users of Rockpool and spyx meet it: signatures, training, what is refused."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from heavy import heavy_after

import lossdsl
from lossdsl.compat import rockpool, spyx

# As `inspect.signature` prints those of the packages, without their annotations.
SIGNATURES = {
    rockpool.mse: "(output, target)",
    rockpool.sse: "(output, target)",
    rockpool.make_bounds: "(params)",
    rockpool.bounds_cost: "(params, lower_bounds, upper_bounds)",
    rockpool.bounds_clip: "(params, lower_bounds, upper_bounds)",
    rockpool.l2sqr_norm: "(params)",
    rockpool.l0_norm_approx: "(params, sigma=0.0001)",
    rockpool.softmax: "(x, temperature=1.0)",
    rockpool.logsoftmax: "(x, temperature=1.0)",
    rockpool.summed_exp_boundary_loss: "(data, lower_bound=None, upper_bound=None)",
    rockpool.ParameterBoundaryRegularizer: "(lower_bound=None, upper_bound=None)",
    rockpool.ParameterBoundaryRegularizer.forward: "(self, input)",
    spyx.silence_reg: "(min_spikes)",
    spyx.sparsity_reg: "(max_spikes, norm=huber_loss)",
    spyx.integral_accuracy: "(time_axis=1)",
    spyx.integral_crossentropy: "(smoothing=0.3, time_axis=1)",
    spyx.mse_spikerate: "(sparsity=0.25, smoothing=0.0, time_axis=1)",
    spyx.silence_reg(0.5): "(spikes)",
    spyx.sparsity_reg(0.5): "(spikes)",
    spyx.integral_accuracy(): "(traces, targets)",
    spyx.integral_crossentropy(): "(traces, targets)",
    spyx.mse_spikerate(): "(traces, targets)",
}


def shown(signature: inspect.Signature) -> str:
    parts = [
        name
        if one.default is one.empty
        else f"{name}={getattr(one.default, '__name__', one.default)}"
        for name, one in signature.parameters.items()
    ]
    return f"({', '.join(parts)})"


@pytest.mark.parametrize("function", SIGNATURES, ids=lambda one: one.__qualname__)
def test_the_signature_is_the_package_s(function: Callable[..., Any]) -> None:
    assert shown(inspect.signature(function)) == SIGNATURES[function]


def test_all_is_what_there_is() -> None:
    documented = {one.__name__ for one in SIGNATURES if "." not in one.__qualname__}
    assert documented == {*rockpool.__all__, *spyx.__all__}


def test_importing_lossdsl_imports_neither_compat_nor_jax() -> None:
    code = "import lossdsl, sys; assert not [one for one in sys.modules if 'compat' in one]"
    plain, compat = heavy_after(code, "import lossdsl.compat.rockpool")
    assert plain == []
    assert "jax" in compat


# Training


def rate_network(params: Any, inputs: Any) -> tuple[Any, dict[str, Any]]:
    """A layer of leaky rate units and a readout, as `evolve` of a Rockpool network returns it."""
    rates = params["1_RateJax"]

    def step(state: Any, x: Any) -> tuple[Any, Any]:
        drive = x @ params["0_LinearJax"]["weight"] + state @ rates["w_rec"] + rates["bias"]
        state = state + (jnp.tanh(drive) - state) * 1e-3 / rates["tau"]
        return state, state

    _, states = jax.lax.scan(step, jnp.zeros(8), inputs)
    return (states @ params["2_LinearJax"]["weight"])[None], {}


def rate_parameters() -> dict[str, Any]:
    random = np.random.default_rng(0)
    parameters = {
        "0_LinearJax": {"weight": random.normal(size=(2, 8))},
        "1_RateJax": {
            "tau": np.full(8, 0.02),
            "bias": np.zeros(8),
            "w_rec": 0.3 * random.normal(size=(8, 8)),
            "threshold": None,
        },
        "2_LinearJax": {"weight": random.normal(size=(8, 1))},
    }
    return jax.device_put(jax.tree.map(np.float32, parameters))


def test_a_rockpool_network_trains_within_its_bounds() -> None:
    loss_module = rockpool  # what `import rockpool.training.jax_loss as l` was
    params = rate_parameters()
    time = np.linspace(0, 1, 40, dtype=np.float32)
    inputs = np.stack([np.sin(6 * time), np.ones_like(time)], axis=1)
    target = np.sin(6 * time + 1)[:, None]

    lower_bounds, upper_bounds = loss_module.make_bounds(params)
    lower_bounds["1_RateJax"]["tau"] = 11e-3

    def loss(parameters: Any, inputs: Any, target: Any) -> Any:
        output, _ = rate_network(parameters, inputs)
        bounds = loss_module.bounds_cost(parameters, lower_bounds, upper_bounds)
        reg_l2 = loss_module.l2sqr_norm(parameters["1_RateJax"]["w_rec"])
        return loss_module.mse(output[0], target) + 1e3 * bounds + 1e-3 * reg_l2

    optimizer = optax.adam(2e-2)
    state = jax.jit(optimizer.init)(params)

    @jax.jit
    def step(params: Any, state: Any) -> tuple[Any, Any, Any]:
        value, gradients = jax.value_and_grad(loss)(params, inputs, target)
        updates, state = optimizer.update(gradients, state, params)
        params = optax.apply_updates(params, updates)
        return loss_module.bounds_clip(params, lower_bounds, upper_bounds), state, value

    values = []
    for _ in range(80):
        params, state, value = step(params, state)
        values.append(float(value))
    assert values[-1] < 0.3 * values[0]
    assert jax.tree.structure(params) == jax.tree.structure(rate_parameters())
    assert (np.asarray(params["1_RateJax"]["tau"]) >= np.float32(11e-3)).all()
    again = loss_module.bounds_clip(params, lower_bounds, upper_bounds)
    jax.tree.map(np.testing.assert_array_equal, again, params)


def test_a_spiking_classifier_trains() -> None:
    random, targets = np.random.default_rng(1), np.tile(np.arange(3), 6)
    rates = 0.1 + 0.6 * np.eye(3)[targets][:, None]
    events = (random.random((18, 10, 3)) < rates).astype(np.float32)
    params = {"w": np.float32(0.1 * random.normal(size=(3, 3))), "b": np.zeros(3, np.float32)}

    crossentropy = spyx.integral_crossentropy(smoothing=0.1)
    accuracy = spyx.integral_accuracy()
    silence, sparsity = spyx.silence_reg(0.05), spyx.sparsity_reg(0.8)

    def network(weights: Any, events: Any) -> tuple[Any, Any]:
        spikes = jax.nn.sigmoid(events @ weights["w"] + weights["b"])
        return spikes, [spikes]

    @jax.value_and_grad
    def net_eval(weights: Any, events: Any, targets: Any) -> Any:
        traces, spikes = network(weights, events)
        return crossentropy(traces, targets) + 1e-3 * silence(spikes) + 1e-3 * sparsity(spikes)

    optimizer = optax.adam(5e-2)
    state = jax.jit(optimizer.init)(params)

    @jax.jit
    def step(params: Any, state: Any) -> tuple[Any, Any]:
        _, gradients = net_eval(params, events, targets)
        updates, state = optimizer.update(gradients, state)
        return optax.apply_updates(params, updates), state

    for _ in range(60):
        params, state = step(params, state)
    value, predictions = jax.jit(lambda p: accuracy(network(p, events)[0], targets))(params)
    assert float(value) == pytest.approx(np.mean(np.asarray(predictions) == targets))
    assert value > 0.9


# What is refused


def refusal(text: str) -> str:
    """Return the codes of the `LossError` that an expression raises."""
    ones, names = jnp.ones, {"jnp": jnp, "rockpool": rockpool, "spyx": spyx, "int_": jnp.arange}
    with pytest.raises(lossdsl.LossError) as error:
        eval(text, names | {"ones": ones})
    return " ".join(error.value.codes)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("rockpool.mse(ones(3), ones((3, 1)))", "LD201"),
        ("rockpool.sse(ones((1, 4, 2)), ones((4, 2)))", "LD201"),
        ("rockpool.mse(None, ones(3))", "LD213"),
        ("rockpool.softmax(ones(3), temperature=0)", "LD503"),
        ("rockpool.logsoftmax(ones(3), temperature=-1.0)", "LD503"),
        ("rockpool.softmax('scores')", "LD213"),
        ("rockpool.make_bounds({'w': 'name'})", "LD213"),
        ("rockpool.softmax([1.0, 2.0])", "LD213"),
        ("rockpool.softmax(ones(3), temperature=None)", "LD213"),
        ("rockpool.l0_norm_approx({'w': ones(0)})", "LD209"),
        ("rockpool.summed_exp_boundary_loss(ones(3), ones(3))", "LD204"),
        ("spyx.integral_crossentropy(smoothing=1.5)", "LD503"),
        ("spyx.mse_spikerate(smoothing=-0.1)", "LD503"),
        ("spyx.mse_spikerate(time_axis=-1)(ones((2, 4, 3)), int_(2))", "LD207"),
        ("spyx.integral_accuracy(time_axis=1.5)(ones((2, 4, 3)), int_(2))", "LD207 LD207"),
        ("spyx.integral_crossentropy()(ones((2, 4, 3)), ones(2))", "LD214"),
        ("spyx.silence_reg('1')([ones((2, 3))])", "LD213"),
        ("spyx.sparsity_reg(0.5)([ones(())])", "LD204"),
        ("spyx.sparsity_reg(0.5, norm='huber')([ones((2, 3))])", "LD807"),
    ],
)
def test_what_the_packages_take_or_fail_at_is_refused(text: str, code: str) -> None:
    assert refusal(text) == code


def test_targets_outside_of_the_classes() -> None:
    traces = jax.random.normal(jax.random.key(0), (2, 4, 3))
    assert jnp.isnan(spyx.integral_crossentropy()(traces, jnp.array([0, 3])))
    assert jnp.isnan(spyx.mse_spikerate()(traces, jnp.array([0, 3])))


def test_another_threshold_compiles_nothing() -> None:
    spikes = {"a": jnp.ones((2, 3))}
    loss = lossdsl.compile("silence(spikes, min_spikes)")
    spyx.silence_reg(0.5)(spikes)
    before = loss.fn._cache_size()
    assert float(spyx.silence_reg(1.5)(spikes)) == 3 * 0.25
    assert float(spyx.silence_reg(np.float32(2.0))(spikes)) == 3
    assert loss.fn._cache_size() == before


NORMS = {
    "with defaults": partial(optax.huber_loss, delta=0.1),
    "jitted": jax.jit(jnp.square),
    "not elementwise": lambda x: x / (1 + x.sum()),
}


@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_a_norm_is_any_function_of_an_array(norm: Callable[[Any], Any]) -> None:
    conv = np.full((3, 2, 2), 2, np.float32)
    spikes = [np.array([[1, 0], [1, 1]], np.float32), {"conv": conv, "off": None}]

    def by_hand(spikes: Any) -> Any:
        means = [leaf.reshape(len(leaf), -1).mean(-1) for leaf in jax.tree.leaves(spikes)]
        return sum(norm(jnp.maximum(mean - 0.3, 0)).sum() for mean in means)

    @jax.jit
    def both(spikes: Any) -> Any:
        losses = spyx.sparsity_reg(0.3, norm), by_hand
        return [jax.value_and_grad(loss)(spikes) for loss in losses]

    actual, expected = both(spikes)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), actual, expected)


def test_half_precision_is_summed_in_f32() -> None:
    ones = jnp.full(4096, 2.0, jnp.float16)
    assert rockpool.sse(ones, jnp.zeros_like(ones)) == 4 * 4096
    assert rockpool.mse(ones, jnp.zeros_like(ones)).dtype == jnp.float32
