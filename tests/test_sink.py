"""Masks are sunk to the inputs: what they hide poisons neither value nor gradient.

Every spec of the table has a finite value and gradient only because of the sink; the last test
takes the sink away to prove it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from oracle import flatten
from programs import MASKED_INPUTS, expected, masked_programs, slope

import lossdsl

NAN, INF = np.nan, np.inf
X = np.array([[0.5, 0.0, -1.0], [2.0, 3.0, 0.0], [0.25, 1.5, 4.0]])
M = np.array([[True, False, True], [False, True, False], [True, True, False]])
ROWS = np.array([True, False, True])
HIDDEN = np.where(M, np.abs(X) + 0.5, NAN)
Z = np.where(ROWS[:, None], X, NAN)
Y = np.array([2, -100, 0])
# The products H @ W are positive, exactly 0 and negative.
H = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 0.5]])
W = np.array([1.0, 1.0])


@dataclass(frozen=True)
class Spec:
    """A text, its inputs, and the floating ones that garbage must not reach."""

    text: str
    inputs: Mapping[str, Any]
    trained: tuple[str, ...] = ("x",)
    directions: Mapping[str, Any] = field(default_factory=dict)

    def direction(self, name: str) -> Any:
        """Return a direction along which no element crosses the edge of its mask."""

        def of(leaf: Any) -> Any:
            return np.cos(np.arange(np.size(leaf))).reshape(np.shape(leaf)) * (leaf != 0)

        return self.directions.get(name, jax.tree.map(of, self.inputs[name]))


SPECS = {
    "logarithm": Spec("mean(square(log(x) - 1), where=x > 0)", {"x": X}),
    "root of a product": Spec(
        "mean(sqrt(h @ w), where=h @ w > 0)",
        {"h": H, "w": W},
        ("h", "w"),
        {"h": np.array([[1.0, -0.5], [0, 0], [0.3, 0.2]]), "w": np.array([1.0, 1.0])},
    ),
    "mse": Spec("mse(x, t, where=m)", {"x": X, "t": HIDDEN, "m": M}, ("x", "t")),
    "cross_entropy": Spec("cross_entropy(x, y, where=r)", {"x": Z, "y": Y, "r": ROWS}),
    "ignored label": Spec("cross_entropy(x, y, ignore_index=-100)", {"x": Z, "y": Y}),
    "learned temperature": Spec(
        "cross_entropy(x/tau, y, where=r)",
        {"x": Z, "y": Y, "r": ROWS, "tau": np.array(0.7)},
        ("x", "tau"),
    ),
    "weight of zero": Spec(
        "mse(x, t, weight=w)", {"x": X, "t": HIDDEN, "w": np.where(M, 2.0, 0)}, ("x", "t", "w")
    ),
    "unreduced": Spec('sum(mse(x, t, where=m, reduce="none"))', {"x": X, "t": HIDDEN, "m": M}),
    "ternary": Spec("mean(log(x) if x > 0 else -x)", {"x": X}),
    "where": Spec("mean(where(x > 0, sqrt(x), 2*x))", {"x": X}),
    "division": Spec("mean(1/x, where=x != 0)", {"x": X}),
    "power": Spec("mean(x**k, where=x > 0)", {"x": X, "k": np.array(0.5)}, ("x", "k")),
    "overflow": Spec("mean(exp(x), where=x < 100)", {"x": np.where(X > 1, 1000 * X, X)}),
    "slice": Spec("mean(log(x[:, 1:]), where=m)", {"x": HIDDEN - 0.5, "m": M[:, 1:]}),
    "new axis": Spec("mean(log(x[:, None]), where=m[:, None])", {"x": HIDDEN, "m": M}),
    "transpose": Spec("mean(log(transpose(x)), where=m)", {"x": HIDDEN, "m": M.T}),
    "reshape": Spec("mean(log(reshape(x, (9))), where=reshape(m, (9)))", {"x": HIDDEN, "m": M}),
    "gather": Spec(
        "mean(log(take(x, i, axis=1)), where=take(m, i, axis=1))",
        {"x": HIDDEN, "m": M, "i": np.array([2, 0])},
    ),
    "reduction beside the mask": Spec(
        "mean(sum(log(x), axis=1), where=r)",
        {"x": np.where(ROWS[:, None], np.abs(X) + 1, 0), "r": ROWS},
    ),
    "softmax beside the mask": Spec(
        "mean(log(softmax(x, axis=1)), where=m)", {"x": Z, "m": M & ROWS[:, None]}
    ),
    "mask in a mask": Spec(
        "mean(mean(log(x), axis=1, where=m), where=r)", {"x": HIDDEN, "m": M, "r": ROWS}
    ),
    "condition on what is masked": Spec(
        "mean(where(x > 0, x @ w, x @ (2*w)), where=r)",
        {"x": Z, "r": ROWS, "w": np.array([[1.0, 0.2], [0.0, -0.7], [0.6, 0.1]])[:, [0, 1, 0]]},
        ("x", "w"),
    ),
    "slices in a condition": Spec(
        "mean(where(sum(h, axis=1)[:, None] > 0, (g + (h + h)[:, ::-1]) @ w, g), where=r)",
        {"g": Z, "h": Z, "r": ROWS, "w": np.diag([1.0, 2.0, 3.0])},
        ("g", "h", "w"),
    ),
    "scalar mask": Spec(
        "mean(mean(log(x)), where=f) + mean(k)", {"x": X, "k": X, "f": np.array(False)}
    ),
    "tree read whole": Spec(
        "mean(norm(log(x)), where=f) + mean(k)",
        {"x": {"a": X, "b": X[0]}, "k": X, "f": np.array(False)},
    ),
    "tree": Spec("mean(log(x), where=x > 0)", {"x": {"a": X, "b": {"c": np.array([0.0, 2.0])}}}),
    "nothing kept": Spec("mean(log(x), where=x > 100)", {"x": X}),
}


@pytest.fixture(autouse=True)
def x64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def solved(spec: Spec) -> tuple[Any, dict[str, Any]]:
    """Return value and gradients of the compiled spec."""
    loss = lossdsl.compile(spec.text)
    inputs = jax.tree.map(jax.numpy.asarray, dict(spec.inputs))
    trained = {name: inputs[name] for name in spec.trained}
    return jax.value_and_grad(lambda chosen: loss(**{**inputs, **chosen}))(trained)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_value_and_gradient_are_those_of_what_is_kept(spec: Spec) -> None:
    value, gradients = solved(spec)
    wanted = expected(spec.text, spec.inputs).values["loss"]
    assert np.isfinite(wanted)
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    for name, gradient in gradients.items():
        direction = spec.direction(name)
        difference = slope(spec.text, spec.inputs, name, direction)
        along = 0.0
        for (_, leaf), (_, step) in zip(flatten(gradient), flatten(direction), strict=True):
            assert np.isfinite(leaf).all(), (name, leaf)
            along += np.sum(leaf * step)
        np.testing.assert_allclose(along, difference, rtol=1e-6, atol=1e-7, err_msg=name)


def test_an_empty_mask_is_worth_zero_with_gradient_zero() -> None:
    value, gradients = solved(SPECS["nothing kept"])
    assert value == 0
    assert (np.asarray(gradients["x"]) == 0).all()


@settings(max_examples=settings.default.max_examples // 8)
@given(text=masked_programs())
def test_no_garbage_under_a_mask_changes_value_or_gradient(text: str) -> None:
    inputs = dict(MASKED_INPUTS)
    garbage = np.resize([NAN, INF, 0.0, -INF, -1e30], inputs["a"].shape)
    hidden = {"a": inputs["m"], "b": inputs["m"], "g": inputs["rows"], "h": inputs["rows"]}
    masks = {name: np.broadcast_to(mask.T, (3, 4)).T for name, mask in hidden.items()}
    dirty = {name: np.where(mask, inputs[name], garbage) for name, mask in masks.items()}
    spec = Spec(text, inputs, ("a", "b", "g", "h", "c", "square", "s"))
    value, gradients = solved(spec)
    other, others = solved(replace(spec, inputs={**inputs, **dirty}))
    np.testing.assert_allclose(other, value, rtol=1e-12)
    for name, gradient in others.items():
        np.testing.assert_allclose(gradient, gradients[name], rtol=1e-9, atol=1e-12, err_msg=name)
        assert (np.asarray(gradient)[~masks.get(name, np.True_)] == 0).all(), name


def test_without_the_sink_every_spec_is_poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lossdsl.optimize.PASSES", ())
    healthy = []
    for name, spec in SPECS.items():
        # Another text, so that no compiled loss is reused.
        value, gradients = solved(replace(spec, text=f"{spec.text}  # unsunk"))
        if all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((value, gradients))):
            healthy.append(name)
    assert healthy == []
    assert len(SPECS) >= 5
