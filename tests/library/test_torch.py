"""Losses against PyTorch, where it is installed (the extra `torch`): value and gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest
from rows.row import Row

import lossdsl

torch = pytest.importorskip("torch")
F = torch.nn.functional


def by_class(z: Any) -> Any:
    """Return scores with the classes in torch's place, the second axis."""
    return z.movedim(-1, 1) if z.ndim > 1 else z


def named(name: str, *inputs: str, **options: Any) -> Callable[..., Any]:
    """Return a function of torch over the inputs of those names."""
    compute = getattr(F, name)
    return lambda **given: compute(*(given[one] for one in inputs), reduction="none", **options)


def cross_entropy(z: Any, **options: Any) -> Any:
    target = options.pop("y", options.pop("t", None))
    target = target.long() if not target.is_floating_point() else by_class(target)
    return F.cross_entropy(by_class(z), target, reduction="none", **options)


ROWS: list[tuple[str, Callable[..., Any]]] = [
    ("mse(out, tgt)", named("mse_loss", "out", "tgt")),
    ("mae(out, tgt)", named("l1_loss", "out", "tgt")),
    ("huber(out, tgt, delta=0.5)", named("huber_loss", "out", "tgt", delta=0.5)),
    ("smooth_l1(out, tgt, beta=0.5)", named("smooth_l1_loss", "out", "tgt", beta=0.5)),
    ("cross_entropy(z, y)", cross_entropy),
    ("cross_entropy(z, t)", cross_entropy),
    ("cross_entropy(z, y, smoothing=0.2)", lambda z, y: cross_entropy(z, y=y, label_smoothing=0.2)),
    ("cross_entropy(z, y, ignore_index=1)", lambda z, y: cross_entropy(z, y=y, ignore_index=1)),
    ("poisson_nll_log(log_rate, y)", lambda log_rate, y: (
        F.poisson_nll_loss(log_rate, y, reduction="none") + torch.lgamma(y + 1)
    )),
    ("gaussian_nll(mu, var, y)", lambda mu, var, y: (
        F.gaussian_nll_loss(mu, y, var.broadcast_to(y.shape), full=True, reduction="none")
    )),
    ("triplet(anchor, positive, negative, margin=0.5)", lambda anchor, positive, negative: (
        F.triplet_margin_loss(
            anchor, positive, negative, margin=0.5, eps=0, reduction="none"
        )
    )),
    ("kl_log(log_p, log_q)", lambda log_p, log_q: (
        F.kl_div(log_q, log_p, log_target=True, reduction="none").sum(-1)
    )),
    ("cosine_similarity(a, b)", lambda a, b: F.cosine_similarity(a, b, dim=-1)),
    ("log_softmax(x)", lambda x: F.log_softmax(x, dim=-1)),
    ("gelu(x)", lambda x: F.gelu(x, approximate="tanh")),
    ("softplus(x)", lambda x: F.softplus(x, threshold=1000)),
    ("elu(x)", lambda x: F.elu(x)),
    ("silu(x)", lambda x: F.silu(x)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "compute"), ROWS, ids=[text for text, _ in ROWS])
def test_torch_gives_the_same(text: str, compute: Callable[..., Any]) -> None:
    row = Row(text, compute)
    option = ', reduce="none")' if row.declared.is_loss else ")"
    loss = lossdsl.compile(f"metric value = u\nu = {text[:-1]}{option}\nloss = sum(u)")
    for seed in range(3):
        inputs = row.inputs(seed)
        given = {name: torch.tensor(value) for name, value in inputs.items()}
        moving = {name: one for name, one in given.items() if one.is_floating_point()}
        for one in moving.values():
            one.requires_grad_(True)
        wanted = compute(**given)
        wanted.sum().backward()
        with jax.enable_x64(True):
            fixed = {name: one for name, one in inputs.items() if name not in moving}
            (_, terms), slopes = jax.value_and_grad(
                lambda part, fixed=fixed: loss.with_terms(**part, **fixed), has_aux=True
            )({name: inputs[name] for name in moving})
        np.testing.assert_allclose(
            terms.metrics["value"], wanted.detach().numpy(), rtol=1e-9, atol=1e-12
        )
        for name, one in moving.items():
            np.testing.assert_allclose(slopes[name], one.grad.numpy(), rtol=1e-8, atol=1e-10)
