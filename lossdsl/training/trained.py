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

    >>> trained({"w": jnp.ones(3), "rate": 0.5, "steps": jnp.arange(3)}).paths
    ['w']
    """
    leaves = trained_leaves(flatten(params))
    if not leaves.places:
        message = (
            f"`params` has {len(leaves.flat.leaves)} leaves, of which none is a floating array"
        )
        help = "the first argument of the objective is what is trained"
        raise LossError([at("LD209", message, None, help=help)])
    return leaves


def trained_leaves(flat: Flat) -> Trained:
    """Return what of a tree is trained, perhaps nothing.

    A number of Python, such as the rate of a dropout, is a setting. No loss reads a complex leaf,
    and a model may.
    """
    unboxed = (n for n, reason in enumerate(flat.unread) if reason is None or reason.dtype)
    return Trained(flat, tuple(place for place in unboxed if _is_floating(flat.leaves[place])))


def _is_floating(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.inexact)
