"""From a pytree to the normal paths of its leaves.

A path is what `jax.tree_util.keystr(path, simple=True, separator="/")` prints, split at the
slashes, without the attribute under which a framework's variable box keeps its value. Boxes are
told by the type of the node: a dict key or a field that happens to be `value` stays. The leaves of
an nnx module that are in no `nnx.Param`, such as batch statistics, are no parameters of it, and a
function in a module is how it computes; in a dict it is a mistake.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from lossdsl.types.types import Path
from lossdsl.types.unread_leaves import Unread, unread

DEPTH = 500
BOXES = {"Variable", "VariableState", "AxisMetadata"}


class Flat(NamedTuple):
    """The leaves of a tree in JAX's order, their normal paths, and the tree's structure.

    `unread` says of each leaf what it is if no loss can read it.
    """

    paths: list[Path]
    leaves: list[Any]
    treedef: Any
    unread: list[Unread | None]

    @property
    def read(self) -> list[int]:
        """The positions of the leaves that a loss can read."""
        return [place for place, reason in enumerate(self.unread) if reason is None]

    def rebuilt(self, leaves: Sequence[Any]) -> Any:
        """Return the tree with other leaves; one that stands for what JAX cannot take is none."""
        own = [leaf for leaf in leaves if not isinstance(leaf, Unread)]
        return _tree_util().tree_unflatten(self.treedef, own)

    def unread_of(self, name: str) -> tuple[tuple[Path, Unread], ...]:
        """Return the other leaves by path, with the names that messages give them."""
        return tuple(
            (path, reason.at("/".join((name, *path))))
            for path, reason in zip(self.paths, self.unread, strict=True)
            if reason is not None
        )


def flatten(tree: object) -> Flat:
    """Return the normal paths, leaves and structure of a pytree.

    Raises `RecursionError` for one that is nested too deeply, and whatever its nodes raise.

    >>> flatten({"linear/~/out": {"w": 1.0}, "layers": [2.0]}).paths
    [('layers', '0'), ('linear', '~', 'out', 'w')]
    """
    if _is_too_deep(tree):
        # JAX would fail too, and leave the interpreter with less of its stack than before.
        raise RecursionError("a tree that is nested too deeply, or holds itself")
    entries = list(_entries(tree, None))
    paths = normal_paths([keys for keys, _, _ in entries])
    unread_leaves = [box or _unread(keys, leaf) for keys, leaf, box in entries]
    leaves = [leaf for _, leaf, _ in entries]
    return Flat(paths, leaves, _tree_util().tree_structure(tree), unread_leaves)


def _is_too_deep(tree: object) -> bool:
    """Say whether dicts, lists and tuples are nested beyond what JAX takes apart."""
    level = [tree]
    for _ in range(DEPTH):
        inner = [_items(node) for node in level if isinstance(node, (dict, list, tuple))]
        level = list({id(item): item for items in inner for item in items}.values())
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


def _unread(keys: tuple[Any, ...], leaf: object) -> Unread | None:
    """Return what a leaf is that no loss can read, in a module or in a plain container."""
    reason = unread(leaf)
    if reason is None or not any(isinstance(key, _tree_util().GetAttrKey) for key in keys):
        return reason
    return reason.in_module()


def _entries(
    tree: object, module: Unread | None
) -> Iterator[tuple[tuple[Any, ...], Any, Unread | None]]:
    """Yield JAX's key entries and the leaf, without the entries that lead into a box.

    Each comes with what it is if it is no parameter of the module that it belongs to; `module` is
    that of a leaf in no box, None outside of modules.
    """
    for keys, node in _tree_util().tree_flatten_with_path(tree, is_leaf=_is_inner)[0]:
        if isinstance(node, Unread) or not _is_inner(node):
            yield keys, node, module
            continue
        inside = _children(node)
        is_box = _is_box(node)
        within = module
        if is_box and module is not None:
            within = None if _is_flax(node, "Param") else _no_parameter(type(node).__name__)
        elif not is_box:
            within = Unread("in no `nnx.Param`", help="wrap it, or pass it as an input of its own")
        for key, child in inside:
            # A box with several children would give them all one path.
            outer = keys if is_box and len(inside) == 1 else (*keys, *key)
            for rest, leaf, reason in _entries(child, within):
                yield (*outer, *rest), leaf, reason


def _children(box: object) -> list[tuple[tuple[Any, ...], Any]]:
    def is_child(node: object) -> bool:
        return node is not box

    return _tree_util().tree_flatten_with_path(box, is_leaf=is_child)[0]


def _no_parameter(kind: str) -> Unread:
    help = f"pass it as an input of its own: `nnx.state(model, nnx.{kind})`"
    return Unread(f"in an `nnx.{kind}`, no parameter of the module", help=help)


def _is_inner(node: object) -> bool:
    """Say whether a node is walked by itself: a box, a module of nnx, or a leaf that is marked."""
    return isinstance(node, Unread) or _is_box(node) or _is_module(node)


def _is_box(node: object) -> bool:
    """Say whether a node is a variable of flax: of nnx, or metadata around a linen parameter."""
    return _is_flax(node, *BOXES) and not _tree_util().all_leaves([node])


def _is_module(node: object) -> bool:
    return _is_flax(node, "Module") and not _tree_util().all_leaves([node])


def _is_flax(node: object, *names: str) -> bool:
    return any(
        cls.__name__ in names and cls.__module__.partition(".")[0] == "flax"
        for cls in type(node).__mro__
    )


def _tree_util() -> Any:
    import jax

    return jax.tree_util
