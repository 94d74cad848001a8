"""Right specs that were refused for how they say it, and what helps where the words are wrong."""

from __future__ import annotations

from cases.case import Case

VECTORS = "a, b: f32[B, D]\n"
SWAPPED = "a, b: f32[D, B]\n"
TWO = {"a": [[1.0, 0.0], [1.0, 1.0]], "b": [[1.0, 1.0], [1.0, 1.0]]}
COSINE = (0.5**0.5 + 1) / 2

CLASSES = {"z": [[1.0, 3.0], [2.0, 2.0]], "y": [0, 1]}
CROSS_ENTROPY = 1.4100374  # the mean of log(1 + e**2) and log(2)

SOFT = {"z": CLASSES["z"], "t": [[1.0, 0.0], [0.0, 1.0]]}

MAPS = "p: f32[B, H, K]\n"
PIXELS = [[[1.0, 0.0], [0.5, 0.5]]]

NORMAL = "m, y: f32[B, D]\nv: f32"

LAYERS = {
    "enc": {"kernel": [1.0, 2.0], "bias": [3.0]},
    "head": {"kernel": [4.0], "bias": [5.0]},
}

CASES = [
    # The axis along which a function works is `axis=`, where no axes of a value are reduced.
    Case(text=f"{VECTORS}-mean(cosine_similarity(a, b, axis=D))", inputs=TWO, value=-COSINE),
    Case(text=f"{VECTORS}-mean(cosine_similarity(a, b, axis=1))", inputs=TWO, value=-COSINE),
    Case(text="-mean(cosine_similarity(a, b, axis=-1))", inputs=TWO, value=-COSINE),
    Case(text=f"{SWAPPED}-mean(cosine_similarity(a, b, axis=D))", inputs=TWO, value=-0.8535534),
    Case(text="z: f32[K, B]\nmean(log_partition(z, axis=K))", inputs={"z": [[0.0], [0.0]]},
         value=0.6931472),
    Case(text="r: f32[G, B]\nsum(square(group_advantage(r, axis=G)))", inputs={"r": [[0.0], [2.0]]},
         value=2.0),
    Case(text="def f(x: float[*S, K], unit_axis: axis[K] = -1) -> float[*S] = sum(x, axis=-1)\n"
         "loss = max(f(a, axis=0))", inputs={"a": TWO["a"]}, value=2.0),
    # Of a loss, `axis=` is what is reduced, and what its value lacks is the axis it works along.
    Case(text=f"{VECTORS}cosine_distance(a, b, axis=D)", inputs=TWO, value=1 - COSINE),
    Case(text=f"{VECTORS}cosine_distance(a, b, axis=B)", inputs=TWO, value=1 - COSINE),
    Case(text=f"{VECTORS}cosine_distance(a, b, axis=1)", inputs=TWO, value=1 - COSINE),
    Case(text="cosine_distance(a, b, axis=1)", inputs=TWO, value=1 - COSINE),
    Case(text=f'{VECTORS}sum(cosine_distance(a, b, axis=-1, reduce="none"))', inputs=TWO,
         value=2 - 2*COSINE),
    Case(text="z: f32[B, K]\ny: i32[B]\ncross_entropy(z, y, axis=K)", inputs=CLASSES,
         value=CROSS_ENTROPY),
    Case(text="z: f32[K, B]\ny: i32[B]\ncross_entropy(z, y, axis=K)",
         inputs={**CLASSES, "z": [[1.0, 2.0], [3.0, 2.0]]}, value=CROSS_ENTROPY),
    Case(text="z: f32[B, K, T]\ny: i32[B, T]\nmean(cross_entropy(z, y, class_axis=K, axis=T))",
         inputs={"z": [[[1.0, 2.0], [3.0, 2.0]]], "y": [[0, 1]]}, value=CROSS_ENTROPY),
    Case(text="loss f(x: float[*S, K], unit_axis: axis[K] = -1) -> float[*S] = sum(x, axis=-1)\n"
         "loss = f(a, axis=1)", inputs={"a": TWO["a"]}, value=1.5),
    Case(text=f"{VECTORS}cosine_distance(a, b, axis=D, feature_axis=D)", inputs=TWO, code="LD207",
         at="D"),
    Case(text=f"{VECTORS}mean(cosine_similarity(a, b, axis=D, feature_axis=D))", inputs=TWO,
         code="LD104", message="given twice"),
    Case(text=f"{VECTORS}cosine_distance(a, b, axis=2)", inputs=TWO, code="LD207", at="2"),
    Case(text="z: f32[B, K, H]\ny: i32[B, H]\ncross_entropy(z, y)", code="LD201", at="y",
         inputs={"z": [[[1.0, 0.0]]*3], "y": [[0, 0]]}, help="`class_axis=K`"),
    Case(text="z: f32[4, 3, 5]\ny: i32[4, 5]\ncross_entropy(z, y)", code="LD201", at="y",
         inputs={"z": [[[1.0]*5]*3]*4, "y": [[0]*5]*4}, help="`class_axis=1`"),
    # A mask of regions is of any numbers, or of truth values.
    *(
        Case(text=f"{MAPS}t: {dtype}[B, H, K]\n{loss}(p, t, smooth=0)",
             inputs={"p": PIXELS, "t": [[[one, none], [none, one]]]}, value=value)
        for dtype, one, none in (("i32", 1, 0), ("bool", True, False), ("f32", 1.0, 0.0))
        for loss, value in (("dice", 0.2666667), ("jaccard", 0.4166667), ("tversky", 0.2710997))
    ),
    Case(text="generalized_dice(p, t)", value=0.25,
         inputs={"p": PIXELS, "t": [[[True, False], [False, True]]]}),
    Case(text="binary_dice(p, t)", inputs={"p": [[1.0, 0.5]], "t": [[1, 0]]}, value=0.1428571),
    Case(text="lovasz_hinge(z, t)", inputs={"z": [[2.0, 0.0]], "t": [[True, False]]}, value=0.5),
    Case(text="p: f32[B]\nt: bool[B]\nloss = mean(p)\nmetric f = f1(p, t)",
         inputs={"p": [1.0, 0.0], "t": [True, False]}, value=0.5),
    Case(text="z: f32[B]\nt: bool[B]\nloss = mean(z)\nmetric f = auc(z, t)",
         inputs={"z": [1.0, 0.0], "t": [True, False]}, value=0.5),
    Case(text=f"{MAPS}t: i32[B, H]\ndice(p, t)", code="LD201", at="t",
         inputs={"p": PIXELS, "t": [[0, 1]]}, help="`one_hot(t, K)`"),
    # An array that a sum would broadcast is repeated by name.
    *(
        Case(text=f"{NORMAL}{dims}\n{call}", code="LD201", at="v", help=help,
             inputs={"m": [[1.0, 2.0]], "y": [[1.0, 2.0]], "v": given})
        for dims, given, help in (
            ("[D]", [1.0, 1.0], "`broadcast(v, like=m)`"),
            ("[B, 1]", [[1.0]], "`broadcast(v, like=m)`"),
            ("[B]", [1.0], "`broadcast(v[:, None], like=m)`"),
        )
        for call in (
            "gaussian_nll(m, v, y)", "laplace_nll(m, v, y)", "student_nll(m, v, y, df=3)",
            "crps_normal(m, v, y)", "negative_binomial_nll(m, v, y)", "mse(m, v)",
        )
    ),
    Case(text="v: f32[D]\nm, y: f32[B, D]\ngaussian_nll(v, m, y)", code="LD201", at="m",
         inputs={"m": [[1.0, 2.0]], "y": [[1.0, 2.0]], "v": [1.0, 1.0]},
         help="`broadcast(v, like=m)`"),
    Case(text="v: f32[D]\nm, y: f32[B, D]\ngaussian_nll(m, broadcast(v, like=m), y)",
         inputs={"m": [[1.0, 2.0]], "y": [[1.0, 2.0]], "v": [1.0, 1.0]}, value=0.9189385),
    # Arrays that are joined come one by one, or in a tuple, as NumPy has them.
    Case(text=f"{VECTORS}sum(concatenate((a, b), axis=1)[:, 1:3])", inputs=TWO, value=3.0),
    Case(text=f"{VECTORS}sum(concatenate((a, b), 1)[:, 1:3])", inputs=TWO, value=3.0),
    Case(text="sum(concatenate((a, b))[1:3])", inputs=TWO, value=4.0),
    Case(text="sum(stack((a, b))[0])", inputs=TWO, value=3.0),
    Case(text="sum(stack((a, b), axis=-1)[..., 1])", inputs=TWO, value=4.0),
    Case(text="s: float\nsum(stack((s, 2.0, s)))", inputs={"s": 1.0}, value=4.0),
    Case(text="sum(concatenate((a[0], (3.0, 4.0))))", inputs={"a": TWO["a"]}, value=8.0),
    Case(text="sum(concatenate(a[0], (3.0, 4.0)))", inputs={"a": TWO["a"]}, value=8.0),
    Case(text="sum(concatenate((a, b), 1, 2))", inputs=TWO, code="LD104", message="at most 2"),
    Case(text="sum(concatenate((a, b), 1, axis=0))", inputs=TWO, code="LD104", message="twice"),
    Case(text="def pair(x, y) = stack((x, y))\nloss = sum(pair(a, b)[1])", inputs=TWO, value=4.0),
    # A number that has a name, unless the spec has it for something else.
    Case(text="x: f32[B]\npi*mean(x)", inputs={"x": [1.0, 3.0]}, value=6.2831853),
    Case(text="mean(cos(pi*x))", inputs={"x": [1.0, 2.0]}, value=0.0, atol=1e-6),
    Case(text="def area(r) = pi*square(r)\nloss = mean(area(x))", inputs={"x": [1.0]},
         value=3.1415927),
    Case(text="pi, x: f32[B]\nmean(pi*x)", inputs={"x": [1.0], "pi": [2.0]}, value=2.0),
    Case(text="mean(pi*x)", types={"x": "f32[B]", "pi": "f32[B]"},
         inputs={"x": [1.0], "pi": [2.0]}, value=2.0),
    Case(text="pi = softmax(x)\nloss = sum(pi)", inputs={"x": [1.0, 2.0]}, value=1.0),
    Case(text="def f(pi) = 2*pi\nloss = mean(f(x))", inputs={"x": [1.0]}, value=2.0),
    Case(text="x: f32[pi]\nsum(x)/pi", inputs={"x": [1.0, 2.0]}, value=1.5),
    Case(text="mean(pi*x)", inputs={"x": [1.0], "pi": [2.0]}, code="LD111", static=False,
         help="`pi` is a number"),
    Case(text="x: f32[B]\nmean(2*PI*x)", inputs={"x": [1.0]}, code="LD103", at="PI",
         help="did you mean `pi`?"),
    # One entry of each row.
    Case(text="q: f32[B, A]\na: i32[B]\nmse(pick(q, a), r)", types={"r": "f32[B]"},
         inputs={"q": [[1.0, 5.0], [2.0, 7.0]], "a": [1, 0], "r": [4.0, 2.0]}, value=0.5,
         gradients={"q": [[0.0, 1.0], [0.0, 0.0]]}),
    Case(text="q: f32[A, B]\na: i32[B]\nsum(pick(q, a, axis=A))",
         inputs={"q": [[1.0, 5.0], [2.0, 7.0]], "a": [1, 0]}, value=7.0),
    Case(text="-mean(pick(log_softmax(z), y))", inputs=CLASSES, value=CROSS_ENTROPY),
    # Each example has groups of its own.
    Case(text="x: f32[B, T]\ng: i32[B, T]\nsum(square(segment_sum(x, by=g, segments=2)))",
         inputs={"x": [[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]], "g": [[0, 1, 0], [1, 1, 1]]}, value=29.0,
         gradients={"x": [[8.0, 4.0, 8.0], [6.0, 6.0, 6.0]]}),
    Case(text="x: f32[B, T, D]\ng: i32[B, T]\nsum(segment_mean(x, by=g, segments=2)[1])",
         inputs={"x": [[[1.0], [2.0]], [[3.0], [5.0]]], "g": [[0, 1], [1, 1]]}, value=4.0),
    Case(text="x: f32[B, T]\ng: i32[B, T]\nm: bool[B]\n"
         "mean(sum(segment_sum(x, by=g, segments=2), axis=1), where=m)",
         inputs={"x": [[1.0, 2.0], [float("nan"), 1.0]], "g": [[0, 1], [1, 1]], "m": [True, False]},
         value=3.0, gradients={"x": [[1.0, 1.0], [0.0, 0.0]]}),
    # A negative advantage counts at most `dual_clip` times.
    Case(text="ppo_clip(logp, old, a, dual_clip=3)", value=0.6,
         inputs={"logp": [2.0, 2.0], "old": [0.0, 0.0], "a": [-1.0, 1.5]},
         gradients={"logp": [0.0, 0.0]}),
    Case(text="ppo_clip(logp, old, a, dual_clip=0.5)", code="LD503",
         inputs={"logp": [2.0], "old": [0.0], "a": [-1.0]}),
    # Leaves of a tree are weighed by their names, or by those of what they lie below.
    Case(text="sum_squares(params, weight={kernel: 1, bias: 0.1})", inputs={"params": LAYERS},
         value=24.4),
    Case(text="l2sqr(params, weight={enc: 1, head: 3})", inputs={"params": LAYERS}, value=16.8125),
    Case(text='l2sqr(params, weight={"/enc/**": 1, "head/kernel": 3, "head/bias": 0})',
         inputs={"params": LAYERS}, value=11.9),
    Case(text='l2sqr(params, weight={kernel: 1, "** !kernel": 2})', inputs={"params": LAYERS},
         value=86.5/6),
    Case(text="sum(square(params), weight={kernel: 1, bias: 0.1})", inputs={"params": LAYERS},
         value=24.4),
    Case(text="l2sqr(params, where={enc: true, head: false})", inputs={"params": LAYERS},
         value=5.75),
    Case(text="a: float = 2\nparams: tree\nsum_squares(params, weight={enc: a, head: 1})",
         inputs={"params": LAYERS}, value=69.0),
    Case(text="def f(x, w) = sum_squares(x, weight={kernel: w, bias: 1})\nloss = f(params, 3)",
         inputs={"params": LAYERS}, value=97.0),
    *(
        Case(text=f"{types}l2sqr(params, weight=w)", value=16.8125,
             inputs={"params": LAYERS, "w": {"enc": one, "head": three}})
        for one, three in ((1, 3), (1.0, 3.0))
        for types in ("", "params, w: tree\n", "w: {enc: num, head: num}\nparams: tree\n")
    ),
    Case(text="sum({a: x, b: 2})", inputs={"x": [1.0, 2.0]}, value=5.0),
    Case(text="x*{a: 2, b: 3}.b", inputs={"x": 2.0}, value=6.0),
    Case(text="parts = {det: mse(a, b), seg: mae(a, b)}\n"
         "loss = sum(parts, weight={det: 2, seg: 4})", inputs=TWO, value=1.5),
    Case(text="sum_squares(params, weight={kernel: 1, kernel: 2})", inputs={"params": LAYERS},
         code="LD104", at="kernel"),
    Case(text="sum_squares(params, weight={kernel: 1, enc: 2})", inputs={"params": LAYERS},
         code="LD205", static=False, message="`enc/kernel`"),
    Case(text="sum_squares(params, weight={kernel: 1})", inputs={"params": LAYERS}, code="LD205",
         static=False, message="`enc/bias`, `head/bias`"),
    Case(text="sum_squares(params, weight={kernle: 1, bias: 2})", inputs={"params": LAYERS},
         code="LD301", static=False, message="`kernle`"),
    Case(text='sum_squares(params, weight={"[": 1})', inputs={"params": LAYERS}, code="LD307",
         static=False),
    # Losses of labels take distributions as well: one-hot ones give the same.
    *(
        Case(text=call, inputs={**SOFT, **more}, value=value)
        for call, more, value in (
            ("focal(z, t)", {}, 0.911683), ("focal(z, t, gamma=0)", {}, CROSS_ENTROPY),
            ("multiclass_hinge(z, t)", {}, 2.0), ("multiclass_perceptron(z, t)", {}, 1.0),
            ("generalized_cross_entropy(z, t, q=1)", {}, 0.6903985),
            ("logit_adjusted(z, t, p)", {"p": [0.5, 0.5]}, CROSS_ENTROPY),
        )
    ),
    Case(text="linear_cross_entropy(h, w, t)", value=CROSS_ENTROPY,
         inputs={"h": SOFT["z"], "t": SOFT["t"], "w": [[1.0, 0.0], [0.0, 1.0]]}),
    Case(text="loss = mean(z)\nmetric a = accuracy(z, t)\nmetric b = top_k_accuracy(z, t, k=2)",
         inputs=SOFT, value=2.0),
    # What has another library's name, but is not the same, says how.
    Case(text="mean(multi_margin_loss(z, y))", inputs=CLASSES, code="LD101",
         help="`multiclass_hinge` is near: torch's averages"),
    Case(text="nanmean(x)", inputs={"x": [1.0]}, code="LD101", help="`mean(x, where=x == x)`"),
    Case(text="mean(percentile(x, 50))", inputs={"x": [1.0]}, code="LD101", help="counts to 100"),
    Case(text="BCELoss(z, y)", inputs=CLASSES, code="LD101", help="takes probabilities"),
    Case(text="sum(map(ravel, p))", inputs={"p": {"a": [1.0]}}, code="LD101",
         help="`reshape(x, (-1,))`"),
    # What loss functions of papers are written with, and where a function has another name.
    Case(text="b, t: f32[N, D]\nfg: bool[N]\nmae(b, t, where=fg[:, None])", value=1.5,
         inputs={"b": [[1.0, 2.0], [5.0, 5.0]], "t": [[0.0, 0.0], [0.0, 0.0]], "fg": [True, False]},
         gradients={"b": [[0.5, 0.5], [0.0, 0.0]]}),
    Case(text="x: f32[N, D]\nw: f32[D]\nmean(x, weight=w[None])",
         inputs={"x": [[1.0, 2.0], [3.0, 4.0]], "w": [1.0, 3.0]}, value=2.75),
    Case(text="x: f32[N, D]\nw: f32[N]\nmean(x, weight=w[:, None])",
         inputs={"x": [[1.0, 2.0], [3.0, 4.0]], "w": [1.0, 3.0]}, value=3.0),
    Case(text="x: f32[N, D]\nw: f32[N, 1]\nmean(x, weight=w)", code="LD212", at="w",
         inputs={"x": [[1.0, 2.0], [3.0, 4.0]], "w": [[1.0], [3.0]]}),
    Case(text="mean(max(0, x))", inputs={"x": [1.0]}, code="LD104", help="`maximum(0, x)`"),
    Case(text="mean(min(x, 1))", inputs={"x": [1.0]}, code="LD104", help="`minimum(x, 1)`"),
    Case(text="mse(x, zeros_like(x))", inputs={"x": [1.0]}, code="LD101",
         help="`broadcast(0.0, like=x)`"),
    Case(text="mean(tril(x))", inputs={"x": [[1.0]]}, code="LD101", help="lower triangle"),
    Case(text="mean(square(x - eye(D)))", inputs={"x": [[1.0]]}, code="LD101", help="identity is"),
    # The order in which a tree is written down is not part of it.
    Case(text="sum(params*{kernel: 1, bias: 2})",
         inputs={"params": {"kernel": [1.0], "bias": [3.0]}}, value=7.0),
    Case(text='sum(params*{"head/kernel": 4, enc: {kernel: 1, bias: 2}, "head/bias": 3})',
         inputs={"params": LAYERS}, value=40.0),
    Case(text='sum(params*{"enc/kernel": 1, head: {kernel: 4, bias: 3}, enc: {bias: 2}})',
         inputs={"params": LAYERS}, value=40.0),
    Case(text='sum(params*{"m/b": 10, m: {c: 100, a: 1}})',
         inputs={"params": {"m": {"a": [1.0], "b": [2.0], "c": [3.0]}}}, value=321.0),
    Case(text='sum(params*{"m/b": 2*q.b, m: q.rest})',
         inputs={"params": {"m": {"a": [1.0], "b": [2.0], "c": [3.0]}},
                 "q": {"b": [5.0], "rest": {"a": [1.0], "c": [100.0]}}}, value=321.0),
    Case(text="sum(params*{w: {" + ", ".join(f'"{at}": {at}' for at in (10, *range(10))) + "}})",
         inputs={"params": {"w": tuple(map(float, range(11)))}}, value=385.0),
    Case(text='sum(params*{"a/b": 1, a: {b: 2}})', inputs={"params": {"a": {"b": [1.0]}}},
         code="LD104", at="a", message="`a/b` is given twice", help="keep one of the two"),
    # Whole numbers weigh as they do one by one, whether the names are the leaves or patterns.
    *(
        Case(text="sum_squares(params, weight=w)", value=value,
             inputs={"params": {"kernel": [1.0, 2.0], "bias": [3.0]}, "w": w})
        for w, value in (
            ({"kernel": 1, "bias": 0}, 5.0),
            ({"kernel": 1, "bias": 0.5}, 9.5),
            ({"*": 2}, 28.0),
        )
    ),
    Case(text="sum_squares(params, weight=w)", value=10.0,
         inputs={"params": {"kernel": [1.0, 2.0], "step": 7}, "w": {"kernel": 2.0, "step": 1}}),
    # What lies below a name lies below each of its patterns.
    *(
        Case(text="sum_squares(params, weight=w)", value=value,
             inputs={"params": LAYERS, "w": w})
        for w, value in (
            ({"enc | head": 1}, 55.0),
            ({"enc !kernel": 1, "head | enc/kernel": 0}, 9.0),
            ({"head | enc !bias": 1, "bias": 0}, 21.0),
        )
    ),
    # A path without quotes, and a power of what is no symbol.
    Case(text="sum(params*{a/b: 1})", code="LD001", at="/", help='`"a/b"`'),
    Case(text="sum(params*{a: {k: 1, enc.b*: 2}})", code="LD001", at=".", help='`"enc.b*"`'),
    Case(text="sum(params*{enc !b: 2})", code="LD001", at="!", help='`"enc !b"`'),
    Case(text="x: f32[(H+1)**2]\nsum(x)", code="LD034", at="**", help="only a bare symbol has"),
    Case(text="x: f32[2**2]\nsum(x)", code="LD034", at="**", help="only a bare symbol has"),
    Case(text="x: f32[H**N]\nsum(x)", code="LD034", at="N", help="an exponent is a whole number"),
]  # fmt: skip
