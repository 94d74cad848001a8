"""Names of a spec: each means one thing, and none is defined through itself."""

from __future__ import annotations

from collections.abc import Mapping

from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.inputs.declarations import Declared, symbols_of
from lossdsl.library.admit import clash, declared_at
from lossdsl.library.declare import Builtin, Library
from lossdsl.library.recursion import recursion
from lossdsl.source import Span
from lossdsl.syntax import ast
from lossdsl.syntax.options import ALL


def name_problems(program: ast.Program, declared: Mapping[str, Declared]) -> list[Diagnostic]:
    """Find names that mean two things."""
    problems: list[Diagnostic] = []
    symbols = symbols_of(declared.values())
    for name, declaration in declared.items():
        if name in symbols:
            problems.append(
                at(
                    "LD107",
                    f"`{name}` is both an input and a dim",
                    declaration.span,
                    help="dims are usually written in capitals",
                )
            )
    if ALL in symbols:
        problems.append(
            at("LD107", "no dim can be called `all`, which names every axis", symbols[ALL])
        )
    seen: dict[str, Span] = {name: declaration.span for name, declaration in declared.items()}
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
                clash(name, definitions[0].signature.span, declared_at(library.functions[name]))
            )
    circular = recursion(own)
    if circular is not None:
        problems.append(circular)
    local = {
        name: Builtin(name, "spec", definitions=tuple(definitions), doc=definitions[0].doc)
        for name, definitions in own.items()
    }
    return library.extended(local) if local else library, problems
