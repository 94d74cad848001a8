"""What of the parameters reaches the inputs of a loss, and which of these a caller can mistake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lossdsl.analyze.gradient_paths import carried
from lossdsl.core.graph import Core, Input, tape
from lossdsl.inputs.declarations import Declared
from lossdsl.source import Span
from lossdsl.training.objective import PARAMS
from lossdsl.training.reach import Reach
from lossdsl.training.trained import Trained

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


def paths_of(trained: Trained, leaves: int) -> str:
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
