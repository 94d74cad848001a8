"""What the tests of users' functions share: inputs, kernels, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import pytest

import lossdsl
from lossdsl.diagnostics.diagnostic import Diagnostic, LossError
from lossdsl.library.declare import Builtin

X = jnp.array([[1.0, 2.0, 4.0], [0.5, -1.0, 3.0]])
Y = jnp.zeros((2, 3))
DECLARED = {"x": "f32[B, T]", "y": "f32[B, T]"}


def refused(call: Callable[[], Any]) -> Diagnostic:
    """Return the one thing that a call is refused for."""
    with pytest.raises(LossError) as caught:
        call()
    (found,) = caught.value.diagnostics
    return found


def places(found: Diagnostic) -> list[tuple[str, str]]:
    return [(label.span.source.name, label.span.text) for label in found.labels]


def kernel(signature: str, made: Callable[..., Any], **facts: Any) -> Builtin:
    return lossdsl.primitive(signature, **facts)(lambda: made)
