"""Values in chunks on a mesh: those of one device, with nothing gathered.

Run in a process of its own, for the number of devices is fixed when JAX starts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

SCRIPT = """
import json, re, sys
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
import lossdsl

random = np.random.default_rng(0)
rows, features, classes = 64, 8, 48
h, w = random.normal(size=(rows, features)), random.normal(size=(features, classes))
labels = random.integers(0, classes, rows)
given = tuple(map(jnp.asarray, (np.float32(h), np.float32(w), np.int32(labels))))
texts = {
    "a number": "cross_entropy(h @ w, y, where=y > 3, smoothing=0.1)",
    "rows": "max(cross_entropy(h @ w, y, reduce='none')) + cross_entropy(h @ w, y)",
}
layouts = {
    "batch": (P("data"), P(), P("data")),
    "vocabulary": (P(), P(None, "model"), P()),
    "both": (P("data"), P(None, "model"), P("data")),
}

def solve(text, budget):
    loss = lossdsl.compile(text, chunk_bytes=budget)
    if budget:
        assert loss.chunks(dict(zip("hwy", given)))
    fn = lambda h, w, y: loss(h=h, w=w, y=y)
    return jax.value_and_grad(fn, argnums=(0, 1))

def alike(a, b):
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return all(np.allclose(x, y, rtol=1e-5, atol=1e-6) for x, y in pairs)

found = {}
budget = rows * classes
for name, text in texts.items():
    right = solve(text, None)(*given)
    for kind in (AxisType.Auto, AxisType.Explicit):
        mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(kind,) * 2)
        with jax.set_mesh(mesh):
            for layout, specs in layouts.items():
                spread = [jax.device_put(x, NamedSharding(mesh, p)) for x, p in zip(given, specs)]
                program = jax.jit(solve(text, budget)).lower(*spread).compile()
                gathered = len(re.findall(r" all-gather", program.as_text()))
                found[f"{name} {kind.name} {layout}"] = alike(program(*spread), right), gathered
    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))

    def mapped(budget):
        loss = lossdsl.compile(texts["a number"], chunk_bytes=budget)
        specs = (P("data"), P(), P("data"))
        inner = lambda h, w, y: jax.lax.pmean(loss(h=h, w=w, y=y), "data")
        whole = jax.shard_map(inner, mesh=mesh, in_specs=specs, out_specs=P())
        return jax.jit(jax.value_and_grad(whole, argnums=(0, 1))).lower(*given).compile()

    plain, chunked = mapped(None), mapped(budget // 8)
    counts = [len(re.findall(r" all-reduce", program.as_text())) for program in (plain, chunked)]
    found["shard_map"] = alike(plain(*given), chunked(*given)), counts[1] - counts[0]
print(json.dumps(found))
"""
CASES = [
    *(
        f"{name} {kind} {layout}"
        for name in ("a number", "rows")
        for kind in ("Auto", "Explicit")
        for layout in ("batch", "vocabulary", "both")
    ),
    "shard_map",
]


@cache
def outcomes() -> dict[str, Any]:
    """Return, by case, whether value and gradient are right, and what is sent beyond the need."""
    flags = "--xla_force_host_platform_device_count=8"
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("case", CASES)
def test_chunks_are_right_where_rows_or_classes_are_spread(case: str) -> None:
    right, beyond = outcomes()[case]
    assert right
    assert beyond <= 0
