"""A loss of another kind as a learning rule sees a compiled one, with an accuracy beside it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import jax
import jax.numpy as jnp

from lossdsl.compilation import compile
from lossdsl.learning.layers import is_array, shown
from lossdsl.learning.rule_settings import described, refuse
from lossdsl.loss import CompiledLoss
from lossdsl.terms import Terms

Function = Callable[[Any, Any], Any]

# Names of metrics that no spec can give.
ACCURACY, AUX = "acc_f(out, tgt)", "aux of loss_f"


@dataclass(frozen=True)
class Measured:
    """A loss as a rule sees a compiled one, with accuracy and aux among the metrics."""

    function: Any
    accuracy: Function | None
    has_aux: bool
    target: str

    @property
    def signature(self) -> Mapping[str, Any]:
        """The inputs by name."""
        return inspect.signature(self.with_terms).parameters

    def readers(self, name: str, inputs: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the names of the terms that read an input at a call."""
        if isinstance(self.function, CompiledLoss):
            return self.function.readers(name, self._own(inputs))
        return ("loss",)

    @property
    def with_terms(self) -> Callable[..., Any]:
        """A function of the inputs, by name, that returns `(value, Terms)`."""

        def with_terms(**inputs: Any) -> tuple[Any, Terms]:
            value, terms = self._terms(inputs)
            if self.accuracy is None:
                return value, terms
            accuracy = self.accuracy(inputs["out"], inputs[self.target])
            return value, replace(terms, metrics={**terms.metrics, ACCURACY: accuracy})

        kind = inspect.Parameter.KEYWORD_ONLY
        read = {name: inspect.Parameter(name, kind) for name in ("out", self.target)}
        if isinstance(self.function, CompiledLoss):
            own = inspect.signature(self.function.with_terms).parameters
            read = {**({} if self.accuracy is None else {self.target: read[self.target]}), **own}
        with_terms.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            sorted(read.values(), key=lambda parameter: parameter.kind)
        )
        return with_terms

    def _own(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in inputs.items() if name in self.function.signature}

    def _terms(self, inputs: Mapping[str, Any]) -> tuple[Any, Terms]:
        if isinstance(self.function, CompiledLoss):
            return self.function.with_terms(**self._own(inputs))
        result = self.function(inputs["out"], inputs[self.target])
        metrics: dict[str, Any] = {}
        if self.has_aux:
            if not isinstance(result, tuple) or len(cast("tuple[Any, ...]", result)) != 2:
                what = described(result)
                raise refuse(f"with `fun_has_aux` a loss returns `(loss, aux)`; here it is {what}")
            result, metrics[AUX] = cast("tuple[Any, Any]", result)
            if not all(map(is_array, jax.tree.leaves(metrics[AUX]))):
                raise refuse("the aux of the loss holds what is no array", "numbers and arrays")
        floating = is_array(result) and jnp.issubdtype(jnp.result_type(result), jnp.floating)
        if not floating or jnp.shape(result) != ():
            what = shown(result)
            raise refuse(f"what the loss returns is {what}, not one number", "a mean or a sum")
        value, count = jnp.asarray(result), jnp.ones(())
        # A sum has the count 1: the error of the output is the derivative as it stands.
        combine = {"loss": "sum"}
        return value, Terms({"loss": value}, {"loss": count}, {"loss": value}, {}, metrics, combine)


def measured(
    loss_f: Any, acc_f: Function | None = None, has_aux: bool = False, target: str = "tgt"
) -> Measured:
    """Return a function, a spec or a compiled loss as a rule sees it; LD904 for what is none."""
    if acc_f is not None and not callable(acc_f):
        raise refuse(f"`acc_f` is {described(acc_f)}; it is a function of `(output, target)`")
    if not callable(loss_f):
        loss_f = compile(loss_f)
    if has_aux and isinstance(loss_f, CompiledLoss):
        raise refuse("`fun_has_aux` is set for a spec", "a spec has metrics: `metric name = …`")
    return Measured(loss_f, acc_f, has_aux, target)
