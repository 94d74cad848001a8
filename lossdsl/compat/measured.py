"""A loss of another kind as a learning rule sees a compiled one, with an accuracy beside it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp

from lossdsl.loss import CompiledLoss, compile
from lossdsl.terms import Terms

Function = Callable[[Any, Any], Any]


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


def measured(
    loss_f: Any, acc_f: Function | None = None, has_aux: bool = False, target: str = "tgt"
) -> Measured:
    if isinstance(loss_f, CompiledLoss) or not callable(loss_f):
        loss_f = loss_f if isinstance(loss_f, CompiledLoss) else compile(loss_f)
    return Measured(loss_f, acc_f, has_aux, target)
