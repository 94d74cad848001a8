#!/usr/bin/env bash
# jax 0.10.2: a Python float that meets an array of float16 is rounded twice outside of jit, to
# float32 and then to float16, and once where the operation is traced. A number just above the
# middle between two of float16 becomes another one in the two, so the same function of the same
# array differs by a last place under jit; jnp.where rounds twice in both. NumPy rounds once.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/run.py" <<'PY'
import jax
import jax.numpy as jnp
import numpy as np

print("jax", jax.__version__, "numpy", np.__version__)
number = 1 + 2.0**-11 + 2.0**-40  # above the middle, by less than float32 can say
above = 1 + 2.0**-10
x = jnp.ones(1, jnp.float16)
functions = {
    "x * number": (lambda x: x * number, above),
    "jnp.maximum(x, number)": (lambda x: jnp.maximum(x, number), above),
    "jnp.where(x > 0, number, x)": (lambda x: jnp.where(x > 0, number, x), 1.0),
}
for name, (function, seen) in functions.items():
    eager, traced = float(function(x)[0]), float(jax.jit(function)(x)[0])
    print(f"{name} is {eager} outside of jit and {traced} in it")
    assert (eager, traced) == (1.0, seen)
once = float((np.ones(1, np.float16) * number)[0])
print(f"of NumPy x * number is {once}")
assert once == above
PY
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "jax==0.10.2" "jaxlib==0.10.2" "numpy==2.4.6"
JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/run.py"
