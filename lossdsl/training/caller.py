"""What the caller of a loss decides: which of its inputs are trained, held to what the text says.

A target that a gradient reaches, a prediction that no parameter reaches and parameters that are
lost on the way are right numbers and no training. The text cannot know them; the function that
makes the inputs does.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from lossdsl.analyze.carried import carried
from lossdsl.core.graph import Core, Input, tape
from lossdsl.diagnostics import settings
from lossdsl.diagnostics.allow import not_allowed
from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, LossWarning, at
from lossdsl.inputs.declarations import Declared
from lossdsl.selectors import flatten
from lossdsl.source import Span
from lossdsl.training.objective import PARAMS, made_inputs
from lossdsl.training.reach import NOTHING, Reach, reach, traced
from lossdsl.training.trained import Trained, trained_leaves

if TYPE_CHECKING:
    from lossdsl.loss import CompiledLoss

# Inputs of these roles are data, or a teacher's: that no parameter reaches them is as it should be.
HELD = ("target", "frozen")
_DATA = (*HELD, "labels", "one_hot", "signs", "mask")


@dataclass(frozen=True, slots=True)
class Reached:
    """What of the parameters reaches each input that a function makes, and what it returns beside.

    The input `params` may be `whole`, the parameters as they are: a decay reads them all.
    """

    trained: Trained
    inputs: Mapping[str, Reach]
    beside: Reach
    whole: bool


class Subject:
    """The inputs of a spec, as far as a caller can mistake them."""

    def __init__(self, core: Core, declared: Mapping[str, Declared]) -> None:
        roots = [term.weighted for result in core.results for term in result.terms]
        self._places = core.graph.places
        self._inputs = {node.name: node for node in tape(roots) if isinstance(node, Input)}
        self._declared = declared
        self._carried = carried(core)

    def held(self) -> list[str]:
        """Return the inputs that say that no gradient may flow into them, where one would."""
        return [name for name in self._inputs if name in self._carried and self.role(name) in HELD]

    def predictions(self) -> list[str]:
        """Return the inputs that may be made of parameters, and are trained by the loss if so."""
        names = (name for name in self._inputs if name in self._carried and name != PARAMS)
        return [name for name in names if self.role(name) not in _DATA]

    def role(self, name: str) -> str | None:
        """Return the role that an input is declared with."""
        return getattr(self._declared[name].type, "role", None) if name in self._declared else None

    def span(self, name: str) -> Span | None:
        """Return where an input is declared, or else where it is first read."""
        if name in self._declared:
            return self._declared[name].span
        return next((p.span for p in self._places.get(self._inputs[name], ()) if not p.calls), None)


def judged(subject: Subject, reached: Reached) -> Iterator[Diagnostic]:
    """Yield what the caller has most likely not meant."""
    for name in subject.held():
        leaves = reached.inputs.get(name, NOTHING).trained
        if leaves:
            yield _trained_target(subject, name, _paths(reached.trained, leaves))
    made = [name for name in subject.predictions() if name in reached.inputs]
    if made and not any(reached.inputs[name].trained for name in made):
        yield _untrained(subject, made, reached)
        return
    if made:
        yield from _lost(reached)


def _trained_target(subject: Subject, name: str, paths: str) -> Diagnostic:
    message = f"a gradient reaches `{name}`, declared `{subject.role(name)}`: it depends on {paths}"
    help = f"`jax.lax.stop_gradient` of it, or `stop_gradient({name})` in the text"
    return at("LD414", message, subject.span(name), "no gradient may flow here", help=help)


def _untrained(subject: Subject, names: Sequence[str], reached: Reached) -> Diagnostic:
    stopped = any(reached.inputs[name].stopped for name in names)
    used = any(reached.inputs[name].used for name in names)
    listed = ", ".join(f"`{name}`" for name in names)
    message = f"no gradient of {listed} reaches a parameter: the model is not trained"
    if stopped:
        help = "all of it goes through `stop_gradient`"
    elif used:
        help = "what is rounded, compared or an integer has no derivative"
    else:
        help = "compute it of the first argument of the function, not of parameters from outside"
    return at("LD417", message, subject.span(names[0]), "is a constant here", help=help)


def _lost(reached: Reached) -> Iterator[Diagnostic]:
    """Yield the parameters that are in nothing that the function makes, or lose their gradient."""
    outputs = reached.beside
    for name, fact in reached.inputs.items():
        if not (name == PARAMS and reached.whole):
            outputs |= fact
    every = (1 << len(reached.trained.places)) - 1
    unused = every & ~outputs.used
    if unused:
        message = f"the inputs do not depend on {_paths(reached.trained, unused)}"
        help = "a part of the model that is not called is not trained; leave it out of `params`"
        yield at("LD441", message, None, help=help)
    flat = every & outputs.used & ~outputs.trained & ~outputs.stopped & ~reached.beside.used
    if flat:
        message = f"no gradient reaches {_paths(reached.trained, flat)}"
        help = "what is rounded, compared or an integer has no derivative; `stop_gradient` says so"
        yield at("LD441", message, None, help=help)


def _paths(trained: Trained, leaves: int) -> str:
    """Return the paths of some leaves, a whole subtree by its own."""
    paths = [path for n, path in enumerate(trained.paths) if leaves >> n & 1]
    others = [path for n, path in enumerate(trained.paths) if not leaves >> n & 1]
    shown: dict[str, None] = {}
    for path in paths:
        parts = path.split("/")
        heads = ["/".join(parts[:n]) for n in range(1, len(parts))]
        whole = (head for head in heads if not any(o.startswith(f"{head}/") for o in others))
        shown[next(whole, path)] = None
    listed = ", ".join(f"`{PARAMS}/{path}`" if path else f"`{PARAMS}`" for path in [*shown][:3])
    return f"{listed} and {len(shown) - 3} more" if len(shown) > 3 else listed


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
