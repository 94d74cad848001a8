"""Masks and weights: lined up with the value that they belong to, and combined."""

from __future__ import annotations

from dataclasses import replace

from lossdsl.core.graph import Const
from lossdsl.elaborate import written_trees
from lossdsl.elaborate.apply_elementwise import apply_elementwise
from lossdsl.elaborate.constants import literal
from lossdsl.elaborate.context import Context, Site
from lossdsl.elaborate.usable_leaves import as_read, as_tree, cast_to
from lossdsl.infer.arguments import Value
from lossdsl.infer.explain import explain
from lossdsl.infer.mismatch import Mismatch, StructuresDiffer
from lossdsl.library.declare import of_form, of_operator
from lossdsl.library.syntax_forms import Form
from lossdsl.selectors import Selector
from lossdsl.source import Span
from lossdsl.syntax.options import WEIGHT, WHERE
from lossdsl.types.types import (
    ArrayType,
    Dim,
    Path,
    RecordType,
    TreeType,
    Type,
    UnknownType,
    array,
    arrays_of,
    kind,
    same_dim,
)

_ALIGNED = "`{}` has the leading dims of the value, or dims of the same names"
_CLASSES = "; `class_weight=` weighs classes"


def as_mask(site: Site, value: Value, target: tuple[Value, Span], option: str) -> Value | None:
    """Return a mask or weight fitted to a target, which may be a tree.

    None if it keeps all, and after a diagnostic.
    """
    if _keeps_all(value, option) or not _is_of_kind(site, value.type, option):
        return None
    match target[0].type, value.type:
        case ArrayType() as array_type, ArrayType():
            return align(site, value, array_type, option)
        case ArrayType(), TreeType() | RecordType():
            message = f"`{option}` of an array is an array; this is a tree"
            site.error("LD206", message, str(value.type))
            return None
        case UnknownType(), RecordType():
            return as_tree(site.scope, value)
        case TreeType() as tree, _:
            return _for_tree(site, value, (tree, target[1]), option)
        case _:
            return value


def _keeps_all(value: Value, option: str) -> bool:
    match value.node:
        case Const(bool() as keeps):
            return keeps and option == WHERE and not isinstance(value.type, UnknownType)
        case Const(int() | float() as weight):
            return weight == 1 and option == WEIGHT
        case _:
            return False


def _is_of_kind(site: Site, type: Type, option: str) -> bool:
    """Report a mask of numbers, and a weight of truth values."""
    kinds = {kind(array_type.dtype) for array_type in arrays_of(type)}
    if option == WHERE and kinds & {"int", "float"}:
        site.error(
            "LD214",
            "`where` is true or false",
            str(type),
            help=f"compare it, such as `where={site.span.text} > 0`; `weight=` takes numbers",
        )
        return False
    if option == WEIGHT and "bool" in kinds:
        site.error(
            "LD216",
            "`weight` is a number; this is true or false",
            str(type),
            help=f"`where={site.span.text}`",
        )
        return False
    return True


def _for_tree(site: Site, value: Value, target: tuple[TreeType, Span], option: str) -> Value | None:
    """Line a tree up with a tree leaf by leaf; a scalar is the same for every leaf."""
    tree, tree_span = target
    if isinstance(value.type, ArrayType) and value.type.rank:
        # An array given for a tree is a tree of one leaf, and so is then its mask.
        if tree.leaves is None or [path for path, _ in tree.leaves] != [()]:
            message = f"`{option}` of a tree is a scalar or a tree of the same structure"
            site.error("LD206", message, str(value.type))
            return None
        value = as_tree(site.scope, value)
    elif isinstance(value.type, RecordType):
        value = as_tree(site.scope, value)
    if option == WEIGHT:
        value = as_read(site, _as_floats(site.context, value, tree))
    if not isinstance(value.type, TreeType) or None in (value.type.leaves, tree.leaves):
        return value
    mine, theirs = dict(value.type.leaves or ()), dict(tree.leaves or ())
    if set(mine) != set(theirs):
        if _is_of_numbers(value.type):
            leaves = written_trees.by_name(site, value, tree, option)
            return None if leaves is None else _tree_of(site, *leaves)
        differ = Mismatch(StructuresDiffer(0, 1, (*theirs,), (*mine,)), (tree, value.type))
        site.scope.report(explain(differ, option, (tree_span, site.span)))
        return None
    given = [
        Value(site.graph.leaves(value.node, Selector(exact=path), mine[path]), mine[path])
        for path in theirs
    ]
    fitted: list[Value] = []
    for (path, target_leaf), leaf in zip(theirs.items(), given, strict=True):
        aligned = align(site, leaf, target_leaf, option, path)
        if aligned is None:
            return None
        fitted.append(aligned)
    if fitted == given and list(mine) == list(theirs):
        return value
    return _tree_of(site, list(theirs), fitted)


def _as_floats(context: Context, value: Value, target: TreeType) -> Value:
    """Return whole numbers at the leaves of a weight as floats, as a single number would be.

    Those beyond the leaves of the target stay what they are, such as a count of steps: they
    belong to a leaf that is not read either.
    """
    type = value.type
    if not isinstance(type, TreeType) or type.leaves is None:
        return value
    floats = [path for path, leaf in type.leaves if kind(leaf.dtype) != "int"]
    if floats == [path for path, _ in target.leaves or ()]:
        return value
    leaves = tuple(
        (path, array(context.default_float, ()) if _is_number(leaf, "int") else leaf)
        for path, leaf in type.leaves
    )
    if leaves == type.leaves:
        return value
    return cast_to(context, value, replace(type, leaves=leaves))


def _is_of_numbers(type: Type) -> bool:
    """Say whether a tree has one number at each leaf, which may hold for several of another."""
    leaves = (type.leaves or ()) if isinstance(type, TreeType) else ()
    return bool(leaves) and all(_is_number(leaf) for _, leaf in leaves)


def _is_number(leaf: ArrayType, *kinds: str) -> bool:
    return leaf.dims == () and (not kinds or kind(leaf.dtype) in kinds)


def _tree_of(site: Site, paths: list[Path], leaves: list[Value]) -> Value:
    types = [leaf.type for leaf in leaves if isinstance(leaf.type, ArrayType)]
    tree = TreeType(None, tuple(zip(paths, types, strict=True)))
    nodes = [leaf.node for leaf in leaves]
    form = of_form(Form.BRANCHES)
    return site.apply(form, nodes, tree, {"paths": tuple(paths)})


def align(
    site: Site, value: Value, target: ArrayType, option: str, leaf: Path = ()
) -> Value | None:
    """Give a mask or weight the rank of its target, with size 1 where it does not vary.

    By dim name when both sides have names, else by the leading dims; sizes are exact. None after
    a diagnostic, which names the leaf of the tree that it is about.
    """
    type = value.type
    assert isinstance(type, ArrayType)
    if type.dims == () or type.dims is None or target.dims is None:
        return value
    places = _places(type.dims, target.dims)
    if isinstance(places, str):
        mine, theirs = (", ".join(map(str, dims)) for dims in (type.dims, target.dims))
        reduced = f"the leaf `{'/'.join(leaf)}`" if leaf else "the value"
        site.error(
            "LD212",
            f"`{option}` has {places}",
            f"[{mine}]",
            notes=(f"{reduced} that is reduced is [{theirs}]",),
            help=_ALIGNED.format(option) + (_CLASSES if option == WEIGHT else ""),
        )
        return None
    order = tuple(sorted(range(len(places)), key=places.__getitem__))
    absent = tuple(at for at in range(len(target.dims)) if at not in places)
    if not absent and order == tuple(range(len(order))):
        return value
    dims = tuple(
        type.dims[places.index(at)] if at in places else Dim(1, growable=True)
        for at in range(len(target.dims))
    )
    result = array(type.dtype, dims)
    return site.apply(of_form(Form.ALIGN), [value.node], result, {"order": order, "expand": absent})


def _places(mine: tuple[Dim, ...], theirs: tuple[Dim, ...]) -> tuple[int, ...] | str:
    """Return the axis of the target for each axis of the mask, or what is wrong."""
    if all(dim.terms for dim in mine) and any(dim.terms for dim in theirs):
        axes: list[int] = []
        for dim in mine:
            places = [
                at
                for at, target_dim in enumerate(theirs)
                if target_dim.terms and same_dim(dim, target_dim)
            ]
            free = [at for at in places if at not in axes]
            if not free:
                return f"the dim `{dim}`, which the value lacks"
            axes.append(free[0])
        return tuple(axes)
    if len(mine) > len(theirs):
        return f"{len(mine)} dims where the value has {len(theirs)}"
    for at, (mask_dim, target_dim) in enumerate(zip(mine, theirs, strict=False)):
        # An axis of size 1 that is written, such as by `None`, is the same for all along it.
        if same_dim(mask_dim, target_dim) is False and not (mask_dim.is_one and mask_dim.growable):
            return f"{mask_dim} elements along axis {at}, where the value has {target_dim}"
    return tuple(range(len(mine)))


def both(site: Site, option: str, a: Value | None, b: Value | None) -> Value | None:
    """Combine two masks, which both hold, or weights, which multiply; one may be left out."""
    if a is None or b is None:
        return a if b is None else b
    function = of_operator("and" if option == WHERE else "*")
    return apply_elementwise(site, function, [(a, site.span), (b, site.span)], name=option)


def keep(site: Site, option: str, mask: Value | None, value: Value) -> Value:
    """Select the elements under a mask, with 0 elsewhere; the optimizer sinks it to the inputs."""
    if mask is None:
        return value
    function = of_form(Form.KEEP)
    fill: object = 0
    if isinstance(value.type, ArrayType) and kind(value.type.dtype) == "bool":
        fill = False
    elif not isinstance(value.type, ArrayType) or kind(value.type.dtype) == "float":
        fill = 0.0
    operands = [(mask, site.span), (value, site.span)]
    return apply_elementwise(site, function, operands, {"fill": fill}, name=option)


def nonzero(site: Site, weight: Value) -> Value:
    """Return the mask that a weight implies: where it is not 0."""
    zero = literal(site, 0)
    function = of_operator("!=")
    operands = [(weight, site.span), (zero, site.span)]
    return apply_elementwise(site, function, operands, name=WEIGHT)
