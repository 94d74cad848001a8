"""Directories, patterns, several keys, what is passed over, and that nothing is no right check."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from folders import run_in, write

from lossdsl.cli.gather import gather
from lossdsl.cli.output import CLEAN, ERRORS, USAGE

WRONG = "loss: l2sqrt(p)\n"
FILES = {
    "conf/b.yaml": "loss: mse(a, b)\n",
    "conf/a.loss": "mae(a, b)\n",
    "conf/loss/focal.yaml": "text: mean(x)\ninputs: {x: 'f32[B]'}\n",
    "conf/loss/c.json": '{"loss": "mean(x)"}',
    "conf/loss/d.toml": 'loss = "mean(x)"\n',
    "conf/other.yml": "rate: 3\n",
    "conf/read me.txt": "loss",
    "conf/.hidden/a.yaml": WRONG,
    "conf/.b.yaml": WRONG,
    "conf/node_modules/x/a.yaml": WRONG,
    "conf/__pycache__/a.yaml": WRONG,
    "conf/env/pyvenv.cfg": "home = x\n",
    "conf/env/lib/a.yaml": WRONG,
    "old/e.yaml": WRONG,
    "many.yaml": "losses: {fit: 'mse(a, b)', decay: 'l2sqrt(p)', list: ['mean(a)', 'meen(b)']}\n",
}
CONF = ["a.loss", "b.yaml", "other.yml", "loss/c.json", "loss/d.toml", "loss/focal.yaml"]

# Words, patterns to exclude, the files that they lead to.
GATHERED = {
    "a directory": (["conf"], [], [f"conf/{name}" for name in CONF]),
    "with a slash": (["./conf/"], [], [f"conf/{name}" for name in CONF]),
    "one within": (["conf/loss"], [], [f"conf/{name}" for name in CONF[3:]]),
    "a file, then its directory": (["conf/loss/d.toml", "conf/loss"], [], [4, 3, 5]),
    "the same directory": (["conf/loss", "conf/loss/../loss"], [], [3, 4, 5]),
    "a pattern": (["conf/*.yaml"], [], [1]),
    "with two stars": (["conf/**/*.yaml"], [], [1, 5]),
    "two stars at the end": (["conf/**"], [], [0, 1, 2, 3, 4, 5]),
    "stars next to each other": (["conf/**/**/**/*.toml"], [], [4]),
    "a folder by a pattern": (["con?/l*"], [], [3, 4, 5]),
    "a hidden one by name": (["conf/.hidden"], [], ["conf/.hidden/a.yaml"]),
    "a hidden one by a pattern": (["conf/.*.yaml"], [], ["conf/.b.yaml"]),
    "a name": (["conf"], ["loss"], [0, 1, 2]),
    "a path": (["conf"], ["conf/loss/"], [0, 1, 2]),
    "a pattern of names": (["conf"], ["*.yaml", "*.yml"], [0, 3, 4]),
    "a pattern of paths": (["conf"], ["conf/*/*.json"], [0, 1, 2, 4, 5]),
    "another path": (["conf"], ["loss/c.json"], [0, 1, 2, 3, 4, 5]),
    "a file that is excluded": (["conf/a.loss"], ["*.loss"], [0]),
    "a file twice": (["conf/a.loss", "./conf/a.loss", "conf"], ["loss"], [0, 1, 2]),
    "a folder of links": (["conf", "loop"], [], [0, 1, 2, 3, 4, 5]),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, FILES)
    (tmp_path / "conf/again").symlink_to(tmp_path / "conf")
    (tmp_path / "loop").mkdir()
    (tmp_path / "loop/self").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "conf/pipe.yaml")  # to which nobody writes
    return tmp_path


@pytest.mark.parametrize("case", GATHERED.values(), ids=GATHERED)
def test_words_lead_to_files_in_a_stable_order(
    case: tuple[list[str], list[str], list[str | int]],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words, exclude, expected = case
    monkeypatch.chdir(folder)
    names = [name if isinstance(name, str) else f"conf/{CONF[name]}" for name in expected]
    assert [target.name for target in gather(words, exclude).targets] == names


# The line, the exit code, what is said.
LINES: dict[str, tuple[str, int, list[str]]] = {
    "a directory": ("conf", CLEAN, ["no errors; 5 specs in 5 files, 1 file without one"]),
    "a wrong one": ("old conf", ERRORS, ["old/e.yaml:1:7", "1 error; 6 specs in 6 files"]),
    "excluded": ("conf old --exclude old/**", ERRORS, ["`old` leads to no file"]),
    "no file": ("conf/*.txt", ERRORS, ["LD707", "`conf/*.txt` leads to no file"]),
    "no directory": ("nowhere/**/*.yaml", ERRORS, ["LD707", "leads to no file"]),
    "no such file": ("nowhere", ERRORS, ["`nowhere` cannot be read: no such file"]),
    "no spec": ("conf/*.yml", ERRORS, ["LD707", "no file of `conf/*.yml` holds `loss`"]),
    "one of two without": ("conf conf/*.yml", ERRORS, ["no file of `conf/*.yml` holds"]),
    "the same twice": ("conf conf/loss", CLEAN, ["5 specs in 5 files"]),
    "a key that nothing reads": (
        "conf --key loss --key los",
        ERRORS,
        ["no file has the key `los`"],
    ),
    "a key of nothing": ("conf --key los", ERRORS, ["no file has the key `los`"]),
    "a file without": ("conf/b.yaml conf/other.yml", ERRORS, ["has no key `loss`", "1 error"]),
    "passed over": (
        "conf/b.yaml conf/other.yml --missing-ok",
        CLEAN,
        ["conf/b.yaml: no errors", "1 spec in 1 file, 1 file without one"],
    ),
    "all passed over": ("conf/other.yml --missing-ok", CLEAN, ["0 specs in 0 files"]),
    "several keys": (
        "many.yaml --key losses.fit --key losses.decay",
        ERRORS,
        ["many.yaml[losses.fit]: no errors", "many.yaml:1:36", "1 error"],
    ),
    "the last key is right": ("many.yaml --key losses.decay --key losses.fit", ERRORS, ["l2sqrt"]),
    "a star": ("many.yaml --key losses.*", ERRORS, ["[losses.fit]", "LD101", "is a list"]),
    "a star over a list": ("many.yaml --key losses.list.*", ERRORS, ["[losses.list.0]", "meen"]),
    "a position": ("many.yaml --key losses.list.1", ERRORS, ["meen"]),
    "part of a key": ("many.yaml --key losses.f*", CLEAN, ["many.yaml[losses.fit]: no errors"]),
    "keys that overlap": (
        "many.yaml --key losses.f* --key losses.fit --key losses.fit --missing-ok",
        CLEAN,
        ["1 spec in 1 file"],
    ),
    "a star over nothing": ("many.yaml --key losses.fit.*", ERRORS, ["no key `*` in `losses.fit`"]),
    "a key in a text": ("many.yaml --key losses.fit.x", ERRORS, ["there is a text"]),
    "one of two keys": (
        "many.yaml --key losses.fit --key losses.fitt",
        ERRORS,
        ["no key `fitt` in `losses`", "did you mean `fit`?"],
    ),
    "each file one of two keys": ("conf/b.yaml many.yaml --key loss --key losses.fit", CLEAN, []),
    "a key below a directory": ("conf/a.loss --key loss", USAGE, ["`--key` is of YAML"]),
    "nothing to exclude from": ("conf/a.loss --exclude a", USAGE, ["`--exclude` is of"]),
    "a name of no stdin": ("conf/a.loss --stdin-filename a.yaml", USAGE, ["names what `-`"]),
}


@pytest.mark.parametrize("case", LINES.values(), ids=LINES)
def test_what_a_line_says(case: tuple[str, int, list[str]], folder: Path) -> None:
    line, code, said = case
    result = run_in(folder, "check", *line.split())
    assert result.exit_code == code, result.output
    printed = " ".join(result.output.replace("│", " ").split())
    for words in said:
        assert words in printed


BROKEN: dict[str, tuple[bytes, str]] = {
    "no UTF-8": (b"loss: \xff", "not UTF-8"),
    "no YAML": (b"loss: [", "LD702"),
    "too large": (b"loss: a\n" + b"#" * 2**20, "larger than"),
    "a number": (b"loss: 0.3", "LD705"),
    "what is to be given": (b"loss: ???", "LD709"),
}


@pytest.mark.parametrize(("data", "said"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_may_hold_a_spec_is_never_passed_over(
    data: bytes, said: str, folder: Path
) -> None:
    write(folder, {"conf/broken.yaml": data})
    result = run_in(folder, "check", "conf", "--output-format", "concise")
    assert result.exit_code == ERRORS
    assert said in result.output
    assert "conf/broken.yaml:" in result.output
    result = run_in(folder, "check", "conf", "--exclude", "broken.yaml")
    assert result.exit_code == CLEAN


def test_a_file_of_another_sort_is_passed_over(folder: Path) -> None:
    large = b'{"x": [' + b"1," * 2**20 + b"1]}"
    foreign = {"conf/chart.yaml": "{{ .Values }}: [", "conf/image.json": b"\xff\x00"}
    write(folder, {**foreign, "conf/large.json": large, "conf/empty.json": b""})
    assert run_in(folder, "check", "conf").exit_code == CLEAN


def test_a_link_to_nothing_and_a_folder_that_is_closed_are_findings(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "conf/gone.loss").symlink_to("nowhere")
    result = run_in(folder, "check", "conf")
    assert result.exit_code == ERRORS
    assert "`conf/gone.loss` cannot be read: no such file" in result.output
    (folder / "conf/gone.loss").unlink()
    scan = os.scandir

    def closed(name: str) -> object:  # root reads every folder
        if name == "conf/loss":
            raise PermissionError(13, "Permission denied")
        return scan(name)

    monkeypatch.setattr("os.scandir", closed)
    result = run_in(folder, "check", "conf")
    assert result.exit_code == ERRORS
    assert "`conf/loss` cannot be read: permission denied" in result.output


def test_a_directory_as_a_key_and_a_directory_with_an_ending(folder: Path) -> None:
    (folder / "conf/folder.yaml").mkdir()
    write(folder, {"conf/folder.yaml/x.loss": "mean(a"})
    assert "conf/folder.yaml/x.loss:1:5" in run_in(folder, "check", "conf").output
    result = run_in(folder, "check", "many.yaml", "--key", "conf")
    assert "has no key `conf`" in result.output


STDIN = {
    "YAML": ("conf.yaml", "a: 1\nloss: |\r\n  mean(\n   l2sqrt(x))\n", [], "conf.yaml:4:4"),
    "a key": ("x/conf.yml", "t: {loss: 'meen(x)'}", ["--key", "t.loss"], "x/conf.yml:1:12"),
    "JSON": ("conf.json", '{"loss": "meen(x)"}', [], "conf.json:1:11"),
    "TOML": ("conf.toml", "loss = 'meen(x)'", [], "conf.toml:1:9"),
    ".loss": ("a.loss", "meen(x)", [], "a.loss:1:1"),
    "no key": ("conf.yaml", "los: 3", [], "conf.yaml:1:1: error[LD704]"),
    "no UTF-8": ("conf.yaml", b"loss: \xff", [], "conf.yaml:1:1: error[LD701]"),
    "nothing": ("conf.yaml", "", [], "conf.yaml:1:1: error[LD704]"),
}


@pytest.mark.parametrize("case", STDIN.values(), ids=STDIN)
def test_stdin_has_the_format_of_its_name(
    case: tuple[str, str | bytes, list[str], str], tmp_path: Path
) -> None:
    name, text, more, place = case
    words = ["check", "-", "--stdin-filename", name, "--output-format", "concise", *more]
    result = run_in(tmp_path, *words, input=text)
    assert result.exit_code == ERRORS
    assert place in result.output


FORMATS = ["full", "concise", "json", "github", "sarif"]
WRONGS = {
    "a spec": "old/e.yaml",
    "a file without the key": "conf/other.yml",
    "no file": "nowhere.yaml",
    "no such ending": "conf/read me.txt",
    "a directory without specs": "empty",
    "a pattern": "conf/*.yml",
    "a tag": "tag.yaml",
    "a list": "list.yaml",
    "text without a place": "escape.json",
}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", WRONGS.values(), ids=WRONGS)
def test_every_format_gives_a_file_and_a_place(format: str, name: str, folder: Path) -> None:
    more = {"tag.yaml": "loss: !x a", "list.yaml": "loss: [1]", "escape.json": '{"loss": ["a"]}'}
    write(folder, more)
    (folder / "empty").mkdir()
    result = run_in(folder, "check", name, "--output-format", format)
    assert result.exit_code == ERRORS
    if format == "json":
        (found,) = json.loads(result.stdout)
        assert (found["file"], found["line"] >= 1, found["column"] >= 1) == (name, True, True)
    elif format == "sarif":
        (found,) = json.loads(result.stdout)["runs"][0]["results"]
        place = found["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == name.replace(" ", "%20").replace("*", "%2A")
        assert place["region"]["startLine"] >= 1
    elif format == "github":
        assert f"file={name},line=1" in result.stdout
    else:
        assert f"{name}:1:" in result.stdout
