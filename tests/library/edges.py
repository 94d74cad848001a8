"""What every function is tried at: a NaN in single elements, the ends of domains, labels outside.

Each call has a batch of variants of its inputs, which one program computes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import numpy as np
from differential import ROWS
from rows.row import Row

import lossdsl
from lossdsl.library import BUILTINS
from lossdsl.library.declare import Builtin
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.syntax.parse import parse_program
from lossdsl.testing.draw import Sizes, signature_of
from lossdsl.testing.trial import Subject

SIZES = Sizes(run=(2,), dims={"K": 3}, other=3)
PROBES = (-3.0, -0.7, 0.2, 0.6, 1.7, 40.0)
FAR = (1e6, 1e9)

Spot = tuple[int, int]  # a leaf, and an element of it

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

    def columns(self) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray]]:
        """Return the leaves that a gradient is taken by, and the others, a row for each variant."""
        columns = {
            at: np.stack([leaves[at] for leaves in self.batch])
            for at in range(len(self.trial.leaves))
        }
        return {at: columns.pop(at) for at in self.trial.real()}, columns

    def solver(self) -> Callable[[Any, Any], Any]:
        """Return the function that computes unreduced values and gradients of all variants."""
        trial = self.trial
        call = f'{trial.text[:-1]}, reduce="none")' if trial.function.is_loss else trial.text
        loss = lossdsl.compile(f"result = {call}\nmetric value = result\nloss = 1.0*sum(result)")
        treedef = jax.tree.structure(dict(trial.inputs))

        def value(moving: Any, fixed: Any) -> Any:
            leaves = {**moving, **fixed}
            given = jax.tree.unflatten(treedef, [leaves[at] for at in range(len(leaves))])
            total, terms = loss.with_terms(**given)
            return total, terms.metrics["value"]

        return jax.vmap(jax.value_and_grad(value, has_aux=True))


@dataclass
class Edges:
    """The variants of a trial, and which of them say what."""

    trial: Trial
    variants: Variants = field(init=False)
    nans: dict[Spot, int] = field(init=False)
    probes: dict[Spot, list[int]] = field(init=False)
    limits: list[tuple[tuple[str, float], int, list[int]]] = field(init=False)
    outside: dict[Spot, list[int]] = field(init=False)
    referred: list[tuple[int, Mapping[str, Any], float | None]] = field(init=False)

    def __post_init__(self) -> None:
        trial = self.trial
        self.variants = variants = Variants(trial)
        variants.add()
        spots = [(leaf, at) for leaf in trial.real() for at in ends(trial.leaves[leaf])]
        self.nans = {(leaf, at): variants.add({leaf: {at: np.nan}}) for leaf, at in spots}
        self.probes = {
            (leaf, at): [variants.add({leaf: {at: value}}) for value in PROBES]
            for leaf, at in spots
        }
        self.limits = [
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
        self.outside = {
            (leaf, at): [variants.add({leaf: {at: label}}) for label in (0, 1, 2, -1, -100, 3)]
            for leaf, name in enumerate(trial.names)
            if is_label(trial, name)
            for at in ends(trial.leaves[leaf])
        }
        self.referred = [
            (variants.given(inputs), inputs, extreme) for inputs, extreme in known(trial)
        ]


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


def ends(leaf: np.ndarray) -> list[int]:
    return sorted({0, leaf.size - 1})


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


CALLS = list(trials())
TRIALS = [call for call in CALLS if call.real()]
