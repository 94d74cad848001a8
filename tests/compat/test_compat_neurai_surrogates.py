"""`lossdsl.compat.neurai.surrogate_grad`: the page's classes by the laws of `spike`."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_compat import shown

from lossdsl import LossError
from lossdsl.compat import neurai
from lossdsl.compat.neurai import autograd, surrogate_grad
from lossdsl.learning import surrogate

PAGE = {
    "Gaussian": "(alpha=1.0)",
    "MultiGaussian": "(lens=0.5, scale=6.0, hight=0.15)",
    "Polynomial": "(alpha=1.0, spiking=True)",
    "Rectangular": "(alpha=1.0, spiking=True)",
    "Sigmoid": "(alpha=4.0, spiking=True)",
    "SingleExponential": "(grad_width=0.5, grad_scale=1.0)",
    "SlayerPdf": "(scale=1, tau=10.0, spiking=True)",
    "SuperSpike": "(alpha=1.0)",
}
LAWS = {
    "Gaussian": surrogate.gaussian(),
    "MultiGaussian": surrogate.multi_gaussian(),
    "Polynomial": surrogate.polynomial(),
    "Rectangular": surrogate.rectangular(),
    "Sigmoid": surrogate.sigmoid(4),
    "SingleExponential": surrogate.single_exponential(),
    "SlayerPdf": surrogate.slayer_pdf(),
    "SuperSpike": surrogate.superspike(1),
}


@pytest.mark.parametrize("name", PAGE)
def test_surrogates_have_the_page_s_signatures_and_the_laws_of_spike(name: str) -> None:
    one = getattr(surrogate_grad, name)
    assert one is getattr(neurai, name)
    assert issubclass(one, surrogate_grad.SurrogateFunctionBase)
    assert shown(inspect.signature(one)) == PAGE[name]
    x = jnp.linspace(-2, 2, 17)
    np.testing.assert_array_equal(one()(x), x >= 0)
    np.testing.assert_allclose(one().derivative(x), LAWS[name].derivative(x))
    np.testing.assert_allclose(jax.vmap(jax.grad(one()))(x), LAWS[name].derivative(x))
    assert one() == one() != LAWS[name]
    assert hash(one()) == hash(one())
    if "spiking" in PAGE[name]:
        smooth = one(spiking=False)
        np.testing.assert_allclose(smooth(x), replace(LAWS[name], smooth=True)(x))
        assert smooth != one()


def test_a_surrogate_is_called_as_on_the_page() -> None:
    sigmoid = surrogate_grad.Sigmoid(alpha=4.0, spiking=True)
    assert sigmoid(np.array([1, 2, 3])).tolist() == [1, 1, 1]
    assert repr(sigmoid) == "Sigmoid: sigmoid(alpha=4.0)"


def test_modules_have_the_page_s_paths() -> None:
    assert autograd.PC is neurai.PC
    assert set(autograd.__all__) | set(surrogate_grad.__all__) == set(neurai.__all__)


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("LD503", lambda: surrogate_grad.Gaussian(alpha=0)),
        ("LD112", lambda: surrogate_grad.Sigmoid(spiking="no")),
    ],
)
def test_a_wrong_setting_is_refused(code: str, call: Any) -> None:
    with pytest.raises(LossError) as error:
        call()
    assert error.value.codes == (code,)
