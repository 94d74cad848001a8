"""The learning rules of neurai, `neurai.grads`, over those of `lossdsl.learning`.

`BP`, `BiPC` and the two methods have the signatures of neurai's documentation and return in its
order, `PC` has those that `BiPC` inherits; `EP` and `grad` name the settings of the rule in its
style, and are best given by keyword. A model is a sequence of layers `f(params, x)`, with `param` a
list of their parameters (`BiPC` wants `Bidirectional` layers), or one function for `BP`;
`batch_data` is `(input, target)`. A loss is a function of `(output, target)`, whose derivative is
then the error of the output as it stands, or a spec or compiled loss that reads `out` and `tgt`,
whose error is for each example whatever the size of the batch; a mean in a function makes strict
predictive coding nearly backpropagation.

>>> import jax.numpy as jnp
>>> layers, param = [lambda w, x: jnp.tanh(x @ w)]*2, [jnp.eye(2)]*2
>>> batch_data = jnp.array([[0.5, -1.0]]), jnp.array([[1.0, 0.0]])
>>> grads, loss, acc = PC("sse(out, tgt)/2", n=50).get_grads(layers, param, batch_data)
>>> f"{loss:.3f}", acc
('0.368', -1)
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import jax
import jax.numpy as jnp

from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.learning.backprop import BackProp
from lossdsl.learning.bidirectional import BiPredictiveCoding
from lossdsl.learning.energies import ConditionalGaussian, Energy
from lossdsl.learning.equilibrium import EquilibriumPropagation
from lossdsl.learning.layers import Bidirectional, Layer
from lossdsl.learning.predictive import PredictiveCoding
from lossdsl.loss import CompiledLoss, compile
from lossdsl.terms import Terms

__all__ = ["BP", "PC", "BiPC", "EP", "PCMode", "grad"]

Function = Callable[[Any, Any], Any]
GAUSSIAN = ConditionalGaussian()


class PCMode(Enum):
    """How predictive coding infers; the last is that of `BiPC`, the others are those of `PC`."""

    STRICT = "strict"
    FIXED_PRED = "fixed"
    EXACT = "exact"
    SWEIGHT_BISTRICT = "two ways"


class Gradients:
    """What all rules have: `get_grads` and `predict`."""

    def __init__(self, rule: Any):
        self.rule = rule
        """The rule of `lossdsl.learning` that computes the gradients."""

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
        result = _result(self.rule, model, param, batch_data, kwargs)
        grads = result.grads[0] if _is_one(model) else result.grads
        found = (grads, *_reported(result))
        return (*found, param) if return_param else found

    def predict(
        self, model: Any, param: Any, batch_data: tuple[Any, Any], **kwargs: Any
    ) -> tuple[Any, Any]:
        """Return loss and accuracy (-1 without `acc_f`) of a feed-forward pass."""
        return _reported(_result(BackProp(self.rule.loss), model, param, batch_data, kwargs))


class BP(Gradients):
    """Backpropagation."""

    def __init__(self, loss_f: Any, acc_f: Function | None = None, fun_has_aux: bool = False):
        super().__init__(BackProp(_measured(loss_f, acc_f, fun_has_aux)))


class PC(Gradients):
    """Predictive coding, `n` steps of `eta`; `eta_trace` is not offered."""

    def __init__(
        self,
        loss_f: Any,
        acc_f: Function | None = None,
        eta: float = 0.1,
        n: int = 20,
        eta_trace: None = None,
        mode: PCMode = PCMode.STRICT,
        fun_has_aux: bool = False,
    ):
        _no_trace(eta_trace)
        loss = _measured(loss_f, acc_f, fun_has_aux)
        super().__init__(PredictiveCoding(loss, eta, n, mode.value))


class BiPC(Gradients):
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
        _no_trace(eta_trace)
        if mode is not PCMode.SWEIGHT_BISTRICT:
            message = f"`mode` is {mode.name}, which predicts one way"
            raise LossError([at("LD904", message, None, help="`PC` has that mode")])
        loss = _measured(loss_f, acc_f, fun_has_aux)
        super().__init__(BiPredictiveCoding(loss, _measured(loss_f_b, target="x"), eta, n))


class EP(Gradients):
    """Equilibrium propagation over an energy: `n_relax` steps of `dt/tau` in each phase."""

    def __init__(
        self,
        loss_f: Any,
        acc_f: Function | None = None,
        beta: float = 0.1,
        dt: float = 0.1,
        n_relax: int = 100,
        tau: float = 1.0,
        tol: float = 0.0,
        energy: Energy = GAUSSIAN,
        fun_has_aux: bool = False,
    ):
        super().__init__(
            EquilibriumPropagation(
                _measured(loss_f, acc_f, fun_has_aux),
                energy,
                beta=beta,
                dt=dt,
                tau=tau,
                steps=n_relax,
                phases="two",
                tolerance=tol,
            )
        )


def grad(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    return_fun_value: bool = False,
) -> Callable[..., Any]:
    """Return a function for the gradient of `fun`; gradients come first, then value, then aux.

    >>> import jax.numpy as jnp
    >>> grad(lambda x: jnp.sum(x**2), return_fun_value=True)(jnp.array([1.0, 2.0]))
    (Array([2., 4.], dtype=float32), Array(5., dtype=float32))
    """
    differentiated = jax.value_and_grad(fun, argnums, has_aux)

    def gradient(*arguments: Any, **keywords: Any) -> Any:
        value, grads = differentiated(*arguments, **keywords)
        value, *aux = value if has_aux else (value,)
        values = (value,) if return_fun_value else ()
        return (grads, *values, *aux) if values or aux else grads

    return gradient


@dataclass(frozen=True)
class _Measured:
    """A loss as a rule sees a compiled one, with accuracy and aux among the metrics."""

    function: Any
    accuracy: Function | None
    has_aux: bool
    target: str

    @property
    def signature(self) -> Mapping[str, Any]:
        """The inputs by name."""
        if isinstance(self.function, CompiledLoss):
            return self.function.signature
        return dict.fromkeys(("out", self.target))

    def readers(self, name: str, inputs: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the terms that read an input at a call."""
        if isinstance(self.function, CompiledLoss):
            return self.function.readers(name, inputs)
        return ("loss",)

    @property
    def with_terms(self) -> Callable[..., Any]:
        """A function of the inputs, by name, that returns `(value, Terms)`."""

        def with_terms(**inputs: Any) -> tuple[Any, Terms]:
            value, terms = self._terms(inputs)
            if self.accuracy is None:
                return value, terms
            found = self.accuracy(inputs["out"], inputs[self.target])
            return value, replace(terms, metrics={**terms.metrics, "acc": found})

        kind = inspect.Parameter.KEYWORD_ONLY
        with_terms.__signature__ = (  # type: ignore[attr-defined]
            inspect.signature(self.function.with_terms)
            if isinstance(self.function, CompiledLoss)
            else inspect.Signature([inspect.Parameter(name, kind) for name in self.signature])
        )
        return with_terms

    def _terms(self, inputs: Mapping[str, Any]) -> tuple[Any, Terms]:
        if isinstance(self.function, CompiledLoss):
            return self.function.with_terms(**inputs)
        value, *aux = _pair(self.function(inputs["out"], inputs[self.target]), self.has_aux)
        value, one = jnp.asarray(value), jnp.ones(())
        metrics: dict[str, Any] = {"aux": aux[0]} if aux else {}
        # A sum has the count 1: the error of the output is the derivative as it stands.
        combine = {"loss": "sum"}
        return value, Terms({"loss": value}, {"loss": one}, {"loss": value}, {}, metrics, combine)


def _pair(value: Any, has_aux: bool) -> tuple[Any, ...]:
    return tuple(value) if has_aux else (value,)


def _measured(
    loss_f: Any, acc_f: Function | None = None, has_aux: bool = False, target: str = "tgt"
) -> _Measured:
    if isinstance(loss_f, CompiledLoss) or not callable(loss_f):
        loss_f = loss_f if isinstance(loss_f, CompiledLoss) else compile(loss_f)
    return _Measured(loss_f, acc_f, has_aux, target)


def _no_trace(eta_trace: object) -> None:
    if eta_trace is not None:
        message = "`eta_trace` corrects the step size, which is not offered"
        raise LossError([at("LD904", message, None, help="leave it out")])


@dataclass(frozen=True)
class _With:
    """A layer with keywords, equal to another of the same: rules compile once for equal layers."""

    layer: Layer
    keywords: tuple[tuple[str, Any], ...]

    def __call__(self, params: Any, x: Any) -> Any:
        return self.layer(params, x, **dict(self.keywords))


def _result(
    rule: Any, model: Any, param: Any, batch_data: tuple[Any, Any], keywords: Mapping[str, Any]
) -> Any:
    layers = (model,) if _is_one(model) else tuple(model)
    if keywords:
        given = tuple(sorted(keywords.items()))
        layers = tuple(_with(layer, given) for layer in layers)
    x, target = batch_data
    return rule.grads(layers, [param] if _is_one(model) else param, {"x": x, "tgt": target})


def _with(layer: Any, given: tuple[tuple[str, Any], ...]) -> Any:
    if isinstance(layer, Bidirectional):
        return Bidirectional(_With(layer.forward, given), _With(layer.backward, given))
    return _With(layer, given)


def _is_one(model: Any) -> bool:
    return callable(model)


def _reported(result: Any) -> tuple[Any, Any]:
    metrics = result.metrics
    loss = (result.loss, metrics["aux"]) if "aux" in metrics else result.loss
    return loss, metrics.get("acc", -1)
