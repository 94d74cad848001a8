"""Each golden case as a spec text and its inputs: a table from function to text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

CASES = json.loads(Path(__file__).with_name("goldens.json").read_text())["cases"]

# Functions of the packages that are no losses but make and apply bounds: only `compat` has them.
# A spec writes its bounds, and `CompiledLoss.project` applies them.
NO_LOSSES = {"make_bounds", "bounds_clip"}

Case = dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """A spec with what is fed to it; a `metric value` is the value in place of the loss."""

    text: str
    inputs: dict[str, Any]


def decode(value: Any) -> Any:
    """Return the arrays, numbers and trees that the markers of the data stand for."""
    match value:
        case {"__array__": _, "dtype": dtype, "shape": shape, "data": data}:
            return np.array([float(x) if isinstance(x, str) else x for x in data], dtype).reshape(
                shape
            )
        case {"__float__": text}:
            return float(text)
        case {"__dict__": pairs}:
            return {key: decode(item) for key, item in pairs}
        case {"__list__": items}:
            return [decode(item) for item in items]
        case {"__tuple__": items}:
            return tuple(decode(item) for item in items)
        case dict():
            return {key: decode(item) for key, item in value.items()}
        case list():
            return [decode(item) for item in value]
        case _:
            return value


def call(function: str, *inputs: str) -> Callable[[Case], Recipe]:
    """Write one call: the case's arrays by name, its options as literals."""

    def spec(case: Case) -> Recipe:
        options = [f"{name}={value!r}" for name, value in case["kwargs"].items()]
        return Recipe(f"{function}({', '.join([*inputs, *options])})", case["args"])

    return spec


def normalized(function: str) -> Callable[[Case], Recipe]:
    """Write a vector as a metric, and its product with the recorded cotangent as the loss."""

    def spec(case: Case) -> Recipe:
        vector = call(function, "x", "axis=all")(case).text
        cotangent = case.get("cotangent", np.ones_like(case["args"]["x"]))
        text = f"p = {vector}\nloss = sum(p*cotangent)\nmetric value = p"
        return Recipe(text, case["args"] | {"cotangent": cotangent})

    return spec


def bounds(case: Case) -> Recipe:
    """Write the bounds leaf by leaf: numbers as literals, arrays as inputs of their own."""
    args = case["args"]
    inputs = {"params": args["params"]}
    lower, upper = dict(leaves(args["lower_bounds"])), dict(leaves(args["upper_bounds"]))
    limits: list[str] = []
    # Rockpool's torch version zips the trees by position, whatever the keys are called.
    by_position = case["package"] == "rockpool.torch_loss"
    paths = [path for path, _ in leaves(args["params"])] if by_position else list(lower)
    upper = dict(zip(lower, upper.values(), strict=True)) if by_position else upper
    for place, (path, (named, low)) in enumerate(zip(paths, lower.items(), strict=False)):
        sides = [f"lower_{place}", f"upper_{place}"]
        for side, bound in enumerate([low, upper[named]]):
            if isinstance(bound, np.ndarray):
                inputs[sides[side]] = bound
            else:
                sides[side] = repr(bound)
        limits.append(f'{sides[0]} <= "{path}" <= {sides[1]}')
    return Recipe(f"bounds({', '.join(['params', *limits])})", inputs)


def boundary(case: Case) -> Recipe:
    """Write the penalty of one array; a bound of None is left out."""
    given = {"lower": case["args"]["lower_bound"], "upper": case["args"]["upper_bound"]}
    options = [f"{name}={bound!r}" for name, bound in given.items() if bound is not None]
    text = f"summed_exp_boundary({', '.join(['data', *options])})"
    return Recipe(text, {"data": case["args"]["data"]})


def accuracy(case: Case) -> Recipe:
    """Write the accuracy and the predictions, which are its second result, as metrics."""
    axis = case["kwargs"].get("time_axis", 1)
    value = call("integral_accuracy", "traces", "targets")(case).text
    predictions = f"argmax(sum(traces, axis={axis}), axis=-1)"
    text = f"loss = sum(traces)\nmetric value = {value}\nmetric predictions = {predictions}"
    return Recipe(text, case["args"])


def sparsity(case: Case) -> Recipe:
    """Write the norm by its name in the language; `identity` is a definition of the spec."""
    names = {"squared_error": "square", "identity": "identity"}
    norm = case["kwargs"].get("norm")
    options = f"spikes, {case['kwargs']['max_spikes']!r}" + (
        f", norm={names[norm]}" if norm else ""
    )
    definition = "def identity(x) = x\nloss = " if norm == "identity" else ""
    return Recipe(f"{definition}sparsity({options})", case["args"])


def composite(case: Case) -> Recipe:
    """Take the loss as it was written down, with the full name of its cross entropy."""
    text = case["kwargs"]["dsl"].replace("ce(traces,", "integral_crossentropy(traces,")
    return Recipe(text, case["args"])


SPECS: dict[str, Callable[[Case], Recipe]] = {
    "mse": call("mse", "output", "target"),
    "sse": call("sse", "output", "target"),
    "l2sqr_norm": call("l2sqr", "params"),
    "l0_norm_approx": call("l0", "params"),
    "softmax": normalized("softmax"),
    "logsoftmax": normalized("log_softmax"),
    "bounds_cost": bounds,
    "summed_exp_boundary_loss": boundary,
    "ParameterBoundaryRegularizer": boundary,
    "integral_accuracy": accuracy,
    "integral_crossentropy": call("integral_crossentropy", "traces", "targets"),
    "mse_spikerate": call("mse_spikerate", "traces", "targets"),
    "silence_reg": call("silence", "spikes"),
    "sparsity_reg": sparsity,
    "composite": composite,
}


def _bounds_as_trees(case: Case) -> Recipe:
    limits = [f"lower_bounds.{name} <= {name} <= upper_bounds.{name}" for name in ("a", "b")]
    return Recipe(f"bounds(params, {', '.join(limits)})", case["args"])


# Cases that cannot be written as the others of their function are.
EXCEPTIONS: dict[str, Callable[[Case], Recipe]] = {
    # The package broadcasts (1, T, N) with (T, N); here that is said.
    "mse/broadcast_batch_1TN_vs_TN": lambda case: Recipe(
        "mse(squeeze(output, 0), target)", case["args"]
    ),
    # Without leaves there is no path to write.
    "bounds_cost/empty_tree": lambda case: Recipe(
        'bounds(params, "**" >= 0)', {"params": case["args"]["params"]}
    ),
    # The lower bound that is missing is noticed where it is asked for.
    "bounds_cost/ERR_len": _bounds_as_trees,
}


def recipe(case: Case) -> Recipe:
    """Return the spec of a decoded case."""
    return EXCEPTIONS.get(case["id"], SPECS[case["fn"]])(case)


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the anchored path and value of each leaf of nested dicts."""
    if not isinstance(tree, dict):
        yield path, tree
        return
    for key, item in tree.items():
        yield from leaves(item, f"{path}/{key}")
