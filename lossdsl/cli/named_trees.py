"""Parameters that a command line names: what a module has or makes, or the file of its shapes.

No array is made: a function is traced for its shapes alone. A file of shapes needs no JAX.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import Any

from lossdsl.cli.modules import Modules
from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.inputs.declarations import static_type
from lossdsl.inputs.given import tree_type
from lossdsl.source import Source
from lossdsl.spec.document import Document, kind
from lossdsl.spec.plain import read_json
from lossdsl.spec.read import read_bytes
from lossdsl.syntax.parse import parse_type
from lossdsl.types.types import ArrayType, TreeType

NAME = "params"
FORM = "parameters are `package.module:name`, or a `.json` file that `lossdsl leaves` wrote"
_MEMBER = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*):([^\W\d]\w*)")


def read_trees(words: Iterable[str]) -> dict[str, TreeType]:
    """Return the trees of `NAME=WORD`, or of a word alone for `params`; raise `LossError`."""
    trees: dict[str, TreeType] = {}
    for each in words:
        name, _, word = each.rpartition("=")
        trees[name or NAME] = read_tree(word)
    return trees


def read_tree(word: str) -> TreeType:
    """Return the leaves of what a word names; raise `LossError` where there are none."""
    if word.lower().endswith(".json"):
        return _from_file(word)
    modules = Modules("LD811", FORM)
    match = _MEMBER.fullmatch(word)
    if match is None:
        raise LossError([modules.unusable(f"`{word}` names no parameters", None, FORM)])
    value = modules.member(match[1], match[2])
    tree = tree_type(NAME, value)
    if tree is None and callable(value):
        tree = modules.run(lambda: _traced(value), word, "when called")
    if tree is None or not tree.leaves:
        message = f"`{word}` is no pytree of arrays, and no function that returns one"
        help = "such as `def abstract_params(): return jax.eval_shape(model.init, key, x)`"
        raise LossError([modules.unusable(message, None, help)])
    return tree


def _traced(function: Callable[[], Any]) -> TreeType | None:
    """Return the leaves of what a function returns, whose arrays are only traced."""
    import jax

    trees: list[TreeType | None] = []

    def call() -> tuple[()]:
        trees.append(tree_type(NAME, function()))
        return ()

    jax.eval_shape(call)
    return trees[0]


def _from_file(name: str) -> TreeType:
    data, diagnostics = read_bytes(name)
    if data is None:
        raise LossError(diagnostics)
    documents, diagnostics = read_json(Source(data.decode("utf-8-sig", "replace"), name))
    if diagnostics:
        raise LossError(diagnostics)
    (document,) = documents
    if not isinstance(document.value, dict) or not document.value:
        message = f"`{name}` holds {kind(document.value)}, not the shapes of leaves by their paths"
        raise LossError([at("LD811", message, document.span(()), help=FORM)])
    leaves = tuple((tuple(path.split("/")), _leaf(document, path)) for path in document.value)
    return TreeType(None, leaves)


def _leaf(document: Document, path: str) -> ArrayType:
    text = document.value[path]
    parsed = parse_type(Source(text))[0] if isinstance(text, str) else None
    type = None if parsed is None else static_type(parsed)
    if isinstance(type, ArrayType) and _is_sized(type):
        return type
    shown = f"`{text}`" if isinstance(text, str) else kind(text)
    message = f"the leaf `{path}` is {shown}, no array of known sizes"
    raise LossError([at("LD811", message, document.span((path,)), help='such as `"f32[3, 4]"`')])


def _is_sized(leaf: ArrayType) -> bool:
    return leaf.dims is not None and all(dim.known is not None for dim in leaf.dims)


def shapes_text(tree: TreeType) -> str:
    """Return the file of a tree's shapes."""
    return json.dumps(shapes_of(tree), indent=1, ensure_ascii=False) + "\n"


def shapes_of(tree: TreeType) -> Mapping[str, str]:
    """Return the types of the leaves of a tree by their paths."""
    return {"/".join(path): str(leaf) for path, leaf in tree.leaves or ()}


def count_of(tree: TreeType) -> int:
    """Return how many numbers a tree holds."""
    return sum(prod(dim.known or 0 for dim in leaf.dims or ()) for _, leaf in tree.leaves or ())
