"""The library as a whole: every function is documented, its example runs, its laws hold."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from library_cases import TYPES, arguments, draws, names_in

import lossdsl
from lossdsl.check.primitives import is_operand
from lossdsl.library.aliases import ALIASES, known_as
from lossdsl.library.declare import Builtin, builtins

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


def examples() -> list[tuple[str, str]]:
    return [
        (name, text)
        for name, function in FUNCTIONS.items()
        for text in function.about.get("example", "").splitlines()
    ]


@pytest.mark.parametrize("name", PUBLIC)
def test_is_documented(name: str) -> None:
    about = PUBLIC[name].about
    assert about.get("summary", "").endswith("."), "a summary is a sentence"
    assert about.get("example"), "no example"
    if PUBLIC[name].family not in ELEMENTARY | {FORMS}:
        assert about.get("cite"), "no citation"


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
    function = PRIMITIVES[name]
    for signature in function.signatures:
        operands: list[Any] = []
        statics: dict[str, Any] = {}
        for parameter in signature.parameters:
            if is_operand(parameter):
                operands += [None] * (2 if parameter.variadic else 1)
            else:
                statics[parameter.name] = None
        if function.reduction:
            operands += [None, None] if function.weighted else [None]
            statics |= {"axis": None, "keepdims": False}
            statics |= {"normalize": "weight"} if function.weighted else {}
        inspect.signature(function.kernel).bind(*operands, **statics)


def perturbable(value: Any) -> bool:
    return all(
        np.issubdtype(np.asarray(leaf).dtype, np.floating) for leaf in jax.tree.leaves(value)
    )


@pytest.mark.parametrize(("name", "text"), examples())
def test_example_has_a_finite_value_and_gradient(name: str, text: str) -> None:
    inputs = {one: TYPES[one] for one in names_in(text)}
    result = lossdsl.check(text, inputs=inputs)
    assert result.ok, [f"{one.code}: {one.message}" for one in result.diagnostics]
    loss = lossdsl.compile(text, inputs=inputs)
    given = {one: draws(0)[one] for one in inputs}
    moving = {one: value for one, value in given.items() if perturbable(value)}
    fixed = {one: value for one, value in given.items() if one not in moving}
    value, slopes = jax.value_and_grad(lambda moving: loss(**moving, **fixed))(moving)
    assert np.isfinite(value)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))


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


# Laws of kernels with one operand, and of reductions along an axis.

A, B = np.random.default_rng(1).normal(size=(2, 64, 5)).astype(np.float32)

Compute = Callable[[Any], Any]
LAWS: dict[str, Callable[[Compute, Any, Any], Any]] = {
    "nonneg": lambda f, a, b: f(a) >= 0,
    "even": lambda f, a, b: np.isclose(f(-a), f(a), rtol=1e-5),
    "odd": lambda f, a, b: np.isclose(f(-a), -f(a), rtol=1e-5),
    "monotone": lambda f, a, b: f(a + abs(b)) >= f(a) - 1e-5,
    "convex": lambda f, a, b: f((a + b) / 2) <= (f(a) + f(b)) / 2 + 1e-5,
    "concave": lambda f, a, b: f((a + b) / 2) >= (f(a) + f(b)) / 2 - 1e-5,
}
OF_POSITIVE_NUMBERS = {"log", "log1p", "sqrt", "entr"}


def claims(functions: dict[str, Builtin]) -> list[tuple[str, str]]:
    return [(name, law) for name, function in functions.items() for law in function.laws]


@pytest.mark.parametrize(("name", "law"), claims(PRIMITIVES))
def test_law_of_a_primitive(name: str, law: str) -> None:
    function = PRIMITIVES[name]
    options = {"axis": (1,)} if function.reduction else {}
    required = [one for one in function.signatures[0].parameters if one.default is None]
    others = [1.0 for one in required[1:] if is_operand(one)]

    def compute(x: Any) -> Any:
        return np.asarray(function.kernel(jnp.asarray(x), *others, **options))

    a, b = (abs(A), abs(B)) if name in OF_POSITIVE_NUMBERS else (A, B)
    assert np.all(LAWS[law](compute, a, b))


# Laws of losses and other functions that are written in the language.


def applied(name: str, inputs: list[str], values: dict[str, Any]) -> Any:
    """Return the unreduced value of a loss, or the value of a function, as an objective."""
    options = ', reduce="sum"' if PUBLIC[name].is_loss else ""
    declared = {one: TYPES[one] for one in inputs if one in TYPES}
    call = f"{name}({', '.join(inputs)}{options})"
    loss = lossdsl.compile(call if options else f"sum({call})", inputs=declared)
    return float(loss(**{one: values[one] for one in declared}))


def mixed(a: Any, b: Any) -> Any:
    return jax.tree.map(lambda one, other: (one + other) / 2, a, b)


@pytest.mark.parametrize(("name", "law"), claims(WRITTEN))
def test_law_of_what_is_written_in_the_language(name: str, law: str) -> None:
    inputs = arguments(PUBLIC[name])
    if inputs is None or len(inputs) == 0:
        inputs = ["step", "0", "100"]
    first, *rest = inputs
    for seed in range(5):
        values, others = draws(seed), draws(seed + 100)
        found = applied(name, inputs, values)
        slack = 1e-5 * (1 + abs(found))
        match law:
            case "nonneg":
                assert found >= -slack
            case "zero":
                equal = {**values, rest[0]: values[first]}
                assert abs(applied(name, inputs, equal)) <= 1e-5
            case "symmetric":
                swapped = {**values, first: values[rest[0]], rest[0]: values[first]}
                assert abs(applied(name, inputs, swapped) - found) <= slack
            case "convex":
                other = {**values, first: others[first]}
                middle = {**values, first: mixed(values[first], others[first])}
                ends = (found + applied(name, inputs, other)) / 2
                assert applied(name, inputs, middle) <= ends + slack
            case _:
                pytest.fail(f"no test of the law `{law}`")


def test_aliases_name_functions_that_exist() -> None:
    assert set(ALIASES.values()) <= set(PUBLIC)
    for name in ("CrossEntropyLoss", "softmax_cross_entropy", "sparse_categorical_crossentropy"):
        assert known_as(name) == "cross_entropy"
    assert known_as("SmoothL1Loss") == "huber"
    assert known_as("nothing_like_it") is None
