"""What a spec computes, printed function by function."""

from __future__ import annotations

from collections.abc import Mapping

from lossdsl.checking import check
from lossdsl.cli.output import say
from lossdsl.core.show import show_core
from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.library.declare import Library
from lossdsl.source import Source


def explain_core(
    source: Source, inputs: Mapping[str, str | Source], library: Library
) -> tuple[Diagnostic, ...]:
    """Print the core of a right spec; return what is wrong with another."""
    result = check(source, inputs, library)
    if result.program is not None:
        say([(show_core(result.program), "")])
    return result.diagnostics
