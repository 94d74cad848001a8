"""Published packages' own values and gradients, reached through spec texts and through compat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import golden_compat
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from golden_specs import CASES, EXCEPTIONS, NO_LOSSES, SPECS, Case, decode, recipe

import lossdsl

NO_GRADIENT = {"bounds_cost/int_params"}


@pytest.fixture(autouse=True)
def x64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def golden(case: Case) -> Case:
    """Return a decoded case, its floating arguments in the dtype that the package computed in."""
    case = decode(case)
    dtype = getattr(case.get("value"), "dtype", None)
    if dtype == np.float32 and case["fn"] != "integral_accuracy":
        case["args"] = jax.tree.map(
            lambda leaf: leaf.astype(dtype) if isinstance(leaf, np.ndarray) else leaf, case["args"]
        )
    return case


@dataclass(frozen=True)
class Way:
    """How a case is reached: what is differentiated, of which inputs, and what is compared."""

    loss: Callable[..., Any]
    value: Callable[..., tuple[Any, dict[str, Any]]]
    inputs: dict[str, Any]


def by_spec(case: Case) -> Way:
    """Reach a case through a spec text; its metrics are compared beside the value."""
    spec = recipe(case)
    loss = lossdsl.compile(spec.text)

    def value(**inputs: Any) -> tuple[Any, dict[str, Any]]:
        value, terms = loss.with_terms(**inputs)
        return terms.metrics.get("value", value), terms.metrics

    return Way(loss, value, jax.device_put(spec.inputs))


def by_compat(case: Case) -> Way:
    """Reach a case through the function of the package's own name and parameters."""
    call = golden_compat.CALLS[case["fn"]](case)

    def value(**inputs: Any) -> tuple[Any, dict[str, Any]]:
        metrics = {}
        if case["fn"] == "integral_accuracy":
            metrics["predictions"] = golden_compat.predictions(case)
        return call(**inputs), metrics

    inputs = jax.tree.map(
        lambda leaf: jnp.asarray(leaf) if isinstance(leaf, np.ndarray) else leaf, case["args"]
    )
    return Way(golden_compat.as_loss(case, call), value, inputs)


Run = tuple[Any, dict[str, Any], dict[str, Any]]


def run(case: Case, way: Callable[[Case], Way], *, jitted: bool = True) -> Run:
    """Return value, gradients and metrics of a case, of one program or operation by operation."""
    compute, given = computed(case, way(case))
    with jax.disable_jit(not jitted):
        return jax.device_get(jax.jit(compute)(given))


def computed(case: Case, reached: Way) -> tuple[Callable[[Any], Any], dict[int, jax.Array]]:
    """Return what computes value, gradients and metrics of a case, and the arrays that it needs."""
    leaves, tree = jax.tree.flatten(reached.inputs)
    given = {at: leaf for at, leaf in enumerate(leaves) if isinstance(leaf, jax.Array)}
    # JAX itself refuses to differentiate by integers.
    named = [name for name in case.get("grads") or {} if case["id"] not in NO_GRADIENT]

    def compute(given: dict[int, Any]) -> Any:
        inputs = tree.unflatten([given.get(at, leaf) for at, leaf in enumerate(leaves)])
        value, metrics = reached.value(**inputs)
        if not named:
            return value, {}, metrics
        gradients = jax.grad(lambda chosen: reached.loss(**inputs | chosen))
        return value, gradients({name: inputs[name] for name in named}), metrics

    return compute, given


def assert_close(actual: Any, expected: Any, dtype: Any) -> None:
    rtol = 2e-6 if dtype == np.float32 else 1e-12
    assert jax.tree.structure(actual) == jax.tree.structure(expected)
    jax.tree.map(
        lambda a, e: np.testing.assert_allclose(a, e, rtol=rtol, strict=True), actual, expected
    )


def assert_golden(case: Case, way: Callable[[Case], Way], found: Run) -> None:
    value, gradients, metrics = found
    if isinstance(case["value"], dict):
        assert_close(value, case["value"], np.float64)
        return
    expected = np.asarray(case["value"])
    if case["fn"] == "integral_accuracy":
        value = value.astype(np.float32)
        np.testing.assert_array_equal(metrics["predictions"], case["aux_predictions"])
    assert_close(value, expected, expected.dtype)
    recorded = {name: case["grads"][name] for name in gradients}
    try:
        assert_close(gradients, recorded, expected.dtype)
    except AssertionError:
        # The packages were run operation by operation. Some recorded gradients cancel by five
        # digits (l0, softmax far from its peak), so that the package itself, jitted, is off by
        # 1e-11; whether ours are is a matter of the version and the flags of XLA.
        _, single, _ = run(case, way, jitted=False)
        assert_close(single, recorded, expected.dtype)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-12), gradients, single
        )


# What lossdsl does instead, by the words in which the data states it.

Deviation = Callable[[Case, Callable[[Case], Way]], None]


def refused(prefix: str) -> Deviation:
    def check(case: Case, way: Callable[[Case], Way]) -> None:
        with pytest.raises(lossdsl.LossError) as error:
            run(case, way)
        assert all(code.startswith(prefix) for code in error.value.codes), error.value

    return check


def clamped(case: Case, way: Callable[[Case], Way]) -> None:
    value, gradients, _ = run(case, way)
    assert_close(value, np.float32(np.exp(60.0)), np.float32)
    np.testing.assert_allclose(gradients["params"]["a"], [-np.exp(60.0)], rtol=2e-6)


def promoted(case: Case, way: Callable[[Case], Way]) -> None:
    value, _, _ = run(case, way)
    assert np.isfinite(value) and value.dtype.kind == "f"


def zero_at_the_kink(case: Case, way: Callable[[Case], Way]) -> None:
    value, gradients, _ = run(case, way)
    assert_close(value, case["value"], value.dtype)
    assert_close(gradients, jax.tree.map(np.zeros_like, case["grads"]), value.dtype)


DEVIATIONS: dict[str, Deviation] = {
    "a LossError (LD201) here": refused("LD201"),
    "a LossError (LD2xx) here": refused("LD2"),
    "a LossError (LD301) here: bounds are matched by path": refused("LD301"),
    "a LossError (LD301) here: nothing to select": refused("LD301"),
    "finite here: the exponent is clamped, catalogue part 2": clamped,
    "integer traces are promoted here: a finite value": promoted,
    "same value; the gradient at the kink is 0 here": zero_at_the_kink,
}


def by_path(case: Case, way: Callable[[Case], Way]) -> None:
    """The package puts the bound of `tau`, which is its third, on the third parameter, `bias`."""
    value, gradients, _ = run(case, way)
    tau = case["args"]["params"]["1_RateJax"]["tau"]
    costs = np.where(tau < 0.01, np.exp(0.01 - tau), 0)
    assert_close(value, costs.sum(), np.float64)
    assert_close(gradients["params"]["1_RateJax"]["tau"], -costs, np.float64)


# A spec can say how shapes that differ meet, or that bounds are zipped by position.
BY_COMPAT: dict[str, Deviation] = {
    "mse/broadcast_batch_1TN_vs_TN": refused("LD201"),
    "torch.bounds_cost/tutorial_tau": by_path,
}


WAYS = {"spec": by_spec, "compat": by_compat}
REACHED = [
    (f"{name}-{case['package']}-{case['id']}", case, way)
    for name, way in WAYS.items()
    for case in CASES
    if way is by_compat or case["fn"] not in NO_LOSSES
]


def deviation(case: Case, way: Callable[[Case], Way]) -> Deviation | None:
    check = DEVIATIONS.get(case.get("deviation", ""))
    return BY_COMPAT.get(case["id"], check) if way is by_compat else check


DEVIATING = [pytest.param(case, way, id=id) for id, case, way in REACHED if deviation(case, way)]
AGREEING = [one for one in REACHED if not deviation(*one[1:])]
AT_ONCE = 12  # cases in one program


@pytest.mark.parametrize(("raw", "way"), DEVIATING)
def test_the_package_deviates_as_stated(raw: Case, way: Callable[[Case], Way]) -> None:
    check = deviation(raw, way)
    assert check is not None
    check(golden(raw), way)


@pytest.mark.parametrize("at", range(0, len(AGREEING), AT_ONCE))
def test_the_package_agrees(at: int) -> None:
    group = [(id, golden(case), way) for id, case, way in AGREEING[at : at + AT_ONCE]]
    computes, given = zip(*(computed(case, way(case)) for _, case, way in group), strict=True)

    @jax.jit
    def together(given: Any) -> list[Run]:
        return [compute(one) for compute, one in zip(computes, given, strict=True)]

    for (id, case, way), found in zip(group, jax.device_get(together(given)), strict=True):
        try:
            assert_golden(case, way, found)
        except AssertionError as error:
            error.add_note(id)
            raise


def test_every_case_is_reached() -> None:
    reached = Counter(way for _, _, way in REACHED)
    assert (len(CASES), reached[by_spec], reached[by_compat]) == (121, 117, 121)
    functions = {case["fn"] for case in CASES}
    assert (functions - NO_LOSSES, functions) == (set(SPECS), set(golden_compat.CALLS))
    assert {*EXCEPTIONS, *BY_COMPAT, *golden_compat.COMPOSITES} <= {case["id"] for case in CASES}
    assert {case["deviation"] for case in CASES if "deviation" in case} == set(DEVIATIONS)
    assert all("deviation" in case for case in CASES if "error" in case)
