"""`lossdsl.compat.neurai`: signatures, what comes back in which order, and the rules below."""

from __future__ import annotations

import inspect
from dataclasses import replace
from enum import Enum
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from learning_networks import LAYERS, batch, far, linear, parameters, shared
from test_compat import shown

import lossdsl
from lossdsl import LossError
from lossdsl.compat.neurai import (
    BP,
    EP,
    PC,
    BiPC,
    EPMode,
    GradeBase,
    LocalBase,
    PCMode,
    grad,
)
from lossdsl.learning import (
    BackProp,
    Bidirectional,
    BiPredictiveCoding,
    ConditionalGaussian,
    EquilibriumPropagation,
    Hopfield,
    PredictiveCoding,
)
from lossdsl.learning.layers import forward

# Those of the package's documentation, `neurai.grads`.
SIGNATURES = {
    GradeBase: "(loss_f, acc_f=None, fun_has_aux=False)",
    LocalBase: "(loss_f, acc_f=None, fun_has_aux=False)",
    LocalBase.predict: "(self, model, param, batch_data)",
    BP: "(loss_f, acc_f=None, fun_has_aux=False)",
    BP.get_grads: "(self, model, param, batch_data, return_param=False, kwargs)",
    BP.predict: "(self, model, param, batch_data, kwargs)",
    PC: "(loss_f, acc_f=None, eta=0.1, n=20, mode=STRICT, fun_has_aux=False)",
    PC.get_grads: "(self, model, param, batch_data)",
    BiPC: "(loss_f, loss_f_b, acc_f=None, eta=0.1, n=20, eta_trace=None, mode=SWEIGHT_BISTRICT, "
    "fun_has_aux=False)",
    BiPC.get_grads: "(self, model, param, batch_data, kwargs)",
    EP: "(loss_f, acc_f=None, beta=1.0, dt=0.1, n_relax=20, tau=1, tol=0, mode=TWO_PHASE, "
    "activation=None, fun_has_aux=False, kwargs)",
    EP.get_grads: "(self, model, param, batch_data, optim, opt_state, repeat=1)",
    grad: "(fun, argnums=0, has_aux=False, holomorphic=False, allow_int=False, reduce_axes=(), "
    "return_fun_value=False)",
}
TWO_WAYS = (shared(jnp.tanh),) * 3
SUM = lossdsl.compile("sum(square(out - tgt))/2")


def half_sum(output: Any, target: Any) -> Any:
    return jnp.sum(jnp.square(output - target)) / 2


def accuracy(output: Any, target: Any) -> Any:
    return jnp.mean(jnp.argmax(output, -1) == jnp.argmax(target, -1))


@pytest.mark.parametrize("function", SIGNATURES, ids=lambda one: one.__qualname__)
def test_the_signature_is_the_package_s(function: Any) -> None:
    signature = inspect.signature(function)
    enums = [
        one.replace(default=SimpleNamespace(__name__=one.default.name))
        if isinstance(one.default, Enum)
        else one
        for one in signature.parameters.values()
    ]
    assert shown(signature.replace(parameters=enums)) == SIGNATURES[function]


NEURAI = {"beta": 1.0, "dt": 0.1, "steps": 20}
RULES = {
    "BP": (BP(half_sum), BackProp(SUM), LAYERS),
    "PC": (PC(half_sum), PredictiveCoding(SUM), LAYERS),
    "PC fixed": (PC(half_sum, n=3, eta=1.0, mode=PCMode.FIXED_PRED),
                 PredictiveCoding(SUM, 1.0, 3, "fixed"), LAYERS),
    "PC exact": (PC(half_sum, mode=PCMode.EXACT), PredictiveCoding(SUM, mode="exact"), LAYERS),
    "BiPC": (BiPC(half_sum, half_sum), BiPredictiveCoding(SUM), TWO_WAYS),
}  # fmt: skip
SETTLING = {
    "two phases": (EP(half_sum), EquilibriumPropagation(SUM, **NEURAI, phases="two")),
    "centered": (EP(half_sum, mode=EPMode.CENTERED), EquilibriumPropagation(SUM, **NEURAI)),
    "one phase": (EP(half_sum, mode=EPMode.ONE_PHASE, start="forward"),
                  EquilibriumPropagation(SUM, **NEURAI, phases="one", start="forward")),
    "an activation": (EP(half_sum, activation=jnp.tanh),
                      EquilibriumPropagation(SUM, ConditionalGaussian(jnp.tanh), **NEURAI,
                                             phases="two")),
    "an energy": (EP(half_sum, energy=Hopfield),
                  EquilibriumPropagation(SUM, Hopfield(), **NEURAI, phases="two")),
}  # fmt: skip


@pytest.mark.parametrize(("there", "here", "layers"), RULES.values(), ids=RULES)
def test_the_rules_are_those_of_lossdsl(there: Any, here: Any, layers: Any) -> None:
    params, data = parameters(), batch()
    grads, loss, acc = there.get_grads(layers, params, (data["x"], data["tgt"]))
    result = here.grads(layers, params, data)
    assert far(grads, result.grads) < 1e-5
    assert float(loss) == pytest.approx(float(result.loss), rel=1e-5)
    assert acc == -1


@pytest.mark.parametrize(("there", "here"), SETTLING.values(), ids=SETTLING)
def test_equilibrium_propagation_returns_gradients_accuracy_loss_energy(
    there: Any, here: Any
) -> None:
    assert replace(there.rule, loss=here.loss) == here
    params, data, layers = parameters(), batch(), (linear,) * 3
    optim = optax.sgd(0.1)
    found = there.get_grads(layers, params, (data["x"], data["tgt"]), optim, optim.init(params))
    result = there.rule.grads(layers, params, data)  # of the program that `get_grads` ran
    assert far(found[0], result.grads) < 1e-5
    assert found[1] == -1
    np.testing.assert_allclose(found[2:], (result.loss, result.energy), rtol=1e-5)


def test_every_setting_of_equilibrium_propagation_reaches_the_rule() -> None:
    shared = {"beta": 0.5, "dt": 0.2, "tau": 3, "check": True, "tolerance": 0.1}
    there = EP(half_sum, n_relax=7, tol=1e-3, **shared).rule
    here = EquilibriumPropagation(SUM, steps=7, stop=1e-3, phases="two", **shared)
    assert replace(there, loss=SUM) == here


def test_what_settles_under_a_function_is_what_settles_under_its_text() -> None:
    there, here = SETTLING["two phases"]
    given = (linear,) * 3, parameters(), batch()
    found, result = there.rule.grads(*given), here.grads(*given)
    assert far(found.grads, result.grads) < 1e-5
    np.testing.assert_allclose((found.loss, found.energy), (result.loss, result.energy), rtol=1e-5)


@pytest.mark.parametrize("loss", [half_sum, SUM, "sum(square(out - tgt))/2"])
def test_accuracy_comes_third_and_parameters_last(loss: Any) -> None:
    params, data = parameters(), batch()
    out = data["x"]
    for layer, own in zip(LAYERS, params, strict=True):
        out = layer(own, out)
    given = (data["x"], data["tgt"])
    *found, param = BP(loss, accuracy).get_grads(LAYERS, params, given, return_param=True)
    assert param is params
    for rule in (BP(loss, accuracy), PC(loss, accuracy)):
        grads, value, acc = rule.get_grads(LAYERS, params, given)
        assert jax.tree.structure(grads) == jax.tree.structure(params)
        assert float(acc) == float(accuracy(out, data["tgt"]))
        np.testing.assert_allclose(rule.predict(LAYERS, params, given), (value, acc), rtol=1e-6)
        np.testing.assert_allclose(found[1:], (value, acc), rtol=1e-6)


def test_a_model_may_be_one_function_that_takes_keywords() -> None:
    def model(param: Any, x: Any, scale: float) -> Any:
        return scale * linear(param, x)

    param, data = parameters((4, 2))[0], batch()
    given = (data["x"], data["tgt"])
    grads, loss, _ = BP(half_sum).get_grads(model, param, given, scale=2.0)
    expected = jax.grad(lambda own: half_sum(model(own, data["x"], 2.0), data["tgt"]))(param)
    assert far(grads, expected) < 1e-6
    assert float(BP(half_sum).predict(model, param, given, scale=2.0)[0]) == float(loss)
    several = BP(half_sum).get_grads([model], [param], given, scale=2.0)[0]
    assert far(several[0], grads) == 0


def test_aux_stands_beside_the_loss() -> None:
    rule = BP(lambda out, target: (half_sum(out, target), jnp.max(out)), fun_has_aux=True)
    data = batch()
    _, (loss, aux), acc = rule.get_grads(LAYERS, parameters(), (data["x"], data["tgt"]))
    assert float(loss) > 0
    assert np.isfinite(aux)
    assert acc == -1


def test_the_loss_of_the_input_is_read() -> None:
    data, params = batch(), parameters()
    given = (data["x"], data["tgt"])
    square = BiPC(SUM, half_sum).get_grads(TWO_WAYS, params, given)[0]
    other = BiPC(SUM, 'log_cosh(out, x, reduce="sum")').get_grads(TWO_WAYS, params, given)[0]
    assert far(square, other) > 1e-3


def test_grad_returns_what_jax_does() -> None:
    def function(x: Any, y: Any) -> Any:
        return jnp.sum(x * y), jnp.max(x)

    x, y = jnp.array([1.0, 2.0]), jnp.array([3.0, 4.0])
    (value, aux), found = grad(function, has_aux=True, return_fun_value=True)(x, y)
    assert (found.tolist(), float(value), float(aux)) == ([3.0, 4.0], 11.0, 2.0)
    value, found = grad(half_sum, return_fun_value=True)(x, y)
    assert (found.tolist(), float(value)) == ([-2.0, -2.0], 4.0)
    found, aux = grad(function, argnums=1, has_aux=True)(x, y)
    assert (found.tolist(), float(aux)) == ([1.0, 2.0], 2.0)
    assert [one.tolist() for one in grad(half_sum, (0, 1))(x, y)] == [[-2.0, -2.0], [2.0, 2.0]]
    assert grad(lambda n: 2.0 * n, allow_int=True)(3).dtype == jax.dtypes.float0
    assert complex(grad(lambda z: z * z, holomorphic=True)(1 + 2j)) == 2 + 4j


@pytest.mark.parametrize("settings", [{}, {"activation": jnp.tanh}, {"energy": Hopfield}])
def test_what_settles_is_judged_as_it_is_trained(settings: Any) -> None:
    rule = EP(half_sum, accuracy, n_relax=60, **settings)
    params, data, layers = parameters(), batch(), (linear,) * 3
    given = (data["x"], data["tgt"])
    _, acc, loss, _ = rule.get_grads(layers, params, given, None, None)
    np.testing.assert_allclose(rule.predict(layers, params, given), (loss, acc), rtol=1e-6)


def test_a_metric_of_a_spec_may_have_any_name() -> None:
    spec = "loss = sse(out, tgt)\nmetric aux = max(out)\nmetric acc = min(out)"
    data = batch()
    _, loss, acc = BP(spec).get_grads(LAYERS, parameters(), (data["x"], data["tgt"]))
    assert np.shape(loss) == ()
    assert acc == -1


def test_one_phase_starts_where_it_may() -> None:
    params, data = parameters(), batch()
    given = (LAYERS, params, (data["x"], data["tgt"]), None, None)
    assert np.isfinite(EP(SUM, mode=EPMode.ONE_PHASE).get_grads(*given)[2])


def test_keywords_reach_both_ways_and_are_told_apart_by_type() -> None:
    def scaled(params: Any, x: Any, n: int) -> Any:
        return linear(params, x) * (2 if n is True else n)

    data, params = batch(), parameters((4, 2))
    given = (data["x"], data["tgt"])
    back = Bidirectional(scaled, lambda params, x, n: x @ params["w"].T)
    rule = BiPC(SUM, half_sum)
    loss = rule.get_grads([back], params, given, n=1)[1]
    assert float(rule.predict([back], params, given, n=1)[0]) == float(loss)
    once, twice = (BP(SUM).predict([scaled], params, given, n=n)[0] for n in (1, True))
    assert float(once) != float(twice)


def test_accuracy_may_read_what_the_spec_does_not() -> None:
    data, params = batch(), parameters()
    rule = PC("mean(square(out))", accuracy)
    acc = rule.get_grads(LAYERS, params, (data["x"], data["tgt"]))[2]
    out = forward(LAYERS, params, data["x"])[-1]
    assert float(acc) == float(accuracy(out, data["tgt"]))


GIVEN = ((linear,), parameters((4, 2)), (jnp.ones((1, 4)), jnp.ones((1, 2))))


def test_a_model_of_a_local_rule_is_a_list_of_layers() -> None:
    for model, what in ((linear, "one function"), (object(), "of type `object`"), (1, "1")):
        with pytest.raises(LossError, match=f"`model` is {what}; it is a list of layers"):
            PC(SUM).get_grads(model, GIVEN[1][0], GIVEN[2])


REFUSED = {
    "no model": ("LD901", lambda: BP(SUM).get_grads(object(), *GIVEN[1:])),
    "a function to settle": ("LD901", lambda: EP(SUM).get_grads(linear, *GIVEN[1:], None, None)),
    "a function both ways": ("LD901", lambda: BiPC(SUM, SUM).predict(linear, *GIVEN[1:])),
    "a trace": ("LD904", lambda: BiPC(SUM, SUM, eta_trace=object())),
    "two ways": ("LD904", lambda: PC(SUM, mode=PCMode.SWEIGHT_BISTRICT)),
    "one way": ("LD904", lambda: BiPC(SUM, SUM, mode=PCMode.STRICT)),
    "no steps": ("LD904", lambda: PC(SUM, n=0)),
    "no nudge": ("LD904", lambda: EP(SUM, beta=0)),
    "a mode as text": ("LD904", lambda: EP(SUM, mode="two")),
    "a mode of another": ("LD904", lambda: PC(SUM, mode=EPMode.TWO_PHASE)),
    "no activation": ("LD904", lambda: EP(SUM, activation="tanh")),
    "a setting": ("LD904", lambda: EP(SUM, sign="random")),
    "a text for an energy": ("LD904", lambda: EP(SUM, energy="hopfield")),
    "a repeat": ("LD904", lambda: EP(SUM).get_grads(*GIVEN, None, None, repeat=2)),
    "axes": ("LD904", lambda: grad(half_sum, reduce_axes=("batch",))),
    "a batch of three": ("LD902", lambda: BP(SUM).get_grads(*GIVEN[:2], (1, 2, 3))),
    "a loss of no output": ("LD902", lambda: BP("mean(tgt)", accuracy).get_grads(*GIVEN)),
    "a batch of names": ("LD902", lambda: BP(SUM).get_grads(*GIVEN[:2], {"x": 1, "y": 2})),
    "a batch of one array": ("LD902", lambda: BP(SUM).get_grads(*GIVEN[:2], jnp.ones((2, 4)))),
    "no batch": ("LD902", lambda: BP(SUM).get_grads(*GIVEN[:2], None)),
    "an array for a keyword": ("LD904", lambda: BP(SUM).get_grads(*GIVEN, scale=jnp.ones(()))),
    "no accuracy": ("LD904", lambda: BP(SUM, "text")),
    "a loss of each": ("LD904", lambda: BP(lambda out, tgt: out - tgt).get_grads(*GIVEN)),
    "no aux": ("LD904", lambda: BP(half_sum, fun_has_aux=True).get_grads(*GIVEN)),
    "aux of a spec": ("LD904", lambda: BP(SUM, fun_has_aux=True)),
    "aux that is no array": (
        "LD904",
        lambda: BP(lambda out, tgt: (half_sum(out, tgt), "text"), fun_has_aux=True).get_grads(
            *GIVEN
        ),
    ),
    "a loss of integers": ("LD904", lambda: BP(lambda out, tgt: 1).get_grads(*GIVEN)),
    "an energy of integers": ("LD904", lambda: EP(SUM, energy=int)),
    "two auxes": (
        "LD904",
        lambda: BP(lambda out, tgt: (half_sum(out, tgt), 1, 2), fun_has_aux=True).get_grads(*GIVEN),
    ),
}


def test_a_batch_of_three_parts_is_told_so() -> None:
    with pytest.raises(LossError, match="`batch_data` has 3 parts"):
        BP(SUM).get_grads(*GIVEN[:2], (1, 2, 3))


@pytest.mark.parametrize(("code", "call"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_offered_is_refused(code: str, call: Any) -> None:
    with pytest.raises(LossError) as error:
        call()
    assert error.value.codes == (code,)
