"""Every loss and schedule of the library against an independent definition.

The references are optax, SciPy, or float64 NumPy by the formula that the citation gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
import optax
import pytest
from library_cases import TYPES, draws, names_in
from scipy import special

import lossdsl
from lossdsl.library.declare import builtins


def optax_of(name: str, *inputs: str, **options: Any) -> Callable[[Mapping[str, Any]], Any]:
    """Return the mean of a loss of optax over the inputs of those names."""
    compute = getattr(optax.losses, name)
    return lambda v: np.mean(compute(*(v[one] for one in inputs), **options))


def log_softmax(z: Any) -> Any:
    return special.log_softmax(z, axis=-1)


def one_hot(y: Any, smoothing: float = 0) -> Any:
    return (1 - smoothing) * np.eye(3)[y] + smoothing / 3


def weighted_entropy(v: Mapping[str, Any]) -> Any:
    weights = np.asarray((1.0, 2.0, 0.5))[v["y"]]
    losses = -np.sum(one_hot(v["y"]) * log_softmax(v["z"]), axis=-1)
    return np.sum(weights * losses) / np.sum(weights)


def ignored_entropy(v: Mapping[str, Any]) -> Any:
    losses = -np.sum(one_hot(v["y"]) * log_softmax(v["z"]), axis=-1)
    kept = v["y"] != 1
    return np.mean(losses[kept]) if kept.any() else 0.0


def leaves(tree: Any) -> list[Any]:
    return [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(tree)]


def huber(x: Any) -> Any:
    return np.where(abs(x) <= 1, 0.5 * x**2, abs(x) - 0.5)


def cosine(a: Any, b: Any) -> Any:
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return np.sum(a * b, axis=-1) / lengths


LOSSES: list[tuple[str, Callable[[Mapping[str, Any]], Any]]] = [
    ("mse(out, tgt)", optax_of("squared_error", "out", "tgt")),
    ("sse(out, tgt)", lambda v: np.sum((v["out"] - v["tgt"]) ** 2)),
    ("mae(out, tgt)", lambda v: np.mean(abs(v["out"] - v["tgt"]))),
    ("huber(out, tgt, delta=0.5)", optax_of("huber_loss", "out", "tgt", delta=0.5)),
    ("log_cosh(out, tgt)", optax_of("log_cosh", "out", "tgt")),
    ("log_cosh(1e4*out, tgt)", lambda v: np.mean(abs(1e4 * v["out"] - v["tgt"])) - np.log(2)),
    ("cosine_distance(out, tgt)", optax_of("cosine_distance", "out", "tgt")),
    ("mean(cosine_similarity(out, tgt))", optax_of("cosine_similarity", "out", "tgt")),
    (
        "mean(pairwise_distance(out, tgt))",
        lambda v: np.mean(np.linalg.norm(v["out"][:, None] - v["tgt"][None], axis=-1)),
    ),
    ("cross_entropy(z, y)", optax_of("softmax_cross_entropy_with_integer_labels", "z", "y")),
    ("cross_entropy(z, p)", optax_of("softmax_cross_entropy", "z", "p")),
    (
        "cross_entropy(z, y, smoothing=0.2)",
        lambda v: -np.mean(np.sum(one_hot(v["y"], 0.2) * log_softmax(v["z"]), axis=-1)),
    ),
    (
        "cross_entropy(z, p, smoothing=0.2)",
        lambda v: -np.mean(np.sum((0.8 * v["p"] + 0.2 / 3) * log_softmax(v["z"]), axis=-1)),
    ),
    ("cross_entropy(z, y, ignore_index=1)", ignored_entropy),
    ("cross_entropy(z, y, class_weight=(1.0, 2.0, 0.5))", weighted_entropy),
    (
        "cross_entropy(transpose(z), y, class_axis=0)",
        optax_of("softmax_cross_entropy_with_integer_labels", "z", "y"),
    ),
    ("binary_cross_entropy(z, p)", optax_of("sigmoid_binary_cross_entropy", "z", "p")),
    (
        "focal(z, y, gamma=1.5)",
        lambda v: np.mean(
            [
                -((1 - np.exp(row[k])) ** 1.5) * row[k]
                for row, k in zip(log_softmax(v["z"]), v["y"], strict=True)
            ]
        ),
    ),
    ("hinge(out, signs)", optax_of("hinge_loss", "out", "signs")),
    ("kl(p, q)", lambda v: np.mean(np.sum(special.rel_entr(v["p"], v["q"]), axis=-1))),
    ("accuracy(z, y)", lambda v: np.mean(np.argmax(v["z"], axis=-1) == v["y"])),
    ("l1(params)", lambda v: sum(np.sum(abs(leaf)) for leaf in leaves(v["params"]))),
    (
        "l2(params)",
        lambda v: np.sqrt(sum(np.sum(leaf**2) for leaf in leaves(v["params"]))),
    ),
    ("sum_squares(params)", lambda v: sum(np.sum(leaf**2) for leaf in leaves(v["params"]))),
    ("l2sqr(params)", lambda v: np.mean([np.mean(leaf**2) for leaf in leaves(v["params"])])),
    (
        "l0(params, sigma=0.1)",
        lambda v: np.mean([np.mean(leaf**4 / (leaf**4 + 0.1)) for leaf in leaves(v["params"])]),
    ),
    (
        "summed_exp_boundary(out, lower=-0.5, upper=0)",
        lambda v: (
            np.sum(np.exp(v["out"])[v["out"] > 0])
            + np.sum(np.exp(-0.5 - v["out"])[v["out"] < -0.5])
        ),
    ),
    ("summed_exp_boundary(out)", lambda v: 0.0),
    (
        "integral_crossentropy(traces, y)",
        lambda v: (
            -np.mean(np.sum(one_hot(v["y"], 0.3) * log_softmax(v["traces"].sum(axis=1)), axis=-1))
        ),
    ),
    (
        "integral_crossentropy(transpose(traces, (1, 0, 2)), y, time_axis=0, smoothing=0)",
        lambda v: -np.mean(np.sum(one_hot(v["y"]) * log_softmax(v["traces"].sum(axis=1)), axis=-1)),
    ),
    (
        "integral_crossentropy(transpose(traces), y, time_axis=1, class_axis=0, smoothing=0)",
        lambda v: -np.mean(np.sum(one_hot(v["y"]) * log_softmax(v["traces"].sum(axis=1)), axis=-1)),
    ),
    (
        "integral_accuracy(traces, y)",
        lambda v: np.mean(np.argmax(v["traces"].sum(axis=1), axis=-1) == v["y"]),
    ),
    (
        "mse_spikerate(traces, y, smoothing=0.1)",
        lambda v: np.mean((v["traces"].mean(axis=1) - one_hot(v["y"], 0.1) * 0.25 * 5) ** 2),
    ),
    (
        "mse_rate(traces, y, rate=0.5)",
        lambda v: np.mean((v["traces"].mean(axis=1) - 0.5 * one_hot(v["y"])) ** 2),
    ),
    ("mean(firing_rate(traces))", lambda v: np.mean(v["traces"])),
    (
        "silence(spikes, 0.6)",
        lambda v: sum(np.sum(np.maximum(0, 0.6 - x.mean(axis=0)) ** 2) for x in v["spikes"]),
    ),
    (
        "sparsity(spikes, 0.2)",
        lambda v: sum(
            np.sum(huber(np.maximum(0, x.reshape(4, -1).mean(axis=1) - 0.2))) for x in v["spikes"]
        ),
    ),
    (
        "sparsity(spikes, 0.2, norm=square)",
        lambda v: sum(
            np.sum(np.maximum(0, x.reshape(4, -1).mean(axis=1) - 0.2) ** 2) for x in v["spikes"]
        ),
    ),
]


@pytest.mark.parametrize(("text", "reference"), LOSSES, ids=[text for text, _ in LOSSES])
def test_loss(text: str, reference: Callable[[Mapping[str, Any]], Any]) -> None:
    loss = lossdsl.compile(text, inputs={one: TYPES[one] for one in names_in(text)})
    for seed in range(3):
        values = draws(seed)
        wide = jax.tree.map(
            lambda leaf: np.asarray(leaf, np.float64) if leaf.dtype == np.float32 else leaf, values
        )
        found = loss(**{one: values[one] for one in names_in(text)})
        with jax.enable_x64(True):
            expected = reference(wide)
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6)


STEPS = (0, 1, 9, 10, 11, 99, 100, 101, 250, 999, 1000, 2000)
SCALES = {100: 0.5, 200: 0.1}
TEXT_SCALES = "(100, 200), (0.5, 0.1)"

SCHEDULES: list[tuple[str, Any]] = [
    ("constant_schedule(step, 0.1)", optax.constant_schedule(0.1)),
    ("linear_schedule(step, 0, 0.1, 1000)", optax.linear_schedule(0, 0.1, 1000)),
    ("linear_schedule(step, 0.1, 0, 100, 10)", optax.linear_schedule(0.1, 0, 100, 10)),
    ("linear_schedule(step, 0.1, 0, 0)", optax.linear_schedule(0.1, 0, 0)),
    (
        "polynomial_schedule(step, 1, 0.1, 2.5, 100)",
        optax.polynomial_schedule(1, 0.1, 2.5, 100),
    ),
    ("warmup_constant_schedule(step, 0, 1, 10)", optax.warmup_constant_schedule(0, 1, 10)),
    ("exponential_decay(step, 1, 100, 0.9)", optax.exponential_decay(1, 100, 0.9)),
    (
        "exponential_decay(step, 1, 100, 0.9, 10, true, 0.5)",
        optax.exponential_decay(1, 100, 0.9, 10, True, 0.5),
    ),
    (
        "exponential_decay(step, 1, 100, 1.1, end_value=1.5)",
        optax.exponential_decay(1, 100, 1.1, end_value=1.5),
    ),
    ("decayed(step, 1, 100, 0.9)", optax.exponential_decay(1, 100, 0.9)),
    (
        "cosine_decay_schedule(step, 1, 1000, alpha=0.1, exponent=2)",
        optax.cosine_decay_schedule(1, 1000, 0.1, 2),
    ),
    (
        "warmup_cosine_decay_schedule(step, 0, 1, 10, 1000, 0.1)",
        optax.warmup_cosine_decay_schedule(0, 1, 10, 1000, 0.1),
    ),
    (
        "warmup_cosine_decay_schedule(step, 0, 1, 0, 1000)",
        optax.warmup_cosine_decay_schedule(0, 1, 0, 1000),
    ),
    (
        "warmup_exponential_decay_schedule(step, 0, 1, 10, 100, 0.9)",
        optax.warmup_exponential_decay_schedule(0, 1, 10, 100, 0.9),
    ),
    (
        f"piecewise_constant_schedule(step, 1, {TEXT_SCALES})",
        optax.piecewise_constant_schedule(1, SCALES),
    ),
    (
        f'piecewise_interpolate_schedule(step, "linear", 1, {TEXT_SCALES})',
        optax.piecewise_interpolate_schedule("linear", 1, SCALES),
    ),
    (
        f'piecewise_interpolate_schedule(step, "cosine", 1, {TEXT_SCALES})',
        optax.piecewise_interpolate_schedule("cosine", 1, SCALES),
    ),
    ("linear_onecycle_schedule(step, 1000, 1)", optax.linear_onecycle_schedule(1000, 1.0)),
    ("cosine_onecycle_schedule(step, 1000, 1)", optax.cosine_onecycle_schedule(1000, 1.0)),
    ("ramp(step, 0, 100)", optax.linear_schedule(0, 1, 100)),
    ('bend(ramp(step, 0, 100), "cosine")', optax.cosine_decay_schedule(-1, 100, 0)),
]


@pytest.mark.parametrize(("text", "schedule"), SCHEDULES, ids=[text for text, _ in SCHEDULES])
def test_schedule(text: str, schedule: Any) -> None:
    loss = lossdsl.compile(text, inputs={"step": "i32"})
    offset = 1 if text.startswith("bend") else 0
    for step in STEPS:
        np.testing.assert_allclose(loss(step=step), offset + schedule(step), rtol=1e-5, atol=1e-6)


def test_every_loss_and_schedule_has_a_row() -> None:
    rows = " ".join(text for text, _ in (*LOSSES, *SCHEDULES))
    written = [name for name, function in builtins().functions.items() if function.definitions]
    assert [name for name in written if f"{name}(" not in rows and name != "earlier"] == []
