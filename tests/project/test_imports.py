"""What imports what: the floors, and that nothing but compiling imports JAX."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from heavy import HEAVY, heavy_after

import lossdsl

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "lossdsl"
MODULES = sorted(PACKAGE.rglob("*.py"))

# JAX may be imported at the top of these; elsewhere only within functions.
JAX_FLOORS = (
    "lower",
    "compilation.py",
    "loss.py",
    "standalone",
    "terms.py",
    "training",
    "compat",
    "testing",
    "learning",
)

WITHOUT_JAX = {
    "import": "",
    "parse": "lossdsl.parse('mse(a, b)')",
    "format": "lossdsl.format('mse(a, b)')",
    "check": "assert lossdsl.check('mse(a, b) + l2sqr(params)').ok",
    "check with types": "assert lossdsl.check('mse(a, b)', {'a': 'f32[B]', 'b': 'f32[B]'}).ok",
    "every function": "[lossdsl.BUILTINS[name].signatures for name in lossdsl.BUILTINS]",
    "LossSpec": "lossdsl.LossSpec(text='mse(a, b)')",
}

# Each command with arguments that make it do its work; none of them imports JAX.
COMMANDS = {
    "check": ["check", "-e", "mse(out, tgt)", "--input", "out=f32[B, 10]", "-i", "tgt=f32[B, 10]"],
    "check a file": ["check", "FOLDER/a.yaml"],
    "fmt": ["fmt", "--check", "FOLDER/a.loss"],
    "functions": ["functions"],
    "functions --search": ["functions", "--search", "focal"],
    "functions --family": ["functions", "--family", "regression"],
    "functions --json": ["functions", "--family", "regression", "--json"],
    "functions NAME --format": ["functions", "mse", "--format", "latex"],
    "explain": ["explain", "LD202"],
    "--version": ["--version"],
}


def test_without_jax() -> None:
    begun, *found = heavy_after("import lossdsl", *WITHOUT_JAX.values())
    assert begun == []
    assert {code: names for code, names in zip(WITHOUT_JAX, found, strict=True) if names} == {}


def test_command_without_jax(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("loss: mse(out, tgt)\n")
    (tmp_path / "a.loss").write_text("mse(out, tgt)\n")
    codes = ["from contextlib import redirect_stdout; from io import StringIO"]
    for arguments in COMMANDS.values():
        words = [word.replace("FOLDER", str(tmp_path)) for word in arguments]
        lines = [
            "from lossdsl.cli import main",
            f"sys.argv = ['lossdsl', *{words}]",
            "try:",
            "    with redirect_stdout(StringIO()): main()",
            "except SystemExit as done: assert not done.code, done.code",
        ]
        codes.append("\n".join(lines))
    _, *found = heavy_after(*codes)
    assert {command: names for command, names in zip(COMMANDS, found, strict=True) if names} == {}


def test_the_test_can_fail() -> None:
    nothing, numpy, jax = heavy_after(
        "import lossdsl", "import numpy", "lossdsl.compile('mse(a, b)')"
    )
    assert nothing == []
    assert numpy == ["numpy"]
    assert "jax" in jax


def top_level_imports(tree: ast.Module) -> Iterator[str]:
    """Yield the packages that a module imports when it is imported itself."""
    stack: list[ast.stmt] = list(tree.body)
    while stack:
        match stack.pop():
            case ast.Import(names=names):
                yield from (name.name.partition(".")[0] for name in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=otherwise):
                stack += otherwise
            case ast.ClassDef(body=body) | ast.With(body=body):
                stack += body
            case ast.If(body=body, orelse=otherwise):
                stack += [*body, *otherwise]
            case ast.Try(body=body, handlers=handlers):
                stack += [*body, *(line for handler in handlers for line in handler.body)]
            case _:
                pass


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_upper_floors_import_jax_at_the_top(path: Path) -> None:
    if path.relative_to(PACKAGE).parts[0] in JAX_FLOORS:
        return
    assert not set(HEAVY) & set(top_level_imports(ast.parse(path.read_text())))


def test_the_reader_of_imports_sees_them() -> None:
    code = "import jax.numpy as jnp\ntry:\n    import optax\nexcept ImportError:\n    pass"
    assert {"jax", "optax"} == set(top_level_imports(ast.parse(code)))
    assert not set(top_level_imports(ast.parse("def f():\n    import jax")))


def test_the_floors_hold() -> None:
    result = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    "stage", ["elaborate", "analyze", "infer", "specialize", "optimize", "lower"]
)
def test_no_stage_knows_a_function_by_its_name(stage: str) -> None:
    asks = re.compile(r"""function\.name (?:==|!=|in|not in) |(?:functions|library)\[["']""")
    assert asks.search('if function.name == "keep"') and asks.search('library["sum"]')
    for path in (PACKAGE / stage).glob("*.py"):
        assert not asks.search(path.read_text()), path.name


def test_files_are_short() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in MODULES}
    assert {str(path): length for path, length in lengths.items() if length > 350} == {}
    assert statistics.median(lengths.values()) < 180


def test_public_names_are_loaded_on_first_use() -> None:
    for name in lossdsl.__all__:
        assert getattr(lossdsl, name) is not None
    assert set(lossdsl.__all__) <= set(dir(lossdsl))
    assert len(lossdsl.__all__) <= 16
    with pytest.raises(AttributeError, match="nothing"):
        lossdsl.nothing  # noqa: B018
