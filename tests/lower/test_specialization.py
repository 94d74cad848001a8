"""One core for every size that it does not depend on, and the program of each size as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import jax
import numpy as np
import pytest
from agreement import drawn

import lossdsl
from lossdsl import loss as compiled
from lossdsl.compilation import clear_cache
from lossdsl.diagnostics.diagnostic import LossError
from lossdsl.library.declare import builtins
from lossdsl.specialization import KEPT, Call, Specializer
from lossdsl.testing.draw import draw
from lossdsl.testing.random_values import Sizes

PARAMS = {"kernel": np.ones((3, 4), np.float32), "bias": np.ones(5, np.float32)}


def inputs(batch: int, classes: int = 3) -> dict[str, Any]:
    out = np.linspace(0.1, 0.9, batch * classes, dtype=np.float32).reshape(batch, classes)
    return {
        "a": out,
        "b": out + 1,
        "y": np.arange(batch, dtype=np.int32) % max(classes, 1),
        "m": out[:, 0] > 0.3,
        "params": PARAMS,
    }


# A spec, the batch sizes it is called with, and how often it is elaborated for these.
ELABORATIONS: Sequence[tuple[str, Sequence[int], int]] = (
    ("mse(a, b)", (8, 16, 7, 8, 100), 1),
    ("mse(a, b)", (8, 3, 8, 3), 2),  # in the second there are as many examples as classes
    ("mse(a, b)", (8, 1, 0, 9), 3),
    ("a, b: f32[N, C]\nmse(a, b)", (8, 16, 7), 1),
    ("mean(square(a - b), where=m)", (8, 16, 7), 1),
    ("cross_entropy(a, y, where=m)", (8, 16, 7), 1),
    ("mse(a, b) + 1e-3*l2sqr(params)", (8, 16, 7), 1),
    ('mse(a, b) + 1e-3*sum_squares(params["kernel"]) + bounds(params, bias >= 0)', (8, 16, 7), 1),
    ("def f(x) = mean(square(x), axis=-1)\nloss = mean(f(a - b))", (8, 16, 7), 1),
    ("info_nce(a, b)", (8, 16, 7), 1),
    ("sum(a, axis=0)[0] + a[2, 1]", (8, 16, 7), 3),
    ("a: f32[N, C]\nsum(a)/N", (8, 16, 7), 3),
    ("a: f32[N, C]\nsum(a)/C", (8, 16, 7), 1),
    ("a: f32[N, C]\nmean(a) if N > 9 else sum(a)", (8, 16, 7), 3),
    ("mean(a * arange(3))", (8, 16, 7), 3),  # is `arange(3)` over the batch?
)


@pytest.fixture
def elaborations(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    counted: list[Any] = []
    elaborate = compiled.elaborate

    def counting(
        program: Any, library: Any, given: Any, types: Any = None, *rest: Any, **more: Any
    ) -> Any:
        counted.append(types)
        return elaborate(program, library, given, types, *rest, **more)

    monkeypatch.setattr(compiled, "elaborate", counting)
    return counted


@pytest.mark.parametrize(("text", "batches", "count"), ELABORATIONS)
def test_how_often_a_loss_is_elaborated(
    text: str, batches: Sequence[int], count: int, elaborations: list[Any]
) -> None:
    loss = fresh(text)
    for batch in batches:
        given = {name: inputs(batch)[name] for name in loss.signature}
        value = loss(**given)
        (again, _), _ = jax.value_and_grad(
            lambda moved, rest=given: loss.with_terms(**{**rest, **moved}), has_aux=True
        )({"a": given["a"]})
        np.testing.assert_allclose(value, again, rtol=1e-6)
    assert len(elaborations) == count


def fresh(text: str, specializer: Specializer | None = None) -> lossdsl.CompiledLoss:
    """Return a loss that nothing was asked of before."""
    clear_cache()
    loss = lossdsl.compile(text)
    if specializer is not None:
        loss._specialize = specializer
    return loss


class AtEachSize(Specializer):
    """Elaborates at the numbers that a call passes, as if something depended on each."""

    def __call__(self, *given: Any, guarded: bool = True) -> Call:
        return super().__call__(*given, guarded=False)


def jaxpr(loss: lossdsl.CompiledLoss, given: Mapping[str, Any]) -> object:
    """Return the program of a call with all terms, or what is wrong with the call."""
    try:
        traced = jax.make_jaxpr(lambda: loss.with_terms(**given))()
    except LossError as problem:
        return [str(diagnostic) for diagnostic in problem.diagnostics]
    return re.sub("0x[0-9a-f]+", "", str(traced))


def of_batch(value: Any, batch: int) -> Any:
    """Return inputs of another batch size, where axes of size 4 hold a batch."""
    if isinstance(value, dict):
        return {name: of_batch(part, batch) for name, part in value.items()}
    if isinstance(value, list):
        return [of_batch(part, batch) for part in value]
    if not np.ndim(value) or 4 not in np.shape(value):
        return value
    return np.resize(value, tuple(batch if size == 4 else size for size in np.shape(value)))


@pytest.mark.parametrize("seed", range(2))
def test_random_programs_are_those_of_their_sizes(seed: int) -> None:
    random, compared = Random(seed), 0
    while compared < 15:
        text, given = drawn(random)
        try:
            loss = fresh(text)
        except LossError:
            continue
        at_each = fresh(text, AtEachSize())
        for batch in (4, 6, 3, 5, 1, 0):
            of_size = of_batch(given, batch)
            assert jaxpr(loss, of_size) == jaxpr(at_each, of_size), (text, batch)
        compared += 1


EXAMPLES = [
    (name, line.partition(":")[2].strip())
    for name in sorted(builtins())
    for line in builtins()[name].doc.splitlines()
    if line.strip().startswith("example:")
]


@pytest.mark.parametrize("part", range(4))
def test_examples_are_those_of_their_sizes(part: int) -> None:
    for name, text in EXAMPLES[part::4]:
        loss, at_each = fresh(text), fresh(text, AtEachSize())
        for batch in (4, 6):
            sizes = Sizes(run=(batch,), dims={"N": batch, "B": batch, "K": 3}, other=3)
            given = {
                key: jax.tree.map(single, value)
                for key, value in draw(builtins()[name], text, sizes=sizes).items()
                if key in loss.signature
            }
            assert jaxpr(loss, given) == jaxpr(at_each, given), (text, batch)


def single(value: Any) -> Any:
    return np.float32(value) if np.result_type(value) == np.float64 else value


def test_flat_core_that_reads_more_than_core_is_made_again() -> None:
    text = "loss = mean(a)\nmetric overlap = mean(giou(b, c))"
    loss, at_each = fresh(text), fresh(text, AtEachSize())
    for batch in (8, 16):
        boxes = np.linspace(0, 1, batch * 4, dtype=np.float32).reshape(batch, 4)
        given = {"a": np.ones(7, np.float32), "b": boxes, "c": boxes + 0.1}
        loss(**given)  # asks for nothing of the boxes, whose number the metric alone reads
        if batch == 16:
            assert jaxpr(loss, given) == jaxpr(at_each, given)


def test_a_loss_keeps_few_cores() -> None:
    loss = fresh("a: f32[N, C]\nsum(a)/N")
    for batch in range(4, 8 + KEPT):
        loss(a=inputs(batch)["a"])
    assert sum(map(len, loss._specialize._kept.values())) == KEPT
    for classes in range(2, 4 + KEPT):
        loss(a=inputs(40, classes)["a"])
    assert sum(map(len, loss._specialize._kept.values())) == KEPT


def test_a_value_that_is_too_large_is_held_at_every_size() -> None:
    text = "mean(square(a[:, None] - b[None]))"
    loss = lossdsl.compile(text, limits=lossdsl.Limits(array_bytes=4 * 3 * 20 * 20))
    loss(a=inputs(20)["a"], b=inputs(20)["b"])
    with pytest.raises(LossError, match="LD614"):
        loss(a=inputs(21)["a"], b=inputs(21)["b"])


def evens(x: Any) -> Any:
    return x[::2]


def halves(x: Any) -> Any:
    return x.reshape(2, -1).sum(0) if x.shape[0] % 2 == 0 else x


def short(x: Any) -> Any:
    return x.astype("bfloat16") if x.shape[0] > 5 else x


# Texts whose meaning depends on sizes: by what a Python function does, an index, or a condition.
READING: Sequence[str] = (
    "mean(evens(a)) + sum(evens(b))",
    "sum(halves(a)) + mean(halves(b) + halves(a))",
    "mean(short(a)) + mean(b)",
    "a: f32[N, C]\nmean(a[:5]) + sum(a[-2:])",
    "a, b: f32[N, C]\nmean(reshape(a, (N*C,))) + (sum(b)/(N - 1) if N > 4 else mean(b[:C]))",
    "a, b: f32[N, C]\nsum(arange(2*C))*mean(a) + sum(arange(N + 1))*mean(b)",
    "a, b: f32[N, C]\nmean(concatenate(a, b, axis=0)[N:] - b) + mean(a if N >= 2*C else b)",
)


@pytest.mark.parametrize("text", READING)
@pytest.mark.parametrize("debug", [False, True])
def test_what_reads_sizes_is_that_of_its_sizes(text: str, debug: bool) -> None:
    library = lossdsl.Library.of(evens, halves, short)
    clear_cache()
    loss = lossdsl.compile(text, library=library, debug=debug)
    for batch, classes in ((4, 3), (6, 3), (3, 3), (8, 4), (4, 8), (7, 3), (1, 3), (4, 3)):
        given = {name: inputs(batch, classes)[name] for name in loss.signature}
        clear_cache()
        alone = lossdsl.compile(text, library=library, debug=debug)
        assert jaxpr(loss, given) == jaxpr(alone, given), (text, batch)
