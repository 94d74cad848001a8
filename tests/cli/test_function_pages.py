"""The pages of the functions: what is on them, how wide they are, and how one finds them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from lossdsl.cli.app import app
from lossdsl.cli.function_facts import FunctionFacts, facts
from lossdsl.cli.function_page import function_page
from lossdsl.cli.output import CLEAN, USAGE
from lossdsl.library import BUILTINS
from lossdsl.library.laws import MEANINGS
from lossdsl.testing.law_tests import LAWS


def run(*arguments: str, columns: int = 80) -> Result:
    return CliRunner().invoke(app, ["functions", *arguments], env={"COLUMNS": str(columns)})


# Words, and what is found first.
SEARCHES = {
    "focal": "focal",
    "label smoothing": "smooth_labels",
    "KL": "kl",
    "BCEWithLogits": "binary_cross_entropy",
    "smooth_l1": "smooth_l1",
    "Huber": "huber",
    "least squares gan": "gan_critic_least_squares",
    "lasso": "l1",
    "contrastive": "contrastive_pair",
    "cosine schedule": "cosine_decay_schedule",
    "arXiv:1708.02002": "focal",
    "softmax": "softmax",
}


@pytest.mark.parametrize("words", SEARCHES)
def test_search_finds(words: str) -> None:
    assert run("--search", words).stdout.startswith(f"  {SEARCHES[words]} ")


def test_json_is_in_the_order_of_what_is_found() -> None:
    names = [line.split()[0] for line in run("--search", "lasso").stdout.splitlines()]
    assert [one["name"] for one in json.loads(run("--search", "lasso", "--json").stdout)] == names
    assert len(names) > 1 and names != sorted(names)


def test_search_that_finds_nothing_says_so() -> None:
    result = run("--search", "zzzz")
    assert (result.exit_code, "no function fits `zzzz`" in result.stderr) == (USAGE, True)


def test_family() -> None:
    result = run("--family", "regression")
    assert result.exit_code == CLEAN
    assert "  mse " in result.stdout
    assert "cross_entropy" not in result.stdout
    assert "did you mean" in run("--family", "regresion").stderr
    both = json.loads(run("--family", "regression", "--search", "absolute", "--json").stdout)
    assert {"regression"} == {one["family"] for one in both}


@pytest.mark.parametrize(
    ("name", "meant"),
    [("mee", "mse"), ("CrossEntropyLoss", "cross_entropy"), ("kl_div", "kl"), ("hubr", "huber")],
)
def test_an_unknown_name_says_what_was_perhaps_meant(name: str, meant: str) -> None:
    result = run(name)
    assert (result.exit_code, result.stdout) == (USAGE, "")
    assert f"`{meant}`" in result.stderr


def test_several_names_are_several_pages() -> None:
    result = run("mse", "nothing_like_it", "mae")
    assert result.exit_code == USAGE
    assert {"ℓ = (out − tgt)²", "ℓ = |out − tgt|"} <= {
        x.strip() for x in result.stdout.splitlines()
    }
    assert "nothing_like_it" in result.stderr
    assert [one["name"] for one in json.loads(run("mse", "mae", "--json").stdout)] == ["mse", "mae"]


def test_names_and_a_search_exclude_each_other() -> None:
    assert run("mse", "--search", "focal").exit_code == USAGE


def test_formats_of_a_page() -> None:
    assert run("huber", "--format", "latex").stdout.startswith(r"\ell = \begin{cases}")
    assert run("mse", "--format", "unicode").stdout == "ℓ = (out − tgt)²\n"
    assert run("reshape", "--format", "latex").exit_code == USAGE


def test_a_page_has_everything() -> None:
    lines = run("huber", columns=120).stdout.splitlines()
    for title in (
        "Signature", "Formula", "LaTeX", "Factors", "Options", "Laws", "Source", "Also known as",
        "Example", "Definition",
    ):  # fmt: skip
        assert title in lines
    text = "\n".join(lines)
    assert "delta = 1.0, in (0, inf]" in text
    assert "constant factors in the formula: ½" in text
    assert "the sum divided by the sum of the weights" in text
    assert re.search(r"value 0\.\d+", text)


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", ["huber", "cross_entropy", "info_nce", "exponential_decay", "mmd"])
def test_pages_are_as_wide_as_the_terminal(name: str, columns: int) -> None:
    titles = {"LaTeX", "Definition", "Also known as"}
    section = ""
    for line in run(name, columns=columns).stdout.splitlines():
        section = line if line and not line.startswith(" ") else section
        if section not in titles:
            assert len(line) <= columns, line


def test_without_colors() -> None:
    command = [sys.executable, "-m", "lossdsl", "functions", "mse", "--format", "unicode"]
    env = {"NO_COLOR": "1", "FORCE_COLOR": "", "PYTHONIOENCODING": "utf-8"}
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    assert "\x1b" not in result.stdout


# JSON: keys are added, never renamed.

KEYS = {
    "name", "family", "kind", "summary", "signatures", "formulas", "factors", "options",
    "reduction", "laws", "domain", "notes", "sources", "aliases", "examples", "definition",
}  # fmt: skip


def test_json_of_one_function() -> None:
    found = json.loads(run("huber", "--json").stdout)
    assert set(found) == KEYS == set(FunctionFacts.model_json_schema()["properties"])
    assert FunctionFacts.model_validate(found).kind == "loss"
    (example,) = found["examples"]
    assert set(example["inputs"]) == {"out", "tgt"}
    out, tgt = example["inputs"]["out"], example["inputs"]["tgt"]
    errors = [abs(a - b) for a, b in zip(out, tgt, strict=True)]
    said = [0.5 * e * e if e <= 0.5 else 0.5 * (e - 0.25) for e in errors]
    assert example["value"] == pytest.approx(sum(said) / len(said), rel=1e-3)


def test_json_of_all_functions() -> None:
    found = json.loads(run("--json").stdout)
    assert [one["name"] for one in found] == sorted(BUILTINS)
    assert [FunctionFacts.model_validate(one).name for one in found] == sorted(BUILTINS)


@pytest.mark.parametrize("name", sorted(BUILTINS))
def test_every_loss_says_what_it_divides_by(name: str) -> None:
    found = facts(BUILTINS[name], BUILTINS)
    assert found.kind != "loss" or any(one.startswith("by default") for one in found.factors)
    assert all(law.meaning for law in found.laws)
    assert found.kind == "primitive" or found.formulas or "formula" in BUILTINS[name].about


def test_every_law_is_put_into_words() -> None:
    assert set(MEANINGS) == set(LAWS)


# One example of each family has a value; computing all of them is the task of the library's tests.
BY_FAMILY = {BUILTINS[name].family: name for name in sorted(BUILTINS, reverse=True)}


@pytest.mark.parametrize("family", BY_FAMILY)
def test_the_example_has_a_value(family: str) -> None:
    page = function_page(BUILTINS[BY_FAMILY[family]], BUILTINS)
    text = "\n".join("".join(piece for piece, _ in line) for line in page.lines)
    assert re.search(r"\n  value \S", text), text


def test_pages_of_a_library_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.loss"
    path.write_text(
        "## Half a square.\n## example: half(out, tgt)\n"
        "loss half(out: float[*S], tgt: float[*S]) -> float[*S] = 0.5*square(out - tgt)\n"
    )
    result = run("half", "--library", str(path))
    assert (result.exit_code, "ℓ = ½(out − tgt)²" in result.stdout) == (CLEAN, True)
    assert re.search(r"value 0\.\d+", result.stdout)
