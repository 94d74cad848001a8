"""A kernel that adds many elements of half precision adds them in f32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_dtypes import SUBJECTS, Call, calls, oracle_values, values

import lossdsl
from lossdsl import Library, primitive
from lossdsl.library.declare import Builtin, builtins, primitives
from lossdsl.library.syntax_forms import Form
from lossdsl.testing.draw import Sizes, draw
from lossdsl.testing.trial import Subject

LONG = Sizes(run=(1,), dims={"N": 600, "K": 600, "T": 2, "M": 600, "R": 1}, other=600)
WINDOWS = {"avg_pool": "avg_pool(out[None], (600,))", "max_pool": "max_pool(out[None], (600,))"}


def windowed(subject: Subject) -> str:
    return WINDOWS.get(subject.name, subject.call)


def short_sums(library: Library, names: Sequence[str], right_of: Any = None) -> list[str]:
    """Return the functions that are worth something else for 600 ones in half precision.

    In bf16 a sum of ones ends at 256, and in f16 a sum of 200s above 65504 is infinite.
    """
    found: list[str] = []
    subjects = [Subject(library[name], library, {}) for name in names]
    for dtype, number in (("bfloat16", 1), ("float16", 200)):

        def make(subject: Subject, number: int = number, dtype: str = dtype) -> Mapping[str, Any]:
            drawn = draw(subject.drawn, windowed(subject), 0, LONG)
            return {
                name: np.full_like(value, number).astype(jnp.dtype(dtype))
                if np.ndim(value) and np.asarray(value).dtype.kind == "f"
                else value
                for name, value in drawn.items()
            }

        half = calls(make, subjects, windowed)
        pairs = zip(half, values(half, library), (right_of or oracle_values)(half), strict=True)
        for call, (short,), (right,) in pairs:
            largest = np.abs(right[np.isfinite(right)]).max(initial=0)
            if not np.allclose(short, right, rtol=0.02, atol=1e-5 * largest):
                found.append(f"{call.name} in {dtype}: {short.ravel()[:3]} for {right.ravel()[:3]}")
    return found


def kernels() -> list[str]:
    """Return the functions with a kernel that works on more than one element."""
    return [
        one.name
        for one in SUBJECTS
        if one.function.factory is not None and not one.function.elementwise
    ]


@pytest.mark.parametrize("function", primitives().values(), ids=str)
def test_what_picks_or_moves_elements_keeps_them(function: Builtin) -> None:
    (head, *_), result = function.signatures[0].parameters[:1], function.signatures[0].result
    moved = [getattr(one, "dtype", None) for one in (head.type, result)] == ["any", "any"]
    if moved and (function.axes or function.sink == "pick") and function.form is not Form.CAST:
        assert head.name in function.keeps


def test_what_adds_up_half_precision_adds_in_f32() -> None:
    assert short_sums(builtins(), kernels()) == []


def test_a_kernel_that_adds_up_half_precision_as_it_is_would_be_seen() -> None:
    def total() -> Any:
        """The sum of a row, one element after the other.

        example: mean(total(out))
        """

        def kernel(x: Any) -> Any:
            start = jnp.zeros(x.shape[:-1], x.dtype)
            return jax.lax.fori_loop(0, x.shape[-1], lambda at, so_far: so_far + x[..., at], start)

        return kernel

    mine = Library.of(primitive("total(x: float[*S, K]) -> float[*S]")(total))

    def right(group: Sequence[Call]) -> list[list[Any]]:
        return [[np.sum(x, -1, np.float64) for x in call.inputs.values()] for call in group]

    assert len(short_sums(builtins() | mine, ["total"], right)) == 2


def test_the_gradient_of_a_number_adds_up_over_leaves_of_half_precision() -> None:
    leaves = 600
    loss = lossdsl.compile("sum(s*t)")
    t = {f"l{at}": jnp.ones(1, jnp.bfloat16) for at in range(leaves)}
    slope = jax.grad(lambda s: loss(s=s, t=t))(jnp.float32(0.5))
    assert float(slope) == leaves


def test_the_gradient_of_a_number_of_double_precision_is_not_rounded_between_leaves() -> None:
    with jax.enable_x64(True):
        loss = lossdsl.compile("sum(s*t)")
        t = {"a": jnp.full(1, 2.0**24, jnp.float32), "b": jnp.ones(1, jnp.float32)}
        slope = jax.grad(lambda s: loss(s=s, t=t))(jnp.float64(0.5))
    assert float(slope) == 2**24 + 1
