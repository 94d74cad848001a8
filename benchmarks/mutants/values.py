"""What a spec is worth on random inputs, by the oracle of the tests: NumPy, without JAX."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from oracle import evaluate, type_of, values_of

import lossdsl
from lossdsl.core.graph import Apply, Core, Node
from lossdsl.diagnostics.diagnostic import LossError
from lossdsl.elaborate.passed_inputs import Passed
from lossdsl.elaborate.program import elaborate
from lossdsl.inputs.given import parse_inputs
from lossdsl.inputs.reads import types_of
from lossdsl.library.declare import builtins
from lossdsl.library.syntax_forms import Form
from lossdsl.syntax import ast
from lossdsl.testing.random_values import Drawn, Sizes
from lossdsl.types.types import RecordType, kind
from mutants.specs import Right

Inputs = dict[str, Any]
_SIZES = (4, 3, 5, 2, 6, 7)
_MOST = 10_000  # elements of all inputs


@dataclass(frozen=True)
class Worth:
    """The results of a spec on each set of inputs, and their slopes along a direction."""

    values: tuple[np.ndarray, ...]
    slopes: tuple[np.ndarray, ...]

    def differs(self, other: Worth) -> bool:
        """Say whether any is another than a right spec's, where that one is finite."""
        pairs = [(*both, 1e-6) for both in zip(self.values, other.values, strict=True)]
        pairs += [(*both, 1e-3) for both in zip(self.slopes, other.slopes, strict=True)]
        return any(
            np.isfinite(right).all() and not _close(wrong, right, tolerance)
            for wrong, right, tolerance in pairs
        )

    @property
    def key(self) -> tuple[str, ...]:
        """What mutants that are worth the same have in common."""
        return tuple(
            f"{number:.6g}" for one in (*self.values, *self.slopes) for number in np.ravel(one)
        )


def _close(one: np.ndarray, other: np.ndarray, tolerance: float) -> bool:
    same = one.shape == other.shape
    return same and np.allclose(one, other, rtol=tolerance, atol=1e-9, equal_nan=True)


def _edges(role: str, value: Any) -> Mapping[str, Any]:
    """Return what replaces a random value where inputs are positive, large, or at their edge."""
    if isinstance(value, dict):
        parts = {key: _edges(role, one) for key, one in value.items()}
        return {
            name: {key: part[name] for key, part in parts.items()}
            for name in ("positive", "large", "edge")
        }
    array = np.asarray(value)
    free = role in ("", "logits") and array.dtype.kind == "f"
    edge = array
    if role == "probs" and array.ndim:
        edge = np.where(array == array.max(-1, keepdims=True), 1.0, 0.0)
    elif free:
        edge = np.where(np.arange(array.size).reshape(array.shape) % 3 > 0, 0.0, array)
        edge = edge if array.ndim < 2 else np.concatenate([0 * array[:1], edge[1:]])
    elif array.dtype == bool or role == "mask":
        edge = np.zeros_like(array)
    return {
        "positive": np.abs(array) + 0.1 if free else array,
        "large": 1000*array if free else array,
        "edge": edge,
    }  # fmt: skip


def inputs_of(right: Right) -> list[Inputs]:
    """Return sets of inputs of a right spec, each of the same sizes; raise if there are none.

    Two are as its types say, and three are the first made positive, large, and put at its edges.
    """
    types = _types(right)
    dims = dict.fromkeys(
        symbol
        for type in types.values()
        for node in ast.walk(type)
        if isinstance(node, ast.DimExpr)
        for symbol in node.symbols
    )
    sizes = {"K": 3} | dict(zip(dims, _SIZES, strict=False))
    sizes |= {"K": min(sizes.values())} if "K" not in dims else {}  # the number of labels
    plain, other = (_drawn(types, sizes, seed) for seed in range(2))
    if sum(np.size(value) for value in plain.values() if not isinstance(value, dict)) > _MOST:
        raise TypeError("inputs that take long")
    parts = {
        name: _edges(getattr(types[name], "role", None) or "", value)
        for name, value in plain.items()
    }
    edges = (
        {name: part[which] for name, part in parts.items()}
        for which in ("positive", "large", "edge")
    )
    hook = _hook(right) or (lambda random, inputs: {})
    return [{**one, **hook(np.random.default_rng(0), one)} for one in (plain, other, *edges)]


def _types(right: Right) -> dict[str, ast.TypeExpr]:
    """Return the types of the inputs that a call must give, as far as they are known."""
    texts = {
        name: "bool[...]" if text == "unknown" and name in ("m", "where") else text
        for name, text in right.check().signature.items()
        if " = " not in text
    }
    types, wrong = parse_inputs({name: one.partition(" or ")[0] for name, one in texts.items()})
    if wrong:
        raise TypeError(f"no inputs of {texts}")
    return dict(types)


def _drawn(types: Mapping[str, ast.TypeExpr], sizes: Mapping[str, int], seed: int) -> Inputs:
    random = Drawn(np.random.default_rng(seed), Sizes(run=(4,), dims=sizes, other=3))
    inputs = {name: random.value(name, type) for name, type in types.items()}
    for name, type in types.items():
        if not isinstance(type, ast.ArrayTypeExpr):
            continue
        if kind(type.dtype) == "int" and not type.role:
            inputs[name] %= min(sizes.values())  # it may be a label
        if kind(type.dtype) == "bool" and type.dims:
            inputs[name].flat[0] = True  # a mask keeps something
    return inputs


def _hook(right: Right) -> Callable[..., Inputs] | None:
    """Return what draws the inputs of a published loss that have more structure."""
    if right.kind != "published":
        return None
    field, _, name = right.name.partition("/")
    return getattr(import_module(f"whole.published.{field}"), f"draw_{name}", None)


def _defaults(program: ast.Program) -> Inputs:
    """Return the settings of a spec."""
    return {
        name: np.float64(value) if _is_float(one.type) else np.asarray(value)[()]
        for one in program.statements
        if isinstance(one, ast.Declaration) and one.default is not None
        for value in [one.default.value]
        for name in one.names
    }


def _is_float(type: ast.TypeExpr) -> bool:
    return isinstance(type, ast.ArrayTypeExpr) and kind(type.dtype) == "float"


def worth(text: str, inputs: list[Inputs]) -> Worth:
    """Return what a text is worth; raise `AssertionError` and others where it cannot be said."""
    program = lossdsl.parse(re.sub(r"\b(f32|f16|bf16)\b", "f64", text))
    given = _defaults(program)
    core = _core(program, {**inputs[0], **given})
    values = [_results(core, {**one, **given}) for one in inputs]
    slopes: list[np.ndarray] = []
    step = 1e-6
    for one in inputs[:2]:
        held = _stopped(core, {**one, **given})
        random = np.random.default_rng(7)
        moves = {name: _direction(random, value) for name, value in one.items()}
        after, before = (
            _results(core, {**{n: _moved(v, moves[n], by) for n, v in one.items()}, **given}, held)
            for by in (step, -step)
        )
        with np.errstate(all="ignore"):
            slopes.append((after - before) / (2 * step))
    return Worth(tuple(values), tuple(slopes))


def _core(program: ast.Program, inputs: Inputs) -> Core:
    """Return a program as core, for the shapes of its inputs."""
    types: dict[str, Any] = {}
    written = types_of(program)
    for name, value in inputs.items():
        found = type_of(value)
        if isinstance(written.get(name), ast.RecordTypeExpr):
            found = RecordType(tuple((field, type_of(one)) for field, one in value.items()))
        types[name] = found
    done = elaborate(program, builtins(), passed=Passed(types, "f64"))
    if done.core is None:
        raise LossError(done.diagnostics)
    return done.core


def _stopped(core: Core, inputs: Inputs) -> Mapping[Node, Any]:
    """Return the values that no gradient leaves."""
    known = values_of(core.graph, [one.value for one in core.results], inputs)
    return {
        node: value
        for node, value in known.items()
        if isinstance(node, Apply) and node.function.form is Form.STOP_GRADIENT
    }


def _results(core: Core, inputs: Inputs, held: Any = None) -> np.ndarray:
    with np.errstate(all="ignore"):
        found = evaluate(core, inputs, held).values
    return np.array([float(value) for value in found.values()])


def _direction(random: np.random.Generator, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _direction(random, one) for key, one in value.items()}
    array = np.asarray(value)
    return random.normal(size=array.shape) if array.dtype.kind == "f" else None


def _moved(value: Any, direction: Any, by: float) -> Any:
    if isinstance(value, dict):
        return {key: _moved(one, direction[key], by) for key, one in value.items()}
    return value if direction is None else value + by * direction
