"""What crosses to another process: losses, results of checks, errors, functions."""

from __future__ import annotations

import copy
import gc
import multiprocessing
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import cloudpickle
import my_functions
import numpy as np
import pytest

import lossdsl
from lossdsl.diagnostics.diagnostic import LossError
from lossdsl.library.pickled import reduced

WRITTEN = """
def half(x) = x/2
def _square(x) = x*x
loss energy(x: float[*S]) -> float[*S] = _square(x)
"""
MINE = lossdsl.Library.loads(WRITTEN) | lossdsl.Library.of(my_functions.gap, my_functions.twice)
TEXT = """
loss fit = mse(half(out), twice(tgt)) + mean(gap(out)) + 0.1*mean(energy(out)) as small
loss critic = mean(out, where=out > 0)
"""
INPUTS = {"out": "f32[B]", "tgt": "f32[B]"}
GIVEN = {"out": np.float32([1.0, -2.0, 3.0]), "tgt": np.float32([0.5, 0.0, 1.0])}


def pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


def cloudpickled(value: Any) -> Any:
    return pickle.loads(cloudpickle.dumps(value))


def compiled() -> lossdsl.CompiledLoss:
    return lossdsl.compile(TEXT, INPUTS, library=MINE)


def values(loss: lossdsl.CompiledLoss) -> dict[str, float]:
    return {name: float(value) for name, value in loss(**GIVEN).items()}


WAYS = (pickled, cloudpickled, copy.copy, copy.deepcopy)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("clear", [False, True])
def test_a_loss_is_the_same(way: Callable[[Any], Any], clear: bool) -> None:
    loss = compiled()
    expected = values(loss)
    if clear:
        lossdsl.clear_cache()
    other = way(loss)
    assert values(other) == expected
    assert (other.text, dict(other.signature), other.diagnostics) == (
        loss.text,
        dict(loss.signature),
        loss.diagnostics,
    )
    critic = way(loss["critic"])
    assert list(critic.signature) == ["out"]
    assert float(critic(out=GIVEN["out"])) == expected["critic"]


def test_options_cross() -> None:
    loss = lossdsl.compile("mean(x)", {"x": "f32[B]"}, batch=["x"], debug=True)
    other = pickled(loss)
    assert other.debug
    with pytest.raises(LossError):
        other(x=np.float32([np.nan]))


def test_a_loss_crosses_to_a_new_process() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(values, (compiled(),)) == values(compiled())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", [TEXT, "msee(out)", "mse(out", "mean(softmax(sigmoid(out)))"])
def test_a_result_of_check_is_the_same(way: Callable[[Any], Any], text: str) -> None:
    result = lossdsl.check(text, INPUTS, library=MINE)
    other = way(result)
    assert (other.diagnostics, dict(other.signature), other.ok) == (
        result.diagnostics,
        dict(result.signature),
        result.ok,
    )
    assert (other.program is None) == (result.program is None)


def test_errors_are_the_same() -> None:
    with pytest.raises(LossError) as raised:
        lossdsl.compile("msee(a)")
    assert str(pickled(raised.value)) == str(raised.value)


def test_a_copy_is_the_loss_itself() -> None:
    loss = compiled()
    assert copy.copy(loss) is copy.deepcopy(loss) is loss
    assert copy.deepcopy({"loss": loss, "library": MINE})["library"] is MINE
    assert copy.deepcopy(my_functions.gap) is my_functions.gap


def test_a_result_of_a_loss_does_not_hold_it() -> None:
    loss = compiled()
    critic, held = loss["critic"], weakref.ref(loss)
    lossdsl.clear_cache()
    del loss
    gc.collect()
    assert held() is None
    assert float(critic(out=GIVEN["out"])) == 2.0


def test_functions_are_found_where_they_are() -> None:
    assert pickled(my_functions.other_name) is my_functions.other_name
    assert pickled(my_functions.gap) is my_functions.gap
    assert pickled(lossdsl.BUILTINS["mse"]) is lossdsl.BUILTINS["mse"]
    library = pickled(lossdsl.BUILTINS | MINE)
    assert sorted(library) == sorted(lossdsl.BUILTINS | MINE)
    assert library["exp"] is lossdsl.BUILTINS["exp"]


def test_a_function_that_is_not_there_is_named() -> None:
    make, _ = reduced(my_functions.gap)
    for module, name in (("my_functions", "gone"), ("my_functions", "twice"), ("gone", "gap")):
        with pytest.raises(LossError, match=rf"LD808.*`{name}` of the module `{module}`"):
            make(module, name)


def test_a_kernel_of_no_module_is_carried_by_cloudpickle() -> None:
    local = lossdsl.primitive("local(x: float[*S]) -> float[*S]")(lambda: lambda x: 3 * x)
    loss = lossdsl.compile("mean(local(x))", library=lossdsl.Library.of(local))
    lossdsl.clear_cache()
    assert float(cloudpickled(loss)(x=np.float32([1.0]))) == 3.0
