"""One result of a spec by itself: what it reads, and the metrics that read nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from lossdsl.syntax import ast
from lossdsl.types.unify import undetermined


def restricted(
    program: ast.Program, given: Mapping[str, ast.TypeExpr], result: str
) -> tuple[ast.Program, dict[str, ast.TypeExpr]]:
    """Return the program of one named result, and the types of the inputs that it reads."""
    bindings = {one.name: one.value for one in program.statements if isinstance(one, ast.Binding)}
    root = next(
        one
        for one in program.statements
        if isinstance(one, ast.Result) and (one.name or "loss") == result
    )
    read = _reads(root.value, bindings)
    read |= _showing(_declared(program) | dict(given), read)
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
                if statement is root:
                    kept.append(statement)
            case ast.Metric():
                if statement in metrics:
                    kept.append(statement)
            case ast.Definition():
                kept.append(statement)
    types = {name: type for name, type in given.items() if name in read}
    return replace(program, statements=tuple(kept)), types


def _declared(program: ast.Program) -> dict[str, ast.TypeExpr]:
    declarations = (one for one in program.statements if isinstance(one, ast.Declaration))
    return {name: one.type for one in declarations for name in one.names}


def _showing(declared: Mapping[str, ast.TypeExpr], read: Collection[str]) -> set[str]:
    """Return the inputs that must be passed as well, to show the sizes that are read."""
    sizes = frozenset(read) & _symbols(declared.values()) - declared.keys()
    types = {name: type for name, type in declared.items() if name in read}

    def hidden(types: Mapping[str, ast.TypeExpr]) -> frozenset[str]:
        return sizes & (undetermined(types.values()) | (sizes - _symbols(types.values())))

    shown: dict[str, ast.TypeExpr] = {}
    while missing := hidden(types | shown):
        left = {name: type for name, type in declared.items() if name not in types | shown}
        alone = (name for name in left if hidden(types | shown | {name: left[name]}) < missing)
        # Where no input shows one of them alone, several may, each with a symbol of another.
        beside = (name for name in left if missing & _symbols([left[name]]))
        name = next(alone, None) or next(beside, None)
        if name is None:
            break
        shown[name] = left[name]
    return {*shown}


def _symbols(types: Iterable[ast.TypeExpr]) -> frozenset[str]:
    dims = (one for type in types for one in ast.walk(type) if isinstance(one, ast.DimExpr))
    return frozenset(symbol for dim in dims for symbol in dim.symbols)


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
