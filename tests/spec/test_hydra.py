"""Ablations from the command line of the real Hydra, where it is installed (`configs`)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import lossdsl

pytest.importorskip("hydra")

# Each job appends the text, the terms and the value of its loss to a file.
APP = """\
from __future__ import annotations

import json
from typing import Any

import hydra
import numpy as np
from omegaconf import OmegaConf

import lossdsl


@hydra.main(config_path="conf", config_name="train", version_base=None)
def main(config: Any) -> None:
    loss = lossdsl.compile(config.loss)
    inputs = {"out": np.full(4, 2, np.float32), "tgt": np.zeros(4, np.float32), "step": 500}
    value, terms = loss.with_terms(**inputs, params={"kernel": np.ones(3, np.float32)})
    told = {
        "text": loss.text,
        "weights": {name: float(weight) for name, weight in terms.weight.items()},
        "value": float(value),
        "model": lossdsl.LossSpec.model_validate(config.loss).model_dump(),
        "yaml": OmegaConf.to_yaml(config, resolve=True),
    }
    with open(config.told, "a", encoding="utf-8") as file:
        file.write(json.dumps(told) + "\\n")


if __name__ == "__main__":
    main()
"""
TRAIN = """\
defaults: [loss: plain, _self_]
told: ???
rate: 1e-2
hydra: {run: {dir: .}, sweep: {dir: ., subdir: .}, output_subdir: null, job: {chdir: false}}
"""
LOSSES = {
    "plain": """\
text: mse(out, tgt)
terms:
  shrink: {text: mean(abs(out)), weight: "${rate}"}
  decay: {text: "sum_squares(params['kernel'])", weight: 1e-4, on: true}
inputs: {out: "f32[B]", tgt: "f32[B]", params: tree, step: int}
""",
    "robust": """\
text: huber(out, tgt)
terms: {decay: "1e-3*sum_squares(params['kernel'])"}
weights: {huber: 2}
inputs: {out: "f32[B]", tgt: "f32[B]", params: tree, step: int}
""",
}


def run(folder: Path, *words: str) -> tuple[list[dict[str, Any]], str]:
    """Run the program in a folder; return what each job told, and what was printed."""
    (folder / "conf" / "loss").mkdir(parents=True, exist_ok=True)
    (folder / "conf" / "train.yaml").write_text(TRAIN)
    (folder / "app.py").write_text(APP)
    for name, text in LOSSES.items():
        (folder / "conf" / "loss" / f"{name}.yaml").write_text(text)
    told = folder / "told.jsonl"
    told.unlink(missing_ok=True)
    command = [sys.executable, "app.py", *words, f"told={told}"]
    path = str(Path(lossdsl.__file__).parents[1])
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = told.read_text().splitlines() if told.exists() else []
    return [json.loads(line) for line in lines], done.stdout + done.stderr


# The words of a command line, and the weights of the terms under it.
ABLATIONS: dict[str, tuple[list[str], dict[str, float]]] = {
    "as it is": ([], {"mse": 1, "shrink": 1e-2, "decay": 1e-4}),
    "a weight": (["loss.terms.decay.weight=0.1"], {"mse": 1, "shrink": 1e-2, "decay": 0.1}),
    "without a term": (["~loss.terms.decay"], {"mse": 1, "shrink": 1e-2}),
    "a term off": (["++loss.terms.decay.on=false"], {"mse": 1, "shrink": 1e-2}),
    "a schedule": (
        ['loss.terms.decay.weight="linear_schedule(step, 0, 1e-2, 1000)"'],
        {"mse": 1, "shrink": 1e-2, "decay": 5e-3},
    ),
    "an interpolation": (["rate=0.5"], {"mse": 1, "shrink": 0.5, "decay": 1e-4}),
    "a term more": (
        ["+loss.terms.top='0.5*max(out)'"],
        {"mse": 1, "shrink": 1e-2, "decay": 1e-4, "top": 0.5},
    ),
    "a weight by name": (["+loss.weights.mse=3"], {"mse": 3, "shrink": 1e-2, "decay": 1e-4}),
    "another loss of the group": (["loss=robust"], {"huber": 2, "decay": 1e-3}),
    "its weight": (["loss=robust", "+loss.weights.decay=0.5"], {"huber": 2, "decay": 0.5}),
}


@pytest.mark.parametrize(("words", "weights"), ABLATIONS.values(), ids=ABLATIONS)
def test_an_ablation(words: list[str], weights: dict[str, float], tmp_path: Path) -> None:
    (told,), printed = run(tmp_path, *words)
    assert told["weights"] == pytest.approx(weights), printed
    assert lossdsl.compile(told["model"]).text == told["text"]
    (tmp_path / "composed.yaml").write_text(told["yaml"])
    assert lossdsl.compile(lossdsl.load(tmp_path / "composed.yaml")).text == told["text"]


def test_a_sweep(tmp_path: Path) -> None:
    jobs, printed = run(tmp_path, "-m", "loss.terms.decay.weight=1e-4,0.1,1", "rate=0.5,1")
    weights = [tuple(job["weights"][name] for name in ("decay", "shrink")) for job in jobs]
    expected = [(decay, rate) for decay in (1e-4, 0.1, 1) for rate in (0.5, 1)]
    assert weights == [pytest.approx(pair) for pair in expected], printed
    values = [job["value"] for job in jobs]
    assert values == pytest.approx([4 + 3 * decay + 2 * rate for decay, rate in expected])


# A slip on the command line, and what is said of it.
SLIPS = {
    "a key": ("++loss.terms.decay.weigth=0.1", "did you mean `weight`?"),
    "a term": ("+loss.weights.dcay=0.1", "did you mean `decay`?"),
    "a text": ("loss.terms.decay.text='sum_sqares(params)'", "did you mean `sum_squares`?"),
    "a weight": ("loss.terms.decay.weight='1e-4*'", "<loss.terms.decay.weight>:1:5"),
    "nothing": ("loss.terms.decay=null", "leaves a term out"),
    "what is to be given": ("loss.terms.decay.weight=???", "is `???`, which is to be given"),
    "an interpolation of nothing": ("loss.terms.decay.weight='${nowhere}'", "LD709"),
}


@pytest.mark.parametrize(("word", "said"), SLIPS.values(), ids=SLIPS)
def test_a_slip(word: str, said: str, tmp_path: Path) -> None:
    jobs, printed = run(tmp_path, word)
    assert not jobs
    assert "LossError" in printed
    assert said in printed
