"""Checking what `lossdsl check` is given: a spec, or a text of definitions only."""

from __future__ import annotations

from collections.abc import Mapping

from lossdsl.checking import check, check_library
from lossdsl.cli.files import read_source
from lossdsl.cli.output import OutputFormat, say, show
from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.library.declare import Library
from lossdsl.source import Source
from lossdsl.syntax.parse import parse_program

Diagnostics = tuple[Diagnostic, ...]


def check_text(
    text: str,
    inputs: Mapping[str, str | Source],
    library: Library | None,
    format: OutputFormat,
    strict: bool,
) -> Diagnostics:
    """Check a text of the command line; print what is found, if that is for a reader."""
    return _check(Source(text, "<expression>"), inputs, library, format, strict)


def check_file(
    name: str,
    key: str | None,
    inputs: Mapping[str, str | Source],
    library: Library | None,
    format: OutputFormat,
    strict: bool,
) -> Diagnostics:
    """Check the spec or the library in a file; print what is found, if that is for a reader."""
    source, written, diagnostics = read_source(name, key)
    if source is None:
        if format is OutputFormat.full:
            show(diagnostics)
        return diagnostics
    return _check(source, {**written, **inputs}, library, format, strict)


def _check(
    source: Source,
    inputs: Mapping[str, str | Source],
    library: Library | None,
    format: OutputFormat,
    strict: bool,
) -> Diagnostics:
    result = check(source, inputs, library, strict=strict)
    if not result.ok and _holds_definitions(source):
        return _check_library(source, library, format)
    if format is OutputFormat.full:
        show(result.diagnostics)
        if result.ok:
            say([(f"{source.name}: no errors", "bold green")])
            say(*([(f"  {name}: {kind}", "")] for name, kind in result.signature.items()))
    return result.diagnostics


def _holds_definitions(source: Source) -> bool:
    """Say whether a text, which is no right spec, is one of definitions only."""
    program, _ = parse_program(source, library=True)
    return program is not None and bool(program.statements)


def _check_library(source: Source, others: Library | None, format: OutputFormat) -> Diagnostics:
    """Check a text that holds definitions only: each name is new, and each body is right."""
    library, diagnostics = check_library(source, others)
    if library is None or diagnostics:
        if format is OutputFormat.full:
            show(diagnostics)
        return diagnostics
    if format is OutputFormat.full:
        say([(f"{source.name}: no errors", "bold green")])
        say([(f"  library of {', '.join(sorted(library))}", "")])
    return ()
