"""Weights of terms that move while a loss is trained: by what each is worth, or pulls at.

A balancer multiplies each term, its weight in the text included, by a number of its own. Balancers
are made of an objective by the functions of this module, and are pure: the numbers follow from a
state, which is a pytree of dictionaries.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lossdsl.diagnostics import settings
from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.library.suggest import did_you_mean
from lossdsl.terms import Terms
from lossdsl.training import balance_rules
from lossdsl.training.balance_rules import Measured, Numbers, Rule
from lossdsl.training.objective import inputs_function, made_inputs
from lossdsl.training.term_gradients import gradients_by_term, wide
from lossdsl.training.trained import trained

if TYPE_CHECKING:
    from lossdsl.loss import CompiledLoss

# The name and version of a rule, and what it keeps.
State = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, eq=False)
class Balancer:
    """Numbers by which terms are multiplied, as functions of a state: `init` and `update`.

    The state is held against the terms and the version of the rule, so that one of another spec
    is LD126. It is a pytree of dictionaries and arrays, which any checkpoint takes.
    """

    loss: CompiledLoss
    function: Callable[..., Any]
    rule: Rule
    names: tuple[str, ...]

    def init(self, params: Any, *rest: Any, **keywords: Any) -> State:
        """Return the state before the first step; takes what the objective takes.

        What later steps are compared with is measured here.
        """
        return {self.rule.key: self.rule.start(self._measured(params, rest, keywords))}

    def objective(self, params: Any, state: State, *rest: Any, **keywords: Any) -> Any:
        """Return `(value, terms)` with each term multiplied, for `jax.value_and_grad`.

        The weights in `terms` are those that are trained with. The state has no gradient.
        """
        inputs, aux = made_inputs(self.loss, self.function, params, *rest, **keywords)
        whole, terms = self.loss.with_terms(**inputs)
        terms = _multiplied(terms, self.weights(state))
        results = whole if isinstance(whole, dict) else {"": whole}
        values = {name: _total(terms, name).astype(value.dtype) for name, value in results.items()}
        value = values if isinstance(whole, dict) else values[""]
        return value, (terms, *aux) if aux else terms

    def update(self, state: State, params: Any, *rest: Any, **keywords: Any) -> State:
        """Return the state after a step; takes what the objective takes."""
        kept = self._held(state)
        return {self.rule.key: self.rule.step(kept, self._measured(params, rest, keywords))}

    def weights(self, state: State) -> dict[str, jax.Array]:
        """Return the number that multiplies each term that is balanced, by name, f32[]."""
        weights = self.rule.weights(self._held(state))
        # JAX brings dictionaries back in the order of their keys.
        return {name: jax.lax.stop_gradient(weights[name]) for name in self.names}

    def _held(self, state: Any) -> Mapping[str, Any]:
        """Return what the rule keeps; raise `LossError` for a state that is not of it."""
        keys = list(state) if isinstance(state, Mapping) else [type(state).__name__]
        if keys != [self.rule.key]:
            shown = ", ".join(f"`{key}`" for key in keys)
            message = f"the state is of {shown}; this balancer keeps `{self.rule.key}`"
            raise LossError([at("LD126", message, None, help="begin with `balancer.init(…)`")])
        kept = state[self.rule.key]
        for part, numbers in kept.items():
            if isinstance(numbers, Mapping) and set(numbers) != set(self.names):
                terms = ", ".join(f"`{name}`" for name in numbers)
                message = f"`{part}` of the state is of the terms {terms}"
                help = f"this balancer is of {', '.join(self.names)}: begin with `balancer.init(…)`"
                raise LossError([at("LD126", message, None, help=help)])
        return kept

    def _measured(
        self, params: Any, rest: tuple[Any, ...], keywords: Mapping[str, Any]
    ) -> Measured:
        if self.rule.reads_gradients:
            terms, gradients = gradients_by_term(
                self.loss, "weighted", self.function, params, *rest, **keywords
            )
            slopes = {name: [*map(wide, gradients[name])] for name in self.names}
        else:
            inputs, _ = made_inputs(self.loss, self.function, params, *rest, **keywords)
            _, terms = self.loss.with_terms(**inputs)
            slopes = {}
        return Measured({name: wide(terms.weighted[name]) for name in self.names}, slopes)


def uncertainty(
    objective: Callable[..., Any],
    optimizer: optax.GradientTransformation | None = None,
    terms: Sequence[str] | None = None,
) -> Balancer:
    """Weigh each term by the variance that is learned of it.

    A term `L` becomes `exp(-s)*L + s`, in which `optimizer` (`optax.adam(1e-2)`) learns `s`; only
    the weight `exp(-s)` enters the value. It settles where it is 1/L: for terms above 0.
    Source: Kendall, Gal and Cipolla 2018, arXiv:1705.07115.
    """
    rule = balance_rules.uncertainty(optimizer or optax.adam(1e-2))
    return _balancer(objective, rule, terms)


def gradnorm(
    objective: Callable[..., Any],
    alpha: float = 1.5,
    optimizer: optax.GradientTransformation | None = None,
    terms: Sequence[str] | None = None,
) -> Balancer:
    """Weigh terms so that their gradients are as long as their training rates ask.

    The gradient of a term shall be as long as the mean of all, times its relative loss ratio
    `L/L(0)` to the power of `alpha`. `optimizer` (`optax.adam(2.5e-2)`) moves the weights, which
    stay above 0 and add up to how many there are. Gradients are by all parameters. A step costs
    one gradient a term. Source: Chen et al. 2018, arXiv:1711.02257.
    """
    alpha = settings.hold_between("alpha", alpha, 0, 100)
    rule = balance_rules.gradnorm(alpha, optimizer or optax.adam(2.5e-2))
    return _balancer(objective, rule, terms)


def relobralo(
    objective: Callable[..., Any],
    alpha: float = 0.999,
    temperature: float = 1.0,
    lookback: float = 0.999,
    seed: int = 0,
    terms: Sequence[str] | None = None,
) -> Balancer:
    """Weigh terms by how much less each has fallen, since the last step and since the first.

    Weights are a softmax of `L/(temperature*L')`, times how many there are. They are averaged with
    the factor `alpha`; with the probability `1 - lookback` the average starts anew from what is
    compared with the first step. Source: Bischof and Kraus 2021, arXiv:2110.09813.
    """
    alpha = settings.hold_between("alpha", alpha, 0, 1)
    lookback = settings.hold_between("lookback", lookback, 0, 1)
    temperature = settings.hold_between("temperature", temperature, 1e-6, 1e6)
    settings.hold("seed", seed, int, "a whole number", "such as `seed=0`")
    rule = balance_rules.relobralo(alpha, temperature, lookback, seed)
    return _balancer(objective, rule, terms)


def annealing(
    objective: Callable[..., Any],
    reference: str,
    momentum: float = 0.9,
    terms: Sequence[str] | None = None,
) -> Balancer:
    """Weigh terms so that their mean derivative is as large as the largest of the `reference`.

    The weight of a term is a moving average of `max |g| of reference / mean |g|`; that of the
    reference is 1. A step costs one gradient a term.
    Source: Wang, Teng and Perdikaris 2021, arXiv:2001.04536.
    """
    momentum = settings.hold_between("momentum", momentum, 0, 1)
    balancer = _balancer(objective, balance_rules.annealing(reference, momentum), terms)
    _hold_terms((reference,), balancer.names)
    return balancer


def pcgrad(
    objective: Callable[..., Any],
    params: Any,
    *rest: Any,
    key: jax.Array | None = None,
    **keywords: Any,
) -> tuple[Any, Any]:
    """Return `(terms, gradient)`, in which no term pulls against another one.

    Where the gradients of two terms are in conflict, each loses what it has along the other; then
    they are added. The others come in the order that `key` draws, or that of the text. Takes what
    the objective takes. Source: Yu et al. 2020, arXiv:2001.06782.
    """
    loss, function = _loss_of(objective), inputs_function(objective)
    terms, gradients = gradients_by_term(loss, "weighted", function, params, *rest, **keywords)
    flat = jnp.stack([_flat(slopes) for slopes in gradients.values()])
    count = len(flat)
    keys = [None] * count if key is None else jax.random.split(key, count)
    whole = jnp.zeros_like(flat[0])
    for gradient, drawn in zip(flat, keys, strict=True):
        order = jnp.arange(count) if drawn is None else jax.random.permutation(drawn, count)
        whole += jax.lax.fori_loop(0, count, partial(_apart, flat[order]), gradient)
    leaves = trained(params)
    ends = np.cumsum([leaf.size for leaf in leaves.leaves])
    summed = [
        part.reshape(leaf.shape).astype(leaf.dtype)
        for part, leaf in zip(jnp.split(whole, ends[:-1]), leaves.leaves, strict=True)
    ]
    return terms, leaves.tree(summed)


def _apart(others: jax.Array, at: int, gradient: jax.Array) -> jax.Array:
    """Return a gradient without what it has against another one; against itself it has nothing."""
    other = others[at]
    along = jnp.vdot(gradient, other)
    length = jnp.where(along < 0, jnp.vdot(other, other), 1)
    return gradient - jnp.minimum(along, 0) / length * other


def _flat(slopes: Sequence[jax.Array]) -> jax.Array:
    return jnp.concatenate([jnp.ravel(wide(slope)) for slope in slopes])


def _loss_of(objective: Callable[..., Any]) -> CompiledLoss:
    loss = getattr(inspect.unwrap(objective, stop=lambda f: hasattr(f, "loss")), "loss", None)
    if loss is None:
        message = "what is balanced is the objective of a loss"
        help = "such as `balance.relobralo(loss.objective(inputs))`"
        raise LossError([at("LD121", message, None, help=help)])
    return loss


def _balancer(objective: Callable[..., Any], rule: Rule, terms: Sequence[str] | None) -> Balancer:
    loss = _loss_of(objective)
    names = tuple(terms) if terms is not None else loss.term_names
    _hold_terms(names, loss.term_names)
    return Balancer(loss, inputs_function(objective), rule, names)


def _hold_terms(names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            listed = ", ".join(f"`{each}`" for each in known)
            help = did_you_mean(name, known) or f"its terms: {listed}"
            raise LossError([at("LD103", f"the loss has no term `{name}`", None, help=help)])


def _multiplied(terms: Terms, by: Numbers) -> Terms:
    def each(values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: _product(value, by[name]) if name in by else value
            for name, value in values.items()
        }

    return replace(terms, weight=each(terms.weight), weighted=each(terms.weighted))


def _product(value: jax.Array, number: jax.Array) -> jax.Array:
    """Return a product in the dtype of a value, which for a whole number is that of the other."""
    product = wide(value) * number
    return product.astype(value.dtype) if jnp.issubdtype(value.dtype, jnp.floating) else product


def _total(terms: Terms, result: str) -> jax.Array:
    """Return the sum of the terms of a result."""
    of_result = [
        wide(value) for name, value in terms.weighted.items() if name.rpartition("/")[0] == result
    ]
    return sum(of_result[1:], of_result[0])
