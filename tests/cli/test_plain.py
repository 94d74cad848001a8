"""A well-written command line runs without typer and rich, and prints what it prints with them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from heavy import heavy_after
from hypothesis import given
from hypothesis import strategies as st
from test_cli import CASES, run

import lossdsl.cli
from lossdsl.cli import output
from lossdsl.cli.command_line import Usage, read
from lossdsl.cli.commands import COMMANDS

LINES = {
    **{name: arguments for name, (arguments, _, _) in CASES.items()},
    "options in any order": ["check", "--strict", "-i", "a=f32[B]", "-e", "mean(a)", "-e", "b"],
    "a value that begins like an option": ["check", "-e", "-mean(a)"],
    "a value behind `=`": ["check", "--expression=mean(a)"],
    "a value behind a letter": ["check", "-emean(a)"],
    "nothing but files": ["check", "--", "nowhere.loss"],
    "an option without its value": ["check", "-e"],
    "an option that is given twice": ["check", "-e", "a", "--strict", "--strict"],
    "a choice in capitals": ["check", "-e", "mean(a)", "--output-format", "JSON"],
    "a key of a text": ["check", "-e", "mean(a)", "--key", "a"],
    "nothing to format": ["fmt"],
    "two subjects": ["explain", "LD202", "LD201"],
    "a command that is none": ["chek", "-e", "mean(a)"],
    "a directory": ["check", "tests/cli", "--exclude", "*"],
    "two keys": ["check", "nowhere.yaml", "--key", "a", "--key", "b", "--missing-ok"],
    "a flag and its opposite": ["check", "-e", "mean(a)", "--strict", "--no-strict"],
    "less strict": ["check", "-e", "mean(a)", "--no-strict"],
    "a code that is none": ["check", "-e", "mean(a)", "--allow", "LD1"],
    "a difference": ["diff", "-e", "mean(a)", "-e", "2*mean(a)"],
    "one side": ["diff", "-e", "mean(a)"],
    "a schema": ["schema", "--key", "loss"],
    "a bell and a tab": ["check", "-e", "mse(out,\ttgt)\x07"],
}


@pytest.mark.parametrize("words", LINES.values(), ids=LINES)
def test_a_line_says_what_typer_says(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # As typer's runner calls the program.
    monkeypatch.setattr("sys.argv", ["root", *words])
    monkeypatch.setattr(sys.modules["__main__"], "__package__", "", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        lossdsl.cli.main()
    shown = capsys.readouterr()
    expected = run(*words)
    assert ended.value.code == expected.exit_code
    assert (shown.out, shown.err) == (expected.stdout, expected.stderr)


def test_what_is_left_to_typer() -> None:
    left = {name for name, words in LINES.items() if read(COMMANDS, words) is None}
    assert left >= {"a value behind `=`", "help", "the version", "no command", "two subjects"}
    assert not left & {"a right text", "options in any order", "the list of functions", "a code"}


def test_a_line_that_asks_for_nothing_prints_nothing_before_typer_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for words in (["check"], ["explain"], ["functions", "mse", "--search", "a"]):
        line = read(COMMANDS, words)
        assert line is not None
        with pytest.raises(Usage):
            line[0](**line[1])
    assert capsys.readouterr() == ("", "")


@given(st.lists(st.lists(st.tuples(st.text(max_size=12), st.sampled_from(["", "bold red"])))))
def test_lines_are_printed_as_rich_prints_them(lines: list[list[tuple[str, str]]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        written: list[str] = []
        for write in (output.say, lambda *lines: output.say_colored(lines, error=False)):
            patch.setattr("sys.stdout", stream := Stream())
            write(*lines)
            written.append(stream.text)
    assert written[0] == written[1]


class Stream:
    """What is written, to no terminal."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        self.text += "".join(lines)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


# What a command does without, where it need not explain a line or read YAML.
APART = ("typer", "click", "rich", "pydantic", "lark", "ruamel.yaml", "jax", "numpy", "optax")


def test_what_a_command_imports(tmp_path: Path) -> None:
    (tmp_path / "a.loss").write_text("mse(out, tgt)\n")
    (tmp_path / "a.json").write_text('{"loss": "mse(out, tgt)"}')
    lines = {
        ("check", "-e", "mse(out, tgt)"): 0,
        ("check", "-e", "mse(out"): 1,
        ("check", "-e", "mean_square(out, tgt)", "--output-format", "json"): 1,
        ("check", f"{tmp_path}/a.loss", f"{tmp_path}/a.json"): 0,
        ("check", str(tmp_path), "--exclude", "b", "--no-strict", "--allow", "LD418"): 0,
        ("check", f"{tmp_path}/*.json", "--key", "loss", "--fix"): 0,
        ("fmt", "--check", f"{tmp_path}/a.loss"): 0,
        ("fmt", "--diff", f"{tmp_path}/a.json"): 0,
        ("diff", "-e", "mse(out, tgt)", f"{tmp_path}/a.json"): 0,
        ("explain", "LD202"): 0,
        ("functions",): 0,
        ("functions", "--search", "error"): 0,
        ("functions", "mse", "--format", "latex"): 0,
    }
    codes = ["from contextlib import redirect_stdout, redirect_stderr; from io import StringIO"]
    for words, code in lines.items():
        codes.append(f"""
from lossdsl.cli import main
sys.argv = ['lossdsl', *{words}]
try:
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()): main()
except SystemExit as done: assert done.code == {code}, done.code""")
    _, *imported = heavy_after(*codes, packages=APART)
    assert {words: names for words, names in zip(lines, imported, strict=True) if names} == {}


def test_a_check_imports_no_parser_of_grammars() -> None:
    check = "import lossdsl; assert lossdsl.check('mse(a, b)').ok"
    assert heavy_after(check, "import lark", packages=APART) == [[], ["lark"]]


def test_a_stream_that_is_closed_is_no_crash() -> None:
    line = f"{sys.executable} -m lossdsl check -e 'mse(a, b)' >&-"
    done = subprocess.run(line, shell=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
