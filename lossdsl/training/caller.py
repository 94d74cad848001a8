"""What the caller of a loss decides: which of its inputs are trained, held to what the text says.

A target that a gradient reaches, a prediction that no parameter reaches and parameters that are
lost on the way are right numbers and no training. The text cannot know them; the function that
makes the inputs does.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from lossdsl.diagnostics import settings
from lossdsl.diagnostics.allow import not_allowed
from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, LossWarning
from lossdsl.selectors import flatten
from lossdsl.training.caller_inputs import Reached, Subject, paths_of
from lossdsl.training.lints.ld414_trained_targets import trained_target
from lossdsl.training.lints.ld417_untrained_predictions import untrained
from lossdsl.training.lints.ld441_untrained_parameters import lost
from lossdsl.training.objective import PARAMS, made_inputs
from lossdsl.training.reach import NOTHING, Reach, reach, traced
from lossdsl.training.trained import trained_leaves

if TYPE_CHECKING:
    from lossdsl.loss import CompiledLoss


def judged(subject: Subject, reached: Reached) -> Iterator[Diagnostic]:
    """Yield what the caller has most likely not meant."""
    for name in subject.held():
        leaves = reached.inputs.get(name, NOTHING).trained
        if leaves:
            yield trained_target(subject, name, paths_of(reached.trained, leaves))
    made = [name for name in subject.predictions() if name in reached.inputs]
    if made and not any(reached.inputs[name].trained for name in made):
        yield untrained(subject, made, reached)
        return
    if made:
        yield from lost(reached)


class Caller:
    """Judges a function that makes the inputs, once for the types that it is called with."""

    def __init__(self, loss: CompiledLoss, function: Callable[..., Any], subject: Subject) -> None:
        settings.hold_function("function", function)
        self._loss = loss
        self._function = function
        self._subject = subject
        self._seen: set[Hashable] = set()
        self._told: list[Diagnostic] = []
        self._lock = threading.Lock()

    def __call__(self, params: Any, rest: tuple[Any, ...], keywords: Mapping[str, Any]) -> None:
        """Tell what is wrong, if these types are new."""
        leaves = jax.tree.leaves((params, rest, dict(keywords)))
        types = tuple((getattr(x, "shape", None), getattr(x, "dtype", None)) for x in leaves)
        with self._lock:
            if types in self._seen:
                return
            self._seen.add(types)
        reached = self._reached(params, rest, keywords)
        if reached is not None:
            self._tell(not_allowed(judged(self._subject, reached)))

    def _tell(self, found: Sequence[Diagnostic]) -> None:
        """Warn once of what was not meant, or raise it where the check of the text was strict."""
        if found and self._loss.options.strict:
            raise LossError([replace(diagnostic, strict=True) for diagnostic in found])
        with self._lock:
            known = self._loss.diagnostics
            self._loss.diagnostics += tuple(each for each in found if each not in known)
            new = [diagnostic for diagnostic in found if diagnostic not in self._told]
            self._told += new
        if new:
            warnings.warn(LossWarning(new), stacklevel=4)

    def _reached(
        self, params: Any, rest: tuple[Any, ...], keywords: Mapping[str, Any]
    ) -> Reached | None:
        """Return what reaches the inputs; None for a function that cannot be called on shapes."""
        leaves = trained_leaves(flatten(params))
        names: list[str | None] = []
        whole = False

        def arrays(given: Sequence[Any]) -> list[Any]:
            nonlocal names, whole
            # A model that counts its calls, as modules with dropout do, is a copy here.
            copied = jax.tree.map(lambda leaf: leaf, (rest, dict(keywords)))
            tree = leaves.tree(given)
            inputs, aux = made_inputs(self._loss, self._function, tree, *copied[0], **copied[1])
            whole = inputs.get(PARAMS) is tree
            made = [(name, leaf) for name, value in inputs.items() for leaf in _arrays(value)]
            made += [(None, leaf) for leaf in _arrays(aux)]
            names = [name for name, _ in made]
            return [leaf for _, leaf in made]

        if not leaves.places:
            return None
        try:
            trace = traced(arrays, leaves.leaves)
        except Exception:
            # It has just been called: what it does with values is its own matter, such as to
            # branch on them. Nothing is known of it then, and nothing is said.
            return None
        inputs: dict[str, Reach] = {}
        beside = NOTHING
        for name, fact in zip(names, reach(trace), strict=True):
            if name is None:
                beside |= fact
            else:
                inputs[name] = inputs.get(name, NOTHING) | fact
        return Reached(leaves, inputs, beside, whole)


def _arrays(tree: Any) -> list[Any]:
    """Return the arrays of a tree, and numbers as arrays."""
    numbers = (bool, int, float, complex)
    return [
        jnp.asarray(leaf)
        for leaf in jax.tree.leaves(tree)
        if isinstance(leaf, numbers)
        or (hasattr(leaf, "dtype") and not jnp.issubdtype(leaf.dtype, jax.dtypes.extended))
    ]
