"""Losses in single precision where a plain formula rounds, overflows or divides by nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lossdsl


@dataclass(frozen=True)
class Corner:
    """A call, its inputs, its value in exact arithmetic, and how near single precision comes."""

    text: str
    value: Any
    inputs: dict[str, Any] = field(default_factory=dict)
    within: float = 1e-5

    def __str__(self) -> str:
        return self.text


def equal_rewards(reward: float, count: int) -> Corner:
    return Corner("group_advantage(reward)", np.zeros(count), {"reward": [reward] * count})


def outlier(text: str, value: float, **more: float) -> Corner:
    """An error that is infinite, whose cost is not, beside one of 0."""
    return Corner(text, [value, 0.0], {"out": [-np.inf, 1.0], "tgt": [1.0, 1.0], **more})


NAN = np.nan
CORNERS = [
    *(
        outlier('general_robust(out, tgt, alpha=alpha, c=c, reduce="none")', value, alpha=at, c=0.5)
        for at, value in ((-2.0, 2.0), (-1e-3, 2001.0), (-1e4, 1.0002), (-np.inf, 1.0))
    ),
    outlier('geman_mcclure(out, tgt, c=0.5, reduce="none")', 0.125),
    outlier('welsch(out, tgt, c=c, reduce="none")', 0.125, c=0.5),
    outlier('tukey(out, tgt, c=c, reduce="none")', 0.375, c=1.5),
    Corner(
        'distill(z, stop_gradient(teacher), reduce="none")',
        [np.log(2.0), 0.0],
        {
            "z": [[0.0, 0.0, np.log(2.0)], [0.0, 0.0, -np.inf]],
            "teacher": [[0.0, 0.0, -np.inf], [0.0, 0.0, -np.inf]],
        },
    ),
    Corner("exprel(x)", [0.0, 1 - np.exp(-1)], {"x": [-np.inf, -1.0]}),
    *(equal_rewards(reward, count) for reward, count in ((0.1, 3), (0.9, 10), (1 / 3, 7))),
    # A feature that never changes costs the 1 of its own place, and correlates with nothing.
    Corner(
        "barlow(a, b, redundancy=1)",
        1.0,
        {
            "a": [[0.1, -1.0], [0.1, 0.0], [0.1, 1.0]],
            "b": [[1.0, -1.0], [-2.0, 0.0], [1.0, 1.0]],
        },
    ),
    Corner("r2(out, tgt)", 0.0, {"out": [0.1, 0.2, 0.3], "tgt": [0.1] * 3}),
    Corner("r2(out, tgt)", 1.0, {"out": [0.1] * 3, "tgt": [0.1] * 3}),
    Corner("huber(out, tgt, delta=1e30)", 4.5, {"out": [3.0], "tgt": [0.0]}),
    Corner("huber(out, tgt, delta=delta)", 4.5, {"out": [3.0], "tgt": [0.0], "delta": np.inf}),
    Corner("ddpm(out, tgt, snr, gamma=inf)", 9.0, {"out": [3.0], "tgt": [0.0], "snr": [2.0]}),
    Corner("negative_binomial_nll(mu, r, y)", 1.7403023, {"mu": [5.0], "r": 1e7, "y": [5.0]}),
    Corner("gamma_nll(k, rate, y)", -4.3793789, {"k": 1e6, "rate": [2e5], "y": [5.0]}),
    Corner("beta_nll(a, b, y)", -7.0285373, {"a": [1e6], "b": [1e6], "y": [0.5]}),
    Corner("beta_nll(a, b, y)", np.inf, {"a": [20.0], "b": [20.0], "y": [0.0]}),
    Corner(
        'top_k_accuracy(z, y, 1, reduce="none")',
        np.full(4, NAN),
        {"z": [[NAN, 1.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0]], "y": [0, -1, -100, 5]},
    ),
    Corner("ece(p, y)", NAN, {"p": [[0.5, 0.5], [NAN, NAN]], "y": [0, 1]}),
    Corner("auc(out, t)", NAN, {"out": [0.5, NAN, 0.3], "t": [0.0, 1.0, 1.0]}),
    Corner("orpo(chosen, rejected)", 0.0, {"chosen": [0.0], "rejected": [-1.0]}),
    Corner("orpo(chosen, rejected)", 1.1e4, {"chosen": [-1e4], "rejected": [-1e-30]}, 1e-2),
    Corner("log_cosh(out, tgt)", 4.5e-8, {"out": [3e-4], "tgt": [0.0]}),
    Corner("log_cosh(out, tgt)", 0.0, {"out": [0.0], "tgt": [0.0]}),
]


def single(value: Any) -> np.ndarray:
    array = np.asarray(value)
    return array.astype(np.float32) if array.dtype.kind == "f" else array


AT_ONCE = 8  # corners in one program


@pytest.mark.parametrize("at", range(0, len(CORNERS), AT_ONCE))
def test_value_and_gradient(at: int) -> None:
    corners = CORNERS[at : at + AT_ONCE]
    losses = [
        lossdsl.compile(f"value = {one.text}\nmetric value = value\nloss = sum(1.0*value)")
        for one in corners
    ]

    def run(loss: Any, inputs: dict[str, Any]) -> Any:
        moving = {name: one for name, one in inputs.items() if one.dtype.kind == "f"}
        solve = jax.value_and_grad(
            lambda moved: loss.with_terms(**{**inputs, **moved}), has_aux=True
        )
        (_, terms), gradient = solve(moving)
        return terms.metrics["value"], gradient

    inputs = [{name: single(one) for name, one in each.inputs.items()} for each in corners]
    solved = jax.jit(lambda inputs: list(map(run, losses, inputs)))(inputs)
    for corner, (found, gradient) in zip(corners, solved, strict=True):
        np.testing.assert_allclose(
            found, corner.value, rtol=corner.within, atol=1e-12, err_msg=corner.text
        )
        if np.isfinite(corner.value).all():
            finite = all(np.isfinite(one).all() for one in gradient.values())
            assert finite, f"{corner.text}\n{gradient}"


def test_a_tied_event_that_is_masked_counts_as_absent() -> None:
    risk, time = np.array([0.1, 0.5, -0.3, 0.2]), np.array([1.0, 1.0, 1.0, 2.0])
    event, kept = np.array([True, True, True, False]), np.array([True, True, False, True])
    masked = lossdsl.compile("cox(risk, time, event, subject_where=kept)")
    plain = lossdsl.compile("cox(risk, time, event)")
    found = masked(risk=risk, time=time, event=event, kept=kept)
    np.testing.assert_allclose(
        found, plain(risk=risk[kept], time=time[kept], event=event[kept]), rtol=1e-6
    )


def test_masked_pixels_count_as_absent() -> None:
    random = np.random.default_rng(0)
    kept = np.array([[True, False, True, True, False]] * 2)
    p, t = random.dirichlet(np.ones(3), (2, 2, 5))
    for call in ("dice", "generalized_dice", "tversky", "focal_tversky", "jaccard"):
        masked = lossdsl.compile(f"{call}(p, t, pixel_where=kept)")
        found = masked(p=np.where(kept[..., None], p, NAN), t=t, kept=kept)
        wanted = lossdsl.compile(f"{call}(p, t)")(p=p[:, kept[0]], t=t[:, kept[0]])
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
    masked = lossdsl.compile("binary_dice(p, t, squared=true, pixel_where=kept)")
    found = masked(p=np.where(kept, p[..., 0], NAN), t=t[..., 0], kept=kept)
    a, b = p[..., 0][:, kept[0]], t[..., 0][:, kept[0]]
    overlap = (2 * (a * b).sum(1) + 1) / ((a**2).sum(1) + (b**2).sum(1) + 1)
    np.testing.assert_allclose(found, np.mean(1 - overlap), rtol=1e-6)


QUADRATIC = {
    "huber(out, tgt)", "log_cosh(out, tgt)", "pseudo_huber(out, tgt, delta=2)",
    "cauchy(out, tgt, c=c)", "geman_mcclure(out, tgt, c=c)", "welsch(out, tgt, c=c)",
    "tukey(out, tgt, c=c)", "general_robust(out, tgt, alpha=0.5, c=c)",
}  # fmt: skip


@pytest.mark.parametrize("text", sorted(QUADRATIC))
def test_a_robust_error_is_half_the_square_near_0(text: str) -> None:
    loss = lossdsl.compile(text)
    more = {"c": np.float32(2.0)} if "c=c" in text else {}

    def value(out: Any, more: Any) -> Any:
        return loss(out=out[None], tgt=jnp.zeros(1), **more)

    @jax.jit
    def solve(zero: Any, out: Any, more: Any) -> Any:
        negated = {name: -one for name, one in more.items()}
        return jax.grad(jax.grad(value))(zero, more), value(out, more), value(out, negated)

    second, positive, negative = solve(np.float32(0), np.float32(0.5), more)
    scale = 1 / 4 if "general" in text else 1.0
    assert float(second) == pytest.approx(scale, rel=1e-5)
    assert float(negative) == pytest.approx(float(positive), rel=1e-6)
