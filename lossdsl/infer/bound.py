"""The arguments of one call, by the parameters of a signature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lossdsl.infer.arguments import Argument, Written
from lossdsl.infer.axis_positions import AxisArgument
from lossdsl.library.declare import Builtin
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.syntax.options import LOSS_OPTIONS


@dataclass
class Bound:
    """The arguments of one call, by parameter.

    `values` holds what was computed, with its span; `axes` the axes, given or by default, and
    `axis` those of a loss or reduction; `options` its other options, and `constraints` what stays
    an expression.
    """

    function: Builtin
    signature: ast.Signature
    span: Span
    values: dict[str, tuple[Argument, Span]] = field(
        default_factory=dict[str, tuple[Argument, Span]]
    )
    variadic: list[tuple[Argument, Span]] = field(default_factory=list[tuple[Argument, Span]])
    axes: dict[str, AxisArgument] = field(default_factory=dict[str, AxisArgument])
    axis: AxisArgument | None = None
    constraints: dict[str, tuple[Written, ...]] = field(
        default_factory=dict[str, tuple[Written, ...]]
    )
    options: dict[str, Written] = field(default_factory=dict[str, Written])
    evaluate: Callable[[Written], Argument] = field(kw_only=True)

    def parameter(self, name: str) -> ast.Parameter:
        """Return the parameter of the signature that has this name."""
        return next(parameter for parameter in self.signature.parameters if parameter.name == name)

    def entries(self, parameter: ast.Parameter) -> Sequence[tuple[Argument, Span] | None]:
        """Return what a parameter is given: any number of arguments if it is variadic."""
        return self.variadic if parameter.variadic else [self.values.get(parameter.name)]

    def option(self, name: str) -> tuple[Argument, Span] | None:
        """Return the value of an option that is given, which is computed when it is first read.

        What the body of a definition says of an input goes before what an option reads of it.
        """
        written = self.options.get(name)
        return None if written is None else (self.evaluate(written), written.span)


def ordinary(signature: ast.Signature, function: Builtin) -> list[ast.Parameter]:
    """Return the parameters that a caller fills by position: not a loss's own options."""
    hidden = LOSS_OPTIONS if function.is_loss else ()
    return [parameter for parameter in signature.parameters if parameter.name not in hidden]


def options_of(function: Builtin, name: str) -> tuple[str, ...]:
    """Return the strings that a parameter may be in any of a function's signatures."""
    parameters = (
        parameter for signature in function.signatures for parameter in signature.parameters
    )
    types = (parameter.type for parameter in parameters if parameter.name == name)
    choices = (type.options for type in types if isinstance(type, ast.ChoiceTypeExpr))
    return tuple(dict.fromkeys(option for options in choices for option in options))


def show_signature(function: Builtin, signature: ast.Signature) -> str:
    """Return the parameters of a signature for a reader."""
    names = [
        f"*{parameter.name}"
        if parameter.variadic
        else parameter.name
        if parameter.required
        else f"{parameter.name}?"
        for parameter in ordinary(signature, function)
    ]
    options = [f"{name}?" for name in function.options]
    return f"{function.name}({', '.join([*names, *options])})"
