"""The command line: what each command prints, and how it exits."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from oracle import Evaluation
from programs import expected
from typer.testing import CliRunner, Result

import lossdsl.cli
from lossdsl.cli.app import app
from lossdsl.cli.output import CLEAN, ERRORS, LIMIT, USAGE
from lossdsl.diagnostics.codes import CODES


def run(*arguments: str, input: str | None = None) -> Result:
    return CliRunner().invoke(app, arguments, input=input)


# Arguments, exit code, and what is printed.
CASES = {
    "a right text": (["check", "-e", "mse(out, tgt)"], CLEAN, "no errors"),
    "its signature": (["check", "-e", "mse(out, tgt)"], CLEAN, "out: float[*S]"),
    "a warning": (["check", "-e", "mean(a) + 0*mean(b)"], CLEAN, "warning[LD431]"),
    "a wrong text": (["check", "-e", "mse(out"], ERRORS, "<expression>:1:4"),
    "an unknown function": (["check", "-e", "l2sqrt(p)"], ERRORS, "error[LD101]"),
    "declared inputs": (
        ["check", "-e", "mse(a, b)", "--input", "a=f32[B, 10]", "-i", "b=f32[B]"],
        ERRORS,
        "error[LD201]",
    ),
    "a wrong type": (["check", "-e", "mean(a)", "-i", "a=f99[B]"], ERRORS, "f99"),
    "no equals sign": (["check", "-e", "mean(a)", "-i", "a"], USAGE, "NAME=TYPE"),
    "no name": (["check", "-e", "mean(a)", "-i", "3=f32"], USAGE, "NAME=TYPE"),
    "nothing to check": (["check"], USAGE, "give a file"),
    "an unknown option": (["check", "--frobnicate"], USAGE, "No such option"),
    "an unknown format": (["check", "-e", "a", "--output-format", "xml"], USAGE, "xml"),
    "a limit": (["check", "-e", "(" * 100 + "a" + ")" * 100], LIMIT, "error[LD6"),
    "no file": (["check", "nowhere.loss"], ERRORS, "error[LD701]"),
    "concise": (
        ["check", "-e", "l2sqrt(p)", "--output-format", "concise"],
        ERRORS,
        "<expression>:1:1: error[LD101]",
    ),
    "github": (["check", "-e", "l2sqrt(p)", "--output-format", "github"], ERRORS, "::error "),
    "sarif": (["check", "-e", "mean(a)", "--output-format", "sarif"], CLEAN, '"2.1.0"'),
    "the list of functions": (["functions"], CLEAN, "  mse "),
    "the page of a loss": (["functions", "mse"], CLEAN, "loss mse("),
    "its options": (["functions", "mse"], CLEAN, "reduce, axis, where, weight, normalize"),
    "the page of a primitive": (["functions", "logsumexp"], CLEAN, "logsumexp(x"),
    "no such function": (["functions", "mee"], USAGE, "did you mean"),
    "a code": (["explain", "LD202"], CLEAN, "mean((pred - y)**2)"),
    "a code in small letters": (["explain", "ld202"], CLEAN, "error[LD202]"),
    "the core of a text": (
        ["explain", "--core", "-e", "mean(softmax(z))", "-i", "z=f32[B, K]"],
        CLEAN,
        "loss = mean(softmax(z, 1.0, axis=(1,)))",
    ),
    "the core of a wrong text": (["explain", "--core", "-e", "mae(out)"], ERRORS, "LD104"),
    "what is rewritten": (
        ["explain", "--rewrites", "-e", "p = softmax(z)\nloss = -mean(log(p))"],
        CLEAN,
        "<expression>:2:14: `log(p)` is computed as `log_softmax(z)`",
    ),
    "where it is lost": (
        ["explain", "--rewrites", "-e", "mean(log(1 + x))"],
        CLEAN,
        "f32 loses it at x within 1e-8 of 0: the sum rounds to 1",
    ),
    "nothing to rewrite": (
        ["explain", "--rewrites", "-e", "mse(a, b)"],
        CLEAN,
        "what is written is what is computed",
    ),
    "the rewrites of a wrong text": (
        ["explain", "--rewrites", "-e", "mae(out)"],
        ERRORS,
        "LD104",
    ),
    "core and rewrites": (
        ["explain", "--rewrites", "--core", "-e", "mean(log(1 + x))"],
        CLEAN,
        "loss = mean(log(add(1, x)))",
    ),
    "the formula of a text": (
        ["explain", "-e", "mae(a, b)", "-i", "a=f32[N]", "-i", "b=f32[N]"],
        CLEAN,
        "ℒ = (1/N) Σₙ |aₙ − bₙ|",
    ),
    "its formula as LaTeX": (
        ["explain", "--latex", "-e", "mae(a, b)"],
        CLEAN,
        r"\mathcal{L} = \operatorname{mean} \left| a - b \right|",
    ),
    "the formula of a wrong text": (["explain", "-e", "mae(out)"], ERRORS, "LD104"),
    "the formula of a file": (
        ["explain", "examples/digits/train.yaml"],
        CLEAN,
        "ℒ_fit = −(1/B) Σ_b log softmax(scores_b)_{digit_b}",
    ),
    "the formula of no file": (["explain", "no_such.yaml"], ERRORS, "error[LD701]"),
    "a loss as a file": (
        ["emit", "-e", "mean(x)", "-i", "x=f32[B, 3]"],
        CLEAN,
        "jnp.mean(x)",
    ),
    "a file of what is not declared": (["emit", "-e", "mean(x)"], ERRORS, "error[LD710]"),
    "a file of a wrong text": (["emit", "-e", "mse(x)", "-i", "x=f32[B]"], ERRORS, "LD104"),
    "a file of nothing": (["emit"], USAGE, "give a file, or a text"),
    "nothing to explain": (["explain"], USAGE, "give a code, a file, or a text"),
    "a code with the types of inputs": (["explain", "LD202", "-i", "z=f32"], USAGE, "of a spec"),
    "a code as LaTeX": (["explain", "LD202", "--latex"], USAGE, "of a spec"),
    "a key of a text": (
        ["explain", "--core", "-e", "mae(a, b)", "--key", "x"],
        USAGE,
        "`--key` is",
    ),
    "no such code": (["explain", "LD298"], USAGE, "there is no code"),
    "the version": (["--version"], CLEAN, f"lossdsl {lossdsl.__version__}"),
    "help": (["check", "--help"], CLEAN, "Exit codes"),
    "no command": ([], USAGE, "Usage"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_command(case: tuple[list[str], int, str]) -> None:
    arguments, code, words = case
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert words in result.output


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_page(code: str) -> None:
    page = run("explain", code).output
    assert CODES[code].title in page
    assert all(line[:80] in page for line in CODES[code].bad.splitlines() if line.isprintable())


@pytest.fixture
def interpreted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pages evaluate their examples by the oracle, which needs no XLA."""

    def without_jax(text: str, library: lossdsl.Library) -> Any:
        def with_terms(**inputs: Any) -> tuple[None, Evaluation]:
            try:
                return None, expected(text, inputs)
            except AssertionError as error:
                raise TypeError("no core") from error

        return SimpleNamespace(with_terms=with_terms)

    monkeypatch.setattr("lossdsl.compilation.compile", without_jax)


NAMES = sorted(lossdsl.BUILTINS)
PAGES_AT_ONCE = 25
WITHOUT_VALUE = {"one_hot"}  # its example is of three classes, and a page draws two


@pytest.mark.parametrize("at", range(0, len(NAMES), PAGES_AT_ONCE))
@pytest.mark.usefixtures("interpreted")
def test_every_function_has_a_page(at: int) -> None:
    names = NAMES[at : at + PAGES_AT_ONCE]
    printed = run("functions", *names)
    assert printed.exit_code == CLEAN
    pages = re.split(r"^(\w+)  \([\w ]+\)$", printed.output, flags=re.MULTILINE)[1:]
    assert pages[::2] == names
    for name, page in zip(names, pages[1::2], strict=True):
        assert {"Signature", "Example"} <= set(page.splitlines()), name
        assert re.search(r"^  value \S", page, re.MULTILINE) or name in WITHOUT_VALUE, name


def test_json_is_one_list_over_all_specs(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("loss: |\n  mse(out, tgt)\n  + l2sqrt(params)\n")
    result = run("check", "-e", "mse(out", str(path), "--output-format", "json")
    found = json.loads(result.stdout)
    assert [(item["file"], item["line"]) for item in found] == [("<expression>", 1), (str(path), 3)]
    assert json.loads(run("check", "-e", "mse(a, b)", "--output-format", "json").stdout) == []


def test_key_and_inputs_of_a_config(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('[train.fit]\ntext = "mse(a, b)"\ninputs = {a = "f32[B]", b = "f32[B]"}\n')
    assert run("check", "--key", "train.fit", str(path)).exit_code == CLEAN
    wider = run("check", "--key", "train.fit", str(path), "-i", "b=f32[B, 2]")
    assert wider.exit_code == ERRORS
    path = tmp_path / "a.yaml"
    path.write_text("loss:\n  text: mean(a)\n  inputs:\n    a: f32[B,\n")
    found = json.loads(run("check", str(path), "--output-format", "json").stdout)
    assert [(item["file"], item["line"]) for item in found] == [(str(path), 4)]
    assert "LD201" in wider.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("explain", "--core", "a.yaml", "--key", "a", "--key", "b"),
            "`--key` is given twice",
        ),
        (("check", "-e", "mean(a)", "--key", "a"), "`--key` is of YAML"),
        (("check", "a.loss", "--key", "a"), "`--key` is of YAML"),
        (("check", "-e", "mean(a)", "-i", "a=f32[B]", "-i", "a=f64[B]"), "by two `-i`"),
        (("check", "-e", "a", "--output-format", "json", "--output-format", "full"), "twice"),
        (("functions", "--search", "a", "--search", "b"), "`--search` is given twice"),
        (("fmt", "a.loss", "--check", "--check"), "`--check` is given twice"),
    ],
)
def test_no_option_is_given_twice_or_read_by_nothing(arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == USAGE
    assert said in " ".join(result.output.split())


def test_check_reads_stdin() -> None:
    assert "<stdin>:1:1" in run("check", "-", input="l2sqrt(params)").output


def test_check_reads_a_library(tmp_path: Path) -> None:
    path = tmp_path / "mine.loss"
    path.write_text("def twice(x) = 2*x\n")
    result = run("check", str(path))
    assert (result.exit_code, "library of twice" in result.output) == (CLEAN, True)
    for text, code in (
        ("def mse(x) = 2*x\n", "LD801"),
        ("loss f(x: float[*S]) -> float[*S] = sqare(x)\n", "LD101"),
        ("", "LD017"),
    ):
        path.write_text(text)
        result = run("check", str(path))
        assert (result.exit_code, code in result.output) == (ERRORS, True)


def test_bytes_that_are_no_text_are_a_finding() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "lossdsl", "check", "-"],
        input=b"mse(out, \xff)",
        capture_output=True,
        check=False,
    )
    assert result.returncode == ERRORS
    assert b"error[LD0" in result.stdout


CANONICAL = "mse(out, tgt) + 0.001 * l2sqr(params)\n"
LOOSE = "mse( out,tgt )+1e-3*l2sqr( params )"


def test_fmt_rewrites_in_place_and_keeps_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a.loss"
    path.write_text(LOOSE)
    path.chmod(0o640)
    result = run("fmt", str(path))
    assert (result.exit_code, path.read_text()) == (CLEAN, CANONICAL)
    assert path.stat().st_mode & 0o777 == 0o640
    assert f"reformatted {path}" in result.stderr
    assert run("fmt", str(path)).output == ""
    assert list(tmp_path.iterdir()) == [path]


def test_fmt_check_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.loss"
    path.write_text(LOOSE)
    assert run("fmt", "--check", str(path)).exit_code == ERRORS
    assert path.read_text() == LOOSE
    path.write_text(CANONICAL)
    assert run("fmt", "--check", str(path)).exit_code == CLEAN


def test_fmt_from_stdin_to_stdout() -> None:
    assert run("fmt", "-", input=LOOSE).stdout == CANONICAL
    assert run("fmt", "-", input="def f(x)=2*x").stdout == "def f(x) = 2 * x\n"


def test_fmt_leaves_what_does_not_parse(tmp_path: Path) -> None:
    path = tmp_path / "a.loss"
    path.write_text("mse(out")
    result = run("fmt", str(path))
    assert result.exit_code == ERRORS
    assert "LD0" in result.stderr
    assert path.read_text() == "mse(out"
    config = tmp_path / "a.yaml"
    config.write_text("loss: mse(out")
    assert run("fmt", str(config)).exit_code == ERRORS
    assert config.read_text() == "loss: mse(out"


def test_fmt_follows_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "a.loss", tmp_path / "b.loss"
    path.write_text(LOOSE)
    link.symlink_to(path)
    run("fmt", str(link))
    assert link.is_symlink()
    assert path.read_text() == CANONICAL


def test_a_defect_asks_for_a_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise KeyError("k")

    monkeypatch.setattr("lossdsl.cli.app.app", broken)
    with pytest.raises(SystemExit) as caught:
        lossdsl.cli.main()
    assert caught.value.code == ERRORS
    assert "error[LD999]: a defect of lossdsl: KeyError" in capsys.readouterr().err


def outside(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command line as a process, with only these variables beside the necessary ones."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, "-m", "lossdsl", *arguments]
    return subprocess.run(command, capture_output=True, env={**kept, **environment}, check=False)


def test_color_only_where_it_is_wanted() -> None:
    arguments = ("check", "-e", "l2sqrt(p)")
    assert b"\x1b[" in outside(*arguments, FORCE_COLOR="1", TERM="xterm").stdout
    assert b"\x1b[" not in outside(*arguments, FORCE_COLOR="1", NO_COLOR="1", TERM="dumb").stdout


def test_a_terminal_that_knows_only_ascii_and_wants_no_color() -> None:
    result = outside("check", "-e", 'l2sqrt("é")', PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert result.returncode == ERRORS
    assert rb"\xe9" in result.stdout
    assert b"\x1b[" not in result.stdout


def test_a_closed_pipe_is_no_crash() -> None:
    command = f"{sys.executable} -m lossdsl functions | head -n 1"
    result = subprocess.run(command, shell=True, capture_output=True, check=True)
    assert not result.stderr


def test_a_file_is_written(tmp_path: Path) -> None:
    path = tmp_path / "train.yaml"
    path.write_text("loss: {text: mean(x), inputs: {x: 'f32[B]'}}\n")
    target = tmp_path / "loss.py"
    done = run("emit", str(path), "-o", str(target))
    assert (done.exit_code, done.output) == (CLEAN, "")
    assert target.read_text() == lossdsl.emit("mean(x)", {"x": "f32[B]"})
    path.write_text("loss: {terms: {a: {text: mean(x), weight: 2}}, inputs: {x: 'f32[B]'}}\n")
    assert run("explain", "--core", str(path)).output == "loss = multiply(2, mean(x))\n"
    done = run("emit", str(path), "-o", str(target))
    assert target.read_text() == lossdsl.emit("2 * mean(x) as a\n", {"x": "f32[B]"})
    done = run("emit", str(path), "-o", str(tmp_path / "nowhere" / "loss.py"))
    assert done.exit_code == ERRORS
    assert "LD701" in done.output
