"""Every function at the edge: a NaN shows, an infinity has its limit, a label outside shows.

One program a row computes the value and the gradient of all variants of its inputs. What an
argument decides is measured, not declared: where a value depends on an element it is NaN with it,
and where the gradient does, so is the gradient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import numpy as np
import pytest
from rows.row import Row
from test_differential import ROWS, reference

import lossdsl
from lossdsl.library import BUILTINS
from lossdsl.library.declare import Builtin
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.syntax.parse import parse_program
from lossdsl.testing.draw import Sizes, signature_of
from lossdsl.testing.subject import Subject

SIZES = Sizes(run=(2,), dims={"K": 3}, other=3)
PROBES = (-3.0, -0.7, 0.2, 0.6, 1.7, 40.0)
FAR = (1e6, 1e9)

# Functions that take constraints or functions, or read no real number.
NOTHING_TO_TRY = {"bounds", "penalty", "map", "all", "any", "arange", "count", "one_hot"}

# Labels that tell rows apart, of whatever number, and the vector without a 1 for one outside.
ANY_LABEL = {"supcon", "ntxent", "circle", "one_hot"}


@dataclass(frozen=True)
class Trial:
    """A call of a function with inputs, and its parameters passed as inputs too.

    `row` says what an independent source gives, if the call is one of the differential table.
    """

    function: Builtin
    text: str
    inputs: Mapping[str, Any]
    kinds: Mapping[str, Any]
    row: Row | None = None

    def __str__(self) -> str:
        return self.text

    @cached_property
    def leaves(self) -> list[np.ndarray]:
        return jax.tree.leaves(dict(self.inputs))

    @cached_property
    def names(self) -> list[str]:
        """The input that each leaf belongs to."""
        return [path[0].key for path, _ in jax.tree_util.tree_leaves_with_path(dict(self.inputs))]

    def real(self) -> list[int]:
        return [at for at, x in enumerate(self.leaves) if x.dtype.kind == "f" and x.size]


def trials() -> Iterator[Trial]:
    calls: list[tuple[Row | None, Builtin, str, Mapping[str, Any]]] = [
        (row, row.declared, row.text, row.inputs(0, SIZES)) for row in ROWS
    ]
    tried = {row.declared.name for row in ROWS}
    for name in sorted(set(BUILTINS) - tried - NOTHING_TO_TRY):
        subject = Subject(BUILTINS[name], BUILTINS, {})
        calls.append((None, subject.function, subject.call, subject.draw(subject.call, 0)))
    for row, function, text, inputs in calls:
        parameters = signature_of(function, text).parameters
        numbers = more_numbers(function, text)
        options = "".join(f", {name}={name}" for name in numbers)
        yield Trial(
            function,
            f"{text[:-1]}{options})",
            jax.tree.map(single, {**inputs, **numbers}),
            {one.name: one.plain_type for one in parameters},
            row,
        )


def more_numbers(function: Builtin, text: str) -> dict[str, float]:
    """Return the parameters that are real numbers and that a call leaves at their default."""
    program, _ = parse_program(Source(text))
    calls = [node for node in ast.walk(program) if isinstance(node, ast.Call)] if program else []
    own = next((one for one in calls if one.span.text == text), None)
    if own is None or own.function != function.name:
        return {}
    parameters = signature_of(function, text).parameters
    given = {one.name for one in parameters[: len(own.arguments)]}
    given |= {one.name for one in own.keywords}
    return {
        one.name: float(one.default.value)
        for one in parameters
        if one.name not in given and is_number(one.type) and isinstance(one.default, ast.Literal)
    }


def is_number(type: Any) -> bool:
    return isinstance(type, ast.ArrayTypeExpr) and type.dims == () and type.dtype == "float"


def single(x: Any) -> np.ndarray:
    array = np.asarray(x)
    return array.astype(np.float32) if array.dtype.kind == "f" else array


@dataclass
class Variants:
    """Inputs with single elements replaced; each is known by its place in the batch."""

    trial: Trial
    batch: list[list[np.ndarray]] = field(default_factory=list)

    def given(self, inputs: Mapping[str, Any]) -> int:
        """Add inputs of the same shapes."""
        self.batch.append([np.asarray(x) for x in jax.tree.leaves({**self.trial.inputs, **inputs})])
        return len(self.batch) - 1

    def add(self, changes: Mapping[int, Mapping[int, float]] | None = None) -> int:
        leaves = [np.array(leaf) for leaf in self.trial.leaves]
        for leaf, elements in (changes or {}).items():
            for at, value in elements.items():
                leaves[leaf].reshape(-1)[at] = value
        self.batch.append(leaves)
        return len(self.batch) - 1

    def solve(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the unreduced values and the gradients, a row for each variant."""
        trial = self.trial
        call = f'{trial.text[:-1]}, reduce="none")' if trial.function.is_loss else trial.text
        loss = lossdsl.compile(f"result = {call}\nmetric value = result\nloss = 1.0*sum(result)")
        real = trial.real()
        treedef = jax.tree.structure(dict(trial.inputs))

        def value(moving: Any, fixed: Any) -> Any:
            leaves = {**moving, **fixed}
            given = jax.tree.unflatten(treedef, [leaves[at] for at in range(len(leaves))])
            total, terms = loss.with_terms(**given)
            return total, terms.metrics["value"]

        columns = {at: np.stack([one[at] for one in self.batch]) for at in range(len(trial.leaves))}
        moving = {at: columns.pop(at) for at in real}
        solver = jax.jit(jax.vmap(jax.value_and_grad(value, has_aux=True)))
        (_, unreduced), slopes = solver(moving, columns)
        return flat(unreduced, len(self.batch)), flat(slopes, len(self.batch))


def flat(tree: Any, rows: int) -> np.ndarray:
    leaves = [np.asarray(x, np.float64).reshape(rows, -1) for x in jax.tree.leaves(tree)]
    return np.concatenate(leaves, axis=1)


def ends(leaf: np.ndarray) -> list[int]:
    return sorted({0, leaf.size - 1})


def varies(rows: np.ndarray) -> np.ndarray:
    """Return which columns differ between rows."""
    return ~np.all((rows == rows[:1]) | (np.isnan(rows) & np.isnan(rows[:1])), axis=0)


CALLS = list(trials())
TRIALS = [call for call in CALLS if call.real()]


@pytest.mark.parametrize("trial", TRIALS, ids=map(str, TRIALS))
def test_edges(trial: Trial) -> None:
    variants = Variants(trial)
    variants.add()
    spots = [(leaf, at) for leaf in trial.real() for at in ends(trial.leaves[leaf])]
    nans = {spot: variants.add({spot[0]: {spot[1]: np.nan}}) for spot in spots}
    probes = {
        (leaf, at): [variants.add({leaf: {at: value}}) for value in PROBES] for leaf, at in spots
    }
    limits = [
        (
            (trial.names[leaf], value),
            variants.add(hard | {leaf: {at: value}}),
            [variants.add(hard | {leaf: {at: np.copysign(far, value)}}) for far in FAR]
            if np.isinf(value)
            else [],
        )
        for leaf, at in spots
        for value in edges(trial, trial.names[leaf])
        for hard in hardened(trial, leaf)
    ]
    outside = {
        (leaf, at): [variants.add({leaf: {at: label}}) for label in (0, 1, 2, -1, -100, 3)]
        for leaf, name in enumerate(trial.names)
        if is_label(trial, name)
        for at in ends(trial.leaves[leaf])
    }
    referred = [(variants.given(inputs), inputs, extreme) for inputs, extreme in known(trial)]
    values, slopes = variants.solve()
    for at, inputs, extreme in referred:
        check_reference(trial, inputs, extreme, values[at], slopes[at])
    assert not np.isnan(values[0]).any() and not np.isnan(slopes[0]).any()
    for spot, nan in nans.items():
        name = trial.names[spot[0]]
        if varies(values[probes[spot]]).any() and "nan" not in trial.function.about:
            assert np.isnan(values[nan]).any(), f"a NaN of `{name}` does not show"
            if varies(slopes[probes[spot]]).any():
                assert np.isnan(slopes[nan]).any(), f"nor in the gradient: `{name}`"
    for where, at, far in limits:
        assert not np.isnan(values[at]).any(), f"{where}: {values[at]}"
        if far:
            near = values[far]
            with np.errstate(invalid="ignore"):
                still = np.abs(near[1] - near[0]) <= 1e-3 * (1 + np.abs(near[0]))
            np.testing.assert_allclose(values[at][still], near[1][still], rtol=1e-2, atol=1e-3)
            grown = np.abs(values[at]) >= 0.99 * np.abs(near[1])
            assert grown[~still].all(), f"{where}: {values[at]}, {near}"
        if np.isfinite(values[at]).all():
            assert not np.isnan(slopes[at]).any(), f"the gradient at {where}"
    for where, (*inside, negative, far_below, above) in outside.items():
        # Padding is not read.
        if varies(values[inside]).any():
            for at in (negative, far_below, above):
                assert np.isnan(values[at]).any(), f"a label outside does not show: {where}"
                if slopes[0].any():
                    assert np.isnan(slopes[at]).any(), f"nor in the gradient: {where}"


def known(trial: Trial) -> Iterator[tuple[Mapping[str, Any], float | None]]:
    """Yield usual inputs, and extreme ones, at which an independent source says what is right."""
    if trial.row is None:
        return
    inputs = jax.tree.map(single, trial.row.inputs(1, SIZES))
    yield inputs, None
    real = trial.row.real_inputs()
    for extreme in trial.row.extremes:
        random = np.random.default_rng(11)

        def spoiled(x: Any, extreme: float = extreme, random: Any = random) -> Any:
            signed = extreme * random.choice([-1.0, 1.0], np.shape(x))
            return np.where(random.random(np.shape(x)) < 0.5, signed, x).astype(np.float32)

        moved = {name: jax.tree.map(spoiled, inputs[name]) for name in inputs if name in real}
        yield {**inputs, **moved}, extreme


def check_reference(
    trial: Trial,
    inputs: Mapping[str, Any],
    extreme: float | None,
    values: np.ndarray,
    slopes: np.ndarray,
) -> None:
    """Hold single precision against the reference, and wherever that is a finite float32."""
    assert trial.row is not None
    right = np.concatenate([one.ravel() for one in reference(trial.row, inputs)])
    at = f"at {extreme}: {inputs}"
    if extreme is None:
        scale = 1 + np.max(np.abs(right), initial=0)
        np.testing.assert_allclose(values, right, rtol=1e-4, atol=2e-5 * scale, err_msg=at)
        return
    usual = np.isfinite(right) & (np.abs(right) < 1e37)
    np.testing.assert_allclose(values[usual], right[usual], rtol=1e-3, atol=1e-4, err_msg=at)
    if trial.row.gradient and usual.all():
        wrong = {name for name, slope in named(trial, slopes).items() if np.isnan(slope).any()}
        # By an infinite input a label and a parameter may be multiplied.
        held = trial.row.real_inputs() if np.isinf(extreme) else trial.kinds.keys()
        assert not wrong & held, f"the gradient {at}"


def named(trial: Trial, slopes: np.ndarray) -> dict[str, np.ndarray]:
    """Return a row of gradients by input."""
    found: dict[str, list[np.ndarray]] = {}
    ends = np.cumsum([trial.leaves[at].size for at in trial.real()])
    for at, slope in zip(trial.real(), np.split(slopes, ends[:-1]), strict=True):
        found.setdefault(trial.names[at], []).append(slope)
    return {name: np.concatenate(parts) for name, parts in found.items()}


def edges(trial: Trial, name: str) -> tuple[float, ...]:
    """Return the outermost values that an input may have, by its role and its domain."""
    kind = trial.kinds.get(name)
    domain = trial.function.domains.get(name)
    match getattr(kind, "role", None):
        case "logits":
            over_classes = bool(kind.dims) and not isinstance(kind.dims[-1], ast.Run)
            return (-np.inf,) if over_classes else (-np.inf, np.inf)
        case "log_probs":
            return (-np.inf, 0.0)
        case "probs":
            return (0.0, 1.0)
        case _ if domain is not None and not is_number(kind):
            return tuple(end for end in (domain.low, domain.high) if end in domain)
        case _:
            return ()


def hardened(trial: Trial, but: int) -> list[dict[int, dict[int, float]]]:
    """Return changes that make the other distributions sure of one class, and none."""
    changes: dict[int, dict[int, float]] = {}
    for at, name in enumerate(trial.names):
        kind, leaf = trial.kinds.get(name), trial.leaves[at]
        domain = trial.function.domains.get(name)
        if at == but or leaf.dtype.kind != "f" or not isinstance(kind, ast.ArrayTypeExpr):
            continue
        unit = domain is not None and (domain.low, domain.high) == (0, 1) and 0 in domain
        if kind.role == "probs" and leaf.ndim and leaf.shape[-1] > 1:
            sure = (leaf == leaf.max(-1, keepdims=True)).astype(float)
        elif unit and not is_number(kind):
            sure = np.round(leaf)
        else:
            continue
        changes[at] = dict(enumerate(sure.reshape(-1)))
    return [{}, changes] if changes else [{}]


def is_label(trial: Trial, name: str) -> bool:
    kind = trial.kinds.get(name)
    any_number = trial.function.name in ANY_LABEL or "ignore_index" in trial.text
    return getattr(kind, "role", None) == "labels" and not any_number


def test_every_function_is_tried() -> None:
    tried = {call.function.name for call in CALLS}
    assert sorted(set(BUILTINS) - tried - NOTHING_TO_TRY) == []
    print(f"{len(tried)} functions in {len(TRIALS)} calls at their edges")  # noqa: T201
