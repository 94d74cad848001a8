"""What of the parameters is trained: their floating leaves, apart from all that a model holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.selectors import flatten
from lossdsl.selectors.paths import Flat


@dataclass(frozen=True, slots=True)
class Trained:
    """The floating leaves of a tree, with the places that they have in it."""

    flat: Flat
    places: tuple[int, ...]

    @property
    def leaves(self) -> list[Any]:
        """The leaves as arrays."""
        return [jnp.asarray(self.flat.leaves[place]) for place in self.places]

    @property
    def paths(self) -> list[str]:
        """The path of each leaf."""
        return ["/".join(self.flat.paths[place]) for place in self.places]

    def tree(self, leaves: Sequence[Any]) -> Any:
        """Return the tree with other leaves in these places."""
        whole = list(self.flat.leaves)
        for place, leaf in zip(self.places, leaves, strict=True):
            whole[place] = leaf
        return self.flat.rebuilt(whole)


def trained(params: Any) -> Trained:
    """Return what of some parameters is trained; raise `LossError` for a tree of which nothing is.

    >>> trained({"w": 1.0, "name": "linear", "steps": 3}).paths
    ['w']
    """
    flat = flatten(params)
    # No loss reads a complex leaf, and a model may.
    unboxed = (n for n, reason in enumerate(flat.unread) if reason is None or reason.dtype)
    places = tuple(place for place in unboxed if _is_floating(flat.leaves[place]))
    if not places:
        message = f"`params` has {len(flat.leaves)} leaves, of which none is a floating array"
        help = "the first argument of the objective is what is trained"
        raise LossError([at("LD209", message, None, help=help)])
    return Trained(flat, places)


def _is_floating(leaf: Any) -> bool:
    if isinstance(leaf, float | complex):
        return True
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.inexact)
