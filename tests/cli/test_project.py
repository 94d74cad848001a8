"""`[tool.lossdsl]` of a `pyproject.toml`, and libraries of Python."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from folders import run_in, write

from lossdsl.cli.output import CLEAN, ERRORS, USAGE
from lossdsl.cli.project import read_project

MODULE = '''
import lossdsl
print("noise")

@lossdsl.primitive("soft_count(x: float[*S, K], sharpness: float = 8.0) -> float[*S]")
def soft_count():
    """How many entries of a vector are above 0, smoothly."""
    return lambda x, sharpness: x

both = lossdsl.Library.of(soft_count, half=lambda x: 0.5 * x)
text = lossdsl.Library.loads("def third(x) = _third(x)  def _third(x) = x / 3")
'''
FILES = {
    "pyproject.toml": """[project]
name = "x"

[tool.lossdsl]
files = ["conf", "more/*.loss"]
exclude = ["old", "conf/left"]
keys = ["loss", "losses.*"]
library = ["mine.loss", "pk.good"]
allow = ["ld431"]
strict = true
""",
    "mine.loss": "def twice(x) = 2*x\n",
    "pk/good.py": MODULE,
    "pk/raises.py": "\nraise ValueError('no luck')\n",
    "pk/syntax.py": "x = (\n",
    "pk/needs.py": "import no_such_package\n",
    "pk/empty.py": "from lossdsl import BUILTINS\n\nx = 1\n",
    "pk/leaves.py": "import sys\nsys.exit(3)\n",
    "pk/wrong.py": "import lossdsl\n\nf = lossdsl.primitive('f(x: flaot) -> float')(int)\n",
    "pk/eager.py": "import lossdsl\n\nf = lossdsl.primitive('f(x: int) -> float')(None)\n",
    "pk/clash.py": "import lossdsl\n\nmine = lossdsl.Library.loads('def mse(x) = x')\n",
    "conf/a.yaml": """loss:
  text: mean(soft_count(twice(x))) + 0*mean(x)
  inputs: {x: 'f32[B, T]'}
""",
    "conf/b.yaml": "losses: {a: {text: mean(third(x)), inputs: {x: 'f32[B]'}}}\n",
    "conf/old/a.yaml": "loss: l2sqrt(p)\n",
    "conf/left/a.yaml": "loss: l2sqrt(p)\n",
    "more/a.loss": "x: f32[B]\nmean(x)\n",
    "sub/c.yaml": "loss: mean(x)\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    write(tmp_path, FILES)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "pk"]:
        del sys.modules[name]


# The folder in which a command runs, its words, the exit code, and what is printed.
LINES: dict[str, tuple[str, str, int, list[str]]] = {
    "what a project names": (".", "check", CLEAN, ["no errors; 3 specs in 3 files"]),
    "from below": ("sub", "check", CLEAN, ["3 specs in 3 files"]),
    "a file of one's own": ("sub", "check c.yaml", ERRORS, ["c.yaml:1:12", "LD122"]),
    "that holds one of the keys": (".", "check conf/b.yaml", CLEAN, ["conf/b.yaml[losses.a]"]),
    "less strict": ("sub", "check c.yaml --no-strict", CLEAN, ["c.yaml: no errors"]),
    "another key": (".", "check --key losses.a", CLEAN, ["LD707", "`more/*.loss`"][:0]),
    "a key that nothing reads": (".", "check --key losses.b", ERRORS, ["no file", "losses.b"]),
    "another exclusion": (".", "check --exclude left", ERRORS, ["conf/old/a.yaml:1:7"]),
    "another library": (".", "check conf/a.yaml --library mine.loss", ERRORS, ["soft_count"]),
    "a text": (".", "check -e mean(twice(x)) -i x=f32[B]", CLEAN, ["<expression>: no errors"]),
    "the functions": ("sub", "functions soft_count", CLEAN, ["soft_count(x: float[*S, K]"]),
    "the core": ("sub", "explain --core -e mean(twice(x)) -i x=f32[B]", CLEAN, ["loss = "]),
    "no setting of allow": (
        ".",
        "check conf/a.yaml --allow LD418",
        ERRORS,
        ["error[LD431]"],
    ),
    "allowed": ("sub", "check -e 0*mean(x)+mean(x) -i x=f32[B]", CLEAN, ["no errors"]),
    "no code": (".", "check --allow LD4", USAGE, ["there is no code `LD4`"]),
    "an error": (".", "check --allow LD101", USAGE, ["`LD101` is an error"]),
}


@pytest.mark.parametrize("case", LINES.values(), ids=LINES)
def test_a_project_says_what_the_line_leaves_open(
    case: tuple[str, str, int, list[str]], folder: Path
) -> None:
    where, line, code, said = case
    result = run_in(folder / where, *line.split())
    assert result.exit_code == code, result.output
    printed = " ".join(result.output.replace("│", " ").split())
    for words in said:
        assert words in printed


def test_the_key_of_a_project_that_no_file_has(folder: Path) -> None:
    text = FILES["pyproject.toml"].replace("losses.*", "loses.*")
    write(folder, {"pyproject.toml": text})
    assert "no file has the key `loses.*`" in run_in(folder, "check").output


HEAD = '[project]\nkey = "x"\n[tool.lossdsl]\n'
SETTINGS: dict[str, tuple[str, list[str], tuple[int, int]]] = {
    "a slip": (HEAD + "stric = true", ["no setting `stric`", "did you mean `strict`?"], (4, 1)),
    "in the singular": (HEAD + "key = 'a'", ["no setting `key`", "did you mean `keys`?"], (4, 1)),
    "of other tools": (HEAD + "include = ['a']", ["`include`", "`files`?"], (4, 1)),
    "unlike all": (HEAD + "xyzzy = 1", ["`xyzzy`", "the settings: `allow`, `exclude`"], (4, 1)),
    "indented": (HEAD + "  # keyz = 1\n  keyz = 1", ["`keyz`"], (5, 3)),
    "in quotes": (HEAD + '"keyz" = 1', ["`keyz`"], (4, 2)),
    "in a line": ("tool = {lossdsl = {keyz = 1}}", ["`keyz`"], (1, 20)),
    "no list": (HEAD + "files = 3", ["`files` is a list of texts, not a number"], (4, 1)),
    "no texts": (HEAD + "keys = [3]", ["`keys` is a list of texts, not a list"], (4, 1)),
    "no boolean": (HEAD + "strict = 'yes'", ["`strict` is `true` or `false`, not a text"], (4, 1)),
    "no code": (HEAD + "allow = ['LD4']", ["there is no code `LD4`"], (4, 1)),
    "an error": (HEAD + "allow = ['LD101']", ["`LD101` is an error"], (4, 1)),
    "no table": ("[tool]\nlossdsl = 3", ["`tool.lossdsl` is no table"], (1, 1)),
    "no TOML": (HEAD + "keys = [", ["LD702", "TOML stops here"], (4, 9)),
}


@pytest.mark.parametrize("case", SETTINGS.values(), ids=SETTINGS)
def test_a_setting_that_is_none(case: tuple[str, list[str], tuple[int, int]], folder: Path) -> None:
    text, said, (line, column) = case
    write(folder, {"pyproject.toml": text})
    result = run_in(folder / "sub", "check", "-e", "mean(x)")
    assert result.exit_code == ERRORS
    assert f"--> ../pyproject.toml:{line}:{column}" in result.output
    for words in said:
        assert words in " ".join(result.output.split())
    for words in ("functions mse", "diff -e a -e b", "fmt", "explain --core -e mean(a)"):
        result = run_in(folder, *words.split())
        assert result.exit_code in (ERRORS, USAGE)
        assert "pyproject.toml:" in result.stderr
    (found,) = json.loads(run_in(folder, "check", "--output-format", "json").stdout)
    assert (found["file"], found["line"]) == ("pyproject.toml", line)


@pytest.mark.parametrize(
    "text", ["", "[tool.ruff]\n", "# lossdsl\n[", "tool = 3 # lossdsl", "\xff"]
)
def test_a_file_without_settings_is_another_project_s_matter(text: str) -> None:
    assert read_project(text.encode("latin-1"), "pyproject.toml") is None


# What `--library` is given, what is said, and where.
MODULES: dict[str, tuple[str, list[str], str]] = {
    "raises": ("pk.raises", ["raised a `ValueError` when imported: no luck"], "pk/raises.py:2:1"),
    "has no syntax": ("pk.syntax", ["raised a `SyntaxError`"], "pk/syntax.py:1:1"),
    "needs another": ("pk.needs", ["`ModuleNotFoundError`", "no_such"], "pk/needs.py:1:1"),
    "ends the program": ("pk.leaves", ["raised a `SystemExit`"], "pk/leaves.py:2:1"),
    "has no functions": ("pk.empty", ["has no functions for a spec"], "pk/empty.py:1:1"),
    "has no such function": ("pk.good:bith", ["no `bith`", "`both`?"], "pk/good.py:1:1"),
    "is a package": ("pk", ["the module `pk` has no functions"], "<command line>:1:1"),
    "is none": ("pk.god", ["no module `pk.god`"], "<command line>:1:1"),
    "is none at all": ("godd", ["no module `godd`"], "<command line>:1:1"),
    "is a file": ("mine", ["did you mean `mine.loss`?"], "<command line>:1:1"),
    "declares what cannot be read": ("pk.wrong", ["LD804", "`flaot`"], "<signature of f>:1:6"),
    "declares it of nothing": ("pk.eager", ["LD121", "raised here"], "pk/eager.py:3:1"),
    "declares what is there": ("pk.clash", ["LD801", "`mse` is already"], "<library>:1:5"),
    "is no file": ("pk/good.los", ["LD701", "cannot be read"], "pk/good.los:1:1"),
}


@pytest.mark.parametrize("case", MODULES.values(), ids=MODULES)
def test_a_module_that_is_no_library(case: tuple[str, list[str], str], folder: Path) -> None:
    name, said, place = case
    result = run_in(folder, "check", "-e", "mean(x)", "--library", name)
    assert result.exit_code == ERRORS
    assert place in result.output
    for words in said:
        assert words in " ".join(result.output.split())
    assert not [entry for entry in sys.path if entry == str(folder)]


def test_what_a_module_prints_is_no_output(folder: Path) -> None:
    words = ["check", "-e", "mean(half(x))", "--library", "pk.good:both", "--no-strict"]
    result = run_in(folder, *words, "--output-format", "json")
    assert json.loads(result.stdout) == []
    assert result.stderr == "noise\n"


def test_a_spec_names_no_module(folder: Path) -> None:
    write(folder, {"a.yaml": "loss: {text: mean(x), library: pk.raises}\n"})
    result = run_in(folder, "check", "a.yaml", "--library", "mine.loss")
    assert "`library`, which nothing reads" in result.output
    assert "pk.raises" not in sys.modules
