"""The commands: each takes what its options say, prints, and returns the exit code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from lossdsl.cli.asked import Asked
from lossdsl.cli.command_line import Command, Option, Usage
from lossdsl.cli.output import (
    CLEAN,
    USAGE,
    DiffFormat,
    OutputFormat,
    PageFormat,
    exit_code,
    say,
    show,
)
from lossdsl.cli.shared_options import (
    EXCLUDE,
    EXPRESSION,
    FILES,
    INPUT,
    KEY,
    KEYS,
    LIBRARY,
    MISSING_OK,
    PARAMS,
    STDIN,
    allowed_codes,
    declarations,
    hold_key,
    hold_line,
    parameters,
    project_libraries,
)


def check(
    files: Annotated[
        list[str] | None, Option("`.loss` files; YAML, JSON or TOML with specs; " + FILES)
    ] = None,
    expression: Annotated[list[str] | None, EXPRESSION] = None,
    declared: Annotated[list[str] | None, INPUT] = None,
    keys: Annotated[list[str] | None, KEYS] = None,
    exclude: Annotated[list[str] | None, EXCLUDE] = None,
    missing_ok: Annotated[bool, MISSING_OK] = False,
    stdin: Annotated[str | None, STDIN] = None,
    libraries: Annotated[list[str] | None, LIBRARY] = None,
    params: Annotated[list[str] | None, PARAMS] = None,
    output_format: Annotated[OutputFormat, Option("", "--output-format")] = OutputFormat.full,
    strict: Annotated[
        bool | None,
        Option(
            "Inputs are declared, axes are named, and warnings are errors.",
            "--strict",
            "--no-strict",
        ),
    ] = None,
    allow: Annotated[
        list[str] | None, Option("Leave out a warning; repeatable.", "--allow", metavar="CODE")
    ] = None,
    fix: Annotated[
        bool, Option("Rewrite files where a finding says how, and check what is left.", "--fix")
    ] = False,
) -> int:
    """Say what is wrong with losses, and the types of the inputs of each if nothing is.

    Without files and texts the `files` of `tool.lossdsl` in pyproject.toml are checked.
    Exit codes: 0 no errors, 1 errors, 2 a wrong command line, 3 a limit.
    """
    from lossdsl.cli.check_given import (
        Tally,
        Wanted,
        check_files,
        check_text,
        unread_trees,
    )
    from lossdsl.cli.gather import gather
    from lossdsl.cli.project import find_project
    from lossdsl.diagnostics.render import summary

    inputs, allowed = declarations(declared), allowed_codes(allow)
    project = find_project()
    names = files or ([] if expression else project.paths("files"))
    if not names and not expression and not project.diagnostics:
        raise Usage("give a file, a directory, a pattern, or a text with `-e`")
    gathered = gather(names, exclude if exclude is not None else project.paths("exclude"))
    hold_line(gathered, keys, exclude, stdin)
    if fix and (expression or any(target.name == "-" for target in gathered.targets)):
        raise Usage("`--fix` rewrites files: a text and stdin are none")
    library, wrong = None, project.diagnostics
    if not wrong:
        library, wrong = project_libraries(libraries, project)
    trees, unknown = parameters(params if library is not None else None)
    wrong += unknown
    wanted = Wanted(
        inputs,
        library,
        output_format,
        project.strict if strict is None else strict,
        allowed if allow is not None else frozenset(project.codes("allow")),
        tuple(dict.fromkeys(keys or project.texts("keys"))),
        tuple(keys or ([] if files else project.texts("keys"))),
        missing_ok,
        fix,
        trees,
    )
    tally = Tally(wrong)
    wanted.show(tally.diagnostics)
    if library is not None and not unknown:
        for text in expression or []:
            tally += check_text(text, wanted)
        tally += check_files(gathered, wanted, stdin or "<stdin>")
        tally += unread_trees(tally, wanted)
    if output_format is not OutputFormat.full:
        show(tally.diagnostics, output_format)
        return exit_code(tally.diagnostics)
    counted = library is not None and (gathered.searches or missing_ok)
    if tally.diagnostics or counted:
        text = summary(tally.diagnostics) + (f"; {tally}" if counted else "")
        say([(text, "bold")], error=True)
    return exit_code(tally.diagnostics)


def fmt(
    files: Annotated[
        list[str] | None, Option("`.loss` files; YAML, JSON or TOML with specs; " + FILES)
    ] = None,
    check: Annotated[
        bool, Option("Change nothing; exit with 1 if a file would change.", "--check")
    ] = False,
    diff: Annotated[
        bool, Option("Change nothing; print what would change, and exit as `--check`.", "--diff")
    ] = False,
    keys: Annotated[list[str] | None, KEYS] = None,
    exclude: Annotated[list[str] | None, EXCLUDE] = None,
    missing_ok: Annotated[bool, MISSING_OK] = False,
    stdin: Annotated[str | None, STDIN] = None,
) -> int:
    """Rewrite losses in the canonical form, and nothing else of the files that hold them.

    Without files the `files` of `tool.lossdsl` in pyproject.toml are formatted.
    """
    from lossdsl.cli.gather import gather
    from lossdsl.cli.project import find_project
    from lossdsl.cli.reformat import Rewriting, rewrite

    project = find_project()
    if project.diagnostics:
        show(project.diagnostics, error=True)
        return exit_code(project.diagnostics)
    names = files or project.paths("files")
    if not names:
        raise Usage("give a file, a directory or a pattern")
    gathered = gather(names, exclude if exclude is not None else project.paths("exclude"))
    hold_line(gathered, keys, exclude, stdin)
    looked_up = tuple(keys or project.texts("keys") or ["loss"])
    wanted = Rewriting(looked_up, missing_ok, check, diff, stdin or "<stdin>")
    return rewrite(gathered, wanted)


def diff(
    files: Annotated[
        list[str] | None, Option("Two files, or one with two `--key`; `-` is stdin.")
    ] = None,
    expression: Annotated[list[str] | None, EXPRESSION] = None,
    declared: Annotated[list[str] | None, INPUT] = None,
    keys: Annotated[
        list[str] | None, Option("Where the specs stand; one for both, or one for each.", "--key")
    ] = None,
    stdin: Annotated[str | None, STDIN] = None,
    libraries: Annotated[list[str] | None, LIBRARY] = None,
    output_format: Annotated[DiffFormat, Option("", "--output-format")] = DiffFormat.full,
) -> int:
    """Say what differs between two losses in what they mean: inputs, terms, weights, metrics.

    Exit codes: 0 they are equal, 1 they differ, 2 one is wrong or not there, 3 a limit.
    """
    from lossdsl.cli.compare import Side, compare

    names, own = list(files or []), list(keys or [])
    if len(names) == 1 and len(own) == 2:
        names *= 2
    sides = [
        *(Side(name, own[at % len(own)] if own else None) for at, name in enumerate(names)),
        *(Side("<expression>", text=text) for text in expression or []),
    ]
    if len(sides) != 2:
        raise Usage("give two specs: files, texts with `-e`, or one file with two `--key`")
    if len(own) > max(1, len(names)):
        raise Usage("`--key` is given once for both files, or once for each")
    if names.count("-") > 1 or (stdin is not None and "-" not in names):
        raise Usage("`-` is one of the two, and `--stdin-filename` its name")
    inputs = declarations(declared)
    library, wrong = project_libraries(libraries)
    if library is None:
        show(wrong, error=True)
        return USAGE
    return compare(sides, inputs, library, stdin or "<stdin>", output_format)


def schema(keys: Annotated[list[str] | None, KEYS] = None) -> int:
    """Print the JSON Schema of a loss, or that of a config with losses under keys, for editors.

    An editor that knows it completes and checks the keys of a mapping; what is wrong with a text
    `lossdsl check` says.
    """
    import json

    from lossdsl.cli.config_schema import config_schema

    say([(json.dumps(config_schema(tuple(keys or ())), indent=2, ensure_ascii=False), "")])
    return CLEAN


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
    from lossdsl.cli.functions import show_functions, show_pages

    if names and (words is not None or family is not None):
        raise Usage("give names, or `--search` and `--family`")
    library, wrong = project_libraries(libraries)
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
    latex: Annotated[bool, Option("Show the formula of a spec as LaTeX.", "--latex")] = False,
    core: Annotated[
        bool, Option("Show what a spec computes, function by function.", "--core")
    ] = False,
    rewrites: Annotated[
        bool, Option("Show what is computed otherwise than it is written.", "--rewrites")
    ] = False,
) -> int:
    """Explain a diagnostic, with an example and the same mended, or what a spec computes.

    Of a spec the formula is shown, if nothing else is asked for.
    """
    if (subject is None) == (expression is None):
        raise Usage("give a code, a file, or a text with `-e`")
    if subject is not None and subject.isalnum():
        if declared or key or libraries or latex or core or rewrites:
            raise Usage("a code has a page, and what else is given is of a spec")
        return _explain_code(subject)
    from lossdsl.cli.explain_spec import explain_spec
    from lossdsl.cli.files import specs_of

    inputs = declarations(declared)
    hold_key(key, [] if subject is None else [subject])
    library, diagnostics = project_libraries(libraries)
    if library is not None:
        specs, diagnostics = specs_of(subject, expression, key)
        for each in specs:
            diagnostics += explain_spec(each, inputs, library, Asked(latex, core, rewrites))
    show(diagnostics, error=True)
    return exit_code(diagnostics)


def emit(
    file: Annotated[str | None, Option("A file with a spec; `-` is stdin.")] = None,
    expression: Annotated[str | None, EXPRESSION] = None,
    declared: Annotated[list[str] | None, INPUT] = None,
    key: Annotated[str | None, KEY] = None,
    libraries: Annotated[list[str] | None, LIBRARY] = None,
    output: Annotated[
        str | None, Option("The file to write, instead of printing.", "-o", "--output")
    ] = None,
) -> int:
    """Write a loss as a file of Python that runs without lossdsl, with JAX alone.

    Inputs are declared, so that each of their arrays is known. Exit codes: 0 it is written, 1 it
    is wrong, 2 a wrong command line, 3 a limit.
    """
    from lossdsl.cli.files import specs_of
    from lossdsl.cli.written_out import write_out

    if (file is None) == (expression is None):
        raise Usage("give a file, or a text with `-e`")
    inputs = declarations(declared)
    hold_key(key, [] if file is None else [file])
    library, diagnostics = project_libraries(libraries)
    if library is not None:
        specs, diagnostics = specs_of(file, expression, key)
        for spec in specs:
            diagnostics += write_out(spec, inputs, library, output)
    show(diagnostics, error=True)
    return exit_code(diagnostics)


def leaves(
    subject: Annotated[str, Option("`package.module:name`: a pytree, or a function for one.")],
    output: Annotated[
        str | None, Option("The file of shapes to write, instead of printing.", "-o", "--output")
    ] = None,
) -> int:
    """List the leaves of parameters as selectors name them, with their shapes; no array is made.

    The file that is written stands for the parameters: `lossdsl check --params FILE` needs no JAX.
    """
    from lossdsl.cli.leaf_list import list_leaves

    diagnostics = list_leaves(subject, output)
    show(diagnostics, error=True)
    return exit_code(diagnostics)


def _explain_code(name: str) -> int:
    from lossdsl.cli.pages import code_page

    page = code_page(name)
    say(*page.lines, error=not page.found)
    return CLEAN if page.found else USAGE


COMMANDS: Mapping[str, Command] = {
    command.__name__: command
    for command in (check, fmt, diff, schema, functions, explain, emit, leaves)
}
