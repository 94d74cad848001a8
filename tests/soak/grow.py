"""Random expressions of given dims, typed by construction, over the whole vocabulary."""

from __future__ import annotations

from collections.abc import Callable

from lossdsl.library import BUILTINS
from lossdsl.syntax import ast
from soak.calls import Unfit, call_of, mask, signatures, written
from soak.expr import Dims, Expr
from soak.templates import TEMPLATES, filled
from soak.world import World

REDUCTIONS = tuple(
    name
    for name in sorted(BUILTINS)
    if BUILTINS[name].reduction and name not in ("any", "all", "count", "prod")
)
OPERATORS = ("{} + {}", "{} - {}", "{}*{}", "{}/(1 + abs({}))", "{}*{} - {}", "{} + 0.5*{}")


def expression(world: World, dims: Dims, depth: int) -> Expr:
    """Return an expression of floating numbers of the dims."""
    random = world.random
    if depth <= 0 or (world.bare(dims) and world.lead is not None):
        return _atom(world, dims)
    pool = world.reusable.setdefault(("expression", dims), [])
    if pool and random.random() < 0.1:
        return random.choice(pool)
    for _ in range(30):
        make = random.choices(_MAKERS, _WEIGHTS)[0]
        try:
            made = make(world, dims, depth)
        except Unfit:
            continue
        pool.append(made)
        return made
    return _atom(world, dims)


def _atom(world: World, dims: Dims) -> Expr:
    if not dims and world.random.random() < 0.3:
        return Expr(f"{world.random.uniform(-2, 2):.3f}")
    return world.array(dims)


def _operator(world: World, dims: Dims, depth: int) -> Expr:
    """Arithmetic of arrays of the same dims, of the last of them, and of numbers."""
    form = world.random.choice(OPERATORS)
    smaller = [dims, dims, dims[1:], ()]
    others = [world.random.choice(smaller) for _ in range(form.count("{}") - 1)]
    return Expr(form, tuple(expression(world, some, depth - 1) for some in [dims, *others]))


def _call(world: World, dims: Dims, depth: int) -> Expr:
    function, signature = world.random.choice(signatures())
    return call_of(function, signature, world, dims, depth, expression)


def _reduction(world: World, dims: Dims, depth: int) -> Expr:
    """A reduction over an axis that is new, by name or by place, perhaps under a mask."""
    random = world.random
    name, axis = random.choice(REDUCTIONS), world.axis()
    at = random.randint(0 if world.bare(dims) else 1, len(dims))
    full = (*dims[:at], axis, *dims[at:])
    options = [("axis", Expr(axis if random.random() < 0.5 else str(at)))]
    if random.random() < 0.4:
        options.append(("where", mask(world, full)))
    if BUILTINS[name].weighted and random.random() < 0.2:
        weights = world.array(full, domains=None)
        options.append(("weight", Expr("square({})", (weights,))))
    return written(name, [("x", expression(world, full, depth - 1)), *options])


def _masked_loss(world: World, dims: Dims, depth: int) -> Expr:
    """A loss with its options, as a scalar."""
    if dims:
        raise Unfit
    random = world.random
    losses = [(f, s) for f, s in signatures() if f.is_loss]
    function, signature = random.choice(losses)
    if not isinstance(signature.result, ast.ArrayTypeExpr) or not signature.result.dims:
        return call_of(function, signature, world, (), depth, expression)
    run = tuple(world.axis() for _ in range(random.randint(0, 2)))
    each: list[str | int] = []
    for dim in signature.result.dims:
        if isinstance(dim, ast.Run):
            each += run
        elif isinstance(dim, ast.DimExpr) and dim.span.text.isidentifier():
            each.append(world.axis())
        else:
            raise Unfit
    call = call_of(function, signature, world, tuple(each), depth, expression)
    reduce = random.choice(["mean", "sum"])
    call = Expr(call.form.replace('"none"', f'"{reduce}"'), call.parts)
    more: list[tuple[str, Expr]] = []
    if random.random() < 0.5:
        more.append(("where", mask(world, tuple(each))))
    if random.random() < 0.3:
        more.append(("weight", Expr("square({})", (world.array(tuple(each)),))))
        if reduce == "mean" and random.random() < 0.3:
            more.append(("normalize", Expr(random.choice(['"count"', '"all"', "3.5"]))))
    form = call.form[:-1] + "".join(f", {name}={{}}" for name, _ in more) + ")"
    return Expr(form, (*call.parts, *(value for _, value in more)))


def _choice(world: World, dims: Dims, depth: int) -> Expr:
    form = world.random.choice(["where({}, {}, {})", "({1} if {0} else {2})"])
    branches = [expression(world, dims, depth - 1) for _ in range(2)]
    return Expr(form, (mask(world, dims), *branches))


def _picked(world: World, dims: Dims, depth: int) -> Expr:
    """An element or a slice of one axis more."""
    at = world.random.randint(0 if world.bare(dims) else 1, len(dims))
    full = (*dims[:at], world.axis(least=1), *dims[at:])
    index = ", ".join([*[":"] * at, world.random.choice(["0", "-1"])])
    return Expr(f"{{}}[{index}]", (expression(world, full, depth - 1),))


def _moved(world: World, dims: Dims, depth: int) -> Expr:
    """The same numbers in another order."""
    first = 0 if world.bare(dims) else 1
    if len(dims) - first < 1:
        raise Unfit
    if world.random.random() < 0.5:
        index = ", ".join([*[":"] * first, "::-1"])
        return Expr(f"{{}}[{index}]", (expression(world, dims, depth - 1),))
    order = list(range(first, len(dims)))
    world.random.shuffle(order)
    order = [*range(first), *order]
    full = tuple(dims[order.index(at)] for at in range(len(dims)))
    axes = f"({', '.join(map(str, order))}{',' if len(order) == 1 else ''})"
    return Expr(f"transpose({{}}, {axes})", (expression(world, full, depth - 1),))


def _product(world: World, dims: Dims, depth: int) -> Expr:
    """A matrix product along a new axis."""
    if len(dims) != 2:
        raise Unfit
    rows, columns = dims
    inner = world.axis()
    form = world.random.choice(["{} @ {}", 'einsum("ij,jk->ik", {}, {})'])
    left = expression(world, (rows, inner), depth - 1)
    return Expr(form, (left, expression(world, (inner, columns), depth - 1)))


def _gathered(world: World, dims: Dims, depth: int) -> Expr:
    """Rows of a table at random places."""
    if not dims:
        raise Unfit
    table, places = world.axis(least=1), dims[:1]
    if world.lead is not None and world.lead in dims[1:]:
        raise Unfit
    size = world.size(table)
    labels = ast.Parameter("y", None, None, False, signatures()[0][1].span)
    pattern = ast.ArrayTypeExpr("int", (), "labels", labels.span)
    index = world.array(places, "int", labels, pattern, classes=size)
    return Expr("take({}, {})", (expression(world, (table, *dims[1:]), depth - 1), index))


def _joined(world: World, dims: Dims, depth: int) -> Expr:
    """Two arrays end to end along a new axis, reduced along it."""
    name = world.random.choice(["mean", "max", "logsumexp"])
    parts = tuple(
        expression(world, (*dims, world.axis()), depth - 1) for _ in range(2)
    )  # fmt: skip
    form = f"{name}(concatenate({{}}, {{}}, axis=-1), axis=-1)"
    if world.random.random() < 0.3 or world.lead is not None:
        parts = tuple(expression(world, dims, depth - 1) for _ in range(2))
        form = f"{name}(stack({{}}, {{}}, axis=-1), axis=-1)"
    return Expr(form, parts)


def _from_tree(world: World, dims: Dims, depth: int) -> Expr:
    """A number that a tree of parameters gives."""
    if dims or world.lead is not None:
        raise Unfit
    forms = (
        "sum(map(square, {}))", "mean({}.encoder.kernel)", 'sum(square({}["bias | kernel"]))',
        "bounds({}, tau >= 1.5)", 'bounds({}, kernel < 0.3, law="quadratic", reduce="mean")',
        'max(abs({}["**", ndim >= 2]))', "{}.layers[1].tau", "mean(mean({}, axis=all))",
        "norm({}.layers)",
    )  # fmt: skip
    return Expr(world.random.choice(forms), (world.tree(),))


def _template(world: World, dims: Dims, depth: int) -> Expr:
    row = world.random.choice(TEMPLATES)
    return filled(row, world, dims, lambda some: expression(world, some, depth - 1))


def _from_record(world: World, dims: Dims, depth: int) -> Expr:
    """A field of a record."""
    return Expr(world.random.choice(["{}.mu", '{}["scale"]']), (world.record(dims),))


_MAKERS: tuple[Callable[[World, Dims, int], Expr], ...] = (
    _operator, _call, _reduction, _masked_loss, _choice, _picked, _moved, _product, _gathered,
    _joined, _from_tree, _from_record, _template,
)  # fmt: skip
_WEIGHTS = (3, 8, 3, 4, 1, 1, 1, 1, 1, 1, 1, 0.5, 4)
