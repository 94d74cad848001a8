"""The formulas of a function: one for each definition, and how a loss is reduced."""

from __future__ import annotations

from dataclasses import dataclass

from lossdsl.formula.abbreviate import Equation, abbreviated
from lossdsl.formula.axis_names import Scope, type_dims
from lossdsl.formula.bodies import expanded
from lossdsl.formula.latex import latex
from lossdsl.formula.math import Apply, Indexed, Math, Symbol, below
from lossdsl.formula.notation import NOTATION
from lossdsl.formula.slices import PART
from lossdsl.formula.tidy import tidied
from lossdsl.formula.translate import Place, Reader, placed
from lossdsl.formula.unicode import layout
from lossdsl.library.declare import Builtin, Library
from lossdsl.syntax import ast


@dataclass(frozen=True)
class Formula:
    """An equation, and those of the names that it uses."""

    equations: tuple[Equation, ...]

    @property
    def latex(self) -> tuple[str, ...]:
        """The equations as LaTeX, without dollars."""
        return tuple(f"{latex(left)} = {latex(right)}" for left, right in self.equations)

    def unicode(self, width: int = 100) -> str:
        """Return the equations as text, in lines of at most `width` where they can be broken."""
        (left, right), *named = self.equations
        lines = layout(left, right, width)
        for at, (name, value) in enumerate(named):
            first, *rest = layout(name, value, width - 6)
            lines += ["where " + first if at == 0 else "      " + first]
            lines += ["      " + line for line in rest]
        return "\n".join(lines)


def formulas(function: Builtin, library: Library) -> tuple[Formula, ...]:
    """Return what a function computes: from its `formula:`, else from its definitions.

    A primitive that has no notation of its own and states no formula has none.
    """
    several = len(function.signatures) > 1
    listed: list[Formula] = []
    for signature in function.signatures:
        if not _says_nothing(function, *equation(function, signature, library, several)):
            listed.append(Formula(tuple(_equations(function, signature, library, several))))
    return tuple(listed)


def _equations(
    function: Builtin, signature: ast.Signature, library: Library, several: bool
) -> list[Equation]:
    """Return the equation of a function, then those of the helpers that it names."""
    equations: list[Equation] = []
    waiting, file = [(function, signature, several)], signature.span.source
    known: set[str] = set()
    while waiting:
        function, signature, several = waiting.pop(0)
        left, right = equation(function, signature, library, several)
        letters = {
            node.name for line in equations for node in below(line[0]) if isinstance(node, Symbol)
        }
        equations += abbreviated(
            left, right, letters | {parameter.name for parameter in signature.parameters}
        )
        for node in below(right):
            if isinstance(node, Apply) and node.name.startswith("_") and node.name not in known:
                known.add(node.name)
                helper = library.visible(node.name, file)
                if helper is not None:
                    waiting.append((helper, helper.signatures[0], True))
    return equations


def _says_nothing(function: Builtin, left: Math, right: Math) -> bool:
    """Whether an equation says of a function that it is itself."""
    base = right.base if isinstance(right, Indexed) else right
    return left == right or (isinstance(base, Apply) and base.name == function.name)


def equation(
    function: Builtin, signature: ast.Signature, library: Library, several: bool = False
) -> Equation:
    """Return what a call of a signature is, as one equation without abbreviations."""
    body = expanded(function, signature, library)
    arrays = {parameter.name: type_dims(parameter.type) for parameter in signature.parameters}
    functions = frozenset(
        parameter.name
        for parameter in signature.parameters
        if isinstance(parameter.type, ast.WordTypeExpr) and parameter.type.word == "function"
    )
    reader = Reader(Scope(library, arrays, functions), NOTATION, frozenset(arrays))
    required = [parameter.name for parameter in signature.parameters if parameter.default is None]
    places: list[Place] = []
    dims = reader.dims(body)
    for dim in dims or ():
        if dim.startswith(("*", PART)) or dim.isdigit():
            places.append(None)
        else:
            index, _, reader = reader.fresh(dim)
            places.append(index)
    name = "ℓ" if function.is_loss else function.name
    called = Apply(name, tuple(Symbol(parameter) for parameter in required))
    left = called if several or not function.is_loss else Symbol("ℓ")
    return placed(left, places, dims), tidied(reader.read(body, places))
