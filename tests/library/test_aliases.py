"""Names of optax that stand for functions here: both give the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy.special import softmax

import lossdsl
from lossdsl.library.aliases import folded
from lossdsl.library.declare import builtins

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


Z = normal(4, 3)
INPUTS = {
    "z": Z,
    "y": np.array([0, 2, 1, 1]),
    "t": softmax(normal(4, 3), axis=-1),
    "p": softmax(Z, axis=-1),
    "a": normal(4, 3),
    "b": normal(4, 3),
    "s": np.sign(Z),
    "m": RANDOM.integers(0, 2, (4, 3)).astype(np.float32),
    "boxes": RANDOM.uniform(0.1, 0.9, (2, 5, 3)).astype(np.float32),
    "parts": RANDOM.integers(0, 2, (2, 5, 3)).astype(np.float32),
    "frames": normal(2, 6, 4),
    "letters": np.array([[1, 2, 1], [3, 1, 2]]),
}
losses = optax.losses

# The name in optax, the call here, and the one there, with its defaults unless the page says so.
NAMESAKES: list[tuple[str, str, Callable[..., Any]]] = [
    ("squared_error", "mse(a, b)", losses.squared_error),
    ("huber_loss", "huber(a, b)", losses.huber_loss),
    ("kl_divergence", "kl(t, p)", lambda t, p: losses.kl_divergence(jnp.log(p), t)),
    (
        "kl_divergence_with_log_targets",
        "kl_log(log(t), log(p))",
        lambda t, p: losses.kl_divergence_with_log_targets(jnp.log(p), jnp.log(t)),
    ),
    (
        "generalized_kl_divergence",
        "generalized_kl(t, p)",
        lambda t, p: losses.generalized_kl_divergence(jnp.log(p), t),
    ),
    ("softmax_cross_entropy", "cross_entropy(z, t)", losses.softmax_cross_entropy),
    ("safe_softmax_cross_entropy", "cross_entropy(z, t)", losses.safe_softmax_cross_entropy),
    (
        "softmax_cross_entropy_with_integer_labels",
        "cross_entropy(z, y)",
        losses.softmax_cross_entropy_with_integer_labels,
    ),
    (
        "sigmoid_binary_cross_entropy",
        "binary_cross_entropy(z, m)",
        losses.sigmoid_binary_cross_entropy,
    ),
    ("sigmoid_focal_loss", "sigmoid_focal(z, m)", losses.sigmoid_focal_loss),
    ("poly_loss_cross_entropy", "poly_cross_entropy(z, t)", losses.poly_loss_cross_entropy),
    ("hinge_loss", "hinge(z, s)", losses.hinge_loss),
    ("perceptron_loss", "perceptron(z, s)", losses.perceptron_loss),
    ("multiclass_hinge_loss", "multiclass_hinge(z, y)", losses.multiclass_hinge_loss),
    (
        "multiclass_perceptron_loss",
        "multiclass_perceptron(z, y)",
        losses.multiclass_perceptron_loss,
    ),
    ("multiclass_sparsemax_loss", "multiclass_sparsemax(z, y)", losses.multiclass_sparsemax_loss),
    ("sparsemax_loss", "binary_sparsemax(z, m)", losses.sparsemax_loss),
    (
        "make_fenchel_young_loss",
        "fenchel_young(z, t)",
        losses.make_fenchel_young_loss(jax.nn.logsumexp),
    ),
    ("ranking_softmax_loss", "ranking_softmax(z, m)", losses.ranking_softmax_loss),
    ("ntxent", "ntxent(z, y)", losses.ntxent),
    ("triplet_margin_loss", "triplet(z, a, b)", losses.triplet_margin_loss),
    # optax adds `smooth` to the overlap, here it is added to twice of it, and takes logits.
    ("binary_dice_loss", "binary_dice(sigmoid(z), m, smooth=2)", losses.binary_dice_loss),
    (
        "dice_loss",
        "dice(softmax(boxes), parts, smooth=2)",
        lambda boxes, parts: losses.dice_loss(boxes, parts, axis=1),
    ),
    (
        "ctc_loss",
        "ctc(frames, letters)",
        lambda frames, letters: losses.ctc_loss(
            frames, jnp.zeros((2, 6)), letters, jnp.zeros((2, 3))
        ),
    ),
    (
        "ctc_loss_with_forward_probs",
        "ctc(frames, letters)",
        lambda frames, letters: losses.ctc_loss_with_forward_probs(
            frames, jnp.zeros((2, 6)), letters, jnp.zeros((2, 3))
        )[0],
    ),
]


@pytest.mark.parametrize(("name", "call", "theirs"), NAMESAKES, ids=[one[0] for one in NAMESAKES])
def test_namesakes_agree(name: str, call: str, theirs: Callable[..., Any]) -> None:
    function = call.partition("(")[0]
    assert builtins().aliases[folded(name)] == function
    loss = lossdsl.compile(call)
    given = {one: INPUTS[one] for one in lossdsl.check(call).signature}

    @jax.jit
    def both(given: dict[str, Any]) -> tuple[Any, Any]:
        return loss(**given), jnp.mean(theirs(*(given[one] for one in loss.signature)))

    np.testing.assert_allclose(*both(given), rtol=2e-5)


def test_every_alias_that_is_a_loss_of_optax_is_compared() -> None:
    public = {name for name in vars(losses) if not name.startswith("_")}
    claimed = {name for one in builtins().functions.values() for name in one.aliases}
    # Deprecated there for `generalized_kl_divergence`, which it calls.
    compared = {"convex_kl_divergence", *(name for name, _, _ in NAMESAKES)}
    assert claimed & public - compared == set()


def test_what_is_near_is_no_alias() -> None:
    library = builtins()
    for function in library.functions.values():
        for name, text in function.unlike.items():
            assert text, f"`{name}` does not say how it differs from `{function.name}`"
            assert name not in library
            assert folded(name) not in map(folded, function.aliases)
