"""Losses written out as files: bit for bit what the compiled losses are, and right to read."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import emitted_functions as own
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from emitted import (
    Spec,
    bits,
    both,
    cases,
    corpus,
    imports,
    library,
    module_of,
    published,
    same_expressions,
    takes,
)

import lossdsl
from lossdsl.diagnostics.diagnostic import LossError

AT_ONCE = 12  # specs in one program
SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
# What a spec and its file compute is traced and compared, and compiled only where it differs. Of
# these specs one in so many is, but for the long run.
SPARSE = {"library": 6, "published": 6, "cases": 12, "corpus": 24, "examples": 1}
X = jnp.arange(12, dtype=jnp.float32).reshape(4, 3) / 7 - 0.6
TREE = {
    "encoder": {"kernel": X[:, :2], "bias": X[0]},
    "layers": [{"tau": X[1] + 1}, {"tau": X[2] + 1}],
    "scale": jnp.float32(0.7),
}


def examples() -> list[Spec]:
    """Return the configs of the examples, with parameters and what else they read."""
    root = Path(__file__).parents[2] / "examples"
    digits = {
        "scores": X,
        "digit": jnp.array([2, 0, 1, 2]),
        "params": {"kernel": X, "tau": X[0] + 0.61},
    }
    text = lossdsl.load(root / "digits" / "train.yaml").text
    return [Spec("digits", text.replace("f32[B, 10]", "f32[B, 3]"), digits)]


GROUPS: dict[str, Callable[[], Iterable[Spec]]] = {
    "library": library,
    "published": published,
    "cases": cases,
    "corpus": corpus,
    "examples": examples,
}
WRITTEN = ("library", "published", "examples")


@pytest.mark.parametrize("group", GROUPS)
def test_a_file_gives_what_the_compiled_loss_gives(group: str, tmp_path: Path) -> None:
    """Value, gradient and terms are equal to the last bit; the text is formatted."""
    compiled: list[tuple[Spec, Any]] = []
    for at, spec in enumerate(GROUPS[group]()):
        compared = SOAK or at % SPARSE[group] == 0
        if (not compared and group not in WRITTEN) or not takes(spec):
            continue
        text = spec.compiled().emit(**spec.inputs)
        file = module_of(text)
        if compared and not same_expressions(spec, file):
            compiled.append((spec, file))
        if group in WRITTEN:
            assert imports(text) <= {"jax", "typing"}, spec.name
            (tmp_path / f"{spec.name}.py").write_text(text, encoding="utf-8")
    hold_format(tmp_path)
    for at in range(0, len(compiled), AT_ONCE):
        specs, files = zip(*compiled[at : at + AT_ONCE], strict=True)
        for spec, one, other in zip(specs, *both(specs, files), strict=True):
            assert bits(one) == bits(other), f"{spec.name}: {spec.text}"


def test_files_are_known_to_be_equal_without_compiling_them() -> None:
    texts = ("mse(x, y)", "mae(x, y)", "huber(x, y)", "mean(softmax(x)*y)", "js(x, y)")
    specs = [Spec(text, text, {"x": X, "y": X + 1}) for text in texts]
    files = [module_of(spec.compiled().emit(**spec.inputs)) for spec in specs]
    same = [[same_expressions(spec, file) for file in files] for spec in specs]
    assert same == np.eye(len(texts)).astype(bool).tolist()


def hold_format(folder: Path) -> None:
    """Hold files against the formatter, which comes with the extra `dev`."""
    ruff = Path(sys.executable).with_name("ruff")
    if not ruff.exists():
        return
    command = [ruff, "format", "--isolated", "--line-length=100", "--check", "--diff", folder]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


# In a process of its own

ALONE = """
import json, sys
sys.modules["lossdsl"] = None
import jax, numpy as np
import emitted_loss
out, y = np.load("out.npy"), np.load("y.npy")
value, slope = jax.value_and_grad(lambda out: emitted_loss.loss(out=out, y=y))(out)
_, terms = emitted_loss.loss_with_terms(out=out, y=y)
numbers = [value, slope, terms.raw, terms.weight, terms.weighted, terms.metrics]
print(json.dumps([np.asarray(leaf).tobytes().hex() for leaf in jax.tree.leaves(numbers)]))
"""


def test_a_file_runs_where_lossdsl_is_not(tmp_path: Path) -> None:
    text = (
        "loss = cross_entropy(out, y) as fit + 0.1*mean(abs(out))\nmetric hits = accuracy(out, y)"
    )
    loss, y = lossdsl.compile(text), jnp.array([0, 2, 1, 1])
    (tmp_path / "emitted_loss.py").write_text(loss.emit(out=X, y=y))
    np.save(tmp_path / "out.npy", X)
    np.save(tmp_path / "y.npy", y)
    result = subprocess.run(
        [sys.executable, "-c", ALONE], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    value, slope = jax.value_and_grad(lambda out: loss(out=out, y=y))(X)
    _, terms = loss.with_terms(out=X, y=y)
    numbers = [value, slope, terms.raw, terms.weight, terms.weighted, terms.metrics]
    expected = [np.asarray(leaf).tobytes().hex() for leaf in jax.tree.leaves(numbers)]
    assert json.loads(result.stdout) == expected


# What a file is like

# A spec, its inputs, and lines that its file has.
LINES: Sequence[tuple[str, dict[str, Any], Sequence[str]]] = (
    (
        "error = out - tgt\nloss = mse(error, 0.5*tgt) as fit + 1e-3*mean(square(error))",
        {"out": X, "tgt": X},
        (
            "    error = out - tgt",
            "    fit = jnp.mean(jnp.square(error - 0.5 * tgt))",
            "    square = jnp.mean(jnp.square(error))",
            "    weighted_square = 0.001 * square",
        ),
    ),
    (
        "l2sqr(params['kernel'])",
        {"params": TREE},
        ('    l2sqr = jnp.mean(jnp.square(params["encoder"]["kernel"])) / 1',),
    ),
    (
        "x: f32[B, C]\nrate: float = 0.5\nloss = sum(x)/(2*B) + rate*mean(reshape(x, (B*C,)))",
        {"x": X},
        (
            "def loss(*, x: jax.Array, rate: jax.Array | float = 0.5) -> jax.Array:",
            "    rate = jnp.asarray(rate, jnp.float32)",
            "    term_1 = jnp.sum(x) / (2 * x.shape[0])",
        ),
    ),
    (
        "mean(softmax(x))",
        {"x": X},
        (
            "def _softmax(x: jax.Array) -> jax.Array:",
            "    peak = jnp.max(x, axis=1, keepdims=True, initial=-jnp.inf)",
            "    return exponential / jnp.sum(exponential, axis=1, keepdims=True)",
        ),
    ),
    (
        "mean(abs(x))",
        {"x": X},
        (
            "@jax.custom_jvp",
            "@_absolute.defjvp",
            "    return _absolute(x), dx * jnp.sign(x)",
            "    (x,) = primals",
        ),
    ),
)


@pytest.mark.parametrize(("text", "inputs", "shown"), LINES, ids=[row[0] for row in LINES])
def test_a_file_says(text: str, inputs: dict[str, Any], shown: Sequence[str]) -> None:
    lines = lossdsl.compile(text).emit(**inputs).splitlines()
    assert [line for line in shown if line not in lines] == [], "\n".join(lines)


def test_a_file_begins_with_its_spec() -> None:
    spec = 'mean(x["\\\\a"])  # """ and \\ of a text'
    text = lossdsl.compile('mean(x["a"])  # """ and \\ of a text').emit(x={"a": X})
    assert spec not in text
    doc = ast.get_docstring(ast.parse(text)) or ""
    assert 'mean(x["a"])  # """ and \\ of a text' in doc
    assert 'x["a"]: f32[4, 3]' in doc


def test_a_file_of_one_size_serves_another() -> None:
    text = "x: f32[B, T]\nm: bool[B, T]\nmean(x*x, where=m) + sum(x)/(B*T) + mean(x[:, 1:])"
    loss = lossdsl.compile(text)
    file = module_of(loss.emit())
    for shape in ((4, 3), (5, 7)):
        x = jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.float32)
        assert float(file.loss(x=x, m=x > 0)) == float(loss(x=x, m=x > 0))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_a_file_of_another_precision(dtype: str) -> None:
    text = "mse(x, y) + mean(softmax(x), where=y > 0) + logsumexp(x) + 0.1*sum(count(x > y)*x)"
    with jax.enable_x64(dtype == "float64"):
        inputs = {"x": X.astype(dtype), "y": -X.astype(dtype)}
        spec = Spec(dtype, text, inputs)
        ours, theirs = both([spec], [module_of(spec.compiled().emit(**inputs))])
    assert bits(ours) == bits(theirs)


# Functions of users


def test_functions_of_users_are_carried_along() -> None:
    names = lossdsl.Library.of(own.gap, own.spread, own.weighed)
    text = "mean(gap(x, k=2)) + spread(params, power=3) + mean(weighed(x, x + 1))"
    loss = lossdsl.compile(text, library=names)
    inputs = {"x": X, "params": TREE}
    text = loss.emit(**inputs)
    assert "STEEP = 1.5" in text
    assert "# A comment goes along." in text
    assert imports(text) <= {"__future__", "jax", "typing", "math", "functools"}
    value, slope = jax.jit(jax.value_and_grad(lambda x: loss(x=x, params=TREE)))(X)
    file = module_of(text)
    other = jax.jit(jax.value_and_grad(lambda x: file.loss(x=x, params=TREE)))(X)
    assert bits((value, slope)) == bits(other)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("held", "holds `factor` of the function around it"),
        ("lone", "its source is not at hand"),
        ("compiled", "it is not written as a function of Python"),
        ("reading", "it reads `TABLE`"),
        ("outside", "it reads the module `lossdsl`"),
    ],
)
def test_what_cannot_be_carried_is_said(name: str, message: str) -> None:
    library = lossdsl.Library.of(**{name: own.REFUSED[name]})
    with pytest.raises(LossError) as caught:
        lossdsl.compile(f"mean({name}(x))", library=library).emit(x=X)
    (found,) = caught.value.diagnostics
    assert found.code == "LD810"
    assert message in found.message
    assert found.span is not None


# What is refused


@pytest.mark.parametrize(
    ("text", "inputs", "code", "message"),
    [
        ("mse(out, tgt)", {}, "LD710", "nothing says what arrays `out` has"),
        ("params: tree\nl2sqr(params)", {}, "LD710", "`params`"),
        ("x: float[*S]\nmean(x)", {}, "LD710", "`x`"),
        ("x: f32[B, C]\nmean(x[:, :B//2])", {}, "LD710", "depends on sizes"),
        ("mse(out, tgt)", {"out": X, "tgt": X, "z": X}, "LD111", "no input `z`"),
        ("mse(out, tgt)", {"out": X, "tgt": X[:2]}, "LD201", "differ in shape"),
    ],
)
def test_what_is_refused(text: str, inputs: dict[str, Any], code: str, message: str) -> None:
    with pytest.raises(LossError) as caught:
        lossdsl.compile(text).emit(**inputs)
    assert caught.value.diagnostics[0].code == code
    assert message in str(caught.value)


def test_types_stand_for_arrays() -> None:
    text = "mean(x) + l2sqr(params) + step*s"
    shape = jax.ShapeDtypeStruct
    types = {
        "x": shape((4, 3), jnp.float32),
        "params": jax.tree.map(lambda leaf: shape(leaf.shape, leaf.dtype), TREE),
        "step": shape((), jnp.float32),
        "s": 0.5,
    }
    arrays = {"x": X, "params": TREE, "step": jnp.float32(1), "s": 0.5}
    loss = lossdsl.compile(text)
    assert loss.emit(**types) == loss.emit(**arrays)
    given = {"params": TREE, "x": X, "step": "float", "s": "float"}
    assert lossdsl.emit(text, given).count("def ") == 2
