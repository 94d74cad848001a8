"""Values in chunks: a loss has the value and the gradient that it has without chunks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lossdsl

ROWS, FEATURES, CLASSES = 48, 6, 40
WHOLE = ROWS * CLASSES * 4

# Texts, of which each has one large value.
TEXTS = [
    "cross_entropy(h @ w, y)",
    "cross_entropy(h @ w + c, y)",
    "cross_entropy(h @ w, y, reduce='sum')",
    "mean(cross_entropy(h @ w, y, reduce='none')**2)",
    "max(cross_entropy(h @ w, y, reduce='none'))",
    "cross_entropy(h @ w, y, where=kept)",
    "cross_entropy(h @ w, y, ignore_index=3)",
    "cross_entropy(h @ w, y, smoothing=0.1)",
    "cross_entropy(h @ w, y, class_weight=exp(c))",
    "cross_entropy(h @ w, y, class_weight=exp(c), smoothing=0.1, ignore_index=3, where=kept)",
    "cross_entropy(h @ w, y, weight=r)",
    "cross_entropy(h @ w, y, class_where=broadcast(c > 0, like=t) or one_hot(y, 40) > 0)",
    "linear_cross_entropy(h, w, y, bias=c)",
    "z = h @ w  loss = cross_entropy(z, y) + 1e-2*z_loss(z)",
    "z = h @ w  loss = cross_entropy(z, y) + max(logsumexp(z, axis=1))",
    "focal(h @ w, y)",
    "kl(softmax(t), log_softmax(h @ w))",
    "cross_entropy(h @ w, softmax(t))",
    "mean(square(softmax(h @ w) @ c))",
    "cross_entropy(einsum('nd,dk->nk', h, w), y)",
    "cross_entropy(30*tanh(h @ w/30), y)",
]
# Where a sequence is: the rows lie along two axes.
SEQUENCES = ["lm_cross_entropy(h @ w, y)", "lm_cross_entropy(h @ w, y, shift=2, ignore_index=3)"]
LEADING = [(4, 12), (12, 4), (2, 4, 6)]
# How large a budget is, and in how many chunks the rows come.
BUDGETS = {2 * WHOLE - 1: 8, WHOLE // 2: 8, CLASSES * 4: ROWS}
# By dtype of what is passed, how far apart a value or slope may be as a share of the largest.
DTYPES = {"float32": 2e-6, "bfloat16": 1e-2, "float16": 2e-3}


def inputs(dtype: str = "float32", leading: tuple[int, ...] = (ROWS,)) -> dict[str, Any]:
    """Return random inputs of the texts."""
    random = np.random.default_rng(0)
    shapes = {"h": (*leading, FEATURES), "w": (FEATURES, CLASSES), "c": (CLASSES,), "r": leading}
    drawn = {name: random.normal(size=shape).astype(dtype) for name, shape in shapes.items()}
    drawn["t"] = random.normal(size=(*leading, CLASSES)).astype(dtype)
    drawn["y"] = random.integers(0, CLASSES, leading).astype(np.int32)
    drawn["kept"] = random.random(leading) < 0.7
    return drawn


def read(loss: lossdsl.CompiledLoss, given: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs that a loss reads."""
    return {name: given[name] for name in loss.signature}


def solved(loss: lossdsl.CompiledLoss, given: dict[str, Any]) -> Any:
    """Return value and gradient by all floats."""
    given = read(loss, given)
    moving = {name: value for name, value in given.items() if value.dtype.kind in "fV"}
    fixed = {name: value for name, value in given.items() if name not in moving}
    return jax.value_and_grad(lambda moving: loss(**moving, **fixed))(moving)


def hold_equal(a: Any, b: Any, share: float) -> None:
    """Hold trees of arrays to be equal, as a share of the largest number of each array."""
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        finite = np.abs(y[np.isfinite(y)])
        most = share * (finite.max() if finite.size else 1)
        np.testing.assert_allclose(x, y, rtol=0, atol=most, equal_nan=True)


@dataclass(frozen=True)
class Row:
    """A text in chunks, and what it is called with."""

    text: str
    budget: int = WHOLE // 2
    dtype: str = "float32"
    leading: tuple[int, ...] = (ROWS,)
    labels: str = "int32"

    def __str__(self) -> str:
        leading = "x".join(map(str, self.leading))
        return f"{self.text}-{self.budget}-{self.dtype}-{leading}-{self.labels}"

    def given(self) -> dict[str, Any]:
        """Return the inputs."""
        drawn = inputs(self.dtype, self.leading)
        return {**drawn, "y": np.asarray(drawn["y"]).astype(self.labels)}

    def losses(self) -> tuple[lossdsl.CompiledLoss, lossdsl.CompiledLoss]:
        """Return the loss in chunks and without."""
        chunked, whole = (lossdsl.compile(self.text, chunk_bytes=n) for n in (self.budget, None))
        return chunked, whole


TOGETHER = 8  # rows of a program


@lru_cache
def solver(rows: tuple[Row, ...]) -> Callable[[list[dict[str, Any]]], list[tuple[Any, Any]]]:
    """Return what solves rows with chunks and without: many are one program, which costs less.

    Inputs are arguments, so that XLA folds none of it.
    """

    def solve(given: list[dict[str, Any]]) -> list[tuple[Any, Any]]:
        return [
            tuple(solved(loss, of) for loss in row.losses())
            for row, of in zip(rows, given, strict=True)
        ]

    return jax.jit(solve)


@lru_cache
def outcomes(rows: tuple[Row, ...]) -> dict[Row, tuple[Any, Any]]:
    """Return value and gradient of rows with chunks and without."""
    return dict(zip(rows, solver(rows)([row.given() for row in rows]), strict=True))


def by_row(rows: Sequence[Row]) -> Any:
    """Parametrize a test with rows, and with those that are solved together with it."""
    groups = [tuple(rows[at : at + TOGETHER]) for at in range(0, len(rows), TOGETHER)]
    pairs = [pytest.param(row, group, id=str(row)) for group in groups for row in group]
    return pytest.mark.parametrize(("row", "together"), pairs)


def hold_same(row: Row, together: tuple[Row, ...], share: float | None = None) -> None:
    """Hold a text in chunks to the text without."""
    loss, _ = row.losses()
    assert [large.chunks > 4 for large in loss.chunks(read(loss, row.given()))] == [True]
    hold_equal(*outcomes(together)[row], share or DTYPES[row.dtype])


# Many texts of f32 in one program, which other tests call with other numbers.
FIRST = tuple(map(Row, TEXTS[:TOGETHER]))


@by_row([*map(Row, TEXTS)])
def test_chunks_change_no_value_and_no_gradient(row: Row, together: tuple[Row, ...]) -> None:
    hold_same(row, together)


@by_row([Row(text, leading=leading) for text in SEQUENCES for leading in LEADING])
def test_rows_lie_along_any_axes(row: Row, together: tuple[Row, ...]) -> None:
    loss, _ = row.losses()
    assert loss.chunks(read(loss, row.given()))
    hold_equal(*outcomes(together)[row], DTYPES["float32"])


# Those of f32 are held above.
@by_row([Row(TEXTS[at], dtype=name) for name in ("bfloat16", "float16") for at in (0, 4, 9)])
def test_sums_of_half_precision_are_of_f32(row: Row, together: tuple[Row, ...]) -> None:
    hold_same(row, together)


SIZED = tuple(Row(TEXTS[at], budget) for budget in BUDGETS for at in (0, 4))


@pytest.mark.parametrize("row", SIZED, ids=str)
def test_chunks_of_any_size(row: Row) -> None:
    hold_same(row, FIRST if row in FIRST else tuple(row for row in SIZED if row not in FIRST))
    loss, _ = row.losses()
    assert [large.chunks for large in loss.chunks(read(loss, row.given()))] == [BUDGETS[row.budget]]


@by_row([Row(TEXTS[at], leading=(47,)) for at in (0, 4, 7)])
def test_rows_that_no_chunk_divides(row: Row, together: tuple[Row, ...]) -> None:
    hold_same(row, together)


LABELED = tuple(Row(TEXTS[at], labels=dtype) for at in (0, 6) for dtype in ("uint8", "int8"))


@pytest.mark.parametrize("rows", [FIRST, LABELED], ids=["int32", "8 bits"])
@pytest.mark.parametrize("label", [-1, CLASSES, 200])
def test_labels_outside_the_classes_are_as_without_chunks(
    rows: tuple[Row, ...], label: int
) -> None:
    given = [row.given() for row in rows]
    for of in given:
        of["y"][5] = np.array(label).astype(of["y"].dtype)
    for pair in solver(rows)(given):
        hold_equal(*pair, DTYPES["float32"])


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e38])
def test_numbers_at_extremes_are_as_without_chunks(number: float) -> None:
    given = [row.given() for row in FIRST]
    for of in given:
        of["h"][7, 2] = number
    pairs = solver(FIRST)(given)
    for at in (0, 5, 7):
        hold_equal(*pairs[at], DTYPES["float32"])


Solve = Callable[[Callable[..., Any], Any, Any], Any]

TRANSFORMATIONS: dict[str, Solve] = {
    "by one of two": lambda f, h, w: (jax.grad(f)(h, w), jax.grad(f, argnums=1)(h, w)),
    "forward": lambda f, h, w: jax.jvp(f, (h, w), (h + 1, 2 * w)),
    "jacobian": lambda f, h, w: jax.jacfwd(f, argnums=1)(h, w),
    "linearized": lambda f, h, w: jax.linearize(f, h, w)[1](w.sum() + 0 * h, w),
    "forward of reverse": lambda f, h, w: jax.jvp(jax.grad(f, argnums=(0, 1)), (h, w), (h, w)),
    "reverse of reverse": lambda f, h, w: jax.grad(
        lambda w: jnp.sum(jax.grad(f, argnums=(0, 1))(h, w)[0] ** 2)
    )(w),
    "hessian": lambda f, h, w: jax.hessian(lambda b: f(h + b, w))(jnp.zeros(FEATURES)),
    "vmap": lambda f, h, w: jax.vmap(jax.value_and_grad(f, (0, 1)), (0, None))(
        jnp.stack([h, -h]), w
    ),
    "remat": lambda f, h, w: jax.grad(jax.checkpoint(f), argnums=(0, 1))(h, w),
    "scan": lambda f, h, w: jax.grad(
        lambda w: jax.lax.scan(lambda sum, by: (sum + f(by * h, w), None), 0.0, jnp.ones(2))[0]
    )(w),
}


@lru_cache
def transformed(name: str) -> dict[str, tuple[Any, Any]]:
    """Return what a transformation gives of texts, in chunks and whole: one program."""

    def outcome(loss: lossdsl.CompiledLoss, given: dict[str, Any]) -> Any:
        rest = {name: value for name, value in read(loss, given).items() if name not in ("h", "w")}
        f = jax.jit(lambda h, w: loss(h=h, w=w, **rest))
        return TRANSFORMATIONS[name](f, given["h"], given["w"])

    def solve(given: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
        return {
            row.text: tuple(outcome(loss, given) for loss in row.losses()) for row in TRANSFORMED
        }

    return jax.jit(solve)(inputs())


TRANSFORMED = [Row(TEXTS[at]) for at in (5, 4)]


@pytest.mark.parametrize("name", TRANSFORMATIONS)
@pytest.mark.parametrize("row", TRANSFORMED, ids=lambda row: row.text)
def test_every_transformation_goes_through(row: Row, name: str) -> None:
    given = inputs()
    chunks = [bool(loss.chunks(read(loss, given))) for loss in row.losses()]
    assert chunks == [True, False]
    hold_equal(*transformed(name)[row.text], 1e-4)


BOTH_WAYS = [
    "sum(max(h @ w, axis=0)) + sum(max(h @ w, axis=1))",
    "mean(logsumexp(h @ w, axis=0)) + mean(logsumexp(h @ w, axis=1))",
    "clip_loss(h, broadcast(c[:6], like=h) + tanh(h))",
]


@by_row([Row(text, WHOLE // 16) for text in BOTH_WAYS])
def test_what_is_read_by_row_and_by_column_is_made_twice(
    row: Row, together: tuple[Row, ...]
) -> None:
    hold_same(row, together, 3 * DTYPES["float32"])


# Values that are made whole: what reads them couples rows, reads all of them or is no smaller.
COUPLED = [
    "sum(max(h @ w, axis=0)) + sum(max(h @ w, axis=1))",
    "mean(square(cumsum(cumsum(h @ w, axis=0), axis=1)))",
    "mean(square(reshape(h @ w, (-1,))))",
    "mean(sort(reshape(h @ w, (-1,))))",
]


@pytest.mark.parametrize("text", COUPLED)
def test_rows_that_depend_on_others_are_made_whole(text: str) -> None:
    given = inputs()
    loss = lossdsl.compile(text, chunk_bytes=WHOLE // 2)
    assert loss.chunks(read(loss, given)) == ()


def test_small_values_and_open_sizes_are_left_alone() -> None:
    given = inputs()
    loss = lossdsl.compile(TEXTS[0], chunk_bytes=2 * WHOLE)
    assert loss.chunks(read(loss, given)) == ()
    assert lossdsl.compile(TEXTS[0], chunk_bytes=0).chunks(read(loss, given)) == ()
    small, large = (
        jax.make_jaxpr(lossdsl.compile(TEXTS[0], chunk_bytes=size).fn)(*read(loss, given).values())
        for size in (None, 2 * WHOLE)
    )
    assert str(small) == str(large)


def test_core_is_made_once_for_sizes_with_chunks_and_without() -> None:
    lossdsl.clear_cache()
    loss = lossdsl.compile(TEXTS[0], chunk_bytes=WHOLE // 2)
    for rows, chunks in ((5, []), (ROWS, [8]), (4 * ROWS, [32])):
        given = read(loss, inputs(leading=(rows,)))
        assert [large.chunks for large in loss.chunks(given)] == chunks
    kept = loss._specialize._kept
    assert len([core for cores in kept.values() for core in cores]) == 1


def test_terms_come_with_a_value_in_chunks() -> None:
    text = "cross_entropy(h @ w, y) as fit + 0.1*mean(square(w)) as decay"
    given = inputs()
    whole, loss = (lossdsl.compile(text, chunk_bytes=size) for size in (None, WHOLE // 2))
    given = read(loss, given)
    hold_equal(loss.with_terms(**given), whole.with_terms(**given), DTYPES["float32"])
    assert loss.report(**given) is not None


def test_a_budget_that_holds_no_row_is_refused() -> None:
    loss = lossdsl.compile(TEXTS[0], chunk_bytes=CLASSES * 4 - 1)
    with pytest.raises(lossdsl.LossError, match=r"LD617.*160 bytes") as problem:
        loss(**read(loss, inputs()))
    assert "chunk_bytes=160" in str(problem.value) and "h @ w" in str(problem.value)


@pytest.mark.parametrize("size", [-1, 1.5, "32 MB", True])
def test_a_budget_is_a_number_of_bytes(size: Any) -> None:
    with pytest.raises(lossdsl.LossError, match="LD121"):
        lossdsl.compile(TEXTS[0], chunk_bytes=size)
