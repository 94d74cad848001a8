"""`debug=True`: what the numbers of a call are held to, and what is said of them."""

from __future__ import annotations

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lossdsl
from lossdsl.diagnostics.diagnostic import LossWarning

Z = jnp.ones((4, 3))
Y = jnp.array([0, 1, 3, 2])
GOOD = jnp.array([0, 1, 2, 2])
NAN, INF = jnp.nan, jnp.inf


def of(text: str, **inputs: Any) -> Any:
    return lossdsl.compile(text, debug=True)(**inputs)


def found(text: str, **inputs: Any) -> list[lossdsl.Diagnostic]:
    with pytest.raises(lossdsl.LossError) as caught:
        of(text, **inputs)
    return list(caught.value.diagnostics)


# A text, its inputs, the code, the text that is pointed at, and what is said.
WRONG: tuple[tuple[str, dict[str, Any], str, str, str], ...] = (
    ("cross_entropy(z, y)", {"z": Z, "y": Y}, "LD208", "y",
     "`y` of `cross_entropy` counts from 0 to 2; element [2] is 3"),
    ("cross_entropy(z, y)", {"z": Z, "y": -Y}, "LD208", "y", "element [1] is -1"),
    ("cross_entropy(z, y, ignore_index=-1)", {"z": Z, "y": Y}, "LD208", "y", "from 0 to 2 or -1"),
    ("cross_entropy(z, y, where=y > 0)", {"z": Z, "y": Y}, "LD208", "y", "element [2] is 3"),
    ("cross_entropy(z, y, class_axis=0)", {"z": Z.T, "y": Y}, "LD208", "y", "element [2] is 3"),
    ("mean(one_hot(y, 3))", {"y": Y}, "LD208", "y", "of `one_hot` counts from 0 to 2"),
    ("mean(take(z, y, axis=1))", {"z": Z, "y": Y}, "LD208", "y", "of `take`"),
    ("ctc(z, y, y_length=n)", {"z": jnp.zeros((2, 5, 3)), "y": jnp.ones((2, 2), int),
     "n": jnp.array([1, 3])}, "LD208", "n", "counts from 0 to 2; element [1] is 3"),
    ("def f(a, b) = cross_entropy(a, b)\nloss = f(z, y)", {"z": Z, "y": Y}, "LD208", "b",
     "element [2] is 3"),
    ("cross_entropy(z, p)", {"z": Z, "p": Z.at[1, 2].set(1.5)}, "LD503", "p",
     "`t` of `cross_entropy` lies in [0, 1]; element [1, 2] is 1.5"),
    ("cross_entropy(z, p)", {"z": Z, "p": Z/3 + jnp.eye(4, 3)*0.1}, "LD505", "p",
     "sums to 1 along axis 1; the sum at [0] is 1.1"),
    ("kl(p, p, class_axis=0)", {"p": Z/3}, "LD505", "p", "along axis 0; the sum at [0] is 1.33333"),
    ("hinge(x, s)", {"x": Z, "s": Z.at[3, 1].set(0.5)}, "LD503", "s", "-1 or 1; element [3, 1]"),
    ("mean(softmax(z, temperature=t))", {"z": Z, "t": 0.0}, "LD503", "t", "in (0, inf); it is 0"),
    ("pinball(z, z, q=q)", {"z": Z[0], "q": 1.5}, "LD503", "q", "in (0, 1); it is 1.5"),
    ("mean(log(x))", {"x": -Z}, "LD503", "x", "`x` of `log` lies in [0, inf]"),
    ("p: probs f32[B, C]\nmean(p)", {"p": 2*Z}, "LD503", "p", "`p` lies in [0, 1]; element [0, 0]"),
    ("mse(log(a), b) as fit + mean(a)", {"a": jnp.array([1.0, 0.0]), "b": Z[0, :2]}, "LD504",
     "log(a)", "`fit` is inf"),
    ("mse(a, b)", {"a": jnp.array([1.0, NAN]), "b": Z[0, :2]}, "LD504", "a", "`mse` is nan"),
    ("mean(a/b) + mean(b)", {"a": Z, "b": 0*Z}, "LD504", "a/b", "is inf"),
    ("mean(exp(a)) + mean(a)", {"a": 200*Z}, "LD504", "exp(a)", "is inf"),
    ("l2sqr(params)", {"params": {"w": jnp.array([NAN])}}, "LD504", "params", "`l2sqr` is nan"),
)  # fmt: skip

# What is masked, ignored or in range is none of anybody's business.
RIGHT: tuple[tuple[str, dict[str, Any]], ...] = (
    ("cross_entropy(z, y)", {"z": Z, "y": GOOD}),
    ("cross_entropy(z, y, where=y < 3)", {"z": Z, "y": Y}),
    ("cross_entropy(z, y, weight=w)", {"z": Z, "y": Y, "w": jnp.array([1.0, 1, 0, 1])}),
    ("cross_entropy(z, y, ignore_index=3)", {"z": Z, "y": Y}),
    ("cross_entropy(z, y, ignore_index=-1, class_weight=w)",
     {"z": Z, "y": jnp.where(Y == 3, -1, Y), "w": Z[0]}),
    ("cross_entropy(z, p)", {"z": Z, "p": Z/3}),
    ("cross_entropy(z, p)", {"z": Z.astype(jnp.bfloat16), "p": (Z/3).astype(jnp.bfloat16)}),
    ("cross_entropy(z, p, where=m)",
     {"z": Z, "p": (Z/3).at[1].set(7), "m": jnp.array([True, False, True, True])}),
    ("cross_entropy(z, 2*p, where=m)",
     {"z": Z, "p": (Z/6).at[1].set(7), "m": jnp.array([True, False, True, True])}),
    ("kl(p, p, class_axis=0)", {"p": Z/4}),
    ("mean(where(x > 0, log(x), 0))", {"x": jnp.array([0.0, -1, 2])}),
    ("mean(log(x), where=x > 0)", {"x": jnp.array([0.0, -1, 2])}),
    ("mse(a, b, where=isfinite(a))", {"a": jnp.array([1.0, NAN]), "b": Z[0, :2]}),
    ("mean(log_softmax(z, where=m), where=m)", {"z": Z, "m": Z > 0}),
    ("cross_entropy(z, y)", {"z": jnp.ones((2, 300)), "y": jnp.array([0, 255], jnp.uint8)}),
    ("mean(entr(p))", {"p": jnp.array([0.0, 1.0])}),
    ("sum(z) + cross_entropy(z, y, reduce='sum')", {"z": Z[:0], "y": Y[:0]}),
    ("l2sqr(params) + mean(out)", {"params": {"w": Z, "n": jnp.arange(3)}, "out": Z}),
    ("l2sqr(p, where=m)", {"p": {"a": Z}, "m": {"a": True}}),
    ("mean(square(p), where=isfinite(p))", {"p": {"a": Z[0], "b": jnp.array([NAN, 2.0])}}),
    ("hinge(x, s)", {"x": Z[0], "s": jnp.ones(3, jnp.uint32)}),
    ("y: one_hot bool[B, C]\nmean(where(y, 1.0, 0.0))", {"y": Z > 0}),
    ("loss f(p: one_hot num[*S, K], class_axis: axis[K] = -1) -> float[*S] = sum(1.0*p, axis=-1)\n"
     "loss = f(p)", {"p": jnp.eye(3, dtype=jnp.int8)}),
)  # fmt: skip


@pytest.mark.parametrize(("text", "inputs", "code", "place", "said"), WRONG)
def test_a_wrong_number_is_named_with_its_place(
    text: str, inputs: dict[str, Any], code: str, place: str, said: str
) -> None:
    one, *_ = found(text, **inputs)
    assert one.code == code
    assert one.span is not None and one.span.text == place
    assert said in one.message


@pytest.mark.parametrize(("text", "inputs"), RIGHT)
def test_a_right_call_has_the_value_that_it_has_without(text: str, inputs: dict[str, Any]) -> None:
    assert of(text, **inputs) == lossdsl.compile(text)(**inputs)


def test_all_that_is_wrong_is_found_at_once() -> None:
    p = jnp.full((4, 3), 0.5)
    codes = [one.code for one in found("cross_entropy(z, y) + cross_entropy(z, p)", z=Z, y=Y, p=p)]
    assert codes == ["LD208", "LD505"]


def test_how_many_elements_are_wrong_is_noted() -> None:
    (one,) = found("cross_entropy(z, y)", z=Z, y=Y + 1)
    assert one.notes == ("wrong in 2 of 4 places",)
    assert one.help == "`ignore_index=4` leaves such labels out"


def test_the_origin_of_a_nan_is_noted() -> None:
    (one,) = found("mean(sqrt(square(log(a)))) as fit", a=jnp.array([[1.0, 0.0], [0.0, 2.0]]))
    assert one.labels[0].text == "the first -inf is made here at [0, 1]"
    assert one.notes == ("not finite in 2 of 4 elements",)


def test_terms_are_held_to_the_same() -> None:
    loss = lossdsl.compile("cross_entropy(z, y)", debug=True)
    with pytest.raises(lossdsl.LossError, match="LD208"):
        loss.with_terms(z=Z, y=Y)
    value, terms = loss.with_terms(z=Z, y=GOOD)
    assert value == terms.raw["cross_entropy"]


def test_named_results_are_held_to_the_same() -> None:
    loss = lossdsl.compile("loss a = cross_entropy(z, y)\nloss b = mean(z)", debug=True)
    with pytest.raises(lossdsl.LossError, match="LD208"):
        loss(z=Z, y=Y)
    with pytest.raises(lossdsl.LossError, match="LD208"):
        loss["a"](z=Z, y=Y)
    assert loss["b"](z=Z) == 1


def test_a_gradient_outside_of_jit_raises() -> None:
    loss = lossdsl.compile("cross_entropy(z, y)", debug=True)
    with pytest.raises(lossdsl.LossError, match="LD208"):
        jax.grad(lambda z: loss(z=z, y=Y))(Z)
    plain = lossdsl.compile("cross_entropy(z, y)")
    mine = jax.grad(lambda z: loss(z=z, y=GOOD))(Z)
    assert (mine == jax.grad(lambda z: plain(z=z, y=GOOD))(Z)).all()


def warned(run: Any, *inputs: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run(*inputs)
        jax.effects_barrier()
    return [str(one.message) for one in caught]


@pytest.mark.parametrize(("name", "transform"), [
    ("jit", jax.jit), ("grad", lambda f: jax.jit(jax.value_and_grad(f))), ("vmap", jax.vmap),
])  # fmt: skip
def test_a_transformation_of_the_callers_warns_once_for_each_place(
    name: str, transform: Any
) -> None:
    loss = lossdsl.compile(f"cross_entropy(z, y) as {name}", debug=True)
    z = jnp.stack([Z, Z]) if transform is jax.vmap else Z
    made = transform(lambda z: loss(z=z, y=Y))
    (first,) = warned(made, z)
    assert "counts from 0 to 2; element [2] is 3" in first
    assert not warned(made, z)


def test_every_compiled_loss_warns_of_its_own_numbers() -> None:
    for declared in ({}, {"z": "f32[B, 3]", "y": "i32[B]"}):
        loss = lossdsl.compile("cross_entropy(z, y) as mine", declared, debug=True)
        assert len(warned(jax.jit(lambda z, loss=loss: loss(z=z, y=Y)), Z)) == 1


def test_without_debug_the_program_is_unchanged() -> None:
    text = "cross_entropy(z, y, where=y > 0) + mean(log(z))"
    before = lossdsl.compile(text).fn.lower(Z, GOOD).as_text()
    of(text, z=Z, y=GOOD)
    lossdsl.compile(text).report(z=Z, y=GOOD)
    assert lossdsl.compile(text).fn.lower(Z, GOOD).as_text() == before
    assert "callback" not in before and "custom_call" not in before
    assert lossdsl.compile(text) is not lossdsl.compile(text, debug=True)


def test_a_report_says_what_masks_keep() -> None:
    loss = lossdsl.compile("mse(a, b, where=seen) +\n mean(a, where=a > 5)")
    a, seen = jnp.array([1.0, 2, NAN, 4]), jnp.array([True, True, False, True])
    made = loss.report(a=a, b=jnp.zeros(4), seen=seen)
    assert [(use.text, use.line, use.kept, use.size) for use in made.masks] == [
        ("seen", 1, 3, 4), ("a > 5", 2, 0, 4),
    ]  # fmt: skip
    assert (made.masks[0].low, made.masks[0].high) == (1, 16)
    assert not made.problems
    assert "line 1: `seen` keeps 3 of 4 (75.0%), 1 to 16" in str(made)
    assert str(lossdsl.compile("mean(a)").report(a=a[:2])) == "nothing to report"


def test_a_report_has_what_a_debug_build_raises() -> None:
    (one,) = lossdsl.compile("cross_entropy(z, y)").report(z=Z, y=Y).problems
    assert one.code == "LD208"


def test_inside_of_jit_a_report_has_no_numbers() -> None:
    loss = lossdsl.compile("mean(z)")
    with pytest.raises(lossdsl.LossError, match=r"LD506(.|\n)*debug=True"):
        jax.jit(lambda z: loss.report(z=z).problems)(Z)


def test_a_report_counts_a_mask_that_is_a_tree() -> None:
    tree = {"a": Z[0], "b": jnp.array([NAN, 2.0])}
    (use,) = lossdsl.compile("mean(square(p), where=isfinite(p))").report(p=tree).masks
    assert (use.kept, use.size) == (4, 5)


def test_what_is_no_label_gets_no_advice_on_labels() -> None:
    (one,) = found("mean(take(z, index, axis=1))", z=Z, index=Y)
    assert (one.code, one.help) == ("LD208", None)
    (one,) = found("mean(one_hot(y, 3))", y=Y)
    assert one.help == "labels count from 0"


CLASSES = """
loss mine(z: logits float[*S, C], y: labels int[*S], species: axis[C] = -1) -> float[*S] =
    -label_log_probs(z, y)
loss = mine(z, y, species=0)
"""


def test_a_loss_of_the_users_holds_its_labels_to_the_classes() -> None:
    library = lossdsl.Library.loads("""
    loss near(z: logits float[*S, K], y: labels int[*S], class_axis: axis[K] = -1,
              ignore_index: static int? = none) -> float[*S] =
      cross_entropy(z, y, ignore_index=ignore_index, reduce="none")
    loss hit(z: float[*S, K], y: labels int[*S], class_axis: axis[K] = -1) -> float[*S] =
      where(argmax(z) == y, 1.0, 0.0)
    """)

    def called(text: str, y: Any) -> Any:
        return lossdsl.compile(text, library=library, debug=True)(z=Z, y=jnp.array(y))

    assert np.isfinite(called("near(z, y, ignore_index=7)", [0, 1, 7, 2]))
    for text in ("near(z, y, ignore_index=-1)", "hit(z, y)"):
        with pytest.raises(lossdsl.LossError, match="counts from 0 to 2"):
            called(text, [0, 1, 7, 2])


def test_labels_count_along_the_axis_that_is_declared_of_the_scores() -> None:
    one, *_ = found(CLASSES, z=Z.T, y=Y)
    assert one.code == "LD208"
    assert "`y` of `mine` counts from 0 to 2; element [2] is 3" in one.message


DISTRIBUTION = """
loss mine(p: probs float[*S, C], species: axis[C] = -1) -> float[*S] = sum(p, axis=-1)
loss = mine(p)
"""


def test_probabilities_sum_to_one_along_the_axis_that_is_declared() -> None:
    (one,) = found(DISTRIBUTION, p=Z)
    assert (one.code, "along axis 1" in one.message) == ("LD505", True)


# Terms of very different sizes

FIT = "mean(a) as fit + {}*mean(b) as decay"
TWO = {"a": jnp.full(3, 2.0), "b": jnp.ones(2)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FIT.format("1e-3"), []),
        (FIT.format("1e-5"), ["`fit` is 2 and `decay` is 1e-05"]),
        (FIT.format("-1e-5"), ["`fit` is 2 and `decay` is 1e-05"]),
        (FIT.format("0"), []),
        (FIT.format("1e-5") + " + 1e5*mean(a) as large", ["`large` is 2e+05 and `decay` is 1e-05"]),
        ("loss x = mean(a)\nloss y = 1e-9*mean(b)", []),
        (
            "loss x = mean(a) as p + 1e-5*mean(b) as q\nloss y = mean(b) as r + 1e-7*mean(a) as s",
            ["`x/p` is 2 and `x/q` is 1e-05", "`y/r` is 1 and `y/s` is 2e-07"],
        ),
    ],
)
def test_terms_far_apart_are_reported(text: str, said: list[str]) -> None:
    found = lossdsl.compile(text).report(**TWO).problems
    assert [one.code for one in found] == ["LD507"] * len(said)
    assert [one.message for one in found] == said


@pytest.mark.parametrize("compiled", [False, True])
def test_terms_far_apart_are_warned_of_at_the_first_evaluation(compiled: bool) -> None:
    # A text is compiled once, and this one is of no other test.
    loss = lossdsl.compile(f"{FIT.format('w')} + 0*mean(a) as jit_{compiled}", debug=True)

    def call(w: float) -> Any:
        return loss(**TWO, w=jnp.float32(w))

    run = jax.jit(call) if compiled else call
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for w in (1e-5, 1e-6, 1e-7):
            jax.block_until_ready(run(w))
        jax.effects_barrier()
        later = lossdsl.compile(f"{FIT.format('w')} + 0*mean(a) as late_{compiled}", debug=True)
        for w in (1.0, 1e-7):
            later(**TWO, w=jnp.float32(w))
    assert [type(one.message) for one in caught] == [LossWarning]
    assert str(caught[0].message).startswith("warning[LD507]: `fit` is 2 and `decay` is 1e-05")
