"""Rewrites that a pattern does not say: of members of sums and products, literals, axes, names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from lossdsl.library import BUILTINS
from lossdsl.syntax import ast
from mutants.rules import is_small, text_of


@dataclass(frozen=True)
class Site:
    """Where a node stands: the types of the inputs, and the names that are bound."""

    types: dict[str, ast.TypeExpr]
    parents: dict[int, Any]

    def dims(self, name: str) -> tuple[str, ...]:
        """Return the named dims of an input."""
        type = self.types.get(name)
        dims = type.dims if isinstance(type, ast.ArrayTypeExpr) else ()
        return tuple(dim.name for dim in dims if isinstance(dim, ast.DimExpr) and dim.name)

    @property
    def all_dims(self) -> tuple[str, ...]:
        """Every named dim of an input."""
        return tuple(dict.fromkeys(dim for name in self.types for dim in self.dims(name)))

    def parent(self, node: Any) -> Any:
        """Return what a node stands in."""
        return self.parents.get(id(node))


Rewrite = Callable[[Any, Site], Iterator[str]]


def _sum(addends: list[tuple[str, Any, str | None]]) -> str:
    labelled = (
        (sign, text_of(value), f" as {label}" if label else "") for sign, value, label in addends
    )
    text = " ".join(f"{sign} {value}{label}" for sign, value, label in labelled)
    return text.removeprefix("+ ")


def _addends(node: Any) -> list[tuple[str, Any, str | None]]:
    return [(one.sign, one.value, one.label) for one in node.addends]


def addend_dropped(node: Any, site: Site) -> Iterator[str]:
    """One addend is left out, but for a guard."""
    if isinstance(node, ast.Sum) and len(node.addends) > 1:
        addends = _addends(node)
        for at, (_, value, _) in enumerate(addends):
            if not is_small(value):
                yield _sum(addends[:at] + addends[at + 1 :])


def guard_dropped(node: Any, site: Site) -> Iterator[str]:
    """A small constant that is added is left out."""
    if isinstance(node, ast.Sum) and len(node.addends) > 1:
        addends = _addends(node)
        for at, (_, value, _) in enumerate(addends):
            if is_small(value):
                yield _sum(addends[:at] + addends[at + 1 :])


def sign_flipped(node: Any, site: Site) -> Iterator[str]:
    """One addend has the other sign."""
    if isinstance(node, ast.Sum):
        addends = _addends(node)
        for at, (sign, value, label) in enumerate(addends):
            other = "-" if sign == "+" else "+"
            if not is_small(value):
                yield _sum([*addends[:at], (other, value, label), *addends[at + 1 :]])


def minus_lost(node: Any, site: Site) -> Iterator[str]:
    """What is negated is not, but for a number, such as an axis."""
    is_negative = isinstance(node, ast.Unary) and node.operator == "-"
    if is_negative and not isinstance(node.operand, ast.Literal):
        yield text_of(node.operand)


def negated(node: Any, site: Site) -> Iterator[str]:
    """A whole result has the other sign."""
    if isinstance(site.parent(node), ast.Result) and not isinstance(node, ast.Unary):
        if isinstance(node, ast.Sum):
            yield _sum([("-" if s == "+" else "+", v, label) for s, v, label in _addends(node)])
        else:
            yield f"-{text_of(node)}"


def _product(factors: list[tuple[str, Any]]) -> str:
    (operator, _), *_ = factors
    lead = "" if operator == "*" else "1"
    text = " ".join(f"{sign} {text_of(value)}" for sign, value in factors)
    return lead + text.removeprefix("* ")


def _factors(node: Any) -> list[tuple[str, Any]]:
    if not isinstance(node, ast.Product):
        return []
    return [("*", node.first), *((one.operator, one.value) for one in node.rest)]


def factor_dropped(chosen: Callable[[str, Any, Site], bool]) -> Rewrite:
    """One factor or divisor is left out, of those that are chosen."""

    def rewrite(node: Any, site: Site) -> Iterator[str]:
        factors = _factors(node)
        for at, (operator, value) in enumerate(factors):
            after = factors[at + 1][0] if at + 1 < len(factors) else "*"
            if operator in "*/" and after in "*/" and chosen(operator, value, site):
                yield _product(factors[:at] + factors[at + 1 :])

    return rewrite


def is_number(operator: str, value: Any, site: Site) -> bool:
    """Choose literals."""
    return isinstance(value, ast.Literal)


def is_weight(operator: str, value: Any, site: Site) -> bool:
    """Choose names that multiply."""
    return isinstance(value, ast.Name) and operator == "*"


def is_divisor(operator: str, value: Any, site: Site) -> bool:
    """Choose what divides."""
    return operator == "/" and not isinstance(value, ast.Literal)


def operator_exchanged(node: Any, site: Site) -> Iterator[str]:
    """`/` for `*`, or the other way."""
    factors = _factors(node)
    for at, (operator, value) in enumerate(factors[1:], 1):
        if operator in "*/":
            other = "/" if operator == "*" else "*"
            yield _product([*factors[:at], (other, value), *factors[at + 1 :]])


def weight_squared(node: Any, site: Site) -> Iterator[str]:
    """A named weight is multiplied in twice."""
    factors = _factors(node)
    for operator, value in factors:
        if is_weight(operator, value, site):
            yield _product([*factors, ("*", value)])


def weight_added(node: Any, site: Site) -> Iterator[str]:
    """A weight is added instead of multiplied."""
    factors = _factors(node)
    if len(factors) == 2 and factors[1][0] == "*" and isinstance(factors[0][1], ast.Name):
        yield f"{text_of(factors[0][1])} + {text_of(factors[1][1])}"


def weight_moved(node: Any, site: Site) -> Iterator[str]:
    """The weight of an addend stands at its neighbor."""
    addends = _addends(node) if isinstance(node, ast.Sum) else []
    for at, (_, value, _) in enumerate(addends):
        factors = _factors(value)
        lead = factors[0][1] if factors else None
        if not isinstance(lead, ast.Literal | ast.Name) or factors[1][0] != "*":
            continue
        other = (at + 1) % len(addends)
        texts = [text_of(one) for _, one, _ in addends]
        texts[at], texts[other] = _product(factors[1:]), f"{text_of(lead)}*{texts[other]}"
        parts = zip(addends, texts, strict=True)
        yield " ".join(
            f"{sign} {text}" + (f" as {label}" if label else "") for (sign, _, label), text in parts
        ).removeprefix("+ ")


def divisor_exchanged(node: Any, site: Site) -> Iterator[str]:
    """A size that divides is another one."""
    factors = _factors(node)
    for at, (operator, value) in enumerate(factors):
        if operator == "/" and isinstance(value, ast.Name) and value.id in site.all_dims:
            for dim in site.all_dims:
                if dim != value.id:
                    rest = "".join(f" {s} {text_of(v)}" for s, v in factors[at + 1 :])
                    yield f"{_product(factors[:at])} / {dim}{rest}"


def literal(change: Callable[[float], float | None]) -> Rewrite:
    """A literal outside of indices and exponents is another number."""

    def rewrite(node: Any, site: Site) -> Iterator[str]:
        parent = site.parent(node)
        fixed = ast.Index | ast.Slice | ast.Power | ast.Tuple | ast.Unary
        if not isinstance(node, ast.Literal) or isinstance(parent, fixed):
            return
        if isinstance(parent, ast.Keyword) and parent.name == "axis":
            return
        value = node.value
        changed = None if value is None or isinstance(value, bool) else change(float(value))
        if changed is not None:
            whole = isinstance(value, int) and changed == int(changed)
            yield str(int(changed) if whole else changed)

    return rewrite


def option_changed(change: Callable[[float], float]) -> Rewrite:
    """A number that is given to a keyword, or a default, is another one."""

    def rewrite(node: Any, site: Site) -> Iterator[str]:
        settings = isinstance(site.parent(node), ast.Keyword | ast.Declaration)
        if settings:
            yield from literal(change)(node, site)

    return rewrite


def dropped(*names: str) -> Rewrite:
    """A keyword of a call is left out."""

    def rewrite(node: Any, site: Site) -> Iterator[str]:
        if isinstance(node, ast.Call) and {one.name for one in node.keywords} & {*names}:
            kept = [one.span.text for one in node.keywords if one.name not in names]
            arguments = [one.span.text for one in node.arguments]
            yield f"{node.function}({', '.join([*arguments, *kept])})"

    return rewrite


def axis_changed(node: Any, site: Site) -> Iterator[str]:
    """The axis is another one of an input that has it."""
    if not isinstance(node, ast.Keyword) or node.name not in ("axis", "class_axis", "feature_axis"):
        return
    match node.value:
        case ast.Name(dim):
            others = {
                one
                for name in site.types
                if dim in site.dims(name)
                for one in site.dims(name)
                if one != dim
            }
            yield from (f"{node.name}={one}" for one in sorted(others))
        case ast.Literal(int(at)):
            yield f"{node.name}={-1 if at == 0 else 0}"
        case ast.Unary():
            yield f"{node.name}=0"
        case ast.Tuple(items) if len(items) > 1:
            yield f"{node.name}=({', '.join(one.span.text for one in items[1:])},)"
        case _:
            pass


def along_batch(node: Any, site: Site) -> Iterator[str]:
    """What runs along the last axis by default runs along the first."""
    names = ("softmax", "log_softmax", "normalize")
    plain = isinstance(node, ast.Call) and "axis" not in {one.name for one in node.keywords}
    if plain and node.function in names:
        yield f"{node.span.text[:-1]}, axis=0)"


def doubled(role: str, function: str) -> Rewrite:
    """What a parameter of a role is given goes through a function once more."""

    def rewrite(node: Any, site: Site) -> Iterator[str]:
        parent = site.parent(node)
        if isinstance(node, ast.Expr) and isinstance(parent, ast.Call):
            builtin = BUILTINS.get(parent.function)
            at = [one is node for one in parent.arguments]
            parameters = builtin.signatures[0].parameters if builtin and any(at) else ()
            if any(at) and at.index(True) < len(parameters):
                type = parameters[at.index(True)].plain_type
                if isinstance(type, ast.ArrayTypeExpr) and type.role == role:
                    yield f"{function}({node.span.text})"

    return rewrite


def input_exchanged(node: Any, site: Site) -> Iterator[str]:
    """An input is another one of its type."""
    if isinstance(node, ast.Name) and node.id in site.types:
        for name, type in site.types.items():
            if name != node.id and type == site.types[node.id]:
                yield name


def slice_dropped(node: Any, site: Site) -> Iterator[str]:
    """A slice takes all."""
    if isinstance(node, ast.Slice) and node.span.text != ":":
        yield ":"


def index_shifted(node: Any, site: Site) -> Iterator[str]:
    """A bound of a slice or a position is off by one."""
    within = site.parent(node)
    within = site.parent(within) if isinstance(within, ast.Unary) else within
    value = node.value if isinstance(node, ast.Literal) else None
    if type(value) is int and isinstance(within, ast.Slice | ast.Index):
        yield str(value + 1)


def axis_kept(node: Any, site: Site) -> Iterator[str]:
    """A `None` or a position of an index is forgotten, so that all pairs are made."""
    if isinstance(node, ast.Index) and not node.keywords and len(node.items) > 1:
        plain = [isinstance(one, ast.Slice) and one.span.text == ":" for one in node.items]
        if sum(plain) == len(node.items) - 1:
            yield text_of(node.value)


def compared(node: Any, site: Site) -> Iterator[str]:
    """A comparison is turned around."""
    other = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "!=", "!=": "=="}
    if isinstance(node, ast.Comparison) and len(node.rest) == 1:
        (link,) = node.rest
        yield f"{text_of(node.first)} {other[link.operator]} {text_of(link.value)}"
