"""Constraints on parameters: the nearest point inside them, and what breaks them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from lossdsl.check.core import Apply, Core, Graph, Input, Leaves, Node, operands, tape
from lossdsl.check.inputs import Declared
from lossdsl.check.program import elaborate
from lossdsl.check.trees import selected_at
from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.library.declare import Library
from lossdsl.limits import Limits
from lossdsl.lower.dtypes import default_float
from lossdsl.lower.tape import evaluate, tree_leaves
from lossdsl.lower.values import concrete
from lossdsl.selectors import flatten
from lossdsl.syntax import ast
from lossdsl.types.types import ArrayType, Path, RecordType, TreeType, Type, UnknownType


@dataclass(frozen=True, slots=True)
class Bound:
    """One side of a constraint on one leaf, as evaluated."""

    tree: str
    leaf: int
    side: str
    strict: bool
    value: Any


@dataclass(frozen=True, slots=True)
class Constrained:
    """The trees that a call passes, flattened, with every bound on their leaves."""

    names: tuple[str, ...]
    single: bool
    trees: Mapping[str, Any]
    flat: Mapping[str, Any]
    bounds: tuple[Bound, ...]


def constrained(
    program: ast.Program,
    given: Mapping[str, ast.TypeExpr],
    library: Library,
    limits: Limits,
    trees: tuple[Any, ...],
    inputs: Mapping[str, Any],
) -> Constrained:
    """Match the trees of a call with the constraints of a spec and evaluate the bounds.

    Constraints are collected from checked core before any rewrite, never from metrics. Inputs
    that no bound reads need not be passed.
    """
    static = elaborate(program, library, given, limits=limits)
    assert static.core is not None
    names = tuple(dict.fromkeys(name for limit in _limits(static.core) for name in _trees(limit)))
    passed = _passed(names, trees, inputs)
    if not names:
        return Constrained(tuple(passed), bool(trees), passed, {}, ())
    types: dict[str, Type] = {name: UnknownType() for name in static.signature}
    values: dict[str, Any] = {}
    for name, value in {**inputs, **passed}.items():
        declared: Declared | None = static.declared.get(name)
        types[name], values[name] = concrete(
            value, None if declared is None else declared.type, name, limits.leaves
        )
    for name, one in static.declared.items():
        if one.default is not None and name not in values:
            types[name], values[name] = concrete(
                _scalar(one.default.value), one.type, name, limits.leaves
            )
    known = {name: type for name, type in types.items() if not isinstance(type, UnknownType)}
    done = elaborate(program, library, given, known, default_float(), limits, partial=True)
    if done.core is None:
        raise LossError([one for one in done.diagnostics if one.severity == "error"])
    bounds = _evaluated(done.core, _limits(done.core), values)
    flat = {name: flatten(passed[name]) for name in names}
    return Constrained(names, len(names) == 1, passed, flat, tuple(bounds))


def _scalar(value: Any) -> Any:
    import jax.numpy as jnp

    return jnp.asarray(value)


def _limits(core: Core) -> list[Apply]:
    roots = [one.value for one in core.results]
    # A term of weight 0 is no part of the objective, and its constraints still hold.
    roots += [term.raw for one in core.results for term in one.terms]
    return [
        node
        for node in tape(roots)
        if isinstance(node, Apply) and node.function.limit and _subject(node) is not None
    ]


def _subject(limit: Apply) -> Node | None:
    """Return the selection that a limit bounds; None for a constraint on an expression."""
    node = limit.arguments[0]
    while isinstance(node, Apply) and node.function.name == "cast":
        node = node.arguments[0]
    return node if isinstance(node, Leaves) or _is_branch(node) else None


def _is_branch(node: Node | None) -> bool:
    return isinstance(node, Apply) and node.function.name in ("usable", "branches")


def _trees(limit: Apply) -> list[str]:
    subject = _subject(limit)
    assert subject is not None
    return [node.name for node in tape([subject]) if isinstance(node, Input)]


def _passed(
    names: tuple[str, ...], trees: tuple[Any, ...], inputs: Mapping[str, Any]
) -> dict[str, Any]:
    if len(trees) > 1 or (trees and len(names) > 1):
        listed = ", ".join(f"{name}=…" for name in names)
        raise LossError(
            [at("LD111", "several trees are passed by name", None, help=f"`project({listed})`")]
        )
    if trees:
        return {names[0] if names else "params": trees[0]}
    missing = [name for name in names if name not in inputs]
    if missing:
        raise LossError(
            [
                at(
                    "LD110",
                    f"the tree `{missing[0]}` is missing",
                    None,
                    help=f"`project({missing[0]})`",
                )
            ]
        )
    return {name: inputs[name] for name in names} or dict(inputs)


def _evaluated(core: Core, limits: list[Apply], values: Mapping[str, Any]) -> list[Bound]:
    found: list[Bound] = []
    graph = core.graph
    for limit in limits:
        bound = limit.arguments[1]
        assert bound is not None
        missing = [
            node.name
            for node in tape([bound])
            if isinstance(node, Input) and node.name not in values
        ]
        if missing:
            raise LossError(
                [
                    at(
                        "LD110",
                        f"a bound reads the input `{missing[0]}`, which is missing",
                        None,
                        help=f"pass it by name: `project(params, {missing[0]}=…)`",
                    )
                ]
            )
        (value,) = evaluate(graph, [bound], values, default_float())
        subject = _subject(limit)
        assert subject is not None
        name, places = positions(graph, subject)
        for order, place in enumerate(places):
            one = value[order] if isinstance(value, list) else value
            side, strict = str(limit.option("side")), bool(limit.option("strict"))
            found.append(Bound(name, place, side, strict, one))
    return found


def positions(graph: Graph, node: Node) -> tuple[str, list[int]]:
    """Return the input that a selection starts from, and which of its leaves are selected."""
    match node:
        case Input(name):
            type = graph.types[node]
            count = 1 if isinstance(type, ArrayType) else len(tree_leaves(type))
            return name, list(range(count))
        case Leaves(tree, selector):
            name, places = positions(graph, tree)
            type = graph.types[tree]
            if isinstance(type, ArrayType):
                return name, places
            return name, [places[at_] for at_ in selected_at(selector, tree_leaves(type))]
        case Apply(function, (inner,)) if (
            function.name in ("usable", "branches") and inner is not None
        ):
            name, places = positions(graph, inner)
            if function.name == "branches":
                return name, places
            kept = set(cast("tuple[Path, ...]", node.option("paths")))
            leaves = tree_leaves(graph.types[inner])
            return name, [
                place for place, (path, _) in zip(places, leaves, strict=True) if path in kept
            ]
        case _:
            raise LossError(
                [
                    at(
                        "LD306",
                        "a constraint is on a tree that is no selection of an input",
                        None,
                        help="`project` can move only parameters that are passed to it",
                    )
                ]
            )


def project(call: Constrained) -> Any:
    """Return the trees with every bounded leaf moved to the nearest value inside."""
    import jax

    results: dict[str, Any] = {}
    for name in call.names:
        flat = call.flat.get(name)
        if flat is None:
            results[name] = call.trees[name]
            continue
        leaves = list(flat.leaves)
        for place in range(len(leaves)):
            mine = [one for one in call.bounds if one.tree == name and one.leaf == place]
            leaves[place] = _inside(leaves[place], mine)
        results[name] = jax.tree_util.tree_unflatten(flat.treedef, leaves)
    return next(iter(results.values())) if call.single else results


def _inside(leaf: Any, bounds: list[Bound]) -> Any:
    """Clip to every bound, lower ones first; equality last."""
    import jax.numpy as jnp

    for bound in sorted(bounds, key=lambda one: ("lower", "upper", "equal").index(one.side)):
        limit = _open(jnp.asarray(bound.value, leaf.dtype), bound)
        match bound.side:
            case "lower":
                leaf = jnp.where(leaf < limit, limit, leaf)
            case "upper":
                leaf = jnp.where(leaf > limit, limit, leaf)
            case _:
                leaf = jnp.where(jnp.isnan(leaf), leaf, limit)
    return leaf


def _open(limit: Any, bound: Bound) -> Any:
    """Return the nearest value that a strict bound allows: XLA flushes what is not normal."""
    import jax.numpy as jnp

    if not bound.strict or bound.side == "equal":
        return limit
    up = bound.side == "lower"
    if not jnp.issubdtype(limit.dtype, jnp.floating):
        return limit + (1 if up else -1)
    tiny = jnp.finfo(limit.dtype).tiny
    towards = jnp.asarray(jnp.inf if up else -jnp.inf, limit.dtype)
    moved = jnp.nextafter(limit, towards)
    least = jnp.asarray(tiny if up else -tiny, limit.dtype)
    small = jnp.abs(limit) < tiny
    return jnp.where(small, least, moved)


def violations(call: Constrained) -> dict[str, Any]:
    """Return how far each leaf is outside its bounds, for those that are; NaN is outside."""
    import jax.numpy as jnp

    found: dict[str, Any] = {}
    for name in call.names:
        flat = call.flat.get(name)
        for place, leaf in enumerate(flat.leaves if flat is not None else ()):
            mine = [one for one in call.bounds if one.tree == name and one.leaf == place]
            worst = [_outside(leaf, bound) for bound in mine]
            if not worst:
                continue
            distance = max(worst, key=lambda one: float("inf") if jnp.isnan(one) else float(one))
            if distance > 0 or jnp.isnan(distance):
                path = "/".join(flat.paths[place] if flat is not None else ()) or name
                found[path if call.single else f"{name}/{path}"] = distance
    return found


def _outside(leaf: Any, bound: Bound) -> Any:
    import jax.numpy as jnp

    limit = jnp.asarray(bound.value, leaf.dtype)
    match bound.side:
        case "lower":
            distance, touching = limit - leaf, leaf <= limit
        case "upper":
            distance, touching = leaf - limit, leaf >= limit
        case _:
            distance, touching = jnp.abs(leaf - limit), leaf != limit
    outside = touching if bound.strict else distance > 0
    tiny = jnp.finfo(jnp.float32).tiny
    far = jnp.where(outside, jnp.maximum(distance, tiny), 0)
    far = jnp.where(jnp.isnan(leaf), jnp.nan, far)
    return jnp.max(far) if leaf.size else jnp.asarray(0.0)


__all__ = [
    "Constrained",
    "LossError",
    "RecordType",
    "TreeType",
    "constrained",
    "operands",
    "project",
    "violations",
]
