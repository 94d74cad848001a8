"""One result of a spec by itself: what it reads, and the metrics that read nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lossdsl.inputs.reads import bindings_of, names_read, showing, types_of
from lossdsl.syntax import ast


def restricted(
    program: ast.Program, given: Mapping[str, ast.TypeExpr], result: str
) -> tuple[ast.Program, dict[str, ast.TypeExpr]]:
    """Return the program of one named result, and the types of the inputs that it reads."""
    bindings = bindings_of(program)
    root = next(
        statement
        for statement in program.statements
        if isinstance(statement, ast.Result) and (statement.name or "loss") == result
    )
    read = names_read(root.value, bindings)
    read |= showing(types_of(program) | dict(given), read)
    kept: list[ast.Statement] = []
    metrics = [
        statement
        for statement in program.statements
        if isinstance(statement, ast.Metric) and names_read(statement.value, bindings) <= read
    ]
    for statement in program.statements:
        match statement:
            case ast.Declaration(names):
                left = [at for at, name in enumerate(names) if name in read]
                if left:
                    kept.append(
                        replace(
                            statement,
                            names=tuple(names[at] for at in left),
                            name_spans=tuple(statement.name_spans[at] for at in left),
                        )
                    )
            case ast.Binding(name):
                if name in read:
                    kept.append(statement)
            case ast.Result():
                if statement is root:
                    kept.append(statement)
            case ast.Metric():
                if statement in metrics:
                    kept.append(statement)
            case ast.Definition():
                kept.append(statement)
    types = {name: type for name, type in given.items() if name in read}
    return replace(program, statements=tuple(kept)), types
