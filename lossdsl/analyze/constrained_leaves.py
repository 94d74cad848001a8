"""Which leaves of which inputs the constraints of checked core bound."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from lossdsl.analyze.dataflow import backward, every_operand
from lossdsl.core.graph import Apply, Core, Graph, Input, Leaves, Node, tape
from lossdsl.core.leaves import record_tree, selected_at, tree_leaves
from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.library.declare import Builtin
from lossdsl.library.syntax_forms import Form
from lossdsl.syntax import ast
from lossdsl.types.types import ArrayType, Path, RecordType, TreeType


def takes_constraints(signature: ast.Signature) -> bool:
    """Say whether a parameter of a signature is a constraint."""
    return any(
        isinstance(parameter.type, ast.WordTypeExpr) and parameter.type.word == "constraint"
        for parameter in signature.parameters
    )


def limits(core: Core) -> tuple[list[Apply], list[Diagnostic]]:
    """Return the limits of the calls that bound a tree; a conditional call is refused."""
    always = held(core)
    limit_calls: list[Apply] = []
    for call in tape(_roots(core)):
        if not isinstance(call, Apply) or not _bounds_a_tree(call):
            continue
        if call not in always:
            message = f"a call of `{call.function}` is in a branch, so it may not hold"
            help = "`project` follows constraints that always hold"
            return [], [_refused(core.graph, call, message, help)]
        limit_calls += [argument for argument in call.arguments if isinstance(argument, Apply)]
    return limit_calls, []


def held(core: Core) -> set[Node]:
    """Return the nodes that the results read other than as the branch of a conditional."""

    def always(node: Node, read: bool) -> Iterable[tuple[Node, bool]]:
        conditional = isinstance(node, Apply) and node.function.form is Form.CHOOSE
        return [*every_operand(node, read)][: 1 if conditional else None]

    return set(backward(dict.fromkeys(_roots(core), True), always, bool.__or__))


def _roots(core: Core) -> Iterable[Node]:
    # A term of weight 0 is no part of the objective, and its constraints still hold.
    yield from (outcome.value for outcome in core.results)
    yield from (term.raw for outcome in core.results for term in outcome.terms)


def _bounds_a_tree(call: Apply) -> bool:
    return any(
        takes_constraints(signature)
        and any(isinstance(parameter.type, ast.TreeTypeExpr) for parameter in signature.parameters)
        for signature in call.function.signatures
    )


def input_of(graph: Graph, limit: Apply) -> tuple[str | None, list[Diagnostic]]:
    """Return the input whose leaves a limit bounds; a computed tree is refused."""
    subject = limit.arguments[0]
    assert subject is not None
    node = subject
    while True:
        match node:
            case Input(name):
                return name, []
            case Leaves(tree):
                node = tree
            case Apply(function, (inner,)) if function.form in _SELECTING and inner is not None:
                node = inner
            case _:
                message = "a constraint is on a tree that is no selection of an input"
                help = "`project` can move only parameters that are passed to it"
                return None, [_refused(graph, node, message, help)]


# What stands between an input and a selection of it; an index may be of a sequence in a tree.
_SELECTING = (Form.BRANCHES, Form.CAST, Form.USABLE, Form.INDEX)


def positions(graph: Graph, node: Node) -> tuple[str, Sequence[int]] | None:
    """Return the input that a selection starts from, and which of its leaves are selected.

    None where that is not known yet, or where a tree is no selection of an input.
    """
    match node:
        case Input(name):
            type = graph.types[node]
            tree = record_tree(type) if isinstance(type, RecordType) else type
            if isinstance(tree, ArrayType):
                return name, [0]
            known = isinstance(tree, TreeType) and tree.leaves is not None
            return (name, range(len(tree_leaves(tree)))) if known else None
        case Leaves(tree, selector):
            above = positions(graph, tree)
            if above is None or isinstance(graph.types[tree], ArrayType):
                return above
            chosen = selected_at(selector, tree_leaves(graph.types[tree]))
            return above[0], [above[1][place] for place in chosen]
        case Apply(Builtin(form=Form.BRANCHES | Form.CAST), (inner,), undecided=False) if inner:
            return positions(graph, inner)
        case Apply(Builtin(form=Form.USABLE), (inner,)) if inner is not None:
            above = positions(graph, inner)
            if above is None:
                return None
            kept = set(cast("tuple[Path, ...]", node.option("paths")))
            paired = zip(above[1], tree_leaves(graph.types[inner]), strict=True)
            return above[0], [place for place, (path, _) in paired if path in kept]
        case _:
            return None


def _refused(graph: Graph, node: Node, message: str, help: str) -> Diagnostic:
    places = graph.places.get(node)
    return at("LD306", message, places[0].span if places else None, help=help)
