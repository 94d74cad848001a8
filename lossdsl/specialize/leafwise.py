"""Trees taken apart: what maps over leaves becomes one operation a leaf, what reduces them a sum.

What is left reads arrays, so that lowering calls kernels and asks nothing, and masks sink through
every operation. A tree stays one where it is passed, as an input or the record of an operation
with several outputs, and where it is read whole: as a root, or by a function of trees, which read
`branches` of its leaves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from lossdsl.analyze.constrained_leaves import takes_constraints
from lossdsl.core.graph import Apply, Const, Graph, Input, Leaves, Node, tape
from lossdsl.core.leaves import cast_node, selected_at, tree_leaves
from lossdsl.infer.reduction import Reduction, infer_reduction
from lossdsl.library.declare import Builtin, of_form
from lossdsl.library.syntax_forms import Form
from lossdsl.specialize.casts import as_arrays, concrete, met
from lossdsl.syntax.options import AXIS
from lossdsl.types.types import (
    ARRAY,
    LITERAL,
    ArrayType,
    Dim,
    RecordType,
    TreeType,
    Type,
    array,
    combine_dims,
    product_dim,
    promote,
)


@dataclass(frozen=True, slots=True)
class Flat:
    """Flat core: a graph of operations on arrays, and the nodes that are asked for."""

    graph: Graph
    roots: list[Node]


def leafwise(core: Graph, roots: Sequence[Node], default_float: str) -> Flat:
    """Return flat core of nodes of a graph: on arrays, in the dtypes they are computed in.

    Types are concrete: every leaf of every tree is known, and `default_float` is a dtype.
    """
    flat = _Flattened(core, Graph(sizes=core.sizes), default_float)
    for node in tape(roots):
        flat.visit(node)
    return Flat(flat.graph, [flat.whole(root) for root in roots])


class _Flattened:
    """The node of every array seen so far, and the nodes of the leaves of every tree.

    Both are of flat core; their keys are nodes of the core that is read.
    """

    def __init__(self, core: Graph, graph: Graph, default_float: str):
        self.core, self.graph, self.default_float = core, graph, default_float
        self.arrays: dict[Node, Node] = {}
        self.trees: dict[Node, list[Node]] = {}

    def visit(self, node: Node) -> None:
        """Make one node flat whose operands are flat already."""
        type = self.core.types[node]
        if isinstance(type, TreeType | RecordType):
            self.trees[node] = self._tree(node, type)
        else:
            self.arrays[node] = self._array(node, self._concrete(type))

    def whole(self, node: Node) -> Node:
        """Return what reads a value whole: an array, or the branches of a tree."""
        if node in self.arrays:
            return self.arrays[node]
        type = self.core.types[node]
        paths = tuple(path for path, _ in tree_leaves(type))
        return self.graph.apply(of_form(Form.BRANCHES), self.trees[node], type, {"paths": paths})

    def _leaves(self, node: Node) -> list[Node]:
        return self.trees[node] if node in self.trees else [self.arrays[node]]

    def _array(self, node: Node, type: Type) -> Node:
        match node:
            case Const(value, sizes):
                return self.graph.const(self._sized(value), type, sizes)
            case Input(name):
                return self._placed(self.graph.input(name, type), node)
            case Leaves(tree) if tree in self.arrays:
                return self.arrays[tree]
            case Leaves(tree, selector):
                (at,) = selected_at(selector, tree_leaves(self.core.types[tree]))
                return self._placed(self.trees[tree][at], node)
            case Apply(function, (tree, *rest)) if function.reduction and tree in self.trees:
                return self._reduced(node, tree, rest, type)
            case Apply():
                return self._applied(node, type)

    def _tree(self, node: Node, type: TreeType | RecordType) -> list[Node]:
        match node:
            case Leaves(tree, selector):
                chosen = selected_at(selector, tree_leaves(self.core.types[tree]))
                return [self._placed(self.trees[tree][at], node) for at in chosen]
            case Apply(Builtin(form=Form.BRANCHES), arguments):
                return [
                    leaf
                    for argument in arguments
                    if argument is not None
                    for leaf in self._leaves(argument)
                ]
            case Apply(Builtin(form=Form.USABLE), (inner,)) if inner is not None:
                kept = {path for path, _ in tree_leaves(type)}
                paths = (path for path, _ in tree_leaves(self.core.types[inner]))
                paired = zip(paths, self._leaves(inner), strict=True)
                return [leaf for path, leaf in paired if path in kept]
            case Apply() if isinstance(type, TreeType):
                return [
                    self._mapped(node, at, self._concrete(leaf))
                    for at, (_, leaf) in enumerate(tree_leaves(type))
                ]
            case Apply():
                return self._outputs(self._applied(node, type), node, type)
            case Input(name):
                return self._outputs(self.graph.input(name, type), node, type)
            case Const():
                raise AssertionError("no tree is a constant")

    def _outputs(self, made: Node, node: Node, type: Type) -> list[Node]:
        """Return the leaves of what is passed as a tree, or made with several outputs."""
        form, leaves = of_form(Form.LEAF), [self._concrete(leaf) for _, leaf in tree_leaves(type)]
        made = self._placed(made, node)
        return [self.graph.apply(form, [made], leaf, {"at": at}) for at, leaf in enumerate(leaves)]

    def _mapped(self, node: Apply, at: int, leaf: Type) -> Node:
        """Return the operation on one leaf; an array beside trees is the same for all leaves."""
        operands = [
            None
            if argument is None
            else self.trees[argument][at]
            if argument in self.trees
            else self.arrays[argument]
            for argument in node.arguments
        ]
        return self._made(node, operands, leaf, node.options_at(at))

    def _applied(self, node: Apply, type: Type) -> Node:
        operands: list[Node | None] = []
        for argument in node.arguments:
            if argument in self.trees and takes_constraints(node.function.signatures[0]):
                # The costs of constraints are a list of arrays.
                operands += self.trees[argument]
            else:
                operands.append(None if argument is None else self.whole(argument))
        return self._made(node, operands, type, dict(node.options))

    def _made(
        self,
        node: Apply,
        operands: Sequence[Node | None],
        type: Type,
        options: dict[str, object],
    ) -> Node:
        """Return an operation on operands in the dtypes in which its function takes them."""
        function = node.function
        if function.elementwise:
            operands = met(self.graph, function, operands, type, self.default_float)
        elif not function.reduction:
            operands = as_arrays(self.graph, function, operands, type, self.default_float)
        options = {name: self._sized(value) for name, value in options.items()}
        return self._placed(self.graph.apply(function, operands, type, options), node)

    def _concrete(self, type: Type) -> Type:
        """Return the type of an array in a dtype that there is, and in the sizes of the call."""
        made = concrete(type, self.default_float)
        if not self.core.sizes or not isinstance(made, ArrayType) or made.is_sized:
            return made
        dims = (replace(dim, size=self.core.size(dim)) for dim in made.dims or ())
        return replace(made, dims=tuple(dims))

    def _sized(self, value: Any) -> Any:
        """Return an option with sizes in place of dims."""
        match value:
            case Dim():
                return self.core.size(value)
            case tuple() if self.core.sizes:
                return tuple(map(self._sized, value))
            case _:
                return value

    def _placed(self, made: Node, node: Node) -> Node:
        """Return a node, written where the one was that it is made of."""
        if node in self.core.places:
            self.graph.places.setdefault(made, self.core.places[node])
        return made

    # Reductions over every element of every leaf

    def _reduced(self, node: Apply, tree: Node, rest: Sequence[Node | None], type: Type) -> Node:
        """Return the partial results of the leaves combined, or one of all elements end to end."""
        function, leaves = node.function, self.trees[tree]
        assert isinstance(type, ArrayType)
        if not leaves:
            return cast_node(self.graph, self.graph.const(0, type), type)
        if any(operand is not None for operand in rest) or function.across is None:
            beside = [
                None if operand is None else self._beside(operand, leaves) for operand in rest
            ]
            operands = [self._joined(leaves, leaves), *beside]
            return self._made(node, operands, type, dict(node.options))
        partial = [self._partial(node, leaf, type.dtype) for leaf in leaves]
        sizes = tuple(self._size(leaf) for leaf in leaves)
        form, options = of_form(Form.ACROSS), {"by": function.across, "sizes": sizes}
        return self._placed(self.graph.apply(form, partial, type, options), node)

    def _partial(self, node: Apply, leaf: Node, dtype: str) -> Node:
        """Return a reduction of one leaf in the dtype of the whole; a number is its own."""
        type = self.graph.types[leaf]
        assert isinstance(type, ArrayType)
        if type.rank:
            default = self.default_float
            reduced = infer_reduction(Reduction(node.function), type, None, default)
            empty = [None] * (len(node.arguments) - 1)
            leaf = self._made(node, [leaf, *empty], reduced, {**dict(node.options), AXIS: None})
            type = reduced
        return leaf if type.dtype == dtype else cast_node(self.graph, leaf, array(dtype, ()))

    def _beside(self, node: Node, leaves: Sequence[Node]) -> Node:
        """Return the masks or weights of all leaves, end to end."""
        each = self.trees[node] if node in self.trees else [self.arrays[node]] * len(leaves)
        return self._joined(each, leaves)

    def _joined(self, each: Sequence[Node], leaves: Sequence[Node]) -> Node:
        """Return arrays end to end, each spread over its leaf, in the dtype in which they meet."""
        types = [cast("ArrayType", self.graph.types[part]) for part in each]
        # Each is an array here, also the leaf of rank 0.
        arrays = [
            type if type.strength == LITERAL else replace(type, strength=ARRAY) for type in types
        ]
        dtype, _ = promote(arrays, self.default_float)
        sizes = [
            product_dim(cast("ArrayType", self.graph.types[leaf]).dims or ()) for leaf in leaves
        ]
        dims = (combine_dims((1, size) for size in sizes),)
        type = cast("ArrayType", concrete(array(dtype, dims), self.default_float))
        parts = [
            part
            if own.dtype == type.dtype
            else cast_node(self.graph, part, array(type.dtype, own.dims))
            for part, own in zip(each, types, strict=True)
        ]
        options = {"shapes": tuple(self._shape(leaf) for leaf in leaves)}
        return self.graph.apply(of_form(Form.JOINED), parts, type, options)

    def _shape(self, leaf: Node) -> tuple[int, ...]:
        type = self.graph.types[leaf]
        assert isinstance(type, ArrayType) and type.shape is not None
        return type.shape

    def _size(self, leaf: Node) -> int:
        return math.prod(self._shape(leaf))
