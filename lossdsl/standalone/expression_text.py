"""Expressions of Python as text, each in one line, as `ruff format` writes them."""

from __future__ import annotations

import ast

BINARY: dict[type[ast.operator], tuple[str, int]] = {
    ast.BitOr: ("|", 6),
    ast.BitXor: ("^", 7),
    ast.BitAnd: ("&", 8),
    ast.LShift: ("<<", 9),
    ast.RShift: (">>", 9),
    ast.Add: ("+", 10),
    ast.Sub: ("-", 10),
    ast.Mult: ("*", 11),
    ast.Div: ("/", 11),
    ast.FloorDiv: ("//", 11),
    ast.Mod: ("%", 11),
    ast.MatMult: ("@", 11),
    ast.Pow: ("**", 13),
}
_UNARY: dict[type[ast.unaryop], tuple[str, int]] = {
    ast.Not: ("not ", 4),
    ast.USub: ("-", 12),
    ast.UAdd: ("+", 12),
    ast.Invert: ("~", 12),
}
_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
}
_TERNARY, _OR, _AND, _COMPARISON, _POWER, ATOM = 1, 2, 3, 5, 13, 15


def text(node: ast.expr | None) -> str:
    """Return an expression in one line.

    >>> text(ast.parse("jnp.mean((x-y)** 2, axis = ('a'))", mode="eval").body)
    'jnp.mean((x - y) ** 2, axis="a")'
    """
    return "" if node is None else bound_text(node)[0]


def bound_text(node: ast.expr) -> tuple[str, int]:
    """Return the text of an expression and how strongly it binds."""
    match node:
        case ast.Name(name):
            return name, ATOM
        case ast.Constant(value):
            return _constant(value), ATOM
        case ast.Attribute(value, name):
            return f"{within(value, ATOM)}.{name}", ATOM
        case ast.Subscript(value, index):
            return f"{within(value, ATOM)}[{_index(index)}]", ATOM
        case ast.Call(function, arguments, keywords):
            given = [*map(text, arguments), *map(keyword_text, keywords)]
            return f"{within(function, ATOM)}({', '.join(given)})", ATOM
        case ast.Starred(value):
            return f"*{within(value, 6)}", ATOM
        case ast.BinOp(left, operator, right):
            return _binary(left, operator, right)
        case ast.UnaryOp(operator, operand):
            symbol, strength = _UNARY[type(operator)]
            twice = isinstance(operand, ast.UnaryOp) and symbol.isascii() and symbol != "not "
            return f"{symbol}{within(operand, strength + twice)}", strength
        case ast.Compare(left, operators, others):
            pairs = zip(operators, others, strict=True)
            links = [f" {_COMPARED[type(of)]} {within(other, 6)}" for of, other in pairs]
            return within(left, 6) + "".join(links), _COMPARISON
        case ast.BoolOp(operator, values):
            strength = _AND if isinstance(operator, ast.And) else _OR
            word = " and " if strength == _AND else " or "
            return word.join(within(value, strength + 1) for value in values), strength
        case ast.IfExp(test, body, other):
            condition = f"{within(body, 2)} if {within(test, 2)} else {within(other, 1)}"
            return condition, _TERNARY
        case ast.Tuple(items):
            inner = ", ".join(map(text, items))
            return f"({inner},)" if len(items) == 1 else f"({inner})", ATOM
        case ast.List(items):
            return f"[{', '.join(map(text, items))}]", ATOM
        case ast.Dict(keys, values):
            return f"{{{', '.join(map(entry, keys, values))}}}", ATOM
        case ast.Lambda(arguments, body):
            names = ", ".join(parameters(arguments))
            return f"lambda {names}: {text(body)}".replace("lambda :", "lambda:"), 0
        case ast.ListComp(element, (each,)):
            clause = f"for {target_text(each.target)} in {within(each.iter, 2)}"
            return f"[{text(element)} {clause}]", ATOM
        case ast.GeneratorExp(element, (each,)):
            clause = f"for {target_text(each.target)} in {within(each.iter, 2)}"
            return f"({text(element)} {clause})", ATOM
        case _:
            raise AssertionError(f"no emitted program has a {type(node).__name__}")


def _binary(left: ast.expr, operator: ast.operator, right: ast.expr) -> tuple[str, int]:
    symbol, strength = BINARY[type(operator)]
    if strength < _POWER:
        return f"{within(left, strength)} {symbol} {within(right, strength + 1)}", strength
    space = "" if _is_simple(left) and _is_simple(right) else " "
    return f"{within(left, _POWER + 1)}{space}**{space}{within(right, 12)}", _POWER


def _is_simple(node: ast.expr) -> bool:
    """Say whether a power is written without spaces around its operator."""
    match node:
        case ast.Name() | ast.Constant(int() | float()):
            return True
        case ast.Attribute(value):
            return _is_simple(value) and not isinstance(value, ast.Constant)
        case ast.UnaryOp(ast.USub(), ast.Name() | ast.Constant()):
            return True
        case _:
            return False


def within(node: ast.expr, strength: int) -> str:
    """Return an expression, in parentheses if it binds less than what is around it."""
    inner, own = bound_text(node)
    bare_number = strength == ATOM and isinstance(node, ast.Constant) and inner[:1].isdigit()
    return f"({inner})" if own < strength or bare_number else inner


def _constant(value: object) -> str:
    shown = "..." if value is ... else repr(value)
    if isinstance(value, float):
        return shown.replace("e+", "e")
    quoted = isinstance(value, str) and shown[0] == "'" and '"' not in value
    return f'"{shown[1:-1]}"' if quoted else shown


def _index(node: ast.expr) -> str:
    match node:
        case ast.Tuple(items) if items:
            inner = ", ".join(map(_index, items))
            return f"{inner}," if len(items) == 1 else inner
        case ast.Slice(low, high, step):
            tail = "" if step is None else f":{text(step)}"
            return f"{text(low)}:{text(high)}{tail}"
        case _:
            return text(node)


def keyword_text(keyword: ast.keyword) -> str:
    value = text(keyword.value)
    return f"**{value}" if keyword.arg is None else f"{keyword.arg}={value}"


def entry(key: ast.expr | None, value: ast.expr) -> str:
    return f"**{text(value)}" if key is None else f"{text(key)}: {text(value)}"


def target_text(node: ast.expr) -> str:
    """Return what is assigned to; a tuple has no parentheses of its own."""
    if isinstance(node, ast.Tuple) and len(node.elts) > 1:
        return ", ".join(map(text, node.elts))
    return text(node)


def parameters(arguments: ast.arguments) -> list[str]:
    """Return the parameters of a function, each with its annotation and its default."""
    positional = arguments.args
    padding: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    parts = list(map(_parameter, positional, [*padding, *arguments.defaults]))
    if arguments.vararg is not None:
        parts.append(f"*{_parameter(arguments.vararg, None)}")
    elif arguments.kwonlyargs:
        parts.append("*")
    return parts + list(map(_parameter, arguments.kwonlyargs, arguments.kw_defaults))


def _parameter(argument: ast.arg, default: ast.expr | None) -> str:
    if argument.annotation is None:
        return argument.arg if default is None else f"{argument.arg}={text(default)}"
    typed = f"{argument.arg}: {text(argument.annotation)}"
    return typed if default is None else f"{typed} = {text(default)}"
