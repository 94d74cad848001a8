"""Which argument of a call goes to which parameter of what is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lossdsl.library.declare import Builtin
from lossdsl.source import Source, Span
from lossdsl.syntax import ast

_NOWHERE = Span(Source(""), 0, 0)
NONE, TRUE = ast.Literal(None, _NOWHERE), ast.Literal(True, _NOWHERE)
FALSE = ast.Literal(False, _NOWHERE)
FIRST, LAST = ast.Literal(0, _NOWHERE), ast.Unary("-", ast.Literal(1, _NOWHERE), _NOWHERE)


@dataclass(frozen=True)
class Bound:
    """A call of a known function: its signature, and the arguments by parameter.

    `given` leaves out what was not said, `none`, and `options` by name what is no parameter.
    """

    function: Builtin
    signature: ast.Signature
    given: Mapping[str, ast.Expr]
    rest: tuple[ast.Expr, ...]
    options: Mapping[str, ast.Expr]

    def __getitem__(self, name: str) -> ast.Expr:
        return self.given[name]

    @property
    def complete(self) -> bool:
        """Whether the arguments fit the signature."""
        needed = (parameter for parameter in self.signature.parameters if _is_required(parameter))
        return all(parameter.name in self.given for parameter in needed)

    @property
    def operands(self) -> tuple[ast.Expr, ...]:
        """The arguments in the order of the parameters, the variadic ones in their place."""
        operands: list[ast.Expr] = []
        for parameter in self.signature.parameters:
            if parameter.variadic:
                operands += self.rest
            elif parameter.name in self.given:
                operands.append(self.given[parameter.name])
        return tuple(operands)


def bind(
    function: Builtin, call: ast.Call, fits: Callable[[Bound], bool] = lambda bound: True
) -> Bound:
    """Return the arguments by parameter, for the first signature that they fit."""
    bindings = [_bind(function, signature, call) for signature in function.signatures]
    bound = [binding for binding in bindings if binding is not None]
    rest = bound or [Bound(function, function.signatures[0], {}, call.arguments, {})]
    return next((binding for binding in bound if fits(binding)), rest[0])


def _bind(function: Builtin, signature: ast.Signature, call: ast.Call) -> Bound | None:
    arguments: dict[str, ast.Expr] = {}
    rest: tuple[ast.Expr, ...] = ()
    positional = list(call.arguments)
    for parameter in signature.parameters:
        if parameter.variadic:
            rest, positional = tuple(positional), []
        elif positional:
            arguments[parameter.name] = positional.pop(0)
    if positional:
        return None
    typed = {
        parameter.name
        for parameter in signature.parameters
        if parameter.type or parameter.default is None
    }
    keywords = {keyword.name: keyword.value for keyword in call.keywords}
    arguments |= {name: value for name, value in keywords.items() if name in typed}
    options = {name: value for name, value in keywords.items() if name not in typed}
    required = {parameter.name for parameter in signature.parameters if parameter.required}
    if required - set(arguments):
        return None
    present = {name: value for name, value in arguments.items() if value != NONE}
    return Bound(function, signature, present, rest, options)


def _is_required(parameter: ast.Parameter) -> bool:
    return parameter.default is None and not parameter.variadic
