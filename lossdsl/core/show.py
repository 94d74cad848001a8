"""Core as text, for readers and tests: what is read more than once stands in a line of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from lossdsl.core.graph import Apply, Const, Core, Graph, Input, Leaves, Node, operands, tape
from lossdsl.library.function import is_operand
from lossdsl.syntax.options import NORMALIZE, WEIGHT, WHERE

# A line is broken where it would be longer.
WIDTH = 72
# What an option is where nothing is said.
_DEFAULTS = {NORMALIZE: "weight"}


def show_core(core: Core) -> str:
    """Return the results and metrics of a program, each in terms of its inputs.

    Functions are called by name, operators too; `?` follows one of which types do not say yet what
    it becomes. What several read, and what is too long for a line, is named `%1`, `%2`, …

    >>> from lossdsl import check
    >>> print(show_core(check("-mean(log(softmax(out)))").program))
    loss = negative(mean(log(softmax?(out))))
    """
    results = {outcome.name: outcome.value for outcome in core.results}
    return "\n".join(_lines(core.graph, results | dict(core.metrics)))


def show_node(node: Node, longest: int | None = None) -> str:
    """Return a value in one line: what several read is written out, each part as far as `longest`.

    >>> from lossdsl import check
    >>> show_node(check("2*mean(a)").program.results[0].value)
    'multiply(2, mean(a))'
    """
    texts: dict[Node, str] = {}
    for part in tape((node,)):
        text = _text(part, texts)
        cut = longest is not None and len(text) > longest
        texts[part] = f"{text[:longest]}…" if cut else text
    return texts[node]


def _lines(graph: Graph, roots: dict[str, Node]) -> Iterator[str]:
    order = tape(roots.values())
    readers = Counter(operand for node in order for operand in operands(node))
    texts: dict[Node, str] = {}
    for node in order:
        text = _text(node, texts)
        own_line = readers[node] > 1 or len(text) > WIDTH
        if isinstance(node, Apply) and own_line and node not in roots.values():
            name = f"%{sum(shown.startswith('%') for shown in texts.values()) + 1}"
            yield f"{name}: {graph.types[node]} = {text}"
            text = name
        texts[node] = text
    for name, node in roots.items():
        yield f"{name} = {texts[node]}"


def _text(node: Node, texts: dict[Node, str]) -> str:
    match node:
        case Const(value):
            return option_text(value)
        case Input(name):
            return name
        case Leaves(tree, selector):
            return f"{texts[tree]}{selector.text}"
        case Apply(function, arguments):
            mark = "?" if node.undecided else ""
            given = [None if argument is None else texts[argument] for argument in arguments]
            options = [
                f"{name}={option_text(value, quoted=not node.undecided)}"
                for name, value in node.options
                if value not in (None, False, ()) and name != "reads"
                if value != _DEFAULTS.get(name)
            ]
            shown = [*_operands(operand_names(node), given), *options]
            return f"{function.name}{mark}({', '.join(shown)})"


def operand_names(node: Apply) -> Sequence[str]:
    """Return the parameters of the operands, in their order."""
    parameters = [
        parameter for parameter in node.function.signatures[0].parameters if is_operand(parameter)
    ]
    names = [parameter.name for parameter in parameters]
    if node.function.reduction:
        return (*names, WHERE, WEIGHT)
    reads = node.option("reads")
    rest = reads if isinstance(reads, tuple) else ()
    spread = len(node.arguments) - len(names) - len(rest)
    if parameters and parameters[-1].variadic:
        names += names[-1:] * spread
    return (*names, *rest)


def _operands(names: Sequence[str], given: Sequence[str | None]) -> Iterator[str]:
    """Yield operands by position, and by name after one that is left out."""
    by_name = False
    for at, text in enumerate(given):
        name = names[at] if at < len(names) else None
        if text is None:
            by_name = True
        elif name is not None and (by_name or name in (WHERE, WEIGHT, NORMALIZE)):
            yield f"{name}={text}"
        else:
            yield text


def option_text(value: object, quoted: bool = True) -> str:
    """Return a constant or an option; of an undecided call the words of the text, not `quoted`."""
    match value:
        case bool():
            return "true" if value else "false"
        case str() if quoted:
            return f'"{value}"'
        case tuple():
            items = ", ".join(option_text(item, quoted) for item in value)
            return f"({items},)" if len(value) == 1 else f"({items})"
        case _:
            return str(value)
