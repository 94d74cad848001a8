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


def run_on_four_devices(*arguments: str) -> Any:
    """Return what a script writes that runs in a process with four devices."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4"
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Any]:
    return run_on_four_devices("-c", SCRIPT, json.dumps(list(SPECS)))


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


def test_no_function_refuses_a_sharded_batch_or_strict_promotion() -> None:
    found = run_on_four_devices("tests/lower/sharded_library.py")
    assert found["functions"] > 250
    assert found["bad"] == {}


MESHES = """
import json, jax, jax.numpy as jnp, numpy as np, lossdsl
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P

found = {}
text = "decay: float = 0.1\\nx: float[B]\\nmetric each = 2*x\\nloss = decay*mean(x)"
loss = lossdsl.compile(text)
for kind in (AxisType.Auto, AxisType.Explicit, AxisType.Auto):
    mesh = jax.make_mesh((4,), ("data",), axis_types=(kind,))
    x = jax.device_put(jnp.ones(8), NamedSharding(mesh, P("data")))
    for _ in range(2):
        with jax.set_mesh(mesh), jax.transfer_guard("disallow"):
            value, terms = loss.with_terms(x=x)
        found.setdefault("default", []).append(round(float(value), 6))
    found.setdefault("metric", []).append(terms.metrics["each"].tolist())
    found.setdefault("without", []).append(round(float(loss(x=x)), 6))
found["one device"] = round(float(loss(x=jnp.ones(8))), 6)

mesh = jax.make_mesh((4,), ("data",), axis_types=(AxisType.Explicit,))
x = jax.device_put(jnp.ones(8), NamedSharding(mesh, P("data")))
y = jax.device_put(jnp.ones(8), jax.devices()[1])
try:
    lossdsl.compile("mse(x, y)")(x=x, y=y)
except lossdsl.LossError as problem:
    found["apart"] = [*problem.codes, problem.diagnostics[0].message, problem.diagnostics[0].help]
for kind in (AxisType.Auto, AxisType.Explicit):
    with jax.set_mesh(jax.make_mesh((4,), ("other",), axis_types=(kind,))):
        try:
            lossdsl.compile("mean(x)")(x=x)
        except lossdsl.LossError as problem:
            found.setdefault("other", []).append(problem.diagnostics[0].message)

mesh = jax.make_mesh((4,), ("data",), axis_types=(AxisType.Explicit,))
grid = jax.make_mesh((2, 2), ("i", "j"), axis_types=(AxisType.Explicit,) * 2)
y = jax.device_put(jnp.ones(8), NamedSharding(grid, P("i")))
calls = {
    "inputs": lambda: lossdsl.compile("mse(x, y)")(x=x, y=y),
    "jit": lambda: jax.jit(lambda x, y: lossdsl.compile("mse(x, y)")(x=x, y=y))(x, y),
    "leaves": lambda: lossdsl.compile("l2sqr(params)")(params={"u": x, "v": y}),
}
for name, call in calls.items():
    try:
        call()
    except lossdsl.LossError as problem:
        found[name] = [*problem.codes, problem.diagnostics[0].message]
with jax.set_mesh(mesh), jax.transfer_guard("disallow"):
    found["guarded jit"] = round(float(jax.jit(lambda x: loss(x=x))(x)), 6)
print(json.dumps(found))
"""


def test_a_default_goes_with_whichever_mesh_is_set() -> None:
    found = run_on_four_devices("-c", MESHES)
    assert found["default"] == [0.1] * 6
    assert found["without"] == [0.1] * 3
    assert found["metric"] == [[2.0] * 8] * 3
    assert found["one device"] == 0.1
    code, message, help = found["apart"]
    assert code == "LD226"
    assert message == "`x` lies on 4 devices and `y` on another 1"
    assert "jax.device_put(y" in help
    assert found["other"] == ["`x` lies on another mesh than the one that is set"] * 2
    one, two = "a mesh of data=4", "a mesh of i=2 by j=2"
    assert found["inputs"] == ["LD226", f"`x` is sharded over {one} and `y` over {two}"]
    assert found["jit"] == found["inputs"]
    assert found["leaves"] == ["LD226", f"leaves of `params` are sharded over {one} and over {two}"]
    assert found["guarded jit"] == 0.1
