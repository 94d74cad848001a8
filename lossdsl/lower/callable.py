"""The public callables: generated functions with the spec's names around jitted ones."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import jax

from lossdsl.diagnostics.diagnostic import Diagnostic, LossError, at
from lossdsl.inputs.declarations import range_of
from lossdsl.library.domains import Interval
from lossdsl.library.suggest import did_you_mean
from lossdsl.lower.apart import apart
from lossdsl.lower.array_arguments import argument_problem, host_arrays, placement_problem
from lossdsl.lower.passed_values import only_fields, without_unread
from lossdsl.lower.scalars import hold_range, omitted, scalar_class, strong_scalar
from lossdsl.lower.symbolic import open_size_problem
from lossdsl.syntax import ast
from lossdsl.syntax.options import CONSTANTS

MISSING = object()


@dataclass(frozen=True, slots=True)
class Slot:
    """One input of a callable; `scalar` is the class that a scalar given for it becomes."""

    name: str
    scalar: str | None
    default: int | float | bool | None = None
    range: Interval | None = None
    record: ast.RecordTypeExpr | None = None


def slot(name: str, type: ast.TypeExpr | None, default: ast.Literal | None) -> Slot:
    """Return the slot of an input: arrays and trees pass as they are, scalars are converted."""
    record = type if isinstance(type, ast.RecordTypeExpr) else None
    value = None if default is None else default.value
    return Slot(name, scalar_class(type), value, range_of(type), record)


def jitted(names: Sequence[str], run: Callable[[dict[str, Any]], Any], name: str) -> Any:
    """Return the jit of a function of a dict, under a signature that names the inputs.

    So the program that XLA sees has the names that one written by hand has.
    """
    own = _mark(names)
    entries = ", ".join(f"{input_name!r}: {input_name}" for input_name in names)
    source = f"def {name}({', '.join(names)}):\n    return {own}run({{{entries}}})\n"
    return jax.jit(_executed(source, name, {f"{own}run": apart(run)}))


def make_callable(
    slots: Sequence[Slot], fn: Callable[..., Any], name: str, doc: str
) -> Callable[..., Any]:
    """Generate a keyword-only function that passes every input, defaults included, to `fn`.

    A Python, NumPy or weakly typed scalar becomes a strong array of its declared class, so that
    it is one compilation whatever the caller writes.
    """
    names = [slot.name for slot in slots]
    own = _mark(names)
    scope: dict[str, Any] = {
        "fn": fn,
        "missing": MISSING,
        "scalar": strong_scalar,
        "fields": only_fields,
        "host": host_arrays,
        "within": hold_range,
        "problems": Exception,
        "again": again,
        "explain": explain,
        "refuse": lambda *call: refuse(names, *call),
    }
    parameters: list[str] = []
    passed: list[str] = []
    for at_, slot in enumerate(slots):
        scope |= {
            f"class{at_}": slot.scalar,
            f"type{at_}": slot.record,
            f"range{at_}": slot.range,
            f"default{at_}": slot.default,
        }
        value = slot.name
        if slot.scalar is not None:
            value = f"{own}scalar({slot.name}, {own}class{at_}, {slot.name!r})"
        elif slot.record is not None:
            value = f"{own}fields({slot.name}, {own}type{at_}, {slot.name!r})"
        else:
            value = f"{own}host({slot.name}, {slot.name!r})"
        if slot.range is not None:
            value = f"{own}within({value}, {own}range{at_}, {slot.name!r})"
        if slot.default is None:
            parameters.append(f"{slot.name}={own}missing")
        else:
            scope[f"omitted{at_}"] = omitted(slot.default, slot.scalar or "float", slot.name)
            parameters.append(f"{slot.name}={own}default{at_}")
            value = f"{own}omitted{at_}() if {slot.name} is {own}default{at_} else {value}"
        passed.append(value)
    required = [slot.name for slot in slots if slot.default is None]
    wrong = [
        f"{own}extra",
        f"{own}positional",
        *(f"{input_name} is {own}missing" for input_name in required),
    ]
    entries = ", ".join(f"{input_name!r}: {input_name}" for input_name in names)
    source = (
        f"def {name}(*{', '.join([f'{own}positional', *parameters])}, **{own}extra):\n"
        f"    if {' or '.join(wrong)}:\n"
        f"        {own}refuse({own}positional, {{{entries}}}, {own}extra)\n"
        f"    try:\n"
        f"        return {own}fn({', '.join(passed)})\n"
        f"    except {own}problems as {own}raised:\n"
        f"        if not isinstance({own}raised, TypeError):\n"
        f"            {own}explain({own}raised, {{{entries}}})\n"
        f"        return {own}again({own}raised, {own}fn,"
        f" lambda: [{', '.join(passed)}], {{{entries}}})\n"
    )
    function = _executed(source, name, {f"{own}{word}": value for word, value in scope.items()})
    function.__doc__ = doc
    function.__signature__ = _signature(slots)
    return function


def _mark(names: Sequence[str]) -> str:
    """Return a prefix that none of the names has."""
    return "_" * (1 + max((len(name) - len(name.lstrip("_")) for name in names), default=0))


def _executed(source: str, name: str, scope: dict[str, Any]) -> Any:
    # What is executed holds no text of the spec but its names, which are identifiers.
    exec(compile(source, f"<lossdsl {name}>", "exec"), scope)
    return scope[name]


def _signature(slots: Sequence[Slot]) -> inspect.Signature:
    return inspect.Signature(
        [
            inspect.Parameter(
                slot.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if slot.default is None else slot.default,
            )
            for slot in slots
        ]
    )


def again(
    problem: Exception,
    fn: Callable[..., Any],
    passed: Callable[[], Sequence[Any]],
    inputs: Mapping[str, Any],
) -> Any:
    """Call without the leaves that JAX cannot take, if that is what the problem was, or raise it.

    So a model is passed as it is, with its activations; whether one of these is read, the checker
    says.
    """
    if isinstance(problem, TypeError):
        try:
            before = passed()
            trees = tuple(map(without_unread, before))
            if any(tree is not value for tree, value in zip(trees, before, strict=True)):
                inputs = {name: without_unread(value) for name, value in inputs.items()}
                return fn(*trees)
        except Exception as other:
            problem = other
    explain(problem, inputs)


def explain(problem: Exception, inputs: Mapping[str, Any]) -> NoReturn:
    """Raise what the checker found at trace time, or what keeps JAX from taking the inputs.

    The error is raised anew, so that its traceback ends at the call and not inside JAX.
    """
    if isinstance(problem, LossError):
        raise LossError(problem.diagnostics) from problem.__cause__
    diagnostic = argument_problem(inputs) or placement_problem(inputs, problem)
    diagnostic = diagnostic or open_size_problem(problem)
    if diagnostic is None:
        raise problem
    raise LossError([diagnostic]) from None


def refuse(
    names: Sequence[str],
    positional: tuple[Any, ...],
    inputs: Mapping[str, Any],
    extra: Mapping[str, Any],
) -> NoReturn:
    """Raise for inputs that are missing, not known, or passed by position."""
    diagnostics: list[Diagnostic] = []
    listed = ", ".join(f"{name}=…" for name in names)
    if positional:
        message = f"inputs are passed by name; {len(positional)} came by position"
        diagnostics.append(at("LD111", message, None, help=f"`loss({listed})`"))
    for name in extra:
        meant = did_you_mean(name, names) or f"its inputs: {listed}"
        if name in CONSTANTS:
            meant = f"`{name}` is a number unless an input of this name is declared; {meant}"
        diagnostics.append(at("LD111", f"the loss has no input `{name}`", None, help=meant))
    for name, value in inputs.items():
        if value is MISSING and not positional:
            message = f"the input `{name}` is missing"
            diagnostics.append(at("LD110", message, None, help=f"`loss({listed})`"))
    raise LossError(diagnostics)
