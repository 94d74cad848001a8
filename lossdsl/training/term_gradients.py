"""The gradient of each term by itself: how long it is, and which terms pull apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from lossdsl.terms import Terms, tracked
from lossdsl.training.objective import inputs_function, made_inputs
from lossdsl.training.trained import trained

if TYPE_CHECKING:
    from lossdsl.loss import CompiledLoss

Gradients = Mapping[str, Sequence[jax.Array]]


@jax.tree_util.register_pytree_with_keys_class
@dataclass(frozen=True)
class TermGradients:
    """The gradients of the weighted terms, by the names of these and in their order.

    `norm` has the Euclidean length of each, f32[]; `cosine` is f32[m, m], 0 where one of the two
    is 0. A pytree, in which the names are static.
    """

    norm: Mapping[str, jax.Array]
    cosine: jax.Array

    @property
    def conflict(self) -> jax.Array:
        """Which terms pull apart: bool[m, m], where the cosine is below 0."""
        return self.cosine < 0

    def flat(self, separator: str = "/") -> dict[str, Any]:
        """Return scalars by name, as `Terms.flat` does: `gradient/fit`, `cosine/fit/decay`."""
        names = list(self.norm)
        cosines = {
            f"{name}/{other}": self.cosine[at, after]
            for at, name in enumerate(names)
            for after, other in enumerate(names)
            if at < after
        }
        return tracked({"gradient": self.norm, "cosine": cosines}, separator)

    def tree_flatten_with_keys(self) -> tuple[list[tuple[Any, Any]], Any]:
        """Flatten for JAX; the names are static, so that their order is kept."""
        norm = (jax.tree_util.GetAttrKey("norm"), tuple(self.norm.values()))
        return [norm, (jax.tree_util.GetAttrKey("cosine"), self.cosine)], tuple(self.norm)

    @classmethod
    def tree_unflatten(cls, names: Any, children: Any) -> TermGradients:
        """Rebuild from what `tree_flatten_with_keys` took apart."""
        norm, cosine = children
        return cls(dict(zip(names, norm, strict=True)), cosine)


def term_gradients(
    loss: CompiledLoss, function: Callable[..., Any], params: Any, *rest: Any, **keywords: Any
) -> TermGradients:
    """Return how long the gradient of each weighted term is, and the cosines between them.

    Takes an objective, or its function, and what that takes. The model is evaluated once and
    differentiated once for each term.
    """
    _, gradients = gradients_by_term(loss, "weighted", function, params, *rest, **keywords)
    units, norms = zip(*map(unit, gradients.values()), strict=True)
    # The products are summed where they lie: a matrix product would move leaves between devices.
    cosine = sum(
        jnp.sum(_real(each[:, None] * jnp.conj(each[None])), axis=tuple(range(2, each.ndim + 1)))
        for each in map(jnp.stack, zip(*units, strict=True))
    )
    return TermGradients(dict(zip(gradients, norms, strict=True)), jnp.clip(cosine, -1, 1))


def gradients_by_term(
    loss: CompiledLoss,
    part: str,
    function: Callable[..., Any],
    params: Any,
    *rest: Any,
    **keywords: Any,
) -> tuple[Terms, Gradients]:
    """Return the terms, and of a part of each (`raw`, `weighted`) the gradient by its name.

    A gradient is a list of the trained leaves. The model is evaluated once, and its linearization
    is transposed for one term at a time: with a vector of zeros for the others, an infinite
    derivative of one term would be NaN in the gradients of all.
    """
    inner, leaves = inputs_function(function), trained(params)

    def evaluated(given: Sequence[Any]) -> tuple[list[jax.Array], Terms]:
        inputs, _ = made_inputs(loss, inner, leaves.tree(given), *rest, **keywords)
        _, terms = loss.with_terms(**inputs)
        return [*map(wide, getattr(terms, part).values())], terms

    values, linear, terms = jax.linearize(evaluated, leaves.leaves, has_aux=True)
    gradients: dict[str, Sequence[jax.Array]] = {}
    for place, (name, value) in enumerate(zip(terms.raw, values, strict=True)):
        pullback = jax.linear_transpose(lambda moved, n=place: linear(moved)[n], leaves.leaves)
        (gradients[name],) = pullback(jnp.ones_like(value))
    return terms, gradients


def wide(value: Any) -> jax.Array:
    """Return an array of floats of at least 32 bits."""
    return jnp.asarray(value, jnp.promote_types(value.dtype, jnp.float32))


def _real(value: jax.Array) -> jax.Array:
    return jnp.real(value) if jnp.iscomplexobj(value) else value


def unit(gradient: Sequence[jax.Array]) -> tuple[list[jax.Array], jax.Array]:
    """Return a gradient of length 1, or 0, and its length, where squares are out of range too."""
    leaves = [wide(leaf) for leaf in gradient]
    most = jnp.max(jnp.stack([jnp.max(jnp.abs(leaf), initial=0) for leaf in leaves]))
    scaled = [leaf / jnp.where(most == 0, 1, most) for leaf in leaves]
    length = jnp.sqrt(sum(jnp.sum(_real(leaf * jnp.conj(leaf))) for leaf in scaled))
    units = [leaf / jnp.where(length == 0, 1, length) for leaf in scaled]
    return units, jnp.where(jnp.isfinite(most), most * length, most)
