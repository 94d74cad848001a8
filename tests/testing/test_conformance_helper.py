"""`lossdsl.testing.conformance`: what is right passes, and each check can fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lossdsl
from lossdsl.library.declare import Builtin
from lossdsl.testing import ConformanceError, conformance
from lossdsl.testing.checks import CHECKS, Broken, hold_equal
from lossdsl.testing.draw import draw
from lossdsl.testing.examine import examine

ROOT = Path(__file__).resolve().parents[2]
Library = lossdsl.Library


def written(body: str, *lines: str, kind: str = "loss") -> Library:
    """Return a library of one function of two arrays, right but for its body and what is given."""
    doc = {"": "The gap between two arrays.", "example": "gap(out, tgt)"}
    if kind == "def":
        doc["example"] = "mean(gap(out, tgt))"
    for line in lines:
        field, _, text = line.partition(": ")
        doc[field] = text
    head = "\n".join(
        f"## {field}: {text}" if field else f"## {text}" for field, text in doc.items()
    )
    signature = "gap(out: float[*S], tgt: float[*S]) -> float[*S]"
    return Library.loads(f"{head}\n{kind} {signature} = {body}")


def primitive(kernel: Callable[..., Any], doc: str = "Gap.", example: str = "") -> Library:
    """Return a library of one primitive of one array."""

    def factory() -> Callable[..., Any]:
        return kernel

    factory.__doc__ = f"{doc}\n\nexample: {example or 'mean(gap(out))'}"
    return Library.of(lossdsl.primitive("gap(out: float[*S, K]) -> float[*S, K]")(factory))


def of_one(law: str) -> Library:
    """Return a library of one function of one array, with a law."""
    head = f"## Gap.\n## example: mean(gap(out))\n## laws: {law}\n"
    return Library.loads(f"{head}def gap(out: float[*S]) -> float[*S] = square(out)")


RIGHT = [
    written("square(out - tgt)", "laws: nonneg, zero, symmetric, convex, scale 2"),
    written("square(out - tgt)", "laws: nonneg", kind="def"),
    primitive(jnp.tanh),
    lossdsl.BUILTINS["mse"],
    lossdsl.BUILTINS["cross_entropy"],
]


@pytest.mark.parametrize("function", RIGHT)
def test_what_is_right_passes(function: Library | Builtin) -> None:
    report = conformance(function)
    assert report.ok
    assert report.checks == tuple(CHECKS)


def counting() -> Callable[..., Any]:
    """Return a kernel whose value differs from call to call, as one with a state does."""
    calls: list[int] = []

    def kernel(out: Any) -> Any:
        calls.append(1)
        return out + len(calls)

    return kernel


def in_f32(out: Any) -> Any:
    """Return what differs in half precision: more than its type can hold is added and removed."""
    return (out + jnp.asarray(1e5, out.dtype)) - jnp.asarray(1e5, out.dtype)


def unbatched(out: Any) -> Any:
    """Return the sign of an array, computed on the host for one example at a time."""
    shape = jax.ShapeDtypeStruct(out.shape, out.dtype)
    return jax.pure_callback(np.sign, shape, jax.lax.stop_gradient(out))


@jax.custom_jvp
def steep(out: Any) -> Any:
    """Return an array, with an infinite derivative."""
    return out


@steep.defjvp
def _(primals: Any, tangents: Any) -> Any:
    return primals[0], tangents[0] * jnp.inf


BROKEN = {
    "documented": [
        (written("out - tgt", ": The gap"), "does not begin with a sentence"),
        (written("out - tgt", "example: "), "has no `example:`"),
        (written("out - tgt", "example: mse(out, tgt)"), "does not call the function"),
    ],
    "typed": [
        (Library.loads("## F.\n## example: mean(f(a, b))\ndef f(a, b) = a - b"), "`a`, `b`"),
        (written("out - tgt + sqare(out)"), "unknown function"),
    ],
    "kernel": [(primitive(lambda: 1), "takes ()")],
    "example": [
        (primitive(jnp.tanh, example="1/sum(0.0*gap(out))"), "the value is inf"),
        (written("out - tgt", "example: sqrt(mean(gap(out, out)))"), "gradient in `out`"),
    ],
    "finite": [
        (written("sqrt(out - tgt)"), "the value is nan"),
        (primitive(steep), "the gradient in `out` is not finite"),
    ],
    "jit": [(primitive(counting()), "jit gives")],
    "vmap": [(primitive(unbatched), "vectorized")],
    "half precision": [(primitive(in_f32), "bfloat16 gives")],
    "masks": [(written("out - tgt + mean(out)"), "changes the value from")],
    "laws": [
        (written("out - tgt", "laws: nonneg"), "is never below 0"),
        (written("out - tgt", "laws: positive"), "is no law"),
        (written("out - tgt", "laws: nonneg", "example: "), "no `example:`"),
        (written("out - tgt", "laws: scale x"), "`scale x` is no law"),
        (written("out - tgt", "laws: nonneg 2"), "`nonneg 2` is no law"),
        (written("out - tgt", "laws: nonneg", "example: mse(out, tgt)"), "no call in the"),
        (of_one("symmetric"), "`symmetric` is a law of two inputs; `gap(out)` has fewer"),
        (of_one("translation"), "`translation` is a law of two inputs"),
    ],
}


@pytest.mark.parametrize(
    ("check", "library", "said"),
    [(check, library, said) for check, cases in BROKEN.items() for library, said in cases],
)
def test_each_check_can_fail(check: str, library: Library, said: str) -> None:
    report = examine(library)
    found = [failure for failure in report.failures if failure.check == check]
    assert found, str(report)
    assert any(said in failure.message for failure in found), str(report)


def test_a_value_that_is_infinite_hides_no_other() -> None:
    found, wanted = [np.array([np.inf, 1.0])], [np.array([np.inf, 2.0])]
    with pytest.raises(Broken, match="jit gives"):
        hold_equal(found, wanted, "jit", "eager", {})
    hold_equal(wanted, wanted, "jit", "eager", {})


UNDRAWN = [
    ("x: float[N - 9, K]", "", "it would be of sizes"),
    ("x: one_hot float[N - N]", "", "it would be of sizes"),
    ("x: int[N]", "x in (0, 1)", "no whole number lies in (0, 1)"),
    ("x: float[N]", "x in [1, 0]", "no number lies in [1, 0]"),
]


@pytest.mark.parametrize(("parameter", "domain", "said"), UNDRAWN)
def test_what_cannot_be_drawn_is_said(parameter: str, domain: str, said: str) -> None:
    doc = f"## F.\n## example: mean(f(x))\n## domain: {domain}\n"
    library = Library.loads(f"{doc}def f({parameter}) = 1.0*x")
    with pytest.raises(TypeError, match="no value of `x` can be drawn") as caught:
        draw(library["f"], "f(x)")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "domain", ["[0, 1e12]", "(-inf, -5]", "[0.5, 3]", "(0, 2)", "[-1e12, inf)", "(-inf, inf)"]
)
def test_whole_numbers_are_drawn_inside_of_their_domain(domain: str) -> None:
    library = Library.loads(f"## domain: k in {domain}\ndef f(k: int[N]) = k")
    for seed in range(5):
        drawn = draw(library["f"], "f(k)", seed)["k"]
        assert all(int(one) in library["f"].domains["k"] for one in drawn)


def test_every_check_is_seen_to_fail() -> None:
    assert set(BROKEN) == set(CHECKS)


def test_a_report_names_what_fails_and_the_inputs() -> None:
    broken = written("out - tgt", "laws: nonneg, symmetric", ": The gap")
    with pytest.raises(AssertionError) as caught:
        conformance(broken)
    assert isinstance(caught.value, ConformanceError)
    text = str(caught.value)
    assert "gap: documented: the doc does not begin with a sentence" in text
    assert (
        "gap: laws: `nonneg`, which says that the value is never below 0, is wrong\n  out = ["
        in text
    )
    assert not caught.value.report.ok


def test_a_masked_loss_that_declares_where_itself() -> None:
    library = Library.loads(
        "## Gap to the mean.\n## example: gap(out)\n"
        "loss gap(out: float[B]) -> float[B] = square(out)"
    )
    assert conformance(library).ok


def test_types_of_a_plain_function() -> None:
    def center(x: Any, c: Any, scale: float = 1.0) -> Any:
        """Squared distance from a center.

        example: mean(center(x, c))
        """
        return jnp.sum((x - c) ** 2, -1) * scale

    (failure,) = examine(center).failures
    assert (failure.check, "`x`, `c`" in failure.message) == ("typed", True)
    assert conformance(center, inputs={"x": "float[N, K]", "c": "float[K]"}).ok


def test_a_function_that_calls_another_library() -> None:
    base = written("square(out - tgt)", kind="def")
    more = "## Twice the gap.\n## example: twice(a, b)\n"
    more += "loss twice(a: float[*S], b: float[*S]) -> float[*S] = 2*gap(a, b)"
    assert conformance(Library.loads(more), base).ok
    assert conformance((base | Library.loads(more))["twice"], base).ok
    assert not examine(Library.loads(more)).ok


# Adding a function


ADDED = """
# Losses that somebody added.

## Absolute error above a threshold, squared below.
## cite: Huber 1964, doi:10.1214/aoms/1177703732
## aka: added_elsewhere
## example: added(out, tgt)
## laws: nonneg, zero, symmetric
loss added(out: float[*S], tgt: float[*S], knee: float = 1.0) -> float[*S] =
  where(abs(out - tgt) <= knee, 0.5*square(out - tgt), knee*abs(out - tgt) - 0.5*knee**2)
"""

USED = """
import sys
import jax.numpy as jnp, numpy as np, optax
import lossdsl
from lossdsl.testing import conformance

assert lossdsl.__file__.startswith(sys.argv[1])
found = lossdsl.check("added(out, tgt)", {"out": "f32[B, T]", "tgt": "f32[B, T]"})
assert found.ok and found.signature["out"] == "f32[B, T]"
(found,) = lossdsl.check("AddedElsewhereLoss(out, tgt)").diagnostics
assert found.help == "did you mean `added`?", found
out, tgt = jnp.linspace(-3, 3, 12).reshape(3, 4), jnp.zeros((3, 4))
loss = lossdsl.compile("added(out, tgt, where=m, weight=w)")
value = loss(out=out, tgt=tgt, m=out > 0, w=jnp.ones(3))
np.testing.assert_allclose(value, optax.huber_loss(out, tgt)[out > 0].mean(), rtol=1e-6)
assert conformance(lossdsl.BUILTINS["added"]).ok

from rows.row import Row
row = Row("added(out, tgt)", lambda out, tgt: np.asarray(optax.huber_loss(out, tgt)))
inputs = row.inputs(0)
value = lossdsl.compile('metric v = added(out, tgt, reduce="none")\\nloss = mean(v)'.replace(
    "mean(v)", "added(out, tgt)")).with_terms(**inputs)[1].metrics["v"]
np.testing.assert_allclose(value, row.reference(**inputs), rtol=1e-5)

from typer.testing import CliRunner
from lossdsl.cli.app import app

def run(*words):
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return done.output

page = run("functions", "added")
for said in ("Absolute error above", "knee", "nonneg", "doi:10.1214", "added(out, tgt)"):
    assert said in page, page
assert "somebody" in run("functions")
assert "no errors" in run("check", "-e", "added(a, b)")
"""


def test_adding_a_function_touches_one_file_and_one_row(tmp_path: Path) -> None:
    """A file dropped into a copy of the package is checked, compiled, listed and tested."""
    shutil.copytree(
        ROOT / "lossdsl", tmp_path / "lossdsl", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(ROOT / "grammar", tmp_path / "grammar")
    (tmp_path / "lossdsl/library/losses/somebody.loss").write_text(ADDED)

    done = subprocess.run(
        [sys.executable, "-c", USED, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT / 'tests'}", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
