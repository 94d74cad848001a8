"""The names of `Terms.flat` in trackers, where these are installed (the extra `trackers`).

Each is given two specs' worth of names, and what it has kept is read back from its files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import lossdsl

# A result and a term of one name, metrics that are called as terms are, and letters that are not
# ASCII: what one tracker makes a file of must not be the folder of another name.
TEXT = """
x: f32[B]
fit = mean(square(x))
loss actor = fit + 0.1*mean(abs(x)) as actor
loss fit_actor = 2*mean(x) as raw + mean(abs(x)) as größe
metric actor = max(x)
metric fit_actor_raw = min(x)
metric raw = mean(x)
"""
TENSORBOARD = """
import json, struct, sys
from pathlib import Path
from tensorboardX import SummaryWriter
from tensorboardX.proto.event_pb2 import Event
with SummaryWriter("events") as writer:
    for name, value in json.load(sys.stdin).items():
        writer.add_scalar(name, value, 0)
kept = {}
for path in Path("events").iterdir():
    data = path.read_bytes()
    while data:
        size = struct.unpack("<Q", data[:8])[0]
        event = Event.FromString(data[12:12 + size])
        kept |= {value.tag: value.simple_value for value in event.summary.value}
        data = data[16 + size:]
print(json.dumps(kept))
"""
WANDB = """
import json, sys, wandb
run = wandb.init(project="names", mode="offline", dir=".")
run.log(json.load(sys.stdin))
kept = {name: value for name, value in dict(run.summary).items() if not name.startswith("_")}
run.finish()
print(json.dumps(kept))
"""
MLFLOW = """
import json, sys, mlflow
mlflow.set_tracking_uri("file:runs")
with mlflow.start_run() as run:
    mlflow.log_metrics(json.load(sys.stdin), step=0)
print(json.dumps(mlflow.get_run(run.info.run_id).data.metrics))
"""
TRACKERS = {"tensorboardX": TENSORBOARD, "wandb": WANDB, "mlflow": MLFLOW}


@pytest.mark.parametrize("tracker", TRACKERS)
@pytest.mark.parametrize("separator", ["/", ".", "-"])
def test_a_tracker_keeps_every_name(tracker: str, separator: str, tmp_path: Path) -> None:
    if find_spec(tracker) is None:
        pytest.skip(f"{tracker} is not installed")
    _, terms = lossdsl.compile(TEXT).with_terms(x=np.float32([1, -2, 4]))
    flat: dict[str, Any] = jax.device_get(terms).flat(separator)
    assert len(flat) == 4 * 4 + 3
    # mlflow asks for this where its files are folders, and all for leave to call home.
    quiet = {"MLFLOW_ALLOW_FILE_STORE": "true", "DO_NOT_TRACK": "true", "WANDB_SILENT": "true"}
    ran = subprocess.run(
        [sys.executable, "-c", TRACKERS[tracker]],
        input=json.dumps(flat),
        cwd=tmp_path,
        env={**os.environ, **quiet, "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    kept = json.loads(ran.stdout.splitlines()[-1])
    assert kept == pytest.approx(flat, rel=1e-6)
