"""`check --fix`: texts in files of every sort are mended in place, and all else stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from folders import run_in, write

from lossdsl.cli.output import CLEAN, ERRORS, USAGE

# A file, its text, the same mended, and what is said of each change.
MENDED: dict[str, tuple[str, str, str, list[str]]] = {
    "a file": ("a.loss", "l2sqrt(p)\n", "l2sqr(p)\n", ["a.loss:1:1: `l2sqrt` → `l2sqr`"]),
    "several": (
        "a.loss",
        "mse(a, b, wher=m)  # c\n+ l2sqrt( p )\n",
        "mse(a, b, where=m)  # c\n+ l2sqr( p )\n",
        ["a.loss:1:11: `wher` → `where`", "a.loss:2:3", "2 fixes applied"],
    ),
    "one behind another": ("a.loss", "l2sqrt(p) && 1 <> 2\n", "l2sqr(p) and 1 != 2\n", ["3 fixes"]),
    "Windows": ("a.loss", "mean(a)\r\n+ l2sqrt(p)\r\n", "mean(a)\r\n+ l2sqr(p)\r\n", ["1 fix"]),
    "a byte order mark": ("a.loss", "\ufeffl2sqrt(p)", "\ufeffl2sqr(p)", ["1 fix"]),
    "a name": ("a.loss", "pred: f32[B]\nmean(prde)\n", "pred: f32[B]\nmean(pred)\n", ["1 fix"]),
    "a choice": ("a.loss", "mse(a, b, reduce='sun')", "mse(a, b, reduce='sum')", ["1 fix"]),
    "a dtype": ("a.loss", "a: flot32[B]\nmean(a)", "a: float[B]\nmean(a)", ["1 fix"]),
    "a block": (
        "a.yaml",
        "a: 1  # one\nloss: |  # two\n    mse(a, b)\n\n      + l2sqrt(p)  # three\nb:   [2]\n",
        "a: 1  # one\nloss: |  # two\n    mse(a, b)\n\n      + l2sqr(p)  # three\nb:   [2]\n",
        ["a.yaml:5:9: `l2sqrt` → `l2sqr`"],
    ),
    "a block at its end": ("a.yaml", "loss: |-\n  a + l2sqrt", "loss: |-\n  a + l2sqrt", []),
    "a folded block": (
        "a.yaml",
        "loss: >-\n  mse(a, b)\n  + l2sqrt(p)\n",
        "loss: >-\n  mse(a, b)\n  + l2sqr(p)\n",
        ["a.yaml:3:5"],
    ),
    "plain": ("a.yaml", "loss: l2sqrt(p) # c\n", "loss: l2sqr(p) # c\n", ["a.yaml:1:7"]),
    "plain, two lines": (
        "a.yaml",
        "loss: mse(a, b)\n  + l2sqrt(p)\n",
        "loss: mse(a, b)\n  + l2sqr(p)\n",
        ["a.yaml:2:5"],
    ),
    "terms": (
        "a.yaml",
        "loss:\n  text: mse(a, b)\n  terms:\n    x: |\n      2*l2sqrt(p)\n"
        "    y: {text: 'mae(a, b, wher=m)', weight: 'cosin_decay_schedule(step, 1, 9)'}\n",
        "loss:\n  text: mse(a, b)\n  terms:\n    x: |\n      2*l2sqr(p)\n"
        "    y: {text: 'mae(a, b, where=m)', weight: 'cosine_decay_schedule(step, 1, 9)'}\n",
        ["a.yaml:5:9: `l2sqrt` → `l2sqr`", "a.yaml:6:26", "a.yaml:6:45", "3 fixes applied"],
    ),
    "a weight of a name": (
        "a.json",
        '{"loss": {"text": "mse(a, b) as fit",\n "weights": {"fitt": 2}}}',
        '{"loss": {"text": "mse(a, b) as fit",\n "weights": {"fit": 2}}}',
        ["a.json:2:15: `fitt` → `fit`"],
    ),
    "single quotes": (
        "a.yaml",
        "loss: 'l2sqrt(p[''k''])'\n",
        "loss: 'l2sqr(p[''k''])'\n",
        ["a.yaml:1:8"],
    ),
    "double quotes": (
        "a.yaml",
        'loss: "l2sqrt(p[\\"k\\"]) \\\n    + 1"\n',
        'loss: "l2sqr(p[\\"k\\"]) \\\n    + 1"\n',
        ["a.yaml:1:8"],
    ),
    "quotes within single ones": (
        "a.yaml",
        "loss: 'mean(a[“k“])'\n",
        "loss: 'mean(a[\"k\"])'\n",
        ['`“k“` → `"k"`'],
    ),
    "quotes within double ones": (
        "a.json",
        '{"loss": "mean(a[“k“])"}',
        '{"loss": "mean(a[\\"k\\"])"}',
        ["1 fix"],
    ),
    "the type of an input": (
        "a.yaml",
        "loss: {inputs: {x: 'flot32[B]'}, text: mean(x)}\n",
        "loss: {inputs: {x: 'float[B]'}, text: mean(x)}\n",
        ["a.yaml:1:21"],
    ),
    "an anchor": (
        "a.yaml",
        "x: &q l2sqrt(p)\nloss: *q\n",
        "x: &q l2sqr(p)\nloss: *q\n",
        ["a.yaml:1:7"],
    ),
    "JSON": (
        "a.json",
        '{\n\t"loss": "l2sqrt(p[\\"k\\"])", "b": 1.0}\n',
        '{\n\t"loss": "l2sqr(p[\\"k\\"])", "b": 1.0}\n',
        ["a.json:2:11"],
    ),
    "TOML": ("a.toml", "a=1\nloss = 'l2sqrt(p)'\n", "a=1\nloss = 'l2sqr(p)'\n", ["a.toml:2:9"]),
    "TOML, lines": (
        "a.toml",
        'loss = """\nmse(a, b)\n + l2sqrt(p)"""\n',
        'loss = """\nmse(a, b)\n + l2sqr(p)"""\n',
        ["a.toml:3:4"],
    ),
    "an escape": (
        "a.json",
        '{"loss": "\\u006c2sqrt(p)"}',
        '{"loss": "l2sqr(p)"}',
        ["a.json:1:11"],
    ),
    "nothing to mend": ("a.yaml", "loss: mean(a\n", "loss: mean(a\n", ["0 fixes applied"]),
    "another library's name": ("a.loss", "mse_loss(a, b)", "mse_loss(a, b)", ["0 fixes"]),
}


@pytest.mark.parametrize("case", MENDED.values(), ids=MENDED)
def test_fixes_change_what_they_say_and_nothing_else(
    case: tuple[str, str, str, list[str]], tmp_path: Path
) -> None:
    name, text, mended, said = case
    write(tmp_path, {name: text})
    first = run_in(tmp_path, "check", name, "--fix")
    assert (tmp_path / name).read_bytes().decode() == mended, first.output
    for words in said:
        assert words in first.stderr
    again = run_in(tmp_path, "check", name, "--fix")
    assert (tmp_path / name).read_bytes().decode() == mended
    assert "0 fixes applied" in again.stderr


def test_what_is_mended_is_checked(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": "loss: l2sqrt(p)\nother: mean(a\n", "b.loss": "l2sqrt(p)"})
    result = run_in(tmp_path, "check", ".", "--fix")
    assert (result.exit_code, "2 fixes applied" in result.stderr) == (CLEAN, True)
    result = run_in(tmp_path, "check", "a.yaml", "--key", "other", "--fix")
    assert (result.exit_code, "LD005" in result.stdout) == (ERRORS, True)


def test_only_the_specs_that_are_checked_are_mended(tmp_path: Path) -> None:
    text = "a: l2sqrt(p)\nb: l2sqrt(p)\n"
    write(tmp_path, {"a.yaml": text})
    run_in(tmp_path, "check", "a.yaml", "--key", "b", "--fix")
    assert (tmp_path / "a.yaml").read_text() == "a: l2sqrt(p)\nb: l2sqr(p)\n"


def test_what_cannot_be_written_exactly_is_left(tmp_path: Path) -> None:
    text = "loss: “k“ + l2sqrt(p)\nb: 1\n"  # with plain quotes YAML would end the text
    write(tmp_path, {"a.yaml": text})
    result = run_in(tmp_path, "check", "a.yaml", "--fix")
    assert result.exit_code == ERRORS
    assert (tmp_path / "a.yaml").read_text() == text
    assert 'a.yaml:1:7: `“k“` → `"k"` is left: it cannot be written there exactly' in result.stderr
    assert "0 fixes applied, 1 left" in result.stderr


@pytest.mark.parametrize("command", [["check", "--fix"], ["fmt"]])
def test_a_file_that_cannot_be_written(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(**options: object) -> None:  # root writes everywhere
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", closed)
    write(tmp_path, {"a.yaml": "loss: l2sqrt( p )\n"})
    result = run_in(tmp_path, *command, "a.yaml")
    assert result.exit_code == ERRORS
    assert "`a.yaml` cannot be written: permission denied" in result.output
    assert "applied" not in result.output or "0 fixes applied" in result.output


def test_no_file_is_no_subject_of_a_fix(tmp_path: Path) -> None:
    assert run_in(tmp_path, "check", "-e", "l2sqrt(p)", "--fix").exit_code == USAGE
    assert run_in(tmp_path, "check", "-", "--fix", input="l2sqrt(p)").exit_code == USAGE


def test_a_library_is_not_mended_by_the_way(tmp_path: Path) -> None:
    write(tmp_path, {"mine.loss": "def f(p) = l2sqrt(p)\n", "a.loss": "f(p)\n"})
    run_in(tmp_path, "check", "a.loss", "--library", "mine.loss", "--fix")
    assert (tmp_path / "mine.loss").read_text() == "def f(p) = l2sqrt(p)\n"
