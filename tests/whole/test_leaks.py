"""Nothing leaks: whatever a call is given ends in a value or in a `LossError` that names it."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from odd_values import VALUES, Odd

import lossdsl
from lossdsl import LossError

MEAN = lossdsl.compile("mean(a)")
FIT = lossdsl.compile("mse(a, b)")
WATCHED = lossdsl.compile("mse(a, b)", debug=True)
WEIGHED = lossdsl.compile("w: float = 1\nx: float[B]\nw*mean(x)")
COUNTED = lossdsl.compile("w: int = 1\nx: float[B]\nw*mean(x)")
UNDECLARED = lossdsl.compile("w*mean(x)")
DECLARED = lossdsl.compile("a: f32[B]\nmean(a)")
DECAYED = lossdsl.compile("loss = cosine_decay_schedule(step, 1.0, 10)*mean(x)")
SHRUNK = lossdsl.compile("l2sqr(params)")
RECORD = lossdsl.compile("r: {a: float[B], w: float}\nr.w*mean(r.a)")
BOUND = lossdsl.compile("bounds(params, w >= 0.5)")
LOW = lossdsl.compile("bounds(params, w >= low)")
ONES = jnp.ones(2)

# JAX warns of a generator before it is refused.
pytestmark = pytest.mark.filterwarnings("ignore:Python iterable type:DeprecationWarning")

# Where a value is given: by input, in trees and records, and to whatever else takes inputs.
PLACES: dict[str, Callable[[Any], Any]] = {
    "an input": lambda value: FIT(a=value, b=ONES),
    "a declared input": lambda value: DECLARED(a=value),
    "a float": lambda value: WEIGHED(w=value, x=ONES),
    "an int": lambda value: COUNTED(w=value, x=ONES),
    "a factor": lambda value: UNDECLARED(w=value, x=ONES),
    "a step": lambda value: DECAYED(step=value, x=ONES),
    "a tree": lambda value: SHRUNK(params=value),
    "a leaf": lambda value: SHRUNK(params={"w": value, "u": ONES}),
    "an item": lambda value: SHRUNK(params=[ONES, (value,)]),
    "a record": lambda value: RECORD(r=value),
    "a field": lambda value: RECORD(r={"a": value, "w": 1.0}),
    "a number of a record": lambda value: RECORD(r={"a": ONES, "w": value}),
    "with_terms": lambda value: FIT.with_terms(a=value, b=ONES),
    "report": lambda value: FIT.report(a=value, b=ONES),
    "debug": lambda value: WATCHED(a=value, b=ONES),
    "project": lambda value: BOUND.project({"w": value}),
    "project a tree": lambda value: BOUND.project(value),
    "a bound": lambda value: LOW.project({"w": ONES}, low=value),
    "violations": lambda value: BOUND.violations({"w": value}),
    "an objective": lambda value: FIT.objective(lambda p: {"a": p, "b": ONES})(value),
    "what an objective returns": lambda value: FIT.objective(lambda _: value)(ONES),
    "an input in jit": lambda value: jax.eval_shape(lambda b: FIT(a=value, b=b), ONES),
    "an input in grad": lambda value: jax.grad(lambda b: FIT(a=value, b=b))(ONES),
}


@pytest.mark.parametrize("odd", VALUES.values(), ids=VALUES)
def test_an_odd_argument_works_or_is_named(odd: Odd) -> None:
    if odd.code is None:
        assert MEAN(a=odd.make()).shape == ()
        return
    with pytest.raises(LossError) as caught:
        MEAN(a=odd.make())
    (found,) = caught.value.diagnostics
    assert found.code == odd.code
    assert "`a" in found.message
    assert odd.message.format("a") in found.message
    assert odd.help.format("a") in (found.help or "")
    assert found.help
    assert "/jax/" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_an_odd_argument_leaks_nowhere(place: Callable[[Any], Any]) -> None:
    defects: dict[str, str] = {}
    for name, odd in VALUES.items():
        try:
            place(odd.make())
        except LossError as problem:
            if any(code[2] not in "123" for code in problem.codes):
                defects[name] = str(problem)
    assert defects == {}


@pytest.mark.parametrize("code", ["i2", "i4", "u4", "f2", "f4", "f8"])
def test_bytes_in_the_other_order_are_refused_by_a_compiled_loss_too(code: str) -> None:
    native = np.ones(2, code)
    loss = lossdsl.compile("mean(1.0*a) + 0.5")
    assert loss(a=native) == 1.5
    record = lossdsl.compile("r: {a: any[B]}\nmean(1.0*r.a)")
    assert record(r={"a": native}) == 1
    swapped = native.astype(f">{code}")
    calls = {
        "a": lambda: loss(a=swapped),
        "r.a": lambda: record(r={"a": swapped}),
        "params/w": lambda: BOUND.project({"w": swapped}),
    }
    for name, call in calls.items():
        with pytest.raises(LossError, match=f"`{name}` is a NumPy array of >{code}"):
            call()


def test_integers_of_64_bits_are_what_they_are_under_x64() -> None:
    large = np.array([2**40, 2**40])
    with jax.enable_x64(True):
        assert MEAN(a=large) == 2**40
        assert MEAN(a=2**40) == 2**40
        with pytest.raises(LossError, match="which no int64 holds"):
            MEAN(a=2**63)
    assert MEAN(a=np.array([-(2**31), -(2**31)])) == -(2**31)


def test_a_number_that_no_float_holds_is_refused() -> None:
    assert WEIGHED(w=2**70, x=ONES) == 2.0**70
    with pytest.raises(LossError, match="a number of 399 digits, which no float32 holds"):
        WEIGHED(w=10**398, x=ONES)


def test_a_tree_that_is_nested_too_deeply_is_refused_before_jax_sees_it() -> None:
    deep: Any = 1.0
    for _ in range(600):
        deep = [deep]
    assert lossdsl.check("l2sqr(params)", {"params": deep}).ok
    with pytest.raises(RecursionError, match="nested too deeply"):
        lossdsl.selectors.flatten(deep)


SCALARS = [2, 2.0, True, np.int64(2), np.float16(2), jnp.int32(2), jnp.bfloat16(2)]


@pytest.mark.parametrize("given", SCALARS, ids=repr)
@pytest.mark.parametrize("declared", ["float", "f32", "bf16", "float[]", "num"])
def test_a_traced_scalar_is_what_it_is_when_it_is_not_traced(declared: str, given: Any) -> None:
    loss = lossdsl.compile(f"w: {declared} = 1\nx: float[B]\nw*mean(x)")
    value = loss(w=given, x=ONES)
    traced = jax.jit(lambda w: loss(w=w, x=ONES))(given)
    assert (traced, traced.dtype) == (float(given), value.dtype)
    assert value == float(given)


def test_a_traced_whole_number_of_no_declared_type_is_a_factor() -> None:
    assert UNDECLARED(w=2, x=ONES) == jax.jit(lambda w: UNDECLARED(w=w, x=ONES))(2) == 2


def test_one_label_of_a_batch_stays_whole() -> None:
    loss = lossdsl.compile("cross_entropy(z, y)")
    z, y = jnp.eye(3), jnp.arange(3)
    assert jax.vmap(lambda z, y: loss(z=z, y=y))(z, y).shape == (3,)


def test_a_projection_of_unsigned_integers_stays_inside() -> None:
    wide = np.array([0, 2**32 - 1], np.uint32)
    assert BOUND.project({"w": wide})["w"].tolist() == [1, 2**32 - 1]
    loss = lossdsl.compile("bounds(params, w <= 1e12)")
    assert loss.project({"w": wide})["w"].tolist() == [0, 2**32 - 1]
    loss = lossdsl.compile("bounds(params, w >= 1e12)")
    assert loss.project({"w": wide})["w"].tolist() == [2**32 - 1, 2**32 - 1]


# What the caller's program sets


STRICT = (
    "mse(a, b, where=m) + 0.1*mean(abs(a)) as size",
    "mean(norm(a, axis=1)) + mean(atan2(a, b))",
    "mean(xlogy(a, b)) + mean(gammaln(a)) + mean(huber(a, b))",
    "mean(a**2 + a**0.5) + mean(spike(a - 1))",
    "bounds(params, w >= 0.5, n <= 3) + l2sqr(params)",
)


@pytest.mark.parametrize("text", STRICT)
def test_promotion_is_the_languages_own(text: str) -> None:
    a = jnp.arange(6.0).reshape(3, 2) + 1
    inputs = {"a": a, "b": a + 0.5, "m": a > 2, "params": {"w": a, "n": jnp.arange(5)}}
    loss = lossdsl.compile(text)
    given = {name: inputs[name] for name in loss.signature}
    moving = "params" if "params" in given else "a"
    fn = jax.value_and_grad(lambda x: loss.with_terms(**{**given, moving: x})[0], allow_int=True)
    right = fn(given[moving])
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        found = fn(given[moving])
        if moving == "params":
            assert loss.project(given["params"])["n"].tolist() == [0, 1, 2, 3, 3]
            assert set(loss.violations(given["params"])) == {"n"}
    jax.tree.map(np.testing.assert_array_equal, found[0], right[0])
    for one, other in zip(jax.tree.leaves(found[1]), jax.tree.leaves(right[1]), strict=True):
        if one.dtype != jax.dtypes.float0:
            np.testing.assert_array_equal(one, other)


def test_violations_inside_of_a_transformation_are_those_of_every_leaf() -> None:
    loss = lossdsl.compile("bounds(params, w >= 0.5, v >= 0)")
    params = {"w": jnp.zeros(2), "v": jnp.ones(2), "u": jnp.ones(2)}
    assert loss.violations(params) == {"w": 0.5}
    assert jax.jit(loss.violations)(params) == {"v": 0, "w": 0.5}


def test_a_transfer_guard_names_what_lies_on_the_host() -> None:
    with jax.transfer_guard("disallow"):
        assert float(lossdsl.compile("c: float = 2\nx: float[B]\nc*mean(x)")(x=ONES)) == 2
        with pytest.raises(LossError, match=r"LD226.*`a` lies on the host"):
            MEAN(a=np.ones(7, np.float32))
