"""In which interval a value lies, as far as that is known.

Of what is not declared nothing is known, which is not to say that it may be any number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import inf

from lossdsl.analyze.dataflow import Analysis
from lossdsl.analyze.outputs import operand_names
from lossdsl.core.graph import Apply, Const, Graph, Input, Leaves, Node
from lossdsl.frozen import dataclass
from lossdsl.library.domains import Interval
from lossdsl.library.function import Builtin
from lossdsl.library.images import interval, joined, larger
from lossdsl.library.roles import ROLE_RANGES, SUMMING
from lossdsl.library.syntax_forms import Form
from lossdsl.syntax import ast
from lossdsl.syntax.options import AXIS
from lossdsl.types.types import ArrayType, TreeType, Type, UnknownType

_NONNEGATIVE, _UNIT, _POSITIVE = interval("[0, inf)"), interval("[0, 1]"), interval("(0, inf)")
_COSINE = interval("[-1, 1]")
# A bound that is there and is not known.
FAR = 1e100
_BOUNDED, _POSITIVE_BOUNDED = Interval(0, FAR), Interval(0, FAR, "(")
# Names of what divides: they excuse and never accuse.
_SCALE = re.compile("sigma|tau|std|var|scale|spread|temperature|width|length", re.IGNORECASE)
_SCALES = ("var", "std")
_COUNTED = {"labels": _NONNEGATIVE, "spikes": _NONNEGATIVE}


@dataclass(frozen=True)
class Intervals(Analysis["Interval | None"]):
    """The intervals of the values of a graph.

    Where a claim is `excused` by it, what is a scale by its name or role is taken to be above 0.
    The `cosines` are products of unit vectors.
    """

    graph: Graph
    ranges: Mapping[str, Interval]
    excused: bool = False
    cosines: frozenset[Node] = frozenset()

    def constant(self, node: Const) -> Interval | None:
        """Return the interval of a number, or of several."""
        match node.value:
            case bool() as truth:
                return Interval(truth, truth)
            case int() | float() as number:
                return Interval(number, number)
            case tuple() as numbers:
                known = [n for n in numbers if isinstance(n, int | float)]
                whole = len(known) == len(numbers) > 0
                return Interval(min(known), max(known)) if whole else None
            case _:
                return interval("[1, inf)")  # a size

    def given(self, node: Input | Leaves) -> Interval | None:
        """Return the interval of what is passed, by its declared range or its role."""
        declared = self.ranges.get(node.name) if isinstance(node, Input) else None
        type = self.graph.types[node]
        if declared is not None or not self.excused:
            return declared or _of_type(type)
        is_named = isinstance(node, Input) and _SCALE.search(node.name)
        known = _of_type(type)
        is_scale = _role(type) in _SCALES or (known is None and is_named)
        return _POSITIVE if is_scale else known

    def transfer(self, node: Apply, facts: Sequence[Interval | None]) -> Interval | None:
        """Return the interval of a result, by what its function declares."""
        if node in self.cosines:
            return _COSINE
        called, known = self.graph.bodies.get(node), self._applied(node, facts)
        declared = None if called is None else _by_laws(called)
        if self.excused and called is None and _is_even_of_unknown(node.function, facts, known):
            return Interval(0, 0)  # how far it goes is not known, and no reason to tell
        if declared is None or called is None:
            return known
        # What is computed may say more of how far a value goes, never less of its sign.
        highest = inf if declared.high == FAR else declared.high
        exact = known is not None and declared.low <= known.low and known.high <= highest
        return known if exact and not grows(called) else declared

    def _applied(self, node: Apply, facts: Sequence[Interval | None]) -> Interval | None:
        function = node.function
        if node.undecided and not function.reduction:
            return _by_laws(function)
        if function.form is Form.CHOOSE:
            return joined(*_chosen(node, facts))
        if function.image is not None:
            return function.image(*facts) or _anywhere(function, facts)
        if function.form in (Form.KEEP, Form.CAST, Form.SHIELD):
            # What a mask leaves out is not read.
            return facts[-1] if function.form is not Form.CAST else facts[0]
        if function.keeps:
            return joined(*self._kept(node, facts))
        if function.reduction:
            return self._reduced(node, facts)
        known = _by_laws(function)
        if known is None and {"odd", "monotone"} <= set(function.laws):
            return _signed(facts[0])
        return known or _of_type(self.graph.types[node])

    def _kept(self, node: Apply, facts: Sequence[Interval | None]) -> list[Interval | None]:
        """Return the intervals of the operands whose elements a result holds."""
        pairs = zip(operand_names(node), node.arguments, facts, strict=False)
        return [
            fact
            for name, operand, fact in pairs
            if name in node.function.keeps and operand is not None
        ]

    def _reduced(self, node: Apply, facts: Sequence[Interval | None]) -> Interval | None:
        """Return the interval of a reduction: what lies among the elements, or adds them up."""
        function, inner = node.function, facts[0]
        operand, mask, weight = (*node.arguments, None, None, None)[:3]
        if node.undecided and len(node.arguments) > 1:
            return None  # what of a mask and a weight is given is not known
        masked = mask is not None
        if weight is not None:
            same_sign = (sign := facts[2]) is not None and sign.low >= 0
            return joined(_signed(inner), Interval(0, 0)) if same_sign else None
        if function.across == "add":
            type = None if operand is None else self.graph.types[operand]
            if isinstance(type, ArrayType) and type.role in SUMMING and not masked:
                return _BOUNDED if _is_of_each(node, type) else _POSITIVE_BOUNDED
            if isinstance(type, ArrayType) and type.dtype == "bool":
                return _NONNEGATIVE
            total = _signed(inner)
            return joined(total, Interval(0, 0)) if masked else total
        if function.across in ("mean", "maximum", "minimum") and not masked:
            return inner
        if function.across == "mean":
            return joined(inner, Interval(0, 0))  # of nothing that is kept
        return _by_laws(function)


def _is_even_of_unknown(
    function: Builtin, facts: Sequence[Interval | None], known: Interval | None
) -> bool:
    """Say whether of a result is known that it is 0 where an unknown operand is, and else above."""
    is_even = "even" in function.laws or function.operator == "**"
    return is_even and facts[0] is None and known == _NONNEGATIVE


def _is_of_each(node: Apply, type: ArrayType) -> bool:
    """Say whether a sum is of each class over the examples, along which entries do not sum to 1."""
    return node.option(AXIS) == (0,) and type.rank != 1


def _anywhere(function: Builtin, facts: Sequence[Interval | None]) -> Interval | None:
    """Return where the values of a function of one operand lie over its domain, if around 0."""
    if function.image is None or len(facts) != 1 or not function.domains:
        return None
    (domain,) = function.domains.values()
    values = function.image(domain)
    return values if values is not None and values.low < 0 < values.high else None


def grows(function: Builtin) -> bool:
    """Say whether the values of a function are known to grow without end."""
    return not {"convex", "scale 1", "scale 2"}.isdisjoint(function.laws)


def _by_laws(function: Builtin) -> Interval | None:
    """Return the interval that a law of a function says, or the role of its result."""
    if "unit" in function.laws:
        return _UNIT
    if "nonneg" in function.laws:
        return _NONNEGATIVE if grows(function) else _BOUNDED
    roles = {
        signature.result.role if isinstance(signature.result, ast.ArrayTypeExpr) else None
        for signature in function.signatures
    }
    return ROLE_RANGES.get(roles.pop() or "") if len(roles) == 1 else None


def _signed(inner: Interval | None) -> Interval | None:
    """Return where what has the sign of its operand lies."""
    if inner is None or (inner.low < 0 < inner.high):
        return None
    if inner.high <= 0:
        low = -inf if inner.low == -inf else -FAR
        return Interval(low, 0, "(", ")" if 0 not in inner else "]")
    high = inf if inner.high == inf else FAR
    return Interval(0, high, "(" if 0 not in inner else "[", ")")


def _chosen(node: Apply, facts: Sequence[Interval | None]) -> list[Interval | None]:
    """Return the intervals of two branches, the first of which a condition may bound."""
    condition, a, _ = node.arguments
    match condition:
        case Apply(
            Builtin(operator=">" | ">=" as symbol), (tested, Const(int() | float() as edge))
        ):
            if tested is a:
                above = Interval(edge, inf, "(" if symbol == ">" else "[", ")")
                return [larger(facts[1], above), facts[2]]
        case _:
            pass
    return list(facts[1:])


def _role(type: Type) -> str | None:
    match type:
        case ArrayType(role=role) | UnknownType(role=role) | TreeType(leaf=ArrayType(role=role)):
            return role
        case _:
            return None


def _of_type(type: Type) -> Interval | None:
    match type:
        case ArrayType(dtype="bool"):
            return _UNIT
        case ArrayType(role=str() as role) | UnknownType(role=str() as role):
            return ROLE_RANGES.get(role) or _COUNTED.get(role)
        case TreeType(leaf=ArrayType() as leaf):
            return _of_type(leaf)
        case _:
            return None
