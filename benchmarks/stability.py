"""Texts that fail at extremes: what is computed of them, as a table of probes.

    python benchmarks/stability.py

For each probe: the text compiled, the same compiled as it is written (`stabilize=False`), the same
in plain JAX, and in PyTensor if that is installed. A probe is right if the value is that of exact
arithmetic to 2e-5, and the gradient finite and as true where there is one. All in f32 on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from probes import PROBES, JaxFunctions, Probe, verdict

import lossdsl

Answer = tuple[Any, Any]


def ours(probe: Probe, stabilize: bool = True) -> Answer:
    """Return value and gradient of the text, compiled."""
    loss = lossdsl.compile(probe.text, stabilize=stabilize)
    return jax.jit(jax.value_and_grad(lambda x: loss(x=x)))(jnp.array(probe.at, jnp.float32))


def plain(probe: Probe) -> Answer:
    """Return value and gradient of the same in plain JAX, jitted."""
    written = jax.jit(jax.value_and_grad(lambda x: probe.written(jnp, JaxFunctions, x)))
    return written(jnp.array(probe.at, jnp.float32))


def pytensor(probe: Probe) -> Answer:
    """Return value and gradient of the same in PyTensor, compiled with its rewrites."""
    base, tensor = import_module("pytensor"), import_module("pytensor.tensor")
    special = import_module("pytensor.tensor.special")

    class Functions:
        softmax = staticmethod(lambda x: special.softmax(x, axis=-1))
        sigmoid = staticmethod(tensor.sigmoid)
        xlogy = staticmethod(lambda x, y: special.xlogy(x, y))

    class Names:
        log, exp, sqrt, tanh = tensor.log, tensor.exp, tensor.sqrt, tensor.tanh
        square, sum, mean, where = tensor.square, tensor.sum, tensor.mean, tensor.where

    x = tensor.vector("x", dtype="float32")
    value = probe.written(Names, Functions, x)
    value = tensor.cast(value, "float32")
    function = base.function([x], [value, base.grad(value, x)])
    with np.errstate(all="ignore"):
        return tuple(function(np.array(probe.at, np.float32)))


def pytensor_version() -> str | None:
    """Return the version of PyTensor; None where it is not installed."""
    try:
        return version("pytensor")
    except PackageNotFoundError:
        return None


def main() -> None:
    """Print the table, and how many probes each gets right."""
    known = pytensor_version()
    print(f"jax {jax.__version__}, PyTensor {known or 'not installed'}")
    tools: dict[str, Callable[[Probe], Answer]] = {
        "compiled": ours,
        "as written": lambda probe: ours(probe, stabilize=False),
        "plain JAX": plain,
    }
    if known is not None:
        tools["PyTensor"] = pytensor
    print(f"{'':34}" + "".join(f"{name:36}" for name in tools))
    right = dict.fromkeys(tools, 0)
    for probe in PROBES:
        verdicts = [verdict(probe, *tool(probe)) for tool in tools.values()]
        for name, said in zip(tools, verdicts, strict=True):
            right[name] += said == "right"
        print(f"{probe.text:34}" + "".join(f"{said:36}" for said in verdicts), flush=True)
    counts = (f"{count} of {len(PROBES)}" for count in right.values())
    print(f"{'right':34}" + "".join(f"{count:36}" for count in counts))


if __name__ == "__main__":
    main()
