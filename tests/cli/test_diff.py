"""`lossdsl diff`: what differs between two specs in what they mean."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from folders import run_in, write

from lossdsl.cli.output import CLEAN, ERRORS, LIMIT, USAGE

TYPES = "a, b: f32[B]  p: tree  w: float = 0.001  "

# Two texts, and all that is said of them.
TEXTS: dict[str, tuple[str, str, list[str]]] = {
    "equal": ("mse(a, b)", "mse( a,b )  # c", ["`mse` unchanged"]),
    "equal by a binding": ("mse(a, b) as x", "x = mse(a, b)  loss = x", ["`x` unchanged"]),
    "equal in numbers": ("1e-3*mse(a, b)", "0.001*mse(a, b)", ["`mse` unchanged"]),
    "a weight": (
        "mse(a, b) as fit + 1e-3*l2sqr(p) as decay",
        "mse(a, b) as fit + 1e-4*l2sqr(p) as decay",
        ["`fit` unchanged", "weight of `decay`: 0.001 → 0.0001"],
    ),
    "a sign": ("a_ = mean(a) loss = a_", "a_ = mean(a) loss = -a_", ["weight of `a_`: 1 → -1"]),
    "a weight of 0": ("mse(a, b) + mean(a)", "mse(a, b) + 0*mean(a)", [
        "`mse` unchanged", "weight of `a`: 1 → 0"]),
    "a weight that is an input": (
        "0.001*mse(a, b)", TYPES + "loss = w*mse(a, b)",
        ["weight of `mse`: 0.001 → w", "input `p` added: tree", "input `w` added: float = 0.001",
         "input `a`: float[*S] → f32[B]", "input `b`: float[*S] → f32[B]"],
    ),
    "a term more": ("mse(a, b)", "mse(a, b) + 2*mean(a)", [
        "`mse` unchanged", "term `a` added: 2*mean(a)"]),
    "a term less": ("mse(a, b) + mae(a, b)", "mae(a, b)", [
        "term `mse` removed: mse(a, b)", "`mae` unchanged"]),
    "another function": ("mse(a, b) as x", "mae(a, b) as x", [
        "term `x`: mse(a, b) → mae(a, b)"]),
    "another option": ("mse(a, b) as x", "mse(a, b, reduce='sum') as x", [
        "term `x`: mse(a, b) → mse(a, b, reduce='sum')"]),
    "another name": ("mse(a, b)", "2*mse(a, b) as fit", [
        "name of `mse`: mse → fit", "weight of `mse`: 1 → 2"]),
    "another order": ("mse(a, b) + mae(a, b)", "mae(a, b) + mse(a, b)", [
        "`mse` unchanged", "`mae` unchanged"]),
    "a type": ("a: f32[B] loss = mean(a)", "a: f32[ B,C ] loss = mean(a)", [
        "input `a`: f32[B] → f32[B, C]", "`a` unchanged"]),
    "a default": ("w: float=1 loss = w", "w: float = 2 loss = w", [
        "input `w`: float = 1 → float = 2", "`term_1` unchanged"]),
    "a metric": ("loss = mean(a) metric m = max(a)", "loss = mean(a) metric n = max(a)", [
        "`a` unchanged", "metric `m` removed: max(a)", "metric `n` added: max(a)"]),
    "results": ("loss x = mean(a) loss y = mean(b)", "loss x = mean(a) + 0.5*mse(a, b) loss z = a",
        []),
    "a selection": ("l2sqr(p['a']) as d", "l2sqr(p['b']) as d", []),
}  # fmt: skip
EQUAL = {"equal", "equal by a binding", "equal in numbers", "another order"}


@pytest.mark.parametrize("name", TEXTS)
def test_two_texts(name: str, tmp_path: Path) -> None:
    before, after, said = TEXTS[name]
    result = run_in(tmp_path, "diff", "-e", before, "-e", after)
    if said:
        assert sorted(result.stdout.splitlines()) == sorted(said), result.output
    assert result.exit_code == (CLEAN if name in EQUAL else ERRORS if said else result.exit_code)
    as_json = run_in(tmp_path, "diff", "-e", before, "-e", after, "--output-format", "json")
    if as_json.exit_code < USAGE:
        found = json.loads(as_json.stdout)
        assert found["equal"] == (name in EQUAL) == (not found["changes"])
    for text in (before, after):
        again = run_in(tmp_path, "diff", "-e", text, "-e", text)
        assert again.exit_code in (CLEAN, USAGE)
        assert "→" not in again.stdout


FILES = {
    "a.yaml": "loss: mse(a, b)\nother: mae(a, b)\nmany: {x: mean(a), y: mean(b)}\n",
    "b.yaml": "other: mse(a, b)\n",
    "terms.yaml": "loss:\n  text: mse(a, b)\n  terms:\n    x: {text: 'mae(a, b)', weight: 2}\n"
    "    y: {text: max(a), weight: 3, on: false}\n"
    "same: mse(a, b) + 2*mae(a, b) as x\n"
    "on: {text: 'mse(a, b) + max(a) as y', terms: {x: 'mae(a, b)'}, weights: {x: 4, y: 3}}\n",
    "wrong.loss": "mse(a",
    "deep.loss": "(" * 100 + "a" + ")" * 100,
    "mine.loss": "def f(x) = 2*x\n",
}
LINES: dict[str, tuple[str, int, str]] = {
    "two files": ("a.yaml b.yaml --key other", ERRORS, "term `mse` added"),
    "a key for each": ("a.yaml b.yaml --key loss --key other", CLEAN, "no difference"),
    "one file": ("a.yaml --key loss --key other", ERRORS, "the specs differ"),
    "a file and a text": ("a.yaml -e mse(a,b)", CLEAN, "no difference"),
    "stdin": ("- a.yaml --stdin-filename x.yaml --key other --key loss", CLEAN, "no difference"),
    "inputs": ("a.yaml -e mse(a,b) -i a=f32[B] -i b=f32[C]", USAGE, "LD201"),
    "terms and a text": ("terms.yaml --key loss --key same", CLEAN, "no difference"),
    "terms": ("terms.yaml --key loss --key on", ERRORS, "weight of `x`: 2 → 4"),
    "a term more": ("terms.yaml --key loss --key on", ERRORS, "term `y` added: 3 * max(a)"),
    "a library": (
        "-e 'mean(f(x)) as t' -e 'mean(2*x) as t' --library mine.loss",
        CLEAN,
        "no difference",
    ),
    "no library": ("-e f(x) -e 2*x --library none.loss", USAGE, "LD701"),
    "a wrong one": ("a.yaml wrong.loss", USAGE, "wrong.loss:1:4"),
    "no such file": ("a.yaml nowhere.yaml", USAGE, "LD701"),
    "no such key": ("a.yaml b.yaml", USAGE, "has no key `loss`"),
    "many": ("a.yaml -e a --key many.*", USAGE, "leads to 2 specs"),
    "a limit": ("a.yaml deep.loss", LIMIT, "LD6"),
    "one": ("a.yaml", USAGE, "give two specs"),
    "three": ("a.yaml b.yaml -e a", USAGE, "give two specs"),
    "too many keys": ("a.yaml b.yaml --key a --key b --key c", USAGE, "once for both"),
    "stdin twice": ("- -", USAGE, "`-` is one of the two"),
}


@pytest.mark.parametrize("case", LINES.values(), ids=LINES)
def test_a_line(case: tuple[str, int, str], tmp_path: Path) -> None:
    line, code, said = case
    write(tmp_path, FILES)
    result = run_in(tmp_path, "diff", *shlex.split(line), input=FILES["b.yaml"])
    assert result.exit_code == code, result.output
    assert said in result.output
