"""Each golden case as a call of `lossdsl.compat`: a table from function to what a user writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import optax
from golden_specs import Case

from lossdsl.compat import rockpool, spyx

# Takes the arguments of a case by name, and returns its value.
Call = Callable[..., Any]

NORMS = {"squared_error": optax.squared_error, "identity": lambda x: x}


def function(one: Call) -> Callable[[Case], Call]:
    """Call a function of Rockpool: the case's arrays and its options by their own names."""
    return lambda case: lambda **inputs: one(**inputs, **case["kwargs"])


def factory(one: Call) -> Callable[[Case], Call]:
    """Make a function of spyx with the case's options, and call it with the arrays by name."""
    return lambda case: lambda **inputs: one(**case["kwargs"])(**inputs)


def accuracy(case: Case) -> Call:
    """Return the accuracy; the predictions are compared as its metrics are."""
    return lambda **inputs: factory(spyx.integral_accuracy)(case)(**inputs)[0]


def sparsity(case: Case) -> Call:
    """Return the function of the norm that the case names."""
    options = dict(case["kwargs"])
    if "norm" in options:
        options["norm"] = NORMS[options["norm"]]
    return spyx.sparsity_reg(**options)


def regularizer(case: Case) -> Call:
    """Return the first of the three results, which the data holds."""

    def call(data: Any, lower_bound: Any, upper_bound: Any) -> Any:
        return rockpool.ParameterBoundaryRegularizer(lower_bound, upper_bound)(data)[0]

    return call


def made(params: Any) -> dict[str, Any]:
    """Name the two results of `make_bounds` as the data does."""
    return dict(zip(("lower", "upper"), rockpool.make_bounds(params), strict=True))


def clipped(params: Any, lower: Any, upper: Any) -> Any:
    return rockpool.bounds_clip(params, lower, upper)


def tutorial(out: Any, tgt: Any, params: Any) -> Any:
    """1e3 times both the regularizer and the lower bound of the time constants."""
    lower, upper = rockpool.make_bounds(params)
    lower["1_RateJax"]["tau"] = 10e-3
    return (
        rockpool.mse(out, tgt)
        + 1e3 * rockpool.l2sqr_norm(params)
        + 1e3 * rockpool.bounds_cost(params, lower, upper)
    )


def two_sided(out: Any, tgt: Any, params: Any) -> Any:
    lower, upper = rockpool.make_bounds(params)
    for layer in lower:
        for name, low, high in (("tau", 0.01, 0.015), ("weight", -1.0, 1.0)):
            if name in lower[layer]:
                lower[layer][name], upper[layer][name] = low, high
    return rockpool.mse(out, tgt) + 10 * rockpool.bounds_cost(params, lower, upper)


def mixed(traces: Any, labels: Any, spikes: Any, out: Any, tgt: Any, params: Any) -> Any:
    return (
        spyx.integral_crossentropy(smoothing=0.1)(traces, labels)
        + 1e-2 * spyx.sparsity_reg(0.2)(spikes)
        + 1e-3 * spyx.silence_reg(0.5)(spikes)
        + 0.0 * rockpool.mse(out, tgt)
        + 1e-4 * rockpool.l2sqr_norm(params)
    )


COMPOSITES = {
    "composite/tutorial": tutorial,
    "composite/two_sided": two_sided,
    "composite/spyx_mix": mixed,
}

CALLS: dict[str, Callable[[Case], Call]] = {
    "mse": function(rockpool.mse),
    "sse": function(rockpool.sse),
    "l2sqr_norm": function(rockpool.l2sqr_norm),
    "l0_norm_approx": function(rockpool.l0_norm_approx),
    "softmax": function(rockpool.softmax),
    "logsoftmax": function(rockpool.logsoftmax),
    "make_bounds": lambda _: made,
    "bounds_cost": function(rockpool.bounds_cost),
    "bounds_clip": lambda _: clipped,
    "summed_exp_boundary_loss": function(rockpool.summed_exp_boundary_loss),
    "ParameterBoundaryRegularizer": regularizer,
    "integral_accuracy": accuracy,
    "integral_crossentropy": factory(spyx.integral_crossentropy),
    "mse_spikerate": factory(spyx.mse_spikerate),
    "silence_reg": factory(spyx.silence_reg),
    "sparsity_reg": sparsity,
    "composite": lambda case: COMPOSITES[case["id"]],
}


def predictions(case: Case) -> Any:
    """Return the second result of `integral_accuracy`."""
    return factory(spyx.integral_accuracy)(case)(**case["args"])[1]


def as_loss(case: Case, call: Call) -> Call:
    """Return the call as a function that can be differentiated: its product with the cotangent."""
    if case["fn"] not in ("softmax", "logsoftmax"):
        return call
    cotangent = case.get("cotangent", 1.0)
    return lambda **inputs: jnp.sum(call(**inputs) * cotangent)
