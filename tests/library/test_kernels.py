"""The kernels of the library called directly: values, gradients at kinks, masks, dtypes."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import unnested

from lossdsl.library.declare import primitives

INF, NAN = float("inf"), float("nan")
X = np.array([(1, -2, 0), (3, 0.5, -1)], np.float32)
MASK = np.array([(True, False, True), (False, False, False)])


def kernel(name: str) -> Any:
    return primitives()[name].kernel


def same(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=2e-6, atol=1e-6)


def dtype(function: Any, *shape: int, given: str, **options: Any) -> Any:
    """Return the dtype of what a function makes of an array, without computing it."""
    return jax.eval_shape(partial(function, **options), jax.ShapeDtypeStruct(shape, given)).dtype


# name, operands, value, gradient in the first operand
POINTS = [
    ("abs", (0.0,), 0.0, 0.0),
    ("abs", (-2.0,), 2.0, -1.0),
    ("relu", (0.0,), 0.0, 0.0),
    ("relu", (NAN,), NAN, None),
    ("sign", (-3.0,), -1.0, 0.0),
    ("maximum", (0.0, 0), 0.0, 0.0),
    ("maximum", (0.5, 0), 0.5, 1.0),
    ("maximum", (NAN, 0), NAN, None),
    ("minimum", (0.0, 0), 0.0, 0.0),
    ("minimum", (-0.5, 0), -0.5, 1.0),
    ("clip", (-1.0, -1, 1), -1.0, 0.0),
    ("clip", (0.0, -1, 1), 0.0, 1.0),
    ("clip", (1.0, -1, 1), 1.0, 0.0),
    ("clip", (NAN, -1, 1), NAN, None),
    ("xlogy", (0.0, 0.0), 0.0, 0.0),
    ("xlogy", (0.0, 2.0), 0.0, np.log(2.0)),
    ("xlogy", (0.0, -1.0), 0.0, 0.0),
    ("xlogy", (0.0, INF), 0.0, 0.0),
    ("xlogy", (1.0, 0.0), -INF, None),
    ("entr", (0.0,), 0.0, 0.0),
    ("entr", (1.0,), 0.0, -1.0),
    ("entr", (-1.0,), -INF, None),
    ("round", (2.5,), 2.0, 0.0),
    ("stop_gradient", (2.0,), 2.0, 0.0),
    ("power", (3.0, 2), 9.0, 6.0),
    ("floordiv", (-7.0, 2), -4.0, 0.0),
    ("mod", (-7.0, 2), 1.0, 1.0),
]


@pytest.mark.parametrize(("name", "operands", "value", "gradient"), POINTS)
def test_points(name: str, operands: Any, value: float, gradient: float | None) -> None:
    first, *rest = operands
    found, slope = jax.jit(jax.value_and_grad(lambda x: kernel(name)(x, *rest)))(first)
    same(found, value)
    if gradient is not None:
        same(slope, gradient)


def test_two_arrays_share_the_gradient_at_a_tie() -> None:
    for name in ("maximum", "minimum"):
        same(jax.jit(jax.grad(kernel(name), (0, 1)))(1.0, np.float32(1)), (0.5, 0.5))


# name, value per row under MASK, value of an all-false mask, gradient of the first row's value
REDUCTIONS = [
    ("mean", (0.5, 0), 0, (0.5, 0, 0.5)),
    ("sum", (1, 0), 0, (1, 0, 1)),
    ("max", (1, -INF), -INF, (1, 0, 0)),
    ("min", (0, INF), INF, (0, 0, 1)),
    ("prod", (0, 1), 1, (0, 0, 1)),
    ("var", (0.25, 0), 0, (0.5, 0, -0.5)),
    ("std", (0.5, 0), 0, (0.5, 0, -0.5)),
    ("norm", (1, 0), 0, (1, 0, 0)),
    ("logsumexp", (1.3132616, -INF), -INF, (0.7310586, 0, 0.26894143)),
    ("logmeanexp", (0.62011445, -INF), -INF, (0.7310586, 0, 0.26894143)),
]


@pytest.mark.parametrize(("name", "rows", "empty", "gradient"), REDUCTIONS)
def test_masked_reductions(name: str, rows: Any, empty: float, gradient: Any) -> None:
    reduce = kernel(name)
    by_row = partial(reduce, axis=(1,))

    @jax.jit
    def computed(x: Any, mask: Any, nothing: Any) -> dict[str, Any]:
        return {
            "rows": by_row(x, mask),
            "kept": by_row(x, mask, keepdims=True),
            "slopes": jax.jacrev(by_row)(x, mask),
            "nothing": jax.value_and_grad(reduce)(x, nothing),
            "first": (reduce(x, mask[:, :1]), reduce(x[:1])),
        }

    found = computed(X, MASK, np.zeros_like(MASK))
    same(found["rows"], rows)
    same(found["kept"], np.asarray(rows)[:, None])
    same(found["slopes"][0], (gradient, (0, 0, 0)))
    same(found["slopes"][1], np.zeros((2, 3)))
    value, slope = found["nothing"]
    same(value, empty)
    same(slope, np.zeros((2, 3)))
    same(*found["first"])
    assert dtype(reduce, 2, 3, given="bfloat16") == jnp.float32
    assert dtype(reduce, 2, 3, given="float16", where=MASK, axis=(0,)) == jnp.float32


@pytest.mark.parametrize("name", [name for name, *_ in REDUCTIONS])
def test_integers_and_no_elements(name: str) -> None:
    reduce = kernel(name)

    @jax.jit
    def computed(whole: Any, empty: Any) -> Any:
        of_one = reduce(jnp.ones(1), jnp.array([False]))
        columns = partial(reduce, axis=(0,))
        return columns(whole), columns(whole.astype(float)), reduce(empty, axis=(1,)), of_one

    whole = np.array([[3, 1], [2, 2]], np.int8)
    of_whole, of_floats, empty, of_one = computed(whole, np.zeros((2, 0), np.float32))
    same(of_whole, of_floats)
    assert empty.shape == (2,)
    unmasked = {"mean": NAN, "var": NAN, "std": NAN}
    same(np.asarray(empty)[0], unmasked.get(name, of_one))


WEIGHTED = [
    ({}, (1 * 2 + 0.5 * 4) / 6),
    ({"normalize": "count"}, (1 * 2 + 0.5 * 4) / 2),
    ({"normalize": "all"}, (1 * 2 + 0.5 * 4) / 3),
]


@pytest.mark.parametrize(("options", "expected"), WEIGHTED)
def test_weights_and_divisors(options: Any, expected: float) -> None:
    @jax.jit
    def computed(x: Any, mask: Any, weight: Any) -> Any:
        return kernel("mean")(x, mask, weight, **options), kernel("sum")(x, mask, weight)

    kept = np.array([True, False, True])
    found = computed(np.float32([1, 9, 0.5]), kept, np.float32([2, 7, 4]))
    same(found, (expected, 4))


def test_weights_that_cancel_divide_by_zero_and_no_weight_gives_zero() -> None:
    mean, x, kept = jax.jit(kernel("mean")), np.float32([1, 2]), np.array([True, True])
    assert np.isinf(mean(x, kept, np.float32([1, -1])))
    same(mean(x, ~kept, np.float32([NAN, 1])), 0)


def test_sums_of_integers_keep_their_width() -> None:
    with jax.enable_x64(True):
        for given, expected in (("int8", "int32"), ("bool", "int32"), ("int32", "int32")):
            assert dtype(kernel("sum"), 3, given=given) == expected
            assert dtype(kernel("prod"), 3, given=given) == "float64"
        assert dtype(kernel("sum"), 3, given="uint32") == "float64"


def test_truth_values() -> None:
    @jax.jit
    def computed(true: Any, mask: Any) -> Any:
        names = ("any", "all", "count")
        found = [kernel(name)(true, where) for name in names for where in (None, mask)]
        return found, kernel("all")(true, jnp.zeros_like(true))

    found, of_nothing = computed(np.array([True, False, False]), np.array([False, True, True]))
    assert [int(one) for one in found] == [1, 0, 0, 0, 1, 0]
    assert found[4].dtype == jnp.int32
    assert bool(of_nothing)


def test_quantiles() -> None:
    quantile = kernel("quantile")

    @jax.jit
    def computed(x: Any, mask: Any) -> Any:
        rows = partial(quantile, axis=(1,))
        masked = rows(x, 0.5, mask), quantile(x, 0.75, mask)
        return quantile(x, 0.5), rows(x, 0.25), *masked

    middle, rows, masked_rows, masked = computed(X, MASK)
    same(middle, np.median(X))
    same(rows, np.quantile(X, 0.25, axis=1))
    same(masked_rows, (0.5, 0))
    same(masked, 0.75)
    assert dtype(quantile, 2, 3, given="bfloat16", q=0.5) == jnp.float32


def test_softmax_under_a_mask() -> None:
    names = ("softmax", "log_softmax")

    @jax.jit
    def computed(x: Any, mask: Any) -> Any:
        def slope(name: str, x: Any) -> Any:
            def total(x: Any) -> Any:
                return jnp.sum(jnp.where(mask, kernel(name)(x, 1, mask) * jnp.arange(3), 0))

            return jax.grad(total)(x)

        values = [kernel(name)(x, 1, mask) for name in names]
        poisoned = [slope(name, jnp.where(mask, x, NAN)) for name in names]
        softmax = kernel("softmax")
        return {
            "masked": values,
            "slopes": (poisoned, [slope(name, x) for name in names]),
            "whole": softmax(x, 2.0, axis=None).sum(),
            "columns": (softmax(x, 2.0, axis=(0,)), jax.nn.softmax(x / 2, axis=0)),
        }

    found = computed(X, MASK)
    same(found["masked"][0], ((0.7310586, 0, 0.26894143), (0, 0, 0)))
    same(found["masked"][1], ((-0.31326166, -INF, -1.3132616), (-INF,) * 3))
    same(*found["slopes"])
    same(found["whole"], 1)
    same(*found["columns"])


def test_softmax_far_from_its_peak() -> None:
    softmax = kernel("softmax")
    slope = jax.jit(jax.grad(lambda x: jnp.vdot(softmax(x), jnp.array([-1.0, 0, 1]))))
    tail = np.exp(np.float32(-50))
    np.testing.assert_allclose(slope(np.float32([0, 50, 100])), (0, -tail, tail), rtol=1e-6)
    same(jax.jit(softmax)(np.zeros((2, 0))), np.zeros((2, 0)))


def test_normalize_at_zero() -> None:
    @jax.jit
    @partial(jax.grad, has_aux=True)
    def computed(x: Any) -> Any:
        normal = kernel("normalize")(x)
        return jnp.sum(normal), normal

    slopes, value = computed(np.float32([[3, 4], [0, 0]]))
    same(value, ((0.6, 0.8), (0, 0)))
    same(slopes[1], (0, 0))


def test_a_singular_value_of_0_has_no_gradient() -> None:
    found, slope = jax.jit(
        jax.value_and_grad(lambda x: jnp.vdot(kernel("singular_values")(x), np.float32([1, 5])))
    )(np.ones((2, 2), np.float32))
    same(found, 2)
    same(slope, np.full((2, 2), 0.5))


# name, operands, options, value
ARRAYS = [
    ("take", (X, (0, -1, 3)), {"axis": 1}, ((1, NAN, NAN), (3, NAN, NAN))),
    ("take_along", (X, ((0,), (-1,))), {"axis": 1}, ((1,), (NAN,))),
    ("one_hot", ((1, -1, 3),), {"classes": 3}, ((0, 1, 0), (0, 0, 0), (0, 0, 0))),
    ("argmax", (X,), {"axis": 1}, (0, 0)),
    ("argmin", (X,), {"axis": 0}, (0, 0, 1)),
    ("argmax", (np.zeros((2, 0)),), {"axis": 1}, (0, 0)),
    ("sort", (X,), {"axis": 1, "descending": True}, ((1, 0, -2), (3, 0.5, -1))),
    ("argsort", (X,), {"axis": 1}, ((1, 2, 0), (2, 1, 0))),
    ("rank", (X,), {"axis": 1}, ((2, 0, 1), (2, 1, 0))),
    ("top_k", (X,), {"k": 1, "axis": 0}, ((3, 0.5, 0),)),
    ("cumsum", (X,), {"axis": 1, "reverse": True}, ((-1, -2, 0), (2.5, -0.5, -1))),
    ("diff", (X,), {"axis": 0}, ((2, 2.5, -1),)),
    ("arange", (), {"stop": 3}, (0, 1, 2)),
    ("recurrence", ((1.0, 1, 1), 0.5), {"axis": 0}, (1, 1.5, 1.75)),
    ("recurrence", ((1.0, 1, 1), 0.5), {"axis": 0, "reverse": True}, (1.75, 1.5, 1)),
    ("segment_sum", (X, (1, 1)), {"segments": 2}, ((0, 0, 0), (4, -1.5, -1))),
    ("segment_mean", (X, (1, -1)), {"segments": 2}, ((0, 0, 0), (1, -2, 0))),
    ("diag", (((1.0, 2.0), (3.0, 4.0)),), {}, (1, 4)),
    ("diag", ((1.0, 2.0),), {}, ((1, 0), (0, 2))),
    ("broadcast", (0.0, X), {}, np.zeros((2, 3))),
    ("einsum", (X, X), {"equation": "ij,kj->ik"}, ((5, 2), (2, 10.25))),
    ("max_pool", (((1.0,), (3.0,), (2.0,)),), {"window": (2,), "strides": (1,)}, ((3,), (3,))),
    ("avg_pool", (((1.0,), (3.0,), (2.0,)),), {"window": (2,)}, ((2,),)),
    (
        "avg_pool",
        (((1.0,), (3.0,), (2.0,)),),
        {"window": (3,), "strides": (1,), "padding": "same"},
        ((2,), (2,), (2.5,)),
    ),
]


@pytest.mark.parametrize(("name", "operands", "options", "expected"), ARRAYS)
def test_arrays(name: str, operands: Any, options: Any, expected: Any) -> None:
    given = [one if isinstance(one, float) else np.asarray(one) for one in operands]
    same(jax.jit(partial(kernel(name), **options))(*given), expected)


@jax.custom_jvp
def shown(x: Any) -> Any:
    """The same value; the gradient of a maximum is 0 at a NaN, under `jit` alone."""
    return x


@shown.defjvp
def _(primals: Any, tangents: Any) -> Any:
    (x,), (dx,) = primals, tangents
    lost = jnp.isnan(x)
    return shown(x), dx * jax.lax.select(lost, jnp.full_like(x, jnp.nan), jnp.ones_like(x))


# what a kernel lowers to, against what one writes by hand
BY_HAND = [
    ("mean", {}, jnp.mean),
    ("mean", {"axis": (1,)}, lambda x: jnp.mean(x, axis=1)),
    ("sum", {}, jnp.sum),
    ("max", {"axis": (0,)}, lambda x: jnp.max(shown(x), axis=0)),
    ("var", {}, jnp.var),
    ("square", {}, jnp.square),
    ("log_softmax", {"axis": (0,)}, lambda x: jax.nn.log_softmax(x, axis=0)),
    ("sigmoid", {}, jax.nn.sigmoid),
]


@pytest.mark.parametrize(("name", "options", "written"), BY_HAND)
def test_lowering_equals_what_is_written_by_hand(name: str, options: Any, written: Any) -> None:
    def text(compute: Any) -> str:
        def loss(x: Any) -> Any:
            return unnested(compute)(x).sum()

        return jax.jit(jax.value_and_grad(loss)).lower(jnp.array(X)).as_text()

    assert text(lambda x: kernel(name)(x, **options)) == text(written)
