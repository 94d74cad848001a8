"""Which nodes of two programs mean the same: each as a text that follows from what it computes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

from lossdsl.core.graph import Apply, Const, Input, Leaves, Node, tape


def fingerprints(roots: Iterable[Node]) -> Mapping[Node, str]:
    """Return a text for each node that the roots read: equal for what computes the same.

    >>> from lossdsl import check
    >>> one, other = check("mse(a, b)").program, check("x = mse(a, b)  loss = x").program
    >>> fingerprints(one.roots)[one.roots[0]] == fingerprints(other.roots)[other.roots[0]]
    True
    """
    known: dict[Node, str] = {}
    for node in tape(roots):
        known[node] = sha256(_text(node, known).encode()).hexdigest()
    return known


def _text(node: Node, known: Mapping[Node, str]) -> str:
    match node:
        case Const(value, sizes):
            return f"const {value!r} {sorted(map(str, sizes))}"
        case Input(name):
            return f"input {name}"
        case Leaves(tree, selector):
            return f"leaves {known[tree]} {selector.text}"
        case Apply(function, arguments, options, undecided):
            given = [None if argument is None else known[argument] for argument in arguments]
            return f"apply {function.name} {undecided} {given} {options!r}"
