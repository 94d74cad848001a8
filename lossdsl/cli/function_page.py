"""The page of one function, derived from its one declaration."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from textwrap import fill
from typing import TYPE_CHECKING

from lossdsl.cli.output import PageFormat
from lossdsl.cli.pages import NAME, WIDTH, Page, paragraph, section
from lossdsl.diagnostics.snippet import Line
from lossdsl.formula.formulas import Formula, formulas
from lossdsl.library.declare import Builtin, Library
from lossdsl.syntax.format_nodes import format_parameter, format_returns

if TYPE_CHECKING:
    from lossdsl.cli.function_facts import ExampleFacts, FunctionFacts


def with_values(
    function: Builtin, library: Library, equations: tuple[Formula, ...] | None = None
) -> FunctionFacts:
    """Return what is known of a function, with the values of its examples."""
    from lossdsl.cli.function_facts import facts
    from lossdsl.cli.function_value import evaluated

    known = facts(function, library, equations)
    examples = tuple(evaluated(function, library, example.text) for example in known.examples)
    return known.model_copy(update={"examples": examples})


def formula_page(function: Builtin, library: Library, format: PageFormat, width: int) -> Page:
    """Return the formulas of a function and nothing else."""
    equations = formulas(function, library)
    if not equations:
        text = f"`{function.name}` has no formula but itself"
        return Page(([(text, "")],), found=False)
    texts = [
        line
        for equation in equations
        for line in (equation.latex if format is PageFormat.latex else [equation.unicode(width)])
    ]
    return Page(tuple([(line, "")] for text in texts for line in text.splitlines()))


def function_page(function: Builtin, library: Library, width: int = WIDTH) -> Page:
    """Return all that one function declares and that follows from it."""
    return Page(tuple(_function(function, library, width)))


def _function(function: Builtin, library: Library, width: int) -> Iterator[Line]:
    equations = formulas(function, library)
    known = with_values(function, library, equations)
    yield [(known.name, NAME), (f"  ({known.family})", "")]
    yield from paragraph(known.summary, width)
    yield from section("Signature", "\n".join(_signature(function, width)))
    yield from section("Formula", "\n".join(equation.unicode(width - 2) for equation in equations))
    yield from section(
        "LaTeX", "\n".join(line for equation in equations for line in equation.latex), None
    )
    yield from section("Factors", _items(known.factors, width))
    yield from section("Options", _options(known, width))
    yield from section("Laws", _items((f"{x.name}: {x.meaning}" for x in known.laws), width))
    optional = {option.name for option in known.options}
    domain = {name: where for name, where in known.domain.items() if name not in optional}
    yield from section("Domain", "\n".join(f"{name} in {where}" for name, where in domain.items()))
    yield from section("Note", _items(known.notes, width))
    yield from section("Source", _items(known.sources, width))
    yield from section("Also known as", fill(", ".join(known.aliases), width - 2))
    unlike = (f"{name}: {text}" for name, text in function.unlike.items())
    yield from section("Near, but not the same", _items(unlike, width))
    for at, example in enumerate(known.examples):
        yield from section("Example" if at == 0 else "And", _example(example, width))
    yield from section("Definition", known.definition or "")
    yield []


def _items(texts: Iterable[str], width: int) -> str:
    return "\n".join(fill(text, width - 2, subsequent_indent="  ") for text in texts)


def _signature(function: Builtin, width: int) -> Iterator[str]:
    """Yield the signatures, with their parameters over several lines where they are long."""
    word = "loss " if function.is_loss else "def " if function.definitions else ""
    for signature in function.signatures:
        parameters = [format_parameter(parameter) for parameter in signature.parameters]
        returns = format_returns(signature)
        line = f"{word}{signature.name}({', '.join(parameters)}){returns}"
        if len(line) <= width - 2:
            yield line
        else:
            yield f"{word}{signature.name}("
            yield from _packed(
                [f"{parameter}," for parameter in parameters[:-1]] + parameters[-1:], width - 6
            )
            yield f"){returns}"


def _packed(parts: Iterable[str], width: int) -> Iterator[str]:
    line = ""
    for part in parts:
        if line and len(line) + 1 + len(part) > width:
            yield f"    {line}"
            line = part
        else:
            line = f"{line} {part}".strip()
    yield f"    {line}"


def _options(known: FunctionFacts, width: int) -> str:
    lines = [
        f"{option.name} = {option.default}" + (f", in {option.domain}" if option.domain else "")
        for option in known.options
    ]
    reduction = ", ".join(known.reduction)
    return _items([*lines, *([reduction] if reduction else [])], width)


def _example(example: ExampleFacts, width: int) -> str:
    if example.inputs is None:
        return example.text
    values = (f"{name} = {json.dumps(value)}" for name, value in example.inputs.items())
    value = f"value {json.dumps(example.value)}"
    return "\n".join([example.text, *(_items([line], width - 2) for line in values), value])
