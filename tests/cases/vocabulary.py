"""Right specs that were refused for how they say it, and what helps where the words are wrong."""

from __future__ import annotations

from cases.case import Case

VECTORS = "a, b: f32[B, D]\n"
SWAPPED = "a, b: f32[D, B]\n"
TWO = {"a": [[1.0, 0.0], [1.0, 1.0]], "b": [[1.0, 1.0], [1.0, 1.0]]}
COSINE = (0.5**0.5 + 1) / 2

CLASSES = {"z": [[1.0, 3.0], [2.0, 2.0]], "y": [0, 1]}
CROSS_ENTROPY = 1.4100374  # the mean of log(1 + e**2) and log(2)

MAPS = "p: f32[B, H, K]\n"
PIXELS = [[[1.0, 0.0], [0.5, 0.5]]]

NORMAL = "m, y: f32[B, D]\nv: f32"

CASES = [
    # The axis along which a function works is `axis=`, where no axes of a value are reduced.
    Case(text=f"{VECTORS}mean(cosine_similarity(a, b, axis=D))", inputs=TWO, value=COSINE),
    Case(text=f"{VECTORS}mean(cosine_similarity(a, b, axis=1))", inputs=TWO, value=COSINE),
    Case(text="mean(cosine_similarity(a, b, axis=-1))", inputs=TWO, value=COSINE),
    Case(text=f"{SWAPPED}mean(cosine_similarity(a, b, axis=D))", inputs=TWO, value=0.8535534),
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
]  # fmt: skip
