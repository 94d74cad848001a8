"""What a strict check asks beside: inputs that are declared, axes that are named, no warnings."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from lossdsl.diagnostics.allow import not_allowed
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.syntax import ast
from lossdsl.syntax.options import AXIS, CLASS_AXIS


def strictly(
    program: ast.Program, diagnostics: Sequence[Diagnostic], undeclared: Collection[str]
) -> tuple[Diagnostic, ...]:
    """Return diagnostics with warnings as errors, and what else a strict check refuses."""
    more = not_allowed([*_undeclared(program, undeclared), *_by_position(program)])
    return tuple(replace(diagnostic, strict=True) for diagnostic in (*diagnostics, *more))


def _undeclared(program: ast.Program, undeclared: Collection[str]) -> Iterator[Diagnostic]:
    waiting = set(undeclared)
    # What a definition reads is its parameters, which may be called as an input is.
    read = (
        statement for statement in program.statements if not isinstance(statement, ast.Definition)
    )
    for node in (node for statement in read for node in ast.walk(statement)):
        if isinstance(node, ast.Name) and node.id in waiting:
            waiting.remove(node.id)
            help = f"such as `{node.id}: f32[B]` above, or `inputs=`"
            yield at("LD122", f"`{node.id}` is not declared", node.span, help=help)


def _by_position(program: ast.Program) -> Iterator[Diagnostic]:
    """Yield axes that are given by their position, which another layout makes other ones."""
    for node in ast.walk(program):
        match node:
            case ast.Keyword(name, value) if name in (AXIS, CLASS_AXIS) and _is_position(value):
                help = "give the dim its name in the type of the input: `x: f32[B, C]`, `axis=C`"
                message = f"the axis `{value.span.text}` is a position"
                yield at("LD123", message, value.span, help=help)
            case _:
                pass


def _is_position(value: ast.Expr) -> bool:
    match value:
        case ast.Literal(int() as number):
            return not isinstance(number, bool)
        case ast.Unary(operand=operand):
            return _is_position(operand)
        case ast.Tuple(items):
            return any(map(_is_position, items))
        case _:
            return False
