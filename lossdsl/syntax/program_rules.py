"""What the grammar cannot say of a program: where labels stand, how many results, how large."""

from __future__ import annotations

from collections.abc import Iterator

from lossdsl.diagnostics.diagnostic import Diagnostic, Label, at
from lossdsl.limits import Limits
from lossdsl.source import Span
from lossdsl.syntax import options
from lossdsl.syntax.ast import (
    Addend,
    ArrayTypeExpr,
    Binding,
    Comment,
    Declaration,
    Definition,
    DimExpr,
    Expr,
    Literal,
    Metric,
    OptionalTypeExpr,
    Parameter,
    Power,
    Program,
    Result,
    Run,
    Signature,
    Statement,
    Sum,
    Text,
    Unary,
    children,
    walk,
)
from lossdsl.syntax.repeats import repeats
from lossdsl.syntax.text import too_deep


def violations(
    program: Program, limits: Limits, *, library: bool = False, part: bool = False
) -> Iterator[Diagnostic]:
    """Yield what is wrong with a program that the grammar accepts; a part may have no result."""
    if library:
        yield from _library(program)
    elif not part or any(isinstance(each, Result) for each in program.statements):
        yield from _results(program)
    for statement in program.statements:
        yield from _labels(statement)
    yield from _size(program, limits)
    for node in walk(program):
        yield from repeats(node)
        match node:
            case Power():
                yield from _exponent(node, limits)
            case Text():
                yield from _selector(node, limits)
            case Definition():
                yield from _parameters(node)
            case _:
                pass


def _results(program: Program) -> Iterator[Diagnostic]:
    """A spec has one result without a name or several with names."""
    results = [statement for statement in program.statements if isinstance(statement, Result)]
    if not results:
        end = len(program.span.source.text)
        last = program.statements[-1].span if program.statements else None
        place = last or Span(program.span.source, max(end - 1, 0), end)
        yield at(
            "LD017",
            "nothing to minimize; expected an expression or `loss = …`",
            place,
            help="name the loss: `loss = …`",
        )
    unnamed = next((result for result in results if result.name is None), None)
    for result in results[1:]:
        if unnamed is None:
            break
        first = results[0]
        yield Diagnostic(
            "LD016",
            "a second result; expected one `loss = …`",
            (Label(result.span, "second", primary=True), Label(first.span, "first")),
            help="add the two, or name each: `loss critic = …`, `loss actor = …`",
        )


def _parameters(definition: Definition) -> Iterator[Diagnostic]:
    """A definition has a fixed number of parameters; a loss leaves the options their names."""
    for parameter in definition.signature.parameters:
        if parameter.variadic:
            yield at(
                "LD035",
                f"`*{parameter.name}`: a definition takes a fixed number of arguments",
                parameter.span,
                help="`map(f, tree)` applies a function to many arrays",
            )
        elif (
            definition.kind == "loss"
            and parameter.type
            and parameter.name in options.LOSS_OPTIONS
            and not _is_mask(parameter, definition.signature)
        ):
            yield at(
                "LD036",
                f"`{parameter.name}` is an option of every loss, and no parameter of one",
                parameter.span,
                help="a mask that the body reads is written `where: bool[N]? = none`, "
                "with dims of the arguments"
                if parameter.name == options.WHERE
                else f"choose another name, such as `class_{parameter.name}`; "
                f"a default alone is written without a type: `{parameter.name} = …`",
            )


def declared_mask(definition: Definition) -> Parameter | None:
    """Return the mask that a loss declares, to read it in its body."""
    if definition.kind != "loss":
        return None
    parameters = definition.signature.parameters
    return next((mask for mask in parameters if mask.name == options.WHERE and mask.type), None)


def _is_mask(parameter: Parameter, signature: Signature) -> bool:
    """Say whether a loss declares its mask, to read it in the body: `where: bool[N]? = none`."""
    match parameter:
        case Parameter(
            options.WHERE,
            OptionalTypeExpr(ArrayTypeExpr(dtype="bool", dims=dims)),
            None | Literal(None),
        ):
            others = [other for other in signature.parameters if other is not parameter]
            known = {
                dim for other in others for dim in walk(other) if isinstance(dim, DimExpr | Run)
            }
            return bool(dims) and known.issuperset(dims) and Run(None, parameter.span) not in dims
        case _:
            return False


def _library(program: Program) -> Iterator[Diagnostic]:
    for statement in program.statements:
        if not isinstance(statement, Definition):
            yield at(
                "LD025",
                f"{_KINDS[type(statement)]} in a library; expected `def f(…) = …` or "
                "`loss f(…) = …`",
                statement.span,
                help="a library holds definitions only; a spec uses them",
            )


_KINDS: dict[type[Statement], str] = {
    Declaration: "a declaration",
    Binding: "a binding",
    Result: "a result",
    Metric: "a metric",
}


def _labels(statement: Statement) -> Iterator[Diagnostic]:
    """`as` names a top-level addend of a result, nothing else."""
    top: set[int] = set()
    if isinstance(statement, Result) and isinstance(statement.value, Sum):
        top = {id(addend) for addend in statement.value.addends}
    for node in walk(statement):
        if isinstance(node, Addend) and node.label is not None and id(node) not in top:
            yield at(
                "LD004",
                f"`as {node.label}` inside an expression",
                node.span,
                "no term of the loss",
                help="`as` names a term: an addend at the top of `loss = …`",
            )


def _size(program: Program, limits: Limits) -> Iterator[Diagnostic]:
    """Count nodes and levels, without recursion: a tree may be as deep as its text is long."""
    nodes = 0
    stack: list[tuple[object, int]] = [(statement, 0) for statement in program.statements]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, Comment):
            continue
        nodes += 1
        if isinstance(node, Expr):
            if depth > limits.nesting:
                yield too_deep(node.span, limits)
                return
            depth += 1
        stack.extend((child, depth) for child in children(node))
    if nodes > limits.nodes:
        yield at(
            "LD603",
            f"a program of {nodes} nodes; at most {limits.nodes}",
            program.statements[0].span,
            help="split it into several losses",
        )


def _exponent(node: Power, limits: Limits) -> Iterator[Diagnostic]:
    exponent = node.exponent
    while isinstance(exponent, Unary):
        exponent = exponent.operand
    if isinstance(exponent, Literal) and abs(exponent.value or 0) > limits.exponent:
        yield at(
            "LD605",
            f"an exponent of {exponent.value}; at most {limits.exponent} in size",
            node.exponent.span,
        )


def _selector(node: Text, limits: Limits) -> Iterator[Diagnostic]:
    if len(node.value) > limits.selector_length:
        yield at(
            "LD606",
            f"a string of {len(node.value)} characters; at most {limits.selector_length}",
            node.span,
        )
    elif node.value.count("**") > limits.selector_runs:
        yield at(
            "LD607",
            f"a selector with {node.value.count('**')} `**`; at most {limits.selector_runs}",
            node.span,
        )
