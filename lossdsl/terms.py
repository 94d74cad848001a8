"""What a loss is made of at one call: every term raw, its weight, its share, and the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax


@jax.tree_util.register_pytree_with_keys_class
@dataclass(frozen=True)
class Terms:
    """The terms and metrics of one evaluation, by name and in the order of the spec.

    `raw` holds each term without its weight, `weight` the weight with its sign, `weighted` the
    product that is added to the loss, `count` how many elements (or how much weight) a mean was
    taken over. Arrays are of rank 0; metrics have any shape. A pytree.
    """

    raw: Mapping[str, Any]
    weight: Mapping[str, Any]
    weighted: Mapping[str, Any]
    count: Mapping[str, Any]
    metrics: Mapping[str, Any]

    def flat(self, separator: str = "/") -> dict[str, Any]:
        """Return scalars by name, as trackers take them: `fit`, `fit/raw`, `fit/weight`, metrics.

        Metrics that are no scalars are left out.
        """
        found: dict[str, Any] = {}
        for name in self.raw:
            found[name] = self.weighted[name]
            found[f"{name}{separator}raw"] = self.raw[name]
            found[f"{name}{separator}weight"] = self.weight[name]
        for name, value in self.metrics.items():
            if getattr(value, "ndim", 0) == 0:
                found[name] = value
        return found

    def tree_flatten_with_keys(self) -> tuple[list[tuple[Any, Any]], Any]:
        """Flatten for JAX; the names are static, so that their order is kept."""
        parts = (self.raw, self.weight, self.weighted, self.count, self.metrics)
        names = tuple(tuple(part) for part in parts)
        words = ("raw", "weight", "weighted", "count", "metrics")
        children = [
            (jax.tree_util.GetAttrKey(word), tuple(part.values()))
            for word, part in zip(words, parts, strict=True)
        ]
        return children, names

    @classmethod
    def tree_unflatten(cls, names: Any, children: Any) -> Terms:
        """Rebuild from what `tree_flatten_with_keys` took apart."""
        return cls(*(dict(zip(n, c, strict=True)) for n, c in zip(names, children, strict=True)))
