"""Values in chunks: a loss has the value and the gradient that it has without chunks."""

from __future__ import annotations

from collections.abc import Callable
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
# How large a budget is, and in how many chunks the rows come.
BUDGETS = {2 * WHOLE - 1: 8, WHOLE // 2: 8, CLASSES * 4: ROWS}
# By dtype of what is passed, how far apart a value or slope may be as a share of the largest.
DTYPES = {"float32": 2e-6, "bfloat16": 1e-2, "float16": 2e-3}


def inputs(dtype: Any = "float32", leading: tuple[int, ...] = (ROWS,)) -> dict[str, Any]:
    """Return random inputs of the texts."""
    random = np.random.default_rng(0)
    shapes = {"h": (*leading, FEATURES), "w": (FEATURES, CLASSES), "c": (CLASSES,), "r": leading}
    drawn = {name: jnp.asarray(random.normal(size=shapes[name]), dtype) for name in shapes}
    drawn["t"] = jnp.asarray(random.normal(size=(*leading, CLASSES)), dtype)
    drawn["y"] = jnp.asarray(random.integers(0, CLASSES, leading), jnp.int32)
    drawn["kept"] = jnp.asarray(random.random(leading) < 0.7)
    return drawn


def read(loss: lossdsl.CompiledLoss, given: dict[str, Any]) -> dict[str, Any]:
    """Return the inputs that a loss reads."""
    return {name: given[name] for name in loss.signature}


def solved(loss: lossdsl.CompiledLoss, given: dict[str, Any]) -> Any:
    """Return value and gradient by all floats."""
    moving = {name: value for name, value in given.items() if value.dtype.kind in "fV"}
    fixed = {name: value for name, value in given.items() if name not in moving}
    return jax.jit(jax.value_and_grad(lambda moving: loss(**moving, **fixed)))(moving)


def hold_equal(a: Any, b: Any, share: float) -> None:
    """Hold trees of arrays to be equal, as a share of the largest number of each array."""
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        finite = np.abs(y[np.isfinite(y)])
        most = share * (finite.max() if finite.size else 1)
        np.testing.assert_allclose(x, y, rtol=0, atol=most, equal_nan=True)


def hold_same(text: str, given: dict[str, Any], budget: int, share: float) -> None:
    """Hold a text in chunks to the text without."""
    whole = lossdsl.compile(text, chunk_bytes=None)
    loss = lossdsl.compile(text, chunk_bytes=budget)
    given = read(loss, given)
    assert [large.chunks > 4 for large in loss.chunks(given)] == [True]
    hold_equal(solved(loss, given), solved(whole, given), share)


@pytest.mark.parametrize("text", TEXTS)
def test_chunks_change_no_value_and_no_gradient(text: str) -> None:
    hold_same(text, inputs(), WHOLE // 2, DTYPES["float32"])


@pytest.mark.parametrize("text", SEQUENCES)
@pytest.mark.parametrize("leading", [(4, 12), (12, 4), (2, 4, 6)])
def test_rows_lie_along_any_axes(text: str, leading: tuple[int, ...]) -> None:
    whole, loss = (lossdsl.compile(text, chunk_bytes=size) for size in (None, WHOLE // 2))
    given = read(loss, inputs(leading=leading))
    assert loss.chunks(given)
    hold_equal(solved(loss, given), solved(whole, given), DTYPES["float32"])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("text", [TEXTS[0], TEXTS[4], TEXTS[9]])
def test_sums_of_half_precision_are_of_f32(text: str, dtype: str) -> None:
    hold_same(text, inputs(dtype), WHOLE // 2, DTYPES[dtype])


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("text", [TEXTS[0], TEXTS[4]])
def test_chunks_of_any_size(text: str, budget: int) -> None:
    hold_same(text, inputs(), budget, DTYPES["float32"])
    loss, given = lossdsl.compile(text, chunk_bytes=budget), inputs()
    assert [large.chunks for large in loss.chunks(read(loss, given))] == [BUDGETS[budget]]


@pytest.mark.parametrize("text", [TEXTS[0], TEXTS[4], TEXTS[7]])
def test_rows_that_no_chunk_divides(text: str) -> None:
    hold_same(text, inputs(leading=(47,)), WHOLE // 2, DTYPES["float32"])


@pytest.mark.parametrize("label", [-1, CLASSES, 200])
@pytest.mark.parametrize("dtype", ["int32", "uint8", "int8"])
@pytest.mark.parametrize("text", [TEXTS[0], TEXTS[6]])
def test_labels_outside_the_classes_are_as_without_chunks(
    text: str, dtype: str, label: int
) -> None:
    given = inputs()
    labels = np.array(given["y"])
    labels[5] = label
    given["y"] = jnp.asarray(labels.astype(dtype))
    hold_same(text, given, WHOLE // 2, DTYPES["float32"])


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e38])
def test_numbers_at_extremes_are_as_without_chunks(number: float) -> None:
    given = inputs()
    given["h"] = given["h"].at[7, 2].set(number)
    for text in (TEXTS[0], TEXTS[5], TEXTS[7]):
        hold_same(text, given, WHOLE // 2, DTYPES["float32"])


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


@pytest.mark.parametrize("name", TRANSFORMATIONS)
@pytest.mark.parametrize("text", [TEXTS[5], TEXTS[4]])
def test_every_transformation_goes_through(text: str, name: str) -> None:
    given = inputs()

    def outcome(budget: int | None) -> Any:
        loss = lossdsl.compile(text, chunk_bytes=budget)
        rest = {name: value for name, value in read(loss, given).items() if name not in ("h", "w")}
        assert bool(loss.chunks(read(loss, given))) is (budget is not None)
        f = jax.jit(lambda h, w: loss(h=h, w=w, **rest))
        return TRANSFORMATIONS[name](f, given["h"], given["w"])

    hold_equal(outcome(WHOLE // 2), outcome(None), 1e-4)


BOTH_WAYS = [
    "sum(max(h @ w, axis=0)) + sum(max(h @ w, axis=1))",
    "mean(logsumexp(h @ w, axis=0)) + mean(logsumexp(h @ w, axis=1))",
    "clip_loss(h, broadcast(c[:6], like=h) + tanh(h))",
]


@pytest.mark.parametrize("text", BOTH_WAYS)
def test_what_is_read_by_row_and_by_column_is_made_twice(text: str) -> None:
    hold_same(text, inputs(), WHOLE // 16, 3 * DTYPES["float32"])


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
