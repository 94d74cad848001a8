"""One row of the differential table, and the inputs that it is tried at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossdsl.library import BUILTINS
from lossdsl.library.declare import Builtin
from lossdsl.syntax import ast
from lossdsl.testing.draw import Sizes, draw, inputs_of, signature_of
from lossdsl.types.declared import is_real

# Put into the real inputs; wherever the reference is finite there, so is the loss.
# A row asks for FINITE where an infinity makes the function NaN on purpose, and says why.
FINITE = (0.0, -0.0, 1e-30, 1e30)
EXTREMES = (*FINITE, np.inf)


@dataclass(frozen=True)
class Row:
    """A call of a function, and what an independent source gives for the same inputs.

    `text` has no option of losses, and names inputs as the function's parameters. `reference`
    takes them by name, as float64 NumPy arrays of any size, and returns the unreduced value.
    `given` replaces drawn inputs by some that have more structure. `reduced` is the default
    reduction, for a call whose own mask or weights change the divisor. `moving` is what the
    gradient follows where a `stop_gradient` holds something back: it takes the inputs, and as
    `held` where they stood. The reference of a loss that declares its mask takes `where`, too.
    """

    text: str
    reference: Callable[..., Any]
    gradient: bool = True
    extremes: tuple[float, ...] = EXTREMES
    given: Callable[[np.random.Generator, Mapping[str, Any]], Mapping[str, Any]] | None = None
    reduced: Callable[..., Any] | None = None
    moving: Callable[..., Any] | None = None
    function: str = ""

    @property
    def declared(self) -> Builtin:
        """The function that the row is about: the first of the text that has its name."""
        return BUILTINS[self.function or self.text.partition("(")[0].strip()]

    def inputs(self, seed: int, sizes: Sizes | None = None) -> dict[str, Any]:
        """Return inputs of random sizes and values."""
        drawn = draw(self.declared, self.text, seed, sizes)
        more = {} if self.given is None else self.given(np.random.default_rng(seed), drawn)
        return {**drawn, **more}

    def reads_mask(self) -> bool:
        """Return whether what `where` leaves out changes the value of the rest."""
        parameters = signature_of(self.declared, self.text).parameters
        return any(one.name == "where" and one.type is not None for one in parameters)

    def real_inputs(self) -> set[str]:
        """Return the inputs that may be any real numbers."""
        domains, kinds = self.declared.domains, inputs_of(self.declared, self.text)
        return {name for name, kind in kinds.items() if name not in domains and is_real(kind)}

    def empty(self) -> Sizes | None:
        """Return sizes that leave nothing to reduce; None if the row's inputs have no such."""
        if self.given is not None or not self.declared.is_loss:
            return None
        match signature_of(self.declared, self.text).result:
            case ast.ArrayTypeExpr(dims=(ast.Run(), *_)):
                return Sizes(run=(0,))
            case ast.ArrayTypeExpr(dims=(ast.DimExpr(symbols=(symbol,)), *_)):
                return Sizes(dims={symbol: 0})
            case _:
                return None
