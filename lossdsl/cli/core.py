"""What a spec computes, printed function by function, and what is computed otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lossdsl.checking import check
from lossdsl.cli.output import say
from lossdsl.core.graph import Core
from lossdsl.core.show import show_core
from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.diagnostics.snippet import Line
from lossdsl.library.declare import Library
from lossdsl.source import Source
from lossdsl.spec.written import Written


def explain_core(
    spec: Written,
    inputs: Mapping[str, str | Source],
    library: Library,
    core: bool = True,
    rewrites: bool = False,
) -> tuple[Diagnostic, ...]:
    """Print the core of a right spec and the rules that fire; return what is wrong with another."""
    result = check(spec, inputs, library)
    if result.program is not None:
        if core:
            say([(show_core(result.program), "")])
        if rewrites:
            say(*_rewrites(result.program))
    return result.diagnostics


def _rewrites(core: Core) -> Iterator[Line]:
    # The rules read what no check needs.
    from lossdsl.optimize.shown import rewrites

    fired = rewrites(core)
    if not fired:
        yield [("what is written is what is computed", "")]
    for rewrite in fired:
        line, column = rewrite.span.source.position(rewrite.span.start)
        place = f"{rewrite.span.source.name}:{line}:{column}: "
        yield [(place, ""), (f"`{rewrite.before}` is computed as `{rewrite.after}`", "bold")]
        yield [(f"    as it is written, f32 loses it at {rewrite.at}: {rewrite.why}", "")]
