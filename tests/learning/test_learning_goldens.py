"""Learning rules against runs of the reference implementations: Torch2PC for predictive coding,
that of Schug and Sacramento for equilibrium propagation.

`learning_goldens.json` also holds tables of surrogate gradients, which
`test_surrogate_tables.py` reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lossdsl
from lossdsl.learning import (
    BackProp,
    ConditionalGaussian,
    EquilibriumPropagation,
    Hopfield,
    PredictiveCoding,
)
from lossdsl.learning.chain import Chain, Errors
from lossdsl.learning.equilibrium import Rest, relax
from lossdsl.learning.layers import forward, named
from lossdsl.learning.predictive import fixed, settle

CASES = json.loads(Path(__file__).with_name("learning_goldens.json").read_text())["cases"]
PREDICTIVE = [case for case in CASES if case["algo"] == "PC"]
MODES = {"Strict": "strict", "FixedPred": "fixed", "Exact": "exact"}

# Torch2PC's error is the derivative of the loss as it is, also of a mean; that of a sum is here.
LOSSES = {"0.5*sum": "sum(square(out - tgt))/2", "mean": "sum(square(out - tgt))/12"}


@pytest.fixture(autouse=True)
def _double() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def linear(params: Any, x: Any) -> Any:
    return x @ params["weight"].T + params["bias"]


def squashed(params: Any, x: Any) -> Any:
    return jnp.tanh(linear(params, x))


def arrays(tree: Any) -> Any:
    """Return the lists of numbers of a case as arrays, in its lists of layers."""
    return [jax.tree.map(jnp.asarray, one, is_leaf=lambda leaf: isinstance(leaf, list))
            for one in tree]  # fmt: skip


def close(found: Any, expected: Any) -> None:
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("case", PREDICTIVE, ids=lambda case: case["id"])
def test_predictive_coding(case: dict[str, Any]) -> None:
    loss = lossdsl.compile(LOSSES[case["loss"]])
    rule = PredictiveCoding(loss, eta=case["eta"], steps=case["n"], mode=MODES[case["mode"]])
    layers, params = [squashed, squashed, linear], arrays(case["params"])
    batch = {"x": jnp.asarray(case["X"]), "tgt": jnp.asarray(case["Y"])}
    result = rule.grads(layers, params, batch)
    close(result.grads, arrays(case["grads"]))
    close(result.loss, case["value"])
    if case["bp_grads_halfsum"]:
        close(BackProp(loss).grads(layers, params, batch).grads, arrays(case["bp_grads_halfsum"]))


STEPPED = [case for case in PREDICTIVE if case["mode"] != "Exact"]


@pytest.mark.parametrize("case", STEPPED, ids=lambda case: case["id"])
def test_beliefs_and_errors(case: dict[str, Any]) -> None:
    layers, params = [squashed, squashed, linear], arrays(case["params"])
    values, target = forward(layers, params, jnp.asarray(case["X"])), jnp.asarray(case["Y"])
    share = {"0.5*sum": 1.0, "mean": 1 / 6}[case["loss"]]

    def end(out: Any) -> tuple[Any, Any]:
        return share * jnp.sum(jnp.square(out - target)) / 2, share * (out - target)

    chain = Chain(named(layers), params, values[0], end)
    if case["mode"] == "Strict":
        settings = case["eta"], case["n"], "before"
        beliefs, state = settle(chain.state, values[1:-1], *settings)
        close(beliefs, arrays(case["v"])[:-1])
    else:
        last = Errors([end(values[-1])[1]], end(values[-1])[0])
        state = fixed(layers, params, values, last, case["eta"], case["n"] - 1)
    close(state.errors.each, arrays(case["eps"]))


# Equilibrium propagation


EQUILIBRIUM = [case for case in CASES if case["algo"] == "EP"]
PHIS = {
    "identity_input+sigmoid": (lambda x: x, jax.nn.sigmoid, jax.nn.sigmoid),
    "sigmoid_all": jax.nn.sigmoid,
}
ENERGIES = {"cond_gaussian": ConditionalGaussian, "restr_hopfield": Hopfield}
STARTS = {"zeros": "zeros", "fast_init": "forward"}


@pytest.mark.parametrize("case", EQUILIBRIUM, ids=lambda case: case["id"])
def test_equilibrium_propagation(case: dict[str, Any]) -> None:
    energy = ENERGIES[case["energy"]](PHIS[case["phi"]])
    layers, params = (linear, linear), arrays(case["params"])
    x, y = jnp.asarray(case["x"]), jnp.asarray(case["y"])
    start = STARTS.get(case["id"].rpartition("/")[2])
    forward = energy.forward(layers, params, x)
    begin = forward if start == "forward" else arrays(case["u0"])

    @jax.jit
    def rests() -> tuple[Rest, Rest]:
        def free(units: list[Any]) -> Any:
            return energy.total(layers, params, [x, *units])

        def nudged(units: list[Any]) -> Any:
            return free(units) + case["beta"] * jnp.sum(jnp.square(units[-1] - y)) / 2

        rate, steps = case["dt"] / case["tau"], case["n_relax"]
        rest = relax(jax.grad(free), begin[1:], rate, steps)
        return rest, relax(jax.grad(nudged), rest.units, rate, steps)

    free, nudged = rests()
    close([x, *free.units], arrays(case["u_free"]))
    close([x, *nudged.units], arrays(case["u_nudged"]))
    if start is not None:
        rule = EquilibriumPropagation(
            lossdsl.compile("mean(sum(square(out - tgt), axis=-1))/2"),
            energy,
            beta=case["beta"],
            dt=case["dt"],
            steps=case["n_relax"],
            phases="two",
            start=start,
        )
        result = rule.grads(layers, params, {"x": x, "tgt": y})
        close(result.grads, arrays(case["grads"]))
        close(result.energy, np.mean(case["E_free"]))
