"""0 times infinity is a limit, saturation is finite, a NaN shows, in the gradient too."""

from __future__ import annotations

from math import exp, inf, log, nan
from typing import Any

import numpy as np

from cases.case import Case, case


def right(text: str, value: Any, gradients: dict[str, Any] | None = None, **inputs: Any) -> Case:
    return Case(
        text=text, inputs=inputs, value=value, gradients=gradients or {}, rtol=2e-6, atol=1e-6
    )


LOG2 = log(2)
DROPPED = [False, True]
SURE, HALF = [[-inf, 0.0, 0.0]], [[0.0, 1.0, 0.0]]

# A class that is impossible, and that nothing asks for, costs nothing.
IMPOSSIBLE = [
    right("cross_entropy(z, t)", LOG2, {"z": [[0.0, -0.5, 0.5]]}, z=SURE, t=HALF),
    right("cross_entropy(z, t, smoothing=s)", LOG2, {"z": [[0.0, -0.5, 0.5]]}, z=SURE, t=HALF, s=0),
    right("cross_entropy(z, y, smoothing=s)", LOG2, {"z": [[0.0, -0.5, 0.5]]}, z=SURE, y=[1], s=0),
    right(
        "cross_entropy(z, t, class_weight=w)",
        LOG2,
        {"z": [[0.0, -0.5, 0.5]]},
        z=SURE,
        t=[[0.5, 1.0, 0.0]],
        w=[0.0, 1.0, 1.0],
    ),
    right("poly_cross_entropy(z, t, epsilon=1)", LOG2 + 0.5, z=SURE, t=HALF),
    right("fenchel_young(z, t)", LOG2, {"z": [[0.0, -0.5, 0.5]]}, z=SURE, t=HALF),
    right("multiclass_sparsemax(z, t)", 0.25, {"z": [[0.0, -0.5, 0.5]]}, z=SURE, t=HALF),
    right("ranking_softmax(z, t)", LOG2, {"z": [[0.0, -0.5, 0.5]]}, z=SURE, t=HALF),
    right("dino(z, teacher, student_temperature=1)", LOG2, z=SURE, teacher=SURE),
    right("distill(z, teacher)", 0.0, {"z": [[0.0, 0.0, 0.0]]}, z=SURE, teacher=SURE),
    # A teacher that gives a class almost nothing, which single precision makes nothing.
    right("distill(z, teacher)", 0.0, {"z": [[0.0, 0.0, 0.0]]}, z=SURE, teacher=[[-200.0, 0, 0]]),
    right("kl_log(p, q)", 0.0, p=[[-200.0, -LOG2, -LOG2]], q=[[-inf, -LOG2, -LOG2]]),
    right("kl(p, q)", LOG2, p=[[0.0, 1.0]], q=[[0.5, 0.5]]),
    right("elastic(p, l1_ratio=1)", inf, p={"w": [inf, 1.0]}),
]

# The logit of a label is the smallest number that there is, or none at all, or masked.
LEAST = -3.4028234663852886e38
UNLIKELY = [
    right("cross_entropy(z, y, smoothing=0.1)", -0.95 * LEAST, z=[[LEAST, 5.0]], y=[0]),
    right("cross_entropy(z, y, smoothing=0.1)", -0.925 * LEAST, z=[[LEAST, 0.0, 0.0, 0.0]], y=[0]),
    right("cross_entropy(z, y, smoothing=0.1)", inf, z=[[LEAST, -LEAST]], y=[0]),
    right(
        "cross_entropy(z, y, smoothing=s)", inf, {"z": [[-1.0, 1.0]]}, z=[[-inf, 1.0]], y=[0], s=1
    ),
    right(
        "cross_entropy(z, y, smoothing=0.1, class_where=k)", inf, z=[[nan, 1.0]], y=[0], k=[DROPPED]
    ),
    right(
        "cross_entropy(z, y, smoothing=s, class_where=k)",
        LOG2,
        {"z": [[0.0, 0.0, 0.0]]},
        z=[[nan, 1.0, 1.0]],
        y=[0],
        k=[[False, True, True]],
        s=1,
    ),
    right(
        "cross_entropy(z, y, class_where=k)",
        inf,
        {"z": [[0.0, 0.0]]},
        z=[[1.0, -inf]],
        y=[1],
        k=[DROPPED],
    ),
]

# A yes-or-no score that is sure and right costs nothing; one that is sure and wrong everything.
YES_OR_NO = [
    right("binary_cross_entropy(z, y)", 0.0, {"z": [0.0]}, z=[-inf], y=[0.0]),
    right("binary_cross_entropy(z, y)", 0.0, {"z": [0.0]}, z=[inf], y=[1.0]),
    right("binary_cross_entropy(z, y)", inf, {"z": [1.0]}, z=[inf], y=[0.0]),
    right("binary_cross_entropy(z, y, pos_weight=3)", 0.0, {"z": [0.0]}, z=[-inf], y=[0.0]),
    right("binary_cross_entropy(z, y, pos_weight=w)", 0.0, {"z": [0.0]}, z=[-inf], y=[1.0], w=0),
    right("sigmoid_focal(z, y)", 0.0, {"z": [0.0, 0.0]}, z=[-inf, inf], y=[0.0, 1.0]),
    right("sigmoid_focal(z, y)", inf, {"z": [-1.0]}, z=[-inf], y=[1.0]),
    right("sigmoid_focal(z, y, alpha=1)", 0.0, {"z": [0.0]}, z=[inf], y=[0.0]),
    right("asymmetric(z, y)", 0.0, {"z": [0.0, 0.0]}, z=[-inf, inf], y=[0.0, 1.0]),
    right("binary_sparsemax(z, y)", 0.0, {"z": [0.0, 0.0]}, z=[-inf, inf], y=[0.0, 1.0]),
    right("reconstruction_bernoulli(z, x)", 0.0, z=[[-inf, inf]], x=[[0.0, 1.0]]),
    right("dpo(a, b, ra, rb)", 0.0, {"a": [0.0]}, a=[-1.0], b=[-inf], ra=[-1.0], rb=[-1.0]),
    right("focal(z, y)", inf, {"z": [[-1.0, 1.0]]}, z=[[-inf, 0.0]], y=[0]),
]

# Where one part grows past all bounds the sum is infinite, not the difference of two infinities.
OVERFLOWING = [
    right("gaussian_kl(mu, logvar)", inf, mu=[[0.0]], logvar=[[inf]]),
    right("gaussian_kl(mu, logvar)", inf, mu=[[0.0]], logvar=[[-inf]]),
    right("poisson_nll_log(log_rate, y)", inf, log_rate=[inf], y=[1.0]),
    right("poisson_nll_log(log_rate, y)", 0.0, {"log_rate": [0.0]}, log_rate=[-inf], y=[0.0]),
    right("kl_k3(logp, ref)", inf, logp=[-inf], ref=[-1.0]),
    right("sum(silu(x)) + sum(gelu(x)) + sum(gelu(x, approximate=false))", 0.0, x=[-inf]),
    right("sum(square(sparsemax(z)))", 1.0, z=[[inf, 0.0]]),
    right("sum(weigh(w, x))", 6.0, {"w": [0.0, 3.0], "x": [0.0, 2.0]}, w=[0.0, 2.0], x=[inf, 3.0]),
    right("sum(weigh(w, x))", nan, w=[0.0, 2.0], x=[nan, 3.0]),
]

# A label that is nearly sure, and its gradients: a share of the odds.
ODDS = {
    gap: right(
        "orpo(label_log_probs(zc, y), label_log_probs(zr, y))",
        value,
        {"zr": [slope]},
        zc=[[0.0, 0.0, 0.0]],
        zr=[[gap, 0.0, 0.0]],
        y=[0],
    )
    for gap, value, slope in (
        (15.0, 2.5986123, [0.1, -0.05, -0.05]),
        (20.0, 3.0986123, [0.1, -0.05, -0.05]),
        (200.0, 9.6874914, [0.0, 0.0, 0.0]),
    )
}
SATURATED = [
    *ODDS.values(),
    right("-mean(label_log_probs(z, y))", 2 * exp(-20), z=[[20.0, 0.0, 0.0]], y=[0]),
    right("-mean(label_log_probs(z, y))", inf, {"z": [[-1.0, 1.0]]}, z=[[-inf, 0.0]], y=[0]),
    # All tokens of an answer masked: their sum is 0.
    right("orpo(c, r)", 0.1 * LOG2, {"c": [-1.0], "r": [0.0]}, c=[0.0], r=[0.0]),
    right("orpo(c, r)", 79.0 + 14.807755, {"c": [-1.1]}, c=[-79.0], r=[-1e-30]),
    right("dpo(c, r, rc, rr)", LOG2, c=[0.0], r=[0.0], rc=[0.0], rr=[0.0]),
    right("simpo(c, r, gamma=0)", LOG2, c=[0.0], r=[0.0]),
]

LABELS, Z = [-100, 1], [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]
LOST = [nan, nan, nan]
OWN = {"cross_entropy(z, y)": [0.04501529, -0.37763578, 0.33262047]}
# A label outside of the classes shows, and so does its row's gradient.
OUTSIDE = [
    *(
        Case(text=text, inputs={"z": Z, "y": LABELS}, value=nan, gradients={"z": [LOST, slope]})
        for text, slope in OWN.items()
    ),
    *(
        right(text, nan, z=Z, y=LABELS)
        for text in (
            "cross_entropy(z, y, smoothing=0.1)",
            "focal(z, y)",
            "poly_cross_entropy(z, y)",
            "generalized_cross_entropy(z, y)",
            "multiclass_hinge(z, y)",
            "multiclass_perceptron(z, y)",
            "multiclass_sparsemax(z, y)",
            "brier(softmax(z), y)",
            "-mean(label_log_probs(z, y))",
            "perplexity(z, y)",
            "mean(z)*mean(accuracy(z, y))",
            "mean(z)*mean(top_k_accuracy(z, y, k=2))",
            "mean(z)*mean(f1(z, y))",
            "mean(z)*mean(iou(z, y))",
            "ece(softmax(z), y)",
            "mean(take_along(z, y[:, None]))",
            "mean(take(z, y))",
            "mse_rate(z[:, None], y)",
            "mse_spikerate(z[:, None], y)",
            "integral_crossentropy(z[:, None], y)",
            "mean(z)*integral_accuracy(z[:, None], y)",
        )
    ),
    right("cross_entropy(z, y)", nan, z=Z, y=[3, 1]),
    right("cross_entropy(z, y, ignore_index=-100)", 1.4076059, z=Z, y=LABELS),
    right("cross_entropy(z, y, where=y >= 0)", 1.4076059, z=Z, y=LABELS),
]

# What comparisons lose.
SHOWN = [
    right("sum(square(sparsemax(x)))", nan, {"x": LOST}, x=[1.0, nan, 3.0]),
    right("sum(r2(out, tgt)) + mean(out)", nan, out=[1.0, 2.0], tgt=[nan, 3.0]),
    right("sum(r2(out, tgt)) + mean(tgt)", nan, out=[1.0, nan], tgt=[3.0, 3.0]),
    right("sum(clip(x, low, 1))", nan, x=[0.0, 2.0], low=nan),
    right("sum(clip(x, 0, high))", nan, x=[0.0, 2.0], high=nan),
    right("sum(clip(x, low, high))", nan, x=[0.0, 2.0], low=nan, high=1.0),
    right("sum(clip(x, 0, 1))", nan, {"x": [0.0, nan]}, x=[0.0, nan]),
    right("sum(maximum(x, 0))", nan, {"x": [1.0, nan]}, x=[1.0, nan]),
    right("sum(minimum(x, y))", nan, {"x": [1.0, nan], "y": [0.0, 0.0]}, x=[1.0, nan], y=[2.0, 1]),
    right("sum(relu(x))", nan, {"x": [1.0, nan]}, x=[1.0, nan]),
    right("max(x)", nan, x=[1.0, nan]),
    right("sum(top_k(x, k=2))", nan, {"x": [0.0, 1.0, nan]}, x=[1.0, 2.0, nan]),
    right("quantile(x, 0.5)", nan, {"x": [nan, nan]}, x=[1.0, nan]),
    right("quantile(x, 0.5, where=m)", nan, x=[1.0, nan, 3.0], m=[True, True, False]),
    right("quantile(x, 0.5, where=m)", 2.0, x=[1.0, nan, 3.0], m=[True, False, True]),
    right("hinge(out, signs)", nan, {"out": [-0.5, nan]}, out=[0.0, nan], signs=[1.0, -1.0]),
    right("listmle(s, r)", nan, s=[[1.0, 2.0]], r=[[nan, 1.0]]),
    right("pairwise_hinge(s, r)", nan, s=[[1.0, 2.0]], r=[[nan, 1.0]]),
    right("pairwise_logistic(s, r)", nan, s=[[1.0, 2.0]], r=[[nan, 1.0]]),
    right("lovasz_hinge(z, t)", nan, z=[[1.0, 2.0]], t=[[nan, 1.0]]),
    right("cox(risk, time, event)", nan, risk=[1.0, 2], time=[1.0, nan], event=[True, False]),
    right("mean(p)*f1(p, t)", nan, p=[nan, 0.7], t=[1.0, 0.0]),
    right("mean(z[:, 1])*accuracy(z, y)", nan, z=[[nan, 1.0]], y=[0]),
    right("logit_adjusted(z, y, prior)", nan, z=[[0.0, 1.0]], y=[0], prior=[0.5, nan]),
]  # fmt: skip

# An empty class axis that appears at the call is as wrong as a declared one.
EMPTY = [
    Case(text=text, inputs={"z": [[], []], "y": [1, 1]}, code="LD222", static=False)
    for text in ("cross_entropy(z, y)", "focal(z, y)", "mean(softmax(z))*mean(y)")
]

CASES = [
    *IMPOSSIBLE,
    *UNLIKELY,
    *YES_OR_NO,
    *OVERFLOWING,
    *SATURATED,
    *OUTSIDE,
    *SHOWN,
    *EMPTY,
    # A hidden row may be one of which a mask of its own leaves nothing, which is infinite.
    *(
        case(
            f"mean(w*{reduced}(x, axis=1, where=m), where=rows)",
            {
                "w": 2.0,
                "x": [[0.0, 1.0], [1.0, 2.0]],
                "m": np.array([[True, True], [False, False]]),
                "rows": np.array([True, False]),
            },
            value=2 * alone,
            gradients={"w": alone},
        )
        for reduced, alone in (
            ("max", 1.0),
            ("min", 0.0),
            ("logsumexp", log(1 + exp(1))),
            ("logmeanexp", log((1 + exp(1)) / 2)),
        )
    ),
    case(
        'mean(limit_cost(x, 0, -1, side="lower", strict=false, law="hinge"))',
        {"x": [1.0]},
        code="LD503",
    ),
    # There is nothing at any position of an empty axis.
    *(
        case(
            text,
            {"x": np.zeros((2, 0), "f4"), "n": np.zeros((2, 0), "i4"), "y": [0, 1]},
            value=value,
        )
        for text, value in (
            ("mean(take(x, y, axis=1))", np.nan),
            ("mean(take_along(x, y[:, None]))", np.nan),
            ("mean(pick(x, y))", np.nan),
            ("1.0*sum(take(n, y, axis=1))", np.nan),
            ("mean(take(x > 0, y, axis=1))", 0.0),
            ("sum(take(x, arange(0), axis=1))", 0.0),
        )
    ),
]
