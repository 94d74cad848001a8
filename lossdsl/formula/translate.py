"""An expression of the language as mathematics, with indices where axes are known.

`read(expr, places)` is the value of an expression at a place: one index for each of its axes, or
None for a whole axis. So a sum over the classes writes its body at the class `k`, and a gather
writes what it takes from at the label.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from lossdsl.formula.arithmetic import divided, multiplied, negated, raised, summed
from lossdsl.formula.axis_names import (
    Dims,
    Scope,
    called_dims,
    dims_of,
    is_unreduced,
    items_by_axis,
    taken,
    unified,
)
from lossdsl.formula.conditions import cases, joined, opposite
from lossdsl.formula.math import (
    ZERO,
    Apply,
    Fence,
    Fraction,
    Indexed,
    Listed,
    Math,
    Phrase,
    Power,
    Product,
    Relation,
    Symbol,
)
from lossdsl.formula.parameters import Bound, bind
from lossdsl.formula.slices import PART, size, steps, written
from lossdsl.formula.symbols import constant
from lossdsl.syntax import ast

Place = Math | None
Places = Sequence[Place]
Notation = Callable[["Reader", Bound, Places], Math]
"""How a function is written: from a call and the places at which it is read."""
ANONYMOUS = "nmijlrsuvwabcdefghopqtxyz"


@dataclass(frozen=True)
class Reader:
    """What stands where an expression is read: the names in scope and the letters in use."""

    scope: Scope
    notation: Mapping[str, Notation]
    letters: frozenset[str] = frozenset()

    def dims(self, expr: ast.Expr) -> Dims | None:
        """Return the axes of an expression, or None."""
        return dims_of(expr, self.scope)

    def fresh(self, dim: str) -> tuple[Symbol, Math | None, Reader]:
        """Return an unused index along an axis, its number of elements, and the reader within.

        Nobody knows how many elements some parts of an axis have.
        """
        name = dim.partition("-")[0]
        preferred = name.lower() if len(name) == 1 and name.isalpha() else ""
        free = (letter for letter in preferred + ANONYMOUS if letter not in self.letters)
        letter = next(free, f"{preferred or 'n'}1")
        known = size(dim) or (None if dim == PART else Symbol(letter.upper()))
        return Symbol(letter), known, replace(self, letters=self.letters | {letter})

    def whole(self, expr: ast.Expr) -> Math:
        """Return an expression without indices."""
        return self.read(expr, [None] * len(self.dims(expr) or ()))

    def read(self, expr: ast.Expr, places: Places) -> Math:
        """Return the mathematics of an expression at a place."""
        match expr:
            case ast.Literal(value):
                return constant(value)
            case ast.Text(value):
                return Phrase(f"“{value}”")
            case ast.Name(name):
                return placed(Symbol(name), places, self.dims(expr))
            case ast.Tuple(items):
                listed = tuple(self.whole(item) for item in items)
                return Fence("list", Listed(listed))
            case ast.Record(entries):
                named = (Relation(Symbol(x.name), ((":", self.whole(x.value)),)) for x in entries)
                return Fence("list", Listed(tuple(named)))
            case ast.Sum(addends):
                return summed([(a.sign == "-", self.part(a.value, places)) for a in addends])
            case ast.Product(first, rest):
                return self._product(expr, first, rest, places)
            case ast.Unary("not", operand):
                return opposite(self.read(operand, places))
            case ast.Unary(sign, operand):
                body = self.read(operand, places)
                return negated(body) if sign == "-" else body
            case ast.Power(base, exponent):
                return raised(self.part(base, places), self.part(exponent, places))
            case ast.Comparison(first, rest):
                links = tuple((link.operator, self.part(link.value, places)) for link in rest)
                return Relation(self.part(first, places), links)
            case ast.Logical(operator, operands):
                return joined(operator, [self.part(operand, places) for operand in operands])
            case ast.Conditional(value, condition, otherwise):
                return self._conditional(value, condition, otherwise, places)
            case ast.Index():
                return self._index(expr, places)
            case ast.Attribute(value, name):
                inner = self.whole(value)
                if isinstance(inner, Symbol) and len(name) <= 2:
                    return Symbol(f"{inner.name}_{name}")
                return Symbol(name)
            case ast.Call():
                return self._call(expr, places)

    def part(self, expr: ast.Expr, places: Places) -> Math:
        """Return an operand that is broadcast, at its share of the places of the result."""
        dims = self.dims(expr)
        if dims is None:
            return self.read(expr, ())
        shared = list(places[max(len(places) - len(dims), 0) :])
        missing = len(dims) - len(shared)
        shared = [None] * missing + shared
        single = [ZERO if dim == "1" else at for dim, at in zip(dims, shared, strict=True)]
        return self.read(expr, single)

    def _product(
        self, expr: ast.Product, first: ast.Expr, rest: tuple[ast.Factor, ...], places: Places
    ) -> Math:
        last = max((at for at, factor in enumerate(rest) if factor.operator == "@"), default=-1)
        if last < 0:
            value = self.part(first, places)
        else:
            left = replace(expr, rest=rest[:last]) if last else first
            value = self.matrix(left, rest[last].value, places)
        above, under = [value], list[Math]()
        for factor in rest[last + 1 :]:
            operand = self.part(factor.value, places)
            match factor.operator:
                case "*":
                    above.append(operand)
                case "/":
                    under.append(operand)
                case operator:
                    left = (
                        divided(multiplied(above), multiplied(under))
                        if under
                        else multiplied(above)
                    )
                    above, under = [_remainder(operator, left, operand)], []
        top = multiplied(above)
        return divided(top, multiplied(under))

    def matrix(self, left: ast.Expr, right: ast.Expr, places: Places) -> Math:
        """Return a matrix product; at a row and a column, the inner product of these two."""
        rows, columns = self.dims(left), self.dims(right)
        if rows and columns and len(places) == len(rows) + len(columns) - 2:
            row = [*places[: len(rows) - 1], None]
            column = [None, *places[len(rows) - 1 :]]
            if any(place is not None for place in places):
                return _inner(self.read(left, row), self.read(right, column[: len(columns)]))
        return placed(multiplied([self.whole(left), self.whole(right)]), places, None)

    def _conditional(
        self, value: ast.Expr, condition: ast.Expr, otherwise: ast.Expr, places: Places
    ) -> Math:
        held = self.condition(condition, places)
        return cases(self.part(value, places), held, self.part(otherwise, places))

    def condition(self, expr: ast.Expr, places: Places) -> Math:
        """Return a condition; what is said of options is said in words."""
        match expr:
            case ast.Comparison(ast.Name(name), (ast.Link(operator, ast.Literal(None)),)):
                return Phrase(f"{'without' if operator == '==' else 'with'} {name}")
            case ast.Logical(operator, operands):
                return joined(operator, [self.condition(operand, places) for operand in operands])
            case _:
                return self.part(expr, places)

    def _index(self, expr: ast.Index, places: Places) -> Math:
        dims = self.dims(expr.value)
        if dims is None or expr.keywords or taken(expr) > len(dims):
            indices = list(map(self._as_written, expr.items))
            while indices and indices[-1] is None:
                indices.pop()
            whole = self.whole(expr.value)
            return placed(Indexed(whole, tuple(indices)) if indices else whole, places, None)
        remaining, inner = list(places), list[Place]([None] * len(dims))
        behind: list[Place] = []
        for axis, item in items_by_axis(expr, dims):
            match item:
                case None if axis is not None:
                    inner[axis] = remaining.pop(0) if remaining else None
                    behind += [None] if inner[axis] is None else []
                case ast.Literal(None):
                    remaining = remaining[1:]
                case ast.Slice() if axis is not None:
                    place = remaining.pop(0) if remaining else None
                    inner[axis] = self._slice(item, place, dims[axis])
                    if inner[axis] is None:
                        inner[axis] = self._as_written(item)
                        behind.append(place)
                case ast.Literal() | ast.Unary() | ast.Name() | ast.Sum() if axis is not None:
                    inner[axis] = self._position(item, dims[axis])
                case _:
                    pass
        return placed(self.read(expr.value, inner), behind, None)

    def _as_written(self, item: ast.Expr | ast.Slice | ast.Dots) -> Place:
        """Return what an index says of an axis, as it is written; None where it keeps all of it."""
        match item:
            case ast.Dots():
                return Phrase("…")
            case ast.Slice():
                return None if written(item) == ":" else Phrase(written(item))
            case _:
                return self.whole(item)

    def _position(self, item: ast.Expr, dim: str) -> Math:
        position = self.whole(item)
        match item:
            case ast.Unary("-", operand) if dim.isidentifier() and dim != "_":
                return summed([(False, Symbol(dim)), (True, self.whole(operand))])
            case _:
                return position

    def _slice(self, item: ast.Slice, place: Place, dim: str) -> Place:
        """Return where the element of a slice at a place is read; None if no index says it."""
        part = steps(item, dim)
        if place is None or part is None:
            return None
        start = None if isinstance(part.start, int) else self._position(part.start, dim)
        return part.place(place, dim, start)

    def _call(self, call: ast.Call, places: Places) -> Math:
        function = self.scope.library.visible(call.function, call.span.source)
        if function is None or call.function in self.scope.functions:
            return Apply(call.function, tuple(self.whole(argument) for argument in call.arguments))
        bound = bind(function, call, lambda bound: unified(bound, self.scope) is not None)
        if not bound.complete:
            return Apply(call.function, tuple(map(self.whole, call.arguments)))
        notation = self.notation.get(function.name)
        if notation is not None:
            return notation(self, bound, places)
        return self.applied(bound, places)

    def applied(self, bound: Bound, places: Places) -> Math:
        """Return a call by name: indices of runs within, of what the function makes behind."""
        function = bound.function
        if function.elementwise:
            return Apply(
                function.name, tuple(self.part(operand, places) for operand in bound.operands)
            )
        if function.reduction or (function.is_loss and not is_unreduced(bound)):
            return placed(
                Apply(function.name, self._arguments(bound, {}, bound.options)), places, None
            )
        dims = called_dims(bound, self.scope)
        known = unified(bound, self.scope) or {}
        runs = [dim for entry, run in known.items() if entry.startswith("*") for dim in run]
        where = dict(zip(dims, places, strict=False)) if dims else {}
        outside = {dim: at for dim, at in where.items() if dim in runs}
        # A call that is read example by example does not say that it keeps them.
        pairs = zip(dims or ("",), [*places, None], strict=False)
        single = all(dim[:1] == "*" or at is not None for dim, at in pairs)
        options = {
            name: expr for name, expr in bound.options.items() if name != "reduce" or not single
        }
        behind = [at for dim, at in zip(dims or (), places, strict=False) if dim not in runs]
        return placed(Apply(function.name, self._arguments(bound, outside, options)), behind, None)

    def _arguments(
        self, bound: Bound, outside: Mapping[str, Place], options: Mapping[str, ast.Expr]
    ) -> tuple[Math, ...]:
        """Return the arguments of a call by name, those that are left out often by name."""
        defaults = {
            parameter.name
            for parameter in bound.signature.parameters
            if parameter.default is not None
        }
        shown: list[Math] = [self.argument(expr, outside) for expr in bound.rest]
        for name, expr in bound.given.items():
            if name not in defaults:
                shown.append(self.argument(expr, outside))
            elif not (name.endswith("axis") or expr == ast.Name(name, expr.span)):
                shown.append(Relation(Symbol(name), (("=", self.whole(expr)),)))
        for name, expr in options.items():
            shown.append(Relation(Symbol(name), (("=", self.whole(expr)),)))
        return tuple(shown)

    def argument(self, expr: ast.Expr, where: Mapping[str, Place]) -> Math:
        """Return an argument at the places that are given by the names of its axes.

        What pairs rows with columns is written with indices, also along the axes that it keeps.
        """
        places: list[Place] = []
        reader = self
        for dim in self.dims(expr) or ():
            place = where.get(dim)
            if place is None and dim[:1] != "*" and couples(expr):
                place, _, reader = reader.fresh(dim)
            places.append(place)
        return reader.read(expr, places)


def couples(expr: ast.Expr) -> bool:
    """Whether an expression written without indices would hide what goes with what."""
    for node in ast.walk(expr):
        match node:
            case ast.Factor("@"):
                return True
            case ast.Call("transpose" | "matmul" | "normalize" | "pairwise_distance" | "one_hot"):
                return True
            case ast.Index(_, items) if ast.Literal(None, node.span) in items:
                return True
            case _:
                pass
    return False


def _inner(a: Math, b: Math) -> Math:
    """Return the inner product of two vectors; lengths that divide them stand below both."""
    match a, b:
        case Fraction(), Fraction():
            return divided(_inner(a.above, b.above), multiplied([a.below, b.below]))
        case _:
            return Product((Power(a, Symbol("⊤")), b))


def placed(base: Math, places: Places, dims: Dims | None) -> Math:
    """Return an element, row or column: whole axes at the end, and runs, go without saying."""
    named = dims if dims is not None and len(dims) == len(places) else ("",) * len(places)
    indices = [
        at for at, dim in zip(places, named, strict=True) if at is not None or dim[:1] != "*"
    ]
    while indices and indices[-1] is None:
        indices.pop()
    return Indexed(base, tuple(indices)) if indices else base


def _remainder(operator: str, left: Math, right: Math) -> Math:
    if operator == "//":
        return Fence("floor", divided(left, right))
    return Apply("mod", (left, right))
