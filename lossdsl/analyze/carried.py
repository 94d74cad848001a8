"""The inputs into which a loss passes a gradient: all but what is stopped, flat or discrete."""

from __future__ import annotations

from lossdsl.core.graph import Apply, Core, Input, Node, operands
from lossdsl.library.syntax_forms import Form
from lossdsl.types.types import ArrayType, kind


def carried(core: Core) -> frozenset[str]:
    """Return the names of the inputs into which a gradient of some result goes."""
    waiting = [term.weighted for outcome in core.results for term in outcome.terms]
    seen: set[Node] = set()
    names: set[str] = set()
    while waiting:
        node = waiting.pop()
        if node in seen or _ends(core, node):
            continue
        seen.add(node)
        if isinstance(node, Input):
            names.add(node.name)
        waiting += operands(node)
    return frozenset(names)


def _ends(core: Core, node: Node) -> bool:
    """Say whether no gradient goes past a value."""
    type = core.graph.types[node]
    if isinstance(type, ArrayType) and kind(type.dtype) in ("int", "bool"):
        return True
    if not isinstance(node, Apply):
        return False
    return node.function.form is Form.STOP_GRADIENT or "flat" in node.function.laws
