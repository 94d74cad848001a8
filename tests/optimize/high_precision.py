"""Flat core evaluated in arithmetic of many digits: what a text is worth, as it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from mpmath import mp, mpf

import lossdsl
from lossdsl.core.graph import Apply, Const, Graph, Input, Node, tape
from lossdsl.lower.jax_dtypes import default_float
from lossdsl.specialize.leafwise import leafwise
from lossdsl.terms import value_roots

Inputs = Mapping[str, np.ndarray]


class Undefined(Exception):
    """What is computed is infinite or has no value on the way, or needs too many digits."""


# Digits beside those that tell 1 from 1 plus an exponential: for slopes, and for small numbers.
SPARE, MOST = 200, 2000


def _exp(x: Any) -> Any:
    if abs(x) > 2.3 * (mp.dps - SPARE):
        raise Undefined
    return mp.exp(x)


def _log(x: Any) -> Any:
    if not x > 0:
        raise Undefined
    return mp.log(x)


def _root(x: Any) -> Any:
    if not x > 0:
        raise Undefined
    return mp.sqrt(x)


def _ratio(a: Any, b: Any) -> Any:
    if b == 0:
        raise Undefined
    return a / b


def _power(a: Any, b: Any) -> Any:
    if a == 0 or (a < 0 and b != int(b)):
        raise Undefined
    return a**b


def _tanh(x: Any) -> Any:
    return (_exp(2 * x) - 1) / (_exp(2 * x) + 1)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + _exp(-x))


ELEMENTWISE: Mapping[str, Callable[..., Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": _ratio,
    "power": _power,
    "negative": lambda x: -x,
    "exp": _exp,
    "log": _log,
    "sqrt": _root,
    "square": lambda x: x * x,
    "abs": abs,
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "log_sigmoid": lambda x: -mp.log(1 + _exp(-x)),
    "softplus": lambda x: mp.log(1 + _exp(x)),
    "expm1": lambda x: _exp(x) - 1,
    "log1p": lambda x: _log(1 + x),
    "greater": lambda a, b: a > b,
    "where": lambda c, a, b: a if c else b,
}


def _prod(numbers: Sequence[Any]) -> Any:
    total = mpf(1)
    for number in numbers:
        total *= number
    return total


def _mean(numbers: Sequence[Any]) -> Any:
    return mp.fsum(numbers) / len(numbers)


def _variance(numbers: Sequence[Any]) -> Any:
    center = _mean(numbers)
    return _mean([(number - center) ** 2 for number in numbers])


REDUCTIONS: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "sum": mp.fsum,
    "mean": _mean,
    "prod": _prod,
    "norm": lambda numbers: _root(mp.fsum(n * n for n in numbers)),
    "rms": lambda numbers: _root(_mean([n * n for n in numbers])),
    "var": _variance,
    "std": lambda numbers: _root(_variance(numbers)),
    "logsumexp": lambda numbers: mp.log(mp.fsum(map(_exp, numbers))),
}


def _reduced(node: Apply, x: np.ndarray, mask: np.ndarray | None) -> Any:
    options = dict(node.options)
    axes = options["axis"]
    axes = tuple(range(x.ndim)) if axes is None else axes
    kept = np.broadcast_to(np.True_ if mask is None else mask, x.shape)
    rest = [at for at in range(x.ndim) if at not in axes]
    rows = np.transpose(x, (*rest, *axes)).reshape(*(x.shape[at] for at in rest), -1)
    masks = np.transpose(kept, (*rest, *axes)).reshape(rows.shape)
    made = np.empty(rows.shape[:-1], object)
    for at in np.ndindex(made.shape):
        numbers = [n for n, keep in zip(rows[at], masks[at], strict=True) if keep]
        if not numbers:
            raise Undefined
        made[at] = REDUCTIONS[node.function.name](numbers)
    if options["keepdims"]:
        made = np.expand_dims(made, axes)
    return made


def _softmax(node: Apply, x: np.ndarray) -> np.ndarray:
    (axis,) = dict(node.options)["axis"]
    powers = _each(_exp, x)
    return powers / powers.sum(axis=axis, keepdims=True)


def _each(function: Callable[..., Any], *operands: Any) -> Any:
    return np.frompyfunc(function, len(operands), 1)(*operands)


def evaluate(graph: Graph, root: Node, inputs: Mapping[str, Any]) -> Any:
    """Return the value of flat core; raises `Undefined`."""
    values: dict[Node, Any] = {}
    for node in tape([root]):
        match node:
            case Const(value):
                values[node] = mpf(value) if not isinstance(value, bool) else value
            case Input(name):
                values[node] = inputs[name]
            case Apply(function, arguments):
                given = [None if each is None else values[each] for each in arguments]
                values[node] = _applied(node, function.name, given)
            case _:
                raise AssertionError(node)
    return values[root]


def _applied(node: Apply, name: str, given: list[Any]) -> Any:
    match name:
        case "cast":
            return given[0]
        case "keep":
            fill = mpf(dict(node.options)["fill"])
            return _each(lambda keep, x: x if keep else fill, *given)
        case "softmax":
            return _softmax(node, given[0])
        case "index":
            kinds = {"at": lambda at: at, "slice": slice, "new": lambda: np.newaxis}
            items = dict(node.options)["items"]
            return given[0][tuple(kinds[kind](*rest) for kind, *rest in items)]
        case _ if name in REDUCTIONS:
            return _reduced(node, np.asarray(given[0], object), given[1])
        case _:
            return _each(ELEMENTWISE[name], *given)


def flat_core(loss: lossdsl.CompiledLoss, inputs: Inputs) -> tuple[Graph, Node]:
    """Return the flat core of the value of a loss, before any rewrite."""
    call, _ = loss._call(inputs, value_roots)
    flat = leafwise(call.core.graph, value_roots(call.core), default_float())
    (root,) = flat.roots
    return flat.graph, root


def truth(graph: Graph, root: Node, inputs: Inputs, trained: str) -> tuple[float, np.ndarray]:
    """Return what flat core is worth, and its gradient by one input; raises `Undefined`."""
    whole = {
        name: value if value.dtype == bool else _each(mpf, np.asarray(value, float))
        for name, value in inputs.items()
    }
    far = max(float(abs(np.asarray(value, float)).max()) for value in inputs.values())
    with mp.workdps(SPARE + 100 + int(min(far, MOST))):
        value = evaluate(graph, root, whole)
        slopes = np.zeros(whole[trained].shape)
        for at in np.ndindex(slopes.shape):
            step = (abs(whole[trained][at]) or mpf(1)) * mpf(10) ** -60
            ends: list[Any] = []
            for by in (step, -step):
                moved = whole[trained].copy()
                moved[at] += by
                ends.append(evaluate(graph, root, {**whole, trained: moved}))
            slopes[at] = float((ends[0] - ends[1]) / (2 * step))
        return float(value), slopes
