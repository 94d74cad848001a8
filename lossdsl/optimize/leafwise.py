"""Masked trees taken apart: what maps over the leaves becomes one operation a leaf.

A mask is sunk through operations on arrays only. So where a select is of a tree, every tree is
written as `branches` of its leaves, and what reads one whole, such as a reduction over all
leaves, reads those. Programs in which no select reads a tree stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

from lossdsl.check.leaves import record_tree
from lossdsl.check.trees import selected_at
from lossdsl.core.graph import Apply, Graph, Leaves, Node, tape
from lossdsl.library.declare import Builtin, of_form
from lossdsl.library.forms import Form
from lossdsl.types.types import ArrayType, Path, RecordType, TreeType, Type


def leafwise(graph: Graph, roots: Sequence[Node]) -> list[Node]:
    """Return roots in which every select is of an array, and reads no tree whole."""
    order = tape(roots)
    selected = [node for node in order if _selects(node)]
    if not any(isinstance(graph.types[node], TreeType) for node in tape(selected)):
        return list(roots)
    apart = _Apart(graph)
    for node in order:
        apart.visit(node)
    return [apart.whole(root) for root in roots]


def _selects(node: Node) -> bool:
    return isinstance(node, Apply) and node.function.form in (Form.KEEP, Form.CHOOSE)


def _leaves_of(type: Type) -> tuple[tuple[Path, ArrayType], ...]:
    tree = record_tree(type) if isinstance(type, RecordType) else type
    assert isinstance(tree, TreeType) and tree.leaves is not None
    return tree.leaves


class _Apart:
    """The leaves of every tree seen so far, and the rewritten node of every array."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self.arrays: dict[Node, Node] = {}
        self.trees: dict[Node, list[Node]] = {}

    def visit(self, node: Node) -> None:
        """Rewrite one node whose operands are rewritten already."""
        type = self.graph.types[node]
        if isinstance(type, ArrayType):
            self.arrays[node] = self._array(node)
        else:
            self.trees[node] = self._tree(node, type)

    def whole(self, node: Node) -> Node:
        """Return a node for one that reads it whole."""
        if node in self.arrays:
            return self.arrays[node]
        type = self.graph.types[node]
        paths = tuple(path for path, _ in _leaves_of(type))
        return self.graph.apply(of_form(Form.BRANCHES), self.trees[node], type, {"paths": paths})

    def _array(self, node: Node) -> Node:
        match node:
            case Leaves(tree, selector) if tree in self.trees:
                (at,) = selected_at(selector, _leaves_of(self.graph.types[tree]))
                return self.trees[tree][at]
            case Apply(_, arguments):
                operands = [None if one is None else self.whole(one) for one in arguments]
                return self.graph.again(node, operands, self.graph.types[node])
            case _:
                return node

    def _tree(self, node: Node, type: Type) -> list[Node]:
        match node:
            case Leaves(tree, selector):
                found = selected_at(selector, _leaves_of(self.graph.types[tree]))
                return [self.trees[tree][at] for at in found]
            case Apply(Builtin(form=Form.BRANCHES)):
                return [leaf for one in node.arguments if one is not None for leaf in self._of(one)]
            case Apply(Builtin(form=Form.USABLE), (inner,)) if inner is not None:
                kept = {path for path, _ in _leaves_of(type)}
                paired = zip(_leaves_of(self.graph.types[inner]), self._of(inner), strict=True)
                return [leaf for (path, _), leaf in paired if path in kept]
            case Apply():
                return [
                    self._mapped(node, at, leaf) for at, (_, leaf) in enumerate(_leaves_of(type))
                ]
            case _:
                form = of_form(Form.LEAF)
                return [
                    self.graph.apply(form, [node], leaf, {"at": at})
                    for at, (_, leaf) in enumerate(_leaves_of(type))
                ]

    def _of(self, node: Node) -> list[Node]:
        return self.trees[node] if node in self.trees else [self.arrays[node]]

    def _mapped(self, node: Apply, at: int, leaf: ArrayType) -> Node:
        """Return the operation on one leaf; an array beside trees is the same for all leaves."""
        operands = [
            None if one is None else self.trees[one][at] if one in self.trees else self.arrays[one]
            for one in node.arguments
        ]
        return self.graph.apply(node.function, operands, leaf, node.options_at(at))
