"""The commands and their options."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from lossdsl.cli.files import is_config, read_libraries, read_source, read_stdin
from lossdsl.cli.output import (
    CLEAN,
    ERRORS,
    USAGE,
    OutputFormat,
    PageFormat,
    exit_code,
    say,
    show,
)
from lossdsl.cli.pages import Page, code_page
from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.diagnostics.render import summary
from lossdsl.library.declare import Library
from lossdsl.source import Source

LIBRARY = typer.Option("--library", metavar="FILE", help="A `.loss` file of functions; repeatable.")
INPUT = typer.Option("-i", "--input", metavar="NAME=TYPE", help="Declare an input's type.")
KEY = typer.Option("--key", help="Where a config holds the spec: `loss`; dots descend.")


class OnceCommand(typer.core.TyperCommand):
    """A command that takes an option once, if it is none to repeat: of two the last would win."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse an option that is given twice, and parse the others."""
        order = self.make_parser(ctx).parse_args(args=list(args))[2]
        for option in order:
            if order.count(option) > 1 and not getattr(option, "multiple", True):
                ctx.fail(f"`{option.opts[-1]}` is given twice")
        return super().parse_args(ctx, args)


app = typer.Typer(
    help="Check, format and explain losses written as text.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(requested: bool) -> None:
    if requested:
        from lossdsl import __version__

        say([(f"lossdsl {__version__}", "")])
        raise typer.Exit


@app.callback()
def _options(  # pyright: ignore[reportUnusedFunction]
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    pass


@app.command(cls=OnceCommand)
def check(
    files: Annotated[
        list[str] | None,
        typer.Argument(help="`.loss` files; YAML, JSON or TOML with a spec; `-` is stdin."),
    ] = None,
    expression: Annotated[
        list[str] | None, typer.Option("-e", "--expression", help="A spec given as text.")
    ] = None,
    declared: Annotated[list[str] | None, INPUT] = None,
    key: Annotated[str | None, KEY] = None,
    libraries: Annotated[list[str] | None, LIBRARY] = None,
    output_format: Annotated[OutputFormat, typer.Option(case_sensitive=False)] = OutputFormat.full,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict", help="Inputs are declared, axes are named, and warnings are errors."
        ),
    ] = False,
) -> None:
    """Say what is wrong with a loss, and the types of its inputs if nothing is.

    Exit codes: 0 no errors, 1 errors, 2 a wrong command line, 3 a limit.
    """
    if not files and not expression:
        raise typer.BadParameter("give a file, or a text with `-e`")
    inputs = _declarations(declared)
    _hold_key(key, files or [])
    diagnostics: list[Diagnostic] = []
    library, wrong = read_libraries(libraries or [])
    if library is None:
        if output_format is OutputFormat.full:
            show(wrong)
        diagnostics += wrong
        expression = files = None
    for text in expression or []:
        diagnostics += _check(Source(text, "<expression>"), inputs, library, output_format, strict)
    for name in files or []:
        diagnostics += _check_file(name, key, inputs, library, output_format, strict)
    if output_format is not OutputFormat.full:
        show(diagnostics, output_format)
    elif diagnostics:
        say([(summary(diagnostics), "bold")], error=True)
    raise typer.Exit(exit_code(diagnostics))


def _hold_key(key: str | None, files: list[str]) -> None:
    if key is not None and not any(map(is_config, files)):
        raise typer.BadParameter("`--key` is of YAML, JSON and TOML, and none is given")


def _declarations(texts: list[str] | None) -> dict[str, str | Source]:
    inputs: dict[str, str | Source] = dict(map(_declaration, texts or []))
    if len(inputs) < len(texts or []):
        raise typer.BadParameter("an input is declared by two `-i`; keep one of them")
    return inputs


def _declaration(text: str) -> tuple[str, str]:
    name, equals, kind = text.partition("=")
    if not (equals and name.strip().isidentifier() and kind.strip()):
        raise typer.BadParameter(f"`{text}` is not NAME=TYPE, such as `out=f32[B, 10]`")
    return name.strip(), kind.strip()


def _check_file(
    name: str,
    key: str | None,
    inputs: Mapping[str, str | Source],
    library: Library | None,
    format: OutputFormat,
    strict: bool,
) -> tuple[Diagnostic, ...]:
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
) -> tuple[Diagnostic, ...]:
    from lossdsl.checking import check as check_spec
    from lossdsl.syntax.parse import parse_program

    definitions, _ = parse_program(source, library=True)
    if definitions is not None and definitions.statements:
        return _check_library(source, library, format)
    result = check_spec(source, inputs, library, strict=strict)
    if format is OutputFormat.full:
        show(result.diagnostics)
        if result.ok:
            say([(f"{source.name}: no errors", "bold green")])
            say(*([(f"  {name}: {kind}", "")] for name, kind in result.signature.items()))
    return result.diagnostics


def _check_library(
    source: Source, others: Library | None, format: OutputFormat
) -> tuple[Diagnostic, ...]:
    """Check a text that holds definitions only: each name is new, and each body is right."""
    from lossdsl.checking import check_library

    library, diagnostics = check_library(source, others)
    if library is None or diagnostics:
        if format is OutputFormat.full:
            show(diagnostics)
        return diagnostics
    if format is OutputFormat.full:
        say([(f"{source.name}: no errors", "bold green")])
        say([(f"  library of {', '.join(sorted(library))}", "")])
    return ()


@app.command(cls=OnceCommand)
def fmt(
    files: Annotated[list[str], typer.Argument(help="`.loss` files; `-` is stdin to stdout.")],
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit with 1 if a file would change.")
    ] = False,
) -> None:
    """Rewrite `.loss` files in the canonical form."""
    from lossdsl.api import format_source
    from lossdsl.cli.files import read_text, replace_text

    worst = CLEAN
    for name in files:
        source, diagnostics = (read_stdin(), ()) if name == "-" else read_text(Path(name))
        text = None
        if source is not None:
            text, diagnostics = format_source(source)
        if text is None or source is None:
            show(diagnostics, error=True)
            worst = max(worst, exit_code(diagnostics))
        elif check:
            if text != source.text:
                say([(f"would reformat {name}", "")], error=True)
                worst = max(worst, ERRORS)
        elif name == "-":
            sys.stdout.write(text)
        elif text != source.text:
            replace_text(Path(name), text)
            say([(f"reformatted {name}", "")], error=True)
    raise typer.Exit(worst)


@app.command(cls=OnceCommand)
def functions(
    names: Annotated[list[str] | None, typer.Argument(help="Functions, for their pages.")] = None,
    words: Annotated[
        str | None, typer.Option("--search", metavar="WORDS", help="Those that words describe.")
    ] = None,
    family: Annotated[str | None, typer.Option(help="Those of a family.")] = None,
    page_format: Annotated[
        PageFormat, typer.Option("--format", case_sensitive=False, help="Of a page.")
    ] = PageFormat.full,
    as_json: Annotated[bool, typer.Option("--json", help="The same as `--format json`.")] = False,
    libraries: Annotated[list[str] | None, LIBRARY] = None,
) -> None:
    """List or search the functions of the language, or show the pages of some."""
    from lossdsl.cli.functions import show_functions, show_pages

    if names and (words is not None or family is not None):
        raise typer.BadParameter("give names, or `--search` and `--family`")
    library, wrong = read_libraries(libraries or [])
    if library is None:
        show(wrong, error=True)
        raise typer.Exit(exit_code(wrong))
    page_format = PageFormat.json if as_json else page_format
    if names:
        raise typer.Exit(show_pages(names, library, page_format))
    raise typer.Exit(show_functions(library, words, family, page_format))


@app.command(cls=OnceCommand)
def explain(
    subject: Annotated[
        str | None, typer.Argument(help="A code, such as LD202; or a file, as `check` takes one.")
    ] = None,
    expression: Annotated[
        str | None, typer.Option("-e", "--expression", help="A spec given as text.")
    ] = None,
    declared: Annotated[list[str] | None, INPUT] = None,
    key: Annotated[str | None, KEY] = None,
    libraries: Annotated[list[str] | None, LIBRARY] = None,
    core: Annotated[
        bool, typer.Option("--core", help="Show what a spec computes, function by function.")
    ] = False,
) -> None:
    """Explain a diagnostic, with an example and the same mended, or what a spec computes."""
    from lossdsl.cli.core import explain_core

    if (subject is None) == (expression is None):
        raise typer.BadParameter("give a code, a file, or a text with `-e`")
    if subject is not None and not core:
        if declared or key or libraries:
            raise typer.BadParameter("`-i`, `--key` and `--library` are of a spec: add `--core`")
        _page(code_page(subject))
        return
    if not core:
        raise typer.BadParameter("what can be explained of a spec is its core: add `--core`")
    inputs = _declarations(declared)
    _hold_key(key, [] if subject is None else [subject])
    library, diagnostics = read_libraries(libraries or [])
    if library is not None:
        if expression is not None:
            source: Source | None = Source(expression, "<expression>")
        else:
            source, written, diagnostics = read_source(str(subject), key)
            inputs = {**written, **inputs}
        if source is not None:
            diagnostics = explain_core(source, inputs, library)
    show(diagnostics, error=True)
    raise typer.Exit(exit_code(diagnostics))


def _page(page: Page) -> None:
    say(*page.lines, error=not page.found)
    if not page.found:
        raise typer.Exit(USAGE)
