"""`lossdsl.compat.neurai`: signatures, what comes back in which order, and the rules below."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learning_networks import LAYERS, batch, far, linear, parameters, shared
from test_compat import shown

import lossdsl
from lossdsl import LossError
from lossdsl.compat.neurai import BP, EP, PC, BiPC, PCMode, grad
from lossdsl.learning import BackProp, BiPredictiveCoding, EquilibriumPropagation, PredictiveCoding

SIGNATURES = {
    BP: "(loss_f, acc_f=None, fun_has_aux=False)",
    BP.get_grads: "(self, model, param, batch_data, return_param=False, kwargs)",
    BP.predict: "(self, model, param, batch_data, kwargs)",
    PC: "(loss_f, acc_f=None, eta=0.1, n=20, eta_trace=None, mode=STRICT, fun_has_aux=False)",
    BiPC: "(loss_f, loss_f_b, acc_f=None, eta=0.1, n=20, eta_trace=None, mode=SWEIGHT_BISTRICT, "
    "fun_has_aux=False)",
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
        if isinstance(one.default, PCMode)
        else one
        for one in signature.parameters.values()
    ]
    assert shown(signature.replace(parameters=enums)) == SIGNATURES[function]


RULES = {
    "BP": (BP(half_sum), BackProp(SUM), LAYERS),
    "PC": (PC(half_sum), PredictiveCoding(SUM), LAYERS),
    "PC fixed": (PC(half_sum, n=3, eta=1.0, mode=PCMode.FIXED_PRED),
                 PredictiveCoding(SUM, 1.0, 3, "fixed"), LAYERS),
    "PC exact": (PC(half_sum, mode=PCMode.EXACT), PredictiveCoding(SUM, mode="exact"), LAYERS),
    "BiPC": (BiPC(half_sum, half_sum), BiPredictiveCoding(SUM), TWO_WAYS),
    "EP": (EP(half_sum), EquilibriumPropagation(SUM, phases="two"), LAYERS),
}  # fmt: skip


@pytest.mark.parametrize(("there", "here", "layers"), RULES.values(), ids=RULES)
def test_the_rules_are_those_of_lossdsl(there: Any, here: Any, layers: Any) -> None:
    params, data = parameters(), batch()
    grads, loss, acc = there.get_grads(layers, params, (data["x"], data["tgt"]))
    result = here.grads(layers, params, data)
    assert far(grads, result.grads) < 1e-5
    assert float(loss) == pytest.approx(float(result.loss), rel=1e-5)
    assert acc == -1


@pytest.mark.parametrize("loss", [half_sum, SUM, "sum(square(out - tgt))/2"])
def test_accuracy_comes_third_and_parameters_last(loss: Any) -> None:
    params, data = parameters(), batch()
    out = data["x"]
    for layer, own in zip(LAYERS, params, strict=True):
        out = layer(own, out)
    rule, given = PC(loss, accuracy), (data["x"], data["tgt"])
    grads, value, acc, param = rule.get_grads(LAYERS, params, given, return_param=True)
    assert jax.tree.structure(grads) == jax.tree.structure(params)
    assert param is params
    assert float(acc) == float(accuracy(out, data["tgt"]))
    np.testing.assert_allclose(rule.predict(LAYERS, params, given), (value, acc), rtol=1e-6)


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


def test_grad_returns_gradients_then_value_then_aux() -> None:
    def function(x: Any, y: Any) -> Any:
        return jnp.sum(x * y), jnp.max(x)

    x, y = jnp.array([1.0, 2.0]), jnp.array([3.0, 4.0])
    found, value, aux = grad(function, has_aux=True, return_fun_value=True)(x, y)
    assert (found.tolist(), float(value), float(aux)) == ([3.0, 4.0], 11.0, 2.0)
    found, aux = grad(function, argnums=1, has_aux=True)(x, y)
    assert (found.tolist(), float(aux)) == ([1.0, 2.0], 2.0)
    assert [one.tolist() for one in grad(half_sum, (0, 1))(x, y)] == [[-2.0, -2.0], [2.0, 2.0]]


@pytest.mark.parametrize(
    "call",
    [
        lambda: PC(SUM, eta_trace=object()),
        lambda: PC(SUM, mode=PCMode.SWEIGHT_BISTRICT),
        lambda: BiPC(SUM, SUM, mode=PCMode.STRICT),
        lambda: PC(SUM, n=0),
        lambda: EP(SUM, beta=0),
    ],
)
def test_what_is_not_offered_is_refused(call: Any) -> None:
    with pytest.raises(LossError) as error:
        call()
    assert error.value.codes == ("LD904",)
