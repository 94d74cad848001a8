"""Constraints on parameters: the nearest point inside them, and what breaks them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import jax
import jax.numpy as jnp

from lossdsl.check.core import Apply, Core, Graph, Input, Leaves, Node, operands, tape
from lossdsl.check.program import elaborate
from lossdsl.check.trees import selected_at
from lossdsl.diagnostics.defect import defects_reported
from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.library.declare import Library
from lossdsl.limits import Limits
from lossdsl.lower.dtypes import default_float
from lossdsl.lower.nearest import Bound, inside, outside
from lossdsl.lower.scalars import scalar_class, strong_scalar
from lossdsl.lower.tape import evaluate, tree_leaves
from lossdsl.lower.values import concrete
from lossdsl.selectors import flatten
from lossdsl.syntax import ast
from lossdsl.types.types import ArrayType, Path, Type


@dataclass(frozen=True, slots=True)
class Constrained:
    """The trees that a call passes, by name, with every bound on their leaves."""

    trees: Mapping[str, Any]
    single: bool
    bounds: tuple[Bound, ...]

    def of(self, tree: str, leaf: int) -> list[Bound]:
        """Return the bounds of one leaf."""
        return [one for one in self.bounds if (one.tree, one.leaf) == (tree, leaf)]


@dataclass(frozen=True, slots=True)
class Rules:
    """A checked spec, as far as its constraints need it."""

    program: ast.Program
    given: Mapping[str, ast.TypeExpr]
    library: Library
    limits: Limits

    def constrained(self, trees: Sequence[Any], inputs: Mapping[str, Any]) -> Constrained:
        """Match the trees of a call with the constraints of the spec and evaluate the bounds.

        Constraints are collected from checked core before any rewrite, never from metrics.
        Inputs that no bound reads need not be passed.
        """
        with defects_reported():
            static = elaborate(self.program, self.library, self.given, limits=self.limits)
        assert static.core is not None
        names = list(
            dict.fromkeys(_tree(static.core.graph, limit) for limit in _limits(static.core))
        )
        passed = _passed(names, trees, inputs)
        if not names:
            return Constrained(passed, len(passed) == 1, ())
        _known(static.signature, inputs)
        given = {
            name: one.default.value
            for name, one in static.declared.items()
            if one.default is not None
        }
        types: dict[str, Type] = {}
        values: dict[str, Any] = {}
        for name, value in (given | dict(inputs) | passed).items():
            declared = static.declared[name].type if name in static.declared else None
            wanted = scalar_class(declared)
            strong = value if wanted is None else strong_scalar(value, wanted, name)
            types[name], values[name] = concrete(strong, declared, name, self.limits.leaves)
        with defects_reported():
            done = elaborate(
                self.program, self.library, self.given, types, default_float(), self.limits, True
            )
        if done.core is None:
            raise LossError([one for one in done.diagnostics if one.severity == "error"])
        bounds = _evaluated(done.core, _limits(done.core), values)
        return Constrained(passed, len(names) == 1, tuple(bounds))


def _limits(core: Core) -> list[Apply]:
    """Return the limits of the calls that bound a tree; a conditional call is refused."""
    # A term of weight 0 is no part of the objective, and its constraints still hold.
    roots = [one.value for one in core.results]
    roots += [term.raw for one in core.results for term in one.terms]
    always = _always(roots)
    found: list[Apply] = []
    for call in tape(roots):
        if not isinstance(call, Apply) or not _bounds_a_tree(call):
            continue
        if call not in always:
            raise LossError(
                [
                    at(
                        "LD306",
                        f"a call of `{call.function}` is in a branch, so it may not hold",
                        core.graph.places[call][0].span if core.graph.places.get(call) else None,
                        help="`project` follows constraints that always hold",
                    )
                ]
            )
        found += [one for one in call.arguments if isinstance(one, Apply)]
    return found


def _always(roots: Iterable[Node]) -> set[Node]:
    """Return the nodes that the roots read other than as the branch of a conditional."""
    found: set[Node] = set()
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node not in found:
            found.add(node)
            conditional = isinstance(node, Apply) and node.function.operator == "if"
            stack += operands(node)[:1] if conditional else operands(node)
    return found


def _bounds_a_tree(call: Apply) -> bool:
    return any(
        isinstance(one.type, ast.WordTypeExpr)
        and one.type.word == "constraint"
        and one.type.arguments
        for signature in call.function.signatures
        for one in signature.parameters
    )


def _tree(graph: Graph, limit: Apply) -> str:
    return _positions(graph, limit.arguments[0])[0]


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


def _evaluated(core: Core, limits: Sequence[Apply], values: Mapping[str, Any]) -> list[Bound]:
    found: list[Bound] = []
    for limit in limits:
        subject, bound = limit.arguments[:2]
        assert subject is not None and bound is not None
        for node in tape([bound]):
            if isinstance(node, Input) and node.name not in values:
                message = f"a bound reads the input `{node.name}`, which is missing"
                help = f"pass it by name: `project(params, {node.name}=…)`"
                raise LossError([at("LD110", message, None, help=help)])
        (value,) = evaluate(core.graph, [bound], values, default_float())
        name, places = _positions(core.graph, subject)
        for order, place in enumerate(places):
            one = value[order] if isinstance(value, list) else value
            side, strict = str(limit.option("side")), bool(limit.option("strict"))
            found.append(Bound(name, place, side, strict, one))
    return found


def _positions(graph: Graph, node: Node | None) -> tuple[str, list[int]]:
    """Return the input that a selection starts from, and which of its leaves are selected.

    Before types are concrete the leaves are not known, and none are returned.
    """
    match node:
        case Input(name):
            type = graph.types[node]
            leaves = getattr(type, "leaves", None)
            return name, [0] if isinstance(type, ArrayType) else list(range(len(leaves or ())))
        case Leaves(tree, selector):
            name, places = _positions(graph, tree)
            if isinstance(graph.types[tree], ArrayType) or not places:
                return name, places
            return name, [
                places[one] for one in selected_at(selector, tree_leaves(graph.types[tree]))
            ]
        case Apply(function, (inner,)) if function.name in ("branches", "cast"):
            return _positions(graph, inner)
        case Apply(function, (inner,)) if function.name == "usable" and inner is not None:
            name, places = _positions(graph, inner)
            kept = set(cast("tuple[Path, ...]", node.option("paths")))
            if not places:
                return name, places
            paired = zip(places, tree_leaves(graph.types[inner]), strict=True)
            return name, [place for place, (path, _) in paired if path in kept]
        case _:
            raise LossError(
                [
                    at(
                        "LD306",
                        "a constraint is on a tree that is no selection of an input",
                        graph.places[node][0].span if node and graph.places.get(node) else None,
                        help="`project` can move only parameters that are passed to it",
                    )
                ]
            )


def project(call: Constrained) -> Any:
    """Return the trees with every bounded leaf moved to the nearest value inside."""
    moved: dict[str, Any] = {}
    for name, tree in call.trees.items():
        flat = flatten(tree)
        leaves = [
            inside(leaf, bounds) if (bounds := call.of(name, place)) else leaf
            for place, leaf in enumerate(flat.leaves)
        ]
        moved[name] = jax.tree_util.tree_unflatten(flat.treedef, leaves)
    return next(iter(moved.values())) if call.single else moved


def distances(call: Constrained) -> dict[str, Any]:
    """Return, by path, how far each bounded leaf is outside of its bounds; NaN where it is NaN."""
    found: dict[str, Any] = {}
    for name, tree in call.trees.items():
        flat = flatten(tree)
        for place, leaf in enumerate(flat.leaves):
            each = [outside(leaf, bound) for bound in call.of(name, place)]
            if each:
                path = "/".join(flat.paths[place]) or name
                found[path if call.single else f"{name}/{path}"] = jnp.max(jnp.stack(each))
    return found
