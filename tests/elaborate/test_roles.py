"""Roles: what contradicts them is found, and what looks wrong and is right is left alone."""

from __future__ import annotations

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_language import FOLDER, cases, checked

import lossdsl
from lossdsl.elaborate.definitions import check_definitions
from lossdsl.library.declare import builtins
from lossdsl.library.roles import CODINGS, ROLE_RANGES, SCALES, words

INPUTS = {
    "z, x": "f32[B, C]",
    "y": "int[B]",
    "m": "bool[B]",
    "flags": "bool[B, C]",
    "ones": "f32[B, 1]",
    "score": "f32[B]",
    "target": "f32[B]",
    "k": "bool",
    "bytes": "u8[B]",
    "scores": "logits f32[B, C]",
    "shares": "probs f32[B, C]",
    "classes": "labels int[B]",
    "sides": "signs f32[B]",
    "counts": "spikes f32[B]",
    "var": "var f32[B]",
    "logvar": "logvar f32[B]",
    "std": "std f32[B]",
}
DECLARED = {name: type for names, type in INPUTS.items() for name in names.split(", ")}
ROLES = {"LD410", "LD411", "LD412"}

# Wrong specs, the lint of each, the text that is pointed at, and part of the help.
WRONG = (
    ("cross_entropy(softmax(z), y)", "LD410", "softmax(z)", "`z`"),
    ("focal(softmax(2*z, temperature=2), y)", "LD410", "softmax(2*z, temperature=2)", "`2*z`"),
    ("focal(sigmoid(z), y)", "LD410", "sigmoid(z)", "`z`"),
    ("cross_entropy(shares, y)", "LD410", "shares", "before the softmax"),
    ("cross_entropy(softmax(z)[:, 1:], y)", "LD410", "softmax(z)[:, 1:]", "before"),
    ("cross_entropy(stop_gradient(softmax(z)), y)", "LD410", "stop_gradient(softmax(z))", None),
    ("focal(transpose(softmax(z)), y, class_axis=0)", "LD410", "transpose(softmax(z))", None),
    ("cross_entropy(where(flags, softmax(z), 0), y)", "LD410", "where(flags, softmax(z), 0)", None),
    ("focal(softmax(z) if k else softmax(x), y)", "LD410", "softmax(z) if k else softmax(x)", None),
    ("cross_entropy(concatenate(softmax(z), softmax(x), axis=1), y)", "LD410",
     "concatenate(softmax(z), softmax(x), axis=1)", None),
    ("cross_entropy(one_hot(y, C), softmax(z))", "LD410", "one_hot(y, C)", "swapped"),
    ("p = softmax(z)\nloss = cross_entropy(p, y)", "LD410", "p", "`z`"),
    ("def f(x) = softmax(x)\nloss = cross_entropy(f(z), y)", "LD410", "f(z)", None),
    ("def f(x: f32[B, C]) -> probs f32[B, C] = x/sum(x, axis=-1, keepdims=true)\n"
     "loss = cross_entropy(f(z), y)", "LD410", "f(z)", None),
    ("def f(p: probs f32[*S, K], y: int[*S]) = cross_entropy(p, y)\nloss = f(x, y)", "LD410", "p",
     None),
    ("binary_cross_entropy(sigmoid(score), target)", "LD410", "sigmoid(score)", "`score`"),
    ("binary_cross_entropy(log_sigmoid(score), target)", "LD410", "log_sigmoid(score)", "`score`"),
    ("kl(log_softmax(z), softmax(x))", "LD410", "log_softmax(z)", "`exp("),
    ("kl(scores, softmax(x))", "LD410", "scores", "`softmax(scores)`"),
    ("gaussian_nll(score, logvar, target)", "LD410", "logvar", "`exp(logvar)`"),
    ("gaussian_nll(score, std, target)", "LD410", "std", "`square(std)`"),
    ("mean(softmax(ones))", "LD411", "softmax(ones)", "`sigmoid`"),
    ("cross_entropy(ones, y)", "LD411", "ones", "`binary_cross_entropy`"),
    ("mean(log_softmax(z[:, :1], axis=-1))", "LD411", "log_softmax(z[:, :1], axis=-1)", None),
    ("hinge(score, classes)", "LD412", "classes", "`2*classes - 1`"),
    ("hinge(z, one_hot(y, C))", "LD412", "one_hot(y, C)", "`2*one_hot(y, C) - 1`"),
    ("hinge(score, where(m, 1, 0))", "LD412", "where(m, 1, 0)", None),
    ("hinge(score, bytes)", "LD412", "bytes", None),
    ("hinge(score, counts)", "LD412", "counts", None),
    ("hinge(score, sigmoid(target))", "LD412", "sigmoid(target)", None),
    ("kl(shares, one_hot(y, C)) + mean(softmax(ones))", "LD411", "softmax(ones)", None),
)  # fmt: skip

# Specs that look wrong and are right.
RIGHT = (
    "cross_entropy(log_softmax(z), y)",
    "cross_entropy(2*softmax(z) - 1, y)",
    "cross_entropy(softmax(z) @ transpose(softmax(x)) @ x, y)",
    "cross_entropy(sum(softmax(z)*x, axis=-1, keepdims=true)*z, y)",
    "cross_entropy(z, softmax(x))",
    "cross_entropy(z, one_hot(y, C))",
    "cross_entropy(z, shares)",
    "cross_entropy(scores, y)",
    "cross_entropy(where(flags, scores, -1e9), y)",
    "cross_entropy(softmax(z) if k else z, y)",
    "focal(z*sigmoid(x), y)",
    "accuracy(softmax(z), y)",
    "accuracy(one_hot(y, C), classes)",
    "mse(softmax(z), one_hot(y, C))",
    "mse(sigmoid(score), target)",
    "mean(softmax(softmax(z)))",
    "kl(softmax(z), softmax(x))",
    "kl(one_hot(y, C), shares)",
    "kl(exp(log_softmax(z)), shares)",
    "kl(z, x)",
    "binary_cross_entropy(score, sigmoid(target))",
    "binary_cross_entropy(ones, sigmoid(ones))",
    "binary_cross_entropy(z, one_hot(y, C))",
    "gaussian_nll(score, var, target)",
    "gaussian_nll(score, exp(logvar), target)",
    "gaussian_nll(score, square(std), target)",
    "mean(softmax(ones, axis=0))",
    "mean(softmax(z[:, :2]))",
    "mean(softmax(score[None, :]))",
    "hinge(score, sides)",
    "hinge(score, sign(target))",
    "hinge(score, 2*classes - 1)",
    "hinge(score, where(m, 1, -1))",
    "hinge(score, where(m, 1, 1))",
    "hinge(z, 2*one_hot(y, C) - 1)",
    "hinge(score, y)",
)

# Labels and literals that a function does not take, with the text that is pointed at and a word.
CONSTANTS = (
    ("cross_entropy(z, (0, 3))", "LD208", "(0, 3)", "element 1 is 3"),
    ("cross_entropy(z, (0, -1))", "LD208", "(0, -1)", "counts from 0 to 2; element 1 is -1"),
    ("cross_entropy(z, (0, -1), ignore_index=3)", "LD208", "(0, -1)", "from 0 to 2 or 3"),
    ("cross_entropy(t, (0, 2), class_axis=0)", "LD208", "(0, 2)", "from 0 to 1"),
    ("focal(z, (1, 1 + 2))", "LD208", "(1, 1 + 2)", "element 1 is 3"),
    ("accuracy(z, (0, 5))", "LD208", "(0, 5)", "of `accuracy`"),
    ("mean(one_hot((0, 1, 5), 3))", "LD208", "(0, 1, 5)", "of `one_hot`"),
    ("mean(take(z, (0, 2)))", "LD208", "(0, 2)", "from 0 to 1"),
    ("mean(take(z, (0, 3), axis=1))", "LD208", "(0, 3)", "from 0 to 2"),
    ("def f(z, y) = cross_entropy(z, y)\nloss = f(z, (0, 3))", "LD208", "y", "element 1 is 3"),
    ("mean(softmax(z, temperature=0))", "LD503", "0", "in (0, inf)"),
    ("mean(softmax(z, temperature=1 - 1))", "LD503", "1 - 1", "this is 0"),
    ("def f(z, t) = softmax(z, temperature=t)\nloss = mean(f(z, -0.5))", "LD503", "t", "-0.5"),
    ("cross_entropy(z, (0, 1), smoothing=1.5)", "LD503", "1.5", "in [0, 1]"),
    ("pinball(z, z, q=1)", "LD503", "1", "in (0, 1)"),
    ("pinball(z, w, q=(0.1, 1.5, 0.9))", "LD503", "(0.1, 1.5, 0.9)", "element 1 is 1.5"),
    ("kl((0.2, 1.8), w)", "LD503", "(0.2, 1.8)", "element 1 is 1.8"),
    ("hinge(w, (0, 1))", "LD503", "(0, 1)", "is -1 or 1; element 0 is 0"),
    ("gaussian_nll(w, -1, w)", "LD503", "-1", "(0, inf)"),
    ("ctc(a, s, y_length=(1, 4))", "LD208", "(1, 4)", "from 0 to 3"),
    ("ctc(a, s, blank=5)", "LD208", "5", "`blank` of `ctc` counts from 0 to 4"),
    ("mean(softmax(e))", "LD222", "softmax(e)", "no classes"),
    ("cross_entropy(e, (0, 1))", "LD222", "e", "no classes"),
)
ALLOWED = (
    "cross_entropy(z, (0, 2))",
    "cross_entropy(z, (0, -1), ignore_index=-1)",
    "cross_entropy(z, (0, 0), ignore_index=0)",
    "cross_entropy(t, (0, 1), class_axis=0)",
    "mean(one_hot((0, 1, 2), 3))",
    "mean(take(z, (0, 1)))",
    "mean(softmax(z, temperature=1e-3))",
    "cross_entropy(z, (0, 1), smoothing=1)",
    "pinball(z, 2*z, q=0.999)",
    "hinge(w, (-1, 1))",
    "kl((0, 1), w)",
    "ctc(a, s, y_length=(0, 3))",
)
SIZED = {
    "z": "f32[2, 3]", "t": "f32[2, 2]", "w": "f32[2]", "e": "f32[2, 0]", "a": "f32[2, 7, 5]",
    "s": "int[2, 3]",
}  # fmt: skip


@pytest.mark.parametrize(("text", "code", "place", "help"), WRONG, ids=lambda one: str(one)[:60])
def test_a_contradiction_is_found(text: str, code: str, place: str, help: str | None) -> None:
    (found,) = (one for one in lossdsl.check(text, DECLARED).diagnostics if one.code in ROLES)
    assert (found.code, found.severity) == (code, "warning")
    assert found.span is not None and found.span.text == place
    assert found.help and (help or "") in found.help


@pytest.mark.parametrize("text", RIGHT)
def test_what_only_looks_wrong_is_left_alone(text: str) -> None:
    assert not lossdsl.check(text, DECLARED).diagnostics


def test_there_are_as_many_right_specs_as_wrong_ones() -> None:
    assert len(RIGHT) >= len(WRONG)


@pytest.mark.parametrize("text", [
    "cross_entropy(softmax(z), y)", "binary_cross_entropy(sigmoid(z), y)",
    "kl(log_softmax(z), softmax(x))", "hinge(x, one_hot(y, 3))",
])  # fmt: skip
def test_roles_are_known_where_no_type_is(text: str) -> None:
    assert ROLES & {one.code for one in lossdsl.check(text).diagnostics}


def test_a_fix_gives_the_right_spec() -> None:
    text = "cross_entropy(softmax(z), y) + mse(z, w)"
    (found,) = lossdsl.check(text).diagnostics
    assert found.fix is not None
    mended = text[: found.fix.span.start] + found.fix.text + text[found.fix.span.end :]
    assert mended == "cross_entropy(z, y) + mse(z, w)"
    assert not lossdsl.check(mended).diagnostics


@pytest.mark.parametrize(("text", "left"), [
    ("cross_entropy(softmax(z), y)  # lossdsl: allow LD410", []),
    ("# lossdsl: allow LD410\ncross_entropy(softmax(z), y)", []),
    ("# lossdsl: allow LD411, LD410\ncross_entropy(softmax(z), y)", []),
    ("# lossdsl: allow LD411\ncross_entropy(softmax(z), y)", ["LD410"]),
    ("mean(z)  # lossdsl: allow LD410\n + cross_entropy(softmax(z), y)", ["LD410"]),
    ("mean(z)\n # lossdsl: allow LD410\n + cross_entropy(softmax(z), y)", []),
    ("# lossdsl: allow LD410\n\ncross_entropy(softmax(z), y)", ["LD410"]),
    ("# lossdsl: allow LD101\nnothing(z)", ["LD101"]),
])  # fmt: skip
def test_a_comment_allows_a_warning_and_no_error(text: str, left: list[str]) -> None:
    assert [one.code for one in lossdsl.check(text).diagnostics] == left


def test_no_spec_of_the_corpus_is_warned_of() -> None:
    for path in sorted(FOLDER.glob("*.md")):
        for case in cases(path):
            if case.kind not in ("error", "warning"):
                found = {one.code for one in checked(case, case.text).diagnostics}
                assert not found & ROLES, case.name


def test_no_definition_or_example_of_the_library_is_warned_of() -> None:
    library = builtins()
    for name in library:
        function = library[name]
        found = [*check_definitions(function.definitions, library, lossdsl.Limits())]
        for line in function.about.get("example", "").splitlines():
            found += lossdsl.check(line).diagnostics
        assert not {one.code for one in found} & {*ROLES, "LD208", "LD503"}, name


def test_no_page_is_warned_of(root: Path) -> None:
    for path in (root / "README.md", *(root / "docs").glob("*.md")):
        for block in re.findall(r"^```loss\n(.*?)^```", path.read_text(), re.M | re.S):
            assert not {one.code for one in lossdsl.check(block).diagnostics} & ROLES, path


@pytest.mark.parametrize(("text", "code", "place", "said"), CONSTANTS)
def test_a_constant_that_a_function_does_not_take(
    text: str, code: str, place: str, said: str
) -> None:
    (found,) = lossdsl.check(text, SIZED).diagnostics
    assert found.code == code
    assert found.span is not None and found.span.text == place
    assert said in found.message


@pytest.mark.parametrize("text", ALLOWED)
def test_a_constant_that_a_function_takes(text: str) -> None:
    assert not lossdsl.check(text, SIZED).diagnostics


@pytest.mark.parametrize(("type", "code", "help"), [
    ("f32[B]", "LD214", "whole numbers"),
    ("int[B, 1]", "LD201", "`squeeze(y, -1)`"),
    ("bool[B]", "LD216", "`where="),
])  # fmt: skip
def test_labels_of_the_wrong_type(type: str, code: str, help: str) -> None:
    (found,) = lossdsl.check("cross_entropy(z, y)", {"z": "f32[B, K]", "y": type}).diagnostics
    assert found.code == code
    assert found.help and help in found.help


# What holds elements of its operand as they are says so; here is one call of each.
KEEPING = {
    "broadcast": "broadcast(x[:, :1], like=x)", "concatenate": "concatenate(x, x)",
    "diag": "diag(x[:3])",
    "expand": "expand(x, 1)", "reshape": "reshape(x, (2, 6))", "squeeze": "squeeze(x[:, :1], 1)",
    "stack": "stack(x, x)", "stop_gradient": "stop_gradient(x)", "sg": "sg(x)",
    "take": "take(x, i)", "take_along": "take_along(x, i[:, None])", "transpose": "transpose(x)",
    "where": "where(x > 0, x, stop_gradient(x))",
}  # fmt: skip


def test_a_function_that_keeps_elements_changes_none() -> None:
    library = builtins()
    assert {name for name in library if library[name].keeps} == set(KEEPING)
    x, i = jax.random.normal(jax.random.key(0), (4, 3)), jnp.array([0, 2, 1, 1])
    for name, text in KEEPING.items():
        found = lossdsl.compile(f"loss = mean(x)\nmetric it = {text}\nmetric i = mean(i)")
        made = found.with_terms(x=x, i=i)[1].metrics["it"]
        assert np.isin(np.asarray(made), np.asarray(x)).all(), name


def test_every_role_has_words_and_tables_agree() -> None:
    for wanted, given in {**SCALES, **CODINGS}:
        assert words(wanted) and words(given) and wanted != given
    assert not SCALES.keys() & CODINGS.keys()
    assert all(range.low < range.high for range in ROLE_RANGES.values())
