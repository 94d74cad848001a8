"""Libraries: `.loss` files of users, what their names may be, and the command line."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from typer.testing import CliRunner
from user_functions import DECLARED, X, Y, kernel, places, refused

import lossdsl
from lossdsl.cli.app import app
from lossdsl.formula.formulas import formulas
from lossdsl.library.declare import of_form, with_builtins
from lossdsl.library.syntax_forms import Form

Library = lossdsl.Library


# Files


LOG_MSE = """
## Squared error of the logarithms.
## aka: log_gap_squared
## example: log_mse(out, tgt)
## laws: nonneg, zero, symmetric
loss log_mse(out: float[*S], tgt: float[*S]) -> float[*S] = _gap(out, tgt)**2
def _gap(a, b) = log1p(a) - log1p(b)
"""


def test_a_file_is_a_library(tmp_path: Path) -> None:
    path = tmp_path / "mine.loss"
    path.write_text(LOG_MSE)
    for mine in (Library.load(path), Library.load(str(path))):
        loss = lossdsl.compile("log_mse(x, y, where=x > 0)", library=mine)
        kept = np.log1p(np.asarray(X)[np.asarray(X) > 0]) ** 2
        np.testing.assert_allclose(loss(x=X, y=Y), kept.mean(), rtol=1e-6)
    spec = tmp_path / "spec.loss"
    spec.write_text("log_mse(x, y)")
    assert lossdsl.load(spec, library=mine).text == "log_mse(x, y)"
    context = {"library": mine}
    assert lossdsl.LossSpec.model_validate("log_mse(x, y)", context=context).text
    with pytest.raises(ValueError, match="LD101"):
        lossdsl.LossSpec.model_validate("log_mse(x, y)")


def test_the_functions_of_lossdsl_are_always_there() -> None:
    mine = Library.loads("def twice(x) = 2*x")
    for library in (mine, lossdsl.BUILTINS | mine, mine | Library.loads("def thrice(x) = 3*x")):
        assert lossdsl.compile("mse(twice(x), y)", library=library)(x=Y, y=Y) == 0
        assert lossdsl.check("mse(twice(x), y)", library=library).ok


def test_no_file_is_a_finding(tmp_path: Path) -> None:
    assert refused(lambda: Library.load(tmp_path / "none.loss")).code == "LD701"
    (tmp_path / "bytes.loss").write_bytes(b"\xff\xfe")
    assert refused(lambda: Library.load(tmp_path / "bytes.loss")).code == "LD701"


def test_did_you_mean_knows_the_functions_of_users() -> None:
    mine = Library.loads(LOG_MSE)
    for written in ("logmse", "log_mses", "LogGapSquared", "LogGapSquaredLoss"):
        (found,) = lossdsl.check(f"{written}(x, y)", library=mine).diagnostics
        assert found.help == "did you mean `log_mse`?"


def test_an_error_points_into_the_file_and_names_the_call() -> None:
    text = "def gap(a, b) = a - b\nloss total(a: float[*S, K], b: float[*S, K]) -> float[*S] =\n"
    mine = Library.loads(text + "  mse(gap(a, sum(b, axis=K)), 0, axis=K)", "mine.loss")
    (found,) = lossdsl.check("1 + total(x, y)", DECLARED, mine).diagnostics
    assert (found.code, places(found)[0][0]) == ("LD201", "mine.loss")
    assert ("<loss>", "total(x, y)") in places(found)
    assert found.notes[-1] == "in the definition of `total` -> `gap`"
    assert "mine.loss:1:" in str(found)
    assert "<loss>:1:5" in str(found)


def test_an_error_inside_lossdsl_points_at_the_last_call_outside_of_it() -> None:
    mine = Library.loads("def gap(a, b) = mean(huber(a, b))", "mine.loss")
    (found,) = lossdsl.check("gap(x, y[:, 0])", DECLARED, mine).diagnostics
    assert places(found)[0][0] == "mine.loss"
    assert places(found)[-1] == ("<loss>", "gap(x, y[:, 0])")


# Names


def test_names_clash_and_never_replace_each_other() -> None:
    one, two = (
        Library.loads("def f(a) = a", "one.loss"),
        Library.loads("def f(a) = 2*a", "two.loss"),
    )
    found = refused(lambda: one | two)
    assert (found.code, places(found)) == ("LD801", [("two.loss", "f(a)"), ("one.loss", "f(a)")])
    for call in (
        lambda: lossdsl.BUILTINS | Library.loads("def mse(a) = a"),
        lambda: lossdsl.compile("mse(x, y)", library=Library.loads("def mse(a) = a")),
        lambda: lossdsl.compile("def f(a) = a\nloss = mean(f(x))", library=one),
        lambda: lossdsl.BUILTINS | Library.of(abs),
        lambda: Library.of(abs, abs),
        lambda: Library.of(kernel("add(a: float) -> float", jnp.abs, operator="+")),
    ):
        assert refused(call).code == "LD801"
    (found,) = lossdsl.check("mse(x, y)", library=Library.loads("def mse(a) = a")).diagnostics
    assert found.code == "LD801"
    assert (one | one)["f"] is one["f"]
    assert sorted(one | Library.loads("def f(a) = a", "one.loss")) == ["f"]


def test_a_private_name_is_for_its_file() -> None:
    mine = Library.loads("def _f(a) = 2*a\ndef g(a) = _f(a)", "mine.loss")
    assert lossdsl.compile("mean(g(x))", library=mine)(x=jnp.ones(3)) == 2
    assert refused(lambda: lossdsl.compile("mean(_f(x))", library=mine)).code == "LD101"
    spec = "def _f(a) = 3*a\nloss = mean(g(_f(x)))"
    assert lossdsl.compile(spec, library=mine)(x=jnp.ones(3)) == 6
    for name in ("theirs.loss", "mine.loss", "<library>"):
        theirs = Library.loads("def _f(a) = 5*a\ndef h(a) = _f(a)", name)
        assert lossdsl.compile("mean(g(h(x)))", library=mine | theirs)(x=jnp.ones(3)) == 10


def test_a_stated_formula_may_call_a_private_function() -> None:
    text = "## formula: _f(a) + 1\ndef g(a) = 1 + _f(a)\ndef _f(a) = 2*a"
    mine = Library.loads(text)
    (formula,) = formulas(mine["g"], lossdsl.BUILTINS | mine)
    assert formula.unicode() == "g(a) = 2a + 1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("## formula: x +\ndef f(x) = x", "the formula of `f` cannot be read"),
        ("## formula: x = 2\ndef f(x) = x", "the formula of `f` cannot be read"),
        ("## domain: k in (0, 1\ndef f(k) = k", "the domain of `f` cannot be read"),
        ("## domain: q in (0, 1)\ndef f(k) = k", "of `q`, which is no parameter"),
        ("## domain: q in [0, K)\ndef f(k: int[K]) = k", "of `q`, which is no parameter"),
    ],
)
def test_a_doc_that_cannot_be_read(text: str, said: str) -> None:
    found = refused(lambda: Library.loads(text))
    assert (found.code, said in found.message) == ("LD804", True)


@pytest.mark.parametrize("text", ["def f(x) = 1 + f(x)", "def f(x) = _g(x)\ndef _g(x) = f(x)"])
def test_a_definition_of_a_library_that_calls_itself(text: str) -> None:
    assert refused(lambda: Library.loads(text)).code == "LD106"


FAULTS = ["take(x)", "matmul(x)", "where(x)", "arange()", "x[0, 1, 2]", "nothing(x)", "abs(x, x)"]


def test_a_library_with_faults_can_be_listed(tmp_path: Path) -> None:
    doc = "## F.\n## formula: {1}\n## example: fault_{0}(x)\ndef fault_{0}(x: float[N-9]) = {1}\n"
    path = tmp_path / "mine.loss"
    path.write_text("".join(doc.format(at, body) for at, body in enumerate(FAULTS)))
    names = [f"fault_{at}" for at in range(len(FAULTS))]
    for words in (names, ("--json", *names), ("--json", "--family", "user")):
        code, said = run("functions", *words, "--library", str(path))
        assert (code, "LD999" in said) == (0, False)


@pytest.mark.parametrize("name", ["loss", "lambda", "_private", "a b", "nan", "ﬁt", "m\u0430e"])
def test_names_that_no_function_can_have(name: str) -> None:
    assert refused(lambda: Library.of(**{name: lambda x: x})).code == "LD802"


def test_a_declared_function_keeps_its_name() -> None:
    gap = kernel("gap(x: float) -> float", jnp.abs)
    assert refused(lambda: Library.of(other=gap)).code == "LD802"
    assert sorted(Library.of(gap=gap)) == ["gap"]


def test_a_function_may_be_called_as_an_option_or_a_form_is() -> None:
    for name in ("weight", "reduce", "keep", "cast", "leaf", "index"):
        mine = Library.loads(f"def {name}(a) = 2*a")
        text = f"mean({name}(x)) + 0*mse(x, x, where=x > 0)"
        assert lossdsl.compile(text, library=mine)(x=jnp.ones(3)) == 2


@pytest.mark.parametrize("form", [form for form in Form if of_form(form).internal])
def test_a_primitive_may_be_called_as_a_form_is(form: Form) -> None:
    name = of_form(form).name
    mine = Library.of(kernel(f"{name}(x: float[*S], y: float[*S]) -> float[*S]", jnp.multiply))
    loss = lossdsl.compile(f"sum({name}(x, sqrt(x)), where=x > 0) if x[0] > 0 else 0", library=mine)
    assert loss(x=jnp.array([4.0, -1.0])) == 8
    made = kernel("made(x: float[*S]) -> float[*S]", jnp.abs, form=form)
    assert refused(lambda: Library.of(made)).code == "LD804"


@pytest.mark.parametrize("library", ["mine.loss", [], {"f": abs}, abs])
def test_what_is_no_library(library: Any) -> None:
    assert refused(lambda: lossdsl.compile("mse(x, y)", library=library)).code == "LD803"
    (found,) = lossdsl.check("mse(x, y)", library=library).diagnostics
    assert found.code == "LD803"
    assert refused(lambda: Library.of(3)).code == "LD803"  # type: ignore[arg-type]
    assert refused(lambda: lossdsl.BUILTINS | library).code == "LD803"
    if not isinstance(library, str):
        assert refused(lambda: Library.loads(library)).code == "LD803"
        assert refused(lambda: Library.load(library)).code == "LD701"


# The command line


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, words)
    return result.exit_code, result.output


def test_libraries_on_the_command_line(tmp_path: Path) -> None:
    mine, more = tmp_path / "mine.loss", tmp_path / "more.loss"
    mine.write_text(LOG_MSE)
    more.write_text("def twice(x) = 2*log_mse(x, 3*x)\n")
    libraries = ("--library", str(mine), "--library", str(more))
    code, said = run("check", "-e", "log_mse(a, b) + twice(a)", *libraries)
    assert (code, "no errors" in said) == (0, True)
    assert run("check", str(more))[0] == 1
    code, said = run("check", str(mine), str(more), *libraries)
    assert (code, "library of twice" in said) == (0, True)
    code, said = run("check", "-e", "log_mse(a)", "--library", str(mine))
    assert (code, "LD104" in said) == (1, True)
    code, said = run("functions", "log_mse", "--library", str(mine))
    assert (code, "Squared error of the logarithms." in said) == (0, True)


@pytest.mark.parametrize(
    ("text", "code"), [("def mse(a) = a", "LD801"), ("def f(a = a", "LD005"), ("mean(x)", "LD025")]
)
def test_a_library_that_is_wrong_on_the_command_line(tmp_path: Path, text: str, code: str) -> None:
    path = tmp_path / "mine.loss"
    path.write_text(text)
    for words in (("-e", "mean(x)"), ("-e", "mean(x)", "--output-format", "json")):
        exit_code, said = run("check", *words, "--library", str(path))
        assert (exit_code, code in said) == (1, True)
        assert said.count(f"{code}") == 1
    assert run("check", "-e", "mean(x)", "--library", str(tmp_path / "none.loss"))[0] == 1


def test_threads_that_ask_at_once_get_one_library() -> None:
    for _ in range(20):
        mine = lossdsl.Library.loads("def twice(x) = 2*x")
        barrier = threading.Barrier(16)

        def ask(_: int, mine: Any = mine, barrier: Any = barrier) -> int:
            barrier.wait()
            return id(with_builtins(mine))

        with ThreadPoolExecutor(16) as pool:
            assert len(set(pool.map(ask, range(16)))) == 1
