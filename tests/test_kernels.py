"""The kernels of the library called directly: values, gradients at kinks, masks, dtypes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lossdsl.library.declare import primitives

INF, NAN = float("inf"), float("nan")
X = ((1.0, -2.0, 0.0), (3.0, 0.5, -1.0))
MASK = ((True, False, True), (False, False, False))


def kernel(name: str) -> Any:
    return primitives()[name].kernel


def same(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=2e-6, atol=1e-6)


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
    same(kernel(name)(jnp.float32(first), *rest), value)
    if gradient is not None:
        same(jax.grad(lambda x: kernel(name)(x, *rest))(first), gradient)


def test_two_arrays_share_the_gradient_at_a_tie() -> None:
    for name in ("maximum", "minimum"):
        same(jax.grad(kernel(name), (0, 1))(1.0, jnp.float32(1)), (0.5, 0.5))


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
    x, mask = jnp.array(X), jnp.array(MASK)
    reduce = kernel(name)
    same(reduce(x, mask, axis=(1,)), rows)
    same(reduce(x, mask, axis=(1,), keepdims=True), np.asarray(rows)[:, None])
    slopes = jax.jacrev(lambda x: reduce(x, mask, axis=(1,)))(x)
    same(slopes[0], (gradient, (0, 0, 0)))
    same(slopes[1], np.zeros((2, 3)))
    nothing = jnp.zeros_like(mask)
    same(reduce(x, nothing), empty)
    same(jax.grad(lambda x: jnp.nan_to_num(reduce(x, nothing)))(x), np.zeros((2, 3)))
    same(reduce(x, mask[:, :1]), reduce(x[:1]))
    assert reduce(x.astype(jnp.bfloat16)).dtype == jnp.float32
    assert reduce(x.astype(jnp.float16), mask, axis=(0,)).dtype == jnp.float32


@pytest.mark.parametrize("name", [name for name, *_ in REDUCTIONS])
def test_integers_and_no_elements(name: str) -> None:
    whole = jnp.array([[3, 1], [2, 2]], jnp.int8)
    same(kernel(name)(whole, axis=(0,)), kernel(name)(whole.astype(jnp.float32), axis=(0,)))
    empty = kernel(name)(jnp.zeros((2, 0)), axis=(1,))
    assert empty.shape == (2,)
    unmasked = {"mean": NAN, "var": NAN, "std": NAN}
    same(empty[0], unmasked.get(name, kernel(name)(jnp.ones(1), jnp.array([False]))))


WEIGHTED = [
    ({}, (1 * 2 + 0.5 * 4) / 6),
    ({"normalize": "count"}, (1 * 2 + 0.5 * 4) / 2),
    ({"normalize": "all"}, (1 * 2 + 0.5 * 4) / 3),
]


@pytest.mark.parametrize(("options", "expected"), WEIGHTED)
def test_weights_and_divisors(options: Any, expected: float) -> None:
    x, weight, mask = (
        jnp.array([1.0, 9, 0.5]),
        jnp.array([2.0, 7, 4]),
        jnp.array([True, False, True]),
    )
    same(kernel("mean")(x, mask, weight, **options), expected)
    same(kernel("sum")(x, mask, weight), 4)


def test_weights_that_cancel_divide_by_zero_and_no_weight_gives_zero() -> None:
    x, kept = jnp.array([1.0, 2.0]), jnp.array([True, True])
    assert np.isinf(kernel("mean")(x, kept, jnp.array([1.0, -1.0])))
    same(kernel("mean")(x, ~kept, jnp.array([NAN, 1.0])), 0)


def test_sums_of_integers_keep_their_width() -> None:
    with jax.enable_x64(True):
        for dtype, expected in (("int8", "int32"), ("bool", "int32"), ("int32", "int32")):
            assert kernel("sum")(jnp.ones(3, dtype)).dtype == expected
            assert kernel("prod")(jnp.ones(3, dtype)).dtype == "float64"
        assert kernel("sum")(jnp.ones(3, "uint32")).dtype == "float64"


def test_truth_values() -> None:
    true, mask = jnp.array([True, False, False]), jnp.array([False, True, True])
    found = [
        kernel(name)(true, where) for name in ("any", "all", "count") for where in (None, mask)
    ]
    assert [int(one) for one in found] == [1, 0, 0, 0, 1, 0]
    assert kernel("count")(true).dtype == jnp.int32
    assert bool(kernel("all")(true, jnp.zeros(3, bool)))


def test_quantiles() -> None:
    x, quantile = jnp.array(X), kernel("quantile")
    same(quantile(x, 0.5), np.median(X))
    same(quantile(x, 0.25, axis=(1,)), np.quantile(X, 0.25, axis=1))
    same(quantile(x, 0.5, jnp.array(MASK), axis=(1,)), (0.5, 0))
    same(quantile(x, 0.75, jnp.array(MASK)), 0.75)
    assert quantile(x.astype(jnp.bfloat16), 0.5).dtype == jnp.float32


def test_softmax_under_a_mask() -> None:
    x, mask = jnp.array(X), jnp.array(MASK)
    log_softmax = kernel("log_softmax")
    same(kernel("softmax")(x, 1, mask), ((0.7310586, 0, 0.26894143), (0, 0, 0)))
    same(log_softmax(x, 1, mask), ((-0.31326166, -INF, -1.3132616), (-INF,) * 3))
    for function in (kernel("softmax"), log_softmax):

        def total(x: Any, function: Any = function) -> Any:
            return jnp.sum(jnp.where(mask, function(x, 1, mask) * jnp.arange(3), 0))

        poisoned = jnp.where(mask, x, NAN)
        same(jax.grad(total)(poisoned), jax.grad(total)(x))
    same(kernel("softmax")(x, 2.0, axis=None).sum(), 1)
    same(kernel("softmax")(x, 2.0, axis=(0,)), jax.nn.softmax(x / 2, axis=0))


def test_softmax_far_from_its_peak() -> None:
    slope = jax.grad(lambda x: jnp.vdot(kernel("softmax")(x), jnp.array([-1.0, 0, 1])))
    tail = np.exp(np.float32(-50))
    np.testing.assert_allclose(slope(jnp.array([0.0, 50, 100])), (0, -tail, tail), rtol=1e-6)
    same(kernel("softmax")(jnp.zeros((2, 0))), np.zeros((2, 0)))


def test_normalize_at_zero() -> None:
    x = jnp.array([[3.0, 4.0], [0.0, 0.0]])
    same(kernel("normalize")(x), ((0.6, 0.8), (0, 0)))
    same(jax.grad(lambda x: jnp.sum(kernel("normalize")(x)))(x)[1], (0, 0))


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
    given = [one if isinstance(one, float) else jnp.asarray(one) for one in operands]
    same(kernel(name)(*given, **options), expected)


# law, side, strict: the cost of -1, 0, 2 with bound 0, and the gradients
LIMITS = [
    ("exp", "lower", False, (np.e, 0, 0), (-np.e, 0, 0)),
    ("exp", "lower", True, (np.e, 1, 0), (-np.e, -1, 0)),
    ("exp", "upper", False, (0, 0, np.exp(2)), (0, 0, np.exp(2))),
    ("exp", "equal", False, (np.e, 0, np.exp(2)), (-np.e, 0, np.exp(2))),
    ("hinge", "lower", False, (1, 0, 0), (-1, 0, 0)),
    ("hinge", "equal", False, (1, 0, 2), (-1, 0, 1)),
    ("quadratic", "upper", False, (0, 0, 4), (0, 0, 4)),
    ("softplus", "upper", False, (0.3132617, 0.6931472, 2.126928), (0.26894143, 0.5, 0.880797)),
    ("log_barrier", "lower", False, (73.802585, 3.8025851, -0.6931472), (-120, -20, -0.5)),
]


@pytest.mark.parametrize(("law", "side", "strict", "costs", "slopes"), LIMITS)
def test_limits(law: str, side: str, strict: bool, costs: Any, slopes: Any) -> None:
    def cost(x: Any, bound: Any = 0.0) -> Any:
        return kernel("limit_cost")(x, bound, 1, side=side, strict=strict, law=law)

    x = jnp.array([-1.0, 0.0, 2.0])
    same(cost(x), costs)
    same(jax.vmap(jax.grad(cost))(x), slopes)
    assert np.isnan(cost(NAN))
    unbounded = {"lower": -INF, "upper": INF}.get(side)
    if unbounded is not None and not strict:
        free = jnp.array([-1.0, 2.0, unbounded])
        same(cost(free, unbounded)[:2], (0, 0))
        assert np.isfinite(jax.vmap(jax.grad(lambda x: cost(x, unbounded)))(free)).all()


def test_the_exponential_is_clamped_and_its_gradient_held() -> None:
    def cost(x: Any) -> Any:
        return kernel("limit_cost")(x, 0.0, 1, side="lower", strict=False, law="exp")

    for distance in (89.0, 1e30, INF):
        value, slope = jax.value_and_grad(cost)(jnp.float32(-distance))
        same((value, slope), (np.exp(60), -np.exp(60)))
        assert np.isfinite(np.float32(1e3) * np.float32(value))
    assert np.isfinite(cost(jnp.float16(-100)))
    with jax.enable_x64(True):
        same(cost(jnp.float64(-650)), np.exp(650))


def test_totals_of_constraints() -> None:
    costs = (jnp.ones(3), jnp.full((2, 2), 2, jnp.bfloat16), jnp.zeros(0))
    for reduce, expected in (("sum", 11), ("mean", 11 / 7), ("max", 2)):
        for name in ("bounds", "penalty"):
            total = kernel(name)(*costs, reduce=reduce)
            same(total, expected)
            assert total.dtype == jnp.float32
    same(kernel("bounds")(reduce="sum"), 0)


@jax.custom_jvp
def shown(x: Any) -> Any:
    """The same value; the gradient of a maximum is 0 at a NaN, under `jit` alone."""
    return x


@shown.defjvp
def _(primals: Any, tangents: Any) -> Any:
    (x,), (dx,) = primals, tangents
    return shown(x), dx * jnp.where(jnp.isnan(x), jnp.nan, 1)


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
            return compute(x).sum()

        return jax.jit(jax.value_and_grad(loss)).lower(jnp.array(X)).as_text()

    assert text(lambda x: kernel(name)(x, **options)) == text(written)
