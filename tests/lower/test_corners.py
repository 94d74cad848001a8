"""Calls of every shape against the oracle: trees, masks, indices, integers, empty arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from programs import expected

import lossdsl

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(4, 3))
T = RANDOM.normal(size=(4, 5, 3))
TREE = {
    "a": {"w": RANDOM.normal(size=(4, 3)), "b": RANDOM.normal(size=3)},
    "s": np.array(0.3),
    "l": [np.array([1.0, 2.0]), (np.array(3.0),)],
}
INPUTS: Mapping[str, Any] = {
    "x": X,
    "t": T,
    "m": X > 0,
    "r": np.array([True, False, True, False]),
    "f": np.array(True),
    "y": np.array([2, 0, 1, 1]),
    "i": np.array([3, 1]),
    "n": np.arange(4),
    "u": np.array([3, 7, 250, 1], np.uint8),
    "e": np.zeros((0, 3)),
    "tree": TREE,
    "kept": jax.tree.map(lambda leaf: leaf > 0, TREE),
    "rows": jax.tree.map(lambda leaf: leaf.reshape((*leaf.shape[:1], -1))[..., 0] > 0, TREE),
    "share": jax.tree.map(lambda leaf: np.abs(leaf.mean(tuple(range(1, leaf.ndim)))), TREE),
    "chosen": jax.tree.map(lambda leaf: np.array(leaf.ndim > 0), TREE),
    "rec": {"mu": X, "sub": {"v": T}, "extra": np.arange(3)},
}

CALLS = (
    "count(tree > 0)",
    # NaN at a kept entry stays out of the masked ones, which are 0.
    "sum(where(x < 0.5, 0, softmax(log(x), axis=-1, where=x < 0.5)))",
    "any(tree > 3)",
    "mean(x)*count(m)",
    "sum(tree, where=kept)",
    "mean(square(tree), where=kept)",
    "max(tree, where=kept)",
    "mean(where(tree > 0, 1.0, 0.0))",
    "sum(where(tree > 0, 1, 0))",
    "sum(mean(tree, axis=all))",
    "mean(tree.l[0])",
    "mean(tree.l[-1])",
    "sum(tree.l)",
    'sum(tree["a/*"])',
    'sum(tree["** !a/**"])',
    'sum(tree["**", ndim >= 1])',
    "sum(map(l2, tree))",
    "sum(map(huber, tree))",
    "sum(map(square, tree))",
    'sum(map(l2, tree, at="a"))',
    "norm(tree)",
    "std(tree)",
    "var(tree, where=kept)",
    "logsumexp(tree)",
    "prod(tree)",
    "l1(tree, where=kept)",
    "l1(tree, weight=2.0)",
    "mean(tree, where=rows)",
    "max(tree, where=rows)",
    "mean(square(tree), weight=share)",
    "sum(mean(tree, axis=all, where=rows, weight=share))",
    "l1(tree, where=rows, weight=share)",
    'l1(tree, where=rows and not chosen, reduce="mean", normalize="all")',
    'sum(l1(tree, where=rows, weight=share, reduce="none"))',
    "l2sqr(tree, where=chosen)",
    "l1(x, where=m)",
    "l1(x, weight=square(x[:, 0]), where=r)",
    "mean(rec, where=rec.mu[0, 0] > 0)",
    'l1(tree, reduce="mean")',
    'l2sqr(tree, reduce="sum")',
    "sum(tree - 2*tree)",
    "sum(where(kept, tree, 0))",
    "sum(tree if kept else -tree)",
    "mean(rec.mu)*mean(rec.sub.v)",
    'sum(rec["mu"])',
    'mean(rec["**", ndim == 3])',
    "mse(x, x[::-1], where=r)",
    "mse(t, 0*t, weight=square(x[:, 0]))",
    "mean(t, axis=(0, 2), where=r)[0]",
    "sum(mean(t, axis=1, where=r))",
    "mean(x, axis=0, keepdims=true)[0, 1]",
    "mean(x - mean(x, axis=1, keepdims=true))",
    "mean(x, where=m and r[:, None])",
    "mean(e)",
    "sum(e)",
    "max(e)",
    "mean(e, where=e > 0)",
    "logsumexp(e)",
    "norm(e)",
    "quantile(x, 0.3, where=m)",
    "mean(quantile(x, 0.3, axis=1, where=m))",
    "mean(x // 0.7)",
    "mean(x % 0.7)",
    "mean(n // 3*1.0)",
    "mean(n % 3)",
    "mean(n/2)",
    "mean(-n)",
    "mean(n**2)",
    "mean(u)",
    "sum(u)",
    "mean(u > 5)",
    "mean(x**-2)",
    "mean(abs(x)**0.5)",
    "mean(x**3)",
    "mean(2**x)",
    "mean(x*(1, 2, 3))",
    "mean(x[..., None] - x[:, None])",
    "mean(x[1:, -1])",
    "mean(x[::2])",
    "mean(x @ transpose(x))",
    "mean(t @ x[0])",
    'mean(einsum("btc,bc->bt", t, x))',
    "mean(take(x, i))",
    "mean(take(x, y, axis=1))",
    "mean(take_along(x, y[:, None]))",
    "mean(log(x), where=x > 0)",
    "mean(log(x) if x > 0 else 0)",
    "mean(sqrt(x) if f else x)",
    "mean(x, where=f)",
    "mean(mean(x), where=f)",
    "mean(softmax(x, where=m, axis=1), where=m)",
    "mean(log_softmax(x, where=m, axis=1), where=m)",
    "cross_entropy(x, y, class_where=one_hot(y, 3) > 0)",
    "cross_entropy(x, one_hot(y, 3), smoothing=0.1)",
    "cross_entropy(transpose(t, (2, 0, 1)), broadcast(y[:, None], like=t[:, :, 0]), class_axis=0)",
    "cross_entropy(t, broadcast(y[:, None], like=t[:, :, 0]), where=r)",
    "kl(softmax(t, axis=1), softmax(2*t, axis=1), class_axis=1)",
    "cosine_distance(t, 2*t + 1, feature_axis=0)",
    "mean(std(x, axis=0))",
    "mean(sort(x, axis=0)[0])",
    "mean(top_k(x, 2, axis=0))",
    "mean(argmax(x, axis=0))",
    "accuracy(x, y)",
    "mean(rank(x, axis=0))",
    "mean(cumsum(t, axis=1, reverse=true))",
    "mean(diff(t, axis=1))",
    "mean(recurrence(t, 0.9, axis=1))",
    "mean(reshape(t, (4, -1)))",
    "mean(stack(x, 2*x, axis=1))",
    "mean(concatenate(x, x, axis=1))",
    "mean(max_pool(t, (2,)))",
    "bounds(tree, w >= 0, b <= 0.1)",
    'bounds(tree, 0 <= w <= 0.5, law="hinge", reduce="mean")',
    'bounds(tree, "a/*" > 0, law="softplus", scale=0.1)',
    "bounds(tree, s == 0.3)",
    'bounds(tree, s == 0.31, law="quadratic", reduce="max")',
    'bounds(tree, "l/**" >= 1.5, law="log_barrier")',
    'penalty(x <= 0.1, mean(t) >= 0, law="quadratic")',
    "penalty(tree <= 0.1)",
    "summed_exp_boundary(x, lower=0)",
    "sum(segment_mean(x, y, segments=3))",
    "mean(not m)",
    "mean(m and not m or m)",
    "mean(0 < x < 1)",
    "mean(x == x[0, 0])",
    "min(maximum(x, 0.1))",
    "mean(clip(x, -0.5, 0.5))",
    "mse(x, 0*x, weight=1e-3)",
    "mse(x, 0*x, weight=(1, 0, 2, 3))",
    'mse(x, 0*x, where=r, axis=0, reduce="sum")[1]',
    "sum(mse(x, 0*x, axis=0, where=m))",
    "mse(x, 0*x, where=m, normalize=count(r))",
    'l2sqr(tree["a/**"])',
    "mean(where(broadcast(r[:, None], like=x), x, 0))",
)


@pytest.fixture(scope="module")
def worth() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return every call's value, compiled in one spec and by the oracle."""
    lines = [f"metric c{at} = {call}" for at, call in enumerate(CALLS)]
    spec = "\n".join(["loss = mean(x)", *lines])
    with jax.enable_x64(True):
        _, terms = lossdsl.compile(spec).with_terms(**jax.tree.map(jnp.asarray, dict(INPUTS)))
    return terms.metrics, expected(spec, INPUTS).metrics


@pytest.mark.parametrize("at", range(len(CALLS)), ids=CALLS)
def test_a_call_agrees_with_the_oracle(
    at: int, worth: tuple[Mapping[str, Any], Mapping[str, Any]]
) -> None:
    compiled, wanted = (metrics[f"c{at}"] for metrics in worth)
    np.testing.assert_allclose(compiled, wanted, rtol=1e-11, atol=1e-13)


SQUARE, WIDE = np.array([[2.0] * 3, [3.0] * 3, [4.0] * 3]), np.arange(6.0).reshape(2, 3)
LEADING = (
    # A mask or weight of fewer dims than a leaf belongs to its leading ones.
    ("l1(p, where=m)", SQUARE, [True, False, False], 6.0),
    ("sum(p, where=m)", WIDE, [True, False], 3.0),
    ("mean(p, where=m)", WIDE, [False, True], 4.0),
    ("sum(p, weight=m)", WIDE, [2.0, 0.0], 6.0),
    ("mean(p, weight=m)", WIDE, [3.0, 1.0], 1.75),
    ("l1(p, weight=m)", WIDE, [0.0, 2.0], 24.0),
    ("sum(max(p, axis=-1, where=m, keepdims=true), where=m)", WIDE, [False, True], 5.0),
)


@pytest.mark.parametrize(("text", "leaf", "mask", "wanted"), LEADING)
def test_a_mask_of_a_tree_lines_up_with_the_leading_dims_of_each_leaf(
    text: str, leaf: np.ndarray, mask: list[Any], wanted: float
) -> None:
    p = {"w": jnp.asarray(leaf, jnp.float32)}
    loss = lossdsl.compile(text)
    assert loss(p=p, m={"w": jnp.asarray(mask)}) == pytest.approx(wanted)
    # What is not kept reaches neither value nor gradient.
    kept = np.asarray(mask) != 0
    dirty = {"w": jnp.where(kept[:, None], p["w"], jnp.nan)}
    value, slopes = jax.value_and_grad(lambda p: loss(p=p, m={"w": jnp.asarray(mask)}))(dirty)
    assert value == pytest.approx(wanted)
    assert (np.asarray(slopes["w"])[~kept] == 0).all()
