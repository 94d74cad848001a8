"""Definitions that are defined through themselves, which nothing can expand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.syntax import ast


def recursion(own: Mapping[str, Sequence[ast.Definition]]) -> Diagnostic | None:
    """Return the finding that definitions of one text call each other in a circle."""
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
    if cycle is None:
        return None
    chain = " -> ".join(f"`{name}`" for name in cycle)
    return at(
        "LD106",
        f"a definition calls itself: {chain}",
        own[cycle[0]][0].signature.span,
        help="definitions are expanded where they are called, so they cannot recur; "
        "`recurrence` steps along an axis",
    )


def _functions_read(definition: ast.Definition) -> list[str]:
    """Return the names of functions that a definition calls or hands on."""
    own = {parameter.name for parameter in definition.signature.parameters}
    names: list[str] = []
    for node in ast.walk(definition):
        match node:
            case ast.Call(name) | ast.Name(name) if name not in own:
                names.append(name)
            case _:
                pass
    return names


def cycle_in(reads: Mapping[str, Iterable[str]]) -> list[str] | None:
    """Return names that read each other in a circle, the first one again at the end."""
    try:
        TopologicalSorter(reads).prepare()
    except CycleError as problem:
        return list(reversed(problem.args[1]))
    return None
