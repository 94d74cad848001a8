"""The commands: each takes what its options say, prints, and returns the exit code."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from lossdsl.cli.command_line import Command, Option, Usage
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

if TYPE_CHECKING:
    from lossdsl.diagnostics.diagnostic import Diagnostic
    from lossdsl.source import Source

LIBRARY = Option("A `.loss` file of functions; repeatable.", "--library", metavar="FILE")
INPUT = Option("Declare an input's type.", "-i", "--input", metavar="NAME=TYPE")
KEY = Option("Where a config holds the spec: `loss`; dots descend.", "--key")
EXPRESSION = Option("A spec given as text.", "-e", "--expression")


def check(
    files: Annotated[
        list[str] | None,
        Option("`.loss` files; YAML, JSON or TOML with a spec; `-` is stdin."),
    ] = None,
    expression: Annotated[list[str] | None, EXPRESSION] = None,
    declared: Annotated[list[str] | None, INPUT] = None,
    key: Annotated[str | None, KEY] = None,
    libraries: Annotated[list[str] | None, LIBRARY] = None,
    output_format: Annotated[OutputFormat, Option("", "--output-format")] = OutputFormat.full,
    strict: Annotated[
        bool, Option("Inputs are declared, axes are named, and warnings are errors.", "--strict")
    ] = False,
) -> int:
    """Say what is wrong with a loss, and the types of its inputs if nothing is.

    Exit codes: 0 no errors, 1 errors, 2 a wrong command line, 3 a limit.
    """
    from lossdsl.cli.check_given import check_file, check_text
    from lossdsl.cli.files import read_libraries
    from lossdsl.diagnostics.render import summary

    if not files and not expression:
        raise Usage("give a file, or a text with `-e`")
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
        diagnostics += check_text(text, inputs, library, output_format, strict)
    for name in files or []:
        diagnostics += check_file(name, key, inputs, library, output_format, strict)
    if output_format is not OutputFormat.full:
        show(diagnostics, output_format)
    elif diagnostics:
        say([(summary(diagnostics), "bold")], error=True)
    return exit_code(diagnostics)


def _hold_key(key: str | None, files: list[str]) -> None:
    from lossdsl.cli.files import is_config

    if key is not None and not any(map(is_config, files)):
        raise Usage("`--key` is of YAML, JSON and TOML, and none is given")


def _declarations(texts: list[str] | None) -> dict[str, str | Source]:
    inputs: dict[str, str | Source] = dict(map(_declaration, texts or []))
    if len(inputs) < len(texts or []):
        raise Usage("an input is declared by two `-i`; keep one of them")
    return inputs


def _declaration(text: str) -> tuple[str, str]:
    name, equals, kind = text.partition("=")
    if not (equals and name.strip().isidentifier() and kind.strip()):
        raise Usage(f"`{text}` is not NAME=TYPE, such as `out=f32[B, 10]`")
    return name.strip(), kind.strip()


def fmt(
    files: Annotated[list[str], Option("`.loss` files; `-` is stdin to stdout.")],
    check: Annotated[
        bool, Option("Change nothing; exit with 1 if a file would change.", "--check")
    ] = False,
) -> int:
    """Rewrite `.loss` files in the canonical form."""
    from pathlib import Path

    from lossdsl.api import format_source
    from lossdsl.cli.files import read_stdin, read_text, replace_text

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
    return worst


def functions(
    names: Annotated[list[str] | None, Option("Functions, for their pages.")] = None,
    words: Annotated[
        str | None, Option("Those that words describe.", "--search", metavar="WORDS")
    ] = None,
    family: Annotated[str | None, Option("Those of a family.", "--family")] = None,
    page_format: Annotated[PageFormat, Option("Of a page.", "--format")] = PageFormat.full,
    as_json: Annotated[bool, Option("The same as `--format json`.", "--json")] = False,
    libraries: Annotated[list[str] | None, LIBRARY] = None,
) -> int:
    """List or search the functions of the language, or show the pages of some."""
    from lossdsl.cli.files import read_libraries
    from lossdsl.cli.functions import show_functions, show_pages

    if names and (words is not None or family is not None):
        raise Usage("give names, or `--search` and `--family`")
    library, wrong = read_libraries(libraries or [])
    if library is None:
        show(wrong, error=True)
        return exit_code(wrong)
    page_format = PageFormat.json if as_json else page_format
    if names:
        return show_pages(names, library, page_format)
    return show_functions(library, words, family, page_format)


def explain(
    subject: Annotated[
        str | None, Option("A code, such as LD202; or a file, as `check` takes one.")
    ] = None,
    expression: Annotated[str | None, EXPRESSION] = None,
    declared: Annotated[list[str] | None, INPUT] = None,
    key: Annotated[str | None, KEY] = None,
    libraries: Annotated[list[str] | None, LIBRARY] = None,
    core: Annotated[
        bool, Option("Show what a spec computes, function by function.", "--core")
    ] = False,
    rewrites: Annotated[
        bool, Option("Show what is computed otherwise than it is written.", "--rewrites")
    ] = False,
) -> int:
    """Explain a diagnostic, with an example and the same mended, or what a spec computes."""
    if (subject is None) == (expression is None):
        raise Usage("give a code, a file, or a text with `-e`")
    if subject is not None and not (core or rewrites):
        if declared or key or libraries:
            raise Usage("`-i`, `--key` and `--library` are of a spec: add `--core` or `--rewrites`")
        return _explain_code(subject)
    if not (core or rewrites):
        raise Usage("what is there to explain of a spec? add `--core` or `--rewrites`")
    inputs = _declarations(declared)
    _hold_key(key, [] if subject is None else [subject])
    asked = (core, rewrites)
    diagnostics = _explain_spec(subject, expression, inputs, key, libraries, asked)
    show(diagnostics, error=True)
    return exit_code(diagnostics)


def _explain_spec(
    file: str | None,
    expression: str | None,
    inputs: Mapping[str, str | Source],
    key: str | None,
    libraries: list[str] | None,
    asked: tuple[bool, bool],
) -> tuple[Diagnostic, ...]:
    from lossdsl.cli.core import explain_core
    from lossdsl.cli.files import read_libraries, read_source
    from lossdsl.source import Source

    library, diagnostics = read_libraries(libraries or [])
    if library is None:
        return diagnostics
    if expression is not None:
        return explain_core(Source(expression, "<expression>"), inputs, library, *asked)
    source, written, diagnostics = read_source(str(file), key)
    if source is None:
        return diagnostics
    return explain_core(source, {**written, **inputs}, library, *asked)


def _explain_code(name: str) -> int:
    from lossdsl.cli.pages import code_page

    page = code_page(name)
    say(*page.lines, error=not page.found)
    return CLEAN if page.found else USAGE


COMMANDS: Mapping[str, Command] = {
    command.__name__: command for command in (check, fmt, functions, explain)
}
