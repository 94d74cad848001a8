"""The list of functions and the page of one, derived from its one declaration."""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.cli.pages import HEAD, NAME, Page, missing, paragraph, section
from lossdsl.diagnostics.snippet import Line
from lossdsl.library import BUILTINS
from lossdsl.library.declare import Builtin


def function_list() -> Page:
    """Return all functions by family, each with its summary."""
    families: dict[str, list[Builtin]] = {}
    for name in BUILTINS:
        families.setdefault(BUILTINS[name].family, []).append(BUILTINS[name])
    lines: list[Line] = []
    for family in sorted(families):
        members = sorted(families[family], key=lambda function: function.name)
        width = max(len(function.name) for function in members)
        lines.append([(family, HEAD)])
        lines += [
            [(f"  {function.name:{width}}", NAME), (f"  {_summary(function)}", "")]
            for function in members
        ]
        lines.append([])
    lines.append([(f"{len(BUILTINS)} functions; `lossdsl functions NAME` shows one", "")])
    return Page(tuple(lines))


def _summary(function: Builtin) -> str:
    return function.about.get("summary", "").partition(". ")[0].rstrip(".")


def function_page(name: str) -> Page:
    """Return all that one function declares."""
    function = BUILTINS.get(name)
    if function is None:
        return missing("function", name, BUILTINS)
    return Page(tuple(_function(function)))


def _function(function: Builtin) -> Iterator[Line]:
    yield [(function.name, NAME), (f"  ({function.family})", "")]
    yield from paragraph(function.about.get("summary", ""))
    yield from section("Signature", _signatures(function))
    if function.is_loss:
        yield from section("Options", "reduce, axis, where, weight, normalize")
    elif function.reduction:
        more = ", weight" if function.weighted else ""
        more += ", normalize" if function.combine == "mean" else ""
        yield from section("Options", f"axis, keepdims, where{more}")
    for title, field in (
        ("Note", "note"),
        ("Example", "example"),
        ("Laws", "laws"),
        ("Source", "cite"),
    ):
        yield from section(title, function.about.get(field) or _laws(function, field))
    if function.definitions:
        body = "\n\n".join(definition.span.text for definition in function.definitions)
        yield from section("Definition", body)


def _laws(function: Builtin, field: str) -> str:
    return ", ".join(function.laws) if field == "laws" else ""


def _signatures(function: Builtin) -> str:
    if function.texts:
        return "\n".join(function.texts)
    return "\n".join(definition.signature.span.text.strip() for definition in function.definitions)
