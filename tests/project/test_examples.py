"""The examples run, warnings being errors, and what their READMEs show is what they print."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import lossdsl

EXAMPLES = Path(__file__).parents[2] / "examples"
DIGITS, RATE = EXAMPLES / "digits", EXAMPLES / "rate_network"


# A long training runs as users run it: the settings of conftest.py compile quicker and run slower.
USUAL = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}

# Command lines, one after the other in one process; their exit code and output.
EACH = """
import json, sys
from typer import Typer
from typer.testing import CliRunner
from train import main

app = Typer()
app.command()(main)
done = [CliRunner().invoke(app, arguments) for arguments in json.loads(sys.argv[1])]
print(json.dumps([(one.exit_code, f"{one.output}{one.exception!r}") for one in done]))
"""


# What the environment says of warnings, such as of what old packages do, holds in an example too.
ALLOWED = [f"-W{one}" for one in os.environ.get("PYTHONWARNINGS", "").split(",") if one]


def python(*arguments: object, short: bool, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the repository, warnings being errors."""
    settings = {"JAX_PLATFORMS": "cpu", "NO_COLOR": "1", "COLUMNS": "120", **environment}
    settings["PYTHONWARNINGS"] = ""  # Python drops an option that stands there already
    return subprocess.run(
        [sys.executable, "-W", "error", *ALLOWED, *map(str, arguments)],
        cwd=EXAMPLES.parent,
        env={**(os.environ if short else USUAL), **settings},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def run(folder: Path, *arguments: object, short: bool = False) -> subprocess.CompletedProcess[str]:
    """Run an example's script as a user would, from its repository; say if it trains little."""
    return python(folder / "train.py", *arguments, short=short)


def run_each(
    folder: Path, lines: Sequence[Sequence[object]], short: bool = True
) -> list[tuple[int, str]]:
    """Return exit code and output of an example's command for each line of arguments."""
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    words = json.dumps([[str(word) for word in line] for line in lines])
    done = python("-c", EACH, words, short=short, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    return [(code, output) for code, output in json.loads(done.stdout)]


@dataclass(frozen=True)
class Digits:
    """What the example prints, with exit codes, and the folder of its plots."""

    trained: tuple[int, str]
    without_bounds: tuple[int, str]
    unknown_label: tuple[int, str]
    wrong_spec: tuple[int, str]
    out: Path


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    """Run the example in one process: importing what it needs takes as long as a short training."""
    out = tmp_path_factory.mktemp("out")
    config = out / "train.yaml"
    config.write_text((DIGITS / "train.yaml").read_text().replace("l2sqr(", "l2sqrt("))
    lines = (
        ("--seeds", 1, "--epochs", 15, "--out", out),
        ("--seeds", 1, "--epochs", 1, "--without", "bounds", "--out", out),
        ("--without", "bunds"),
        ("--config", config),
    )
    return Digits(*run_each(DIGITS, lines, short=False), out)


def test_digits_are_learned_within_the_bound(digits: Digits) -> None:
    code, printed = digits.trained
    assert code == 0, printed
    (row,) = re.findall(r"│ +0 │ +([\d.]+) │ +([\d.]+) ms │", printed)
    accuracy, shortest = map(float, row)
    assert accuracy >= 0.96
    assert shortest >= 9.8
    for term in ("fit", "shrink", "bounds"):
        assert re.search(rf"│ {term} +│( +[\d.e+-]+ │){{3}} +[\d.]+% │", printed), printed
    assert {path.name for path in digits.out.glob("*.png")} == {
        "confusion.png",
        "tau.png",
        "terms.png",
    }


def test_without_drops_the_labeled_term(digits: Digits) -> None:
    code, printed = digits.without_bounds
    assert code == 0, printed
    assert "│ shrink" in printed
    assert "│ bounds" not in printed
    assert (digits.out / "without-bounds" / "tau.png").stat().st_size > 10_000


def test_what_is_wrong_is_reported_before_anything_is_built(digits: Digits) -> None:
    code, usage = digits.unknown_label
    assert code == 2
    assert "bunds" in usage
    code, report = digits.wrong_spec
    assert code == 1
    assert "LD101" in report
    assert re.search(r"train\.yaml:8:12\b", report), report


def test_the_rate_network_compares_every_spec() -> None:
    done = run(RATE, "--seeds", 1, "--epochs", 2, short=True)
    assert done.returncode == 0, done.stderr
    printed = table(done.stdout)
    written = table((RATE / "README.md").read_text())
    assert [row[0] for row in printed] == [row[0] for row in written]
    assert printed[0] == written[0]
    assert len(printed) == 2 + 4


@pytest.mark.parametrize("row", range(2, 6))
def test_the_written_table_shows_what_the_bounds_are_for(row: int) -> None:
    name, _, shortest, below, _ = table((RATE / "README.md").read_text())[row]
    shortest, below = float(shortest.split()[0]), int(below.split()[0])
    match name:
        case "no bounds":
            assert shortest < 2
            assert below > 2000
        case "projected":
            assert shortest == 10
            assert below == 0
        case _:
            assert 9.9 < shortest < 11
            assert 0 < below < 300


def test_the_readmes_show_the_losses_that_run() -> None:
    digits = lossdsl.load(DIGITS / "train.yaml").text
    assert digits.strip() in (DIGITS / "README.md").read_text()
    readme = (RATE / "README.md").read_text()
    for name in ("strong decay", "weak decay", "no bounds"):
        assert lossdsl.load(RATE / "specs.yaml", key=f"{name}.loss").text in readme
    weak = lossdsl.load(RATE / "specs.yaml", key="weak decay.loss")
    assert lossdsl.load(RATE / "specs.yaml", key="projected.loss").text == weak.text


def table(text: str) -> list[list[str]]:
    """Return the cells of a Markdown table."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
