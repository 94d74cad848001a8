"""The factories of spyx 1.0, `spyx.fn`, over the library.

Names, parameters and defaults are spyx's, so that only the import changes. A factory returns a
function around a jitted one, of the arguments that spyx's takes, which composes with the caller's
`jit`, `grad` and `vmap`; thresholds are arguments of one program, so that another number compiles
nothing. Where spyx is wrong the docstring says what happens here and why.

Traces are (…, time, classes) and targets (…), integers; shapes that do not fit are LD2xx. The last
axis is that of the classes, so `time_axis` cannot be it (LD207); which of the others is time is
the caller's word: time-major traces of as many steps as examples fit a batch-major loss. Integer
traces are promoted, also by the cross entropy, which is an error within optax in spyx, and half
precision is computed in f32.

>>> import jax.numpy as jnp
>>> import lossdsl.compat.spyx as fn
>>> traces = jnp.array([[[1.0, 0.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 1.0]]])
>>> targets = jnp.array([0, 1])
>>> round(float(fn.integral_crossentropy(smoothing=0.0)(traces, targets)), 4)
0.3133
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import optax

from lossdsl.compat.option_numbers import hold_domain
from lossdsl.compilation import compile
from lossdsl.library.declare import Library, builtins

__all__ = [
    "silence_reg",
    "sparsity_reg",
    "integral_accuracy",
    "integral_crossentropy",
    "mse_spikerate",
]

OfSpikes = Callable[[Any], Any]
OfTraces = Callable[[Any, Any], Any]


def silence_reg(min_spikes: float) -> OfSpikes:
    """Return the squared shortfall of units that spike less than `min_spikes` over the batch.

    The function takes a tree of spikes, each (batch, …), and sums over the units of all layers; a
    unit at another time is another unit. A leaf without axes is LD204; a tree without leaves, at
    which spyx fails, costs nothing.

    >>> import jax.numpy as jnp
    >>> float(silence_reg(0.5)([jnp.array([[1.0, 0.0], [1.0, 0.0]])]))
    0.25
    """
    loss = compile("silence(spikes, min_spikes)")

    def silence(spikes: Any) -> Any:
        return loss(spikes=spikes, min_spikes=min_spikes)

    return silence


def sparsity_reg(max_spikes: float, norm: Callable[[Any], Any] = optax.huber_loss) -> OfSpikes:
    """Return the excess of each example's mean activity over `max_spikes`, through `norm`.

    The function takes a tree of spikes, each (batch, …), and sums over the examples, so that it
    grows with the batch, and over the layers. `norm` is any function of one array; what it raises
    is LD807, and a factory with a norm of its own compiles anew. Where the activity is `max_spikes`
    the excess has gradient 0 here, and ½ in spyx, which differs only for norms with a slope at 0.

    >>> import jax.numpy as jnp
    >>> spikes = [jnp.array([[1.0, 0.0], [1.0, 1.0]])]
    >>> float(sparsity_reg(0.5)(spikes))
    0.125
    >>> float(sparsity_reg(0.5, norm=jnp.abs)(spikes))
    0.5
    """
    if norm is optax.huber_loss:
        loss = compile("sparsity(spikes, max_spikes, norm=huber)")
    else:
        # A norm may have more parameters, as optax's have, of which spyx passes none.
        library = builtins() | Library.of(own_norm=lambda x: norm(x))
        loss = compile("sparsity(spikes, max_spikes, norm=own_norm)", library=library)

    def sparsity(spikes: Any) -> Any:
        return loss(spikes=spikes, max_spikes=max_spikes)

    return sparsity


def integral_accuracy(time_axis: int = 1) -> OfTraces:
    """Return the share of traces whose sum over time is largest at the target, and which that is.

    The function returns `(accuracy, predictions)`.

    >>> import jax.numpy as jnp
    >>> traces = jnp.array([[[1.0, 0.0], [1.0, 1.0]], [[1.0, 0.0], [0.0, 0.0]]])
    >>> accuracy, predictions = integral_accuracy()(traces, jnp.array([0, 1]))
    >>> float(accuracy), predictions.tolist()
    (0.5, [0, 0])
    """
    loss = compile(
        f"loss = integral_accuracy(traces, targets, time_axis={time_axis})\n"
        f"metric predictions = argmax(sum(traces, axis={time_axis}), axis=-1)"
    )

    def accuracy(traces: Any, targets: Any) -> tuple[Any, Any]:
        value, terms = loss.with_terms(traces=traces, targets=targets)
        return value, terms.metrics["predictions"]

    return accuracy


def integral_crossentropy(smoothing: float = 0.3, time_axis: int = 1) -> OfTraces:
    """Return the mean cross entropy of the traces' sum over time with the smoothed targets.

    Smoothing outside [0, 1] is LD503; spyx computes with it. A target outside of the classes makes
    the loss NaN, where spyx takes it for a target without any class.

    >>> import jax.numpy as jnp
    >>> traces = jnp.array([[[2.0, 0.0], [1.0, 0.0]]])
    >>> round(float(integral_crossentropy(smoothing=0.5)(traces, jnp.array([0]))), 4)
    0.7986
    """
    hold_domain("integral_crossentropy", "smoothing", smoothing)
    options = f"time_axis={time_axis}, smoothing=smoothing"
    loss = compile(f"integral_crossentropy(traces, targets, {options})")

    def crossentropy(traces: Any, targets: Any) -> Any:
        return loss(traces=traces, targets=targets, smoothing=smoothing)

    return crossentropy


def mse_spikerate(sparsity: float = 0.25, smoothing: float = 0.0, time_axis: int = 1) -> OfTraces:
    """Return the mean squared error of each class's mean rate against `sparsity` times the steps.

    That compares a rate with a count, spyx's law as it is: a train that spikes at `sparsity`
    of the steps is not at its minimum. `mse_rate` of the language compares a rate with a rate.
    Smoothing outside [0, 1] is LD503; a target outside of the classes makes the loss NaN, where
    spyx takes it for one without any class.

    >>> import jax.numpy as jnp
    >>> traces = jnp.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]])
    >>> float(mse_spikerate(sparsity=0.5)(traces, jnp.array([0])))
    1.125
    """
    hold_domain("mse_spikerate", "smoothing", smoothing)
    options = f"time_axis={time_axis}, sparsity=sparsity, smoothing=smoothing"
    loss = compile(f"mse_spikerate(traces, targets, {options})")

    def spikerate(traces: Any, targets: Any) -> Any:
        return loss(traces=traces, targets=targets, sparsity=sparsity, smoothing=smoothing)

    return spikerate
