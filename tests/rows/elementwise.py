"""Functions of one element, against NumPy and SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from rows.row import Row


def of(compute: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same for an input that is called x."""
    return lambda x: compute(x)


def l0_share(x: Any) -> Any:
    return x**4 / (x**4 + 0.1)


ROWS = [
    Row("abs(x)", of(np.abs)),
    Row("atan2(y, x)", lambda y, x: np.arctan2(y, x)),
    Row("exp(x)", of(np.exp)),
    Row("log(x)", of(np.log)),
    Row("log1p(abs(x))", lambda x: np.log1p(abs(x)), function="log1p"),
    Row("expm1(x)", of(np.expm1)),
    Row("sqrt(x)", of(np.sqrt)),
    Row("square(x)", lambda x: x * x),
    Row("sign(x)", of(np.sign), gradient=False),
    Row("clip(x, -0.5, 0.7)", lambda x: np.clip(x, -0.5, 0.7)),
    Row("minimum(a, b)", lambda a, b: np.minimum(a, b)),
    Row("maximum(a, b)", lambda a, b: np.maximum(a, b)),
    Row("where(condition, a, b)", lambda condition, a, b: np.where(condition, a, b)),
    Row("sin(x)", of(np.sin)),
    Row("cos(x)", of(np.cos)),
    Row("erf(x)", of(special.erf)),
    Row("gammaln(x)", of(special.gammaln)),
    Row(
        "xlogy(x, y)",
        lambda x, y: special.xlogy(x, y),
        given=lambda random, drawn: {"y": abs(drawn["y"])},
    ),
    Row(
        "weigh(weight, x)",
        lambda weight, x: np.where((weight == 0) & np.isinf(x), 0, weight * x),
    ),
    Row(
        "nan_unless(condition, x)",
        lambda condition, x: x + 0 * condition,
        given=lambda random, drawn: {"condition": np.ones_like(drawn["condition"])},
    ),
    Row("entr(x)", of(special.entr)),
    Row("round(x)", of(np.round), gradient=False),
    Row("floor(x)", of(np.floor), gradient=False),
    Row(
        "where(isfinite(x), 1.0, 0.0)",
        lambda x: np.isfinite(x) * 1.0,
        gradient=False,
        function="isfinite",
    ),
    Row("stop_gradient(x)", lambda x: x, gradient=False),
    Row("sg(x)", lambda x: x, gradient=False),
    Row("tanh(x)", of(np.tanh)),
    Row("sigmoid(x)", of(special.expit)),
    Row("log_sigmoid(x)", of(special.log_expit)),
    Row("softplus(x)", lambda x: np.logaddexp(0, x)),
    Row("relu(x)", lambda x: np.maximum(x, 0)),
    Row("gelu(x, approximate=false)", lambda x: x * special.ndtr(x)),
    Row(
        "gelu(x)",
        lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    ),
    Row("silu(x)", lambda x: x * special.expit(x)),
    Row("elu(x, 0.7)", lambda x: np.where(x > 0, x, 0.7 * np.expm1(np.minimum(x, 0)))),
    Row("l0_share(x, 0.1)", l0_share),
    Row(
        'limit_cost(x, 0.3, 2.0, side="upper", strict=false, law="quadratic")',
        lambda x: np.maximum((x - 0.3) / 2, 0) ** 2,
    ),
]
