"""What a debug build computes beside the loss: counts of what is wrong, and where it is first.

Inside the jitted function an `Observation` is made, a few small arrays. `problems` says on the
host what they mean; what they are about, a `Plan`, is known when the function is traced.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import jax
import jax.numpy as jnp

from lossdsl.core.graph import Apply, Core, Graph, Input, Leaves, Node, Place, operands, tape
from lossdsl.elaborate.watch import Watched
from lossdsl.library.declare import Builtin
from lossdsl.library.syntax_forms import Form
from lossdsl.lower.jax_dtypes import default_float
from lossdsl.lower.tape import evaluate
from lossdsl.specialize.leafwise import Flat
from lossdsl.specialize.verify_flat import verify_flat

# How far a sum of probabilities may be from 1, by the bits of its dtype.
TOLERANCE = {16: 3e-2, 32: 1e-3, 64: 1e-6}

# The number of bad elements, the flat position of the first, and its value.
Measure = tuple[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """One argument that is looked at; `sums` says that it is its sums that are."""

    watched: Watched
    shape: tuple[int, ...]
    sums: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One operation or input, and which steps it reads."""

    node: Node
    reads: tuple[int, ...]
    place: Place | None
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """What the numbers of an observation are about; of a mask, how many elements it has.

    `terms` has the step of each term and result; `results` the terms of each result.
    """

    looks: tuple[Look, ...]
    steps: tuple[Step, ...]
    terms: Mapping[str, int]
    results: tuple[tuple[str, ...], ...]
    masks: tuple[tuple[Place, int], ...]


@jax.tree_util.register_pytree_node_class
@dataclass(frozen=True)
class Observation:
    """What one evaluation showed.

    `looks` has a `Measure` for each look, `steps` one for what is not finite in each step, `masks`
    how many elements each mask keeps, and the smallest and largest value among them.
    """

    plan: Plan
    looks: tuple[Measure, ...]
    steps: tuple[Measure, ...]
    masks: tuple[tuple[Any, Any, Any], ...]

    def tree_flatten(self) -> tuple[Any, Plan]:
        """Flatten for JAX."""
        return (self.looks, self.steps, self.masks), self.plan

    @classmethod
    def tree_unflatten(cls, plan: Plan, children: Any) -> Observation:
        """Rebuild from what `tree_flatten` took apart."""
        return cls(plan, *children)


def beside(core: Core) -> list[Node]:
    """Return what is looked at beside the results of a program."""
    masks = _masks(core)
    asked = [*_terms(core).values(), *masks, *(mask.arguments[0] for mask in masks)]
    return cast("list[Node]", asked)


def observed(
    core: Core, flat: Flat, inputs: Mapping[str, Any], sizes: Mapping[str, int]
) -> tuple[list[Any], Observation]:
    """Return the values of the first roots, and what was seen in the last, which are `beside`."""
    graph, roots = flat.graph, flat.roots
    verify_flat(graph, roots, default_float())
    nodes = tape(roots)
    results = evaluate(graph, [*roots, *nodes], inputs, sizes)
    values = dict(zip(nodes, results[len(roots) :], strict=True))
    looked_at = beside(core)
    count = len(roots) - len(looked_at)
    optimized = dict(zip(looked_at, roots[count:], strict=True))
    terms, masks = _terms(core), _masks(core)
    steps, unfinite = _steps(graph, nodes, values)
    looked = [look for node in nodes for look in _looks(core, node, values)]
    uses = [
        (
            _place(core.graph, cast("Node", mask.arguments[0])) or _place(core.graph, mask),
            values[optimized[cast("Node", mask.arguments[0])]],
            values[optimized[mask]],
        )
        for mask in masks
    ]
    seen = [(place, mask, value) for place, mask, value in uses if place is not None]
    place_of = {step.node: at for at, step in enumerate(steps)}
    plan = Plan(
        tuple(look for look, _ in looked),
        tuple(steps),
        {name: place_of[optimized[node]] for name, node in terms.items()
         if optimized[node] in place_of},
        tuple(tuple(name for name in names if optimized[terms[name]] in place_of)
              for names in _of_results(core)),
        tuple((place, sum(map(jnp.size, _leaves(mask)))) for place, mask, _ in seen),
    )  # fmt: skip
    shown = tuple(_mask_use(mask, value) for _, mask, value in seen)
    observation = Observation(plan, tuple(measure for _, measure in looked), unfinite, shown)
    return results[:count], observation


def _terms(core: Core) -> dict[str, Node]:
    """Return the terms by name, then the results: a sum of finite terms may overflow."""
    weighted = [term.weighted for result in core.results for term in result.terms]
    names = [name for names in _of_results(core) for name in names]
    terms = dict(zip(names, weighted, strict=True))
    return {
        **terms,
        **{result.name: result.value for result in core.results if result.name not in terms},
    }


def _of_results(core: Core) -> list[tuple[str, ...]]:
    """Return the names of the terms of each result."""
    several = len(core.results) > 1
    return [
        tuple(f"{result.name}/{term.name}" if several else term.name for term in result.terms)
        for result in core.results
    ]


def _masks(core: Core) -> list[Apply]:
    """Return one selection for each mask of the text."""
    selections: dict[Node, Apply] = {}
    for node in tape(result.value for result in core.results):
        match node:
            case Apply(Builtin(form=Form.KEEP), (mask, _)) if mask is not None:
                selections.setdefault(mask, node)
            case _:
                pass
    return list(selections.values())


def _place(graph: Graph, node: Node) -> Place | None:
    """Return where a node was written: first in the text itself."""
    places = graph.places.get(node, [])
    return next((place for place in places if not place.calls), places[0] if places else None)


def _steps(
    graph: Graph, nodes: Sequence[Node], values: Mapping[Node, Any]
) -> tuple[list[Step], tuple[Measure, ...]]:
    """Return the floating steps, and for each what is not finite in it."""
    steps: list[Step] = []
    measures: list[Measure] = []
    place_of: dict[Node, int] = {}
    for node in nodes:
        if not isinstance(node, Apply | Input | Leaves):
            continue
        for leaf in _floating(values[node])[:1]:
            place_of[node] = len(steps)
            reads = tuple(place_of[operand] for operand in operands(node) if operand in place_of)
            steps.append(Step(node, reads, _place(graph, node), leaf.shape))
            measures.append(_first(leaf, ~jnp.isfinite(leaf)))
    return steps, tuple(measures)


def _floating(value: Any) -> list[Any]:
    """Return a value as a list of its floating arrays, joined if it is a tree."""
    leaves = _leaves(value)
    arrays = [leaf for leaf in leaves if jnp.issubdtype(getattr(leaf, "dtype", bool), jnp.floating)]
    if not isinstance(value, list) or not arrays:
        return [jnp.asarray(array) for array in arrays]
    return [jnp.concatenate([jnp.ravel(array).astype(jnp.float32) for array in arrays])]


def _leaves(value: Any) -> list[Any]:
    """Return the leaves of a tree, or an array alone."""
    return value if isinstance(value, list) else [value]


def _first(values: Any, bad: Any) -> Measure:
    if values.size == 0:
        return jnp.int32(0), jnp.int32(0), jnp.float32(0)
    at = jnp.argmax(jnp.ravel(bad))
    value = jax.lax.stop_gradient(jnp.ravel(values)[at]).astype(jnp.float32)
    return jnp.sum(bad, dtype=jnp.int32), at.astype(jnp.int32), value


def _looks(core: Core, node: Node, values: Mapping[Node, Any]) -> list[tuple[Look, Measure]]:
    """Return what a marked argument shows, where it is not masked."""
    if not (isinstance(node, Apply) and node.function.form is Form.WATCH):
        return []
    watched = cast("Watched", core.graph.watched[cast("int", node.option("number"))])
    required, value = watched.requirement, jnp.asarray(values[node])
    interval, wide = required.range, _wide(value)
    above = wide > interval.low if interval.opening == "(" else wide >= interval.low
    below = wide < interval.high if interval.closing == ")" else wide <= interval.high
    fine = above & below & (jnp.abs(wide) == 1 if required.signs else True)
    fine = fine | jnp.isnan(wide)
    if required.beside is not None:
        fine = fine | (wide == required.beside)
    seen = _seen(node, values, value.shape)
    looks = [(Look(watched, value.shape), _first(value, ~fine & seen))]
    axis = required.sums_along
    if axis is not None and axis < value.ndim:
        total = jnp.sum(wide, axis=axis)
        floating = jnp.issubdtype(value.dtype, jnp.floating)
        far = jnp.abs(total - 1) > (TOLERANCE[8 * value.dtype.itemsize] if floating else 0)
        look = Look(watched, total.shape, sums=True)
        looks.append((look, _first(total, far & jnp.all(seen, axis=axis))))
    return looks


def _wide(value: Any) -> Any:
    """Return numbers in a dtype that holds the bounds they are compared with."""
    if jnp.issubdtype(value.dtype, jnp.unsignedinteger):
        # A negative bound would wrap around; beyond 2**31 all is above every size.
        return jnp.minimum(value, jnp.iinfo(jnp.int32).max).astype(jnp.int32)
    if value.dtype.itemsize >= 4:
        return value
    return value.astype(jnp.float32 if jnp.issubdtype(value.dtype, jnp.floating) else jnp.int32)


def _seen(node: Node, values: Mapping[Node, Any], shape: tuple[int, ...]) -> Any:
    """Return which elements of a marked value are real: under no mask that was sunk this far."""
    seen: Any = jnp.ones(shape, bool)
    waiting = list(operands(node))
    while waiting:
        match waiting.pop():
            case Apply(Builtin(form=Form.SHIELD), (mask, inner)):
                assert mask is not None and inner is not None
                if jnp.shape(values[mask]) and jnp.ndim(values[inner]) == len(shape):
                    seen = seen & jnp.broadcast_to(values[mask], shape)
                waiting.append(inner)
            case Apply(function, arguments) if function.elementwise:
                waiting += [argument for argument in arguments if argument is not None]
            case _:
                pass
    return seen


def _mask_use(mask: Any, value: Any) -> tuple[Any, Any, Any]:
    count = sum((jnp.sum(leaf, dtype=jnp.int32) for leaf in _leaves(mask)), jnp.int32(0))
    arrays = _floating(value)
    if not arrays or arrays[0].size == 0 or isinstance(value, list):
        return count, jnp.float32(math.nan), jnp.float32(math.nan)
    inside = jax.lax.stop_gradient(arrays[0])
    low = jnp.min(jnp.where(mask, inside, jnp.inf)).astype(jnp.float32)
    return count, low, jnp.max(jnp.where(mask, inside, -jnp.inf)).astype(jnp.float32)
