"""Published packages' own values and gradients, reached through spec texts only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from golden_specs import CASES, EXCEPTIONS, SPECS, WAITING, Case, decode, recipe

import lossdsl

NO_GRADIENT = {"bounds_cost/int_params"}
RUN = [case for case in CASES if case["fn"] not in WAITING]


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


def run(case: Case) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Return value, gradients and metrics of the case's spec."""
    spec = recipe(case)
    loss = lossdsl.compile(spec.text)
    inputs = jax.tree.map(jnp.asarray, spec.inputs)
    value, terms = loss.with_terms(**inputs)
    # JAX itself refuses to differentiate by integers.
    wanted = {
        name: inputs[name] for name in case.get("grads") or {} if case["id"] not in NO_GRADIENT
    }

    def chosen_loss(chosen: dict[str, Any]) -> Any:
        return loss(**inputs | chosen)

    # The packages were run operation by operation. Some recorded gradients cancel by five digits
    # (l0, softmax far from its peak), so that the package itself, jitted, is off by 1e-11.
    with jax.disable_jit():
        gradients = jax.grad(chosen_loss)(wanted)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-12),
        jax.grad(chosen_loss)(wanted),
        gradients,
    )
    return terms.metrics.get("value", value), gradients, terms.metrics


def assert_close(actual: Any, expected: Any, dtype: Any) -> None:
    rtol = 2e-6 if dtype == np.float32 else 1e-12
    assert jax.tree.structure(actual) == jax.tree.structure(expected)
    jax.tree.map(
        lambda a, e: np.testing.assert_allclose(a, e, rtol=rtol, strict=True), actual, expected
    )


def assert_golden(case: Case) -> None:
    value, gradients, metrics = run(case)
    expected = np.asarray(case["value"])
    if case["fn"] == "integral_accuracy":
        value = value.astype(np.float32)
        np.testing.assert_array_equal(metrics["predictions"], case["aux_predictions"])
    assert_close(value, expected, expected.dtype)
    for name, gradient in gradients.items():
        assert_close(gradient, case["grads"][name], expected.dtype)


# What lossdsl does instead, by the words in which the data states it.


def refused(prefix: str) -> Callable[[Case], None]:
    def check(case: Case) -> None:
        with pytest.raises(lossdsl.LossError) as error:
            run(case)
        assert all(code.startswith(prefix) for code in error.value.codes), error.value

    return check


def clamped(case: Case) -> None:
    value, gradients, _ = run(case)
    assert_close(value, np.float32(np.exp(60.0)), np.float32)
    np.testing.assert_allclose(gradients["params"]["a"], [-np.exp(60.0)], rtol=2e-6)


def promoted(case: Case) -> None:
    value, _, _ = run(case)
    assert np.isfinite(value) and value.dtype.kind == "f"


def zero_at_the_kink(case: Case) -> None:
    value, gradients, _ = run(case)
    assert_close(value, case["value"], value.dtype)
    assert_close(gradients, jax.tree.map(np.zeros_like, case["grads"]), value.dtype)


DEVIATIONS: dict[str, Callable[[Case], None]] = {
    "a LossError (LD201) here": refused("LD201"),
    "a LossError (LD2xx) here": refused("LD2"),
    "a LossError (LD301) here: bounds are matched by path": refused("LD301"),
    "a LossError (LD301) here: nothing to select": refused("LD301"),
    "finite here: the exponent is clamped, catalogue part 2": clamped,
    "integer traces are promoted here: a finite value": promoted,
    "same value; the gradient at the kink is 0 here": zero_at_the_kink,
}


@pytest.mark.parametrize("raw", RUN, ids=lambda case: f"{case['package']}-{case['id']}")
def test_the_package_agrees_or_deviates_as_stated(raw: Case) -> None:
    case = golden(raw)
    DEVIATIONS.get(case.get("deviation", ""), assert_golden)(case)


def test_every_case_is_run_or_waits() -> None:
    assert (len(CASES), len(RUN)) == (121, 117)
    assert {case["fn"] for case in RUN} == set(SPECS)
    assert set(EXCEPTIONS) <= {case["id"] for case in RUN}
    assert {case["deviation"] for case in RUN if "deviation" in case} == set(DEVIATIONS)
    assert all("deviation" in case for case in RUN if "error" in case)
