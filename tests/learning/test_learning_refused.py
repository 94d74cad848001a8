"""What a learning rule refuses and warns of."""

from __future__ import annotations

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
    LearningResult,
    PredictiveCoding,
)
from lossdsl.learning.layers import forward

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
BACK, PREDICTIVE = BackProp(LOSS), PredictiveCoding(LOSS)
TWO = BiPredictiveCoding(LOSS)
RANDOM = EquilibriumPropagation(LOSS, sign="random", phases="two")


def tried(
    rule: Any, layers: Any = LAYERS, params: Any = None, data: Any = None, **more: Any
) -> Any:
    """Return the call of a rule, over the usual network and batch but for what is given."""
    params = parameters() if params is None else params
    return lambda: rule.grads(layers, params, batch() if data is None else data, **more)


def of(text: str) -> PredictiveCoding:
    return PredictiveCoding(lossdsl.compile(text))


KEY, ONE = jax.random.key(0), parameters((4, 2))
WIDE = [*parameters()[:1], *parameters((4, 4, 3, 2))[1:]]
NARROW = Bidirectional(linear, lambda params, x: jnp.ones((6, 2)))
X = {"x": batch()["x"]}

LAYERS_REFUSED = {
    "a width": ("layer 1 does not take float32[6, 5]: ", tried(BACK, params=WIDE)),
    "too few parameters": ("3 layers with parameters for 2", tried(BACK, params=ONE * 2)),
    "no layers": ("there are no layers", tried(BACK, (), ())),
    "no function": ("layer 0 is of type `int`, not a function", tried(BACK, (1,), ONE)),
    "no hash": ("layer 0 has no hash", tried(BACK, (Unhashed(),), ONE)),
    "one layer": ("`layers` is of type `function`, not a list", tried(BACK, linear, ONE)),
    "one tree": ("`params` is of type `dict`, not a list", tried(BACK, [linear], ONE[0])),
    "text": ("`0/w` is of type `str`, not an array", tried(BACK, [linear], [{"w": "text"}])),
    "integers": ("`0/n` is int32", tried(BACK, [linear], [{"n": jnp.arange(3)}])),
    "no array": (
        "what layer 0 returns is of type `dict`",
        tried(BACK, (lambda params, x: params,), ONE),
    ),
    "an array of NumPy": (
        "what layer 0 returns is an array of NumPy",
        tried(BACK, (lambda params, x: np.ones((6, 2)),), ONE),
    ),
    "one way": ("layer 1 predicts one way only", tried(TWO, (TWO_WAYS[0], linear, linear))),
    "backward to another input": (
        "layer 0, backward, predicts float32[6, 2]; the input is float32[6, 4]",
        tried(TWO, (NARROW,), ONE),
    ),
    "backward from another width": (
        "layer 2, backward, does not take float32[6, 2]",
        tried(TWO, (*TWO_WAYS[:2], Bidirectional(linear, linear))),
    ),
    "backward to another width": (
        "layer 1, backward, predicts float32[6, 2]; what it predicts is float32[6, 5]",
        tried(TWO, (TWO_WAYS[0], NARROW, TWO_WAYS[2])),
    ),
    "activations": (
        "2 activations `phi` for 3 layers",
        tried(EquilibriumPropagation(LOSS, ConditionalGaussian((jnp.tanh, jnp.tanh)))),
    ),
}
BATCHES_REFUSED = {
    "no input": ("the batch has no `x` for the first layer", tried(BACK, data={"tgt": 1.0})),
    "no target": ("no `tgt`, which the loss reads", tried(BACK, data=X)),
    "what there is": ("it holds `x`, `label`", tried(BACK, data={**X, "label": 1})),
    "no label": (
        "no `label` to clamp the output at",
        tried(BiPredictiveCoding(LOSS, target="label"), TWO_WAYS),
    ),
    "no mapping": ("the batch is of type `tuple`, not a mapping", tried(BACK, data=(1, 2))),
    "no mapping, with a key": (
        "the batch is of type `tuple`, not a mapping",
        tried(RANDOM, data=(1, 2), key=KEY),
    ),
    "text": ("`tgt` of the batch is of type `str`", tried(BACK, data={**X, "tgt": "text"})),
    "an empty batch": (
        "the batch is empty: `x` is float32[0, 4]",
        tried(BACK, data={name: one[:0] for name, one in batch().items()}),
    ),
    "no output": (
        "the loss does not read the output `out`",
        tried(BackProp(lossdsl.compile("mse(y, tgt)"))),
    ),
    "a tree to predict": (
        "is one array; the input is of type `dict`",
        tried(TWO, TWO_WAYS, data={**batch(), "x": {"a": 1.0}}),
    ),
    "a tree for Hopfield": (
        "reads one array of rates; the input is of type `dict`",
        tried(EquilibriumPropagation(LOSS, Hopfield()), data={**batch(), "x": {"a": 1.0}}),
    ),
}
LOSSES_REFUSED = {
    "a whole term": ("`out` couples the examples", tried(of("mse(out, tgt) + max(out)"))),
    "a mean and a sum": (
        "the term `mse` is a mean over the batch, `square` is a sum",
        tried(of("mse(out, tgt) + sum(square(out))/6")),
    ),
    "a sum and a mean": (
        "the term `mse` is a mean over the batch, `square` is a sum",
        tried(of("sum(square(out))/6 + mse(out, tgt)")),
    ),
    "a ratio of means": (
        "`term_1` is computed from several means or sums",
        tried(of("mean(square(out))/mean(square(tgt) + 1)")),
    ),
    "a function of a sum": (
        "`term_1` is computed from several means or sums",
        tried(of("sum(square(out))**2")),
    ),
}
SETTINGS_REFUSED = {
    "a setting without a hash": (
        "`energy` is of type `ConditionalGaussian`, and has no hash",
        tried(EquilibriumPropagation(LOSS, ConditionalGaussian(Unhashed())), (linear,) * 3),
    ),
    "no phase but one": (
        "leaves out what the free rest contributes",
        lambda: EquilibriumPropagation(LOSS, Hopfield(), phases="one"),
    ),
    "an activation": ('`phi` is "tanh"; it is a function', lambda: Hopfield("tanh")),
    "activations as a list": (
        "`phi` is of type `list`; it is a function",
        lambda: ConditionalGaussian([jnp.tanh] * 4),
    ),
    "a sign without effect": (
        "has no effect",
        lambda: EquilibriumPropagation(LOSS, sign="random", phases="centered"),
    ),
    "no key": ("a key was not given", tried(RANDOM)),
    "no key of JAX": ("`key` is 3; it is a key of `jax.random`", tried(RANDOM, key=3)),
    "keys": ("`key` is an array; it is a key", tried(RANDOM, key=jax.random.split(KEY))),
    "a key": ("a key was given", tried(EquilibriumPropagation(LOSS), key=KEY)),
}
LABELS_REFUSED = {
    "classes": ("the label `tgt` is int32[6]", jnp.zeros(6, int)),
    "what to do with classes": ("`jax.nn.one_hot(tgt, 2)`", jnp.zeros(6, int)),
    "integers": ("`tgt.astype(float32)`", jnp.zeros((6, 2), int)),
    "another shape": ("the label has the output's shape: [6, 2]", jnp.zeros((6, 3))),
}
OF_OUT = BiPredictiveCoding(lossdsl.compile("mean(square(out))"))
RESULTS = lossdsl.compile("loss a = mse(out, tgt)\nloss b = mean(out)")
BAD = {
    **{("LD901", name): row for name, row in LAYERS_REFUSED.items()},
    **{("LD902", name): row for name, row in BATCHES_REFUSED.items()},
    **{("LD903", name): row for name, row in LOSSES_REFUSED.items()},
    **{("LD904", name): row for name, row in SETTINGS_REFUSED.items()},
    **{
        ("LD907", name): (words, tried(OF_OUT, TWO_WAYS, data={**X, "tgt": label}))
        for name, (words, label) in LABELS_REFUSED.items()
    },
    ("LD908", "results"): ("has `a`, `b`", tried(BackProp(RESULTS))),
}


@pytest.mark.parametrize(
    ("code", "words", "call"),
    [(code, *row) for (code, _), row in BAD.items()],
    ids=[name for _, name in BAD],
)
def test_bad_input(code: str, words: str, call: Callable[[], Any]) -> None:
    with refused(code, words):
        call()


def test_a_nudge_as_small_as_rounding_is_warned_of_with_the_number() -> None:
    rule, params, data = EquilibriumPropagation(LOSS, beta=1e-6), parameters(), batch()
    with pytest.warns(LossWarning, match="rounding in float32 is more than 1% of a gradient"):
        found = rule.grads(LAYERS, params, data).rounding
    assert 0.01 < float(found) < 0.1
    with pytest.warns(LossWarning, match="rounding in float32 is all of a gradient"):
        EquilibriumPropagation(LOSS, beta=1e-12).grads(LAYERS, params, data)
    with pytest.warns(LossWarning, match="rounding in float32 is of the order of 12%"):
        jax.jit(lambda params: rule.grads(LAYERS, params, data))(params)
    with jax.enable_x64(True):
        rule.grads(LAYERS, parameters(dtype=jnp.float64), batch(dtype=jnp.float64))


@pytest.mark.parametrize(
    ("dtype", "advice"),
    [(jnp.bfloat16, "float32; or stop"), (jnp.float16, "float32; or stop"),
     (jnp.float32, "float64; or stop")],
)  # fmt: skip
def test_the_next_wider_numbers_are_advised(dtype: Any, advice: str) -> None:
    found = LearningResult([], 0.0, {}, 0.0, 0.0, np.zeros(3), rounding=0.5)
    with pytest.warns(LossWarning, match=f"rounding in {jnp.dtype(dtype)}") as caught:
        EquilibriumPropagation(LOSS)._warn_of_rounding(found, parameters(dtype=dtype))
    assert advice in str(caught[0].message)


def test_batches_are_warned_of_in_one_text() -> None:
    rule = EquilibriumPropagation(LOSS, beta=1e-6)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for seed in range(20):
            rule.grads(LAYERS, parameters(), batch(seed=seed))
    assert 1 <= len(caught) <= 3


def test_where_the_loss_is_at_its_least_there_is_nothing_to_warn_of() -> None:
    params, data = parameters(), batch()
    best = {**data, "tgt": forward(LAYERS, params, data["x"])[-1]}
    rule = EquilibriumPropagation(LOSS, start="forward", check=True)
    result = rule.grads(LAYERS, params, best)
    assert (float(result.rounding), float(result.residual)) == (0, 0)
    near = {**best, "tgt": best["tgt"] + 6e-7}
    with pytest.warns(LossWarning, match="or stop here, if the loss is nearly at its least"):
        EquilibriumPropagation(LOSS, start="forward").grads(LAYERS, params, near)


def test_a_network_without_parameters_has_no_rounding() -> None:
    rule = EquilibriumPropagation(LOSS, start="forward")
    data = batch(sizes=(4, 4))
    assert float(rule.grads([lambda params, x: x * 2], [{}], data).rounding) == 0


def test_the_layers_of_a_user_raise_what_they_raise() -> None:
    def broken(params: Any, x: Any) -> Any:
        return params["missing"]

    with pytest.raises(KeyError, match="missing"):
        BackProp(LOSS).grads((broken, squashed), parameters(SIZES[:3]), batch())
