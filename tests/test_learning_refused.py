"""What a learning rule refuses and warns of."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learning_networks import LAYERS, SIZES, batch, linear, parameters, shared, squashed

import lossdsl
from lossdsl import LossError
from lossdsl.diagnostics.diagnostic import LossWarning
from lossdsl.learning import (
    BackProp,
    Bidirectional,
    BiPredictiveCoding,
    ConditionalGaussian,
    EquilibriumPropagation,
    Hopfield,
    PredictiveCoding,
)

TWO_WAYS = (shared(jnp.tanh),) * 3


@contextmanager
def refused(code: str, *words: str) -> Iterator[None]:
    with pytest.raises(LossError) as error:
        yield
    assert error.value.codes == (code,)
    for word in words:
        assert word in str(error.value)


# Rest


def test_check_raises_past_the_tolerance() -> None:
    loss, params, data = lossdsl.compile("mse(out, tgt)"), parameters(), batch()
    with refused("LD906", "residual is 0.", "allowed is 0.01"):
        PredictiveCoding(loss, steps=5, check=True).grads(LAYERS, params, data)
    PredictiveCoding(loss, steps=5, check=True, tolerance=1.0).grads(LAYERS, params, data)
    PredictiveCoding(loss, steps=200, check=True).grads(LAYERS, params, data)
    with refused("LD906"):
        BiPredictiveCoding(loss, steps=2, check=True).grads(TWO_WAYS, params, data)
    with refused("LD906"):
        EquilibriumPropagation(loss, steps=2, check=True).grads(LAYERS, params, data)


def test_check_raises_for_inference_that_diverges() -> None:
    loss = lossdsl.compile("mse(out, tgt)")
    with refused("LD906", "nan"):
        PredictiveCoding(loss, eta=50.0, steps=500, check=True).grads(
            (linear,) * 3, parameters(), batch()
        )


def test_inside_a_jit_check_warns() -> None:
    rule = PredictiveCoding(lossdsl.compile("mse(out, tgt)"), steps=5, check=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        jax.block_until_ready(jax.jit(lambda p: rule.grads(LAYERS, p, batch()))(parameters()))
        jax.effects_barrier()
        jax.block_until_ready(
            jax.jit(jax.vmap(lambda p: rule.grads(LAYERS, p, batch())))(
                jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), parameters())
            )
        )
        jax.effects_barrier()
    # Once for each program.
    assert [one.category for one in caught] == [LossWarning] * 2
    assert all(str(one.message).startswith("warning[LD906]") for one in caught)


# What is refused


class Unhashed:
    __hash__ = None  # type: ignore[assignment]

    def __call__(self, params: Any, x: Any) -> Any:
        return x


LOSS = lossdsl.compile("mse(out, tgt)")
BAD = {
    "a width": ("LD901", "layer 1 does not take float32[6, 5]: ", lambda: BackProp(LOSS).grads(
        LAYERS, parameters((4, 5, 3, 2))[:1] + parameters((4, 4, 3, 2))[1:], batch())),
    "too few parameters": ("LD901", "3 layers with parameters for 2", lambda: BackProp(LOSS).grads(
        LAYERS, parameters()[:2], batch())),
    "no layers": ("LD901", "no layers", lambda: BackProp(LOSS).grads((), (), batch())),
    "no function": ("LD901", "layer 0 is a int", lambda: BackProp(LOSS).grads(
        (1,), parameters((4, 2)), batch())),
    "no hash": (
        "LD901",
        "layer 0 has no hash",
        lambda: BackProp(LOSS).grads((Unhashed(),), parameters((4, 2)), batch()),
    ),
    "a setting that is an array": (
        "LD904",
        "`eta` is an array; it is a number",
        lambda: PredictiveCoding(LOSS, eta=jnp.float32(0.1)),
    ),
    "a setting without a hash": ("LD904", "no plain value", lambda: EquilibriumPropagation(
        LOSS, ConditionalGaussian(Unhashed())).grads((linear,) * 3, parameters(), batch())),
    "one layer": ("LD901", "`layers` is a function, not a list", lambda: BackProp(LOSS).grads(
        linear, parameters((4, 2)), batch())),
    "one tree": ("LD901", "`params` is a dict, not a list", lambda: BackProp(LOSS).grads(
        [linear], parameters((4, 2))[0], batch())),
    "text for parameters": ("LD901", "`0/w` is a str", lambda: BackProp(LOSS).grads(
        [linear], [{"w": "text"}], batch())),
    "no array": ("LD901", "layer 0 returns a dict", lambda: BackProp(LOSS).grads(
        (lambda params, x: params,), parameters((4, 2)), batch())),
    "integers": ("LD901", "`0/n` is int32", lambda: BackProp(LOSS).grads(
        (lambda params, x: x,), [{"n": jnp.arange(3)}], batch())),
    "a layer of one way": ("LD901", "layer 1 predicts one way", lambda: BiPredictiveCoding(
        LOSS).grads((TWO_WAYS[0], linear), parameters(SIZES[:3]), batch())),
    "backward to another size": ("LD901", "layer 0 predicts float32[6, 5] backward", lambda:
        BiPredictiveCoding(LOSS).grads((Bidirectional(linear, lambda params, x: jnp.ones((6, 5))),),
        parameters((4, 2)), batch())),
    "activations": ("LD901", "2 activations", lambda: EquilibriumPropagation(
        LOSS, ConditionalGaussian((jnp.tanh, jnp.tanh))).grads(LAYERS, parameters(), batch())),
    "no input": ("LD902", "the batch has no `x`", lambda: BackProp(LOSS).grads(
        LAYERS, parameters(), {"tgt": 1.0})),
    "no target": ("LD902", "no `tgt`, which the loss reads", lambda: BackProp(LOSS).grads(
        LAYERS, parameters(), {"x": batch()["x"], "label": 1})),
    "what there is": ("LD902", "it holds `x`, `label`", lambda: BackProp(LOSS).grads(
        LAYERS, parameters(), {"x": batch()["x"], "label": 1})),
    "no mapping": ("LD902", "the batch is a tuple, not a mapping", lambda: BackProp(LOSS).grads(
        LAYERS, parameters(), (batch()["x"], batch()["tgt"]))),
    "no mapping with a key": ("LD902", "the batch is a tuple", lambda: EquilibriumPropagation(
        LOSS, sign="random").grads(LAYERS, parameters(), (1,), key=jax.random.key(0))),
    "text": ("LD902", "`tgt` of the batch is a str, not an array", lambda: BackProp(LOSS).grads(
        LAYERS, parameters(), {**batch(), "tgt": "text"})),
    "an empty batch": ("LD902", "the batch is empty: `x` is float32[0, 4]", lambda: BackProp(
        LOSS).grads(LAYERS, parameters(), {name: one[:0] for name, one in batch().items()})),
    "no output": ("LD902", "does not read the output `out`", lambda: BackProp(
        lossdsl.compile("mse(y, tgt)")).grads(LAYERS, parameters(), batch())),
    "a whole term": ("LD903", "couples", lambda: PredictiveCoding(
        lossdsl.compile("mse(out, tgt) + max(out)")).grads(LAYERS, parameters(), batch())),
    "a mean beside a sum": ("LD903", "`mse` is a mean over the batch, `square` is a sum", lambda:
        PredictiveCoding(lossdsl.compile("sum(square(out))/6 + mse(out, tgt)")).grads(
        LAYERS, parameters(), batch())),
    "a sum beside a mean": ("LD903", "`mse` is a mean over the batch, `square` is a sum", lambda:
        PredictiveCoding(lossdsl.compile("mse(out, tgt) + sum(square(out))/6")).grads(
        LAYERS, parameters(), batch())),
    "two means in one term": ("LD903", "several means or sums", lambda: PredictiveCoding(
        lossdsl.compile("mean(square(out))/mean(square(tgt) + 1)")).grads(
        LAYERS, parameters(), batch())),
    "a function of a sum": ("LD903", "several means or sums", lambda: PredictiveCoding(
        lossdsl.compile("sum(square(out))**2")).grads(LAYERS, parameters(), batch())),
    "steps": ("LD904", "`steps` is 0", lambda: PredictiveCoding(LOSS, steps=0)),
    "steps two ways": ("LD904", "`steps` is 0", lambda: BiPredictiveCoding(LOSS, steps=0)),
    "relaxation": ("LD904", "`steps` is -1", lambda: EquilibriumPropagation(LOSS, steps=-1)),
    "eta": ("LD904", "`eta` is 0", lambda: PredictiveCoding(LOSS, eta=0)),
    "mode": ("LD904", '"strict", "fixed", "exact"', lambda: PredictiveCoding(LOSS, mode="loose")),
    "beta": ("LD904", "`beta` is 0", lambda: EquilibriumPropagation(LOSS, beta=0.0)),
    "no finite beta": ("LD904", "`beta` is nan", lambda: EquilibriumPropagation(
        LOSS, beta=float("nan"))),
    "generation": ("LD904", "`generative` is -1", lambda: BiPredictiveCoding(LOSS, generative=-1)),
    "one phase": ("LD904", "the free rest", lambda: EquilibriumPropagation(
        LOSS, Hopfield(), phases="one")),
    "no key": ("LD904", "a key was not given", lambda: EquilibriumPropagation(
        LOSS, sign="random").grads(LAYERS, parameters(), batch())),
    "a key": ("LD904", "a key was given", lambda: EquilibriumPropagation(LOSS).grads(
        LAYERS, parameters(), batch(), key=jax.random.key(0))),
    "classes": ("LD907", "int32[6]", lambda: BiPredictiveCoding(LOSS).grads(
        TWO_WAYS, parameters(), {**batch(), "tgt": jnp.zeros(6, int)})),
    "classes as numbers": ("LD907", "`jax.nn.one_hot(tgt, 2)`", lambda: BiPredictiveCoding(
        LOSS).grads(TWO_WAYS, parameters(), {**batch(), "tgt": jnp.zeros(6, int)})),
    "a label of integers": ("LD907", "`tgt.astype(float32)`", lambda: BiPredictiveCoding(
        LOSS).grads(TWO_WAYS, parameters(), {**batch(), "tgt": jnp.zeros((6, 2), int)})),
    "a label of another shape": ("LD907", "the output's shape: [6, 2]", lambda: BiPredictiveCoding(
        lossdsl.compile("mean(square(out))")).grads(
        TWO_WAYS, parameters(), {**batch(), "tgt": jnp.zeros((6, 3))})),
    "no label": ("LD902", "no `label` to clamp the output at", lambda:
        BiPredictiveCoding(LOSS, target="label").grads(TWO_WAYS, parameters(), batch())),
    "results": ("LD908", "has `a`, `b`", lambda: BackProp(lossdsl.compile(
        "loss a = mse(out, tgt)\nloss b = mean(out)")).grads(LAYERS, parameters(), batch())),
}  # fmt: skip


@pytest.mark.parametrize(("code", "words", "call"), BAD.values(), ids=BAD)
def test_bad_input(code: str, words: str, call: Callable[[], Any]) -> None:
    with refused(code, words):
        call()


RULES = {
    "backprop": BackProp,
    "predictive": PredictiveCoding,
    "two ways": BiPredictiveCoding,
    "equilibrium": EquilibriumPropagation,
}
NAN, INF = float("nan"), float("inf")
OF_A_KIND: dict[str, tuple[Any, ...]] = {
    "loss": ("mse(out, tgt)", None, lambda out: out),
    "loss_back": ("mse(out, x)", 1),
    "input": (0, None),
    "output": (0, None),
    "target": (0, None),
    "check": ("yes", 1, None),
    "tolerance": (NAN, -1, 0, "a", None, True),
    "eta": (NAN, INF, -1, 0, "a", None, True, [0.1]),
    "dt": (NAN, INF, 0, "a"),
    "tau": (NAN, 0, "a"),
    "beta": (NAN, INF, 0, "1", None, True),
    "stop": (NAN, INF, -1, "a"),
    "discriminative": (NAN, INF, 0, "a"),
    "generative": (NAN, INF, -1, "a"),
    "steps": (0, -1, 2.5, "20", None, True, NAN),
    "mode": ("loose", 1, None, ["strict"]),
    "phases": ("three", 2),
    "start": ("ones", None),
    "sign": ("both", True),
    "energy": ("hopfield", Hopfield, None),
}


def settings(rule: Any) -> set[str]:
    return {field.name for field in dataclasses.fields(rule)}


def test_every_setting_is_tried() -> None:
    assert set().union(*map(settings, RULES.values())) == set(OF_A_KIND)


@pytest.mark.parametrize(
    ("rule", "name", "value"),
    [
        (rule, name, value)
        for rule in RULES.values()
        for name, values in OF_A_KIND.items()
        for value in values
        if name in settings(rule) and (name, value) != ("loss_back", None)
    ],
)
def test_a_setting_of_another_kind(rule: Any, name: str, value: Any) -> None:
    with refused("LD904", f"`{name}` is "):
        rule(**{"loss": LOSS, name: value})


def test_settings_may_be_numbers_of_numpy() -> None:
    rule = PredictiveCoding(LOSS, eta=np.float32(0.5), steps=np.int64(3), tolerance=1)
    assert np.isfinite(rule.grads(LAYERS, parameters(), batch()).residual)


def test_a_nudge_as_small_as_rounding_is_warned_of_with_the_number() -> None:
    rule, params, data = EquilibriumPropagation(LOSS, beta=1e-6), parameters(), batch()
    with pytest.warns(LossWarning, match=r"`beta` is 1e-06: rounding in float32 is about \d+%"):
        found = rule.grads(LAYERS, params, data).rounding
    assert 0.01 < float(found) < 1
    with pytest.warns(LossWarning, match="rounding in float32 is"):
        EquilibriumPropagation(LOSS, beta=1e-12).grads(LAYERS, params, data)
    with pytest.warns(LossWarning, match="rounding in float32 is at least about 12%"):
        jax.jit(lambda params: rule.grads(LAYERS, params, data))(params)
    with jax.enable_x64(True):
        rule.grads(LAYERS, parameters(dtype=jnp.float64), batch(dtype=jnp.float64))


def test_where_the_loss_is_at_its_least_rounding_is_not_warned_of() -> None:
    params, data = parameters(), batch()
    best = {
        **data,
        "tgt": LAYERS[2](params[2], LAYERS[1](params[1], LAYERS[0](params[0], data["x"]))),
    }
    rule = EquilibriumPropagation(LOSS, start="forward")
    assert float(rule.grads(LAYERS, params, best).rounding) == 0


def test_the_layers_of_a_user_raise_what_they_raise() -> None:
    def broken(params: Any, x: Any) -> Any:
        return params["missing"]

    with pytest.raises(KeyError, match="missing"):
        BackProp(LOSS).grads((broken, squashed), parameters(SIZES[:3]), batch())
