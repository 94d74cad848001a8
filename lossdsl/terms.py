"""What a loss is made of at one call: every term raw, its weight, its share, and the metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from lossdsl.core.graph import Apply, Core, Input, Node, Term, tape
from lossdsl.core.leaves import tree_leaves
from lossdsl.frozen import dataclass
from lossdsl.lower.jax_dtypes import default_float, jax_dtype
from lossdsl.syntax.options import NORMALIZE
from lossdsl.types.types import ArrayType, Type, arrays_of


@jax.tree_util.register_pytree_with_keys_class
@dataclass(frozen=True)
class Terms:
    """The terms and metrics of one evaluation, by name and in the order of the spec.

    `raw` holds each term without its weight, `weight` the weight with its sign, `weighted` the
    product that is added to the loss, `count` how many elements (or how much weight) a mean
    divides by. Arrays are of rank 0; metrics have any shape, a tree being a mapping from path to
    leaf. `combine` says of each term and metric how micro-batches combine: `constant`, `mean` (by
    `raw` and `count`), `sum`, `function` of several means and sums, or `whole`. A pytree, in which
    `combine` is static.
    """

    raw: Mapping[str, Any]
    weight: Mapping[str, Any]
    weighted: Mapping[str, Any]
    count: Mapping[str, Any]
    metrics: Mapping[str, Any]
    combine: Mapping[str, str]

    def flat(self, separator: str = "/") -> dict[str, Any]:
        """Return scalars by name, as trackers take them: `fit`, `fit/raw`, `fit/weight`, metrics.

        Metrics that are no scalars are left out; one with the name of a term is `metric/fit`.
        """
        scalars: dict[str, Any] = {}
        for name in self.raw:
            scalars[name] = self.weighted[name]
            scalars[f"{name}{separator}raw"] = self.raw[name]
            scalars[f"{name}{separator}weight"] = self.weight[name]
        for name, value in self.metrics.items():
            if getattr(value, "ndim", None) == 0:
                scalars[f"metric{separator}{name}" if name in scalars else name] = value
        return scalars

    def tree_flatten_with_keys(self) -> tuple[list[tuple[Any, Any]], Any]:
        """Flatten for JAX; the names are static, so that their order is kept."""
        parts = (self.raw, self.weight, self.weighted, self.count, self.metrics)
        names = (*(tuple(part) for part in parts), tuple(self.combine.items()))
        words = ("raw", "weight", "weighted", "count", "metrics")
        children = [
            (jax.tree_util.GetAttrKey(word), tuple(part.values()))
            for word, part in zip(words, parts, strict=True)
        ]
        return children, names

    @classmethod
    def tree_unflatten(cls, names: Any, children: Any) -> Terms:
        """Rebuild from what `tree_flatten_with_keys` took apart."""
        *words, combine = names
        raw, weight, weighted, count, metrics = (
            dict(zip(n, c, strict=True)) for n, c in zip(words, children, strict=True)
        )
        return cls(raw, weight, weighted, count, metrics, dict(combine))


def value_roots(core: Core) -> list[Node]:
    """Return the nodes of the results of a program."""
    return [outcome.value for outcome in core.results]


def term_roots(core: Core) -> list[Node]:
    """Return the nodes of the results of a program and of all that they are made of."""
    terms = named_terms(core)
    parts = [node for term in terms.values() for node in (term.raw, term.weight, term.weighted)]
    kept = [node for mean in _means(terms).values() for node in _kept(mean)]
    return [*value_roots(core), *parts, *core.metrics.values(), *kept]


def results(core: Core, values: Sequence[Any]) -> list[Any]:
    """Return the results of a program from the values of `value_roots`."""
    types = [core.graph.types[node] for node in value_roots(core)]
    return [_array(type, value) for type, value in zip(types, values, strict=True)]


def results_with_terms(
    core: Core, values: Sequence[Any], sizes: Mapping[str, int]
) -> tuple[list[Any], Terms]:
    """Return the results, and what they are made of, from the values of `term_roots`.

    `sizes` are those of the call, by symbol.
    """
    terms = named_terms(core)
    types = [core.graph.types[node] for node in term_roots(core)]
    arrays = iter([_array(type, value) for type, value in zip(types, values, strict=True)])
    whole = [next(arrays) for _ in core.results]
    parts = {name: (next(arrays), next(arrays), next(arrays)) for name in terms}
    raw, weight, weighted = ({name: part[at] for name, part in parts.items()} for at in range(3))
    metrics = {name: next(arrays) for name in core.metrics}
    counts = {
        name: _count(core, mean, [next(arrays) for _ in _kept(mean)], sizes)
        for name, mean in _means(terms).items()
    }
    combine = {name: term.combine.kind for name, term in terms.items()}
    combine |= {
        name: metric_combine.kind
        for name, metric_combine in core.metric_combines.items()
        if name not in combine
    }
    return whole, Terms(raw, weight, weighted, counts, metrics, combine)


def readers(core: Core, name: str) -> tuple[str, ...]:
    """Return the names of the terms that read an input, in the order of the spec."""
    return tuple(
        term_name
        for term_name, term in named_terms(core).items()
        if any(isinstance(node, Input) and node.name == name for node in tape([term.weighted]))
    )


def named_terms(core: Core) -> dict[str, Term]:
    """Return the terms by name, with the name of their result in front if there are several."""
    several = len(core.results) > 1
    return {
        f"{result.name}/{term.name}" if several else term.name: term
        for result in core.results
        for term in result.terms
    }


def _array(type: Type, value: Any) -> Any:
    """Return a root as a strong array: a literal is a number until here."""
    if isinstance(value, list):
        paths = ["/".join(path) for path, _ in tree_leaves(type)]
        return {path: _array(type, leaf) for path, leaf in zip(paths, value, strict=True)}
    if hasattr(value, "dtype"):
        return value.astype(value.dtype) if getattr(value, "weak_type", False) else value
    plain = {"int": jnp.int32, "bool": jnp.bool_}
    dtype = plain.get(type.dtype) if isinstance(type, ArrayType) else None
    return jnp.asarray(value, dtype or jax_dtype(default_float()))


def _means(terms: Mapping[str, Term]) -> dict[str, Apply]:
    """Return the means that terms are, whose elements are counted, by the names of the terms."""
    means: dict[str, Apply] = {}
    for name, term in terms.items():
        match term.combine.reductions:
            case (Apply(function) as mean,) if function.combine == "mean":
                means[name] = mean
            case _:
                pass
    return means


def _kept(node: Apply) -> list[Node]:
    """Return the mask and the weight of a mean, if it has them."""
    return [operand for operand in node.arguments[1:] if operand is not None]


def _count(core: Core, node: Apply, kept: Sequence[Any], sizes: Mapping[str, int]) -> Any:
    """Return the sum of the weights that a mean divides by, or how many elements it has.

    Of a mean over some axes only, what its results divide by on average.
    """
    operand = node.arguments[0]
    assert operand is not None
    type = core.graph.types[operand]
    shapes = [_shape(core, leaf, sizes) for leaf in arrays_of(type)]
    result = core.graph.types[node]
    results = math.prod(_shape(core, result, sizes)) if isinstance(result, ArrayType) else 1
    if not kept or node.option(NORMALIZE) == "all":
        size = sum(math.prod(shape) for shape in shapes)
        return jnp.asarray(size / _divisor(results), jnp.float32)
    total: Any = 0.0
    for place, shape in enumerate(shapes):
        factor: Any = 1.0
        for weight in kept:
            part = [*weight.values()][place] if isinstance(weight, dict) else weight
            factor = factor * (part != 0 if node.option(NORMALIZE) == "count" else part)
        total = total + jnp.sum(jnp.broadcast_to(factor, shape), dtype=jnp.float32)
    return total / _divisor(results)


def _divisor(results: Any) -> Any:
    """Return how many means there are, at least one; a size that is left open is no smaller."""
    return max(results, 1) if isinstance(results, int) else results


def _shape(core: Core, type: ArrayType, sizes: Mapping[str, int]) -> tuple[Any, ...]:
    shape = type.shape_at(sizes)
    # What `jax.export` leaves open is a size of JAX.
    return tuple(map(core.graph.size, type.dims or ())) if shape is None else shape
