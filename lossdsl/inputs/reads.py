"""What the expressions of a spec read: inputs, bindings and sizes, and which inputs show a size."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from lossdsl.syntax import ast
from lossdsl.types.unify import undetermined


def bindings_of(program: ast.Program) -> dict[str, ast.Expr]:
    """Return the value of each binding by its name."""
    bindings = (statement for statement in program.statements if isinstance(statement, ast.Binding))
    return {binding.name: binding.value for binding in bindings}


def types_of(program: ast.Program) -> dict[str, ast.TypeExpr]:
    """Return the types of the inputs that a text declares."""
    declarations = (
        statement for statement in program.statements if isinstance(statement, ast.Declaration)
    )
    return {name: declaration.type for declaration in declarations for name in declaration.names}


def names_read(value: ast.Expr, bindings: Mapping[str, ast.Expr]) -> set[str]:
    """Return every name that an expression reads, through bindings."""
    names: set[str] = set()
    waiting = [value]
    while waiting:
        for node in ast.walk(waiting.pop()):
            if isinstance(node, ast.Name) and node.id not in names:
                names.add(node.id)
                if node.id in bindings:
                    waiting.append(bindings[node.id])
    return names


def showing(declared: Mapping[str, ast.TypeExpr], read: Collection[str]) -> set[str]:
    """Return the inputs that must be passed as well, to show the sizes that are read."""
    sizes = frozenset(read) & symbols_in(declared.values()) - declared.keys()
    types = {name: type for name, type in declared.items() if name in read}

    def hidden(types: Mapping[str, ast.TypeExpr]) -> frozenset[str]:
        return sizes & (undetermined(types.values()) | (sizes - symbols_in(types.values())))

    shown: dict[str, ast.TypeExpr] = {}
    while missing := hidden(types | shown):
        left = {name: type for name, type in declared.items() if name not in types | shown}
        alone = (name for name in left if hidden(types | shown | {name: left[name]}) < missing)
        # Where no input shows one of them alone, several may, each with a symbol of another.
        beside = (name for name in left if missing & symbols_in([left[name]]))
        name = next(alone, None) or next(beside, None)
        if name is None:
            break
        shown[name] = left[name]
    return {*shown}


def symbols_in(types: Iterable[ast.TypeExpr]) -> frozenset[str]:
    """Return the symbols of sizes that stand in types."""
    dims = (node for type in types for node in ast.walk(type) if isinstance(node, ast.DimExpr))
    return frozenset(symbol for dim in dims for symbol in dim.symbols)
