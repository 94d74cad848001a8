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
        needed = (one for one in self.signature.parameters if _is_required(one))
        return all(one.name in self.given for one in needed)

    @property
    def operands(self) -> tuple[ast.Expr, ...]:
        """The arguments in the order of the parameters, the variadic ones in their place."""
        found: list[ast.Expr] = []
        for parameter in self.signature.parameters:
            if parameter.variadic:
                found += self.rest
            elif parameter.name in self.given:
                found.append(self.given[parameter.name])
        return tuple(found)


def bind(
    function: Builtin, call: ast.Call, fits: Callable[[Bound], bool] = lambda bound: True
) -> Bound:
    """Return the arguments by parameter, for the first signature that they fit."""
    found = [_bind(function, signature, call) for signature in function.signatures]
    bound = [one for one in found if one is not None]
    rest = bound or [Bound(function, function.signatures[0], {}, call.arguments, {})]
    return next((one for one in bound if fits(one)), rest[0])


def _bind(function: Builtin, signature: ast.Signature, call: ast.Call) -> Bound | None:
    given: dict[str, ast.Expr] = {}
    rest: tuple[ast.Expr, ...] = ()
    positional = list(call.arguments)
    for parameter in signature.parameters:
        if parameter.variadic:
            rest, positional = tuple(positional), []
        elif positional:
            given[parameter.name] = positional.pop(0)
    if positional:
        return None
    typed = {one.name for one in signature.parameters if one.type or one.default is None}
    keywords = {one.name: one.value for one in call.keywords}
    given |= {name: value for name, value in keywords.items() if name in typed}
    options = {name: value for name, value in keywords.items() if name not in typed}
    required = {one.name for one in signature.parameters if one.required}
    if required - set(given):
        return None
    said = {name: value for name, value in given.items() if value != NONE}
    return Bound(function, signature, said, rest, options)


def _is_required(parameter: ast.Parameter) -> bool:
    return parameter.default is None and not parameter.variadic
