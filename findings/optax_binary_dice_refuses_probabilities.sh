#!/usr/bin/env bash
# optax.losses.binary_dice_loss says that `apply_sigmoid=False` is for predictions to which no sigmoid
# is to be applied, so for probabilities; with it, probabilities of pixels are refused, since the one
# channel is held to be a distribution over classes that has to sum to 1. A loss of a network that ends
# in a sigmoid cannot be written with it; the same call with the logits of those probabilities works.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet optax==0.2.8 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
JAX_PLATFORMS=cpu "$work/venv/bin/python" - <<'PY'
import sys

import jax
import jax.numpy as jnp
import optax

print("python", sys.version.split()[0], "jax", jax.__version__, "optax", optax.__version__)
p = jnp.array([[0.9, 0.2, 0.6, 0.1]])
mask = jnp.array([[1.0, 0.0, 1.0, 0.0]])
logits = jnp.log(p) - jnp.log1p(-p)
print("of logits:       ", optax.losses.binary_dice_loss(logits, mask))
try:
    found = optax.losses.binary_dice_loss(p, mask, apply_sigmoid=False)
except ValueError as problem:
    found = problem
print("of probabilities:", found)
assert isinstance(found, ValueError) and "sum to 1" in str(found), found
PY
