"""A loss as LaTeX: the methods of `CompiledLoss` that typeset it, loaded when they are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lossdsl.library.declare import Library
    from lossdsl.limits import Limits
    from lossdsl.syntax import ast


class Typeset:
    """What knows the program that it is of, and shows its formula."""

    __slots__ = ()
    _program: ast.Program
    _library: Library
    _given: Mapping[str, ast.TypeExpr]
    _limits: Limits

    def latex(self) -> str:
        """Return the formula as LaTeX, without dollars: one equation, or several aligned.

        Indices are those of the declared axes. Each result is an equation, with one for each term
        where they are long, and for each metric; the commands are those of amsmath.

        >>> import lossdsl
        >>> print(lossdsl.compile("mse(out, tgt)", {"out": "f32[B]", "tgt": "f32[B]"}).latex())
        \\mathcal{L} = \\frac{1}{B} \\, \\sum_{b} (\\mathrm{out}_{b} - \\mathrm{tgt}_{b})^{2}
        """
        from lossdsl.formula.latex import aligned
        from lossdsl.formula.loss_formulas import loss_formulas

        formulas = loss_formulas(self._program, self._library, self._given, self._limits)
        return aligned(equation for formula in formulas for equation in formula.equations)

    def _repr_latex_(self) -> str:
        """Return the formula for a notebook, which shows it where a cell ends in the loss."""
        return f"$\\displaystyle {self.latex()}$"
