"""The public functions over text: they raise what the stages below return."""

from __future__ import annotations

from lossdsl.diagnostics.diagnostic import Diagnostic, LossError
from lossdsl.inputs.given import text_of
from lossdsl.source import Source
from lossdsl.syntax.ast import Program
from lossdsl.syntax.format import format_program
from lossdsl.syntax.parse import parse_program


def parse(text: str) -> Program:
    """Return the abstract syntax tree of a spec; raise `LossError` if it does not parse.

    >>> parse("mse(out, tgt)").statements[0].value.function
    'mse'
    """
    program, diagnostics = parse_program(Source(text_of(text)))
    if program is None:
        raise LossError(diagnostics)
    return program


def format_source(source: Source, part: bool = False) -> tuple[str | None, tuple[Diagnostic, ...]]:
    """Return the canonical text of a spec, or a part of one, or of a library, or what is wrong."""
    program, diagnostics = parse_program(source, part=part)
    if program is None:
        program, _ = parse_program(source, library=True)
    return (None, diagnostics) if program is None else (format_program(program), ())


def format(text: str) -> str:
    """Return the canonical text of a spec or library; raise `LossError` if it does not parse.

    >>> format("mse( out,tgt )+1e-3 *l2sqr(params)")
    'mse(out, tgt) + 0.001 * l2sqr(params)\\n'
    """
    formatted, diagnostics = format_source(Source(text_of(text)))
    if formatted is None:
        raise LossError(diagnostics)
    return formatted
