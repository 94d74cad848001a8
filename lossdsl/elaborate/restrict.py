"""A part of a spec by itself: some of its results, what they read, and metrics of what is left."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from lossdsl.inputs.reads import bindings_of, names_read, showing, types_of
from lossdsl.syntax import ast

Types = Mapping[str, ast.TypeExpr]
Part = tuple[ast.Program, dict[str, ast.TypeExpr]]


def restricted(program: ast.Program, given: Types, result: str) -> Part:
    """Return the program of one named result, and the types of the inputs that it reads.

    Metrics that read anything else are left out.
    """
    roots = [root for root in results_of(program) if (root.name or "loss") == result]
    read = _shown(program, given, _reads(program, roots))
    metrics = [metric for metric in _metrics(program) if _reads(program, [metric]) <= read]
    return _only(program, given, {id(kept) for kept in (*roots, *metrics)}, read)


def pruned(program: ast.Program, given: Types, before: ast.Program) -> Part:
    """Return a program of fewer terms than before, and the types of the inputs that it reads.

    A metric is left out where the last term goes that reads what it reads.
    """
    roots = results_of(program)
    declared = types_of(program) | dict(given)
    gone = _reads(before, results_of(before)) - _reads(program, roots)
    gone &= declared.keys() if declared else gone - bindings_of(program).keys()
    metrics = [metric for metric in _metrics(program) if not _reads(program, [metric]) & gone]
    read = _shown(program, given, _reads(program, [*roots, *metrics]))
    return _only(program, given, {id(kept) for kept in (*roots, *metrics)}, read)


def results_of(program: ast.Program) -> list[ast.Result]:
    """Return the results of a program, in source order."""
    return [node for node in program.statements if isinstance(node, ast.Result)]


def _metrics(program: ast.Program) -> list[ast.Metric]:
    return [node for node in program.statements if isinstance(node, ast.Metric)]


def _reads(program: ast.Program, roots: Sequence[ast.Result | ast.Metric]) -> set[str]:
    bindings = bindings_of(program)
    return {name for root in roots for name in names_read(root.value, bindings)}


def _shown(program: ast.Program, given: Types, read: set[str]) -> set[str]:
    """Return what is read, and the inputs that show the sizes among it."""
    return read | showing(types_of(program) | dict(given), read)


def _only(program: ast.Program, given: Types, roots: Collection[int], read: set[str]) -> Part:
    """Return a program of some results and metrics, by identity, and of what they read."""
    kept: list[ast.Statement] = []
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
            case ast.Result() | ast.Metric():
                if id(statement) in roots:
                    kept.append(statement)
            case ast.Definition():
                kept.append(statement)
    types = {name: type for name, type in given.items() if name in read}
    return replace(program, statements=tuple(kept)), types
