"""`lossdsl fmt` in files of every sort: losses in canonical form, all else as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from folders import run_in, write

from lossdsl.cli.output import CLEAN, ERRORS, USAGE

LONG = " + ".join(f"{k}*mse(a,b)" for k in range(2, 12))
LINES = "\n  ".join(f"{'+ ' if k > 2 else ''}{k} * mse(a, b)" for k in range(2, 12))
LINE = " + ".join(f"{k} * mse(a, b)" for k in range(2, 12))

# A file, its text, and the same with its losses formatted.
FORMATTED: dict[str, tuple[str, str, str]] = {
    "a file": ("a.loss", "mse( a,b )", "mse(a, b)\n"),
    "a byte order mark": ("a.loss", "\ufeffmse( a,b )", "\ufeffmse(a, b)\n"),
    "a block": (
        "a.yaml",
        "# top\na:   [1,2] # one\nloss: |  # two\n    # fit\n    mse( a,b )\n\nb: {c: 'd'}\n",
        "# top\na:   [1,2] # one\nloss: |  # two\n    # fit\n    mse(a, b)\n\nb: {c: 'd'}\n",
    ),
    "a block that ends the file": ("a.yaml", "loss: |-\n  mse( a,b )", "loss: |-\n  mse(a, b)"),
    "a block of statements": (
        "a.yaml",
        "t:\n  loss: |\n    a:f32[B]\n    x=2*a\n    loss=mean( x )\n  b: 1\n",
        "t:\n  loss: |\n    a: f32[B]\n\n    x = 2 * a\n\n    loss = mean(x)\n  b: 1\n",
    ),
    "a long block": ("a.yaml", f"loss: |\n  {LONG}\n", f"loss: |\n  {LINES}\n"),
    "a block, Windows": (
        "a.yaml",
        "loss: |\r\n  a:f32[B]\r\n  mean( a )\r\nb: 1\r\n",
        "loss: |\r\n  a: f32[B]\r\n\r\n  mean(a)\r\nb: 1\r\n",
    ),
    "folded": ("a.yaml", "loss: >\n  mse( a,\n  b )\nb: 1\n", "loss: >\n  mse(a, b)\nb: 1\n"),
    "folded and long": ("a.yaml", f"loss: >\n  {LONG}\n", f"loss: >\n  {LINE}\n"),
    "plain": ("a.yaml", "loss: mse( a,b )  # c\n", "loss: mse(a, b)  # c\n"),
    "plain and long": ("a.yaml", f"loss: {LONG}  # c\n", f"loss: {LINE}  # c\n"),
    "plain, two lines": ("a.yaml", "loss: mse( a,\n  b )\nb: 1\n", "loss: mse(a, b)\nb: 1\n"),
    "single quotes": ("a.yaml", "loss: 'mean( p[''k''] )'\n", "loss: 'mean(p[\"k\"])'\n"),
    "double quotes": ("a.yaml", 'loss: "mean( p[\\"k\\"] )"\n', 'loss: "mean(p[\\"k\\"])"\n'),
    "a flow": ("a.yaml", "{loss: {text: 'mse( a,b )'}}\n", "{loss: {text: 'mse(a, b)'}}\n"),
    "JSON": ("a.json", '{"loss":"mean( p[\'k\'] )" }', '{"loss":"mean(p[\\"k\\"])" }'),
    "JSON, lines": ("a.json", '{"loss":"a:f32\\na"}', '{"loss":"a: f32\\n\\na"}'),
    "TOML": ("a.toml", "loss='mse( a,b )' # c\n", "loss='mse(a, b)' # c\n"),
    "TOML, lines": (
        "a.toml",
        'loss = """\na:f32[B]\nmean( a )\n"""\n',
        'loss = """\na: f32[B]\n\nmean(a)\n"""\n',
    ),
    "terms": (
        "a.yaml",
        "loss:\n  text: fit=mse( a,b )\n  terms:\n    fit: fit\n    x: |\n      1e-3*mae( a,b )\n"
        "    y: {text: 'l2sqr( p )', weight: 1e-4}\n"
        "  weights: {x: 'linear_schedule( step,0,1e-2,10 )', fit: 0.10}\n",
        "loss:\n  text: fit = mse(a, b)\n  terms:\n    fit: fit\n    x: |\n"
        "      0.001 * mae(a, b)\n"
        "    y: {text: 'l2sqr(p)', weight: 1e-4}\n"
        "  weights: {x: 'linear_schedule(step, 0, 0.01, 10)', fit: 0.10}\n",
    ),
    "terms alone, JSON": (
        "a.json",
        '{"terms": {"a": "mse( a,b )", "b": {"text": "mse( a,b )", "weight": 1}}}',
        '{"terms": {"a": "mse(a, b)", "b": {"text": "mse(a, b)", "weight": 1}}}',
    ),
    "a type of an input": (
        "a.yaml",
        "loss: {text: mean( x ), inputs: {x: 'f32[ B ]'}}\n",
        "loss: {text: mean(x), inputs: {x: 'f32[ B ]'}}\n",
    ),
}


@pytest.mark.parametrize("case", FORMATTED.values(), ids=FORMATTED)
def test_losses_are_formatted_and_nothing_else(case: tuple[str, str, str], tmp_path: Path) -> None:
    name, text, formatted = case
    path = tmp_path / name
    write(tmp_path, {name: text})
    key = ["--key", "t.loss"] if text.startswith("t:") else []
    checked = run_in(tmp_path, "fmt", name, "--check", *key)
    assert (checked.exit_code, f"would reformat {name}" in checked.stderr) == (ERRORS, True)
    shown = run_in(tmp_path, "fmt", name, "--diff", *key)
    assert (shown.exit_code, shown.stdout.splitlines()[:2]) == (
        ERRORS,
        [f"--- {name}", f"+++ {name}"],
    )
    assert path.read_bytes().decode() == text
    piped = run_in(tmp_path, "fmt", "-", "--stdin-filename", name, *key, input=text.encode())
    assert piped.stdout_bytes.decode() == formatted
    result = run_in(tmp_path, "fmt", name, *key)
    assert (result.exit_code, result.stderr) == (CLEAN, f"reformatted {name}\n")
    assert path.read_bytes().decode() == formatted
    for words in ([], ["--check"], ["--diff"]):
        again = run_in(tmp_path, "fmt", name, *key, *words)
        assert (again.exit_code, again.output) == (CLEAN, "")


def test_what_has_no_place_is_left(tmp_path: Path) -> None:
    text = "loss: 'a+b # c\n\n  + 2*b'\n"
    write(tmp_path, {"a.yaml": text})
    result = run_in(tmp_path, "fmt", "a.yaml")
    assert result.exit_code == CLEAN
    assert (tmp_path / "a.yaml").read_text() == text
    assert "a.yaml:1:8 is left: its canonical form cannot" in result.stderr


def test_a_difference_is_shown(tmp_path: Path) -> None:
    write(tmp_path, {"a.yaml": "a: 1\nloss: mse( a,b )\nb: 2\n"})
    shown = run_in(tmp_path, "fmt", "a.yaml", "--diff").stdout
    assert "-loss: mse( a,b )\n+loss: mse(a, b)\n" in shown


FILES = {
    "conf/a.yaml": "losses: {a: mean( x ), b: mean( y )}\n",
    "conf/b.loss": "mean( x )\n",
    "conf/c.yaml": "other: 1\n",
    "conf/d.yaml": "losses: 'mean(x'\n",
}
# The line, its exit code, what is said, and the files that change.
LINES_OF: dict[str, tuple[str, int, str, set[str]]] = {
    "a directory": ("conf --key losses.*", CLEAN, "", {"conf/a.yaml", "conf/b.loss"}),
    "one of two": ("conf/a.yaml --key losses.b", CLEAN, "reformatted", {"conf/a.yaml"}),
    "no such key": ("conf/c.yaml", ERRORS, "has no key `loss`", set()),
    "passed over": ("conf/c.yaml --missing-ok", CLEAN, "", set()),
    "that does not parse": ("conf/d.yaml --key losses", ERRORS, "LD005", set()),
    "no file": ("nowhere.loss", ERRORS, "LD701", set()),
    "nothing": ("conf/*.json", ERRORS, "LD707", set()),
    "no spec": ("conf/c*", ERRORS, "LD707", set()),
    "excluded": ("conf --exclude a.yaml --exclude *.loss", ERRORS, "LD707", set()),
    "no words": ("", USAGE, "give a file", set()),
}


@pytest.mark.parametrize("case", LINES_OF.values(), ids=LINES_OF)
def test_files_are_found_as_for_a_check(
    case: tuple[str, int, str, set[str]], tmp_path: Path
) -> None:
    line, code, said, changed = case
    write(tmp_path, FILES)
    result = run_in(tmp_path, "fmt", *line.split())
    assert result.exit_code == code, result.output
    assert said in result.output
    assert {name for name in FILES if (tmp_path / name).read_text() != FILES[name]} == changed
