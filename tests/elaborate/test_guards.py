"""Sizes that note when they are read: what they answer unread holds for every call of a pattern."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossdsl.types.size_guards import Guards

# What is asked of the sizes a and b of a call, the answer at a = 4 and b = 6, and what it reads.
QUESTIONS: Sequence[tuple[Callable[[int, int], Any], Any, str]] = (
    (lambda a, b: a == 1, False, ""),
    (lambda a, b: 0 in (a, b), False, ""),
    (lambda a, b: a == b, False, ""),
    (lambda a, b: a * b == b * a, True, ""),
    (lambda a, b: a + a == 2 * a, True, ""),
    (lambda a, b: (a + b) - b == a, True, ""),
    (lambda a, b: a - a == 0, True, ""),
    (lambda a, b: a * b > 3, True, ""),
    (lambda a, b: a + 1 <= 2, False, ""),
    (lambda a, b: bool(a), True, ""),
    (lambda a, b: a == 4, True, "a"),
    (lambda a, b: a < b, True, "ab"),
    (lambda a, b: 2 * a == b + 2, True, "ab"),
    (lambda a, b: a - 1 > 0, True, ""),
    (lambda a, b: a - 3 > 0, True, "a"),
    (lambda a, b: a - b < 0, True, "ab"),
    (lambda a, b: a * b > 4, True, "ab"),
    (lambda a, b: b // 4, 1, "b"),
    (lambda a, b: a % 3, 1, "a"),
    (lambda a, b: 7 / a, 1.75, "a"),
    (lambda a, b: a**2, 16, "a"),
    (lambda a, b: int(a), 4, "a"),
    (lambda a, b: a * 0.5, 2.0, "a"),
    (lambda a, b: a - 0.5, 3.5, "a"),
    (lambda a, b: [0] * int(b), [0] * 6, "b"),
)


@pytest.mark.parametrize(("question", "answer", "reads"), QUESTIONS)
def test_what_a_question_reads(
    question: Callable[[int, int], Any], answer: Any, reads: str
) -> None:
    guards = Guards()
    a, b = guards.size(4), guards.size(6)
    assert question(a, b) == answer == question(4, 6)
    assert guards.read == {f"size{'ab'.index(name)}" for name in reads}


TERMS = st.recursive(
    st.sampled_from("abc") | st.integers(-3, 9),
    lambda inner: st.tuples(st.sampled_from("+-*"), inner, inner),
    max_leaves=5,
)
COMPARISONS = st.sampled_from((operator.eq, operator.ne, operator.lt, operator.ge, operator.gt))


def worth(term: Any, sizes: dict[str, int]) -> int:
    match term:
        case str():
            return sizes[term]
        case int():
            return term
        case symbol, left, right:
            arithmetic = {"+": operator.add, "-": operator.sub, "*": operator.mul}[symbol]
            return arithmetic(worth(left, sizes), worth(right, sizes))
    raise AssertionError(term)


@given(
    left=TERMS,
    right=TERMS,
    compare=COMPARISONS,
    first=st.permutations(range(2, 9)),
    second=st.permutations(range(2, 9)),
)
def test_what_is_decided_unread_holds_at_every_size(
    left: Any, right: Any, compare: Callable[[Any, Any], bool], first: list[int], second: list[int]
) -> None:
    guards = Guards()
    symbols = {name: guards.size(size) for name, size in zip("abc", first, strict=False)}
    names = dict(zip("abc", guards.sizes, strict=True))
    answer = compare(worth(left, symbols), worth(right, symbols))
    numbers, other = (dict(zip("abc", sizes, strict=False)) for sizes in (first, second))
    assert answer == compare(worth(left, numbers), worth(right, numbers))
    if guards.hold({names[name]: size for name, size in other.items()}):
        assert answer == compare(worth(left, other), worth(right, other))
