"""Kernels that call `jax.lax` against the functions of `jax.numpy` that they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import unnested

from lossdsl.library.declare import primitives

Law = Callable[..., Any]

FLOATS = ("float32", "float16", "bfloat16")
DTYPES = {
    False: (*FLOATS, "int8", "uint8", "int32", "uint32"),
    True: ("float32", "float64", "float16", "int32", "int64", "uint64"),
}
SHAPES = [((2, 3), (3,)), ((3,), (2, 1)), ((1, 3), (2, 1)), ((), (3,)), ((2, 3), ()), ((), ())]
NUMBERS = (2, -1, 300, True, 0.5, -0.0, float("inf"))

BINARY: list[tuple[str, Law]] = [
    ("add", jnp.add),
    ("subtract", jnp.subtract),
    ("multiply", jnp.multiply),
    ("divide", jnp.divide),
    ("power", jnp.power),
    ("maximum", jnp.maximum),
    ("minimum", jnp.minimum),
    ("less", jnp.less),
    ("less_equal", jnp.less_equal),
    ("greater", jnp.greater),
    ("greater_equal", jnp.greater_equal),
    ("equal", jnp.equal),
    ("not_equal", jnp.not_equal),
    ("logical_and", jnp.logical_and),
    ("logical_or", jnp.logical_or),
]
UNARY: list[tuple[str, Law]] = [
    ("negative", jnp.negative),
    ("abs", jnp.abs),
    ("sign", jnp.sign),
    ("square", jnp.square),
    ("exp", jnp.exp),
    ("expm1", jnp.expm1),
    ("log", jnp.log),
    ("log1p", jnp.log1p),
    ("sqrt", jnp.sqrt),
    ("tanh", jnp.tanh),
    ("sin", jnp.sin),
    ("cos", jnp.cos),
    ("floor", jnp.floor),
    ("isfinite", jnp.isfinite),
    ("logical_not", jnp.logical_not),
    ("relu", jax.nn.relu),
    ("sigmoid", jax.nn.sigmoid),
    ("log_sigmoid", jax.nn.log_sigmoid),
    ("softplus", jax.nn.softplus),
    ("silu", jax.nn.silu),
    ("elu", jax.nn.elu),
]

MASK = np.array([[True, False, True], [False, True, True]])
SHARES = np.array([[0.5, 0, 2], [1, 0.25, 0]], np.float32)
PLACES = np.array([[2, 0], [1, 1]], np.int32)
OVER = [{}, {"axis": (0,)}, {"axis": (-1,), "keepdims": True}, {"axis": (1, 0)}]

# name, operands after the first, options, what it stands for
ALONG: list[tuple[str, tuple[Any, ...], dict[str, Any], Law]] = [
    *(("mean", (), options, partial(jnp.mean, **options)) for options in OVER),
    *(("sum", (), options, partial(jnp.sum, **options)) for options in OVER),
    *(("max", (), options, partial(jnp.max, **options)) for options in OVER),
    *(("min", (), options, partial(jnp.min, **options)) for options in OVER),
    *(("var", (), options, partial(jnp.var, **options)) for options in OVER),
    *(("std", (), options, partial(jnp.std, **options)) for options in OVER),
    *(
        ("norm", (), options, lambda x, o=options: jnp.sqrt(jnp.sum(x * x, **o)))
        for options in OVER
    ),
    *(("logsumexp", (), options, partial(jax.nn.logsumexp, **options)) for options in OVER),
    ("mean", (MASK,), {}, lambda x: jnp.mean(x, where=MASK)),
    ("mean", (MASK,), {"axis": (1,)}, lambda x: jnp.mean(x, axis=1, where=MASK)),
    ("mean", (None, SHARES), {}, lambda x: jnp.average(x, weights=SHARES)),
    ("sum", (MASK,), {"axis": (1,)}, lambda x: jnp.sum(x, axis=1, where=MASK)),
    ("sum", (None, SHARES), {}, lambda x: jnp.sum(x * SHARES)),
    ("max", (MASK,), {}, lambda x: jnp.max(x, where=MASK, initial=-jnp.inf)),
    ("min", (MASK,), {"axis": (0,)}, lambda x: jnp.min(x, 0, where=MASK, initial=jnp.inf)),
    ("var", (MASK,), {}, lambda x: jnp.var(x, where=MASK)),
    ("softmax", (), {"axis": (0,)}, partial(jax.nn.softmax, axis=0)),
    ("softmax", (1, MASK), {}, partial(jax.nn.softmax, where=MASK)),
    ("log_softmax", (), {"axis": (-1,)}, jax.nn.log_softmax),
    ("log_softmax", (), {"axis": (0, 1)}, partial(jax.nn.log_softmax, axis=(0, 1))),
    ("log_softmax", (2.0,), {}, lambda x: jax.nn.log_softmax(x / 2)),
    ("normalize", (), {}, lambda x: x / jnp.linalg.norm(x, axis=-1, keepdims=True)),
    ("take_along", (PLACES,), {}, lambda x: jnp.take_along_axis(x, PLACES, axis=-1)),
    ("take_along", (PLACES[:, :1],), {}, lambda x: jnp.take_along_axis(x, PLACES[:, :1], axis=-1)),
    ("weigh", (SHARES,), {}, lambda x: x * SHARES),
    ("l0_share", (0.5,), {}, lambda x: x**4 / (x**4 + 0.5)),
    ("gelu", (), {}, jax.nn.gelu),
    ("gelu", (), {"approximate": False}, partial(jax.nn.gelu, approximate=False)),
    ("clip", (-2, 3.5), {}, lambda x: jnp.clip(x, -2, 3.5)),
    ("maximum", (0,), {}, lambda x: jnp.maximum(x, 0)),
    ("minimum", (0.5,), {}, lambda x: jnp.minimum(x, 0.5)),
]
BOTH = [("any", jnp.any), ("all", jnp.all), ("count", partial(jnp.sum, dtype=jnp.int32))]


def kernel(name: str) -> Any:
    return primitives()[name].kernel


def array(shape: tuple[int, ...], dtype: str, start: float = 1.25) -> jax.Array:
    """Return an array without equal entries, whose signs alternate where the dtype has them."""
    place = np.arange(np.prod(shape, dtype=int))
    signs = 1 if dtype.startswith("u") else (-1.0) ** place
    return jnp.asarray(((start + place) * signs).reshape(shape).astype(jnp.dtype(dtype)))


def pairs(dtypes: tuple[str, ...]) -> Iterator[tuple[Any, Any]]:
    """Yield operands: arrays that broadcast, arrays and numbers, and weakly typed ones."""
    for dtype in dtypes:
        x, y = array((2, 3), dtype), array((2, 3), dtype, 0.75)
        yield from ((x, y), (x > 1, y > 1), (x, np.asarray(y)))
        yield from ((x, number) for number in NUMBERS)
        yield from ((number, x) for number in NUMBERS)
        yield from ((jnp.full(3, 2.0), x), (x, jnp.full(3, 3)), (x > 1, True))
    yield from ((array(a, "float32"), array(b, "float32", 0.75)) for a, b in SHAPES)
    yield from ((jnp.full(3, 2.0), 3.0), (jnp.full(3, 2.0), jnp.full(3, 3.0)), (2, 3.0), (2, 3))


def outcome(law: Law, *operands: Any) -> Any:
    """Return a value and its dtype, or the class of what is raised."""
    try:
        return law(*operands)
    except (TypeError, OverflowError, ValueError) as problem:
        return type(problem)


def outcomes(law: Law, calls: list[tuple[Any, ...]]) -> list[Any]:
    """Return what all calls are worth, in one program to which numbers are constants."""
    raised: dict[int, Any] = {}

    def run(arrays: list[list[Any]]) -> list[Any]:
        values: list[Any] = []
        for at, (call, traced) in enumerate(zip(calls, arrays, strict=True)):
            given = iter(traced)
            value = outcome(law, *(next(given) if is_array(one) else one for one in call))
            if isinstance(value, type):
                raised[at] = value
            values.append(None if isinstance(value, type) else value)
        return values

    values = jax.jit(run)([[one for one in call if is_array(one)] for call in calls])
    return [raised.get(at, value) for at, value in enumerate(values)]


def is_array(operand: Any) -> bool:
    return isinstance(operand, jax.Array)


def same(ours: Any, theirs: Any, call: Any) -> None:
    # NumPy knows no NaN of a bfloat16.
    wide = ours.dtype if ours.dtype.kind in "biu" else np.float64
    assert ours.shape == theirs.shape, call
    np.testing.assert_array_equal(
        np.asarray(ours, wide), np.asarray(theirs, wide), err_msg=str(call)
    )


def hold(law: Law, expected: Law, calls: list[tuple[Any, ...]]) -> None:
    for call, ours, theirs in zip(
        calls, outcomes(law, calls), outcomes(unnested(expected), calls), strict=True
    ):
        if isinstance(theirs, type):
            assert ours is theirs, call
        else:
            assert (ours.dtype, ours.weak_type) == (theirs.dtype, theirs.weak_type), call
            same(ours, theirs, call)


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize(("name", "law"), BINARY)
def test_two_operands(name: str, law: Law, double: bool) -> None:
    with jax.enable_x64(double):
        hold(kernel(name), law, list(pairs(DTYPES[double])))


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize(("name", "law"), UNARY)
def test_one_operand(name: str, law: Law, double: bool) -> None:
    with jax.enable_x64(double):
        arrays = [array((2, 3), dtype) for dtype in DTYPES[double]]
        hold(kernel(name), law, [(x,) for x in (*arrays, arrays[0] > 1, jnp.full(3, 2.0), 0.5)])


@pytest.mark.parametrize("double", [False, True])
def test_a_choice(double: bool) -> None:
    with jax.enable_x64(double):
        conditions = [jnp.asarray(True), array((2, 3), "float32") > 1, array((3,), "float32") > 1]
        calls = [(c, *pair) for pair in pairs(DTYPES[double]) for c in (*conditions, True)]
        hold(kernel("where"), jnp.where, calls)


@pytest.mark.parametrize("name", ["max", "min", "sum"])
@pytest.mark.parametrize("options", OVER)
def test_integers_along_axes(name: str, options: Any) -> None:
    arrays = [array((2, 3), "int32"), array((2, 3), "uint32").astype(jnp.int32)]
    law = partial(getattr(jnp, name), **options)
    hold(partial(kernel(name), **options), law, [(x,) for x in arrays])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_half_precision_along_axes(name: str, dtype: str) -> None:
    x = jax.random.normal(jax.random.key(0), (4, 500)).astype(dtype)
    written = {"softmax": softmax, "log_softmax": jax.nn.log_softmax}
    hold(kernel(name), written[name], [(x,)])


def softmax(x: Any) -> Any:
    """Return what `jax.nn.softmax` does but for its gradient."""
    exponential = jnp.exp(x - jnp.max(x, axis=-1, keepdims=True, initial=-jnp.inf))
    return exponential / jnp.sum(exponential, axis=-1, keepdims=True)


@pytest.mark.parametrize(("name", "law"), BOTH)
@pytest.mark.parametrize("options", OVER)
def test_truth_along_axes(name: str, law: Law, options: Any) -> None:
    calls = [(jnp.asarray(mask),) for mask in (MASK, ~MASK, MASK[:0], MASK | True)]
    hold(partial(kernel(name), **options), partial(law, **options), calls)


# Of what has a rule of its own, where it has that of JAX.
SLOPES: list[tuple[str, tuple[Any, ...], dict[str, Any], Law]] = [
    *(
        (name, (SHARES[:1] + 1,), {}, lambda x, law=law: law(x, SHARES[:1] + 1))
        for name, law in BINARY[:7]
    ),
    *((name, (), {}, law) for name, law in UNARY if name not in ("isfinite", "logical_not")),
    *ALONG,
]


@pytest.mark.parametrize(("name", "others", "options", "law"), SLOPES)
def test_values_and_gradients(name: str, others: Any, options: Any, law: Law) -> None:
    x = array((2, 3), "float32")

    def traced(of: Law) -> Any:
        def total(x: Any) -> Any:
            value = of(x)
            return jnp.vdot(value, jnp.cos(jnp.arange(value.size)).reshape(value.shape)), value

        return jax.jit(jax.value_and_grad(total, has_aux=True))(x)

    ours, theirs = traced(lambda x: kernel(name)(x, *others, **options)), traced(law)
    for mine, one in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert (mine.dtype, mine.shape) == (one.dtype, one.shape)
        np.testing.assert_allclose(mine, one, rtol=1e-5, atol=1e-6)
