"""Losses of some terms or of other weights: the text that each is, and that it is that text."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import cloudpickle
import jax
import numpy as np
import pytest

import lossdsl
from lossdsl.core.same import fingerprints
from lossdsl.loss import CompiledLoss

HEAD = "out, tgt: f32[B, C]\nparams: tree\ndecay: float = 0.5\n"
FIT = "fit = mse(out, tgt)\nloss = fit - 0.1*mean(abs(out)) as spread + 2*decay*l2sqr(params)\n"
BOTH = """
critic, ret: f32[B]
scale: float = 2
loss value = mse(critic, ret) + scale*mean(abs(critic)) as small
loss actor = -mean(ret) + 0.5*mean(critic)
metric error = max(abs(critic - ret))
metric spread = max(ret)
metric size = scale
"""
Change = Callable[[CompiledLoss], CompiledLoss]

# A text, what is asked of it, and the text of the answer.
TEXTS: list[tuple[str, Change, str]] = [
    (
        HEAD + FIT,
        lambda x: x.only("fit"),
        "out, tgt: f32[B, C]\nfit = mse(out, tgt)\nloss = fit as fit",
    ),
    (
        HEAD + FIT,
        lambda x: x.only("spread"),
        "out: f32[B, C]\nloss = -0.1*mean(abs(out)) as spread",
    ),
    (
        HEAD + FIT,
        lambda x: x.only("l2sqr", "spread"),
        "out: f32[B, C]\nparams: tree\ndecay: float = 0.5\n"
        "loss = -0.1*mean(abs(out)) as spread + 2*decay*l2sqr(params) as l2sqr",
    ),
    (
        HEAD + FIT,
        lambda x: x.without("l2sqr"),
        "out, tgt: f32[B, C]\nfit = mse(out, tgt)\n"
        "loss = fit as fit - 0.1*mean(abs(out)) as spread",
    ),
    (
        HEAD + FIT,
        lambda x: x.replace(weights={"l2sqr": 1e-3, "spread": 2}),
        "out, tgt: f32[B, C]\nparams: tree\nfit = mse(out, tgt)\n"
        "loss = fit as fit + 2*mean(abs(out)) as spread + 0.001*l2sqr(params) as l2sqr",
    ),
    (
        HEAD + FIT,
        lambda x: x.replace({"fit": -1.5}).without("spread").replace({"l2sqr": np.float32(-0.25)}),
        "out, tgt: f32[B, C]\nparams: tree\nfit = mse(out, tgt)\n"
        "loss = -1.5*fit as fit - 0.25*l2sqr(params) as l2sqr",
    ),
    ("mean(a) - mean(b)", lambda x: x.only("b"), "-mean(b) as b"),
    ("mean(a) - a[0]*b[0]/3", lambda x: x.only("term_2"), "-a[0]*b[0]/3 as term_2"),
    ("mean(a) - -a[0]", lambda x: x.only("term_2"), "--a[0] as term_2"),
    ("mean(a) - (a[0] + b[0])", lambda x: x.only("term_2"), "-(a[0] + b[0]) as term_2"),
    ("mean(a) - a[0]**2", lambda x: x.only("term_2"), "-a[0]**2 as term_2"),
    ("mean(a) + 1/b[0]", lambda x: x.replace({"term_2": 3}), "mean(a) as a + 3/b[0] as term_2"),
    ("mean(a) + 3", lambda x: x.replace({"term_2": 0.5}), "mean(a) as a + 0.5 as term_2"),
    (
        "mean(a) - 2*a[0]*b[0]/b[1]/4",
        lambda x: x.replace({"term_2": -0.5}),
        "mean(a) as a - 0.5*a[0]*b[0]/b[1] as term_2",
    ),
    (
        "mean(a) + 2*(a[0]*(b[0] + 1))",
        lambda x: x.replace({"term_2": 5}),
        "mean(a) as a + 5*a[0]*(b[0] + 1) as term_2",
    ),
    (
        "mean(a) + a[0]*b[0] // 2",
        lambda x: x.replace({"term_2": 5}),
        "mean(a) as a + 5*(a[0]*b[0] // 2) as term_2",
    ),
    (
        "mean(a) + (a[0] if b[0] > 0 else b[1])",
        lambda x: x.replace({"term_2": 5}),
        "mean(a) as a + 5*(a[0] if b[0] > 0 else b[1]) as term_2",
    ),
    ("mean(a) + mean(b)", lambda x: x.replace({"b": 0}), "mean(a) as a + 0*mean(b) as b"),
    ("mean(a) + 0*mean(b)", lambda x: x.replace({"b": 2}), "mean(a) as a + 2*mean(b) as b"),
    ("mean(a) + mean(a) + mean(b)", lambda x: x.without("a"), "mean(a) as a_2 + mean(b) as b"),
    (
        BOTH,
        lambda x: x.only("value/mse", "actor/critic"),
        "critic, ret: f32[B]\nloss value = mse(critic, ret) as mse\n"
        "loss actor = 0.5*mean(critic) as critic\n"
        "metric error = max(abs(critic - ret))\nmetric spread = max(ret)",
    ),
    (
        BOTH,
        lambda x: x.only("actor/critic"),
        "critic: f32[B]\nloss actor = 0.5*mean(critic) as critic",
    ),
    (
        BOTH,
        lambda x: x["value"].without("mse"),
        "critic: f32[B]\nscale: float = 2\nloss value = scale*mean(abs(critic)) as small\n"
        "metric size = scale",
    ),
]


def meaning(results: Any, metrics: Any = None) -> dict[str, Any]:
    """Return what each term computes, and how it combines, by its name."""
    terms = {f"{result.name}/{term.name}": term for result in results for term in result.terms}
    known = fingerprints(
        [
            *(node for term in terms.values() for node in (term.raw, term.weight, term.weighted)),
            *(result.value for result in results),
        ]
    )
    texts = {
        name: (known[term.raw], known[term.weight], known[term.weighted], term.combine.kind)
        for name, term in terms.items()
    }
    return {**texts, **{result.name: known[result.value] for result in results}}


@pytest.mark.parametrize(("text", "change", "expected"), TEXTS)
def test_another_loss_is_that_of_its_text(text: str, change: Change, expected: str) -> None:
    loss = change(lossdsl.compile(text))
    assert loss.text == lossdsl.format(expected)
    program = lossdsl.check(loss.text).program
    assert program is not None
    assert meaning(loss._core.results) == meaning(program.results)
    again = lossdsl.compile(expected)
    assert (dict(loss.signature), loss.term_names) == (dict(again.signature), again.term_names)
    for way in (pickle, cloudpickle):
        other = pickle.loads(way.dumps(loss))
        assert (other.text, other.signature) == (loss.text, loss.signature)
        assert meaning(other._core.results) == meaning(loss._core.results)
    assert copy.copy(loss) is copy.deepcopy(loss) is loss


def test_values_of_other_losses() -> None:
    loss = lossdsl.compile(HEAD + FIT + "metric peak = max(out)", batch=("out",), debug=True)
    out, tgt = np.float32([[1, -2], [3, 4]]), np.ones((2, 2), np.float32)
    inputs = {"out": out, "tgt": tgt, "params": {"w": np.float32([1, 3])}}
    _, terms = loss.with_terms(**inputs)
    for name in loss.term_names:
        part = loss.only(name)
        assert part.debug
        value = part(**{name: inputs[name] for name in part.signature if name in inputs})
        assert float(value) == pytest.approx(float(terms.weighted[name]), rel=1e-6)
    weights = {"fit": 3.0, "spread": -0.5, "l2sqr": 0.0}
    value, changed = loss.replace(weights).with_terms(**inputs)
    assert {name: float(weight) for name, weight in changed.weight.items()} == weights
    assert float(value) == pytest.approx(sum(terms.raw[name] * weights[name] for name in weights))
    assert changed.metrics["peak"] == 4


def test_an_error_of_another_loss_points_into_the_text() -> None:
    text = "a: f32[B]\nb: f32[...]\nmean(a) + mse(a, b) as fit"
    with pytest.raises(lossdsl.LossError) as raised:
        lossdsl.compile(text).only("fit")(a=np.ones(3, np.float32), b=np.ones((3, 2), np.float32))
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.span is not None
    assert diagnostic.span.source.text == text


TWO = "mean(a) as fit + mean(b) as decay"
REFUSED: list[tuple[str, Change, str, str]] = [
    (TWO, lambda x: x.only("decai"), "LD103", "did you mean `decay`?"),
    (TWO, lambda x: x.without("gone"), "LD103", "its terms: `fit`, `decay`"),
    (TWO, lambda x: x.only(), "LD124", "its terms: `fit`, `decay`"),
    (TWO, lambda x: x.without("decay", "fit"), "LD124", "its terms: `fit`, `decay`"),
    (TWO, lambda x: x.only(3), "LD121", "such as `only='fit'`"),  # type: ignore[arg-type]
    (TWO, lambda x: x.replace(3), "LD121", "such as `{'fit': 0.1}`"),  # type: ignore[arg-type]
    (TWO, lambda x: x.replace({"fitt": 1}), "LD103", "did you mean `fit`?"),
    (TWO, lambda x: x.replace({"fit": True}), "LD121", "such as `{'fit': 0.1}`"),
    (TWO, lambda x: x.replace({"fit": "1"}), "LD121", ""),  # type: ignore[dict-item]
    (TWO, lambda x: x.replace({"fit": float("nan")}), "LD121", ""),
    (TWO, lambda x: x.replace({"fit": np.ones(2)}), "LD121", ""),  # type: ignore[dict-item]
    (TWO, lambda x: x.replace({"fit": None}), "LD121", ""),  # type: ignore[dict-item]
    (TWO, lambda x: jax.jit(lambda w: x.replace({"fit": w}))(1.0), "LD121", "fit_weight: float"),
    (TWO, lambda x: x["actor"], "LD103", "its results: `loss`"),
    (BOTH, lambda x: x.only("small"), "LD103", "`value/small`"),
    ("x: f32[B]\nmean(x)", lambda x: x.replace({"x": 1e40}), "LD501", ""),
]


@pytest.mark.parametrize(("text", "change", "code", "help"), REFUSED)
def test_what_names_no_other_loss(text: str, change: Change, code: str, help: str) -> None:
    with pytest.raises(lossdsl.LossError, match=code) as raised:
        change(lossdsl.compile(text))
    assert raised.value.codes == (code,)
    assert help in (raised.value.diagnostics[0].help or "")
