"""What the micro-batches of a batch add up to: the sums behind every mean, from which all follows.

A value combines if it is a function of reductions over the examples, each a mean or a sum. Of a
micro-batch these are kept as sums and what they are divided by; added up, they are those of the
whole batch, and the rest of the value is computed from them once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import jax
import jax.numpy as jnp

from lossdsl.core.graph import Apply, Core, Leaves, Node, tape
from lossdsl.core.leaves import tree_leaves
from lossdsl.diagnostics import settings
from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, at
from lossdsl.elaborate.other_terms import named_terms
from lossdsl.lower.tape import evaluated
from lossdsl.source import Span
from lossdsl.specialization import Call
from lossdsl.syntax.options import AXIS, KEEPDIMS, NORMALIZE
from lossdsl.terms import Terms, array_of, count_of, kept_of, kinds_of, shape_of, term_roots
from lossdsl.types.types import ArrayType, Type, arrays_of


@jax.tree_util.register_pytree_node_class
@dataclass(frozen=True, slots=True)
class Parts:
    """Sums over the examples of one or more micro-batches, made by `loss.parts`, added with `+`.

    `sums` has the numerator of each mean, and each sum; `weights` what the mean is divided by, None
    of a sum; `count` that of each term. A pytree of arrays.
    """

    sums: tuple[Any, ...]
    weights: tuple[Any, ...]
    count: Mapping[str, Any]

    def __add__(self, other: Parts) -> Parts:
        return jax.tree.map(jnp.add, self, other)

    def __radd__(self, other: object) -> Parts:
        """Return this; so `sum` adds parts up, which begins with 0."""
        if isinstance(other, int) and other == 0:
            return self
        return NotImplemented

    def tree_flatten(self) -> tuple[Any, Any]:
        """Flatten for JAX."""
        return (self.sums, self.weights, dict(self.count)), None

    @classmethod
    def tree_unflatten(cls, _: Any, children: Any) -> Parts:
        """Rebuild from what `tree_flatten` took apart."""
        return cls(*children)


def part_roots(core: Core) -> list[Node]:
    """Return the reductions over the examples, and of each mean the mask and the weight."""
    found = _reductions(core)
    return [*found, *(kept for node in found for kept in kept_of(node))]


def parts_of(call: Call, inputs: Mapping[str, Any]) -> Parts:
    """Return the parts of a call, whose roots are `part_roots`."""
    core, sizes, values = call.core, call.sizes, evaluated(call, inputs)
    _hold_combined(core)
    found = _reductions(core)
    results, rest = values[: len(found)], iter(values[len(found) :])
    sums: list[Any] = []
    weights: list[Any] = []
    count: dict[str, Any] = {}
    for node, value in zip(found, results, strict=True):
        type = core.graph.types[node]
        kept = [array_of(core.graph.types[mask], next(rest)) for mask in kept_of(node)]
        result = array_of(type, value)
        if node.function.combine == "sum":
            sums.append(result)
            weights.append(None)
            continue
        weight = _weight(core, node, kept, sizes)
        sums.append(jax.tree.map(_numerator, result, weight))
        weights.append(weight)
        counted = count_of(core, node, kept, sizes)
        for name, term in named_terms(core.results).items():
            if term.combine.reductions == (node,):
                count[name] = counted
    return Parts(tuple(sums), tuple(weights), count)


def _numerator(mean: jax.Array, weight: jax.Array) -> jax.Array:
    # The mean of nothing is 0 or NaN, and adds nothing.
    return jnp.where(weight == 0, 0, jnp.where(weight == 0, 0, mean) * weight)


def whole_roots(core: Core) -> list[Node]:
    """Return the nodes of `term_roots`, in which reductions over the examples are inputs."""
    found = {node: n for n, node in enumerate(_reductions(core))}
    graph = core.graph
    made: dict[Node, Node] = {}
    roots = term_roots(core)[: _computed(core)]
    for node in tape(roots):
        if node in found:
            made[node] = graph.input(_input(found[node]), graph.types[node])
            continue
        match node:
            case Apply(arguments=arguments):
                given = [None if a is None else made[a] for a in arguments]
                same = all(a is None or made[a] is a for a in arguments)
                made[node] = node if same else graph.again(node, given, graph.types[node])
            case Leaves(tree, selector):
                made[node] = graph.leaves(made[tree], selector, graph.types[node])
            case _:
                made[node] = node
    return [made[root] for root in roots]


def whole_of(call: Call, inputs: Mapping[str, Any], parts: Parts) -> tuple[list[Any], Terms]:
    """Return the results and terms of a whole batch at a call, whose roots are `whole_roots`."""
    core = call.core
    settings.hold("parts", parts, Parts, "a sum of `loss.parts(…)`", "such as `sum(each)`")
    if len(parts.sums) != len(_reductions(core)):
        message = (
            f"`parts` holds {len(parts.sums)} sums of a loss that has {len(_reductions(core))}"
        )
        raise LossError([at("LD121", message, None, help="`parts` and `combine` of one loss")])
    values = evaluated(call, {**inputs, **_whole_inputs(core, parts)})
    types = [core.graph.types[node] for node in term_roots(core)[: _computed(core)]]
    arrays = iter([array_of(type, value) for type, value in zip(types, values, strict=True)])
    whole = [next(arrays) for _ in core.results]
    terms = named_terms(core.results)
    triples = {name: (next(arrays), next(arrays), next(arrays)) for name in terms}
    raw, weight, weighted = ({name: t[n] for name, t in triples.items()} for n in range(3))
    metrics = {name: next(arrays) for name in core.metrics}
    kinds = kinds_of(core)
    return whole, Terms(raw, weight, weighted, parts.count, metrics, kinds)


def _whole_inputs(core: Core, parts: Parts) -> dict[str, Any]:
    """Return the reductions of the whole batch, as the inputs that stand for them."""
    inputs: dict[str, Any] = {}
    for n, node in enumerate(_reductions(core)):
        value, weight = parts.sums[n], parts.weights[n]
        if weight is not None:
            value = jax.tree.map(lambda total, w: total / jnp.where(w == 0, 1, w), value, weight)
        is_tree = not isinstance(core.graph.types[node], ArrayType)
        inputs[_input(n)] = [*value.values()] if is_tree else value
    return inputs


def _hold_combined(core: Core) -> None:
    """Raise `LossError` for a term or metric that mixes examples, of which no parts add up."""
    for name, term in named_terms(core.results).items():
        if term.combine.kind == "whole":
            help = f"give it the whole batch, or leave it out: `.without({name!r})`"
            raise LossError([_mixes(f"the term `{name}`", term.span, help)])
    for name, combine in core.metric_combines.items():
        if combine.kind == "whole":
            places = core.graph.places.get(core.metrics[name], ())
            span = next((place.span for place in places if not place.calls), None)
            help = "give it the whole batch, or leave it out of this text"
            raise LossError([_mixes(f"the metric `{name}`", span, help)])


def _mixes(what: str, span: Span | None, help: str) -> Diagnostic:
    message = f"{what} mixes examples: micro-batches do not add up to it"
    return at("LD211", message, span, help=help)


def _reductions(core: Core) -> list[Apply]:
    """Return the reductions that end the examples, each once."""
    combines = [term.combine for term in named_terms(core.results).values()]
    combines += core.metric_combines.values()
    found = dict.fromkeys(node for combine in combines for node in combine.reductions)
    return [node for node in found if isinstance(node, Apply)]


def _computed(core: Core) -> int:
    """Return how many nodes come before the masks in `term_roots`."""
    return len(core.results) + 3 * len(named_terms(core.results)) + len(core.metrics)


def _input(number: int) -> str:
    return f"part {number}"  # no name of the language


def _weight(core: Core, node: Apply, kept: Sequence[Any], sizes: Mapping[str, int]) -> Any:
    """Return what each result of a mean is divided by, in the structure of the results."""
    operand, result = node.arguments[0], core.graph.types[node]
    assert operand is not None
    if isinstance(result, ArrayType) and result.dims == ():
        return count_of(core, node, kept, sizes)
    shapes = [shape_of(core, leaf, sizes) for leaf in arrays_of(core.graph.types[operand])]
    outs = [shape_of(core, leaf, sizes) for leaf in arrays_of(result)]
    axes = cast("Any", node.option(AXIS))
    each = [axes] if isinstance(result, ArrayType) else list(axes)
    by = node.option(NORMALIZE)
    weights: list[Any] = []
    for n, (shape, out, over) in enumerate(zip(shapes, outs, each, strict=True)):
        factor: Any = jnp.ones((), jnp.float32)
        for mask in kept if by != "all" else ():
            part = [*mask.values()][n] if isinstance(mask, dict) else mask
            factor = factor * (part != 0 if by == "count" else part)
        keepdims = bool(node.option(KEEPDIMS))
        total = jnp.sum(jnp.broadcast_to(factor, shape), over, jnp.float32, keepdims=keepdims)
        weights.append(jnp.broadcast_to(total, out))
    if isinstance(result, ArrayType):
        return weights[0]
    return dict(zip(_paths(result), weights, strict=True))


def _paths(type: Type) -> list[str]:
    return ["/".join(path) for path, _ in tree_leaves(type)]
