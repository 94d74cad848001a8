"""The oracle against numbers worked out by hand, and its independence of the compiler."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from oracle import evaluate, flatten
from oracle_families import FAMILIES
from oracle_functions import ARRAYS, ELEMENTWISE
from oracle_reductions import REDUCTIONS
from programs import core_of, expected

from lossdsl.library.declare import builtins

NAN, INF = math.nan, math.inf
X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
M = np.array([[True, False, True], [False, False, False]])
BAD = np.array([[1.0, NAN, 3.0], [INF, NAN, -INF]])
W = np.array([[1.0, 0.0, 3.0], [0.0, 0.0, 0.0]])
TREE = {"a": {"w": np.array([1.0, 3.0])}, "b": np.array([[2.0]]), "n": np.array([7])}

TABLE = [
    ("mean(x)", 3.5),
    ("mean(bad, where=m)", 2.0),
    ("sum(bad, where=m)", 4.0),
    ("max(bad, where=m) - min(bad, where=m)", 2.0),
    ("mean(bad, where=false)", 0.0),
    ("logsumexp(bad, where=m)", math.log(math.e + math.e**3)),
    ("std(bad, where=m)", 1.0),
    ("norm(bad, where=m)", math.sqrt(10)),
    ("mean(bad, weight=w)", 2.5),
    ('mean(bad, weight=w, normalize="count")', 5.0),
    ('mean(bad, weight=w, normalize="all")', 10 / 6),
    ("mean(bad, weight=w, normalize=20)", 0.5),
    ('sum(mse(bad, x, where=m, reduce="none"))', 0.0),
    ("sum(mean(bad, axis=1, where=m))", 2.0),
    ("sum(max(x, axis=0))", 15.0),
    ("quantile(x, 0.5)", 3.5),
    ("mean(log(bad), where=m)", math.log(3) / 2),
    ("mean(x if x > 3 else -x)", 1.5),
    ("sum(x[:, 0] @ x)", 66.0),
    ("sum(take(x, y, axis=1))", 14.0),
    ("l2sqr(tree)", (5.0 + 4.0) / 2),
    ("l1(tree)", 6.0),
    ("sum(square(tree.a.w))", 10.0),
    ('sum(tree["**", ndim == 2])', 2.0),
    ('mean(tree["w | b"])', 2.0),
    ("bounds(tree, w >= 2)", math.e),
    ("bounds(tree, w >= 1)", 0.0),
    ("bounds(tree, w > 1)", 1.0),
    ('bounds(tree, 1.5 <= w <= 2, law="quadratic", scale=0.5)', 1.0 + 4.0),
    ("penalty(mean(x) <= 3.5)", 0.0),
    ("sum(softmax(x, axis=1, where=m))", 1.0),
    ("2*mean(x) - 0.5*sum(x) as half", -3.5),
]


@pytest.mark.parametrize(("text", "value"), TABLE, ids=[text for text, _ in TABLE])
def test_a_value_worked_out_by_hand(text: str, value: float) -> None:
    inputs = {"x": X, "bad": BAD, "m": M, "w": W, "y": np.array([0, 2]), "tree": TREE}
    used = {name: one for name, one in inputs.items() if name in text}
    np.testing.assert_allclose(expected(text, used).values["loss"], value, rtol=1e-15, atol=1e-15)


def test_terms_have_their_weights() -> None:
    found = expected("a: float = 2\nloss = 3*mean(x) - a*sum(x) as far", {"x": X, "a": 4.0})
    first, second = found.terms["loss"].values()
    assert (first.raw, first.weight, first.weighted) == (3.5, 3, 10.5)
    assert (second.raw, second.weight, second.weighted) == (21, -4, -84)
    assert list(found.terms["loss"])[1] == "far"


def test_one_core_is_evaluated_again_at_other_values() -> None:
    core = core_of("mean(x)", {"x": X})
    assert [evaluate(core, {"x": by * X}).values["loss"] for by in (1, 2)] == [3.5, 7.0]


def test_trees_have_the_order_of_sorted_keys() -> None:
    tree = {"b": [1, (2,)], "a": None, "c/d": 3}
    assert dict(flatten(tree)) == {("b", "0"): 1, ("b", "1", "0"): 2, ("c", "d"): 3}


def test_every_primitive_is_known_to_the_oracle() -> None:
    elsewhere = {"branches", "cast", "usable", "bounds", "penalty"}
    never_evaluated = {"map", "leaf", "shield", "spread", "unpick"}
    for name, function in builtins().functions.items():
        if function.factory is not None and name not in elsewhere | never_evaluated:
            known = REDUCTIONS if function.reduction else FAMILIES | ELEMENTWISE | ARRAYS
            assert name in known, name


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str() as module):
                yield module


def test_the_oracle_imports_neither_jax_nor_the_compiler() -> None:
    here = Path(__file__).parents[1]
    seen: set[str] = set()
    waiting = ["oracle"]
    while waiting:
        name = waiting.pop()
        seen.add(name)
        path = here / f"{name}.py"
        if path.exists():
            waiting += set(imported(path)) - seen
    ours = {"oracle", "oracle_functions", "oracle_reductions"}
    assert ours <= seen
    assert {name for name in seen if name.startswith("lossdsl")} == {
        "lossdsl.core.graph",
        "lossdsl.library.declare",
        "lossdsl.selectors",
        "lossdsl.types.types",
    }
    assert not any(name.partition(".")[0] in ("jax", "jaxlib", "optax") for name in seen)
