"""Sizes are polynomials of the dims, and whatever becomes a size is at least 0."""

from __future__ import annotations

import numpy as np

from cases.case import Case

CUBE = [[[0.0, 1.0], [2.0, 3.0]], [[4.0, 5.0], [6.0, 7.0]]]
SQUARE = [[1.0, 2.0], [3.0, 4.0]]
Z, Y, P = {"z": SQUARE}, {"y": [0, 1]}, {"p": {"a": [3.0, 2.0, 1.0]}}
ZY = {**Z, **Y}

CASES = [
    # A product of sizes is a size: as a divisor, in a reshape, in a declaration.
    Case(text="x: f32[B, H, W]\nloss = sum(x)/(B*H*W)", inputs={"x": CUBE}, value=3.5),
    Case(text="x: f32[B, H, W]\nloss = sum(x)/B/(H*W)", inputs={"x": CUBE}, value=3.5),
    Case(text="x: f32[B, H, W]\nloss = sum(x)/((B + 1)*H)", inputs={"x": CUBE}, value=28 / 6),
    Case(
        text="x: f32[B, H, W]\nloss = mean(top_k(reshape(x, (B*H*W,)), 3))",
        inputs={"x": CUBE},
        value=6.0,
    ),
    Case(
        text="z: logits f32[B, H, C]\ny: labels i32[B, H]\n"
        "loss = cross_entropy(reshape(z, (B*H, C)), reshape(y, (-1,)))",
        inputs={"z": CUBE, "y": [[0, 1], [1, 0]]},
        value=0.8132616,
    ),
    Case(
        text="z: logits f32[B, K]\nspk: f32[T, B, K*P]\nloss = mean(spk)*P + mean(z)",
        inputs={"z": [[0.0, 0.0]], "spk": [[[1.0] * 6], [[2.0] * 6]]},
        value=4.5,
    ),
    Case(text="x: f32[B, T]\nloss = sum(x)/(B*T)**2", inputs={"x": SQUARE}, value=10 / 16),
    Case(text="x: f32[N**2]\nloss = sum(x)/N", inputs={"x": [1.0, 2.0, 3.0, 4.0]}, value=5.0),
    Case(text="x: f32[2*N + 1]\nloss = sum(x)/N", inputs={"x": [1.0, 2.0, 3.0]}, value=6.0),
    Case(
        text="x: f32[(B-1)*C]\nc: f32[C]\nloss = mean(x)*B + 0*sum(c)",
        inputs={"x": [1.0, 1.0, 1.0, 1.0], "c": [0.0, 0.0]},
        value=3.0,
        warnings=("LD431",),
    ),
    # A size of 1 is still the size that it is by name.
    Case(
        text="x: f32[B, T]\ny: f32[B*T]\nloss = mse(reshape(x, (B*T,)), y)",
        inputs={"x": [[1.0], [2.0]], "y": [1.0, 2.0]},
        value=0.0,
    ),
    Case(
        text="x: f32[B, T]\ny: f32[B//2]\nloss = mean(x)",
        code="LD034",
    ),
    Case(
        text="x: f32[B, C]\ny: f32[K]\nloss = mean(x[:, -K:] - y)",
        inputs={"x": [[1.0, 2.0, 4.0]], "y": [2.0, 4.0]},
        value=0.0,
    ),
    # Products of other symbols may be one number: the sizes of a call decide.
    Case(
        text="x: f32[B, T]\ny: f32[N]\nloss = mse(reshape(x, (N,)), y)",
        inputs={"x": SQUARE, "y": [1.0, 2.0, 3.0, 4.0]},
        value=0.0,
    ),
    Case(
        text="x: f32[B, T]\ny: f32[N]\nloss = mean(reshape(x, (N, 1))) + mean(y)",
        inputs={"x": SQUARE, "y": [1.0, 2.0, 3.0]},
        code="LD201",
        message="[B=2, T=2] has B*T=4 elements, not the N=3 of [N=3, 1]",
        static=False,
    ),
    Case(
        text="x: f32[H*W, C]\nh: f32[H]\nloss = mean(x)*W + mean(h)",
        inputs={"x": [[1.0], [1.0], [1.0]], "h": [0.0, 0.0]},
        code="LD219",
        message="`x` is declared f32[H*W, C]",
        static=False,
    ),
    # A tuple of sizes is a vector where one is wanted.
    Case(text="x: f32[T, 2]\nloss = sum(x*(1, T))", inputs={"x": SQUARE}, value=16.0),
    Case(text="x: f32[T, B]\nloss = mean(take(x, (0, T-1)))", inputs={"x": SQUARE}, value=2.5),
    Case(
        text="x: f32[T, B]\nloss = mean(take(x, (0, T)))",
        inputs={"x": SQUARE},
        code="LD208",
        static=False,
    ),
    # A size is read only where something shows it.
    Case(text="a: f32[A+B]\nloss = mean(a)", inputs={"a": [1.0, 2.0, 3.0]}, value=2.0),
    Case(
        text="a: f32[A+B]\nloss = mean(a[:A])",
        inputs={"a": [1.0, 2.0]},
        code="LD224",
        at="A",
        help="give an input a dim that is `A` and nothing else",
    ),
    Case(
        text="a: f32[A+B]\nb: f32[B]\nloss = mean(a[:A]) + mean(b)",
        inputs={"a": [1.0, 2.0, 3.0], "b": [1.0]},
        value=2.5,
    ),
    Case(
        text="x: f32[K*P]\nk: f32[K]\nloss = sum(x)*P + sum(k)",
        inputs={"x": np.zeros(0, np.float32), "k": np.zeros(0, np.float32)},
        code="LD224",
        static=False,
    ),
    Case(
        text="p: tree[f32[N, ...]]\nloss = l2sqr(p)/N",
        inputs={"p": {}},
        code="LD224",
        static=False,
    ),
    Case(
        text="def half(x: float[N+M]) = sum(x)/N\nloss = half(a)",
        inputs={"a": [1.0, 2.0]},
        code="LD224",
        at="N",
        help="give a parameter",
    ),
    Case(
        text="def blocks(x: float[N*k], k: static int) = sum(x)/N\nloss = blocks(a, 2)",
        inputs={"a": [1.0, 2.0, 3.0, 4.0]},
        value=5.0,
    ),
    # No size is below 0.
    Case(text="a: f32[-B]\nloss = mean(a)", inputs={"a": [1.0]}, code="LD223", at="-B"),
    Case(text="a: f32[2-3]\nloss = mean(a)", inputs={"a": [1.0]}, code="LD223", at="2-3"),
    Case(
        text="def f(x: f32[-N]) = mean(x)\nloss = f(a)", inputs={"a": [1.0]}, code="LD223", at="-N"
    ),
    Case(text="a: f32[B, 2]\nloss = mean(reshape(a, (-B, 2)))", inputs={"a": SQUARE}, code="LD223"),
    Case(
        text="a: f32[B]\nb: f32[C]\nloss = mean(reshape(a, (B - C, -1))) + mean(b)",
        inputs={"a": [1.0], "b": [1.0, 2.0]},
        code="LD223",
        message="a size of B-C=-1 in the shape",
        static=False,
    ),
    # Whatever becomes a count has its domain, where it is written and where it is computed.
    *(
        Case(text=text, inputs=inputs, code="LD503", message=message)
        for text, inputs, message in (
            ("mean(1.0*arange(-1))", {}, "`stop` of `arange` lies in [0, inf); this is -1"),
            ("z: f32[B, C]\nloss = mean(1.0*arange(-B))", Z, "`stop` of `arange` lies in [0, inf)"),
            ("top_k_accuracy(z, y, k=0)", ZY, "`k` of `top_k_accuracy` lies in [1, inf)"),
            ("mean(top_k(z, 0))", Z, "`k` of `top_k` lies in [1, inf); this is 0"),
            ("mean(one_hot(y, 0))", Y, "`classes` of `one_hot` lies in [1, inf); this is 0"),
            ("mean(segment_sum(z, y, segments=0))", ZY, "`segments` of `segment_sum`"),
            ("mean(segment_mean(z, y, -2))", ZY, "`segments` of `segment_mean`"),
            ("mean(avg_pool(z, (0,)))", Z, "`window` of `avg_pool` lies in [1, inf); this is 0"),
            ("mean(max_pool(z, (1,), strides=(-1,)))", Z, "`strides` of `max_pool`"),
            ("mean(max_pool(z, 0))", Z, "`window` of `max_pool` lies in [1, inf); this is 0"),
            ("mean(reshape(z, (-2, 2)))", Z, "`shape` of `reshape` lies in [-1, inf); element 0"),
            ("lm_cross_entropy(z, y, shift=-1)", ZY, "`shift` of `lm_cross_entropy`"),
            ("sum(ece(softmax(z), y, bins=0))", ZY, "`bins` of `ece`"),
        )
    ),
    *(
        Case(text=text, inputs=inputs, code="LD503", message=message)
        for text, inputs, message in (
            ('bounds(p, a >= 5, law="hinge", scale=-1)', P, "`scale` of `bounds` lies in (0, inf)"),
            ("bounds(p, a >= 5, scale=0)", P, "`scale` of `bounds` lies in (0, inf); this is 0"),
            ("penalty(mean(z) <= 1, scale=0)", Z, "`scale` of `penalty` lies in (0, inf)"),
            ("l0(p, sigma=-1)", P, "`sigma` of `l0` lies in (0, inf); this is -1"),
            ("quantile(z, 2)", Z, "`q` of `quantile` lies in [0, 1]; this is 2"),
            ("quantile(z, nan)", Z, "`q` of `quantile` lies in [0, 1]; this is nan"),
            ("mse(z, z, normalize=0)", Z, "`normalize` lies in (0, inf); this is 0"),
            ("mse(z, z, normalize=nan)", Z, "`normalize` lies in (0, inf); this is nan"),
            ("mean(z, normalize=-2)", Z, "`normalize` lies in (0, inf); this is -2"),
            ("triplet(z, z, z, margin=-1)", Z, "`margin` of `triplet` lies in [0, inf)"),
        )
    ),
    # A schedule of no steps never arrives.
    *(
        Case(text=f"{call}*mean(z)", inputs={**Z, "step": 1}, code="LD503", message=message)
        for call, message in (
            ("linear_schedule(step, 0.0, 1.0, 0)", "`transition_steps` of `linear_schedule`"),
            ("polynomial_schedule(step, 0, 1, 2, -5)", "`transition_steps` of `polynomial_sch"),
            ("exponential_decay(step, 1, 0, 0.9)", "`transition_steps` of `exponential_decay`"),
            ("cosine_decay_schedule(step, 1, 0)", "`decay_steps` of `cosine_decay_schedule`"),
            ("warmup_constant_schedule(step, 0, 1, 0)", "`warmup_steps` of `warmup_constant"),
            ("warmup_exponential_decay_schedule(step, 0, 1, 1, 0, 0.9)", "`transition_steps` of"),
            ("linear_onecycle_schedule(step, 0, 1)", "`transition_steps` of `linear_onecycle"),
            ("cosine_onecycle_schedule(step, 0, 1)", "`transition_steps` of `cosine_onecycle"),
        )
    ),
    Case(
        text="warmup_cosine_decay_schedule(step, 0, 1, 10, 10)*mean(z)",
        inputs={**Z, "step": 1},
        code="LD208",
        message="`warmup_steps` of `warmup_cosine_decay_schedule` counts from 0 to 9; this is 10",
    ),
    # Without a warm-up the schedule begins where the warm-up would end.
    Case(
        text="warmup_cosine_decay_schedule(step, 0.0, 1.0, 0, 10)*mean(z)",
        inputs={**Z, "step": 0},
        value=2.5,
    ),
    # A bound of a slice counts from the end that it is written from, whatever its value.
    Case(
        text="x: f32[T]\nloss = mean(x[1-T:]*x[:T-1])",
        inputs={"x": [1.0, 2.0, 3.0]},
        value=4.0,
    ),
    Case(text="x: f32[T]\nloss = sum(x[1-T:])", inputs={"x": [1.0]}, value=0.0),
    Case(text="x: f32[T]\nloss = sum(x[:T-5]*x[5:])", inputs={"x": [1.0, 2.0, 3.0]}, value=0.0),
    Case(
        text="x: f32[N]\nz: f32[N-B]\ny: f32[B]\nloss = sum(x[B-N:]*z) + sum(x[N-B:]*y)",
        inputs={"x": [1.0, 2.0, 3.0], "z": [1.0, 1.0], "y": [10.0]},
        value=35.0,
    ),
    Case(
        text="x: f32[N]\nz: f32[B]\nloss = sum(x[B-N:]) + sum(z)",
        inputs={"x": [1.0, 2.0], "z": [0.0, 0.0]},
        value=0.0,
    ),
    Case(
        text="x: f32[M]\nn: f32[N]\nb: f32[B]\nz: f32[N-B]\nloss = sum(x[B-N:]*z) + sum(n)*sum(b)",
        inputs={"x": [1.0, 2.0, 3.0], "n": [0.0, 0.0], "b": [0.0], "z": [2.0]},
        value=6.0,
    ),
    Case(
        text="x: f32[N]\nb: f32[B]\nloss = sum(x[-B:]) + 10*sum(x[:-B]) + sum(b)",
        inputs={"x": [1.0, 2.0], "b": np.zeros(0, "f4")},
        value=30.0,
    ),
    Case(
        text="x: f32[N]\nb: f32[B]\nloss = sum(x[-B:]) + 10*sum(x[:-B]) + sum(b)",
        inputs={"x": [1.0, 2.0], "b": [0.0, 0.0, 0.0]},
        value=3.0,
    ),
    Case(
        text="x: f32[N]\nb: f32[B]\nloss = x[-B] + sum(b)",
        inputs={"x": [1.0, 2.0], "b": np.zeros(0, "f4")},
        code="LD218",
        message="index -B=0 is outside an axis of size 2",
        static=False,
    ),
    Case(
        text="x: f32[N]\nb: f32[B]\nloss = sum(x[B-3]) + sum(b)",
        inputs={"x": [1.0, 2.0], "b": [0.0, 0.0]},
        code="LD218",
        static=False,
    ),
    Case(
        text="x: f32[T]\nloss = mean(x[1-T:]*x)",
        inputs={"x": [1.0, 2.0, 3.0]},
        code="LD201",
    ),
]
