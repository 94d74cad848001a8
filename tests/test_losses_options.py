"""Every loss of the library with every option, value and gradient, against the oracle."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import numpy as np
import pytest
from loss_examples import Example, cases, example
from oracle import Evaluation, evaluate, flatten
from programs import core_of

import lossdsl
from lossdsl.library.declare import Builtin

CASES = list(cases())
NAMES = [f"{function.name}-{at}" if at else function.name for function, at in CASES]


@lru_cache(maxsize=1)
def solved(function: Builtin, variant: int) -> tuple[Example, Evaluation, Any, dict[str, Any]]:
    """Return an example, what the oracle says, and the compiled metrics and gradients."""
    case = example(function, variant)
    compiled = lossdsl.compile(case.text)

    def run(chosen: dict[str, Any], inputs: dict[str, Any]) -> Any:
        return compiled.with_terms(**inputs, **chosen)

    with jax.enable_x64(True):
        inputs = jax.tree.map(jax.numpy.asarray, dict(case.inputs))
        floating = {
            name: value
            for name, value in inputs.items()
            if all(leaf.dtype.kind == "f" for leaf in jax.tree.leaves(value))
        }
        rest = {name: value for name, value in inputs.items() if name not in floating}
        (_, terms), gradients = jax.value_and_grad(run, has_aux=True)(floating, rest)
    return case, evaluate(core_of(case.text, case.inputs), case.inputs), terms.metrics, gradients


@pytest.mark.parametrize(("function", "variant"), CASES, ids=NAMES)
def test_values(function: Builtin, variant: int) -> None:
    case, expected, metrics, _ = solved(function, variant)
    for at, call in enumerate(case.variants):
        wanted = expected.metrics[f"m{at}"]
        assert np.isfinite(wanted).all(), call
        np.testing.assert_allclose(
            metrics[f"m{at}"], wanted, rtol=1e-12, atol=1e-14, err_msg=call, strict=True
        )


@pytest.mark.parametrize(("function", "variant"), CASES, ids=NAMES)
def test_gradients(function: Builtin, variant: int) -> None:
    case, _, _, gradients = solved(function, variant)
    core = core_of(case.text, case.inputs)
    random = np.random.default_rng(3)
    for name, gradient in gradients.items():
        flat = {path: np.asarray(leaf) for path, leaf in flatten(gradient)}
        for path, leaf in flatten(case.inputs[name]):
            assert np.isfinite(flat[path]).all(), f"{name}: {flat[path]}"
            assert (flat[path][np.isnan(leaf)] == 0).all(), f"{name}: {flat[path]}"
        direction = jax.tree.map(lambda leaf: random.normal(size=leaf.shape), case.inputs[name])
        steps = dict(flatten(direction))
        along = sum((flat[path] * steps[path]).sum() for path in flat)
        ahead, behind = (
            jax.tree.map(lambda x, d, by=by: x + by * d, case.inputs[name], direction)
            for by in (1e-5, -1e-5)
        )
        difference = np.subtract(
            *(
                evaluate(core, {**case.inputs, name: moved}).values["loss"]
                for moved in (ahead, behind)
            )
        )
        np.testing.assert_allclose(along, difference / 2e-5, rtol=1e-6, atol=1e-6, err_msg=name)


def test_weights_that_cancel_divide_by_zero_and_are_not_hidden() -> None:
    inputs = {"out": np.array([1.0, 2.0]), "w": np.array([1.0, -1.0])}
    text = "loss = mean(out, weight=w)"
    with jax.enable_x64(True):
        value = lossdsl.compile(text)(**inputs)
    assert np.isneginf(value)
    assert np.isneginf(evaluate(core_of(text, inputs), inputs).values["loss"])
