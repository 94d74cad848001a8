"""The arguments of one call, by the parameters of a signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lossdsl.infer.arguments import Argument, Written
from lossdsl.infer.axes import AxisArgument
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

    def option(self, name: str) -> tuple[Argument, Span] | None:
        """Return the value of an option that is given, which is computed when it is first read.

        What the body of a definition says of an input goes before what an option reads of it.
        """
        written = self.options.get(name)
        return None if written is None else (self.evaluate(written), written.span)


def ordinary(signature: ast.Signature, function: Builtin) -> list[ast.Parameter]:
    """Return the parameters that a caller fills by position: not a loss's own options."""
    hidden = LOSS_OPTIONS if function.is_loss else ()
    return [one for one in signature.parameters if one.name not in hidden]


def options_of(function: Builtin, name: str) -> tuple[str, ...]:
    """Return the strings that a parameter may be in any of a function's signatures."""
    parameters = (one for signature in function.signatures for one in signature.parameters)
    types = (one.type for one in parameters if one.name == name)
    choices = (type.options for type in types if isinstance(type, ast.ChoiceTypeExpr))
    return tuple(dict.fromkeys(option for options in choices for option in options))


def show_signature(function: Builtin, signature: ast.Signature) -> str:
    """Return the parameters of a signature for a reader."""
    names = [
        f"*{one.name}" if one.variadic else one.name if one.required else f"{one.name}?"
        for one in ordinary(signature, function)
    ]
    options = [f"{name}?" for name in function.options]
    return f"{function.name}({', '.join([*names, *options])})"
