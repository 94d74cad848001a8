"""The formulas of a function: one for each definition, and how a loss is reduced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from lossdsl.core.graph import Apply as Operation
from lossdsl.core.graph import Graph, Node, tape
from lossdsl.formula.abbreviate import Equation, abbreviated, symbol_of
from lossdsl.formula.definition_core import Template, choices, template
from lossdsl.formula.extents import is_run
from lossdsl.formula.latex import latex
from lossdsl.formula.math import Apply, Indexed, Math, Symbol, below
from lossdsl.formula.named_calls import named
from lossdsl.formula.notation import NOTATION
from lossdsl.formula.reader import Place, Reader, placed
from lossdsl.formula.stated import DEEPEST, body, reading
from lossdsl.formula.tidy import tidied
from lossdsl.formula.unicode import layout, text
from lossdsl.formula.variants import merged
from lossdsl.library.declare import Builtin, Library
from lossdsl.source import Source
from lossdsl.syntax import ast
from lossdsl.types.types import ArrayType

LARGEST = 300
"""Nodes of what is still read as one formula."""


PATIENCE = 1.11
"""How much longer it may be to read what helpers are than their names."""


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
        equations = equations_of(function, signature, library, several)
        if equations and not _says_nothing(function, *equations[0]):
            listed.append(Formula(tuple(equations)))
    return tuple(listed)


def equations_of(
    function: Builtin,
    signature: ast.Signature,
    library: Library,
    several: bool,
    others: Sequence[Equation] = (),
) -> list[Equation]:
    """Return the equation of a function, then those of the helpers that it names.

    Beside the equations of `others` a loss has its own name, and no name of theirs is taken.
    """
    equations: list[Equation] = []
    waiting, file = [(function, signature, several)], signature.span.source
    known: set[str] = set()
    while waiting:
        function, signature, several = waiting.pop(0)
        whole = equation(function, signature, library, several)
        if whole is not None and others and function.is_loss:
            whole = _by_name(whole[0], function.name), whole[1]
        if whole is None:
            continue
        left, right = whole
        letters = {symbol_of(head) for head, _ in [*others, *equations]}
        equations += abbreviated(
            left, right, letters | {parameter.name for parameter in signature.parameters}
        )
        for name, helper in _helpers(right, library, file).items():
            if name not in known:
                known.add(name)
                waiting.append((helper, helper.signatures[0], True))
    return equations


def _by_name(left: Math, name: str) -> Math:
    """Return the left side of an equation of a loss with its name."""
    match left:
        case Indexed(base, places):
            return Indexed(_by_name(base, name), places)
        case Apply(_, arguments):
            return Apply(name, arguments)
        case _:
            return left


def _says_nothing(function: Builtin, left: Math, right: Math) -> bool:
    """Whether an equation says of a function that it is itself."""
    base = right.base if isinstance(right, Indexed) else right
    return left == right or (isinstance(base, Apply) and base.name == function.name)


@lru_cache(maxsize=512)
def equation(
    function: Builtin, signature: ast.Signature, library: Library, several: bool = False
) -> Equation | None:
    """Return what a call of a signature is, as one equation without abbreviations.

    Helpers are written out, or named, whatever is the shorter to read with them. None where
    nothing is known of the function but its name.
    """
    return _shortest(function, signature, library, several, {})


def _shortest(
    function: Builtin,
    signature: ast.Signature,
    library: Library,
    several: bool,
    costs: dict[str, int],
) -> Equation | None:
    """Return the equation with the least to read; `costs` has that of helpers by name."""
    candidates: dict[Equation, int] = {}
    for whole in _candidates(function, signature, library, several):
        helpers = _helpers(whole[1], library, signature.span.source)
        for name in helpers.keys() - costs.keys():
            costs[name] = 0
            helper = helpers[name]
            shortest = _shortest(helper, helper.signatures[0], library, True, costs)
            costs[name] = 0 if shortest is None else _length(shortest, helper.signatures[0])
        candidates[whole] = _length(whole, signature) + sum(costs[name] for name in helpers)
    if len(candidates) > 1 and _is_helper(next(iter(candidates))[1]):
        del candidates[next(iter(candidates))]
    least = min(candidates.values(), default=0)
    return next((w for w in [*candidates][::-1] if candidates[w] <= PATIENCE * least), None)


def _is_helper(right: Math) -> bool:
    base = right.base if isinstance(right, Indexed) else right
    return isinstance(base, Apply) and base.name.startswith("_")


def _length(whole: Equation, signature: ast.Signature) -> int:
    """Return how many characters an equation has with the names that it needs."""
    names = {parameter.name for parameter in signature.parameters}
    return sum(len(text(left)) + len(text(right)) for left, right in abbreviated(*whole, names))


def _helpers(right: Math, library: Library, file: Source) -> dict[str, Builtin]:
    """Return the private functions that an equation names."""
    names = [node.name for node in below(right)
             if isinstance(node, Apply) and node.name.startswith("_")]  # fmt: skip
    known = {name: library.visible(name, file) for name in dict.fromkeys(names)}
    return {name: helper for name, helper in known.items() if helper is not None}


def _candidates(
    function: Builtin, signature: ast.Signature, library: Library, several: bool
) -> Iterator[Equation]:
    """Yield equations with more and more helpers written out, all but the first of few nodes."""
    value = _value(function, signature)
    before: Equation | None = None
    for depth in range(DEEPEST):
        merged = _at_depth(function, signature, value, library, several, depth)
        if merged is None:
            return
        further = merged[0], tidied(merged[1])
        if further == before:
            return
        if before is None or sum(1 for _ in below(further[1])) <= LARGEST:
            yield further
        before = further


def _value(function: Builtin, signature: ast.Signature) -> ast.Expr:
    """Return what a function is in the language: of a primitive a call of itself."""
    at = function.signatures.index(signature)
    value = body(
        function, signature, function.definitions[at].value if function.definitions else None
    )
    if value is not None:
        return value
    names = [ast.Name(p.name, p.span) for p in signature.parameters
             if p.default is None and not p.variadic]  # fmt: skip
    return ast.Call(function.name, tuple(names), (), signature.span, signature.span)


def _at_depth(
    function: Builtin,
    signature: ast.Signature,
    value: ast.Expr,
    library: Library,
    several: bool,
    depth: int,
) -> Equation | None:
    decides = not (isinstance(value, ast.Call) and value.function == function.name)
    deciding = [parameter for parameter in signature.parameters if decides and choices(parameter)]
    how = reading(depth, public=False)

    def solved(rest: Sequence[ast.Parameter], chosen: Mapping[str, object]) -> Equation | None:
        if rest:
            first, *others = rest
            cases = [(solved(others, {**chosen, first.name: option}), condition)
                     for option, condition in choices(first)]  # fmt: skip
            right = [(case, condition) for case, condition in cases if case is not None]
            if not right:
                return None
            values = [value for (_, value), _ in right]
            return right[0][0][0], merged(values, [condition for _, condition in right])
        shapes = ("", "matrix", "reduces", "tree")
        tried = (template(signature, value, library, chosen, how, shape) for shape in shapes)
        made = next((made for made in tried if made is not None), None)
        return None if made is None else _read(function, signature, made, several, chosen)

    return solved(deciding, {})


def _read(
    function: Builtin,
    signature: ast.Signature,
    made: Template,
    several: bool,
    chosen: Mapping[str, object],
) -> Equation:
    taken = frozenset(parameter.name for parameter in signature.parameters)
    reader = replace(reader_of(made.graph, taken), chosen=chosen)
    required = [parameter.name for parameter in signature.parameters if parameter.default is None
                and not isinstance(parameter.type, ast.OptionalTypeExpr)]  # fmt: skip
    dims = made.type.dims if isinstance(made.type, ArrayType) else None
    places: list[Place] = []
    for dim in dims or ():
        if is_run(dim) or dim.constant is None or not dim.terms:
            places.append(None)
        else:
            index, _, reader = reader.fresh(dim)
            places.append(index)
    name = "ℓ" if function.is_loss else function.name
    called = Apply(name, tuple(Symbol(parameter) for parameter in required))
    left = called if several or not function.is_loss else Symbol("ℓ")
    return placed(left, places, dims), reader.read(made.node, places)


def reader_of(graph: Graph, letters: frozenset[str]) -> Reader:
    """Return what reads a graph, with the letters that have a meaning already."""
    return Reader(graph, NOTATION, named, letters)


def called(nodes: Iterable[Node]) -> list[Builtin]:
    """Return the definitions that are called by name in what nodes read."""
    functions = [part.function for part in tape(nodes)
                 if isinstance(part, Operation) and part.undecided]  # fmt: skip
    return [function for function in dict.fromkeys(functions) if function.definitions]
