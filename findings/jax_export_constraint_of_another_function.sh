#!/usr/bin/env bash
# jax 0.10.2: a constraint of a symbolic scope that names a dimension which the arguments of a
# function do not have makes jax.export refuse the function, though the constraint says nothing of
# it. One scope for several functions, such as the losses of one model, can hold only constraints
# on dimensions that every one of them has.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/run.py" <<'PY'
import jax
import jax.numpy as jnp
from jax import export

print("jax", jax.__version__)
for constraints in (["b >= 2"], ["b >= 2", "t >= 2"]):
    scope = export.SymbolicScope(constraints)
    (b,) = export.symbolic_shape("b", scope=scope)
    try:
        made = export.export(jax.jit(jnp.sum))(jax.ShapeDtypeStruct((b,), jnp.float32))
        shown = float(made.call(jnp.ones(3)))
    except Exception as error:
        shown = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    print(f"constraints {constraints}: {shown}")
    refused = len(constraints) == 2
    wanted = "UnexpectedDimVar: Encountered dimension variable 't'"
    assert shown.startswith(wanted) if refused else shown == 3.0, shown
PY
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "jax==0.10.2" "jaxlib==0.10.2"
JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/run.py"
