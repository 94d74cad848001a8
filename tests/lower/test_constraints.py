"""One declaration, used three times: priced in the loss, projected onto, reported when broken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lossdsl

TAU = jnp.array([-1.0, 0.0, 0.005, 0.05, 3.0])
TINY = float(jnp.finfo(jnp.float32).tiny)
NAN = float("nan")
ABOVE, BELOW = np.nextafter(np.float32(1), np.array([2, 0], np.float32))


def tree(**leaves: Any) -> dict[str, Any]:
    return {name: jnp.asarray(leaf) for name, leaf in leaves.items()}


# The constraints of a spec, the values of `tau` before, and the nearest ones inside.
NEAREST: dict[str, tuple[list[Any], list[Any]]] = {
    "tau >= 0.5": ([-1, 0.5, 2], [0.5, 0.5, 2]),
    "tau <= 0.5": ([-1, 0.5, 2], [-1, 0.5, 0.5]),
    "0 <= tau <= 1": ([-1, 0.5, 2], [0, 0.5, 1]),
    "1 >= tau >= 0": ([-1, 0.5, 2], [0, 0.5, 1]),
    "tau == 0.25": ([-1, 0.5, 0.25], [0.25, 0.25, 0.25]),
    "tau >= -inf": ([-1, 0.5, 2], [-1, 0.5, 2]),
    "tau > 0": ([-1, 0, 1e-40, TINY], [TINY, TINY, TINY, TINY]),
    "tau < 0": ([1, 0, -1e-40, -TINY], [-TINY, -TINY, -TINY, -TINY]),
    "tau > 1": ([0, 1, 2], [ABOVE, ABOVE, 2]),
    "0 < tau < 1": ([-1, 0.5, 1], [TINY, 0.5, BELOW]),
    f"tau > -{TINY!r}": ([-1, 0.0], [0, 0]),
    "tau >= lo": ([-1, 0.5, 2], [0.25, 0.5, 2]),
    "tau >= vector": ([-1, 0.5, 2], [0, 1, 2]),
    "tau >= 2*lo - 1, tau <= vector": ([-1, 0.5, 2], [-0.5, 0.5, 2]),
    '"tau" >= 0.5': ([-1, 0.5, 2], [0.5, 0.5, 2]),
    'tau >= 0, "** !other" <= 1': ([-1, 0.5, 2], [0, 0.5, 1]),
}


@pytest.mark.parametrize("constraint", ["tau >= lo", "tau <= lo", "tau == lo", "0 < tau < lo"])
def test_a_bound_that_is_nan_shows(constraint: str) -> None:
    loss = lossdsl.compile(f"bounds(params, {constraint})")
    real, whole = tree(tau=[-1.0, 2.0]), tree(tau=[-1, 2])
    assert np.isnan(loss(params=real, lo=NAN))
    assert np.isnan(loss.project(real, lo=NAN)["tau"]).all()
    for params in (real, whole):
        assert np.isnan(loss.violations(params, lo=NAN)["tau"])
    kept = [-1, 2] if constraint != "0 < tau < lo" else [1, 2]
    np.testing.assert_array_equal(loss.project(whole, lo=NAN)["tau"], kept)


@pytest.mark.parametrize(("constraint", "values"), NEAREST.items(), ids=NEAREST)
def test_projection_is_the_nearest_point_and_breaks_nothing(
    constraint: str, values: tuple[list[Any], list[Any]]
) -> None:
    loss = lossdsl.compile(f"mean(x) + 1e3*bounds(params, {constraint})")
    before, after = values
    named = {"lo": 0.25, "vector": np.arange(3, dtype=np.float32)}
    inputs = {name: named[name] for name in named if name in loss.signature}
    params = {"tau": np.array(before, np.float32), "other": np.array([9], np.float32)}
    for project in (loss.project, jax.jit(loss.project)):
        moved = project(params, **inputs)
        np.testing.assert_array_equal(moved["tau"], np.array(after, np.float32))
        assert np.asarray(moved["other"]) == 9
    assert loss.violations(moved, **inputs) == {}
    again = project(moved, **inputs)
    np.testing.assert_array_equal(again["tau"], moved["tau"])


def test_calls_and_results_intersect_and_weights_play_no_part() -> None:
    loss = lossdsl.compile(
        """
        loss a = mean(x) + 0*bounds(params, tau >= 0) + bounds(params, tau < 5, law="hinge")
        loss b = 1e-9*bounds(params["tau"], "**" <= 2) - 3*bounds(params, tau >= 1, scale=7)
        metric c = bounds(params, tau <= -9)
        """
    )
    params = tree(tau=[-1.0, 0.5, 1.5, 3.0, 7.0])
    assert loss.project(params)["tau"].tolist() == [1, 1, 1.5, 2, 2]
    assert loss.violations(params) == {"tau": 5.0}
    assert loss.violations(loss.project(params)) == {}
    assert loss["a"].project(params)["tau"].tolist()[:4] == [0, 0.5, 1.5, 3]


def test_the_cost_is_zero_where_the_projection_is() -> None:
    loss = lossdsl.compile("bounds(params, 0 < tau <= 1)")
    params = tree(tau=TAU)
    assert loss(params=params) > 0
    assert loss(params=loss.project(params)) == 0


OUTSIDE: dict[str, tuple[dict[str, Any], dict[str, float]]] = {
    "tau >= 0": ({"tau": [-2.0, 1.0], "w": [1.0]}, {"tau": 2.0}),
    "tau > 0": ({"tau": [0.0, 1.0]}, {"tau": TINY}),
    "tau == 1": ({"tau": [1.0, 1.5]}, {"tau": 0.5}),
    "tau >= 0, w <= 1": ({"tau": [1.0], "w": [4.0]}, {"w": 3.0}),
    "0 <= tau <= 1": ({"tau": [-1.0, 3.0]}, {"tau": 2.0}),
    "params >= 0": ({"params": [-1.0]}, {"params": 1.0}),
    '"**" >= 0': ({"tau": [NAN, 1.0], "w": [1.0]}, {"tau": NAN}),
    'tau >= 0, "**" <= 1': ({"tau": [NAN, 9.0], "w": [3.0]}, {"tau": NAN, "w": 2.0}),
    "tau > 2": ({"tau": np.array([2, 4], np.int32)}, {"tau": 1.0}),
    "tau >= 2.5": ({"tau": np.array([1, 4], np.int32)}, {"tau": 2.0}),
    "tau < 2.5": ({"tau": np.array([1, 4], np.uint8)}, {"tau": 2.0}),
    '"**" <= 9': ({"tau": np.zeros(0, np.float32), "w": [8.0]}, {}),
}


@pytest.mark.parametrize(
    ("constraint", "params", "wanted"),
    [(text, *case) for text, case in OUTSIDE.items()],
    ids=OUTSIDE,
)
def test_violations(constraint: str, params: Mapping[str, Any], wanted: dict[str, float]) -> None:
    loss = lossdsl.compile(f"bounds(params, {constraint})")
    given = tree(**params)
    found = {path: float(far) for path, far in loss.violations(given).items()}
    np.testing.assert_equal(found, {path: np.float32(far) for path, far in wanted.items()})
    moved = {path: float(far) for path, far in loss.violations(loss.project(given)).items()}
    np.testing.assert_equal(moved, {path: NAN for path, far in wanted.items() if far != far})


INTEGERS = {
    "tau >= 1": [1, 1, 2, 4],
    "tau > 1": [2, 2, 2, 4],
    "tau >= 1.5": [2, 2, 2, 4],
    "tau > 1.5": [2, 2, 2, 4],
    "tau < 2": [0, 1, 1, 1],
    "tau <= 2.5": [0, 1, 2, 2],
    "tau <= 2.7": [0, 1, 2, 2],
    "tau >= 1.3": [2, 2, 2, 4],
    "0.5 < tau < 2.5": [1, 1, 2, 2],
    "tau == 3": [3, 3, 3, 3],
    "-100000 <= tau <= 100000": [0, 1, 2, 4],
    "-1e30 < tau < inf": [0, 1, 2, 4],
}


@pytest.mark.parametrize(("constraint", "after"), INTEGERS.items(), ids=INTEGERS)
def test_integer_leaves(constraint: str, after: list[int]) -> None:
    """Each leaf is moved in its own dtype."""
    loss = lossdsl.compile(f"1.0*bounds(params, {constraint})")
    dtypes = ("int32", "int8", "uint16")
    moved = loss.project({one: {"tau": np.array([0, 1, 2, 4], one)} for one in dtypes})
    for dtype in dtypes:
        assert moved[dtype]["tau"].dtype == dtype
        assert moved[dtype]["tau"].tolist() == after
    assert loss.violations(moved) == {}


@pytest.mark.parametrize("dtypes", [("bfloat16", "float16", "float32"), ("float64",)])
@pytest.mark.parametrize("constraint", ["tau > 0", "tau >= 0.01", "tau > 0.01", "tau < 0.01",
                                        "tau > vector", "tau <= vector"])  # fmt: skip
def test_every_dtype(dtypes: tuple[str, ...], constraint: str) -> None:
    with jax.enable_x64("float64" in dtypes):
        loss = lossdsl.compile(f"bounds(params, {constraint})")
        params = {one: {"tau": np.array([-1, 0, 1, 2], one)} for one in dtypes}
        inputs = {"vector": jnp.array([0.1, 0.2, 0.3, 0.4])} if "vector" in constraint else {}
        moved = loss.project(params, **inputs)
        assert [moved[one]["tau"].dtype for one in dtypes] == list(dtypes)
        assert loss.violations(moved, **inputs) == {}
        assert float(loss(params=moved, **inputs)) == 0
        assert loss.violations(params, **inputs).keys() == {f"{one}/tau" for one in dtypes}


def test_several_trees_come_back_by_name() -> None:
    loss = lossdsl.compile("bounds(actor, w >= 0) + bounds(critic, w <= lo) + mean(x)")
    trees = {"actor": tree(w=[-1.0]), "critic": tree(w=[5.0])}
    moved = loss.project(**trees, lo=2.0)
    assert {name: one["w"].tolist() for name, one in moved.items()} == {"actor": [0], "critic": [2]}
    assert set(loss.violations(**trees, lo=2.0)) == {"actor/w", "critic/w"}
    assert loss.violations(**moved, lo=2.0) == {}


# What is known of the tree, of its paths and of the inputs that no bound reads may be nothing.
SUBJECTS = {
    "a path of an undeclared tree": 'bounds(params.cells, "**" >= 0)',
    "a longer path": "bounds(params.cells[0], 'tau' >= 0) + bounds(params.cells[-1], tau >= 0)",
    "from the end": "bounds(params, cells[0].tau >= 0, cells[-1].tau >= 0)",
    "sizes of other inputs": "x: f32[B, C]\nparams: tree\n"
    "sum(mean(x @ params.w, axis=B)) + bounds(params, tau >= 0)",
}


@pytest.mark.parametrize("text", SUBJECTS.values(), ids=SUBJECTS)
def test_subjects(text: str) -> None:
    loss = lossdsl.compile(text)
    params = {"cells": [tree(tau=[-1.0]), tree(tau=[-2.0])], "w": jnp.ones((3, 2))}
    assert set(loss.violations(params)) == {"cells/0/tau", "cells/1/tau"}
    assert loss.violations(loss.project(params)) == {}


APART = {
    "another input": "bounds(a, tau >= 1) + bounds(b, tau <= 0)",
    "another leaf": "bounds(a, '/tau' >= 1) + bounds(a.b, tau <= 0)",
    "a branch": "bounds(a, tau >= 1) + (bounds(a, tau <= 0) if mean(x) > 0 else 0.0)",
    "a metric": "metric m = bounds(a, tau <= 0)\nloss = bounds(a, tau >= 1)",
}


@pytest.mark.parametrize("text", APART.values(), ids=APART)
def test_bounds_that_never_hold_together_may_cross(text: str) -> None:
    loss = lossdsl.compile(text)
    both = {"tau": TAU, "b": {"tau": TAU}}
    given = {"a": both, "b": both, "x": TAU}
    loss(**{name: given[name] for name in loss.signature})


def test_without_constraints_it_is_the_identity() -> None:
    loss = lossdsl.compile("mean(x) + l2sqr(params)")
    params = tree(tau=TAU)
    assert loss.project(params)["tau"].tolist() == TAU.tolist()
    assert loss.project(params=params)["tau"].tolist() == TAU.tolist()
    assert loss.violations(params) == {}


def test_what_prices_expressions_bounds_no_parameter() -> None:
    loss = lossdsl.compile(
        "penalty(mean(params.tau) <= 0) + summed_exp_boundary(params.tau, lower=0)"
    )
    params = tree(tau=TAU)
    assert loss.project(params)["tau"].tolist() == TAU.tolist()
    assert loss.violations(params) == {}


def test_trees_of_any_container_keep_their_structure() -> None:
    loss = lossdsl.compile("bounds(params, tau >= 0) + bounds(params, 'a/0' <= 1)")
    params = {"cells": [{"tau": TAU}, ({"tau": -TAU},)], "a": (2 * TAU, TAU)}
    moved = loss.project(params)
    assert jax.tree.structure(moved) == jax.tree.structure(params)
    assert moved["cells"][1][0]["tau"].tolist() == jnp.maximum(-TAU, 0).tolist()
    assert moved["a"][0].max() == 1
    assert set(loss.violations(params)) == {"cells/0/tau", "cells/1/0/tau", "a/0"}


def test_a_projected_step_of_training() -> None:
    loss = lossdsl.compile("mse(out, tgt) + bounds(params, 0.01 <= tau <= 1, law='hinge')")

    @jax.jit
    def step(params: Any) -> Any:
        grads = jax.grad(lambda p: loss(out=p["tau"], tgt=-TAU, params=p))(params)
        return loss.project(jax.tree.map(lambda p, g: p - 0.1 * g, params, grads))

    params = tree(tau=TAU)
    for _ in range(5):
        params = step(params)
        assert loss.violations(params) == {}


DECLARED = "x: f32[B]\nlo: f32[B]\nhi: float = 2\nparams: tree\n"
WRONG: dict[str, tuple[str, tuple[Any, ...], dict[str, Any], str]] = {
    "a branch": ("bounds(params, tau >= 0) if mean(x) > 0 else mean(x)", (1,), {}, "LD306"),
    "where": ("where(mean(x) > 0, bounds(params, tau >= 0), 0)", (1,), {}, "LD306"),
    "a computed tree": ("bounds(map(square, params), tau >= 0)", (1,), {}, "LD306"),
    "arithmetic": ("bounds(2*params, tau >= 0)", (1,), {}, "LD306"),
    "missing tree": ("bounds(params, tau >= 0)", (), {}, "LD110"),
    "missing bound": ("bounds(params, tau >= max(x))", (1,), {}, "LD110"),
    "two trees": ("bounds(params, tau >= 0)", (1, 1), {}, "LD111"),
    "unknown": ("bounds(params, tau >= 0)", (1,), {"y": 1}, "LD111"),
    "no such leaf": ("bounds(params, rho >= 0)", (1,), {}, "LD301"),
    "no integer": ("bounds(params, count == 1.5)", (1,), {}, "LD302"),
    "no integer between": ("bounds(params, 1 < count < 2)", (1,), {}, "LD302"),
    "two patterns": (
        "bounds(params, tau >= 1) + bounds(params, 'ta?' <= 0.5)",
        (1,),
        {},
        "LD302",
    ),
    "two trees of one": (
        "bounds(params, tau == 1) + bounds(params.tau, '**' == 2)",
        (1,),
        {},
        "LD302",
    ),
    "another shape": ("bounds(params, tau >= x)", (1,), {"x": jnp.ones(3)}, "LD303"),
}


@pytest.mark.parametrize(("text", "trees", "inputs", "code"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_projected(
    text: str, trees: tuple[int, ...], inputs: dict[str, Any], code: str
) -> None:
    loss = lossdsl.compile(text)
    for use in (loss.project, loss.violations):
        with pytest.raises(lossdsl.LossError) as caught:
            use(*(tree(tau=TAU, count=[1, 2]) for _ in trees), **inputs)
        assert code in [one.code for one in caught.value.diagnostics]
        assert all(one.code != "LD999" for one in caught.value.diagnostics)


def test_a_call_that_also_stands_outside_of_a_branch_holds() -> None:
    loss = lossdsl.compile(
        "limits = bounds(params, tau >= 0)\nloss = limits + (limits if mean(x) > 0 else 0.0)"
    )
    assert loss.project(tree(tau=TAU))["tau"].min() == 0


def test_bounds_take_the_defaults_of_the_spec() -> None:
    loss = lossdsl.compile(DECLARED + "mean(x) + bounds(params, tau <= hi, tau >= lo)")
    lo = jnp.arange(5.0) - 2
    assert loss.project(tree(tau=TAU), lo=lo)["tau"].tolist() == [-1, 0, TAU[2], 1, 2]
    assert loss.project(tree(tau=TAU), lo=lo, hi=0.5)["tau"].tolist()[2:] == [TAU[2], 0.5, 0.5]


def test_a_constraint_costs_at_weight_zero_nothing_and_a_nan_shows() -> None:
    loss = lossdsl.compile("mean(x) + 0*bounds(params, tau >= 0)")
    value, terms = loss.with_terms(x=TAU, params=tree(tau=[NAN]))
    assert value == pytest.approx(TAU.mean())
    assert np.isnan(terms.raw["bounds"])
    assert np.isnan(lossdsl.compile("bounds(params, tau >= 0)")(params=tree(tau=[NAN])))
