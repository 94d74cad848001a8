"""One result of a spec by itself: what it reads, and the metrics that read nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lossdsl.syntax import ast


def restricted(
    program: ast.Program, given: Mapping[str, ast.TypeExpr], result: str
) -> tuple[ast.Program, dict[str, ast.TypeExpr]]:
    """Return the program of one named result, and the types of the inputs that it reads."""
    bindings = {one.name: one.value for one in program.statements if isinstance(one, ast.Binding)}
    wanted = next(
        one
        for one in program.statements
        if isinstance(one, ast.Result) and (one.name or "loss") == result
    )
    read = _reads(wanted.value, bindings)
    kept: list[ast.Statement] = []
    metrics = [
        one
        for one in program.statements
        if isinstance(one, ast.Metric) and _reads(one.value, bindings) <= read
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
                if statement is wanted:
                    kept.append(statement)
            case ast.Metric():
                if statement in metrics:
                    kept.append(statement)
            case ast.Definition():
                kept.append(statement)
    types = {name: type for name, type in given.items() if name in read}
    return replace(program, statements=tuple(kept)), types


def _reads(value: ast.Expr, bindings: Mapping[str, ast.Expr]) -> set[str]:
    """Return every name that an expression reads, through bindings."""
    found: set[str] = set()
    waiting = [value]
    while waiting:
        for node in ast.walk(waiting.pop()):
            if isinstance(node, ast.Name) and node.id not in found:
                found.add(node.id)
                if node.id in bindings:
                    waiting.append(bindings[node.id])
    return found
