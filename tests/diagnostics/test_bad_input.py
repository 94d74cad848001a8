"""Whatever is wrong ends in a finding: with its code, its place, and what to do about it."""

from __future__ import annotations

import traceback
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from bad_calls import CALLS, Call
from bad_specs import INPUTS, ROWS

import lossdsl
from lossdsl import LossError
from lossdsl.elaborate import primitives

DECLARED = {name: type for names, type in INPUTS.items() for name in names.split(", ")}


@pytest.mark.parametrize(("spec", "code", "span", "help"), ROWS, ids=lambda one: str(one)[:40])
def test_spec(spec: str, code: str, span: str, help: str | None) -> None:
    found, *more = lossdsl.check(spec, DECLARED).diagnostics
    assert (found.code, more) == (code, [])
    assert found.span is not None
    assert found.span.text == span
    assert (help or "") in (found.help or "")
    with pytest.raises(LossError) as raised:
        lossdsl.compile(spec, DECLARED)
    assert raised.value.codes == (code,)


@pytest.mark.parametrize("row", CALLS, ids=lambda row: f"{row.code} {row.spec[:40]}")
def test_call(row: Call) -> None:
    with pytest.raises(LossError) as raised:
        lossdsl.compile(row.spec, row.inputs)(*row.positional, **row.given)
    error = raised.value
    assert error.codes == (row.code,)
    assert row.message in error.diagnostics[0].message
    assert row.help in (error.diagnostics[0].help or "")
    shown = "".join(traceback.format_exception(error))
    assert not [
        word for word in ("/jax/", "/lark/", "/pydantic", "During handling") if word in shown
    ]


NOT_SPECS: tuple[Any, ...] = (3, None, b"mean(a)", ["mean(a)"], {"text": 3}, {"txt": "mean(a)"})
NOT_INPUTS = (
    (["a"], "LD705"),
    ("a", "LD705"),
    ({3: "f32"}, "LD705"),
    ({"a": 3}, "LD705"),
    ({"a": None}, "LD705"),
    ({"a": np.ones(3, complex)}, "LD219"),
    ({"a b": "f32"}, "LD002"),
    ({"class": "f32"}, "LD019"),
    ({"loss": "f32"}, "LD018"),
    ({"a": "f32["}, "LD005"),
    ({"a": "float32[B]"}, "LD014"),
)


@pytest.mark.parametrize("spec", NOT_SPECS, ids=str)
def test_what_is_no_spec(spec: Any) -> None:
    assert [found.code for found in lossdsl.check(spec).diagnostics] == ["LD705"]
    for function in (lossdsl.compile, lossdsl.parse, lossdsl.format):
        with pytest.raises(LossError, match="LD705"):
            function(spec)


@pytest.mark.parametrize(("inputs", "code"), NOT_INPUTS, ids=str)
def test_what_are_no_inputs(inputs: Any, code: str) -> None:
    assert [found.code for found in lossdsl.check("mean(a)", inputs).diagnostics] == [code]
    with pytest.raises(LossError, match=code):
        lossdsl.compile("mean(a)", inputs)


def test_what_is_not_a_number_shows() -> None:
    bad = jnp.array([1.0, jnp.nan])
    assert jnp.isnan(lossdsl.compile("l2sqr(params)")(params={"w": bad}))
    assert jnp.isnan(lossdsl.compile("bounds(params, w >= 0)")(params={"w": bad}))
    empty = jnp.ones((0, 3))
    assert jnp.isnan(lossdsl.compile("mse(out, tgt)")(out=empty, tgt=empty))
    assert lossdsl.compile("mse(out, tgt, reduce='sum')")(out=empty, tgt=empty) == 0


def test_a_tree_may_change_its_structure_between_calls() -> None:
    loss = lossdsl.compile("sum_squares(params)")
    w, b = jnp.full(3, 2.0), jnp.ones(2)
    assert loss(params={"w": w}) == 12
    assert loss(params={"w": w, "b": b}) == 14
    assert loss(params=[{"w": w}, b]) == 14
    assert jax.grad(lambda p: loss(params=p))({"b": b})["b"].tolist() == [2.0, 2.0]


def test_an_undeclared_text_takes_an_array_and_then_a_list() -> None:
    loss = lossdsl.compile("mean(x[0])")
    assert loss(x=jnp.array([[2.0, 4.0], [0.0, 0.0]])) == 3
    assert loss(x=[jnp.array([5.0]), jnp.zeros(2)]) == 5


def test_symbols_are_rigid_also_at_equal_sizes() -> None:
    found = lossdsl.check("mse(a, b)", {"a": "f32[B]", "b": "f32[T]"}).diagnostics
    assert [one.code for one in found] == ["LD201"]
    loss = lossdsl.compile("mean(a) + mean(b)", {"a": "f32[B]", "b": "f32[T]"})
    assert loss(a=jnp.ones(4), b=jnp.ones(4)) == 2


DEFINITIONS = "def inner(x) = {body}\ndef outer(x) = 2*inner(x)\nloss = mean(outer(out))"


def test_an_error_in_a_definition_points_into_it_and_names_the_call() -> None:
    (found,) = lossdsl.check(DEFINITIONS.format(body="x + m"), DECLARED).diagnostics
    assert found.span is not None
    assert (found.code, found.span.text) == ("LD103", "m")
    assert found.labels[-1].span.text == "outer(out)"
    assert found.notes[-1] == "in the definition of `outer` -> `inner`"


def test_an_error_in_a_library_points_to_where_it_can_be_mended() -> None:
    mine = lossdsl.Library.loads("def gap(a, b) = mean(a - b)", "mine.loss")
    (found,) = lossdsl.check("2*gap(r, t)", DECLARED, mine).diagnostics
    assert found.span is not None
    assert (found.code, found.span.text, found.span.source.name) == ("LD201", "b", "mine.loss")
    assert [label.span.text for label in found.labels[1:]] == ["a", "gap(r, t)"]
    assert found.notes == ("in the definition of `gap`",)
    (found,) = lossdsl.check("mean(softmax(s))", DECLARED).diagnostics
    assert {label.span.source.name for label in found.labels} == {"<loss>"}


def test_a_value_without_a_type_is_never_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(primitives, "result_type", lambda *call: None)
    for text in ("mean(cumsum(x, axis=0))", "metric m = sum(cumsum(x, axis=0))\nloss = mean(x)"):
        with pytest.raises(LossError, match="LD999"):
            lossdsl.compile(f"{text}  # guarded")(x=jnp.ones(2))


def test_a_defect_is_reported_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from lossdsl.elaborate import program

    def broken(*_: Any) -> None:
        raise KeyError("lost")

    monkeypatch.setattr(program, "_results", broken)
    (found,) = lossdsl.check("mean(a - 0.123)").diagnostics
    assert found.code == "LD999"
    assert "report it" in (found.help or "")
    with pytest.raises(LossError, match="LD999") as raised:
        lossdsl.compile("mean(a - 0.123)")
    assert isinstance(raised.value.__cause__, KeyError)
