#!/usr/bin/env bash
# optax 0.2.8 (jax 0.10.2): softmax_cross_entropy_with_integer_labels is a log-sum-exp less the logit
# of the label, two numbers of the size of the logits: their difference is off by the spacing of
# floats there. Of logits around 1e6 it is 0.3125 where 0.32656 is right, 4 % less, and of a label
# that is nearly sure it is 0. softmax_cross_entropy of the one-hot labels, the same loss, is right in
# the first, for it takes the largest logit off all of them before. The gradients agree.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/run.py" <<'PY'
import jax
import jax.numpy as jnp
import numpy as np
import optax

print("optax", optax.__version__, "jax", jax.__version__)


def losses(*logits):
    z, y = jnp.float32([logits]), jnp.array([0])
    targets = jax.nn.one_hot(y, z.shape[1])
    apart = np.float64(z[0]) - np.float64(z[0, 0])
    exact = float(np.log1p(np.exp(apart[1:]).sum()))
    of_labels = float(optax.softmax_cross_entropy_with_integer_labels(z, y)[0])
    of_targets = float(optax.softmax_cross_entropy(z, targets)[0])
    print(f"logits {logits}: labels {of_labels:.6g}, one-hot {of_targets:.6g}, exact {exact:.6g}")
    return of_labels, of_targets, exact


of_labels, of_targets, exact = losses(1000001.0, 1000000.0, 999997.0)
assert of_labels == 0.3125
assert abs(of_targets - exact) < 1e-6 * exact
of_labels, _, exact = losses(20.0, 0.0)
assert of_labels == 0.0 and exact > 2e-9
PY
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "optax==0.2.8" "jax==0.10.2" "jaxlib==0.10.2" "numpy==2.4.6"
JAX_PLATFORMS=cpu "$folder/venv/bin/python" "$folder/run.py"
