#!/usr/bin/env bash
# jax 0.8.1: inside of jax.shard_map, jax.vmap over a gradient by parameters that all devices share
# raises a TypeError about an argument of JAX's own. That gradient ends in a sum over the mesh,
# which has no rule for a batch there. jax.lax.map over the same function is right, and jax 0.10.2
# takes both; whoever supports 0.8 has gradients by example or by sign refused in a shard_map.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/run.py" <<'PY'
import sys

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, PartitionSpec

mesh = jax.make_mesh((1,), ("d",), axis_types=(AxisType.Auto,))


def slopes(over):
    def local(w, x):
        def slope(u):
            return jax.grad(lambda w: jnp.sum(w * x * u))(w)

        return jax.lax.pmean(over(slope, jnp.stack([x, -x])), "d")

    specs = (PartitionSpec(), PartitionSpec("d"))
    return jax.shard_map(local, mesh=mesh, in_specs=specs, out_specs=PartitionSpec())


print("jax", jax.__version__)
for name, over in (("lax.map", jax.lax.map), ("vmap", lambda f, xs: jax.vmap(f)(xs))):
    try:
        shown = jax.jit(slopes(over))(jnp.float32(2.0), jnp.ones(4)).tolist()
    except TypeError as error:
        shown = f"TypeError: {error}"
    print(f"{name}: {shown}")
    refused = name == "vmap" and sys.argv[1] == "refused"
    assert shown.startswith("TypeError: _psum") if refused else shown == [4.0, -4.0], shown
PY
for release in "0.8.1 refused" "0.10.2 right"; do
  set -- $release
  "${PYTHON:-python3}" -m venv "$folder/$1"
  "$folder/$1/bin/pip" install -q "jax==$1" "jaxlib==$1"
  JAX_PLATFORMS=cpu "$folder/$1/bin/python" "$folder/run.py" "$2"
done
