"""`--params` and `lossdsl leaves`: selectors held against real leaves; no array is made."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from folders import run_in, write

import lossdsl
from lossdsl.cli.output import CLEAN, ERRORS

MODEL = """\
import jax, jax.numpy as jnp

def init():
    layers = {f"dense_{k}": {"kernel": jnp.zeros((784, 2)), "bias": jnp.zeros(2)} for k in (0, 1)}
    return {**layers, "tau": jnp.ones(3), "steps": jnp.zeros((), int)}

def abstract():
    return jax.eval_shape(init)

def huge():
    return {"kernel": jnp.zeros((1 << 20, 1 << 20))}

def raises():
    params = init()
    return params["dense_3"]

def within_jax():
    return {"kernel": jnp.ones(2) @ jnp.ones(3)}

def needs(key):
    return init()

def keyed():
    return {"kernel": jnp.zeros(2), "key": jax.random.key(0)}

value = {"kernel": jax.ShapeDtypeStruct((2, 3), jnp.float32)}
words, nothing, loud = "kernel", {}, lambda: print("loud") or init()
"""
SHAPES = {
    "dense_0/bias": "f32[2]",
    "dense_0/kernel": "f32[784, 2]",
    "dense_1/bias": "f32[2]",
    "dense_1/kernel": "f32[784, 2]",
    "steps": "i32[]",
    "tau": "f32[3]",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path, {"pkp/__init__.py": "", "pkp/model.py": MODEL, "pkp/broken.py": "1/0\n"})
    write(tmp_path, {"shapes.json": json.dumps(SHAPES)})
    for name in [name for name in sys.modules if name.partition(".")[0] == "pkp"]:
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


@pytest.mark.parametrize("name", ["init", "abstract", "loud"])
def test_the_leaves_of_a_model(name: str, folder: Path) -> None:
    result = run_in(folder, "leaves", f"pkp.model:{name}")
    assert result.exit_code == CLEAN
    assert result.stdout.splitlines() == [f"{path}: {kind}" for path, kind in SHAPES.items()]
    assert "6 leaves, 3,144 numbers" in result.stderr
    assert ("loud" in result.stderr) == (name == "loud")
    assert run_in(folder, "leaves", f"pkp.model:{name}", "-o", "other.json").exit_code == CLEAN
    assert json.loads((folder / "other.json").read_text()) == SHAPES


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("huge", "kernel: f32[1048576, 1048576]"),
        ("value", "kernel: f32[2, 3]"),
        ("keyed", "key: a key of random numbers, which no loss reads"),
    ],
)
def test_other_leaves(name: str, line: str, folder: Path) -> None:
    assert line in run_in(folder, "leaves", f"pkp.model:{name}").stdout.splitlines()


CHECKED = {
    "undeclared": "mse(out, tgt) + 1e-3*sum_squares(params['kernel'])",
    "declared": "out, tgt: f32[B, C]  params: tree\nmse(out, tgt) + sum_squares(params['kernel'])",
    "declared by its leaves": "out: f32[B, C]  params: tree[num[...]]\n"
    "mean(out) + sum_squares(params['kernel'])",
}


@pytest.mark.parametrize("text", CHECKED.values(), ids=CHECKED)
@pytest.mark.parametrize("params", ["shapes.json", "pkp.model:abstract", "params=pkp.model:init"])
def test_a_report_has_the_leaves_of_each_selector(text: str, params: str, folder: Path) -> None:
    write(folder, {"a.loss": text})
    result = run_in(folder, "check", "a.loss", "--params", params)
    assert result.exit_code == CLEAN, result.output
    assert result.stdout.endswith(
        "  params['kernel'] reads 2 of 6 leaves:\n"
        "    dense_0/kernel: f32[784, 2]\n    dense_1/kernel: f32[784, 2]\n"
    )


# A text, and what is said of it with the leaves at hand.
FOUND = {
    "no leaf": ("mean(a) + sum_squares(params['kernal'])", "close: `dense_0/kernel`"),
    "no leaf, declared": (
        "a: f32[B] params: tree mean(a) + l2sqr(params['kernal'])",
        "LD301",
    ),
    "an exact path": ("mean(a) + l2sqr(params.dense_2.kernel)", "LD301"),
    "a constraint": ("mean(a) + bounds(params, taus >= 1)", "LD301"),
    "a name for a selector": ("sum_squares(params[kernel])", 'write it in quotes: `"kernel"`'),
    "no such input": ("mean(a) + l2sqr(net)", "no spec reads `params`"),
    "crossed bounds": ("bounds(params, tau >= 2, tau <= 1) + l2sqr(params)", "LD302"),
}


@pytest.mark.parametrize(("text", "said"), FOUND.values(), ids=FOUND)
def test_what_is_found(text: str, said: str, folder: Path) -> None:
    result = run_in(folder, "check", "-e", text, "--params", "shapes.json")
    assert (result.exit_code, said in result.output) == (ERRORS, True), result.output


def test_other_names_and_whole_trees(folder: Path) -> None:
    line = ["check", "-e", "l2sqr(net) + sum_squares(ema.tau)"]
    result = run_in(
        folder, *line, "--params", "net=shapes.json", "--params", "ema=pkp.model:abstract"
    )
    assert "net reads all 6 leaves:" in result.stdout
    assert "  ema.tau reads 1 of 6 leaves:\n    tau: f32[3]\n" in result.stdout


# What `--params` is given, what is said, and where.
WRONG = {
    "no module": ("pkp.modle:init", "there is no module `pkp.modle`", "<command line>"),
    "no package": ("nopkg:init", "there is no module `nopkg`", "<command line>"),
    "no name": ("pkp.model:innit", "did you mean `init`?", "pkp/model.py"),
    "no member": ("pkp.model", "names no parameters", "<command line>"),
    "a module that raises": ("pkp.broken:init", "ZeroDivisionError", "pkp/broken.py:1:1"),
    "raises": ("pkp.model:raises", "raised a `KeyError` when called", "pkp/model.py:15:5"),
    "raises within JAX": ("pkp.model:within_jax", "raised a `TypeError`", "pkp/model.py:18:5"),
    "arguments": ("pkp.model:needs", "missing 1 required positional argument: 'key'", "LD811"),
    "a text": ("pkp.model:words", "is no pytree of arrays", "<command line>"),
    "no leaf": ("pkp.model:nothing", "is no pytree of arrays", "<command line>"),
    "no file": ("nowhere.json", "LD701", "nowhere.json"),
    "a list": ("list.json", "holds a list", "list.json:1:1"),
    "no JSON": ("wrong.json", "LD702", "wrong.json:1:2"),
    "an open size": ("open.json", "the leaf `b` is `f32[B]`", "open.json:2:2"),
    "a number": ("number.json", "the leaf `a/b` is a number", "number.json:1:3"),
}


@pytest.mark.parametrize(("word", "said", "place"), WRONG.values(), ids=WRONG)
def test_what_names_no_parameters(word: str, said: str, place: str, folder: Path) -> None:
    write(folder, {"list.json": "[]", "wrong.json": "{", "number.json": '{"a/b": 3}'})
    write(folder, {"open.json": '{"a": "f32[2]",\n"b": "f32[B]"}'})
    result = run_in(folder, "check", "-e", "l2sqr(params)", "--params", word)
    assert result.exit_code == ERRORS
    assert said in result.output
    assert place in result.output
    assert "no errors" not in result.output


def test_a_spec_imports_nothing_and_a_file_needs_no_jax(folder: Path) -> None:
    write(folder, {"a.yaml": "loss: {text: l2sqr(params), params: 'pkp.broken:x'}\n"})
    assert "`params`, which nothing reads" in run_in(folder, "check", "a.yaml").output
    code = (
        "import sys\nsys.argv[1:] = ['check', '-e', 'l2sqr(params)', '--params', 'shapes.json']\n"
        "from lossdsl.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert 'jax' not in sys.modules\n"
    )
    path = str(Path(lossdsl.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env={"PYTHONPATH": path}, capture_output=True
    )
    assert not done.returncode, done.stderr


def test_trees_of_python() -> None:
    tree = {"a": {"kernel": jax.ShapeDtypeStruct((2, 3), jnp.float32)}, "tau": jnp.ones(3)}
    text = "mse(out, tgt) + l2sqr(params['kernel'])"
    result = lossdsl.check(text, trees={"params": tree})
    assert result.ok
    assert [(each.text, dict(each.leaves)) for each in result.selections] == [
        ("params['kernel']", {"a/kernel": "f32[2, 3]"})
    ]
    assert result.signature == lossdsl.check(text).signature | {"params": "tree"}
    (found,) = lossdsl.check("l2sqr(params.b)", trees={"params": tree}).diagnostics
    assert found.code == "LD301"
    (found,) = lossdsl.check(text, trees={"params": "tree"}).diagnostics
    assert found.code == "LD705"
