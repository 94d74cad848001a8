"""What every function is asked: each check raises `Broken` where the function fails it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lossdsl.compilation import compile
from lossdsl.library.laws import meaning
from lossdsl.lower.foreign import kernel_misfit
from lossdsl.syntax import ast
from lossdsl.testing.draw import inputs_of, own_call
from lossdsl.testing.law_tests import LAWS, PAIRED, lead, read_law, refuted
from lossdsl.testing.trial import Subject, Values, is_real, slopes

SEEDS = (0, 1, 2)

# How far a value in half precision may be from that in f32, relative to the largest.
_HALF = {"bfloat16": 0.06, "float16": 0.01}
_CLOSE = 1e-5


class Broken(Exception):
    """What is wrong, and the inputs at which it is."""

    def __init__(self, message: str, inputs: Values | None = None):
        self.inputs = inputs
        super().__init__(message)


def documented(subject: Subject) -> None:
    """The doc begins with a sentence and has an example that calls the function."""
    about = subject.function.about
    if not about.get("summary", "").endswith("."):
        raise Broken("the doc does not begin with a sentence that says what the function is")
    if not subject.example:
        raise Broken(f"the doc has no `example:`, such as `example: {subject.call}`")
    if f"{subject.name}(" not in subject.example and subject.function.operator is None:
        raise Broken(f"the example `{subject.example}` does not call the function")


def typed(subject: Subject) -> None:
    """The type of every parameter is known, by the signature or as given for the test."""
    known = inputs_of(subject.drawn, subject.call)
    missing = [name for name in subject.loss.signature if name not in known]
    if missing:
        raise Broken(
            f"nothing is known of {', '.join(f'`{name}`' for name in missing)}: give the types, "
            f'`conformance(…, inputs={{"{missing[0]}": "float[N, K]"}})`'
        )


def kernel(subject: Subject) -> None:
    """The kernel of a user takes what its signature says."""
    if subject.function.foreign:
        wrong = kernel_misfit(subject.function)
        if wrong is not None:
            raise Broken(f"{wrong.code}: it {wrong.message}")


def example(subject: Subject) -> None:
    """Each example has a finite value and gradient."""
    for text in subject.function.about.get("example", "").splitlines():
        values = subject.draw(text, 0)
        _hold_finite(*slopes(compile(text, library=subject.library), values), values)


def finite(subject: Subject) -> None:
    """Value and gradient are finite."""
    for seed in SEEDS:
        values = subject.draw(subject.call, seed)
        _hold_finite(*slopes(subject.loss, values), values)


def _hold_finite(value: Any, gradient: Mapping[str, Any], values: Values) -> None:
    if not np.isfinite(value):
        raise Broken(f"the value is {float(value)}", values)
    for name, slope in gradient.items():
        if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slope)):
            raise Broken(f"the gradient in `{name}` is not finite", values)


def jit(subject: Subject) -> None:
    """The value is the same without compilation."""
    for seed in SEEDS:
        values = subject.draw(subject.call, seed)
        with jax.disable_jit():
            eager = subject.value(values)
        hold_equal(subject.value(values), eager, "jit", "eager", values)


def vmap(subject: Subject) -> None:
    """Under `vmap` the value is that of each call."""
    drawn = [subject.draw(subject.call, seed) for seed in SEEDS]
    if not drawn[0]:
        return  # a call of literals, such as `arange(3)`
    shapes = [jax.tree.map(jnp.shape, values) for values in drawn]
    same = [values for values, shape in zip(drawn, shapes, strict=True) if shape == shapes[0]]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *same)

    def value(values: Values) -> Any:
        return jax.tree.leaves(subject.loss.with_terms(**values)[1].metrics["value"])

    batched = jax.vmap(value)(stacked)
    for at, values in enumerate(same):
        arrays = [np.asarray(leaf[at], np.float64) for leaf in batched]
        hold_equal(arrays, subject.value(values), "vmap", "one call", values)


def hold_equal(
    actual: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    there: str,
    here: str,
    values: Values,
    slack: float = _CLOSE,
) -> None:
    """Raise `Broken` unless two values are the same, about; relative to the largest finite one."""
    for a, b in zip(actual, expected, strict=True):
        largest = np.abs(b[np.isfinite(b)]).max(initial=1)
        if not np.allclose(a, b, rtol=slack, atol=slack * largest, equal_nan=True):
            raise Broken(f"{there} gives {a}, {here} gives {b}", values)


def half_precision(subject: Subject) -> None:
    """In bf16 and f16 the value is that in f32 of the same inputs, about."""
    for dtype, slack in _HALF.items():
        values = subject.draw(subject.call, 0)
        short = {name: _cast(value, dtype) for name, value in values.items()}
        long = {name: _cast(value, "float32") for name, value in short.items()}
        hold_equal(subject.value(short), subject.value(long), dtype, "float32", long, slack)


def _cast(value: Any, dtype: str) -> Any:
    return jax.tree.map(lambda leaf: leaf.astype(dtype), value) if is_real(value) else value


def masks(subject: Subject) -> None:
    """What `where=` leaves out reaches neither the value of a loss nor its gradient."""
    if not subject.function.is_loss:
        return
    values = subject.draw(subject.call, 0)
    kinds = inputs_of(subject.drawn, subject.call)
    unreduced = subject.value(values)
    first = next(iter(kinds), None)
    if first is None or len(unreduced) != 1 or unreduced[0].ndim == 0:
        return
    rows = unreduced[0].shape[0]
    along = [
        name
        for name, kind in kinds.items()
        if isinstance(kind, ast.ArrayTypeExpr) and lead(kind) == lead(kinds[first])
        and is_real(values[name]) and values[name].shape[:1] == (rows,)
    ]  # fmt: skip
    mask = np.arange(rows) % 2 == 0
    spoilt = {name: values[name].at[~mask].set(jnp.nan) for name in along}
    loss = compile(subject.with_option("where=kept"), library=subject.library)
    clean, _ = slopes(loss, {**values, "kept": mask})
    if not np.isfinite(clean):
        return  # which is what `finite` says
    value, gradient = slopes(loss, {**values, **spoilt, "kept": mask})
    shown = {**values, **spoilt, "kept": mask}
    if not np.allclose(value, clean, rtol=_CLOSE, atol=_CLOSE):
        raise Broken(f"a NaN under `where=` changes the value from {clean} to {value}", shown)
    for name in along:
        if not np.isfinite(gradient[name]).all() or np.any(gradient[name][~mask]):
            raise Broken(f"the gradient in `{name}` is not 0 under `where=`", shown)


def laws(subject: Subject) -> None:
    """No declared law is refuted by random inputs."""
    for law in subject.function.laws:
        read = read_law(law)
        if read is None:
            raise Broken(
                f"`{law}` is no law; there are {', '.join(LAWS)}, and `scale` has a number"
            )
        if not subject.example:
            raise Broken(f"no `example:` to try the law `{law}` at")
        text = own_call(subject.function, subject.example)
        if text is None:
            raise Broken(f"no call in the `example:` to try the law `{law}` at")
        arity = 2 if read[0] in PAIRED else 1
        if len(inputs_of(subject.drawn, text)) < arity:
            raise Broken(f"`{law}` is a law of {_NUMBERS[arity]}; `{text}` has fewer")
        with jax.enable_x64(True):
            counterexample = refuted(subject.drawn, law, lambda _, at: _exact(subject, at), SEEDS)
        if counterexample is not None:
            raise Broken(f"`{law}`, which says that {meaning(law)}, is wrong", counterexample)


_NUMBERS = {1: "an input", 2: "two inputs"}


def _exact(subject: Subject, values: Values) -> list[np.ndarray]:
    return subject.value(jax.device_put(dict(values)))


CHECKS: Mapping[str, Callable[[Subject], None]] = {
    "documented": documented,
    "typed": typed,
    "kernel": kernel,
    "example": example,
    "finite": finite,
    "jit": jit,
    "vmap": vmap,
    "half precision": half_precision,
    "masks": masks,
    "laws": laws,
}

# Without these nothing else can be tried.
FIRST = ("typed", "kernel")
