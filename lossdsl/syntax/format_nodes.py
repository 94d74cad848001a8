"""The canonical text of expressions, types and signatures, each on one line."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import assert_never

from lossdsl.syntax.ast import (
    Addend,
    AnyDim,
    ArrayTypeExpr,
    Attribute,
    Call,
    ChoiceTypeExpr,
    Comparison,
    Conditional,
    DimExpr,
    Dots,
    Entry,
    Expr,
    Index,
    Keyword,
    Literal,
    Logical,
    Name,
    OptionalTypeExpr,
    Parameter,
    Power,
    Product,
    RangeExpr,
    Record,
    RecordTypeExpr,
    Run,
    Signature,
    Slice,
    Sum,
    Text,
    TreeTypeExpr,
    Tuple,
    TypeExpr,
    Unary,
    UnionTypeExpr,
    WordTypeExpr,
)
from lossdsl.syntax.names import is_plain

# How tightly each kind of expression binds; what binds looser than its place needs parentheses.
CONDITIONAL, OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, POWER, POSTFIX = range(10)


def binding_of(expr: Expr) -> int:
    """Return how tightly the outermost operator of an expression binds."""
    match expr:
        case Conditional():
            return CONDITIONAL
        case Logical(operator):
            return OR if operator == "or" else AND
        case Unary(operator):
            return NOT if operator == "not" else SIGN
        case Comparison():
            return COMPARISON
        case Sum():
            return SUM
        case Product():
            return PRODUCT
        case Power():
            return POWER
        case Literal() | Text() | Name() | Tuple() | Record() | Call() | Index() | Attribute():
            return POSTFIX
        case _:
            assert_never(expr)


def format_expr(expr: Expr, place: int = CONDITIONAL) -> str:
    """Return the canonical text of an expression, in parentheses if its place asks for them."""
    text = _bare(expr)
    return text if binding_of(expr) >= place else f"({text})"


def _bare(expr: Expr) -> str:
    match expr:
        case Literal(value):
            return format_literal(value)
        case Text(value):
            return quoted(value)
        case Name(name):
            return name
        case Tuple(items):
            return f"({_listed(items)}{',' if len(items) == 1 else ''})"
        case Record(entries):
            return "{" + ", ".join(map(_entry, entries)) + "}"
        case Sum(addends):
            first, *rest = addends
            return " ".join((format_addend(first, leads=True), *map(format_addend, rest)))
        case Product(first, rest):
            factors = (f" {x.operator} {format_expr(x.value, SIGN)}" for x in rest)
            return format_expr(first, SIGN) + "".join(factors)
        case Unary("not", operand):
            return f"not {format_expr(operand, NOT)}"
        case Unary(sign, operand):
            return f"{sign}{format_expr(operand, SIGN)}"
        case Power(base, exponent):
            return f"{format_expr(base, POSTFIX)}**{format_expr(exponent, SIGN)}"
        case Comparison(first, rest):
            links = (f" {x.operator} {format_expr(x.value, SUM)}" for x in rest)
            return format_expr(first, SUM) + "".join(links)
        case Logical(operator, operands):
            place = AND if operator == "or" else NOT
            return f" {operator} ".join(format_expr(x, place) for x in operands)
        case Conditional(value, condition, otherwise):
            chosen = f"{format_expr(value, OR)} if {format_expr(condition, OR)}"
            return f"{chosen} else {format_expr(otherwise)}"
        case Call(function, arguments, keywords):
            return f"{function}({_listed((*arguments, *keywords))})"
        case Index(value, items, keywords):
            return f"{format_expr(value, POSTFIX)}[{_listed((*items, *keywords))}]"
        case Attribute(Literal(int() | float()) as value, name):
            return f"({_bare(value)}).{name}"  # `2.name` would read as the number `2.`
        case Attribute(value, name):
            return f"{format_expr(value, POSTFIX)}.{name}"
        case _:
            assert_never(expr)


def format_addend(addend: Addend, *, leads: bool = False) -> str:
    """Return an addend with its sign, which the first of a sum does not show."""
    label = "" if addend.label is None else f" as {addend.label}"
    sign = "" if leads else f"{addend.sign} "
    return f"{sign}{format_expr(addend.value, PRODUCT)}{label}"


def _listed(items: Iterable[Expr | Slice | Dots | Keyword]) -> str:
    return ", ".join(map(_item, items))


def _entry(entry: Entry) -> str:
    name = entry.name if is_plain(entry.name) else quoted(entry.name)
    return f"{name}: {format_expr(entry.value)}"


def _item(item: Expr | Slice | Dots | Keyword) -> str:
    match item:
        case Keyword(name, value):
            return f"{name}={format_expr(value)}"
        case Dots():
            return "..."
        case Slice(start, stop, step):
            low, high = (format_expr(x) if x is not None else "" for x in (start, stop))
            return f"{low}:{high}" + ("" if step is None else f":{format_expr(step)}")
        case _:
            return format_expr(item)


def format_literal(value: int | float | bool | None) -> str:
    """Return a constant as it is written.

    >>> format_literal(0.001), format_literal(-math.inf), format_literal(None)
    ('0.001', '-inf', 'none')
    """
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case float() if math.isinf(value):
            return "inf" if value > 0 else "-inf"
        case _:
            return repr(value)


def quoted(value: str) -> str:
    """Return a string in double quotes, or in single ones when it holds a double quote."""
    return f"'{value}'" if '"' in value else f'"{value}"'


# Types


def format_range(kind: TypeExpr) -> str:
    """Return the canonical text of the range that stands behind a type, if it has one."""
    match kind:
        case ArrayTypeExpr(range=RangeExpr(low, high, opening, closing)):
            return f" in {opening}{format_literal(low)}, {format_literal(high)}{closing}"
        case _:
            return ""


def format_type(kind: TypeExpr) -> str:
    """Return the canonical text of a type, without its range."""
    match kind:
        case ArrayTypeExpr(dtype, dims, role):
            sizes = f"[{', '.join(map(format_dim, dims))}]" if dims else ""
            return _in_role(role, f"{dtype}{sizes}")
        case TreeTypeExpr(leaf, role):
            return _in_role(role, "tree" if leaf is None else f"tree[{format_type(leaf)}]")
        case RecordTypeExpr(fields):
            return "{" + ", ".join(f"{x.name}: {format_type(x.type)}" for x in fields) + "}"
        case ChoiceTypeExpr(options):
            return " | ".join(map(quoted, options))
        case WordTypeExpr("static", arguments):
            return f"static {' '.join(arguments)}"
        case WordTypeExpr(word, arguments):
            return f"{word}[{', '.join(arguments)}]" if arguments else word
        case OptionalTypeExpr(inner):
            return f"{format_type(inner)}?"
        case UnionTypeExpr(options):
            return " | ".join(map(format_type, options))
        case _:
            assert_never(kind)


def _in_role(role: str | None, text: str) -> str:
    return text if role is None else f"{role} {text}"


def format_dim(dim: DimExpr | AnyDim | Run) -> str:
    """Return the canonical text of a dim: products and symbols in order, then the constant.

    >>> from lossdsl.source import Source, Span
    >>> format_dim(DimExpr(-1, ((("B", "C"), 2), (("T",), -1)), Span(Source(""), 0, 0)))
    '2*B*C-T-1'
    """
    match dim:
        case AnyDim():
            return "_"
        case Run(name):
            return "..." if name is None else f"*{name}"
        case DimExpr():
            return str(dim.polynomial)


def format_parameter(parameter: Parameter) -> str:
    """Return the canonical text of one parameter."""
    text = f"*{parameter.name}" if parameter.variadic else parameter.name
    equals = "="
    if parameter.type is not None:
        text += f": {format_type(parameter.type)}"
        equals = " = "
    return text if parameter.default is None else text + equals + format_expr(parameter.default)


def format_signature(signature: Signature) -> str:
    """Return the canonical text of a signature on one line."""
    parameters = ", ".join(map(format_parameter, signature.parameters))
    return f"{signature.name}({parameters}){format_returns(signature)}"


def format_returns(signature: Signature) -> str:
    """Return ` -> type`, or nothing."""
    return "" if signature.result is None else f" -> {format_type(signature.result)}"
