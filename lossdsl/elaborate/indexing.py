"""Indexing: static slices of arrays, selectors of trees, fields of records."""

from __future__ import annotations

from lossdsl.elaborate import expressions, selections
from lossdsl.elaborate.context import Scope, Site
from lossdsl.infer.arguments import Value
from lossdsl.infer.statics import static_dim
from lossdsl.library.declare import of_form
from lossdsl.library.syntax_forms import Form
from lossdsl.syntax import ast
from lossdsl.types.types import (
    UNKNOWN,
    UNKNOWN_DIM,
    ArrayType,
    Dim,
    RecordType,
    TreeType,
    Type,
    UnknownType,
    combine_dims,
    literal_dim,
)

Item = ast.Expr | ast.Slice | ast.Dots


def index(scope: Scope, expr: ast.Index) -> Value:
    """Return what an index picks: elements of an array, leaves of a tree, a record's field."""
    base = expressions.elaborate(scope, expr.value)
    first = expr.items[0] if expr.items else None
    match base.type, first:
        case _, ast.Text(text) if not isinstance(base.type, ArrayType):
            if isinstance(base.type, RecordType) and len(expr.items) == 1 and not expr.keywords:
                return selections.step(scope.at(expr.span), base, text)
            filters = tuple(item for item in expr.items[1:] if isinstance(item, ast.Comparison))
            if len(filters) != len(expr.items) - 1:
                return _refused(scope.at(expr.span), "a selector is followed by filters")
            selector = selections.selector_of(scope.at(first.span), text, expr.keywords, filters)
            if selector is None:
                return scope.unknown()
            return selections.selected(scope.at(expr.span), base, selector)
        case ArrayType(), ast.Text():
            return _refused(
                scope.at(expr.span),
                "a selector picks leaves of a tree; this is an array",
                str(base.type),
            )
        case ((TreeType() | RecordType()), _):
            return _position(scope, base, expr)
        case UnknownType(), _:
            for item in expr.items:
                _elaborate_item(scope, item)
            return _undecided(scope, base, UNKNOWN, expr)
        case ArrayType() as type, _:
            if expr.keywords:
                return _refused(scope.at(expr.span), "an array index has no keywords")
            return _slice(scope, Value(base.node, type), expr)
        case _:
            raise AssertionError(base.type)


def _undecided(scope: Scope, base: Value, type: Type, expr: ast.Index) -> Value:
    """Return what is picked of an array of unknown rank, or of what may be a tree as well."""
    items = tuple(item.span.text for item in expr.items)
    form = of_form(Form.INDEX)
    return scope.at(expr.span).undecided(form, [base.node], type, {"items": items})


def _refused(site: Site, message: str, text: str = "", help: str | None = None) -> Value:
    return site.error("LD218", message, text, help)


def _position(scope: Scope, base: Value, expr: ast.Index) -> Value:
    """Go to an element of a sequence inside a tree."""
    if len(expr.items) == 1 and isinstance(expr.items[0], ast.Expr) and not expr.keywords:
        position = static_dim(expressions.argument(scope, expr.items[0]))
        if position is not None and position.known is not None:
            return selections.step(scope.at(expr.span), base, str(position.known))
    message, help = "a tree is indexed by a selector or a position", None
    match expr.items:
        case (ast.Name(name),):
            help = f'a selector is a text: write it in quotes: `"{name}"`'
        case _:
            pass
    return _refused(scope.at(expr.span), message, str(base.type), help)


def _elaborate_item(scope: Scope, item: Item) -> None:
    parts = (item.start, item.stop, item.step) if isinstance(item, ast.Slice) else (item,)
    for part in parts:
        if part is not None and not isinstance(part, ast.Dots):
            expressions.argument(scope, part)


def _slice(scope: Scope, base: Value, expr: ast.Index) -> Value:
    type = base.type
    assert isinstance(type, ArrayType)
    if type.dims is None:
        for item in expr.items:
            _elaborate_item(scope, item)
        return _undecided(scope, base, ArrayType(type.dtype, None), expr)
    taken = sum(not isinstance(i, ast.Dots) and not _is_new_axis(i) for i in expr.items)
    dots = sum(isinstance(item, ast.Dots) for item in expr.items)
    if dots > 1 or taken > len(type.dims):
        message = (
            "an index has one `...` at most"
            if dots > 1
            else f"{taken} indices for an array of {len(type.dims)} dims"
        )
        return _refused(scope.at(expr.span), message, str(type))
    items: list[tuple[object, ...]] = []
    dims: list[Dim] = []
    axis = 0
    for item in (*expr.items, *(() if dots else (ast.Dots(expr.span),))):
        if isinstance(item, ast.Dots):
            for dim in type.dims[axis : axis + len(type.dims) - taken]:
                items.append(("slice", None, None, None))
                dims.append(dim)
            axis += len(type.dims) - taken
        elif _is_new_axis(item):
            items.append(("new",))
            dims.append(Dim(1, growable=True))
        else:
            picked = _pick(scope, item, type.dims[axis])
            if picked is None:
                return scope.unknown()
            entry, dim = picked
            items.append(entry)
            dims += [] if dim is None else [dim]
            axis += 1
    while items and items[-1] == ("slice", None, None, None):
        items.pop()
    if not items:
        return base
    result = ArrayType(type.dtype, tuple(dims), role=type.role).with_dims(tuple(dims))
    return scope.at(expr.span).apply(
        of_form(Form.INDEX), [base.node], result, {"items": tuple(items)}
    )


def _is_new_axis(item: Item) -> bool:
    return isinstance(item, ast.Literal) and item.value is None


def _pick(scope: Scope, item: Item, dim: Dim) -> tuple[tuple[object, ...], Dim | None] | None:
    """Return the static entry of one index and the dim it leaves; None after a diagnostic."""
    if isinstance(item, ast.Slice):
        return _range(scope, item, dim)
    assert not isinstance(item, ast.Dots)
    value = expressions.argument(scope, item)
    position = static_dim(value)
    if position is None:
        if isinstance(value, Value) and isinstance(value.type, UnknownType):
            return None
        scope.at(item.span).error(
            "LD218",
            "an index is static",
            str(value.type) if isinstance(value, Value) else "",
            help="gather by an integer array with `take(x, index)` or `take_along(x, index)`",
        )
        return None
    size, at = dim.known, position.known
    if size is not None and at is not None:
        place = _place(position, dim)
        if not -size <= place < size:
            message = f"index {position} is outside an axis of size {size}"
            scope.at(item.span).error("LD218", message)
            return None
        return ("at", place), None
    return ("at", position if at is None else at), None


def _range(scope: Scope, item: ast.Slice, dim: Dim) -> tuple[tuple[object, ...], Dim] | None:
    bounds: list[Dim | None] = []
    for part in (item.start, item.stop, item.step):
        if part is None:
            bounds.append(None)
            continue
        given = expressions.argument(scope, part)
        value = static_dim(given)
        if value is None:
            if not (isinstance(given, Value) and isinstance(given.type, UnknownType)):
                scope.at(part.span).error("LD218", "the bounds of a slice are static")
            return None
        bounds.append(value)
    start, stop, step = bounds
    if step is not None and step.known == 0:
        scope.at(item.span).error("LD218", "a slice cannot step by 0")
        return None
    places = [b if b is None or b.known is None else _place(b, dim) for b in (start, stop)]
    places.append(step if step is None or step.known is None else step.known)
    entry = ("slice", *places)
    if start is None and stop is None and step is None:
        return entry, dim
    symbolic = _symbolic_range(dim, start, stop, step)
    known = [place for place in places if not isinstance(place, Dim)]
    if dim.known is None or len(known) < 3:
        return entry, symbolic
    size = len(range(*slice(*known).indices(dim.known)))
    return entry, symbolic if symbolic.terms and symbolic.known == size else literal_dim(size)


def _symbolic_range(dim: Dim, start: Dim | None, stop: Dim | None, step: Dim | None) -> Dim:
    if start is None and stop is None and step == Dim(-1):
        return dim
    if step is not None and step != Dim(1):
        return UNKNOWN_DIM

    def place(bound: Dim | None, default: Dim) -> Dim:
        if bound is None:
            return default
        match _is_from_end(bound, dim):
            case None:
                return UNKNOWN_DIM
            case True:
                return combine_dims([(1, dim), (1, bound)])
            case False:
                return bound

    return combine_dims([(1, place(stop, dim)), (-1, place(start, Dim(0)))])


def _is_from_end(bound: Dim, axis: Dim) -> bool | None:
    """Say whether a bound counts from the end of an axis; None if only its value tells.

    By what it is written as, not by its value: `-B` counts from the end for a `B` of 0 too, and
    `T-5` from the start for a `T` of 3. Of an axis `N`, so do `B-N` and `N-B`.
    """
    if bound.constant is None:
        return None
    if not bound.terms:
        return bound.constant < 0
    signs = _signs(bound)
    if len(signs) == 1:
        return -1 in signs
    if 1 not in _signs(combine_dims([(1, bound), (-1, axis)])):
        return False
    return True if -1 not in _signs(combine_dims([(1, bound), (1, axis)])) else None


def _signs(dim: Dim) -> set[int]:
    """Return the signs with which sizes occur in a size; both where it is unknown."""
    return {-1, 1} if dim.constant is None else {1 if k > 0 else -1 for _, k in dim.terms}


def _place(bound: Dim, axis: Dim) -> int:
    """Return a known bound as one that Python counts from the same end."""
    assert bound.known is not None
    from_end = _is_from_end(bound, axis)
    if axis.known is None or from_end is None or from_end == (bound.known < 0):
        return bound.known
    return bound.known + axis.known if from_end else bound.known - axis.known - 1
