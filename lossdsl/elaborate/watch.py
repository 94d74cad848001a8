"""Arguments and inputs that must lie somewhere, marked for a debug build to look at.

A mark is an operation that changes nothing. Masks sink through it like through any other, so
what is masked is not held to anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lossdsl.core.graph import Apply, Const
from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.diagnostics.diagnostic import at as diagnostic_at
from lossdsl.elaborate.argument_requirements import (
    Requirement,
    advice,
    named,
    requirement_text,
    requirements,
)
from lossdsl.elaborate.context import Call, Context
from lossdsl.frozen import dataclass
from lossdsl.infer.arguments import Value
from lossdsl.inputs.declarations import Declared, range_of
from lossdsl.library.declare import Builtin, of_form
from lossdsl.library.function import is_own
from lossdsl.library.roles import ROLE_RANGES
from lossdsl.library.syntax_forms import Form
from lossdsl.source import Span
from lossdsl.types.types import ArrayType, kind


@dataclass(frozen=True, slots=True)
class Wrong:
    """The first of `count` wrong elements, or sums, of `size`: where it is, and its number."""

    number: float
    index: tuple[int, ...]
    count: int
    size: int


@dataclass(frozen=True, eq=False)
class Watched:
    """One argument of one call in the text, or an input with a role, and what it must be."""

    requirement: Requirement
    function: str | None
    span: Span

    def outside(self, wrong: Wrong) -> Diagnostic:
        """Return what is said of an element that is not what it must be."""
        place = f"element {list(wrong.index)}" if wrong.index else "it"
        text = requirement_text(self.function, self.requirement)
        help = advice(self.requirement, wrong.number)
        message = f"{text}; {place} is {wrong.number:g}"
        return self._diagnostic(self.requirement.code, message, wrong, help)

    def unequal(self, wrong: Wrong) -> Diagnostic:
        """Return what is said of probabilities that do not sum to 1."""
        axis = self.requirement.sums_along
        name = named(self.requirement, self.function)
        place = f" at {list(wrong.index)}" if wrong.index else ""
        message = f"{name} sums to 1 along axis {axis}; the sum{place} is {wrong.number:g}"
        help = "divide by the sum, or take the softmax of scores"
        return self._diagnostic("LD505", message, wrong, help)

    def _diagnostic(self, code: str, message: str, wrong: Wrong, help: str | None) -> Diagnostic:
        notes = (f"wrong in {wrong.count} of {wrong.size} places",) if wrong.size > 1 else ()
        return diagnostic_at(code, message, self.span, help=help, notes=notes)


def watched(call: Call) -> dict[str, Value]:
    """Return, by parameter, the marked arguments of a call; only a debug build has any.

    Calls in the definitions of lossdsl are not looked at: what they are given comes from a call
    that is.
    """
    if not call.context.debug or not call.context.concrete or is_own(call.span.source):
        return {}
    return dict(_marked(call))


def _marked(call: Call) -> Iterator[tuple[str, Value]]:
    for requirement in requirements(call.fitted):
        match call.bound.values[requirement.parameter]:
            case Value(Const()), _:
                pass
            case Value(Apply(Builtin(form=Form.WATCH))), _:
                pass
            case Value(node, ArrayType(dims=dims) as type), span if dims is not None:
                mark = Watched(requirement, call.function.name, span)
                new = _mark(call.context, mark, Value(node, type), type)
                yield requirement.parameter, call.at(span).value(new.node, type)
            case _:
                pass


def watched_inputs(
    context: Context, values: Mapping[str, Value], declared: Mapping[str, Declared]
) -> dict[str, Value]:
    """Return the inputs that are declared with a range, or a role that has one, marked."""
    marked: dict[str, Value] = {}
    for name, value in values.items():
        declaration, type = declared.get(name), value.type
        if declaration is None or not context.debug:
            continue
        if not isinstance(type, ArrayType) or kind(type.dtype) == "bool":
            continue
        where = range_of(declaration.type) or ROLE_RANGES.get(type.role or "")
        if where is not None:
            required = Requirement(name, where, signs=type.role == "signs")
            marked[name] = _mark(context, Watched(required, None, declaration.span), value, type)
    return marked


def _mark(context: Context, watched: Watched, value: Value, type: ArrayType) -> Value:
    context.graph.watched.append(watched)
    number = len(context.graph.watched) - 1
    node = context.graph.apply(of_form(Form.WATCH), [value.node], type, {"number": number})
    return Value(node, type)
