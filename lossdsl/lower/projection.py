"""Constraints on parameters: the nearest point inside them, and what breaks them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import jax.numpy as jnp

from lossdsl.analyze import constrained_leaves
from lossdsl.core.graph import Const, Core, Input, Node, tape
from lossdsl.diagnostics.defect import defects_reported
from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, at
from lossdsl.elaborate.passed_inputs import Passed
from lossdsl.elaborate.program import Elaborated, elaborate
from lossdsl.library.declare import Library
from lossdsl.limits import Limits
from lossdsl.lower.jax_dtypes import default_float
from lossdsl.lower.nearest import Bound, inside, outside
from lossdsl.lower.passed_values import concrete
from lossdsl.lower.scalars import scalar_class, strong_scalar
from lossdsl.lower.symbolic import open_sizes
from lossdsl.lower.tape import evaluated
from lossdsl.selectors import flatten
from lossdsl.specialization import Call, Specializer
from lossdsl.syntax import ast
from lossdsl.types.types import UNKNOWN, Dim, Type, UnknownType

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Constrained:
    """The trees that a call passes, by name, with every bound on their leaves."""

    trees: Mapping[str, Any]
    single: bool
    bounds: tuple[Bound, ...]

    def of(self, tree: str, leaf: int) -> list[Bound]:
        """Return the bounds of one leaf."""
        return [bound for bound in self.bounds if (bound.tree, bound.leaf) == (tree, leaf)]


@dataclass(frozen=True, slots=True)
class Rules:
    """A checked spec, as far as its constraints need it."""

    program: ast.Program
    declared: Mapping[str, ast.TypeExpr]
    library: Library
    limits: Limits
    checked: Elaborated
    specialize: Specializer

    def constrained(self, trees: Sequence[Any], inputs: Mapping[str, Any]) -> Constrained:
        """Match the trees of a call with the constraints of the spec and evaluate the bounds.

        Constraints are collected from checked core before any rewrite, never from metrics.
        Inputs that no bound reads need not be passed.
        """
        static, core = self.checked, self.checked.core
        assert core is not None
        limits = _certain(constrained_leaves.limits(core))
        inputs_of = [_certain(constrained_leaves.input_of(core.graph, limit)) for limit in limits]
        names = list(dict.fromkeys(inputs_of))
        passed = _passed(names, trees, inputs)
        if not names:
            return Constrained(passed, len(passed) == 1, ())
        _known(static.signature, inputs)
        defaults = {
            name: declaration.default.value
            for name, declaration in static.declared.items()
            if declaration.default is not None
        }
        types: dict[str, Type] = {}
        values: dict[str, Any] = {}
        for name, value in (defaults | dict(inputs) | passed).items():
            declared = static.declared[name].type if name in static.declared else None
            scalar = scalar_class(declared)
            strong = value if scalar is None else strong_scalar(value, scalar, name)
            types[name], values[name] = concrete(strong, declared, name, self.limits.leaves)
        # A declared size that no input shows would differ from the sizes of the leaves.
        types = {name: types.get(name, UNKNOWN) for name in (*static.declared, *types)}
        with defects_reported():
            call = self.specialize(
                self._elaborated,
                types,
                _edges,
                default_float(),
                guarded=not open_sizes(values),
            )
        return Constrained(passed, len(names) == 1, tuple(_bounds(call, values)))

    def _elaborated(self, types: Mapping[str, Type]) -> Core:
        """Return core in which every bound is known, at the types of what is passed."""
        passed = Passed(types, default_float(), partial=True)
        done = elaborate(self.program, self.library, self.declared, passed, self.limits)
        if done.core is None:
            raise LossError(
                [diagnostic for diagnostic in done.diagnostics if diagnostic.severity == "error"]
            )
        for node in tape(_edges(done.core)):
            if isinstance(node, Input) and isinstance(types.get(node.name, UNKNOWN), UnknownType):
                message = f"a bound reads the input `{node.name}`, which is missing"
                help = f"pass it by name: `project(params, {node.name}=…)`"
                raise LossError([at("LD110", message, None, help=help)])
            if isinstance(node, Const) and isinstance(node.value, Dim):
                message = f"a bound reads the size `{node.value}`, which nothing passed shows"
                help = "pass the input that has it as a dim by name: `project(params, …)`"
                raise LossError([at("LD224", message, None, help=help)])
        return done.core


def _certain(checked: tuple[Result | None, Sequence[Diagnostic]]) -> Result:
    """Return what the checker found; raise what it refuses."""
    result, problems = checked
    if result is None or problems:
        raise LossError(problems)
    return result


def _passed(
    names: Sequence[str], trees: Sequence[Any], inputs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the trees by name: one by position, several by name."""
    if len(trees) > 1 or (trees and len(names) > 1):
        listed = ", ".join(f"{name}=…" for name in names)
        raise LossError(
            [at("LD111", "several trees are passed by name", None, help=f"`project({listed})`")]
        )
    if trees:
        return {names[0] if names else "params": trees[0]}
    missing = [name for name in names if name not in inputs]
    if missing:
        help = f"`project({missing[0]})`"
        raise LossError([at("LD110", f"the tree `{missing[0]}` is missing", None, help=help)])
    return {name: inputs[name] for name in names or inputs}


def _known(signature: Mapping[str, str], inputs: Mapping[str, Any]) -> None:
    for name in inputs:
        if name not in signature:
            help = f"its inputs: {', '.join(signature)}"
            raise LossError([at("LD111", f"the loss has no input `{name}`", None, help=help)])


def _edges(core: Core) -> list[Node]:
    """Return the nodes of what the constraints of a program compare with."""
    edges = [limit.arguments[1] for limit in _certain(constrained_leaves.limits(core))]
    return [edge for edge in edges if edge is not None]


def _bounds(call: Call, values: Mapping[str, Any]) -> Iterator[Bound]:
    """Yield the bound of each leaf that a constraint reaches."""
    core = call.core
    edges = evaluated(call, values)
    for limit, value in zip(_certain(constrained_leaves.limits(core)), edges, strict=True):
        _certain(constrained_leaves.input_of(core.graph, limit))
        subject = limit.arguments[0]
        assert subject is not None
        positions = constrained_leaves.positions(core.graph, subject)
        assert positions is not None
        name, places = positions
        side, strict = str(limit.option("side")), bool(limit.option("strict"))
        for order, place in enumerate(places):
            edge = value[order] if isinstance(value, list) else value
            yield Bound(name, place, side, strict, edge)


def project(call: Constrained) -> dict[str, Any]:
    """Return the trees by name, with every bounded leaf moved to the nearest value inside."""
    moved: dict[str, Any] = {}
    for name, tree in call.trees.items():
        flat = flatten(tree)
        leaves = list(flat.leaves)
        for order, place in enumerate(flat.read):
            if bounds := call.of(name, order):
                leaves[place] = inside(leaves[place], bounds)
        moved[name] = flat.rebuilt(leaves)
    return moved


def distances(call: Constrained) -> dict[str, Any]:
    """Return, by path, how far each bounded leaf is outside of its bounds; NaN where it is NaN."""
    by_path: dict[str, Any] = {}
    for name, tree in call.trees.items():
        flat = flatten(tree)
        for order, place in enumerate(flat.read):
            each = [outside(flat.leaves[place], bound) for bound in call.of(name, order)]
            if each:
                path = "/".join(flat.paths[place]) or name
                by_path[path if call.single else f"{name}/{path}"] = jnp.max(jnp.stack(each))
    return by_path
