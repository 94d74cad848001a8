"""Specs of files and texts written out as Python that runs without lossdsl."""

from __future__ import annotations

from collections.abc import Mapping

from lossdsl.cli.files import write_text
from lossdsl.cli.output import say
from lossdsl.diagnostics.diagnostic import Diagnostic, LossError
from lossdsl.library.declare import Library
from lossdsl.source import Source
from lossdsl.spec.written import Written


def write_out(
    spec: Written, inputs: Mapping[str, str | Source], library: Library, output: str | None
) -> tuple[Diagnostic, ...]:
    """Write a spec as a file of Python, or print it; return what keeps it from being written."""
    # The checks of the other commands need no JAX.
    from lossdsl.compilation import emit

    try:
        text = emit(spec, inputs, library)
    except LossError as error:
        return error.diagnostics
    if output is not None:
        return write_text(output, text)
    say([(text.rstrip("\n"), "")])
    return ()
