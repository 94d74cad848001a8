"""The learning rules of neurai, `neurai.grads.autograd`, over those of `lossdsl.learning`.

Classes, methods and `grad` have the signatures of neurai's documentation and return in its order. A
model is a sequence of layers `f(params, x)`, with `param` a list of their parameters (`BiPC` wants
`Bidirectional` layers), or one function for `BP`; `batch_data` is `(input, target)`. A loss is a
function of `(output, target)`, whose derivative is then the error of the output as it stands, or a
spec or compiled loss that reads `out` and `tgt`, whose error is for each example whatever the size
of the batch; a mean in a function makes strict predictive coding nearly backpropagation.

>>> import jax.numpy as jnp
>>> layers, param = [lambda w, x: jnp.tanh(x @ w)]*2, [jnp.eye(2)]*2
>>> batch_data = jnp.array([[0.5, -1.0]]), jnp.array([[1.0, 0.0]])
>>> grads, loss, acc = PC("sse(out, tgt)/2", n=50).get_grads(layers, param, batch_data)
>>> f"{loss:.3f}", acc
('0.368', -1)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any, cast

import jax

from lossdsl.compat.measured import ACCURACY, AUX, Function, measured
from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.learning.backprop import BackProp
from lossdsl.learning.bidirectional import BiPredictiveCoding
from lossdsl.learning.energies import Activation, ConditionalGaussian
from lossdsl.learning.equilibrium import EquilibriumPropagation
from lossdsl.learning.layers import Bidirectional, Layer, hashable
from lossdsl.learning.predictive import PredictiveCoding
from lossdsl.learning.result import LearningResult
from lossdsl.learning.rule import LearningRule
from lossdsl.learning.rule_settings import described, refuse

__all__ = ["BP", "EP", "PC", "BiPC", "EPMode", "GradeBase", "LocalBase", "PCMode", "grad"]


NONE: Mapping[str, Any] = MappingProxyType({})


class PCMode(Enum):
    """How predictive coding infers; the last is that of `BiPC`, the others are those of `PC`."""

    STRICT = "strict"
    FIXED_PRED = "fixed"
    EXACT = "exact"
    SWEIGHT_BISTRICT = "two ways"


class EPMode(Enum):
    """Which phases equilibrium propagation takes."""

    ONE_PHASE = "one"
    TWO_PHASE = "two"
    CENTERED = "centered"


class GradeBase:
    """What all rules have: a rule of `lossdsl.learning`, made of the loss and the accuracy."""

    def __init__(self, loss_f: Any, acc_f: Function | None = None, fun_has_aux: bool = False):
        self.rule: LearningRule = BackProp(measured(loss_f, acc_f, fun_has_aux))
        """The rule that computes the gradients."""


class LocalBase(GradeBase):
    """What the local rules have: they are judged without settling to a label."""

    def predict(self, model: Any, param: Any, batch_data: tuple[Any, Any]) -> tuple[Any, Any]:
        """Return loss and accuracy (-1 without `acc_f`) of what the network makes of the input."""
        return _judged(self.rule, model, param, batch_data)


class BP(GradeBase):
    """Backpropagation."""

    def get_grads(
        self,
        model: Any,
        param: Any,
        batch_data: tuple[Any, Any],
        return_param: bool = False,
        **kwargs: Any,
    ) -> tuple[Any, ...]:
        """Return gradients, loss, accuracy (-1 without `acc_f`), and the parameters if asked.

        With `fun_has_aux` the loss is `(loss, aux)`. `kwargs` go to every layer.
        """
        results = _gradients(self.rule, model, param, batch_data, kwargs)
        return (*results, param) if return_param else results

    def predict(
        self, model: Any, param: Any, batch_data: tuple[Any, Any], **kwargs: Any
    ) -> tuple[Any, Any]:
        """Return loss and accuracy (-1 without `acc_f`) of a feed-forward pass."""
        return _judged(self.rule, model, param, batch_data, kwargs)


class PC(LocalBase):
    """Predictive coding, `n` steps of `eta`."""

    def __init__(
        self,
        loss_f: Any,
        acc_f: Function | None = None,
        eta: float = 0.1,
        n: int = 20,
        mode: PCMode = PCMode.STRICT,
        fun_has_aux: bool = False,
    ):
        super().__init__(loss_f, acc_f, fun_has_aux)
        _one_of((PCMode.STRICT, PCMode.FIXED_PRED, PCMode.EXACT), mode)
        self.rule = PredictiveCoding(self.rule.loss, eta, n, mode.value)

    def get_grads(
        self, model: Any, param: Any, batch_data: tuple[Any, Any]
    ) -> tuple[Any, Any, Any]:
        """Return gradients, loss and accuracy (-1 without `acc_f`)."""
        return _gradients(self.rule, model, param, batch_data)


class BiPC(PC):
    """Bidirectional predictive coding; `loss_f_b(reconstruction, input)` is that of the input.

    A spec for `loss_f_b` reads `out` and `x`. Whether weights are shared is up to the layers, whose
    two functions read the same parameters or different ones.
    """

    def __init__(
        self,
        loss_f: Any,
        loss_f_b: Any,
        acc_f: Function | None = None,
        eta: float = 0.1,
        n: int = 20,
        eta_trace: None = None,
        mode: PCMode = PCMode.SWEIGHT_BISTRICT,
        fun_has_aux: bool = False,
    ):
        super().__init__(loss_f, acc_f, fun_has_aux=fun_has_aux)
        if eta_trace is not None:
            raise refuse("`eta_trace` corrects the beliefs, which is not offered", "leave it out")
        _one_of((PCMode.SWEIGHT_BISTRICT,), mode)
        back = measured(loss_f_b, target="x")
        self.rule = BiPredictiveCoding(self.rule.loss, back, eta, n)

    def get_grads(
        self, model: Any, param: Any, batch_data: tuple[Any, Any], **kwargs: Any
    ) -> tuple[Any, Any, Any]:
        """Return gradients, loss and accuracy (-1 without `acc_f`); `kwargs` go to every layer."""
        return _gradients(self.rule, model, param, batch_data, kwargs)

    def predict(
        self, model: Any, param: Any, batch_data: tuple[Any, Any], **kwargs: Any
    ) -> tuple[Any, Any]:
        """Return loss and accuracy (-1 without `acc_f`); `kwargs` go to every layer."""
        return _judged(self.rule, model, param, batch_data, kwargs)


class EP(LocalBase):
    """Equilibrium propagation: `n_relax` steps of `dt/tau` in each phase, fewer below `tol`.

    `activation` is that of the energy: `ConditionalGaussian`, or the class given as `energy`.
    Further keywords are `start`, `check` and `tolerance` of `EquilibriumPropagation`.
    """

    def __init__(
        self,
        loss_f: Any,
        acc_f: Function | None = None,
        beta: float = 1.0,
        dt: float = 0.1,
        n_relax: int = 20,
        tau: float = 1,
        tol: float = 0,
        mode: EPMode = EPMode.TWO_PHASE,
        activation: Activation | None = None,
        fun_has_aux: bool = False,
        **kwargs: Any,
    ):
        super().__init__(loss_f, acc_f, fun_has_aux)
        _one_of(tuple(EPMode), mode)
        energy = kwargs.pop("energy", ConditionalGaussian)
        if not (isinstance(energy, type) and hasattr(energy, "rests_forward")):
            help = "`ConditionalGaussian`, `Hopfield`; `activation` is given to it"
            raise refuse(f"`energy` is {described(energy)}; it is a class of energies", help)
        if activation is not None and not callable(activation):
            raise refuse(f"`activation` is {described(activation)}; it is a function")
        for name in kwargs.keys() - {"start", "check", "tolerance"}:
            help = "`energy`, `start`, `check` and `tolerance` are"
            raise refuse(f"`{name}` is no setting of `EP`", help)
        if mode is EPMode.ONE_PHASE:
            kwargs = {"start": "forward", **kwargs}
        self.rule = EquilibriumPropagation(
            self.rule.loss,
            energy() if activation is None else energy(activation),
            beta=beta,
            dt=dt,
            tau=tau,
            steps=n_relax,
            phases=mode.value,
            stop=tol,
            **kwargs,
        )

    def get_grads(
        self,
        model: Any,
        param: Any,
        batch_data: tuple[Any, Any],
        optim: Any,
        opt_state: Any,
        repeat: int = 1,
    ) -> tuple[Any, Any, Any, Any]:
        """Return gradients, accuracy (-1 without `acc_f`), loss and energy, in this order.

        The optimizer and its state stay as they are: the gradients are for them.
        """
        if repeat != 1:
            message = "`repeat` would take steps of the optimizer within one call"
            raise refuse(message, "call `get_grads` again with the new parameters")
        grads, result = _result(self.rule, model, param, batch_data)
        loss, accuracy = _reported(result.loss, result.metrics)
        return grads, accuracy, loss, result.energy


def grad(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
    reduce_axes: Sequence[Any] = (),
    return_fun_value: bool = False,
) -> Callable[..., Any]:
    """Return `jax.grad(fun)`, or `jax.value_and_grad(fun)` with `return_fun_value`.

    So what comes back is `gradient`, `(gradient, aux)`, `(value, gradient)` or
    `((value, aux), gradient)`. LD904 for `reduce_axes`, which JAX no longer has.

    >>> import jax.numpy as jnp
    >>> grad(lambda x: jnp.sum(x**2), return_fun_value=True)(jnp.array([1.0, 2.0]))
    (Array(5., dtype=float32), Array([2., 4.], dtype=float32))
    """
    if reduce_axes:
        raise refuse("`reduce_axes` is not offered", "`jax.lax.psum` of the gradients")
    transform = jax.value_and_grad if return_fun_value else jax.grad
    return transform(fun, argnums, has_aux, holomorphic, allow_int)


def _one_of(modes: Sequence[Enum], mode: object) -> None:
    if not any(mode is known for known in modes):
        listed = ", ".join(f"`{known}`" for known in modes)
        shown = mode if isinstance(mode, Enum) else described(mode)
        raise refuse(f"`mode` is {shown}; it is one of {listed}")


@dataclass(frozen=True)
class _With:
    """A layer with keywords, equal to another of the same: rules compile once for equal layers."""

    layer: Layer
    keywords: tuple[tuple[str, type, Any], ...]

    def __call__(self, params: Any, x: Any) -> Any:
        return self.layer(params, x, **{name: value for name, _, value in self.keywords})


def _arguments(
    rule: LearningRule, model: Any, param: Any, batch_data: Any, keywords: Mapping[str, Any]
) -> tuple[Any, Any, dict[str, Any]]:
    """Return layers, their parameters and a batch, as a rule takes them.

    LD901 for a model that is no list of layers; `BP` takes a function too, whose layers a local
    rule does not see.
    """
    whole = callable(model)
    if not isinstance(model, list | tuple) and not (whole and isinstance(rule, BackProp)):
        what = "one function" if whole else described(model)
        help = "a list of layers `f(params, x)`, with `param` a list of their parameters"
        raise LossError(
            [at("LD901", f"`model` is {what}; it is a list of layers", None, help=help)]
        )
    layers: tuple[Any, ...] = (model,) if whole else tuple(cast("Any", model))
    for name, value in keywords.items():
        if not hashable(value):
            help = "keywords are compiled in; what changes belongs into `param` or the input"
            raise refuse(f"`{name}` is {described(value)}, without a hash", help)
    if keywords:
        # With its type, because 1 and True are equal.
        fixed = tuple((name, type(value), value) for name, value in sorted(keywords.items()))
        layers = tuple(_with(layer, fixed) for layer in layers)
    parts: Any = batch_data
    if not isinstance(parts, tuple | list) or len(parts) != 2:
        several = isinstance(parts, tuple | list)
        what = f"has {len(parts)} parts" if several else f"is {described(parts)}"
        raise LossError([at("LD902", f"`batch_data` {what}; it is `(input, target)`", None)])
    x, target = parts
    return layers, [param] if whole else param, {"x": x, "tgt": target}


def _result(
    rule: LearningRule, model: Any, param: Any, batch_data: Any, keywords: Mapping[str, Any] = NONE
) -> tuple[Any, LearningResult]:
    result = rule.grads(*_arguments(rule, model, param, batch_data, keywords))
    return result.grads[0] if callable(model) else result.grads, result


def _gradients(rule: LearningRule, *arguments: Any) -> tuple[Any, Any, Any]:
    grads, result = _result(rule, *arguments)
    return (grads, *_reported(result.loss, result.metrics))


def _judged(
    rule: LearningRule, model: Any, param: Any, batch_data: Any, keywords: Mapping[str, Any] = NONE
) -> tuple[Any, Any]:
    loss, terms = rule.evaluate(*_arguments(rule, model, param, batch_data, keywords))
    return _reported(loss, terms.metrics)


def _with(layer: Any, keywords: tuple[tuple[str, type, Any], ...]) -> Any:
    if isinstance(layer, Bidirectional):
        return Bidirectional(_With(layer.forward, keywords), _With(layer.backward, keywords))
    return _With(layer, keywords)


def _reported(loss: Any, metrics: Mapping[str, Any]) -> tuple[Any, Any]:
    return (loss, metrics[AUX]) if AUX in metrics else loss, metrics.get(ACCURACY, -1)
