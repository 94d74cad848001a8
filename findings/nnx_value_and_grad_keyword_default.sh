#!/usr/bin/env bash
# flax.nnx.value_and_grad and nnx.grad refuse a function that has a keyword-only parameter with a
# default, also when the call does not pass it: the default is bound as if it were passed, and a
# keyword cannot be made a position. jax.value_and_grad takes the same function. So an objective
# `f(model, batch, *, step=None)`, which works in JAX and equinox, fails in nnx with a message about
# keyword arguments that nobody gave; `f(model, batch, **keywords)` works.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "jax==0.10.2" "flax==0.12.8"
"$folder/venv/bin/python" - <<'PY'
import flax
import jax
import jax.numpy as jnp
from flax import nnx

print("flax", flax.__version__, "jax", jax.__version__)


class Net(nnx.Module):
    def __init__(self):
        self.w = nnx.Param(jnp.ones(2))


def keyword_only(model, x, *, step=None):
    return jnp.sum(model.w[...] * x)


def any_keywords(model, x, **keywords):
    return jnp.sum(model.w[...] * x)


x = jnp.ones(2)
print("any keywords:", nnx.value_and_grad(any_keywords)(Net(), x)[0])
print("jax:", jax.value_and_grad(lambda w, x, *, step=None: jnp.sum(w * x))(jnp.ones(2), x)[0])
try:
    nnx.value_and_grad(keyword_only)(Net(), x)
except TypeError as error:
    print("keyword with a default: TypeError:", error)
    assert "keyword" in str(error)
else:
    raise SystemExit("the behaviour has changed: a keyword with a default is taken")
PY
