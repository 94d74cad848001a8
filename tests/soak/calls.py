"""Calls of library functions whose result has given dims, from nothing but their signatures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from lossdsl.library import BUILTINS
from lossdsl.library.declare import Builtin
from lossdsl.library.domains import Interval
from lossdsl.syntax import ast
from soak.expr import Axis, Dims, Expr
from soak.world import World

Grow = Callable[[World, Dims, int], Expr]


class Unfit(Exception):
    """A signature from which no call of these dims can be made."""


@dataclass
class Call:
    """A call under construction: what the symbols and runs of its signature stand for."""

    function: Builtin
    signature: ast.Signature
    world: World
    grow: Grow
    depth: int
    symbols: dict[str, Axis] = field(default_factory=dict[str, Axis])
    runs: dict[str, Dims] = field(default_factory=dict[str, Dims])
    tree: Expr | None = None

    def bind(self, pattern: tuple[ast.DimExpr | ast.AnyDim | ast.Run, ...], dims: Dims) -> None:
        """Make the dims of the result those of the signature."""
        runs = [at for at, dim in enumerate(pattern) if isinstance(dim, ast.Run)]
        if len(runs) > 1 or len(dims) < len(pattern) - len(runs):
            raise Unfit
        if not runs and len(dims) != len(pattern):
            raise Unfit
        before = runs[0] if runs else len(pattern)
        after = len(pattern) - before - 1 if runs else 0
        if runs:
            run = pattern[before]
            assert isinstance(run, ast.Run)
            self.runs[run.name or ""] = dims[before : len(dims) - after]
        pairs = [*zip(pattern[:before], dims, strict=False)]
        pairs += zip(pattern[len(pattern) - after :], dims[len(dims) - after :], strict=True)
        for dim, axis in pairs:
            symbol = _symbol(dim)
            if symbol.isdigit():
                if axis != int(symbol):
                    raise Unfit
            elif self.symbols.setdefault(symbol, axis) != axis:
                raise Unfit
        lead = self.world.lead
        if lead is not None and lead in dims:
            # Symbols of examples that a loss compares with each other are not called B.
            alone = any(lead in run for run in self.runs.values()) or self.symbols.get("B") == lead
            if not alone:
                raise Unfit

    def dims(self, type: ast.ArrayTypeExpr) -> Dims:
        """Return the dims of a parameter; what is not bound yet gets a new dim."""
        dims: list[Axis] = []
        for dim in type.dims:
            if isinstance(dim, ast.Run):
                if dim.name not in self.runs:
                    if dim.name is None:
                        raise Unfit
                    self.runs[dim.name] = tuple(
                        self.world.axis() for _ in range(self.world.random.randint(0, 2))
                    )
                dims += self.runs[dim.name]
                continue
            symbol = _symbol(dim)
            if symbol.isdigit():
                dims.append(int(symbol))
                continue
            if symbol not in self.symbols:
                self.symbols[symbol] = self.world.axis()
            dims.append(self.symbols[symbol])
        if len(set(dims)) < len(dims):
            raise Unfit  # a dim that occurs twice names no axis
        return tuple(dims)

    def arguments(self) -> Iterator[tuple[str, Expr]]:
        """Yield the arguments by name, optional ones perhaps."""
        for one in self.signature.parameters:
            if one.name in ("where", "weight") or one.variadic:
                if one.variadic:
                    raise Unfit
                continue
            optional = one.default is not None or isinstance(one.type, ast.OptionalTypeExpr)
            given = not optional or self.world.random.random() < 0.35
            type = one.plain_type
            word = type.word if isinstance(type, ast.WordTypeExpr) else ""
            if word == "axes" and len(self.runs.get("S", ())) < (
                1 if self.world.lead is None else 2
            ):
                raise Unfit  # the last axis is there, and is not that of the examples
            if isinstance(type, ast.WordTypeExpr) and word == "axis":
                yield one.name, Expr(str(self.place(type.arguments[0])))
            elif given:
                made = self.argument(one, type)
                if made is not None:
                    yield one.name, made
                elif not optional:
                    raise Unfit

    def place(self, symbol: str) -> int:
        """Return the place of an axis, counted from the end of the first array that has it."""
        for one in self.signature.parameters:
            type = one.plain_type
            if isinstance(type, ast.ArrayTypeExpr):
                names = [d.span.text for d in type.dims]
                if symbol in names:
                    return names.index(symbol) - len(names)
        raise Unfit

    def argument(self, one: ast.Parameter, type: ast.TypeExpr) -> Expr | None:
        """Return an argument of a type; None where none is made here."""
        random = self.world.random
        match type:
            case ast.UnionTypeExpr(options):
                return self.argument(one, random.choice(options))
            case ast.ChoiceTypeExpr(options):
                return Expr(repr(random.choice(options)).replace("'", '"'))
            case ast.WordTypeExpr(word="static", arguments=("bool",)):
                if one.name == "smooth":
                    return None  # the interpreter has the step, and none of its smooth forms
                return Expr(random.choice(["true", "false"]))
            case ast.WordTypeExpr(word="static", arguments=("int",)):
                return self.static(one)
            case ast.TreeTypeExpr(leaf=None):
                form = random.choice(["{}", '{}["kernel"]', '{}["** !bias"]'])
                self.tree = self.tree or Expr(form, (self.world.tree(),))
                return self.tree
            case ast.ArrayTypeExpr():
                return self.array(one, type)
            case _:
                return None

    def static(self, one: ast.Parameter) -> Expr | None:
        """Return a size that the result has, or a small count."""
        if one.name in self.symbols:
            dim = self.symbols[one.name]
            return Expr(str(dim)) if self.world.size(dim) and self.world.names(dim) else None
        return Expr("1") if one.default is None else None

    def array(self, one: ast.Parameter, type: ast.ArrayTypeExpr) -> Expr | None:
        """Return an operand: an expression brought into the role and domain of its parameter."""
        dims, random = self.dims(type), self.world.random
        classes = self.world.size(next((self.symbols[s] for s in self.classes()), 3))
        domain = self.function.domains.get(one.name)
        as_input = {"domains": self.function.domains, "classes": classes}
        whole = type.dtype in ("int", "bool")
        if type.role == "labels" and not classes:
            raise Unfit
        if one.name in self.function.positions and one.default is not None:
            return None  # lengths and the like, which hang on each other
        if whole and type.dtype == "bool":
            return mask(self.world, dims)
        plain = whole or type.role in ("labels", "one_hot", "spikes", "mask", "signs")
        if plain or (type.role in (None, "target") and domain is None and random.random() < 0.3):
            return self.world.array(dims, type.dtype, one, type, **as_input)
        if not dims and random.random() < 0.6:
            return Expr(number(domain, random.random()))
        inner = self.grow(self.world, dims, self.depth - 1)
        over_classes = bool(type.dims) and not isinstance(type.dims[-1], ast.Run)
        match type.role:
            case "probs" if over_classes:
                return Expr("softmax({}, axis=-1)", (inner,)) if classes else None
            case "probs":
                return Expr("sigmoid({})", (inner,))
            case "log_probs":
                return Expr("log_softmax({}, axis=-1)", (inner,))
            case "var" | "std":
                return Expr("softplus({}) + 0.1", (inner,))
            case _:
                return inner if domain is None else inside(domain, inner)

    def classes(self) -> Iterator[str]:
        """Yield the symbols that count classes, the likeliest first."""
        yield from (name for name in ("classes", "K") if name in self.symbols)


def inside(domain: Interval, expr: Expr) -> Expr:
    """Bring an expression into a domain, away from its ends."""
    low, high = domain.low, domain.high
    infinite = float("inf")
    if low == -infinite:
        return Expr(f"{high - 0.1!r} - abs({{}})", (expr,))
    if high == infinite:
        return Expr(f"{low + 0.1!r} + abs({{}})", (expr,))
    span = high - low
    return Expr(f"{low + 0.1 * span!r} + {0.8 * span!r}*sigmoid({{}})", (expr,))


def number(domain: Interval | None, at: float) -> str:
    """Return a literal in a domain."""
    low, high = (-1.0, 2.0) if domain is None else (domain.low, domain.high)
    low = high - 3 if low == float("-inf") else low
    high = low + 3 if high == float("inf") else high
    return f"{low + (high - low) * (0.1 + 0.8 * at):.3f}"


def mask(world: World, dims: Dims) -> Expr:
    """Return a condition over dims."""
    form = world.random.choice(["{}", "{}", "not {}", "{} > 0.25", "{} <= 1"])
    return Expr(form, (world.array(dims, "float" if ">" in form or "<" in form else "bool"),))


def _symbol(dim: ast.DimExpr | ast.AnyDim | ast.Run) -> str:
    text = dim.span.text
    if not (text.isidentifier() or text.isdigit()) or text == "_":
        raise Unfit
    return text


@lru_cache(maxsize=1)
def signatures() -> tuple[tuple[Builtin, ast.Signature], ...]:
    """Return every signature of the library whose result is an array, but for reductions."""
    return tuple(
        (function, signature)
        for function in map(BUILTINS.__getitem__, sorted(BUILTINS))
        for signature in function.signatures
        if not function.reduction and function.rule is None and not function.is_schedule
    )


def call_of(
    function: Builtin, signature: ast.Signature, world: World, dims: Dims, depth: int, grow: Grow
) -> Expr:
    """Return a call whose unreduced value has the dims; raises `Unfit`."""
    result = signature.result
    call = Call(function, signature, world, grow, depth)
    if isinstance(result, ast.TreeTypeExpr):
        if dims:
            raise Unfit
    elif not isinstance(result, ast.ArrayTypeExpr) or result.dtype in ("bool", "int"):
        raise Unfit
    elif function.elementwise:
        return _lifted(call, dims)
    else:
        call.bind(result.dims, dims)
    given = [*call.arguments()]
    loss = function.is_loss and isinstance(result, ast.ArrayTypeExpr)
    more = [("reduce", Expr('"none"'))] if loss and dims else []
    if loss and not dims and result.dims:
        raise Unfit
    return written(function.name, [*given, *more])


def _lifted(call: Call, dims: Dims) -> Expr:
    """An elementwise function of arrays of the dims, or of some of them."""
    given: list[tuple[str, Expr]] = []
    lifted = False
    for one in call.signature.parameters:
        type = one.plain_type
        optional = one.default is not None
        if isinstance(type, ast.ArrayTypeExpr) and not optional:
            world, domain = call.world, call.function.domains.get(one.name)
            full = not lifted or world.random.random() < 0.7
            some = dims if full else world.random.choice([(), dims[len(dims) // 2 :]])
            if type.dtype == "bool":
                given.append((one.name, mask(world, some)))
                continue
            lifted = lifted or full
            inner = call.grow(world, some, call.depth - 1)
            given.append((one.name, inner if domain is None else inside(domain, inner)))
        elif not optional or call.world.random.random() < 0.35:
            made = call.argument(one, type)
            if made is not None:
                given.append((one.name, made))
            elif not optional:
                raise Unfit
    if not lifted:
        raise Unfit
    return written(call.function.name, given)


def written(name: str, arguments: list[tuple[str, Expr]]) -> Expr:
    """Return a call: its first argument by position, the rest by name, constants in its text."""
    forms: list[str] = []
    parts: list[Expr] = []
    for at, (key, value) in enumerate(arguments):
        constant = not value.parts and not value.form.startswith("x")
        forms.append(("" if at == 0 else f"{key}=") + (value.form if constant else "{}"))
        parts += [] if constant else [value]
    return Expr(f"{name}({', '.join(forms)})", tuple(parts))
