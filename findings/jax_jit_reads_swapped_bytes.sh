#!/usr/bin/env bash
# A NumPy array in the byte order of another machine (">f4", as FITS, HDF5 and network formats give)
# is refused by jax.jit, but only where it comes first: after one call with a native NumPy array of
# that shape it is taken, and its bytes are read in the wrong order. Nothing is raised; 1 becomes
# 16777216, and 1.0 becomes 4.6e-41. It matters because a test with one array sees the error, and a
# training loop whose second source of data is big-endian does not.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
JAX_PLATFORMS=cpu "$work/venv/bin/python" - <<'PY'
import sys

import jax
import numpy as np

print("python", sys.version.split()[0], "jax", jax.__version__, "numpy", np.__version__)


def called(f, value):
    try:
        return f(value).tolist()
    except TypeError as problem:
        return "TypeError: " + str(problem).split(" is of type")[0][:60]


rows = []
for name in ("i4", "f4"):
    native, swapped = np.ones(2, name), np.ones(2, ">" + name)
    first, later = jax.jit(lambda x: x), jax.jit(lambda x: x)
    later(native)
    rows.append((name, called(first, swapped), called(later, swapped)))
for name, before, after in rows:
    print(f"{name}: as the first call:  {before}")
    print(f"{name}: after a native one: {after}")
seen = [(before[:9], after) for _, before, after in rows]
assert seen[0] == ("TypeError", [16777216, 16777216]), seen
assert seen[1][0] == "TypeError" and 0 < seen[1][1][0] < 1e-40, seen
PY
