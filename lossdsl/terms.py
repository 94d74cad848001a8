"""What a loss is made of at one call: every term raw, its weight, its share, and the metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lossdsl.core.graph import Apply, Core, Input, Node, Term, tape
from lossdsl.core.leaves import tree_leaves
from lossdsl.diagnostics import settings
from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.elaborate.other_terms import named_terms
from lossdsl.frozen import dataclass
from lossdsl.lower.debug import beside
from lossdsl.lower.jax_dtypes import default_float, jax_dtype
from lossdsl.syntax.options import NORMALIZE
from lossdsl.types.types import ArrayType, Type, arrays_of

# Trackers keep these as they are, and no name of a term or a metric holds one.
_SEPARATORS = ("/", ".", "-")


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

    @property
    def share(self) -> dict[str, Any]:
        """How much of its result each term is: `|weighted|` over the sum of all, f32[].

        The shares of a result sum to 1. Where all of its terms are 0 so are the shares, and where
        one is not finite they are NaN.
        """
        by_result: dict[str, dict[str, Any]] = {}
        for name, value in self.weighted.items():
            by_result.setdefault(name.rpartition("/")[0], {})[name] = value
        shares = [_shares(weighted) for weighted in by_result.values()]
        return {name: share for named in shares for name, share in named.items()}

    def flat(self, separator: str = "/") -> dict[str, Any]:
        """Return scalars by name, as trackers take them: `raw/fit`, `weight/fit`, `metric/peak`.

        The first part, by which trackers group, is `weighted`, `raw`, `weight`, `share` or
        `metric`; no name is the beginning of another one, and `separator` is a character that no
        tracker replaces. Metrics that are no scalars are left out. Values that are on the host,
        as `jax.device_get(terms)` has them, come as numbers of Python.
        """
        scalars = {name: value for name, value in self.metrics.items() if _is_scalar(value)}
        kinds = {
            "weighted": self.weighted,
            "raw": self.raw,
            "weight": self.weight,
            "share": self.share,
            "metric": scalars,
        }
        return tracked(kinds, separator)

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


def tracked(kinds: Mapping[str, Mapping[str, Any]], separator: str) -> dict[str, Any]:
    """Return values by name with their kind in front, which no tracker changes."""
    if settings.hold_text("separator", separator, "'/'") not in _SEPARATORS:
        message = f"`separator` is {separator!r}, which trackers replace or names may hold"
        known = ", ".join(map(repr, _SEPARATORS))
        raise LossError([at("LD121", message, None, help=f"one of {known}")])
    return {
        separator.join((kind, *name.split("/"))): _plain(value)
        for kind, values in kinds.items()
        for name, value in values.items()
    }


def _shares(weighted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what share of a sum of magnitudes each value is, also where that would overflow."""
    numpy = np if all(isinstance(value, np.ndarray) for value in weighted.values()) else jnp
    wide = [numpy.abs(numpy.asarray(value)) for value in weighted.values()]
    wide = [value.astype(numpy.promote_types(value.dtype, numpy.float32)) for value in wide]
    magnitudes = numpy.stack(wide)
    # Neither the sum nor the reciprocal by which XLA divides leaves the range of f32 so.
    scaled = magnitudes * numpy.where(numpy.max(magnitudes) > 1, 2.0**-100, 2.0**100)
    finite = numpy.where(numpy.isinf(magnitudes), numpy.nan, scaled)
    total = numpy.sum(finite)
    return dict(zip(weighted, finite / numpy.where(total == 0, 1, total), strict=True))


def _is_scalar(value: Any) -> bool:
    return getattr(value, "ndim", None) == 0


def _plain(value: Any) -> Any:
    """Return a number of Python for a value on the host, and what is on a device as it is."""
    if not isinstance(value, np.ndarray | np.generic):
        return value
    number = value.item()
    return number if isinstance(number, bool | int) else float(number)


def value_roots(core: Core) -> list[Node]:
    """Return the nodes of the results of a program."""
    return [outcome.value for outcome in core.results]


def term_roots(core: Core) -> list[Node]:
    """Return the nodes of the results of a program and of all that they are made of."""
    terms = named_terms(core.results)
    parts = [node for term in terms.values() for node in (term.raw, term.weight, term.weighted)]
    kept = [node for mean in _means(terms).values() for node in kept_of(mean)]
    return [*value_roots(core), *parts, *core.metrics.values(), *kept]


def observed_value_roots(core: Core) -> list[Node]:
    """Return the nodes of the results, and what a debug build looks at."""
    return [*value_roots(core), *beside(core)]


def observed_term_roots(core: Core) -> list[Node]:
    """Return the nodes of the results and their terms, and what a debug build looks at."""
    return [*term_roots(core), *beside(core)]


def results(core: Core, values: Sequence[Any]) -> list[Any]:
    """Return the results of a program from the values of `value_roots`."""
    types = [core.graph.types[node] for node in value_roots(core)]
    return [array_of(type, value) for type, value in zip(types, values, strict=True)]


def results_with_terms(
    core: Core, values: Sequence[Any], sizes: Mapping[str, int]
) -> tuple[list[Any], Terms]:
    """Return the results, and what they are made of, from the values of `term_roots`.

    `sizes` are those of the call, by symbol.
    """
    terms = named_terms(core.results)
    types = [core.graph.types[node] for node in term_roots(core)]
    arrays = iter([array_of(type, value) for type, value in zip(types, values, strict=True)])
    whole = [next(arrays) for _ in core.results]
    parts = {name: (next(arrays), next(arrays), next(arrays)) for name in terms}
    raw, weight, weighted = ({name: part[at] for name, part in parts.items()} for at in range(3))
    metrics = {name: next(arrays) for name in core.metrics}
    counts = {
        name: count_of(core, mean, [next(arrays) for _ in kept_of(mean)], sizes)
        for name, mean in _means(terms).items()
    }
    return whole, Terms(raw, weight, weighted, counts, metrics, kinds_of(core))


def kinds_of(core: Core) -> dict[str, str]:
    """Return how each term combines over micro-batches, and each metric that no term is called."""
    kinds = {name: term.combine.kind for name, term in named_terms(core.results).items()}
    metrics = core.metric_combines.items()
    return kinds | {name: combine.kind for name, combine in metrics if name not in kinds}


def readers(core: Core, name: str) -> tuple[str, ...]:
    """Return the names of the terms that read an input, in the order of the spec."""
    return tuple(
        term_name
        for term_name, term in named_terms(core.results).items()
        if any(isinstance(node, Input) and node.name == name for node in tape([term.weighted]))
    )


def array_of(type: Type, value: Any) -> Any:
    """Return a root as a strong array: a literal is a number until here."""
    if isinstance(value, list):
        paths = ["/".join(path) for path, _ in tree_leaves(type)]
        return {path: array_of(type, leaf) for path, leaf in zip(paths, value, strict=True)}
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


def kept_of(node: Apply) -> list[Node]:
    """Return the mask and the weight of a mean, if it has them."""
    return [operand for operand in node.arguments[1:] if operand is not None]


def count_of(core: Core, node: Apply, kept: Sequence[Any], sizes: Mapping[str, int]) -> Any:
    """Return the sum of the weights that a mean divides by, or how many elements it has.

    Of a mean over some axes only, what its results divide by on average.
    """
    operand = node.arguments[0]
    assert operand is not None
    type = core.graph.types[operand]
    shapes = [shape_of(core, leaf, sizes) for leaf in arrays_of(type)]
    result = core.graph.types[node]
    results = math.prod(shape_of(core, result, sizes)) if isinstance(result, ArrayType) else 1
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


def shape_of(core: Core, type: ArrayType, sizes: Mapping[str, int]) -> tuple[Any, ...]:
    """Return the shape of an array at a call, whose sizes may be left open."""
    shape = type.shape_at(sizes)
    # What `jax.export` leaves open is a size of JAX.
    return tuple(map(core.graph.size, type.dims or ())) if shape is None else shape
