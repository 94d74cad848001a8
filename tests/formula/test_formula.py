"""The formulas: that they are true, that they can be typeset, and that they read well."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from formula_cases import LIBRARY, USER, Case, case, formulas_of
from formula_values import value
from latex_pieces import hold_latex

import lossdsl
from lossdsl.formula.abbreviate import Equation
from lossdsl.formula.formulas import equation, formulas
from lossdsl.formula.math import Indexed, Math, Symbol, with_parts
from lossdsl.library import Library

NAMES = list(LIBRARY)  # some have no formula, and of others it cannot be evaluated
WIDTHS = (78, 100)


AT_ONCE = 24  # functions in one program


@pytest.mark.parametrize("at", range(0, len(NAMES), AT_ONCE))
def test_formula_has_the_value_of_the_function(at: int) -> None:
    calls = {name: call for name in NAMES[at : at + AT_ONCE] if (call := case(name)) is not None}
    texts = [
        f"value_ = {call.text}\nmetric value = value_\nloss = 1.0*sum(value_)"
        for call in calls.values()
    ]
    losses = [lossdsl.compile(text, library=LIBRARY) for text in texts]

    @jax.jit
    def solve(inputs: Any) -> Any:
        run = [loss.with_terms(**one) for loss, one in zip(losses, inputs, strict=True)]
        return [terms.metrics["value"] for _, terms in run]

    inputs = [
        {one: np.asarray(array, _narrow(array)) for one, array in call.inputs.items()}
        for call in calls.values()
    ]
    for (name, call), found in zip(calls.items(), solve(inputs), strict=True):
        hold_value(name, call, np.asarray(found))


def hold_value(name: str, call: Case, found: np.ndarray) -> None:
    masked = "where" in {one.name for one in LIBRARY[name].signatures[0].parameters}
    for at in np.ndindex(*found.shape):
        if not (masked and found[at] == 0):
            said = value(call.right, {**call.given, **dict(zip(call.places, at, strict=True))})
            assert np.isclose(found[at], said, rtol=2e-4, atol=2e-5), (name, at, found[at], said)


def _narrow(array: object) -> type:
    return {"f": np.float32, "b": np.bool_}.get(np.asarray(array).dtype.kind, np.int32)


def test_most_formulas_are_evaluated() -> None:
    evaluated = {name for name in NAMES if case(name) is not None}
    assert len(evaluated) >= 95
    assert set(USER) <= evaluated


@pytest.mark.parametrize("name", NAMES)
def test_names_in_a_formula_stand_for_what_they_say(name: str) -> None:
    function = LIBRARY[name]
    several = len(function.signatures) > 1
    plain = [equation(function, one, LIBRARY, several) for one in function.signatures]
    for formula in formulas_of(name):
        (left, right), *others = formula.equations
        named = [one for one in others if _letter(one[0]) is not None]
        while any(_uses(right, one) for one, _ in named):
            for one in named:
                right = _written_out(right, one)
        assert (left, right) in plain


def _letter(node: Math) -> str | None:
    base = node.base if isinstance(node, Indexed) else node
    return base.name if isinstance(base, Symbol) else None


def _uses(node: Math, name: Math) -> bool:
    from lossdsl.formula.math import below

    return any(_letter(one) == _letter(name) for one in below(node))


def _written_out(node: Math, named: Equation) -> Math:
    """Return a node with what a name stands for in its place, at the places that it is given."""
    name, body = named
    node = with_parts(node, lambda one: _written_out(one, named)) if _letter(node) is None else node
    if _letter(node) != _letter(name):
        return node
    if not isinstance(name, Indexed):
        return Indexed(body, node.places) if isinstance(node, Indexed) else body
    assert isinstance(node, Indexed)
    given = dict(zip(name.places, node.places, strict=True))

    def put(one: Math) -> Math:
        found = given.get(one)
        return with_parts(one, put) if found is None else found

    return put(body)


# LaTeX


@pytest.mark.parametrize("name", NAMES)
def test_latex_can_be_typeset(name: str) -> None:
    for formula in formulas_of(name):
        for line in formula.latex:
            hold_latex(line)


# Unicode


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_lines_are_short(name: str, width: int) -> None:
    for formula in formulas_of(name):
        lines = formula.unicode(width).splitlines()
        first = lines[0] if len(lines) > 1 or " = " not in lines[0] else ""
        assert [line for line in lines if len(line) > width and line != first] == []


READS = {
    "mse": "ℓ = (out − tgt)²",
    "mae": "ℓ = |out − tgt|",
    "huber": """
        ℓ = ⎧ ½(out − tgt)²           if |out − tgt| ≤ δ
            ⎩ δ · (|out − tgt| − ½δ)  otherwise
    """,
    "focal": """
        ℓ(z, y) = −(1 − softmax(z)_y)^γ log softmax(z)_y
        ℓ(z, t) = −Σₖ sₖ · (1 − softmax(z)ₖ)^γ log softmax(z)ₖ
        where sₖ = ⎧ tₖ                  without class_weight
                   ⎩ class_weightₖ · tₖ  otherwise
    """,
    "hinge": "ℓ = max(0, 1 − signs · out)",
    "kl": "ℓ = Σₖ pₖ log(pₖ/qₖ)",
    "accuracy": "ℓ(z, y) = [argmaxₖ zₖ = y]\nℓ(z, t) = [argmaxₖ zₖ = argmaxₖ tₖ]",
    "z_loss": "ℓ = (log Σₖ exp zₖ)²",
    "l2sqr": "ℓ = (1/N) Σₙ paramsₙ²",
    "pairwise_distance": """
        pairwise_distance(a, b)ₙₘ = ⎧ Σ_d (a_nd − b_md)²  if squared
                                    ⎩ ‖aₙ − bₘ‖           otherwise""",
    "info_nce": """
        ℓₙ = −log(sₙₙ/(Σₘ sₙₘ))
        where sₙₘ = exp(qₙᵀ kₘ/(‖qₙ‖ ‖kₘ‖ · temperature))
    """,
    "mse_rate": "ℓₖ = ((1/T) Σₜ tracesₜₖ − rate · [targets = k])²",
    "diff": "diff(x)ₖ = xₖ₊₁ − xₖ",
    "softplus": "softplus(x) = log(1 + exp x)",
}


def dedented(text: str) -> str:
    from textwrap import dedent

    return dedent(text).strip()


@pytest.mark.parametrize("name", READS)
def test_reads_as_one_writes_it(name: str) -> None:
    written = [formula.unicode() for formula in formulas_of(name)]
    assert "\n".join(written) == dedented(READS[name])


# What is defined, with the text and the LaTeX of it.
WRITTEN = [
    ("a - (b - c)", "a − b + c", "a - b + c"),
    ("-(a - b)", "b − a", "b - a"),
    ("-(a - b)*c", "−(a − b) c", r"-(a - b) \, c"),
    ("(a + b)*c", "(a + b) c", r"(a + b) \, c"),
    ("a*(b + c)", "a · (b + c)", r"a \, (b + c)"),
    ("a*b/c", "a b/c", r"\frac{a \, b}{c}"),
    ("a/(b*c)", "a/(b c)", r"\frac{a}{b \, c}"),
    ("a/b/c", "a/(b c)", r"\frac{a}{b \, c}"),
    ("(a/b)**2", "a²/b²", r"\frac{a^{2}}{b^{2}}"),
    ("(-a)**2", "(−a)²", "(-a)^{2}"),
    ("-a**2", "−a²", "-a^{2}"),
    ("(a**b)**c", "(aᵇ)ᶜ", "(a^{b})^{c}"),
    ("a**(b + c)", "aᵇ⁺ᶜ", "a^{b + c}"),
    ("a**0.5", "√a", r"\sqrt{a}"),
    ("0.5*a", "½a", r"\frac{1}{2} a"),
    ("a/2", "½a", r"\frac{1}{2} a"),
    ("2*log(a)", "2 log a", r"2 \log a"),
    ("log(a)*b", "log(a) b", r"\log(a) \, b"),
    ("log(a*b)", "log(a b)", r"\log(a \, b)"),
    ("log(a)**2", "(log a)²", r"(\log a)^{2}"),
    ("exp(-a)", "exp(−a)", "e^{-a}"),
    ("abs(a)*norm(b)", "|a| ‖b‖", r"\left| a \right| \, \left\| b \right\|"),
    ("1e-4*a", "0.0001a", "0.0001 a"),
    ("3.141592653589793*a", "π a", r"\pi \, a"),
    ("a if b > 0 else c", "⎧ a  if b > 0\n             ⎩ c  otherwise", None),
    ("where(b > 0, 1, 0)", "[b > 0]", r"\left[ b > 0 \right]"),
    ("where(a >= b, 1, 0)", "[a ≥ b]", r"\left[ a \geq b \right]"),
    ("where(a <= b, 1, 0)", "[a ≤ b]", r"\left[ a \leq b \right]"),
    ("where(a != b, 1, 0)", "[a ≠ b]", r"\left[ a \neq b \right]"),
    ("a and not (b or c)", "a ∧ ¬(b ∨ c)", r"a \wedge \neg (b \vee c)"),
    ("a // b", "⌊a/b⌋", r"\left\lfloor \frac{a}{b} \right\rfloor"),
]


@pytest.mark.parametrize(("body", "text", "tex"), WRITTEN)
def test_parentheses_are_those_that_are_needed(body: str, text: str, tex: str | None) -> None:
    library = Library.loads(f"def f(a, b, c) = {body}")
    (formula,) = formulas(library["f"], LIBRARY | library)
    assert formula.unicode().partition(" = ")[2] == text
    if tex is not None:
        assert formula.latex[0].partition(" = ")[2] == tex


# What has no notation is a call by name with its options; a part of an axis is written as it is.
UNSAID = [
    ("mse(x, y, where=x > 0)", "f(x, y) = mean_{n : xₙ > 0} mse(xₙ, yₙ)"),
    ('mse(x, y, reduce="sum")', "f(x, y) = Σₙ mse(xₙ, yₙ)"),
    ('mse(x, y, reduce="none")', "f(x, y)ₙ = mse(xₙ, yₙ)"),
    ("norm(x, where=y > 0)**2", "f(x, y) = norm(x, where = (y > 0))²"),
    ("x[::2]", "f(x, y) = x_{::2}"),
    ("x[3:0:-1] + y[:3]", "f(x, y) = x_{3:0:−1} + y_{:3}"),
    ("sum(x[3:0:-1])", "f(x, y) = Σₙ (x_{3:0:−1})ₙ"),
]


@pytest.mark.parametrize(("body", "text"), UNSAID)
def test_no_option_and_no_part_is_left_out(body: str, text: str) -> None:
    library = Library.loads(f"def f(x: float[N], y: float[N]) = {body}")
    (formula,) = formulas(library["f"], LIBRARY | library)
    assert formula.unicode() == text
    hold_latex(formula.latex[0])


def test_parts_of_what_has_no_type() -> None:
    library = Library.loads("def f(x) = x[::2] + mean(x, weight=x)")
    (formula,) = formulas(library["f"], LIBRARY | library)
    assert formula.unicode() == "f(x) = x_{::2} + mean(x, weight = x)"


def test_a_formula_that_is_stated_comes_first() -> None:
    library = Library.loads("## formula: x**2\n## example: f(1)\ndef f(x) = x*x*1.0")
    (formula,) = formulas(library["f"], LIBRARY | library)
    assert formula.unicode() == "f(x) = x²"
