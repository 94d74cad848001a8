"""From a pytree to the normal paths of its leaves.

A path is what `jax.tree_util.keystr(path, simple=True, separator="/")` prints, split at the
slashes, without the attribute under which a framework's variable box keeps its value. Boxes are
told by the type of the node: a dict key or a field that happens to be `value` stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from lossdsl.types.types import Path

DEPTH = 500
BOXES = {"Variable", "VariableState", "AxisMetadata"}


class Flat(NamedTuple):
    """The leaves of a tree in JAX's order, their normal paths, and the tree's structure."""

    paths: list[Path]
    leaves: list[Any]
    treedef: Any


def flatten(tree: object) -> Flat:
    """Return the normal paths, leaves and structure of a pytree.

    Raises `RecursionError` for one that is nested too deeply, and whatever its nodes raise.

    >>> flatten({"linear/~/out": {"w": 1.0}, "layers": [2.0]}).paths
    [('layers', '0'), ('linear', '~', 'out', 'w')]
    """
    if _is_too_deep(tree):
        # JAX would fail too, and leave the interpreter with less of its stack than before.
        raise RecursionError("a tree that is nested too deeply, or holds itself")
    entries = list(_entries(tree))
    paths = normal_paths([keys for keys, _ in entries])
    return Flat(paths, [leaf for _, leaf in entries], _tree_util().tree_structure(tree))


def _is_too_deep(tree: object) -> bool:
    """Say whether dicts, lists and tuples are nested beyond what JAX takes apart."""
    level = [tree]
    for _ in range(DEPTH):
        inner = [_items(node) for node in level if isinstance(node, (dict, list, tuple))]
        level = list({id(one): one for items in inner for one in items}.values())
        if not level:
            return False
    return True


def _items(node: Any) -> Iterable[Any]:
    return node.values() if isinstance(node, dict) else node


def normal_paths(tree_paths: Sequence[tuple[Any, ...]]) -> list[Path]:
    """Return the segments of paths given as JAX's key entries; boxes are taken as left out."""
    keystr = _tree_util().keystr
    return [
        tuple(segment for key in keys for segment in keystr((key,), simple=True).split("/"))
        for keys in tree_paths
    ]


def duplicates(paths: Sequence[Path]) -> list[Path]:
    """Return the paths that more than one leaf has, each once.

    >>> duplicates([("a", "b"), ("c",), ("a", "b")])
    [('a', 'b')]
    """
    seen: set[Path] = set()
    twice: dict[Path, None] = {}
    for path in paths:
        if path in seen:
            twice[path] = None
        seen.add(path)
    return list(twice)


def _entries(tree: object) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield JAX's key entries and the leaf, without the entries that lead into a box."""
    for keys, node in _tree_util().tree_flatten_with_path(tree, is_leaf=_is_box)[0]:
        if not _is_box(node):
            yield keys, node
            continue
        inside = _children(node)
        for key, child in inside:
            # A box with several children would give them all one path.
            outer = (*keys, *key) if len(inside) > 1 else keys
            for rest, leaf in _entries(child):
                yield (*outer, *rest), leaf


def _children(box: object) -> list[tuple[tuple[Any, ...], Any]]:
    def is_child(node: object) -> bool:
        return node is not box

    return _tree_util().tree_flatten_with_path(box, is_leaf=is_child)[0]


def _is_box(node: object) -> bool:
    """Say whether a node is a variable of flax: of nnx, or metadata around a linen parameter."""
    named = any(
        cls.__name__ in BOXES and cls.__module__.partition(".")[0] == "flax"
        for cls in type(node).__mro__
    )
    return named and not _tree_util().all_leaves([node])


def _tree_util() -> Any:
    import jax

    return jax.tree_util
