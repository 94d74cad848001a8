"""LD418: declared and never read.

What a text declares is meant to be read: a mask that no term is given leaves the padding in the
mean.

Wrong
  out, tgt: f32[B]
  valid: mask bool[B]
  loss = mse(out, tgt)

Right
  out, tgt: f32[B]
  valid: mask bool[B]
  loss = mse(out, tgt, where=valid)
"""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.analyze.lints.lint import lint
from lossdsl.analyze.lints.subject import Subject
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.inputs.reads import bindings_of, names_read, showing, symbols_in, types_of
from lossdsl.syntax import ast
from lossdsl.syntax.options import CONSTANTS, STEP
from lossdsl.types.types import kind


@lint()
def unread(subject: Subject) -> Iterator[Diagnostic]:
    """Yield what stands in the text and changes nothing, such as a mask that was forgotten.

    Inputs that a caller declares may be for several specs, so only those of the text count. One
    that shows a size which is read is read. A binding counts where it alone reads an input.
    """
    program = subject.program
    bindings, declared = bindings_of(program), types_of(program)
    roots = [
        statement.value
        for statement in program.statements
        if isinstance(statement, ast.Result | ast.Metric)
    ]
    read = {name for root in roots for name in names_read(root, bindings)}
    read |= {STEP, *showing(declared, read)}
    sizes = symbols_in(declared.values())
    for statement in program.statements:
        match statement:
            case ast.Declaration(names, type=type):
                for name, span in zip(names, statement.name_spans, strict=True):
                    if name not in read:
                        message = f"`{name}` is declared and never read"
                        yield at("LD418", message, span, help=_help(name, type))
            case ast.Binding(name, value):
                only = (
                    names_read(value, bindings) - read - {*bindings, *declared, *sizes, *CONSTANTS}
                )
                if name not in read and only:
                    message = f"`{name}` is bound and never read"
                    help = "read it, make it a `metric`, or leave it out"
                    yield at("LD418", message, statement.name_span, help=help)
            case _:
                pass


def _help(name: str, type: ast.TypeExpr) -> str:
    is_mask = isinstance(type, ast.ArrayTypeExpr) and (
        type.role == "mask" or kind(type.dtype) == "bool"
    )
    return (
        f"a mask is given where it counts: `where={name}`"
        if is_mask
        else "read it, or leave it out"
    )
