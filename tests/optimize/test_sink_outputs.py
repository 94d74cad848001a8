"""Masks are sunk through operations with several outputs, and to the leaves that one reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from user_functions import kernel

import lossdsl
from lossdsl.library import follow
from lossdsl.library.declare import Builtin
from lossdsl.types.types import ArrayType, Dim, RecordType, Type, array

NAN, INF = np.nan, np.inf
GARBAGE = np.array([NAN, 0.0, -INF])
R, S = np.array([True, False, True, False]), np.array([False, False, True, True])
M = np.array([[True, True, False], [False, True, True], [True, False, False], [False] * 3])
X = np.arange(1.0, 13.0).reshape(4, 3)
W = 0.7


def record(**outputs: int | Mapping[str, Any]) -> Callable[[Any], Type]:
    """Return a rule: by output, how many of the axes of the operand it lacks, from the right."""

    def rule(call: Any) -> Type:
        given: ArrayType = call.array("x")

        def type(lacks: int | Mapping[str, Any]) -> Type:
            if isinstance(lacks, int):
                dims = given.dims
                return array(given.dtype, None if dims is None else dims[: len(dims) - lacks])
            return RecordType(tuple((name, type(one)) for name, one in lacks.items()))

        return type(outputs)

    return rule


def both(x: Any) -> list[Any]:
    return [jnp.log(x), jnp.sqrt(x)]


def rows(x: Any) -> list[Any]:
    return [jnp.log(x).sum(-1), jnp.sqrt(x)]


def shares(x: Any) -> list[Any]:
    return [jnp.log(x), jnp.sqrt(x) / jnp.sqrt(x).sum(-1, keepdims=True)]


def nested(x: Any) -> list[Any]:
    return [jnp.log(x), jnp.log(x).sum(-1), jnp.sqrt(x)]


def ends(x: Any) -> list[Any]:
    return [x[:, :1], x[:, 1:]]


def halves(call: Any) -> Type:
    given: ArrayType = call.array("x")
    rows = (given.dims or ())[:1]
    first, last = (array(given.dtype, (*rows, Dim(size))) for size in (1, 2))
    return RecordType((("first", first), ("last", last)))


def by_output(call: follow.Operand) -> follow.Axes:
    return (0, 1) if call.output == ("low",) else (0, None)


def of_leaf(call: Any) -> Type:
    _, first = call.types["r"].leaves[0]
    return array(first.dtype, first.dims)


def gap(r: Any) -> Any:
    first, second = r
    return jnp.log(first) + (second if second.ndim == 2 else second[:, None])


TWO = "(x: float[*S]) -> tree"
MINE: tuple[Builtin, ...] = (
    kernel(f"two{TWO}", both, rule=record(low=0, root=0), axes=follow.same, partial={"x": 1.0}),
    kernel(f"rows{TWO}", rows, rule=record(low=1, root=0), axes=follow.leading),
    kernel(f"same{TWO}", rows, rule=record(low=1, root=0), axes=follow.same),
    kernel(f"shares{TWO}", shares, rule=record(low=0, root=0), axes=by_output),
    kernel(
        f"nested{TWO}", nested, rule=record(a={"low": 0, "b": {"sum": 1}}, root=0),
        axes=follow.leading,
    ),
    kernel(f"ends{TWO}", ends, rule=halves, axes=lambda call: (0, None), sink="pick"),
    kernel(f"bare{TWO}", both, rule=record(low=0, root=0)),
    kernel("gap(r: tree) -> float[*S]", gap, rule=of_leaf, axes=follow.leading),
    kernel("bare_gap(r: tree) -> float[*S]", gap, rule=of_leaf),
)  # fmt: skip
LIBRARY = lossdsl.Library.of(*MINE)


@dataclass(frozen=True)
class Row:
    """A text, and its value over the rows or elements that its masks keep, by NumPy's rules."""

    text: str
    kept: Callable[[Any, Any], Any]
    mask: Any = field(default_factory=lambda: R[:, None])  # where `x` is read by what is kept


def log(x: Any) -> Any:
    return jnp.log(x)


def sqrt(x: Any) -> Any:
    return jnp.sqrt(x)


ROWS = {
    "one output": Row("mean(two(w*x).low, where=r)", lambda x, w: log(w * x[R]).mean()),
    "both outputs": Row(
        "mean(two(w*x).low*two(w*x).root, where=r)",
        lambda x, w: (log(w * x[R]) * sqrt(w * x[R])).mean(),
    ),
    "elements": Row("mean(two(w*x).low, where=m)", lambda x, w: log(w * x[M]).mean(), M),
    "different masks": Row(
        "mean(two(w*x).low, where=r) + mean(two(w*x).root, where=s)",
        lambda x, w: log(w * x[R]).mean() + sqrt(w * x[S]).mean(),
        (R | S)[:, None],
    ),
    "masks of different ranks": Row(
        "mean(rows(w*x).low, where=r) + mean(rows(w*x).root, where=m)",
        lambda x, w: log(w * x[R]).sum(-1).mean() + sqrt(w * x[M]).mean(),
        R[:, None] | M,
    ),
    "an output without an axis": Row(
        "mean(same(w*x).low, where=r)", lambda x, w: log(w * x[R]).sum(-1).mean()
    ),
    "an output beside one without": Row(
        "mean(same(w*x).root, where=m)", lambda x, w: sqrt(w * x[M]).mean(), M
    ),
    "outputs of different ranks together": Row(
        "mean(rows(w*x).low[:, None] + rows(w*x).root, where=r)",
        lambda x, w: (log(w * x[R]).sum(-1, keepdims=True) + sqrt(w * x[R])).mean(),
    ),
    "an output that couples": Row(
        "mean(shares(w*x).root, where=r)",
        lambda x, w: (sqrt(w * x[R]) / sqrt(w * x[R]).sum(-1, keepdims=True)).mean(),
    ),
    "an output that does not couple": Row(
        "mean(shares(w*x).low, where=m)", lambda x, w: log(w * x[M]).mean(), M
    ),
    "a record in a record": Row(
        "mean(nested(w*x).a.low, where=m) + mean(nested(w*x).a.b.sum, where=r)",
        lambda x, w: log(w * x[M]).mean() + log(w * x[R]).sum(-1).mean(),
        R[:, None] | M,
    ),
    "one in the other": Row(
        "mean(two(1 + two(w*x).root).low, where=m)",
        lambda x, w: log(1 + sqrt(w * x[M])).mean(),
        M,
    ),
    "what is picked": Row(
        "mean(two(ends(w*x).last).low, where=r)", lambda x, w: log(w * x[R][:, 1:]).mean(),
        R[:, None] & np.array([False, True, True]),
    ),
    "a branch": Row("mean(two(w*x).low if m else 0*w)", lambda x, w: log(w * x[M]).sum() / 12, M),
    "a tree of outputs": Row(
        "mean({a: two(w*x).low, b: {c: two(w*x).root}}, where={a: m, b: {c: r[:, None]}})",
        lambda x, w: (log(w * x[M]).sum() + sqrt(w * x[R]).sum()) / (M.sum() + 6),
        R[:, None] | M,
    ),
    "a record as a tree": Row(
        "mean({a: two(w*x)}, where={a: {low: m, root: r[:, None]}})",
        lambda x, w: (log(w * x[M]).sum() + sqrt(w * x[R]).sum()) / (M.sum() + 6),
        R[:, None] | M,
    ),
    "a record as an argument": Row(
        "mean(gap(two(w*x)), where=m)", lambda x, w: (log(log(w * x)) + sqrt(w * x))[M].mean(), M
    ),
    "a built record as an argument": Row(
        "mean(gap({a: w*x, b: sum(w*x, axis=1)}), where=r)",
        lambda x, w: (log(w * x[R]) + (w * x[R]).sum(-1, keepdims=True)).mean(),
    ),
    "a passed record as an argument": Row(
        "p: {a: f32[B, C], b: f32[B]}\nw: f32\nr: bool[B]\nmean(w*gap(p), where=r)",
        lambda x, w: (w * (log(x[R]) + x[R][:, :1])).mean(),
    ),
    "more masks than copies": Row(
        "y = w*x\nloss = " + " + ".join(
            f"mean(two(y).{output}[:, {at}:{at + 1}], where={mask}[:, None])"
            for output in ("low", "root") for at in range(3) for mask in ("r",)
        ),
        lambda x, w: 3 * (log(w * x[R]).mean() + sqrt(w * x[R]).mean()),
    ),
}  # fmt: skip


def solved(text: str, x: Any) -> tuple[Any, tuple[Any, Any]]:
    """Return the value of a text and its gradients in `x` and `w`."""
    loss = lossdsl.compile(text, library=LIBRARY)

    def value(x: Any, w: Any) -> Any:
        given = {"x": x, "w": w, "r": R, "s": S, "m": M, "p": {"a": x, "b": x[:, 0]}}
        return loss(**{name: given[name] for name in loss.signature})

    return jax.value_and_grad(value, (0, 1))(x, jnp.asarray(W))


@pytest.fixture(autouse=True)
def x64() -> Any:
    with jax.enable_x64(True):
        yield


CLEAN = X + 3


@jax.jit
def all_solved(given: dict[str, Any]) -> dict[str, Any]:
    """Solve every row at an `x` of its own: one program for all of them, and for all garbage."""
    return {name: solved(ROWS[name].text.replace("f32", "f64"), x) for name, x in given.items()}


@lru_cache
def dirty(garbage: float) -> dict[str, Any]:
    """Return what every row gives with garbage where its masks leave something out."""
    given = {name: np.where(row.mask, CLEAN, garbage) for name, row in ROWS.items()}
    return jax.device_get(all_solved(given))


@lru_cache
def unmasked() -> dict[str, Any]:
    """Return what every row gives where nothing is a number."""
    return jax.device_get(all_solved({name: np.full(X.shape, NAN) for name in ROWS}))


@lru_cache
def selected() -> dict[str, Any]:
    """Return value and slopes of what is kept; the oracle selects before it computes."""

    @jax.jit
    def every(x: Any, w: Any) -> dict[str, Any]:
        return {name: jax.value_and_grad(row.kept, (0, 1))(x, w) for name, row in ROWS.items()}

    return jax.device_get(every(CLEAN, W))


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("garbage", [*GARBAGE, 5.0])
def test_value_and_gradient_are_those_of_what_is_kept(name: str, garbage: float) -> None:
    value, (of_x, of_w) = dirty(garbage)[name]
    wanted, (x_slope, w_slope) = selected()[name]
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    np.testing.assert_allclose(of_x, x_slope, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(of_w, w_slope, rtol=1e-9, atol=1e-15)
    # What is not masked shows.
    assert np.isnan(unmasked()[name][0])


@pytest.mark.parametrize("call", ["bare(w*x).low", "bare_gap({a: w*x, b: w*x[:, 0]})"])
def test_a_mask_stops_before_a_function_without_facts(call: str) -> None:
    x, text = jnp.asarray(X + 3), f"mean({call}, where=r)"
    value, (of_x, of_w) = solved(text, x)
    other, (others, w) = solved(text, x.at[1].set(5.0))
    assert (value, of_w) == (other, w)
    np.testing.assert_array_equal(of_x[R], others[R])
    poisoned, (poison, w) = solved(text, x.at[1].set(NAN))
    assert poisoned == value
    assert np.isnan(w) and np.isnan(poison[1]).all()
    np.testing.assert_array_equal(of_x[R], poison[R])
