"""Layers: pure functions `f(params, x)` in a row, and the values that they pass on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lossdsl.diagnostics.diagnostic import LossError, at

Layer = Callable[[Any, Any], Any]

# How a module is made a function of its parameters, by the package that its class comes from.
MODULES = {
    "flax.nnx": (
        "`graphdef, params = nnx.split(module)`, and the layer is "
        "`lambda params, x: nnx.merge(graphdef, params)(x)`"
    ),
    "flax.linen": "`module.apply`, with what `module.init` returns as its parameters",
}
STATEFUL = (
    "a layer is pure: what it changes, such as the statistics of batch norm or the key of dropout, "
    "is neither its parameters nor kept; use it as in evaluation"
)


@dataclass(frozen=True)
class Bidirectional:
    """A layer that predicts both ways: `forward(params, below)` and `backward(params, above)`.

    Shared weights are two functions that read the same parameters, separate weights two that read
    different ones. As a function it is its forward half.
    """

    forward: Layer
    backward: Layer

    def __call__(self, params: Any, x: Any) -> Any:
        """Return what the layer predicts for the one above."""
        return self.forward(params, x)


def check_layers(layers: Any, params: Any) -> None:
    """Raise LD901 for layers that are no functions, or parameters that are not theirs."""
    for name, argument in (("layers", layers), ("params", params)):
        if not isinstance(argument, Sequence) or isinstance(argument, str):
            message = f"`{name}` is of type `{type(argument).__name__}`, not a list"
            help = (
                "one function for each layer" if argument is layers else "one tree for each layer"
            )
            raise LossError([at("LD901", message, None, help=help)])
    if not layers:
        raise LossError([at("LD901", "there are no layers", None)])
    for number, layer in enumerate(layers):
        own = [base.__module__ for base in type(layer).__mro__]
        for package, help in MODULES.items():
            if any(module.startswith(package) for module in own):
                message = f"layer {number} is a module of `{package}`, not a function of parameters"
                raise LossError([at("LD901", message, None, help=help)])
        if not callable(layer):
            message = f"layer {number} is of type `{type(layer).__name__}`, not a function"
            raise LossError([at("LD901", message, None, help="a layer is `f(params, x)`")])
        if not hashable(layer):
            message = f"layer {number} has no hash, by which what is compiled for it is found again"
            raise LossError([at("LD901", message, None, help="a function or a frozen dataclass")])
    if len(layers) != len(params):
        message = f"{len(layers)} layers with parameters for {len(params)}"
        help = "`params` has one tree for each layer, `{}` for one without parameters"
        raise LossError([at("LD901", message, None, help=help)])
    for path, leaf in jax.tree_util.tree_leaves_with_path(tuple(params)):
        if not (is_array(leaf) and jnp.issubdtype(jnp.result_type(leaf), jnp.floating)):
            name = jax.tree_util.keystr(path, simple=True, separator="/")
            message = f"the parameter `{name}` is {shown(leaf)}, not an array of floating numbers"
            raise LossError([at("LD901", message, None)])


def is_array(value: Any) -> bool:
    """Say whether JAX takes a value as an array; it takes numbers of Python, and keys."""
    try:
        jax.typeof(value)
    except TypeError:
        return False
    return True


def hashable(value: object) -> bool:
    """Say whether a value has a hash; a frozen dataclass has one if all of its fields have."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def named(layers: Sequence[Layer]) -> dict[str, Layer]:
    """Return layers by the names that messages give them."""
    return {f"layer {number}": layer for number, layer in enumerate(layers)}


def apply(name: str, layer: Layer, params: Any, x: Any) -> Any:
    """Return what a layer makes of a value; LD901 if it refuses it or returns no array."""
    try:
        output = layer(params, x)
    except (TypeError, ValueError) as problem:
        reason = (str(problem).splitlines() or [type(problem).__name__])[0]
        message = f"{name} does not take {shown(x)}: {reason}"
        raise LossError([at("LD901", message, None)]) from problem
    except Exception as problem:
        if not type(problem).__module__.startswith("flax."):
            raise
        reason = str(problem).splitlines()[0].partition(" (http")[0]
        message = f"{name} does not run as a function: {reason}"
        raise LossError([at("LD901", message, None, help=STATEFUL)]) from problem
    if not isinstance(output, jax.Array) or not jnp.issubdtype(output.dtype, jnp.floating):
        kind = "an array of NumPy" if isinstance(output, np.ndarray) else shown(output)
        message = f"what {name} returns is {kind}, not an array of floating numbers of JAX"
        raise LossError([at("LD901", message, None)])
    return output


def forward(layers: Sequence[Layer], params: Sequence[Any], x: Any) -> list[Any]:
    """Return the values of a feed-forward pass: the input, then what each layer returns."""
    values = [x]
    for (name, layer), own in zip(named(layers).items(), params, strict=True):
        values.append(apply(name, layer, own, values[-1]))
    return values


def shown(value: Any) -> str:
    """Return the type of a value as messages write it."""
    if not hasattr(value, "dtype"):
        return f"of type `{type(value).__name__}`"
    return f"{value.dtype}[{', '.join(map(str, value.shape))}]"
