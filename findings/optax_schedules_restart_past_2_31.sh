#!/usr/bin/env bash
# optax schedules restart at a NumPy count past 2**31.
#
# A schedule over examples or tokens seen, not updates, is given counts of some billions. NumPy
# holds them in int64; JAX without x64 makes int32 of that, in silence, inside the schedule. A linear
# warm-up of 1000 steps is then back at its first value, a cosine decay somewhere on its way, and a
# boundary long passed has not been reached. Exponential decay alone is right. The count as uint32
# is right but in piecewise_constant_schedule, where the difference of threshold and count wraps.
#
# Exits 0 while this is so, 1 once the schedules give their last value.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet optax==0.2.8 jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6
JAX_PLATFORMS=cpu "$folder/env/bin/python" -W ignore - <<'PYTHON'
import sys

import jax
import numpy as np
import optax

print("python", sys.version.split()[0], "optax", optax.__version__, "jax", jax.__version__, "numpy", np.__version__)
schedules = {
    "linear_schedule(0, 1, 1000)": (optax.linear_schedule(0.0, 1.0, 1000), 1.0),
    "cosine_decay_schedule(1, 1000)": (optax.cosine_decay_schedule(1.0, 1000), 0.0),
    "piecewise_constant_schedule(1, {100: 0.5})": (
        optax.piecewise_constant_schedule(1.0, {100: 0.5}),
        0.5,
    ),
}
wrong = 0
for name, (schedule, last) in schedules.items():
    before, after = (float(schedule(np.int64(count))) for count in (2_000_000_000, 3_000_000_000))
    print(f"{name}: {before:.4f} at 2e9, {after:.4f} at 3e9, where {last} is expected")
    assert before == last, "the schedule had not ended"
    wrong += after != last
raise SystemExit(0 if wrong == len(schedules) else 1)
PYTHON
