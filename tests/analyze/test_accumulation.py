"""A batch in two parts is worth the whole batch, combined as `Combine` says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from micro_batches import DECLARED, SPECS, WHOLE, parts_of
from oracle import values_of
from oracle_reductions import reduce_array
from programs import HEADER, INPUTS, core_of, expressions

import lossdsl
from lossdsl.core.graph import Apply, Core, Node, Term


def term_of(text: str, inputs: Mapping[str, Any]) -> tuple[Core, Term]:
    core = core_of(text, inputs)
    (term,) = core.results[0].terms
    return core, term


def each_leaf(compute: Callable[..., Any], *values: Any) -> Any:
    """Apply a function to arrays, or leaf by leaf to trees."""
    if isinstance(values[0], dict):
        return {path: each_leaf(compute, *(one[path] for one in values)) for path in values[0]}
    return compute(*values)


def weight_of(node: Apply, known: Mapping[Node, Any]) -> Any:
    """Return what a mean divides by, for every number that it gives."""
    operand, *masks = (None if one is None else known[one] for one in node.arguments)
    options = dict(node.options)
    if isinstance(operand, dict):
        if not isinstance(known[node], dict):
            return sum(leaf.size for leaf in operand.values())
        return each_leaf(np.size, operand)
    factor: Any = 1.0
    for one in masks if options["normalize"] != "all" else ():
        if one is not None:
            factor = factor * (one != 0 if options["normalize"] == "count" else one)
    return reduce_array("sum", [np.broadcast_to(factor, operand.shape) * 1.0], options)


def combined(found: Sequence[tuple[Apply, Mapping[Node, Any]]]) -> Any:
    """Combine one reduction of several parts."""
    values = [known[node] for node, known in found]
    if found[0][0].function.combine == "sum":
        return each_leaf(lambda *parts: sum(parts), *values)
    weights = [weight_of(node, known) for node, known in found]
    total = each_leaf(lambda *parts: sum(parts), *weights)
    shares = [each_leaf(share, *one, total) for one in zip(values, weights, strict=True)]
    return each_leaf(lambda *parts: sum(parts), *shares)


def share(value: Any, weight: Any, total: Any) -> Any:
    """Return what a part adds to a mean; a mean of nothing is 0."""
    return np.where(weight == 0, 0.0, value * weight / np.where(total == 0, 1.0, total))


def assert_parts_make_the_whole(text: str, whole: Mapping[str, Any], at: int) -> None:
    core, term = term_of(text, whole)
    expected = values_of(core.graph, [term.raw], whole)[term.raw]
    split = parts_of(whole, at)
    parts: list[tuple[Term, Mapping[Node, Any]]] = []
    for inputs in split:
        core, term = term_of(text, inputs)
        parts.append((term, values_of(core.graph, [term.raw], inputs)))
    given: dict[Node, Any] = {}
    for at, node in enumerate(term.combine.reductions):
        same = [(one.combine.reductions[at], known) for one, known in parts]
        given[node] = combined([(n, known) for n, known in same if isinstance(n, Apply)])
    # The rest is computed where only the last part is at hand, and needs nothing of the others.
    last = values_of(core.graph, [term.raw], split[-1], given)[term.raw]
    np.testing.assert_allclose(last, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("text", "kind"), SPECS.items(), ids=SPECS)
def test_reductions_of_the_parts_make_the_whole(text: str, kind: str) -> None:
    text = f"{DECLARED}loss = {text}"
    _, term = term_of(text, WHOLE)
    assert term.combine.kind == kind
    assert_parts_make_the_whole(text, WHOLE, 2)


@settings(max_examples=100, deadline=None)
@drawn(expressions("scalar", 3), st.integers(1, 3))
def test_reductions_of_the_parts_make_the_whole_of_random_programs(text: str, at: int) -> None:
    text = f"{HEADER}loss = 1.0*({text})"
    _, term = term_of(text, INPUTS)
    if term.combine.kind != "whole":
        assert_parts_make_the_whole(text, INPUTS, at)


@pytest.mark.parametrize("text", [text for text, kind in SPECS.items() if kind in ("mean", "sum")])
def test_terms_of_the_parts_make_the_whole(text: str) -> None:
    loss = lossdsl.compile(f"{DECLARED}loss = {text}")

    def term(inputs: Mapping[str, Any]) -> tuple[float, float | None]:
        given = {name: inputs[name] for name in loss.signature}
        _, terms = loss.with_terms(**given)
        (raw,) = terms.raw.values()
        return float(raw), next(map(float, terms.count.values()), None)

    expected, count = term(WHOLE)
    parts = [term(part) for part in parts_of(WHOLE, 2)]
    if SPECS[text] == "sum":
        assert count is None
        assert sum(raw for raw, _ in parts) == pytest.approx(expected, rel=1e-5)
    else:
        counts = [part or 0.0 for _, part in parts]
        assert sum(counts) == pytest.approx(count, rel=1e-6)
        total = sum(raw * part for (raw, _), part in zip(parts, counts, strict=True))
        assert total / sum(counts) == pytest.approx(expected, rel=1e-5)
