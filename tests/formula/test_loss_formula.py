"""The formula of a loss: that it has the value of the loss, can be typeset, and reads well."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from formula_values import Unknown
from latex_pieces import hold_latex
from loss_formulas import PUBLISHED, defaults_in, formulas_of, names_in, result
from programs import expected

import lossdsl
from lossdsl.formula.loss_formulas import core_formulas, spec_formulas
from lossdsl.library.declare import Library, builtins
from lossdsl.testing.draw import draw_declared


def evaluated(text: str, inputs: Mapping[str, Any]) -> int:
    """Hold each result and metric of a spec against the oracle; return how many could be."""
    text = text.replace("f32", "f64")
    held = expected(text, {**defaults_in(text), **inputs})
    values = {**held.values, **held.metrics}
    given, count = names_in(text, inputs), 0
    for name, formula in zip(values, formulas_of(text), strict=True):
        try:
            shown = result(formula, given)
        except Unknown:
            continue
        assert np.isclose(values[name], shown, rtol=1e-6, atol=1e-8), formula.unicode()
        count += 1
    return count


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem)
def test_published_losses_can_be_typeset(path: Any) -> None:
    for formula in formulas_of(path.read_text(encoding="utf-8")):
        for width in (78, 100):
            _, *lines = formula.unicode(width).splitlines()
            assert [line for line in lines if len(line) > width] == []
        for line in formula.latex:
            hold_latex(line)


# A text with its inputs, and what is printed.
ARRAYS = "out: f32[B, C]\ntgt: f32[B, C]\n"
LABELS = "z: logits f32[B, K]\ny: labels i32[B]\n"
READS = {
    "a mean": (ARRAYS + "mse(out, tgt)", "ℒ = (1/(B C)) Σ_bc (out_bc − tgt_bc)²"),
    "an axis": (ARRAYS + "mean(sum(abs(out - tgt), axis=C))",
                "ℒ = (1/B) Σ_bc |out_bc − tgt_bc|"),
    "sizes": ("x: f32[32, 10]\nmean(x**2)", "ℒ = (1/320) Σₙₘ xₙₘ²"),
    "a mask": (ARRAYS + "m: bool[B]\nmse(out, tgt, where=m)",
               "ℒ = mean_{b, c : m_b} (out_bc − tgt_bc)²"),
    "a weight": (ARRAYS + "w: f32[B]\nmse(out, tgt, weight=w)",
                 "ℒ = (Σ_bc w_b · (out_bc − tgt_bc)²)/(Σ_bc w_b)"),
    "what a mask leaves out": (
        ARRAYS + 'm: bool[B]\nsum(mse(out, tgt, where=m, reduce="none"))', """
        ℒ = Σ_bc s_bc
        where s_bc = ⎧ (out_bc − tgt_bc)²  if m_b
                     ⎩ 0                   otherwise"""),
    "labels": (LABELS + "cross_entropy(z, y)", "ℒ = −(1/B) Σ_b log softmax(z_b)_{y_b}"),
    "labels left out": (LABELS + "cross_entropy(z, y, ignore_index=-1)",
                        "ℒ = mean_{b : y_b ≠ −1} (−log softmax(z_b)_{y_b})"),
    "an option": (LABELS + "cross_entropy(z, y, smoothing=0.1)",
                  "ℒ = (1/B) Σ_b (−0.9 log softmax(z_b)_{y_b} − (0.1/K) Σₖ log softmax(z_b)ₖ)"),
    "a gather": ("x: f32[N, D]\ni: i32[M]\nmean(take(x, i))", "ℒ = (1/(M D)) Σ_md x_{iₘ, d}"),
    "parts": ("x: f32[B, T]\nmean((x[:, 1:] - x[:, :-1])**2)",
              "ℒ = (1/(B · (T − 1))) Σ_bt (x_{b, t+1} − x_bt)²"),
    "the first of an axis": ("x: f32[B, T]\nsum(x[:, :3])", "ℒ = Σ_{b, n : n < 3} x_bn"),
    "a tree": ("params: tree\nsum(params**2)", "ℒ = Σ params²"),
    "leaves": ("params: tree\nl2sqr(params)", "ℒ = mean_{p ∈ params} mean p²"),
    "some leaves": ("params: tree\nl2sqr(params['**/kernel'])",
                    "ℒ = mean_{p ∈ params_kernel} mean p²"),
    "two trees": ("p, q: tree\nsum(abs(p - q))", "ℒ = Σ |p − q|"),
    "a function of leaves": ("params: tree\nmean(map(l2, params))",
                             "ℒ = mean_{p ∈ params} l₂(p)"),
    "a leaf": ("params: tree\nsum(params.encoder.w)", "ℒ = Σ params.encoder.w"),
    "a bound": ("params: tree\n1e3*bounds(params, tau >= 0.01)",
                "ℒ = 1000 Σ [params_tau < 0.01] exp(0.01 − params_tau)"),
    "laws of bounds": ('x: f32[N]\npenalty(mean(x) <= 0.2, law="quadratic", scale=0.5)',
                       "ℒ = max(0, 2((1/N) Σₙ xₙ − 0.2))²"),
    "a record": ("q: {mu: f32[Z], logvar: f32[Z]}\nsum(q.mu**2 + exp(q.logvar))",
                 "ℒ = Σ_z (q.mu_z² + exp q.logvar_z)"),
    "products": ("a: f32[N, D]\nw: f32[D, K]\nmean((a @ w)**2)",
                 "ℒ = (1/(N K)) Σₙₖ (aₙᵀ w_{·k})²"),
    "what is not declared": ("mse(out, tgt)", "ℒ = mean (out − tgt)²"),
    "an axis of what is not declared": ("mean(softmax(z, axis=0))",
                                        "ℒ = mean softmax(z, axis = 0)"),
    "an overloaded call": ("mae(a, b) + accuracy(z, y)*c", """
        ℒ = mean |a − b| + (mean accuracy(z, y)) c
        where accuracy(z, y) = [argmaxₖ zₖ = y]
              accuracy(z, t) = [argmaxₖ zₖ = argmaxₖ tₖ]"""),
    "terms": (LABELS + "params: tree\nw: float = 0.1\n"
              "cross_entropy(z, y, smoothing=0.1) as fit + w*l2sqr(params) as decay", """
        ℒ = ℒ_fit + w ℒ_decay
        where ℒ_fit = (1/B) Σ_b (−0.9 log softmax(z_b)_{y_b} − (0.1/K) Σₖ log softmax(z_b)ₖ)
              ℒ_decay = mean_{p ∈ params} mean p²"""),
    "results": ("x, y: f32[N]\nloss a = mean(x)\nloss b = mean(y)\nmetric both = sum(x + y)", """
        ℒ_a = (1/N) Σₙ xₙ
        ℒ_b = (1/N) Σₙ yₙ
        both = Σₙ (xₙ + yₙ)"""),
    "a definition": ("a: f32[N]\ndef half(x) = 0.5*square(x)\nloss = mean(half(a))",
                     "ℒ = (1/N) Σₙ ½ aₙ²"),
    "a binding": ("a, b: f32[N]\ne = a - b\nloss = mean(e**2) + mean(abs(e))",
                  "ℒ = (1/N) Σₙ (aₙ − bₙ)² + (1/N) Σₙ |aₙ − bₙ|"),
    "letters that are inputs": ("n, b: f32[N]\nmean(n*b)", "ℒ = (1/N) Σₘ nₘ bₘ"),
    "contrastive": ("a, b: f32[N, D]\ninfo_nce(a, b)", """
        ℒ = −(1/N) Σₙ log(exp(aₙᵀ bₙ/(0.1‖aₙ‖ ‖bₙ‖))/(Σₘ exp(aₙᵀ bₘ/(0.1‖aₙ‖ ‖bₘ‖))))"""),
    "a written tree": ("a, b: f32[N]\nsum({x: a, y: b})", "ℒ = Σ (x : a, y : b)"),
    "nothing to reduce": ("a: f32[]\nmean(a**2)", "ℒ = a²"),
}  # fmt: skip


# What is not drawn by its type alone.
INPUTS: Mapping[str, Mapping[str, Any]] = {
    "a gather": {"x": np.array([[1.0, 2.0], [3.0, 5.0]]), "i": np.array([1, 0, 1], np.int32)},
    "some leaves": {"params": {"a": {"kernel": np.ones((2, 3)), "bias": np.zeros(3)}}},
    "a leaf": {"params": {"encoder": {"w": np.array([1.0, 4.0])}}},
}
UNDECLARED = ("what is not declared", "an axis of what is not declared", "an overloaded call")


def printed(text: str) -> str:
    return "\n".join(formula.unicode() for formula in spec_formulas(text))


@pytest.mark.parametrize("name", READS)
def test_reads_as_one_writes_it(name: str) -> None:
    text, shown = READS[name]
    lines = [line for line in shown.splitlines() if line.strip()]
    indent = min(len(line) - len(line.lstrip()) for line in lines)
    assert printed(text) == "\n".join(line[indent:] for line in lines)


@pytest.mark.parametrize("name", sorted(READS.keys() - {*UNDECLARED, "a record", "a written tree"}))
def test_has_the_value_of_the_loss(name: str) -> None:
    text, _ = READS[name]
    inputs = INPUTS.get(name) or draw_declared(lossdsl.parse(text), 3)
    assert evaluated(text, inputs) or name == "a function of leaves"


# What many read, and what nests, is named.


def test_what_is_shared_is_written_once() -> None:
    steps = "\n".join(f"e{at + 1} = sin(e{at})*e{at} + {at}" for at in range(12))
    text = f"e0: f32[N]\n{steps}\nloss = mean(e12)"
    (formula,) = formulas_of(text)
    assert len(formula.unicode()) < 600
    assert evaluated(text, {"e0": np.linspace(-1, 1, 4)}) == 1


def test_a_program_of_many_steps_takes_no_longer_than_it_is() -> None:
    steps = "\n".join(f"e{at + 1} = sin(e{at})*cos(e{at})" for at in range(90))
    (formula,) = formulas_of(f"e0: f32[N]\n{steps}\nloss = mean(e90)")
    assert len(formula.equations) < 60


# As LaTeX


def test_latex_of_one_equation() -> None:
    loss = lossdsl.compile("mse(out, tgt)", {"out": "f32[B]", "tgt": "f32[B]"})
    square = r"(\mathrm{out}_{b} - \mathrm{tgt}_{b})^{2}"
    assert loss.latex() == rf"\mathcal{{L}} = \frac{{1}}{{B}} \, \sum_{{b}} {square}"
    shown = getattr(loss, "_repr_latex_")()  # noqa: B009, as a notebook asks for it
    assert shown == rf"$\displaystyle {loss.latex()}$"


def test_latex_of_several_is_aligned() -> None:
    text = "x: f32[N]\nloss a = mean(x)\nloss b = sum(x)"
    assert lossdsl.compile(text).latex() == "\n".join(
        [
            r"\begin{aligned}",
            r"\mathcal{L}_{\text{a}} &= \frac{1}{N} \, \sum_{n} x_{n} \\",
            r"\mathcal{L}_{\text{b}} &= \sum_{n} x_{n}",
            r"\end{aligned}",
        ]
    )


def test_other_losses_of_a_text_have_their_own_formulas() -> None:
    loss = lossdsl.compile("x: f32[N]\nmean(x) as a + 2*sum(x) as b")
    assert loss.only("b").latex() == r"\mathcal{L} = 2 \sum_{n} x_{n}"
    assert loss.replace({"b": 3.0}).latex().endswith(r"3 \sum_{n} x_{n}")


def test_core_of_a_check_prints_without_jax() -> None:
    code = (
        "import sys, lossdsl\n"
        "from lossdsl.formula.loss_formulas import core_formulas\n"
        "from lossdsl.library.declare import builtins\n"
        "core = lossdsl.check('x: f32[N]\\nhuber(x, 0*x)').program\n"
        "print(core_formulas(core, builtins())[0].latex)\n"
        "assert not {'jax', 'numpy'} & sys.modules.keys()\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    assert "mathcal" in shown.stdout


def test_core_prints_as_it_is_computed() -> None:
    core = lossdsl.check("x: f32[N]\nsum(expm1(x))")
    assert core.program is not None
    assert core_formulas(core.program, builtins())[0].unicode() == "ℒ = Σₙ (exp xₙ − 1)"


def test_a_written_tree_of_trees() -> None:
    text = "mean({t: r, s: 2*r.m}, where={s: false, t: {a: true, m: false}})"
    assert printed(text) == "ℒ = mean_{(false, (a : true, m : false))} (t : r, s : 2r.m)"


# Of a user

MINE = """
## A formula that is stated.
## formula: x**2
## example: mine(x)
loss mine(x: float[*S]) -> float[*S] = x*x*1.0

## A formula that is none of the definition.
## formula: x @ x
## example: odd(x)
loss odd(x: float[*S]) -> float[*S] = abs(x)
"""


def test_a_stated_formula_is_shown_where_it_is_one() -> None:
    library = Library.loads(MINE)
    given = {"x": "f32[N]"}
    assert spec_formulas("mine(x)", given, library)[0].unicode() == "ℒ = (1/N) Σₙ xₙ²"
    assert spec_formulas("odd(x)", {"x": "f32[]"}, library)[0].unicode() == "ℒ = |x|"


def test_a_python_function_is_called_by_name() -> None:
    library = Library.of(twice=lambda x: 2 * x)
    shown = spec_formulas("mean(twice(x))", {"x": "f32[N]"}, library)[0].unicode()
    assert shown == "ℒ = (1/N) Σₙ twice(x)ₙ"


@pytest.mark.parametrize(("text", "code"), [("mean(", "LD"), ("mean(x) + w", "LD103")])
def test_a_wrong_text_is_an_error_of_the_language(text: str, code: str) -> None:
    with pytest.raises(lossdsl.LossError, match=re.escape(code)):
        spec_formulas(text, {"x": "f32[N]"})
