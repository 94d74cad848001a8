"""Balancers against what their papers say, written down a second time in NumPy."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import lossdsl
from lossdsl.diagnostics.diagnostic import LossError
from lossdsl.training import balance

TEXT = "a, b, tgt: f32[N]\nloss = mse(a, tgt) as near + 0.1*mse(b, tgt) as far"
SWAPPED = "a, b, tgt: f32[N]\nloss = 0.1*mse(b, tgt) as far + mse(a, tgt) as near"
PARAMS = {"w": jnp.array([0.5, -1.0, 2.0]), "v": jnp.array([1.0, 1.0, -1.0])}
TARGET = np.array([1.0, 2.0, -1.0])
STEPS = 5


def inputs(params: Any) -> dict[str, Any]:
    return {"a": params["w"], "b": 10 * params["w"] * params["v"], "tgt": jnp.asarray(TARGET)}


def objective(text: str = TEXT) -> Callable[..., Any]:
    return lossdsl.compile(text).objective(inputs)


def measured(params: Mapping[str, Any]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the two terms and the gradient of each by both parameters, by hand."""
    w, v = (np.asarray(params[name], np.float64) for name in ("w", "v"))
    near, far = w - TARGET, 10 * w * v - TARGET
    values = np.array([np.mean(near**2), 0.1 * np.mean(far**2)])
    slope = 0.1 * 2 * far / 3
    return values, [
        np.concatenate([2 * near / 3, np.zeros(3)]),
        np.concatenate([slope * 10 * v, slope * 10 * w]),
    ]


# Each rule in NumPy: what it keeps at first, and after a step with some parameters.


def uncertainty(kept: Any, values: np.ndarray, _: Any, rate: float = 0.1) -> Any:
    logs = np.zeros(2) if kept is None else kept
    return logs - rate * (1 - np.exp(-logs) * values)


def gradnorm(kept: Any, values: np.ndarray, slopes: Any, rate: float = 0.01) -> Any:
    weights, first = kept
    lengths = np.array([np.linalg.norm(slope) for slope in slopes])
    ratios = values / first
    target = np.mean(weights * lengths) * (ratios / ratios.mean()) ** 1.5
    weights = weights - rate * np.sign(weights * lengths - target) * lengths
    weights = np.maximum(weights, 1e-3)
    return weights * 2 / weights.sum(), first


def relobralo(kept: Any, values: np.ndarray, _: Any) -> Any:
    _, last, first = kept

    def relative(before: np.ndarray) -> np.ndarray:
        powers = np.exp(values / (0.5 * before))
        return 2 * powers / powers.sum()

    # With `lookback=0` every step looks back at the first.
    return 0.7 * relative(first) + 0.3 * relative(last), values, first


def annealing(kept: Any, _: Any, slopes: Any) -> Any:
    largest = np.abs(slopes[0]).max()
    aim = np.array([1, largest / np.abs(slopes[1]).mean()])
    return np.array([1, 0.9 * kept[1] + 0.1 * aim[1]])


SGD = optax.sgd(0.1)
RULES: Mapping[str, tuple[Any, Any, Any, Any]] = {
    "uncertainty": (
        lambda f: balance.uncertainty(f, SGD),
        uncertainty,
        lambda values: np.zeros(2),
        lambda kept: np.exp(-kept),
    ),
    "gradnorm": (
        lambda f: balance.gradnorm(f, optimizer=optax.sgd(0.01)),
        gradnorm,
        lambda values: (np.ones(2), values),
        lambda kept: kept[0],
    ),
    "relobralo": (
        lambda f: balance.relobralo(f, alpha=0.7, temperature=0.5, lookback=0.0),
        relobralo,
        lambda values: (np.ones(2), values, values),
        lambda kept: kept[0],
    ),
    "annealing": (
        lambda f: balance.annealing(f, "near"),
        annealing,
        lambda values: np.ones(2),
        lambda kept: kept,
    ),
}


def trained(balancer: balance.Balancer) -> tuple[list[Any], list[dict[str, Any]]]:
    """Return parameters and weights of a few compiled steps."""

    @jax.jit
    def step(params: Any, state: Any) -> Any:
        gradient, _ = jax.grad(balancer.objective, has_aux=True)(params, state)
        state = balancer.update(state, params)
        return jax.tree.map(lambda x, g: x - 0.01 * g, params, gradient), state

    params, state = PARAMS, balancer.init(PARAMS)
    visited, weights = [params], [balancer.weights(state)]
    for _ in range(STEPS):
        params, state = step(params, state)
        visited.append(params)
        weights.append(balancer.weights(state))
    return visited, weights


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_that_of_its_paper(rule: str) -> None:
    make, numpy_rule, first, weights_of = RULES[rule]
    visited, weights = trained(make(objective()))
    kept = first(measured(PARAMS)[0])
    for params, found in zip(visited, weights, strict=True):
        expected = weights_of(kept)
        np.testing.assert_allclose([found["near"], found["far"]], expected, rtol=2e-5)
        kept = numpy_rule(kept, *measured(params))
    assert len({float(each["far"]) for each in weights}) > STEPS - 2  # they do move


@pytest.mark.parametrize("rule", RULES)
def test_weights_go_by_name(rule: str) -> None:
    make = RULES[rule][0]
    _, one = trained(make(objective(TEXT)))
    _, other = trained(make(objective(SWAPPED)))
    for left, right in zip(one, other, strict=True):
        for name in ("near", "far"):
            np.testing.assert_allclose(left[name], right[name], rtol=1e-5)


@pytest.mark.parametrize("rule", ["gradnorm", "relobralo"])
def test_equal_terms_keep_equal_weights_that_add_up(rule: str) -> None:
    terms = " + ".join(f"mse(a, tgt) as {name}" for name in ("one", "two", "three"))
    text = f"a, b, tgt: f32[N]\nloss = {terms}\nmetric unread = mean(b)"
    _, weights = trained(RULES[rule][0](objective(text)))
    for each in weights:
        np.testing.assert_allclose([*each.values()], 1, rtol=1e-6)


def test_learned_variances_settle_at_the_terms() -> None:
    loss = lossdsl.compile("mean(x) as one + 4*mean(x) as four")
    balancer = balance.uncertainty(loss.objective(lambda x: {"x": x}), optax.sgd(0.5))
    x = jnp.full(3, 2.0)
    state = balancer.init(x)
    state = jax.lax.fori_loop(0, 100, lambda _, state: balancer.update(state, x), state)
    np.testing.assert_allclose([*balancer.weights(state).values()], [0.5, 0.125], rtol=1e-4)


def test_derivatives_of_both_signs_do_not_cancel() -> None:
    loss = lossdsl.compile("x: f32[2]\nmean(square(x)) as fit + sum(x*(1.0, -1.0)) as pull")
    balancer = balance.annealing(loss.objective(lambda x: {"x": x}), "fit", momentum=0.0)
    x = jnp.array([3.0, 1.0])
    state = balancer.update(balancer.init(x), x)
    np.testing.assert_allclose(balancer.weights(state)["pull"], 3.0)  # max |x| over mean |±1|


def test_value_and_terms_are_those_that_are_trained_with() -> None:
    balancer = balance.relobralo(objective(), temperature=0.1, alpha=0.0)
    moved = jax.tree.map(lambda x: x + 0.3, PARAMS)
    state = balancer.update(balancer.init(PARAMS), moved)
    (value, terms), gradient = jax.value_and_grad(balancer.objective, has_aux=True)(moved, state)
    weights = balancer.weights(state)
    (near, far), (by_near, by_far) = measured(moved)
    np.testing.assert_allclose(value, near * weights["near"] + far * weights["far"], rtol=1e-5)
    np.testing.assert_allclose(terms.weight["far"], 0.1 * weights["far"], rtol=1e-6)
    np.testing.assert_allclose(terms.weighted["near"], near * weights["near"], rtol=1e-5)
    expected = weights["near"] * by_near + weights["far"] * by_far
    np.testing.assert_allclose([*gradient["w"], *gradient["v"]], expected, rtol=1e-5)
    aux = lossdsl.compile(TEXT).objective(lambda params: (inputs(params), "beside"))
    assert balance.relobralo(aux).objective(moved, state)[1][1] == "beside"


def test_a_weight_that_is_a_whole_number_is_multiplied_too() -> None:
    balancer = balance.gradnorm(objective(TEXT.replace("0.1", "2")))
    state = balancer.update(balancer.init(PARAMS), PARAMS)
    _, terms = balancer.objective(PARAMS, state)
    far = balancer.weights(state)["far"]
    assert 0 < far < 1
    assert terms.weight["far"] == 2 * far


def test_some_of_the_terms_and_several_results() -> None:
    only = balance.gradnorm(objective(), terms=["far"])
    assert list(only.weights(only.init(PARAMS))) == ["far"]
    loss = lossdsl.compile("loss one = mse(a, tgt)\nloss two = mse(b, tgt) + mean(abs(a)) as l1")
    balancer = balance.uncertainty(loss.objective(inputs))
    state = balancer.init(PARAMS)
    value, _ = balancer.objective(PARAMS, state)
    for name, each in loss(**inputs(PARAMS)).items():
        np.testing.assert_allclose(value[name], each, rtol=1e-6)
    assert list(balancer.weights(state)) == ["one/mse", "two/mse", "two/l1"]


@pytest.mark.parametrize("rule", RULES)
def test_a_state_crosses_a_checkpoint(rule: str) -> None:
    balancer = RULES[rule][0](objective())
    state = balancer.init(PARAMS)
    back = jax.tree.map(jnp.asarray, pickle.loads(pickle.dumps(jax.device_get(state))))
    # Some checkpoints bring tuples back as lists.
    listed = {
        key: {
            part: list(numbers) if isinstance(numbers, tuple) else numbers
            for part, numbers in kept.items()
        }
        for key, kept in back.items()
    }
    one, other = balancer.update(state, PARAMS), balancer.update(listed, PARAMS)
    assert balancer.weights(one) == balancer.weights(other)


def test_terms_of_0_keep_the_others() -> None:
    loss = lossdsl.compile(
        "x: f32[N]\nmean(relu(x)) as off + mean(x*x) as on + mean(relu(-x)) as up"
    )
    x = jnp.full(3, -1.0)
    for make, *_ in (RULES["relobralo"], RULES["gradnorm"], RULES["uncertainty"]):
        balancer = make(loss.objective(lambda x: {"x": x}))
        state = balancer.update(balancer.init(x), x + 0.5)
        assert np.isfinite([*balancer.weights(state).values()]).all()


def projected(gradients: list[np.ndarray]) -> np.ndarray:
    """Return the sum of gradients without conflicts, in the order of the terms."""
    whole = np.zeros_like(gradients[0])
    for at, gradient in enumerate(gradients):
        for other in (*gradients[:at], *gradients[at + 1 :]):
            gradient = gradient - min(gradient @ other, 0) / (other @ other) * other
        whole += gradient
    return whole


@pytest.mark.parametrize("compiled", [False, True])
def test_gradients_in_conflict_are_projected(compiled: bool) -> None:
    text = "x: f32[3]\nsum(x*(1, 2, 0)) as a + sum(x*(-1, 0, 1)) as b + sum(x*(0, -3, 0.5)) as c"
    function = lossdsl.compile(text).objective(lambda params: {"x": params["x"]})
    params = {"x": jnp.ones(3), "steps": 3}

    def project(x: Any) -> Any:
        return balance.pcgrad(function, {**params, "x": x})

    terms, gradient = (jax.jit(project) if compiled else project)(params["x"])
    rows = [np.array(row) for row in ([1.0, 2, 0], [-1, 0, 1], [0, -3, 0.5])]
    np.testing.assert_allclose(gradient["x"], projected(rows), rtol=1e-6)
    assert list(terms.raw) == ["a", "b", "c"]
    _, drawn = balance.pcgrad(function, params, key=jax.random.key(1))
    assert not np.allclose(drawn["x"], gradient["x"])


def test_gradients_that_agree_are_added() -> None:
    function = lossdsl.compile("x: f32[2]\nmean(x*x) as a + sum(x) as b").objective(
        lambda x: {"x": x}
    )
    x = jnp.array([1.0, 2.0])
    np.testing.assert_allclose(
        balance.pcgrad(function, x)[1], jax.grad(lambda x: function(x)[0])(x), rtol=1e-6
    )


REFUSED: Mapping[str, tuple[Callable[[], Any], str, str]] = {
    "another rule": (
        lambda: balance.relobralo(objective()).weights(
            balance.uncertainty(objective()).init(PARAMS)
        ),
        "LD126",
        "the state is of `uncertainty 1`; this balancer keeps `relobralo 1`",
    ),
    "another spec": (
        lambda: balance.relobralo(objective()).update(
            balance.relobralo(objective(TEXT.replace("far", "wide"))).init(PARAMS), PARAMS
        ),
        "LD126",
        "of the terms `near`, `wide`",
    ),
    "no state": (
        lambda: balance.relobralo(objective()).update(None, PARAMS),  # type: ignore[arg-type]
        "LD126",
        "the state is of `NoneType`",
    ),
    "no objective": (lambda: balance.gradnorm(inputs), "LD121", "the objective of a loss"),
    "a term": (lambda: balance.gradnorm(objective(), terms=["fra"]), "LD103", "no term `fra`"),
    "a reference": (lambda: balance.annealing(objective(), "fit"), "LD103", "no term `fit`"),
    "a share": (
        lambda: balance.relobralo(objective(), alpha=2.0),
        "LD121",
        "`alpha` is a number from 0 to 1, not 2",
    ),
    "a seed": (lambda: balance.relobralo(objective(), seed=0.5), "LD121", "`seed`"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case: str) -> None:
    call, code, message = REFUSED[case]
    with pytest.raises(LossError) as caught:
        call()
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == code
    assert message in diagnostic.message
    assert diagnostic.help
