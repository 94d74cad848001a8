"""Masks are sunk to the inputs: what they hide poisons neither value nor gradient.

Every spec of the table has a finite value and gradient only because of the sink; the last test
takes the sink away to prove it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from library_cases import TYPES, arguments, draws
from oracle import flatten
from programs import MASKED_INPUTS, Inputs, expected, masked_programs, slope

import lossdsl
from lossdsl.infer.elementwise_types import parameter_dtypes
from lossdsl.library.declare import builtins

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
    # Rows and columns that something is kept of are read, also where their difference is below 0.
    "root of a difference": Spec(
        "mean(sqrt(h[:, :1] - w[None, :]), where=h[:, :1] > w[None, :])",
        {"h": H, "w": np.array([-2.0, 0.5, 2.0])},
        ("h", "w"),
    ),
    "nothing kept": Spec("mean(log(x), where=x > 100)", {"x": X}),
}

# Each with a row of `x` that only the mask hides, and another reader that asks for less or more.
READERS = (
    "w*x - x[0]",
    "w*x + sum(x[:1])",
    "w*x + x[0, 0]",
    "w*x - (w*x)[0]",
    "w*x - take(w*x, (0, 2), axis=0)[1]",
    "w*x + cumsum(w*x, axis=1) - x[2, 1:2]*w",
    "w*x[:, 1:] - (w*x)[:, :-1]",
    # more masks than there are copies
    "(w*x)[:, :1] + (w*x)[:, 1:2] + (w*x)[:, 2:] + (w*x)[:, ::2][:, 1:] + (w*x)[:, :2][:, 1:]",
    "take(w*x, (0, 1), axis=1) + take_along(x, argsort(x))[:, 1:]",
)
SPECS |= {
    body: Spec(f"mean({body}, where=r)", {"x": Z, "r": ROWS, "w": np.array(0.7)}, ("x", "w"))
    for body in READERS
}

# Calls that `arguments` cannot make up.
STRUCTURAL = {
    "one_hot": "one_hot(y, 3)*out",
    "top_k": "top_k(out, 2)",
    "quantile": "quantile(out*tgt, 0.3, axis=1)",
    "recurrence": "recurrence(out, tgt, axis=1)",
    "where": "where(out > tgt, out, z)",
    "matmul": "out @ transpose(tgt[:1])",
    "einsum": 'einsum("bt,bt->b", out, tgt)',
    "einsum_sums": 'einsum("bt->b", out)',
    "einsum_dots": 'einsum("b...,b...->b...", out, tgt)',
    "einsum_traces": 'einsum("btk,bk->bt", traces, out)',
    "diag": "diag(out[:, :, None]*tgt[:, None])",
    "max_pool": "max_pool(traces, (2,))",
    "avg_pool": "avg_pool(traces, (2,))",
    "segment_sum": "transpose(segment_sum(transpose(out), (0, 1, 0), segments=2))",
    "segment_mean": "transpose(segment_mean(transpose(out), (0, 1, 0), segments=2))",
    "reshape": "reshape(traces, (4, -1))",
    "transpose": "transpose(transpose(out*tgt))",
    "squeeze": "squeeze(expand(out*tgt, 1), 1)",
    "expand": "expand(out*tgt, 1)",
    "concatenate": "concatenate(out, tgt, axis=1)",
    "stack": "stack(out, tgt, axis=1)",
    "stack_last": "stack(out, tgt, axis=-1)",
    "broadcast": "broadcast(out[:, :1], like=tgt)",
    "take": "take(out, (0, 1), axis=1)",
    "take_along": "take_along(z, y[:, None], axis=-1)",
    "index": "(out*tgt)[:, ::2]",
}
FLOATS = ("out", "tgt", "z", "p", "q", "signs", "traces")


@pytest.fixture(autouse=True)
def x64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def solver(specs: Sequence[Spec]) -> Callable[[Sequence[Inputs]], list[tuple[Any, Inputs]]]:
    """Return what computes value and gradients of each spec at its inputs, in one program."""
    losses = [lossdsl.compile(spec.text) for spec in specs]

    def run(spec: Spec, loss: Any, inputs: Inputs) -> Any:
        trained = {name: inputs[name] for name in spec.trained}
        return jax.value_and_grad(lambda chosen: loss(**{**inputs, **chosen}))(trained)

    return jax.jit(lambda inputs: list(map(run, specs, losses, inputs)))


def solved(specs: Sequence[Spec]) -> list[tuple[Any, Inputs]]:
    return solver(specs)([spec.inputs for spec in specs])


AT_ONCE = 8


@pytest.mark.parametrize("at", range(0, len(SPECS), AT_ONCE))
def test_value_and_gradient_are_those_of_what_is_kept(at: int) -> None:
    specs = list(SPECS.values())[at : at + AT_ONCE]
    for spec, (value, gradients) in zip(specs, solved(specs), strict=True):
        hold(spec, value, gradients)


def hold(spec: Spec, value: Any, gradients: Inputs) -> None:
    wanted = expected(spec.text, spec.inputs).values["loss"]
    assert np.isfinite(wanted), spec.text
    np.testing.assert_allclose(value, wanted, rtol=1e-12, err_msg=spec.text)
    for name, gradient in gradients.items():
        direction = spec.direction(name)
        difference = slope(spec.text, spec.inputs, name, direction)
        along = 0.0
        for (_, leaf), (_, step) in zip(flatten(gradient), flatten(direction), strict=True):
            assert np.isfinite(leaf).all(), (spec.text, name, leaf)
            along += np.sum(leaf * step)
        np.testing.assert_allclose(along, difference, rtol=1e-6, atol=1e-7, err_msg=name)


def test_an_empty_mask_is_worth_zero_with_gradient_zero() -> None:
    ((value, gradients),) = solved([SPECS["nothing kept"]])
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
    solve = solver([spec])
    ((value, gradients),) = solve([spec.inputs])
    ((other, others),) = solve([{**inputs, **dirty}])
    np.testing.assert_allclose(other, value, rtol=1e-12)
    for name, gradient in others.items():
        np.testing.assert_allclose(gradient, gradients[name], rtol=1e-9, atol=1e-12, err_msg=name)
        assert (np.asarray(gradient)[~masks.get(name, np.True_)] == 0).all(), name


def test_without_the_sink_every_spec_is_poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lossdsl.optimize.PASSES", ())
    # Other texts, so that no compiled loss is reused.
    found = solved([replace(spec, text=f"{spec.text}  # unsunk") for spec in SPECS.values()])
    healthy = [
        name
        for name, leaves in zip(SPECS, map(jax.tree.leaves, found), strict=True)
        if all(np.isfinite(leaf).all() for leaf in leaves)
    ]
    assert healthy == []
    assert len(SPECS) >= 5


def rows(seed: int) -> dict[str, Any]:
    """Return the inputs of examples, most in the domain of most functions, and a mask of rows."""
    found = {name: value for name, value in draws(seed).items() if name in (*FLOATS, "y")}
    found |= {name: 0.1 + 0.3 * np.abs(np.tanh(found[name])) for name in ("out", "tgt")}
    return {**found, "b": np.array([True, False, True, True])}


def hidden(value: Any, garbage: Any) -> Any:
    """Return a value with garbage in the row that the mask hides."""
    return jax.numpy.asarray(value).at[1].set(garbage[1] if np.ndim(garbage) else garbage)


def calls() -> dict[str, str]:
    """Return a call of every function that takes arrays, or reduces them beside the rows.

    What is written in the language is made of these; losses have masks of their own besides, see
    test_losses_options.py.
    """
    found = dict(STRUCTURAL)
    for name, function in builtins().functions.items():
        operands = [] if function.operator or function.definitions else arguments(function) or []
        if function.elementwise and "bool" not in parameter_dtypes(function.signatures[0]):
            operands = ["out", "tgt", "z"][: len(operands)]
        if not set(operands) & {*FLOATS} or name in found:
            continue
        if function.reduction:
            operands.append("axis=1")
        found[name] = f"{name}({', '.join(operands)})"
    return found


def test_no_function_that_keeps_the_rows_lets_a_hidden_one_through() -> None:
    found = calls()
    inputs = {name: jax.numpy.asarray(value) for name, value in rows(0).items()}
    other = {**inputs, **{name: hidden(inputs[name], rows(1)[name]) for name in FLOATS}}
    header = "".join(f"{name}: {TYPES.get(name, 'bool[4]')}\n" for name in inputs)
    texts = "".join(f"metric {name}_ = {call}\n" for name, call in found.items())
    every = lossdsl.compile(f"{header}{texts}loss = mean(out)")
    values, changed = (every.with_terms(**one)[1].metrics for one in (inputs, other))
    kept = [
        name
        for name in found
        if values[f"{name}_"].shape[:1] == (4,)
        and values[f"{name}_"].dtype != bool
        and np.isfinite(values[f"{name}_"]).all()
        and (np.delete(values[f"{name}_"] == changed[f"{name}_"], 1, axis=0)).all()
    ]
    weights = "".join(f"{name}_: float\n" for name in kept)
    terms = " + ".join(f"mean({name}_*{found[name]}, where=b)" for name in kept)
    loss = lossdsl.compile(f"{header}{weights}loss = {terms}")
    dirty = {**inputs, **{name: hidden(inputs[name], NAN) for name in FLOATS}}
    learned = {f"{name}_": jax.numpy.asarray(0.7) for name in kept}

    @jax.jit
    def solve(given: Inputs) -> Inputs:
        return jax.grad(lambda learned: loss(**given, **learned))(learned)

    wanted, slopes = solve(inputs), solve(dirty)
    wrong = {name: slope for name, slope in slopes.items() if abs(slope - wanted[name]) > 1e-5}
    assert wrong == {}
    assert not [name for name, slope in slopes.items() if not np.isfinite(slope)]
    # The rows of the second operand of a distance of all pairs are its columns.
    others = {"isfinite", "ctc_log_likelihood", "singular_values", "pairwise_distance"}
    assert found.keys() - set(kept) == others
