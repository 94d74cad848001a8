"""The rows of LD440: what is written, what is meant, and where it is surely a mistake."""

from __future__ import annotations

from lossdsl.analyze.lints.near_miss import TURNED, NearMiss
from lossdsl.analyze.lints.near_miss_guards import (
    alone,
    around_0,
    around_1,
    averaged,
    both,
    by_distance,
    by_sign,
    falls,
    from_1,
    given,
    grows,
    holds,
    is_picked,
    kept_apart,
    number_in,
    of_role,
    signed,
    weighs,
)
from lossdsl.analyze.lints.near_miss_normal import NORMAL

_COUNTED = ("probs", "mask", "one_hot", "labels")
_CROSS_ENTROPY = "y*log(p) + (1 - y)*log(1 - p)"
_LOGITS = "relu(z) - y*z + log1p(exp(-abs(z)))"
_PINBALL = "where(c, q*d, (q - 1)*d)"
_PPO = "minimum(r*a, clip(r, l, h)*a)"
_FOCAL = "(1 - exp(-l))**g*l"
_HUBER = "where(abs(d) < b, square(d)/2, b*(abs(d) - b/2))"
_STANDARD = "(x - mean(x))/(std(x) + e)"
_VALUES = "maximum(square(v - t), square(o + clip(v - o, l, h) - t))"


def _clipped_values() -> list[NearMiss]:
    """Return the smaller of two errors of a value, one of them clipped, in all its spellings."""
    wrong = "the smaller error of the two stops where the value is far off"
    clipped = ("o + clip(v - o, l, h)", "clip(v, o - l, o + h)")
    pairs = [("v - t", f"{value} - t") for value in clipped]
    pairs += [("t - v", f"t - {part}") for part in ("(o + clip(v - o, l, h))", clipped[1])]
    return [
        NearMiss(f"minimum({scale}{f}({a}), {scale}{f}({b}))", _VALUES, wrong)
        for a, b in pairs
        for f in ("square", "abs")
        for scale in ("", "0.5*")
    ]


def _stable_logits() -> list[NearMiss]:
    tails = ("log1p(exp({}))", "log(1 + exp({}))", "softplus({})")
    heads = ("relu(z)", "maximum(z, 0)")
    signs = [f"{head} + y*z + {tail.format('-abs(z)')}" for head in heads for tail in tails]
    bare_ = [f"{head} - y*z + {tail.format('-z')}" for head in heads for tail in tails]
    above = [f"{head} - y*z + {tail.format('abs(z)')}" for head in heads for tail in tails]
    return [
        *(NearMiss(text, _LOGITS, TURNED, of_role("y", *_COUNTED)) for text in signs),
        *(NearMiss(text, _LOGITS, "`abs` is missing") for text in bare_),
        *(NearMiss(text, _LOGITS, "a minus is missing") for text in above),
    ]


def _policy() -> list[NearMiss]:
    advantage = both(signed("a"), given("a"), around_1("l"), alone("a"))
    ratio = both(given("a"), around_1("l"))
    late = "the minimum is taken before the advantage, which may be below 0"
    return [
        NearMiss("minimum(r, clip(r, l, h))*a", _PPO, late, advantage),
        NearMiss(
            "minimum(r*a, clip(r*a, l, h))",
            _PPO,
            "the product is clipped, not the ratio",
            around_1("l"),
        ),
        NearMiss("minimum(r*a, clip(r, l, h))", _PPO, "`*a` is missing", ratio),
        NearMiss("minimum(r, clip(r, l, h)*a)", _PPO, "`*a` is missing", ratio),
        NearMiss(
            "minimum(r*a, clip(r, l, h)*a)",
            "minimum(r*a, clip(r, 1 - e, 1 + e)*a)",
            "the bounds lie around 0, and not around 1",
            around_0("l"),
        ),
        *_clipped_values(),
        *(
            NearMiss(f"x - {of}(x)/{by}", f"(x - {of}(x))/{by}", "parentheses are missing")
            for of, by in (
                ("mean", "std(x)"),
                ("mean", "(std(x) + e)"),
                ("mean", "maximum(std(x), e)"),
                ("mean", "sqrt(var(x) + e)"),
                ("mean", "sqrt(var(x))"),
                ("mean", "norm(x)"),
                ("min", "(max(x) - min(x))"),
                ("min", "(max(x) - min(x) + e)"),
                ("mean", "(max(x) - min(x))"),
            )
        ),
    ]


def _quantiles() -> list[NearMiss]:
    jumps = "it jumps where it changes"
    falls, wrong = "it falls as `d` does", "it is below 0 where `d` is"
    by_half = both(signed("d"), by_sign("d"), alone("d"))
    return [
        NearMiss("maximum(q*d, (1 - q)*d)", "maximum(q*d, (q - 1)*d)", falls),
        NearMiss("maximum((q - 1)*d, -q*d)", "maximum(q*d, (q - 1)*d)", falls),
        NearMiss("where(c, q*d, (1 - q)*d)", _PINBALL, wrong, by_half),
        NearMiss("where(c, (1 - q)*d, q*d)", "where(c, (q - 1)*d, q*d)", wrong, by_half),
        NearMiss("where(c, q, 1 - q)*d", "where(c, q, q - 1)*d", wrong, by_half),
        NearMiss("where(c, 1 - q, q)*d", "where(c, q - 1, q)*d", wrong, by_half),
        NearMiss(
            "q*maximum(d, 0) + (1 - q)*minimum(d, 0)",
            "q*maximum(d, 0) - (1 - q)*minimum(d, 0)",
            TURNED,
        ),
        NearMiss("q*relu(d) - (1 - q)*relu(-d)", "q*relu(d) + (1 - q)*relu(-d)", TURNED),
        *(
            NearMiss(f"where(c, {a}, {b})", _HUBER, jumps, by_distance("d", beyond))
            for size in ("abs(d)", "d")
            for near, far, beyond in (
                ("square(d)/2", f"{size} - 0.5", True),
                ("square(d)/2", f"b*({size} - 0.5)", True),
                ("square(d)", f"{size} - 0.5", False),
                ("square(d)/2", size, False),
            )
            for a, b in ((near, far), (far, near))
        ),
    ]


def _focal() -> list[NearMiss]:
    once = "the loss is averaged before, so that all examples have one weight"
    taken = "a loss is taken for a probability"
    return [
        NearMiss(_FOCAL, f"mean({_FOCAL})", once, averaged("l")),
        NearMiss("(1 - exp(l))**g*l", "mean((1 - exp(l))**g*l)", once, averaged("l")),
        NearMiss("(1 - exp(l))**g*l", _FOCAL, "a minus is missing in `exp`", grows("l")),
        NearMiss(
            "(1 - exp(-w*l))**g*w*l",
            "(1 - exp(-l))**g*w*l",
            "with the weight in it `exp` is no probability",
            both(weighs("w"), grows("l")),
        ),
        NearMiss(
            "(1 - exp(w*l))**g*w*l",
            "(1 - exp(l))**g*w*l",
            "with the weight in it `exp` is no probability",
            both(weighs("w"), falls("l")),
        ),
        NearMiss("(1 - exp(-l))**g*l", "(1 - exp(l))**g*l", "`exp` has a minus", falls("l")),
        NearMiss("(1 - l)**g*log(l)", _FOCAL, taken, grows("l")),
        NearMiss("(1 + l)**g*log(-l)", "(1 - exp(l))**g*l", taken, falls("l")),
        NearMiss("(1 - l)**g*l", _FOCAL, taken, grows("l")),
        NearMiss("(1 + l)**g*l", "(1 - exp(l))**g*l", taken, falls("l")),
    ]


def _overlaps() -> list[NearMiss]:
    extents = "(minimum(a, b) - maximum(c, d))*(minimum(e, f) - maximum(g, h))"
    within = "relu(minimum(a, b) - maximum(c, d))*relu(minimum(e, f) - maximum(g, h))"
    apart = "boxes that do not meet have two extents below 0, of which the product is above 0"
    once = "the union counts what both have once, so that a quotient of 2 is above 1"
    jaccard, dice = "sum(x*y)/(sum(x) + sum(y) - sum(x*y))", "2*sum(x*y)/(sum(x) + sum(y))"
    smooth = "(2*sum(x*y) + e)/(sum(x) + sum(y) + e)"
    no_2 = "it has no 2"
    squared = "2*sum(x*y)/(sum(square(x)) + sum(square(y)))"
    shares = "the overlaps are added up, and not averaged"
    return [
        NearMiss(extents, within, apart, kept_apart),
        *(
            NearMiss(f"1 - {of.format(once_)}", f"1 - {of.format(twice)}", no_2, total=True)
            for of in ("{}", "mean({})")
            for once_, twice in (
                ("sum(x*y)/(sum(x) + sum(y))", dice),
                ("sum(x*y)/(sum(x) + sum(y) + _d)", dice),
                ("(sum(x*y) + _e)/(sum(x) + sum(y) + _d)", smooth),
                ("sum(x*y)/(sum(square(x)) + sum(square(y)) + _d)", squared),
                ("(sum(x*y) + _e)/(sum(square(x)) + sum(square(y)) + _d)", squared),
            )
        ),
        NearMiss("(2*sum(x*y) + _e)/(sum(x) - sum(x*y) + sum(y) + _d)", jaccard, once),
        NearMiss("2*sum(x*y)/(sum(x) - sum(x*y) + sum(y) + _d)", jaccard, once),
        NearMiss("sum((2*sum(x*y) + _e)/d)", "mean((2*sum(x*y) + e)/d)", shares, from_1),
        NearMiss("sum(2*sum(x*y)/d)", "mean(2*sum(x*y)/d)", shares, from_1),
        NearMiss(
            "i/u - (c - i)/k",
            "i/u - (c - u)/c",
            "the union belongs into the second part",
            both(holds("k", "c"), given("c"), given("i")),
        ),
    ]


def _others() -> list[NearMiss]:
    return [
        NearMiss(
            "x + stop_gradient(c - x) - stop_gradient(x)",
            "c - stop_gradient(x)",
            "the value is that of `c`, and its gradient goes to `x`",
        ),
        NearMiss("t @ (transpose(t) - i)", "t @ transpose(t) - i", "parentheses are misplaced"),
        NearMiss("transpose(t) @ (t - i)", "transpose(t) @ t - i", "parentheses are misplaced"),
        NearMiss(
            "a*x + sqrt(1 - a)*e",
            "sqrt(a)*x + sqrt(1 - a)*e",
            "`sqrt` is missing",
            both(given("a"), given("x"), given("e")),
        ),
        NearMiss("minimum(s + 1, g)/(s + 1)", "minimum(s, g)/(s + 1)", "`+ 1` is there twice"),
        NearMiss(
            "abs(p - t)/maximum(t, e)",
            "abs(p - t)/maximum(abs(t), e)",
            "what is below 0 is divided by `e`",
            both(signed("t"), number_in("e", 0, 0.01)),
        ),
        *(
            NearMiss(f"-{of}(p)", f"-{of}(log(p))", "a likelihood has a logarithm", is_picked)
            for of in ("mean", "sum")
        ),
        NearMiss(
            "y*square(d) + (1 - y)*square(m - d)",
            "y*square(d) + (1 - y)*square(relu(m - d))",
            "what is farther apart than `m` is drawn back",
            grows("d"),
        ),
        NearMiss(
            "y*square(d) + (1 - y)*square(relu(d - m))",
            "y*square(d) + (1 - y)*square(relu(m - d))",
            TURNED,
            grows("d"),
        ),
    ]


NEAR_MISSES = (
    NearMiss("y*log(1 - p) + (1 - y)*log(p)", _CROSS_ENTROPY, "the two logarithms are exchanged"),
    NearMiss("y*log(p) + (1 - y)*log(p)", _CROSS_ENTROPY, "both parts have one logarithm"),
    NearMiss("y*log(p) + 1 - y*log(1 - p)", _CROSS_ENTROPY, "`1 - y` has no parentheses"),
    NearMiss("softplus(z) + y*z", "softplus(z) - y*z", TURNED, of_role("y", *_COUNTED)),
    NearMiss(
        "softplus(-z) + y*z", "softplus(-z) + (1 - y)*z", "`1 -` is missing",
        of_role("y", *_COUNTED),
    ),
    NearMiss("relu(1 + y*s)", "relu(1 - y*s)", "it is small where the sign is wrong",
             of_role("y", "signs")),
    NearMiss("maximum(0, 1 + y*s)", "maximum(0, 1 - y*s)", "it is small where the sign is wrong",
             of_role("y", "signs")),
    *_stable_logits(),
    *NORMAL,
    *_policy(),
    *_quantiles(),
    *_focal(),
    *_overlaps(),
    *_others(),
    NearMiss("y*x + (1 - y)*x", "y*a + (1 - y)*b", "it is `x` whatever `y` is",
             both(given("x"), given("y"))),
)  # fmt: skip
