"""Sharded inputs: every loss equals that of one device, under both kinds of mesh axes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# The text of a loss, and the most all-reduces that its value and gradient take when the batch lies
# on several devices: one for all terms together, and more where what a mask keeps divides them.
SPECS: dict[str, int] = {
    "mse(x @ w, y)": 1,
    "cross_entropy(x @ w, labels)": 1,
    "mse(x @ w, y) + 0.1*mean(abs(x @ w)) + 0.5*sum(square(x @ w - y))": 1,
    "mse(x @ w, y) + 1e-2*l2sqr(params) + bounds(params, tau >= 0.5)": 1,
    "mean(square(x @ w), where=kept)": 3,
    "mse(x @ w, y, where=kept) + sum(x @ w, where=kept)": 3,
    "mean(log_softmax(x @ w), weight=per_example)": 3,
}

SCRIPT = """
import json, sys
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
import lossdsl

random = np.random.default_rng(0)
x, y = random.normal(size=(8, 6)), random.normal(size=(8, 4))
inputs = {
    "x": x, "y": y, "w": random.normal(size=(6, 4)), "labels": random.integers(0, 4, 8),
    "kept": (y > 0.3) & (np.arange(8) < 3)[:, None], "per_example": np.arange(8) % 3 * 1.0,
    "params": {"tau": random.normal(size=(8, 2)), "v": random.normal(size=5)},
}
inputs = jax.tree.map(lambda leaf: leaf.astype(leaf.dtype.str.replace("8", "4")), inputs)
batched = {"x", "y", "labels", "kept", "per_example"}
found = {}
for text in json.loads(sys.argv[1]):
    loss = lossdsl.compile(text)
    given = {name: jax.tree.map(jnp.asarray, inputs[name]) for name in loss.signature}

    def outcome(given):
        fn = lambda w: loss.with_terms(**{**given, "w": w})
        (value, terms), slope = jax.value_and_grad(fn, has_aux=True)(given["w"])
        return [float(value), *(float(one) for one in terms.raw.values()), *slope.ravel().tolist()]

    alone = outcome(given)
    for kind in (AxisType.Auto, AxisType.Explicit):
        mesh = jax.make_mesh((4,), ("data",), axis_types=(kind,))
        spread = {
            name: jax.device_put(value, NamedSharding(mesh, P("data") if name in batched else P()))
            for name, value in given.items()
        }
        with jax.set_mesh(mesh):
            same = np.allclose(outcome(spread), alone, rtol=1e-5, atol=1e-6)
            slope = jax.jit(jax.value_and_grad(lambda w, rest: loss.fn(**{**rest, "w": w})))
            program = slope.lower(spread["w"], spread).compile().as_text()
        found[f"{text} on {kind.name}"] = [bool(same), program.count(" all-reduce(")]

sharded = NamedSharding(mesh, P("data"))
params = jax.device_put(inputs["params"]["tau"], sharded)
loss = lossdsl.compile("bounds(params, tau >= 0.5)")
moved = loss.project({"tau": params})["tau"]
found["project"] = [bool((moved >= 0.5).all()), moved.sharding.is_equivalent_to(sharded, 2)]

loss = lossdsl.compile("mean(square(x), where=kept)")
local = jax.shard_map(
    lambda x: jax.lax.pmean(loss(x=x, kept=x < 9), "data"), mesh=mesh, in_specs=P("data"),
    out_specs=P(),
)
value = local(jax.device_put(inputs["x"], sharded))
found["shard_map"] = [bool(np.allclose(value, (x**2).mean(), rtol=1e-5))]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Any]:
    flags = "--xla_force_host_platform_device_count=4"
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(list(SPECS))],
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", ["Auto", "Explicit"])
@pytest.mark.parametrize("text", SPECS)
def test_a_sharded_batch_is_the_same_loss(text: str, kind: str, outcomes: dict[str, Any]) -> None:
    same, reductions = outcomes[f"{text} on {kind}"]
    assert same
    assert 1 <= reductions <= SPECS[text]


def test_projection_keeps_the_sharding(outcomes: dict[str, Any]) -> None:
    assert outcomes["project"] == [True, True]


def test_inside_shard_map(outcomes: dict[str, Any]) -> None:
    assert outcomes["shard_map"] == [True]
