"""Names of a spec: each means one thing, and none is defined through itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from lossdsl.check.inputs import Declared, symbols_of
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin, Library, syntax
from lossdsl.source import Span
from lossdsl.syntax import ast


def name_problems(program: ast.Program, declared: Mapping[str, Declared]) -> list[Diagnostic]:
    """Find names that mean two things."""
    problems: list[Diagnostic] = []
    symbols = symbols_of(declared.values())
    for name, one in declared.items():
        if name in symbols:
            problems.append(
                at(
                    "LD107",
                    f"`{name}` is both an input and a dim",
                    one.span,
                    help="dims are usually written in capitals",
                )
            )
    if "all" in symbols:
        problems.append(
            at("LD107", "no dim can be called `all`, which names every axis", symbols["all"])
        )
    seen: dict[str, Span] = {name: one.span for name, one in declared.items()}
    outputs: set[str] = set()
    for statement in program.statements:
        match statement:
            case ast.Binding(name, _, span):
                if name in seen:
                    problems.append(
                        at(
                            "LD109",
                            f"`{name}` is defined twice",
                            span,
                            help="a name is given once; choose another",
                        )
                    )
                elif name in symbols:
                    problems.append(
                        at(
                            "LD107",
                            f"`{name}` is both a binding and a dim",
                            span,
                            help="choose another name; dims are usually written in capitals",
                        )
                    )
                seen[name] = span
            case ast.Result(name) | ast.Metric(name):
                key = f"metric {name}" if isinstance(statement, ast.Metric) else f"loss {name}"
                if key in outputs:
                    problems.append(at("LD109", f"`{key}` is given twice", statement.span))
                outputs.add(key)
            case _:
                pass
    return problems


def with_definitions(program: ast.Program, library: Library) -> tuple[Library, list[Diagnostic]]:
    """Return the library with the definitions of the spec, which must not be circular."""
    problems: list[Diagnostic] = []
    own: dict[str, list[ast.Definition]] = {}
    for statement in program.statements:
        if isinstance(statement, ast.Definition):
            own.setdefault(statement.signature.name, []).append(statement)
    for name, definitions in own.items():
        if name in library:
            problems.append(
                at(
                    "LD801",
                    f"`{name}` is already a function of the library",
                    definitions[0].signature.span,
                    help="choose another name; a definition never replaces a function silently",
                )
            )
    reads = {
        name: dict.fromkeys(
            read
            for definition in definitions
            for read in _functions_read(definition)
            if read in own
        )
        for name, definitions in own.items()
    }
    cycle = cycle_in(reads)
    if cycle is not None:
        definition = own[cycle[0]][0]
        chain = " -> ".join(f"`{name}`" for name in cycle)
        problems.append(
            at(
                "LD106",
                f"a definition calls itself: {chain}",
                definition.signature.span,
                help="definitions are expanded where they are called, so they cannot recur; "
                "`recurrence` steps along an axis",
            )
        )
    local = {
        name: Builtin(name, "spec", definitions=tuple(found), doc=found[0].doc)
        for name, found in own.items()
    }
    return library.extended(local, syntax()), problems


def _functions_read(definition: ast.Definition) -> list[str]:
    """Return the names of functions that a definition calls or hands on."""
    own = {parameter.name for parameter in definition.signature.parameters}
    found: list[str] = []
    for node in ast.walk(definition):
        match node:
            case ast.Call(name) | ast.Name(name) if name not in own:
                found.append(name)
            case _:
                pass
    return found


def cycle_in(reads: Mapping[str, Iterable[str]]) -> list[str] | None:
    """Return names that read each other in a circle, the first one again at the end."""
    try:
        TopologicalSorter(reads).prepare()
    except CycleError as problem:
        return list(reversed(problem.args[1]))
    return None
