"""Wheel, sdist and Makefile: what is built installs elsewhere and works from another folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import lossdsl

PROBE = """
import lossdsl, pathlib, sys
home = pathlib.Path(lossdsl.__file__).resolve()
assert home.is_relative_to(pathlib.Path(sys.prefix).resolve()), home
assert (home.parent / "py.typed").exists()
assert lossdsl.check("mse(out, tgt) + 1e-3*l2sqr(params)").ok
assert "jax" not in sys.modules
import jax.numpy as jnp
loss = lossdsl.compile("mse(out, tgt)")
assert float(loss(out=jnp.ones(3), tgt=jnp.zeros(3))) == 1.0
"""


# What is installed elsewhere is found there, wherever this checkout is.
ALONE = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def quiet(*command: str | Path, cwd: Path) -> str:
    words = [str(word) for word in command]
    result = subprocess.run(words, cwd=cwd, env=ALONE, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="session")
def built(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist, and the wheel from the sdist."""
    folder = tmp_path_factory.mktemp("dist")
    quiet(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, root, cwd=folder)
    return folder


@pytest.mark.long
@pytest.mark.parametrize("pattern", ["*.whl", "*.tar.gz"])
def test_what_is_built_installs_elsewhere_and_works(
    pattern: str, built: Path, tmp_path: Path
) -> None:
    (archive,) = built.glob(pattern)
    home = tmp_path / "env"
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    site = Path(
        quiet(python, "-c", "import site; print(site.getsitepackages()[0])", cwd=home).strip()
    )
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--ignore-installed"]
    quiet(sys.executable, "-m", "pip", "--python", python, "install", *options, archive, cwd=home)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    quiet(python, "-W", "error", "-c", PROBE, cwd=elsewhere)
    command = home / "bin" / "lossdsl"
    assert "no errors" in quiet(command, "check", "-e", "mse(a, b)", cwd=elsewhere)


def test_the_archives_hold_what_they_should(built: Path) -> None:
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"lossdsl/_grammar/loss.lark", "lossdsl/py.typed"} <= names
    assert any(name.endswith(".loss") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.partition("/")[0] for name in names} == {
        "lossdsl",
        f"lossdsl-{lossdsl.__version__}.dist-info",
    }
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"grammar/loss.lark", "tests/conftest.py", "pyproject.toml", "LICENSE"} <= inside
    assert not [name for name in inside if "__pycache__" in name or name.startswith(".venv")]


def test_the_extras_are_there(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert set(extras) == {
        "configs",
        "plot",
        "examples",
        "lsp",
        "cuda",
        "test",
        "torch",
        "trackers",
        "dev",
    }
    assert extras["cuda"] == ["jax[cuda13]"]
    assert all(re.search(r">=\d", dependency) for dependency in project["dependencies"])


def dry(home: Path, *words: str) -> str:
    """Return the commands that make would run in a copy of the checkout."""
    return quiet("make", "--no-print-directory", "--dry-run", *words, cwd=home)


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml"):
        (tmp_path / name).write_bytes((root / name).read_bytes())
    return tmp_path


@pytest.mark.parametrize("target", ["demo", "test", "examples", "tutorial", "lint"])
def test_make_installs_once_and_then_runs(target: str, copy: Path) -> None:
    bare = dry(copy, target)  # `make test` runs this, too
    assert "-m venv .venv\n" in bare
    (stamp,) = re.findall(r"touch (\.venv/\S+)", bare)
    assert f"--editable '.[{stamp.removeprefix('.venv/.')}]'" in bare
    (copy / ".venv" / "bin").mkdir(parents=True)
    (copy / ".venv" / "bin" / "python").touch()
    assert dry(copy, target) == bare, "an environment without pip was never finished"
    (copy / ".venv" / "bin" / "pip").touch()
    (copy / stamp).touch()
    again = dry(copy, target)
    assert "pip" not in again
    assert again.splitlines() == bare.splitlines()[-len(again.splitlines()) :]


def python(path: Path, version: tuple[int, int]) -> Path:
    """Write a command that says whether it is new enough as a Python of that version does."""
    path.write_text(f"#!/bin/sh\nexit {int(version < (3, 11))}\n")
    path.chmod(0o755)
    return path


PYTHONS = [
    ({"python3.11": (3, 11), "python3": (3, 9)}, "python3.11"),
    ({"python3.11": (3, 9), "python3.13": (3, 13), "python3": (3, 12)}, "python3.13"),
    ({"python3": (3, 12)}, "python3"),
    ({"python3": (3, 9), "python": (3, 14)}, "python"),
    ({"python3": (3, 10), "python": (2, 7)}, None),
    ({}, None),
]


@pytest.mark.parametrize(("there", "taken"), PYTHONS)
def test_make_takes_a_python_that_fits(
    there: dict[str, tuple[int, int]], taken: str | None, copy: Path
) -> None:
    folder = copy / "bin"
    folder.mkdir()
    for command in ("sh", "make"):
        (folder / command).symlink_to(str(shutil.which(command)))
    for name, version in there.items():
        python(folder / name, version)
    result = subprocess.run(
        ["make", "test"], cwd=copy, env={"PATH": str(folder)}, capture_output=True, text=True
    )
    assert f"{taken} -m venv .venv\n" in result.stdout or taken is None
    assert ("needs Python ≥ 3.11" in result.stderr) == (taken is None), result.stderr
    assert taken or result.stdout == ""
    assert result.returncode != 0  # these make no environment


def test_make_refuses_an_old_python_that_is_named(copy: Path) -> None:
    old = python(copy / "old", (3, 10))
    result = subprocess.run(
        ["make", "demo", f"PYTHON={old}"], cwd=copy, capture_output=True, text=True
    )
    assert result.returncode != 0
    assert "lossdsl needs Python ≥ 3.11" in result.stderr
    assert str(old) in result.stderr
    assert not (copy / ".venv").exists()


def test_the_lowest_releases_are_those_of_the_project(root: Path, copy: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    printed = quiet(sys.executable, root / "tests" / "project" / "lowest.py", cwd=copy).split()
    for requirement in project["dependencies"]:
        assert requirement.replace(">=", "==") in printed
    assert {"flax", "scikit-learn", "matplotlib"} <= {line.partition("==")[0] for line in printed}
    commands = dry(copy, "test-lowest")
    assert "lowest.py > .venv-lowest/lowest.txt" in commands
    assert "--constraint .venv-lowest/lowest.txt" in commands


def test_the_versions_of_python_are_said(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    said = re.findall(r"Python :: (3\.\d+)", " ".join(project["classifiers"]))
    assert project["requires-python"] == f">={said[0]}"


def test_ci_runs_make_test(root: Path) -> None:
    script = root / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert "make test" in script.read_text()
