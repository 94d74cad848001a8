"""LD450: arguments that look exchanged.

The name of an argument says what it is: a prediction or a target, or it is the name of another
parameter. A function that is not symmetric gives another number, often a plausible one.

Inputs
  target: f32[B]
  pred: f32[B]

Wrong
  pinball(target, pred, 0.9)

Right
  pinball(pred, target, 0.9)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.elaborate.context import Call
from lossdsl.frozen import dataclass
from lossdsl.infer.arguments import Value
from lossdsl.library.function import is_own
from lossdsl.library.role_names import side_of_name
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.types.types import ArrayType

_SIDE_OF_ROLE = {"logits": "prediction", "labels": "target", "one_hot": "target"}


@dataclass(frozen=True, slots=True)
class _Given:
    """A parameter with the name that its argument has in the text."""

    parameter: ast.Parameter
    name: str
    span: Span
    is_number: bool

    @property
    def role(self) -> str | None:
        pattern = self.parameter.type
        return pattern.role if isinstance(pattern, ast.ArrayTypeExpr) else None

    @property
    def side(self) -> str | None:
        """Whether the parameter is for a prediction or a target."""
        return _SIDE_OF_ROLE.get(self.role or "") or side_of_name(self.parameter.name)


def hold_names(call: Call) -> None:
    """Report two arguments that look exchanged; a lint of the text."""
    if call.context.concrete or is_own(call.span.source) or "symmetric" in call.function.laws:
        return
    for exchanged in _exchanged(call, list(_given(call))):
        call.scope.report(exchanged)
        return


def _given(call: Call) -> Iterator[_Given]:
    for parameter in call.signature.parameters:
        value, span = call.bound.values.get(parameter.name, (None, call.span))
        name = re.match(r"[A-Za-z_]\w*(?=$|\[)", span.text)
        if isinstance(value, Value) and name is not None and not is_own(span.source):
            number = isinstance(value.type, ArrayType) and value.type.dims == ()
            yield _Given(parameter, name[0], span, number)


def _exchanged(call: Call, given: list[_Given]) -> Iterator[Diagnostic]:
    for first, second in combinations(given, 2):
        taken = (first.side, second.side)
        named = (side_of_name(first.name), side_of_name(second.name))
        sides = None not in taken and taken[0] != taken[1] and named == taken[::-1]
        if not sides and not _are_each_others(call, first, second):
            continue
        if _stand_otherwise(call, first, second):
            continue
        name = call.function.name
        message = (
            f"`{first.name}` is given for `{first.parameter.name}` of `{name}`, and "
            f"`{second.name}` for `{second.parameter.name}`"
        )
        help = f"they look exchanged: `{name}` takes {_listed(call.signature)}"
        yield at("LD450", message, first.span, help=help)


def _are_each_others(call: Call, first: _Given, second: _Given) -> bool:
    """Say whether each has the name of the other's parameter, of which only one order is meant.

    A function of the text may be called in both orders, as a sum of both directions is, and a
    divergence of two distributions be turned round.
    """
    if (first.name, second.name) != (second.parameter.name, first.parameter.name):
        return False
    own = is_own(call.signature.span.source) and min(len(first.name), len(second.name)) > 2
    return own or first.role != second.role or (first.is_number and second.is_number)


def _stand_otherwise(call: Call, first: _Given, second: _Given) -> bool:
    """Say whether the text calls the function with the two in the other order as well."""
    text = re.sub(r"\s", "", call.span.source.text)
    return f"{call.function.name}({second.name},{first.name}" in text


def _listed(signature: ast.Signature) -> str:
    names = [f"`{parameter.name}`" for parameter in signature.parameters if parameter.required]
    return ", ".join(names)
