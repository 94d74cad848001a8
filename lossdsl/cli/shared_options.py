"""Options that several commands take, and what a command line that gives them is held to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lossdsl.cli.command_line import Option, Usage

if TYPE_CHECKING:
    from lossdsl.cli.gather import Gathered
    from lossdsl.cli.project import Project
    from lossdsl.diagnostics.diagnostic import Diagnostic
    from lossdsl.library.declare import Library
    from lossdsl.source import Source
    from lossdsl.types.types import TreeType

LIBRARY = Option(
    "Functions: a `.loss` file, or `package.module` of Python; repeatable.",
    "--library",
    metavar="FILE|MODULE",
)
INPUT = Option("Declare an input's type.", "-i", "--input", metavar="NAME=TYPE")
KEY = Option("Where a config holds the spec: `loss`; dots descend.", "--key")
KEYS = Option(
    "Where configs hold specs: `loss`; dots descend, `losses.*` is all there; repeatable.", "--key"
)
PARAMS = Option(
    "Real leaves for selectors: `package.module:name`, or a file of `lossdsl leaves`; repeatable.",
    "--params",
    metavar="[NAME=]MODULE:NAME|FILE",
)
EXPRESSION = Option("A spec given as text.", "-e", "--expression")
FILES = "directories, quoted patterns such as 'conf/**/*.yaml'; `-` is stdin."
EXCLUDE = Option(
    "Pass over what a name, or a pattern with `/`, matches; repeatable.",
    "--exclude",
    metavar="PATTERN",
)
MISSING_OK = Option("Pass over given files that have none of the keys.", "--missing-ok")
STDIN = Option("The name of `-`, whose ending says its format.", "--stdin-filename", metavar="NAME")


def project_libraries(
    named: list[str] | None, project: Project | None = None
) -> tuple[Library | None, tuple[Diagnostic, ...]]:
    """Return the functions of the command line's libraries, or of those of the project."""
    from lossdsl.cli.libraries import read_libraries
    from lossdsl.cli.project import find_project

    if named:
        return read_libraries(named)
    project = project or find_project()
    if project.diagnostics:
        return None, project.diagnostics
    return read_libraries(project.texts("library"), project.root)


def parameters(words: list[str] | None) -> tuple[Mapping[str, TreeType], tuple[Diagnostic, ...]]:
    """Return the trees of the command line, or what is wrong with them."""
    if not words:
        return {}, ()
    from lossdsl.cli.named_trees import read_trees
    from lossdsl.diagnostics.diagnostic import LossError

    try:
        return read_trees(words), ()
    except LossError as error:
        return {}, error.diagnostics


def hold_line(
    gathered: Gathered, keys: list[str] | None, exclude: list[str] | None, stdin: str | None
) -> None:
    """Refuse options that nothing of the command line reads."""
    from lossdsl.cli.files import is_config

    names = [target.name for target in gathered.targets]
    if stdin is not None and "-" not in names:
        raise Usage("`--stdin-filename` names what `-` stands for, and it is not given")
    configs = [*map(is_config, names), is_config(stdin or "")]
    if keys and not (gathered.searches or any(configs)):
        raise Usage("`--key` is of YAML, JSON and TOML, and none is given")
    if exclude and not gathered.searches:
        raise Usage("`--exclude` is of directories and patterns, and none is given")


def allowed_codes(codes: list[str] | None) -> frozenset[str]:
    """Return codes of warnings that are left out; refuse others."""
    from lossdsl.cli.project import code_problem

    for code in codes or []:
        if problem := code_problem(code):
            message, help = problem
            raise Usage(f"{message}{f'; {help}' if help else ''}")
    return frozenset(code.upper() for code in codes or [])


def hold_key(key: str | None, files: list[str]) -> None:
    """Refuse a key where no config is read."""
    from lossdsl.cli.files import is_config

    if key is not None and not any(map(is_config, files)):
        raise Usage("`--key` is of YAML, JSON and TOML, and none is given")


def declarations(texts: list[str] | None) -> dict[str, str | Source]:
    """Return the types of inputs by name."""
    inputs: dict[str, str | Source] = dict(map(_declaration, texts or []))
    if len(inputs) < len(texts or []):
        raise Usage("an input is declared by two `-i`; keep one of them")
    return inputs


def _declaration(text: str) -> tuple[str, str]:
    name, equals, kind = text.partition("=")
    if not (equals and name.strip().isidentifier() and kind.strip()):
        raise Usage(f"`{text}` is not NAME=TYPE, such as `out=f32[B, 10]`")
    return name.strip(), kind.strip()
