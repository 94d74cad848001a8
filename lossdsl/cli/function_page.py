"""The page of one function, derived from its one declaration."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from textwrap import fill

from lossdsl.cli.function_facts import ExampleFacts, FunctionFacts, facts
from lossdsl.cli.output import PageFormat
from lossdsl.cli.pages import NAME, WIDTH, Page, paragraph, section
from lossdsl.diagnostics.snippet import Line
from lossdsl.formula.formulas import Formula, formulas
from lossdsl.library.declare import Builtin, Library
from lossdsl.syntax.format_nodes import format_parameter, format_returns


def with_values(
    function: Builtin, library: Library, equations: tuple[Formula, ...] | None = None
) -> FunctionFacts:
    """Return what is known of a function, with the values of its examples."""
    from lossdsl.cli.function_value import evaluated

    found = facts(function, library, equations)
    examples = tuple(evaluated(function, library, one.text) for one in found.examples)
    return found.model_copy(update={"examples": examples})


def formula_page(function: Builtin, library: Library, format: PageFormat, width: int) -> Page:
    """Return the formulas of a function and nothing else."""
    found = formulas(function, library)
    if not found:
        text = f"`{function.name}` has no formula but itself"
        return Page(([(text, "")],), found=False)
    texts = [
        line
        for one in found
        for line in (one.latex if format is PageFormat.latex else [one.unicode(width)])
    ]
    return Page(tuple([(line, "")] for text in texts for line in text.splitlines()))


def function_page(function: Builtin, library: Library, width: int = WIDTH) -> Page:
    """Return all that one function declares and that follows from it."""
    return Page(tuple(_function(function, library, width)))


def _function(function: Builtin, library: Library, width: int) -> Iterator[Line]:
    equations = formulas(function, library)
    found = with_values(function, library, equations)
    yield [(found.name, NAME), (f"  ({found.family})", "")]
    yield from paragraph(found.summary, width)
    yield from section("Signature", "\n".join(_signature(function, width)))
    yield from section("Formula", "\n".join(one.unicode(width - 2) for one in equations))
    yield from section("LaTeX", "\n".join(line for one in equations for line in one.latex), None)
    yield from section("Factors", _items(found.factors, width))
    yield from section("Options", _options(found, width))
    yield from section("Laws", _items((f"{x.name}: {x.meaning}" for x in found.laws), width))
    optional = {one.name for one in found.options}
    domain = {name: where for name, where in found.domain.items() if name not in optional}
    yield from section("Domain", "\n".join(f"{name} in {where}" for name, where in domain.items()))
    yield from section("Note", _items(found.notes, width))
    yield from section("Source", _items(found.sources, width))
    yield from section("Also known as", fill(", ".join(found.aliases), width - 2))
    unlike = (f"{name}: {text}" for name, text in function.unlike.items())
    yield from section("Near, but not the same", _items(unlike, width))
    for at, example in enumerate(found.examples):
        yield from section("Example" if at == 0 else "And", _example(example, width))
    yield from section("Definition", found.definition or "")
    yield []


def _items(texts: Iterable[str], width: int) -> str:
    return "\n".join(fill(text, width - 2, subsequent_indent="  ") for text in texts)


def _signature(function: Builtin, width: int) -> Iterator[str]:
    """Yield the signatures, with their parameters over several lines where they are long."""
    word = "loss " if function.is_loss else "def " if function.definitions else ""
    for signature in function.signatures:
        parameters = [format_parameter(one) for one in signature.parameters]
        returns = format_returns(signature)
        line = f"{word}{signature.name}({', '.join(parameters)}){returns}"
        if len(line) <= width - 2:
            yield line
        else:
            yield f"{word}{signature.name}("
            yield from _packed([f"{one}," for one in parameters[:-1]] + parameters[-1:], width - 6)
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


def _options(found: FunctionFacts, width: int) -> str:
    lines = [
        f"{one.name} = {one.default}" + (f", in {one.domain}" if one.domain else "")
        for one in found.options
    ]
    reduction = ", ".join(found.reduction)
    return _items([*lines, *([reduction] if reduction else [])], width)


def _example(example: ExampleFacts, width: int) -> str:
    if example.inputs is None:
        return example.text
    values = (f"{name} = {json.dumps(one)}" for name, one in example.inputs.items())
    value = f"value {json.dumps(example.value)}"
    return "\n".join([example.text, *(_items([one], width - 2) for one in values), value])
