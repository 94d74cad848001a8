#!/usr/bin/env bash
# jnp.asarray of a NumPy array compiles and runs a program for every new shape and dtype, some 15 ms
# each, where jnp.array and jax.device_put of the same array compile none. Whoever feeds batches of
# many lengths, or has many small tests, pays for it before a model runs. It shows under
# jax.log_compiles too, as programs that nobody wrote. Seen in 0.12.0.1 as well; in 0.8.0, where the
# same lines gave 0, 20 and 0, it was jnp.array (neither is run here).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "jax==0.10.2" "jaxlib==0.10.2" "numpy==2.4.6"
JAX_PLATFORMS=cpu "$folder/venv/bin/python" - <<'PY'
import jax
import jax.numpy as jnp
import numpy as np

print("jax", jax.__version__)
compiled = 0


def count(event, duration, **_):
    global compiled
    compiled += event == "/jax/core/compile/backend_compile_duration"


jax.monitoring.register_event_duration_secs_listener(count)
found = {}
for name, convert in (
    ("jnp.asarray", jnp.asarray), ("jnp.array", jnp.array), ("jax.device_put", jax.device_put)
):
    compiled = 0
    for rows in range(1, 21):
        jax.block_until_ready(convert(np.zeros((rows, 3), np.float32)))
    found[name] = compiled
    print(f"{name} of 20 shapes: {compiled} programs")
assert found == {"jnp.asarray": 20, "jnp.array": 0, "jax.device_put": 0}, found
PY
