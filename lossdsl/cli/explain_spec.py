"""What a spec computes: its formula, its core function by function, what is rewritten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lossdsl.checking import check
from lossdsl.cli.asked import Asked
from lossdsl.cli.output import say
from lossdsl.cli.pages import WIDTH
from lossdsl.core.graph import Core
from lossdsl.core.show import show_core
from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.diagnostics.snippet import Line
from lossdsl.library.declare import Library
from lossdsl.source import Source
from lossdsl.spec.written import Written


def explain_spec(
    spec: Written, inputs: Mapping[str, str | Source], library: Library, asked: Asked
) -> tuple[Diagnostic, ...]:
    """Print what is asked of a right spec; return what is wrong with another."""
    result = check(spec, inputs, library)
    if result.program is not None:
        if asked.latex or not (asked.core or asked.rewrites):
            say(*_formula(spec, inputs, library, asked.latex))
        if asked.core:
            say([(show_core(result.program), "")])
        if asked.rewrites:
            say(*_rewrites(result.program))
    return result.diagnostics


def _formula(
    spec: Written, inputs: Mapping[str, str | Source], library: Library, as_latex: bool
) -> Iterator[Line]:
    # The printers read what no check needs.
    from lossdsl.formula.latex import aligned
    from lossdsl.formula.loss_formulas import spec_formulas

    formulas = spec_formulas(spec, inputs, library)
    if as_latex:
        equations = (equation for formula in formulas for equation in formula.equations)
        yield [(aligned(equations), "")]
    else:
        yield from ([(formula.unicode(WIDTH), "")] for formula in formulas)


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
