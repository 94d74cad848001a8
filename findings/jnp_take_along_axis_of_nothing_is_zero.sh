#!/usr/bin/env bash
# jnp.take_along_axis along an axis of size 0 returns zeros, also with mode="fill", which fills what
# is out of bounds with NaN: every position is out of bounds there. Along an axis of size 1 the same
# positions are NaN, jnp.take raises an IndexError, and so does NumPy. An empty candidate set, a
# batch of no negatives, is a finite loss and no error.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "jax==0.10.2" "jaxlib==0.10.2" "numpy==2.4.6"
JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PY'
import jax
import jax.numpy as jnp
import numpy as np

print("jax", jax.__version__, "numpy", np.__version__)
at = jnp.full((2, 3), 4)
for size in (1, 0):
    taken = jnp.take_along_axis(jnp.ones((2, size)), at, axis=1, mode="fill")
    print(f"an axis of size {size}, mode='fill':", np.unique(taken))
    assert np.isnan(taken).all() == (size == 1), taken
assert (taken == 0).all(), taken
for name, take in (
    ("jnp.take", lambda: jnp.take(jnp.ones((2, 0)), at, axis=1, mode="fill")),
    ("np.take_along_axis", lambda: np.take_along_axis(np.ones((2, 0)), np.asarray(at), 1)),
):
    try:
        raise SystemExit(f"{name}: {take()}")
    except IndexError as error:
        print(f"{name}: IndexError: {error}")
PY
