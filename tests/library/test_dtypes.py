"""Every function in every dtype: what it accepts it computes as float64 NumPy does, or nearly.

The calls are the examples of the library; what they are given is drawn from signatures and stored
in a dtype. Many calls are one program, each a metric of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import widened
from programs import expected

import lossdsl
from lossdsl import Library
from lossdsl.library.declare import builtins
from lossdsl.limits import Limits
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.syntax.parse import parse_program
from lossdsl.testing.draw import draw, inputs_of
from lossdsl.testing.law_tests import SIZES
from lossdsl.testing.trial import Subject

LIMITS = Limits(text_length=10**6, nodes=10**6, terms=1000, symbols=10**4)
SUBJECTS = [
    Subject(function, builtins(), {}) for _, function in sorted(builtins().functions.items())
]

# What takes functions or constraints has no values to be drawn for it.
UNDRAWN = ("bounds", "map", "penalty")
# The dtypes that an input cannot have, by code: a distribution or a parameter in whole numbers, a
# truth value as a number, a literal that an unsigned number cannot be.
REFUSED = {"LD203", "LD209", "LD214", "LD216", "LD502"}


@dataclass(frozen=True)
class Call:
    """A call whose inputs have names that no other call has, and their values."""

    name: str
    text: str
    inputs: Mapping[str, Any]


def written(subject: Subject) -> str:
    return subject.with_option('reduce="none"') if subject.function.is_loss else subject.call


def calls(
    make: Callable[[Subject], Mapping[str, Any]],
    subjects: Sequence[Subject],
    text_of: Callable[[Subject], str] = written,
) -> list[Call]:
    """Return a call of every function that accepts what is made for it."""
    found: list[Call] = []
    for at, subject in enumerate(subjects):
        if subject.name in UNDRAWN:
            continue
        values = make(subject)
        text = renamed(text_of(subject), f"f{at}_", values)
        given = {f"f{at}_{name}": value for name, value in values.items()}
        spec = f"metric value = {text}\nloss = 1.0*one"
        checked = lossdsl.check(spec, {**given, "one": "f32"}, subject.library)
        wrong = {one.code for one in checked.diagnostics if one.severity == "error"}
        assert wrong <= REFUSED, (subject.name, checked.diagnostics)
        if not wrong:
            found.append(Call(subject.name, text, given))
    return found


def renamed(text: str, prefix: str, names: Collection[str]) -> str:
    """Return a text with a prefix before some of the names that are read in it."""
    program, _ = parse_program(Source(text))
    assert program is not None
    read = (node for node in ast.walk(program) if isinstance(node, ast.Name))
    places = {node.span.start for node in read if node.id in names}
    for start in sorted(places, reverse=True):
        text = text[:start] + prefix + text[start:]
    return text


def program(group: Sequence[Call]) -> str:
    lines = (f"metric m{at} = {call.text}" for at, call in enumerate(group))
    return "\n".join(["loss = 1.0*one", *lines])


def given(group: Sequence[Call]) -> dict[str, Any]:
    return {"one": np.float32(1), **{k: v for call in group for k, v in call.inputs.items()}}


def values(group: Sequence[Call], library: Library | None = None) -> list[list[np.ndarray]]:
    """Return the leaves of what each call is worth, in float64."""
    compiled = lossdsl.compile(program(group), library=library, limits=LIMITS)
    _, terms = compiled.with_terms(**given(group))
    return [_leaves(terms.metrics[f"m{at}"]) for at in range(len(group))]


def _leaves(value: Any) -> list[np.ndarray]:
    return [np.asarray(leaf).astype(np.float64) for leaf in jax.tree.leaves(value)]


def stored(value: Any, dtype: Any) -> Any:
    """Return a value in a dtype: integers are never floats, and what is unsigned is positive."""
    array, kind = np.asarray(value), jnp.dtype(dtype).kind
    if array.dtype == bool or (array.dtype.kind == "i" and kind not in "iu"):
        return array
    if kind == "b":
        return array > 0.5
    if kind in "iu":
        return (np.abs(np.round(array)) if kind == "u" else np.round(array)).astype(dtype)
    return array.astype(jnp.dtype(dtype))


# The types: the interpreter holds every value against its node while a program is traced.


# One of each kind on every change: a half, a narrow integer, an unsigned one, and truth values.
SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
HALVES = ["bfloat16", "float16"][: 2 if SOAK else 1]
NARROW = ["int8", "uint16"][: 2 if SOAK else 1]


@pytest.mark.parametrize("dtype", [*HALVES, *NARROW, "bool"])
def test_a_call_has_the_types_of_its_nodes_in_every_dtype(dtype: str) -> None:
    _traced(dtype, nullcontext(), SUBJECTS)


def test_a_call_has_the_types_of_its_nodes_in_float64() -> None:
    _traced("float64", jax.enable_x64(True), SUBJECTS)


# Where floats are computed, integers are first converted, as those of 8 bits are above. Those of
# 32 bits are traced where their values are held against the oracle.
@pytest.mark.parametrize("dtype", ["int64", "uint64", "uint32"][: 3 if SOAK else 1])
def test_what_counts_has_the_types_of_its_nodes(dtype: str) -> None:
    wide = jax.enable_x64(True) if dtype.endswith("64") else nullcontext()
    _traced(dtype, wide, SUBJECTS if SOAK else [one for one in SUBJECTS if _counts(one)])


def _traced(dtype: str, context: AbstractContextManager[Any], subjects: Sequence[Subject]) -> None:
    def make(subject: Subject) -> Mapping[str, Any]:
        drawn = draw(subject.drawn, subject.call, 0, SIZES)
        return jax.tree.map(lambda value: stored(value, dtype), drawn)

    with context:
        group = calls(make, subjects)
        compiled = lossdsl.compile(program(group), limits=LIMITS)
        types = jax.eval_shape(lambda inputs: compiled._terms(inputs)[1].metrics, given(group))
    assert len(types) == len(group)


# The values: integers at the ends of their range, against the oracle on the same numbers.


# Narrow ones and unsigned ones; `uint16` is both.
@pytest.mark.parametrize("dtype", ["int8", "int32", "uint32", "uint16"][: 4 if SOAK else 3])
def test_integers_are_worth_what_they_are_in_float64(dtype: str) -> None:
    subjects = [one for one in SUBJECTS if _counts(one)]
    group = calls(lambda subject: _whole(subject, dtype), subjects, _unreduced)
    wrong: list[str] = []
    for call, computed, right in zip(group, values(group), oracle_values(group), strict=True):
        pairs = zip(computed, right, strict=True)
        if not all(np.allclose(a, b, rtol=1e-5, atol=1e-5, equal_nan=True) for a, b in pairs):
            wrong.append(f"{call.text}: {computed} for {right}")
    assert not wrong, "\n".join(wrong)


def oracle_values(group: Sequence[Call]) -> list[list[np.ndarray]]:
    """Return the leaves of what each call is worth by the oracle, on the same numbers."""
    wide = {name: jax.tree.map(widened, value) for name, value in given(group).items()}
    metrics = expected(program(group), wide).metrics
    return [_oracle_leaves(metrics[f"m{at}"]) for at in range(len(group))]


def _oracle_leaves(value: Any) -> list[np.ndarray]:
    leaves = value.values() if isinstance(value, dict) else [value]
    return [np.asarray(leaf, np.float64) for leaf in leaves]


def _own(subject: Subject) -> str:
    """Return a call whose inputs have the names of parameters, and so their types, if it can be."""
    needed = [
        one for one in subject.function.signatures[0].parameters if one.required or one.variadic
    ]
    if not all(getattr(one.type, "dtype", "int") != "int" for one in needed):
        return subject.call
    return f"{subject.name}({', '.join(one.name for one in needed)})"


def _unreduced(subject: Subject) -> str:
    more = ', reduce="none"' if subject.function.is_loss else ""
    return f"{_own(subject)[:-1]}{more})"


def _counts(subject: Subject) -> bool:
    """Say whether a function computes with integers as such, not as floats from the start."""
    types = inputs_of(subject.function, _own(subject)).values() if subject.call else ()
    return any(
        isinstance(one, ast.ArrayTypeExpr) and one.dtype in ("num", "any", "int") for one in types
    )


def _whole(subject: Subject, dtype: str) -> Mapping[str, Any]:
    """Return integers of the whole range of a dtype, but labels and what has a domain as drawn."""
    types = inputs_of(subject.drawn, _own(subject))
    drawn = draw(subject.drawn, _own(subject), 0, SIZES)
    ends = np.iinfo(dtype)
    low, high = (ends.min, ends.max) if ends.bits < 32 else (-(10**5) if ends.min else 0, 10**5)
    random = np.random.default_rng(0)

    def free(name: str) -> bool:
        one = types[name]
        return (
            isinstance(one, ast.ArrayTypeExpr)
            and one.role is None
            and one.dtype in ("num", "any")
            and name not in subject.function.domains
        )

    return {
        name: random.integers(low, high, value.shape, endpoint=True).astype(dtype)
        if free(name)
        else jax.tree.map(lambda one: stored(one, dtype), value)
        for name, value in drawn.items()
    }


# The operators, between any two dtypes of numbers, at the ends of their ranges.

STORED = ("int8", "int16", "int32", "uint8", "uint16", "uint32", "float32")
OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "1.0*({a} + {b})": np.add,
    "1.0*({a} - {b})": np.subtract,
    "1.0*({a}*{b})": np.multiply,
    "{a}/{b}": np.divide,
    "1.0*({a} // {b})": np.floor_divide,
    "1.0*({a} % {b})": np.remainder,
    "1.0*(maximum({a}, {b}))": np.maximum,
    "where({a} > {b}, {a}, {b})": np.maximum,
    "{a} < {b}": np.less,
    "{a} >= {b}": np.greater_equal,
    "{a} == {b}": np.equal,
    "{a} != {b}": np.not_equal,
    "1.0*(abs({a} - {b}))": lambda a, b: np.abs(a - b),
    "1.0*(2*{a} - {b})": lambda a, b: 2 * a - b,
    "1.0*(square({a}) - {b})": lambda a, b: a * a - b,
    "1.0*({a} @ {b})": np.dot,
}


def _ends(dtype: str) -> np.ndarray:
    """Return numbers up to the ends of a dtype, or to the largest that a float holds exactly."""
    if dtype == "float32":
        return np.array([1.5, -100.0, 3.0, 7.0], dtype)
    ends = np.iinfo(dtype)
    low, high = max(ends.min, -(2**24)) or 1, min(ends.max, 2**24)
    return np.array([low, high, 3, 7], dtype)


@pytest.mark.parametrize("operator", OPERATORS)
def test_an_operator_between_two_dtypes_is_that_of_their_numbers(operator: str) -> None:
    numbers = {f"{dtype}_{at}": np.roll(_ends(dtype), at) for dtype in STORED for at in (0, 1)}
    pairs = [(f"{a}_0", f"{b}_1") for a in STORED for b in STORED]
    lines = [f"metric m{at} = {operator.format(a=a, b=b)}" for at, (a, b) in enumerate(pairs)]
    compiled = lossdsl.compile("\n".join(["loss = mean(float32_0)", *lines]), limits=LIMITS)
    used = {name: numbers[name] for name in compiled.signature}
    _, terms = compiled.with_terms(**used)
    wrong: list[str] = []
    for at, (a, b) in enumerate(pairs):
        with np.errstate(all="ignore"):
            right = OPERATORS[operator](*(numbers[one].astype(np.float64) for one in (a, b)))
        computed = np.asarray(terms.metrics[f"m{at}"]).astype(np.float64)
        if not np.allclose(computed, right, rtol=1e-6):
            wrong.append(f"{lines[at]}: {computed} for {right}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("text", ["std(p)", "max(p, where=p > 0)", "mean(p, weight=2)", "norm(p)"])
@pytest.mark.parametrize("number", [2.5, np.float64(2.5)])
def test_a_number_among_the_leaves_decides_the_dtype_of_all(text: str, number: Any) -> None:
    with jax.enable_x64(True):
        value = lossdsl.compile(text)(p={"a": number, "b": jnp.ones(2, jnp.float32)})
        alone = lossdsl.compile(text)(p={"a": jnp.float64(2.5), "b": jnp.ones(2)})
    assert value.dtype == jnp.float64
    np.testing.assert_allclose(value, alone, rtol=1e-12)
