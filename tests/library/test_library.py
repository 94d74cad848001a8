"""The library as a whole: every function is documented, its example runs, its laws hold."""

from __future__ import annotations

import inspect
import os
import re
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from oracle import evaluate, type_of
from programs import core_of, expected
from test_differential import ROWS
from test_dtypes import LIMITS, renamed

import lossdsl
from lossdsl.checking import check_library
from lossdsl.core.graph import Core
from lossdsl.library.aliases import folded, known_as
from lossdsl.library.declare import Builtin, builtins, of_form, primitives
from lossdsl.library.function import is_operand
from lossdsl.library.syntax_forms import Form
from lossdsl.lower.foreign import kernel_misfit
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.testing import checks
from lossdsl.testing.law_tests import LAWS, refuted
from lossdsl.testing.trial import Subject, slopes

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
FUNCTIONS = {name: function for name, function in builtins().functions.items() if function.about}
PUBLIC = {name: function for name, function in FUNCTIONS.items() if not function.internal}
PRIMITIVES = {name: f for name, f in FUNCTIONS.items() if f.factory and not f.internal}
WRITTEN = {name: function for name, function in FUNCTIONS.items() if function.definitions}
LOSSES = {name: function for name, function in WRITTEN.items() if function.is_loss}
FORMS = "forms"

# Functions that every numerical library has: they are their own definition.
ELEMENTARY = {
    "elementwise", "activations", "operators", "reductions", "statistics", "axes", "shapes",
    "linalg", "segments", "array",
}  # fmt: skip

# The arguments of these are read by the checker; their kernels receive what it makes of them.
READ_BY_THE_CHECKER = {"bounds", "penalty", "map"}


def subject(name: str) -> Subject:
    return Subject(FUNCTIONS[name], builtins(), {})


def test_what_cannot_be_called_is_a_form_or_an_operator() -> None:
    assert all(one.form or one.operator for one in primitives().values() if one.internal)
    # A form may have two names, as `stop_gradient` is `sg` too, and stands for one function.
    assert {one.form for one in primitives().values() if one.form} == {*Form}
    assert {of_form(form).form for form in Form} == {*Form}
    assert of_form(Form.STOP_GRADIENT).name == "stop_gradient"


@pytest.mark.parametrize("name", PUBLIC)
def test_is_documented(name: str) -> None:
    checks.documented(subject(name))
    if PUBLIC[name].family not in ELEMENTARY | {FORMS}:
        assert PUBLIC[name].about.get("cite"), "no citation"


def test_a_loss_that_is_a_primitive_says_why() -> None:
    families = {function.family for function in LOSSES.values()} | {"constraints"}
    for name, function in PRIMITIVES.items():
        if function.family in families and not function.elementwise:
            assert function.about.get("primitive"), f"no reason beside `{name}`"


def test_most_losses_are_written_in_the_language(capsys: pytest.CaptureFixture[str]) -> None:
    primitives = [name for name, function in PRIMITIVES.items() if function.about.get("primitive")]
    total = len(LOSSES) + len(primitives)
    with capsys.disabled():
        share = f"{len(LOSSES)} of {total} losses are written in the language, not {primitives}"
        sys.stdout.write(f"\n{share}\n")
    assert len(LOSSES) / total >= 0.85


@pytest.mark.parametrize("name", sorted(set(PRIMITIVES) - READ_BY_THE_CHECKER))
def test_kernel_takes_what_its_signature_says(name: str) -> None:
    assert kernel_misfit(PRIMITIVES[name]) is None


EXAMPLES = [
    (name, text)
    for name, function in FUNCTIONS.items()
    for text in function.about.get("example", "").splitlines()
]


# The gradients of first examples are in `test_extremes.py`, where the call in each is tried.
GROUPS = {f"values {group}": EXAMPLES[group::10] for group in range(10)}
LATER = [one for one in EXAMPLES if one[1] != subject(one[0]).example]
SLOPES = {"all": EXAMPLES} if SOAK else {"later ones": LATER}


def joined(examples: list[tuple[str, str]]) -> tuple[str, dict[str, Any]]:
    """Return the sum of examples as one text, with inputs that have names of their own."""
    values: dict[str, Any] = {}
    written: list[str] = []
    for at, (name, text) in enumerate(examples):
        drawn = subject(name).draw(text, 0)
        values |= {f"f{at}_{one}": value for one, value in drawn.items()}
        written.append(renamed(text, f"f{at}_", drawn))
    return "loss = " + " + ".join(f"({one})" for one in written), values


@pytest.mark.parametrize("examples", GROUPS.values(), ids=GROUPS)
def test_examples_are_worth_what_the_oracle_says(examples: list[tuple[str, str]]) -> None:
    text, values = joined(examples)
    _, terms = lossdsl.compile(text, limits=LIMITS).with_terms(**values)
    right = expected(text, jax.tree.map(np.asarray, values)).terms["loss"]
    assert len(terms.raw) == len(examples)
    for (name, raw), one in zip(terms.raw.items(), right.values(), strict=True):
        assert np.isfinite(raw), name
        np.testing.assert_allclose(raw, one.raw, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("examples", SLOPES.values(), ids=SLOPES)
def test_examples_have_finite_gradients(examples: list[tuple[str, str]]) -> None:
    text, values = joined(examples)
    value, gradient = slopes(lossdsl.compile(text, limits=LIMITS), values)
    assert np.isfinite(value)
    for name, slope in gradient.items():
        finite = all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slope))
        assert finite, f"{name} in {text}"


FILES = sorted(Path(lossdsl.__file__).parent.glob("library/losses/*.loss"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_every_body_is_right_whoever_calls_it(path: Path) -> None:
    library, found = check_library(Source(path.read_text(encoding="utf-8"), str(path)))
    assert library is not None
    assert found == ()


PARTIAL = [(name, parameter) for name, f in FUNCTIONS.items() for parameter in f.partial]


@pytest.mark.parametrize(("name", "parameter"), PARTIAL)
def test_function_is_finite_at_its_safe_value(name: str, parameter: str) -> None:
    function = FUNCTIONS[name]
    names = [one.name for one in function.signatures[0].parameters if is_operand(one)]
    operands = [jnp.float32(function.partial.get(one, 1.0)) for one in names]
    at = names.index(parameter)
    value, slope = jax.value_and_grad(function.kernel, at)(*operands)
    assert np.isfinite(value)
    assert np.isfinite(slope)


class Interpreted(Subject):
    """A function whose value the oracle computes; what is compiled is held against it above."""

    @cached_property
    def cores(self) -> dict[Any, Core]:
        return {}

    def value(self, values: Mapping[str, Any]) -> list[np.ndarray]:
        text = self.with_option('reduce="none"') if self.function.is_loss else self.call
        inputs = jax.tree.map(np.asarray, dict(values))
        kinds = tuple(type_of(one) for one in inputs.values())
        if kinds not in self.cores:
            self.cores[kinds] = core_of(f"metric value = {text}\nloss = 1.0*sum({text})", inputs)
        found = evaluate(self.cores[kinds], inputs).metrics["value"]
        return list(found.values()) if isinstance(found, Mapping) else [np.asarray(found, float)]


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if FUNCTIONS[name].laws])
def test_laws(name: str) -> None:
    made = Subject if SOAK else Interpreted
    checks.laws(made(FUNCTIONS[name], builtins(), {}))


@pytest.mark.parametrize("law", LAWS)
def test_law_can_be_refuted(law: str) -> None:
    """Each law is broken by a function, so that none of them holds for everything."""
    function, compute = BROKEN[law]
    assert refuted(builtins()[function], law, compute, range(3)) is not None


def _of(compute: Callable[..., Any]) -> Callable[[str, Mapping[str, Any]], list[np.ndarray]]:
    return lambda text, values: [np.asarray(compute(*values.values()))]


SKEW = np.arange(1.0, 5.0)
BROKEN = {
    "nonneg": ("mse", _of(lambda a, b: a - b)),
    "unit": ("mse", _of(lambda a, b: 5 * (a - b) ** 2)),
    "zero": ("mse", _of(lambda a, b: a + b)),
    "symmetric": ("mse", _of(lambda a, b: a - b)),
    "antisymmetric": ("mse", _of(lambda a, b: a + b)),
    "convex": ("mse", _of(lambda a, b: -(a**2))),
    "concave": ("mse", _of(lambda a, b: a**2)),
    "even": ("mse", _of(lambda a, b: a)),
    "odd": ("mse", _of(lambda a, b: a**2)),
    "monotone": ("mse", _of(lambda a, b: -a)),
    "shift": ("mse", _of(lambda a, b: a)),
    "translation": ("mse", _of(lambda a, b: a * b)),
    "scale": ("mse", _of(lambda a, b: a**2)),
    "normalized": ("normalize", _of(np.sign)),
    "flat": ("mse", _of(lambda a, b: np.floor(a) + 0.01 * b + 0.01 * a)),
    "permutation": ("mse", _of(lambda a, b: a * SKEW)),
}


# Facts of the declarations as a whole.

COMPLETE = 150


def lacking(function: Builtin, rows: set[str]) -> list[str]:
    """Return what the declaration of a function does not say."""
    about = function.about
    says = {
        "signature": function.signatures,
        "laws": function.laws,
        "example": about.get("example"),
        "citation": about.get("cite"),
        "row": function.name in rows,
    }
    return [what for what, said in says.items() if not said]


def test_at_least_150_functions_are_complete(capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row.declared.name for row in ROWS}
    complete = [one for one in PUBLIC.values() if not lacking(one, rows)]
    with_roles = [one for one in complete if any(map(_has_roles, one.signatures))]
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(PUBLIC)} functions, {len(complete)} with signature, laws, example, citation "
            f"and a differential row, {len(with_roles)} of them with roles\n"
        )
    assert len(complete) >= COMPLETE


def _has_roles(signature: ast.Signature) -> bool:
    return any(getattr(node, "role", None) for node in ast.walk(signature))


LISTED = re.findall(r"\w+", Path(__file__).with_name("catalogue.txt").read_text())


@pytest.mark.parametrize("name", LISTED)
def test_catalogue_is_complete(name: str) -> None:
    assert name in PUBLIC


def test_every_loss_and_schedule_of_optax_is_known() -> None:
    def public(module: Any) -> list[str]:
        return [
            name
            for name, value in vars(module).items()
            if inspect.isfunction(value) and not name.startswith("_")
        ]

    table, near = builtins().aliases, builtins().unlike
    names = {*public(optax.losses), *public(optax.schedules)} - OF_NO_LOSS
    unknown = (name for name in names if known_as(name, table) is None)
    assert sorted(name for name in unknown if folded(name) not in near) == []


# Makers of optimizers.
OF_NO_LOSS = {"inject_hyperparams", "inject_stateful_hyperparams"}


def test_no_alias_is_claimed_twice() -> None:
    claimed: dict[str, str] = {}
    for name, function in PUBLIC.items():
        for alias in function.aliases:
            assert alias not in PUBLIC, f"`{alias}`, an alias of `{name}`, is a function"
            assert claimed.setdefault(alias, name) == name, f"`{alias}` is claimed twice"


def test_other_names_are_known() -> None:
    table = builtins().aliases
    for name in ("CrossEntropyLoss", "softmax_cross_entropy", "sparse_categorical_crossentropy"):
        assert known_as(name, table) == "cross_entropy"
    assert known_as("BCEWithLogits", table) == "binary_cross_entropy"
    assert known_as("nothing_like_it", table) is None
