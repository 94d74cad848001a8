"""Integers that 32 bits do not hold: what is computed from them is right, or NaN."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from cases.case import Case, case
from cases.integers import whole

SECONDS = np.array([1_700_000_000, 1_700_000_001], "i4")
BOUNDS = np.array([2**31 - 1, -(2**31) + 1], "i4")
LARGE = [100_000, 100_001]


CASES = [
    # Unsigned integers of 32 bits are floats where they are computed with, exact where compared.
    *(
        case(text, {"a": whole(1, 4_000_000_000, dtype="u4"), "b": [2, 3]}, value=value)
        for text, value in (
            ("mean(a - 2)", 1_999_999_998.5),
            ("mean(-a)", -2_000_000_000.5),
            ("mean(a + a)", 4_000_000_001.0),
            ("1.0*sum(a)", 4_000_000_001.0),
            ("mean(cumsum(a))", 2_000_000_001.0),
            ("mean(a - b)", 1_999_999_998.0),
            ("mean(a > b)", 0.5),
            ("mean(a == b - 1)", 0.5),
            ("mean(maximum(a, b))", 2_000_000_001.0),
            ("mean(where(a > b, a, b))", 2_000_000_001.0),
            ("mean(where(b > 0, a, b))", 2_000_000_000.5),
        )
    ),
    Case(
        text="mean(a == b)", inputs={"a": whole(2**32 - 1, 3, dtype="u4"), "b": [-1, 3]}, value=0.5
    ),
    Case(text="mean(a >= n)", inputs={"a": whole(2, 3, dtype="u4"), "n": -1}, value=1.0),
    # Sums and products of i32 that end as floats have no bound; differences stay exact.
    *(
        case(
            text,
            {"a": [2_000_000_000, 2_000_000_000], "b": [100_000, 3], "n": 2_000_000_000},
            value=value,
        )
        for text, value in (
            ("1.0*sum(a)", 4e9),
            ("1.0*sum(a, axis=0)", 4e9),
            ("1.0*sum(a, where=b > 0)", 4e9),
            ("sum(a)/2", 2e9),
            ("mean(b*b)", 5_000_000_004.5),
            ("mean(a*2)", 4e9),
            ("1.0*sum(b*b)", 10_000_000_009.0),
            ("sum(b*b)/maximum(sum(a), 1)", 10_000_000_009.0 / 4e9),
            ("mean(b*b + a)", 7_000_000_004.5),
            ("mean(b*b - 1)", 5_000_000_003.5),
            ("mean(abs(b*b - a))", (8e9 + 2e9 - 9) / 2),
            ("mean(n*b)", 1e5 * 1e9 + 3e9),
            ("mean(sqrt(b*b))", 50_001.5),
            ("mean(where(b > 3, b*b, 0))", 5e9),
            ("mean(b*b, where=b > 3)", 1e10),
            ("mean(cumsum(a))", 3e9),
            ("mean(segment_sum(a, by=(0, 0), segments=1))", 4e9),
            ("mean(reshape(b*b, (2, 1)))", 5_000_000_004.5),
            ("mean(square(b))", 5_000_000_004.5),
            ("1.0*(b @ b)", 10_000_000_009.0),
            ('mse(b*b, 0*b, reduce="sum")/1e10', 1e10),
            ("mean(a - (a - b))", 50_001.5),
        )
    ),
    # A sum of two is as large as it is, and a difference exact as long as 32 bits hold it.
    *(
        case(text, {"t": SECONDS, "u": SECONDS - 3, "a": BOUNDS, "b": -BOUNDS}, value=value)
        for text, value in (
            ("mean(t + t)/2", 1.7e9),
            ("def mid(p, q) = (p + q)/2\nloss = mean(mid(t, u))", 1.7e9),
            (
                "def mid(p, q: num[...]) -> float[...] = (p + q)/2\nloss = mean(mid(t, u))",
                1.7e9,
            ),
            ("mean(t - u)", 3.0),
            ("mean((t - u)*0.5)", 1.5),
            ("mean(t + t - u - u)", 6.0),
            ("mean(3*t - 3*u)", 9.0),
            ("mean(maximum(a - b, 0))", 2.0**31),
            ("mean(abs(a - b))", 2.0**32),
            ("mean(diff(a))", -(2.0**32)),
            ("mean(maximum(-(a - b), 0))", 2.0**31),
            ("mean(maximum(-a, 0))", 2.0**30),
        )
    ),
    # What is picked of a product, a part of it and its diagonal are products.
    *(
        case(text, {"a": [100_000, 100_000]}, value=1e10)
        for text in (
            "(a*a)[0]*1.0",
            "mean((a*a)[1:])",
            "mean(diag(a[:, None]*a))",
            "mean(transpose(a[:, None]*a))",
        )
    ),
    # Counts and numbers that multiply, of rank 0.
    *(
        case(text, {"x": np.ones(50_000, "f4"), "n": 50_000, "k": [50_000, 1]}, value=value)
        for text, value in (
            ("mean(x*x)/(count(x > 0)*count(x > 0))", 1 / 2.5e9),
            ("n: i32\n1.0*(n*n)", 2.5e9),
            ("n: i32\nsqrt(n*n)", 5e4),
            ("n: i32\nk: i32[K]\nmean(k*(n*n - n))", (2.5e9 - 5e4) * 25_000.5),
            ("(max(k)*max(k))/2", 1.25e9),
            ("1.0*(sum(k)*count(x > 0)*3)", 50_001 * 1.5e5),
        )
    ),
    # What 32 bits hold is compared, and divided with a remainder, as the integers that it is.
    *(
        case(text, {"t": SECONDS, "u": [4, 5], "i": [1, 0], "x": [1.0, 2.0]}, value=value)
        for text, value in (
            ("mean(t == max(t))", 0.5),
            ("mean(t < max(t))", 0.5),
            ("mean(t < t + 5)", 1.0),
            ("mean(x, where=t < min(t) + 1)", 1.0),
            ("mean(take(t, i) == t)", 0.0),
            ("mean(take_along(t, i) > t)", 0.5),
            ("mean(concatenate(t, t + 1) == concatenate(t + 1, t))", 0.0),
            ("mean((t + 3600) % 86400)", (1_700_003_600 % 86_400) + 0.5),
            ("1.0*(max(t) % 60)", 1_700_000_001 % 60),
            ("mean(x, where=(t - 1) % 2 == 0)", 2.0),
            ("mean((t - 10) // 5)", 339_999_998.0),
            ("mean(t - min(t))", 0.5),
            ("mean(take(t, i) - min(t))", 0.5),
        )
    ),
    # Of what wrapped nothing is taken for exact: not the smallest, not a size, not what is cut off.
    *(
        case(text, {"a": LARGE, "c": [7, 8]}, value=value)
        for text, value in (
            ("mean(minimum(30000*a, 5) - 3)", 2.0),
            ("mean(abs(30000*a) - 30000*a)", 0.0),
            ("1.0*(min(concatenate(30000*a, c)) - 1)", 6.0),
            ("mean(clip(30000*a, 0, 9) - c)", 1.5),
            ("mean(30000*a - 30000*a + c)", 7.5),
        )
    ),
    # Integers that meet half precision are computed in f32.
    *(
        case(text, {"h": half, "n": [3, 5], "a": LARGE, "m": np.array([True, False])}, value=value)
        for half in (np.ones(2, "f2"), np.ones(2, ml_dtypes.bfloat16))
        for text, value in (
            ("mean(h*max(n))", 5.0),
            ("mean(h*5/max(n))", 1.0),
            ("mean(h*min(n, where=m))", 3.0),
            ("mean(h*(max(n) - n))", 1.0),
            ("mean(h*(n % max(n)))", 1.5),
            ("mean(h*((n + 1) % 2))", 0.0),
            ("mean(h*(cumsum(n) // 2))", 2.5),
            ("mean(h*sum(n))", 8.0),
            ("mean(h*cumsum(n))", 5.5),
            ("mean(h*((a - 1) // 50000))", 1.5),
            ("mean(h*(abs(a) // 50000))", 2.0),
            ("mean(h*(a - (a - 1)))", 1.0),
        )
    ),
    # The leaves of a tree that is written down are computed as the numbers alone are.
    *(
        case(text, {"a": LARGE, "b": LARGE, "c": [7, 8]}, value=value)
        for text, value in (
            ("sum({u: a*b, v: a*b})*1.0", 2 * (1e10 + 100_001**2)),
            ("1.0*sum({u: a*b, v: c})", 1e10 + 100_001**2 + 15),
            ("1.0*max({u: a*b, v: c})", 100_001.0**2),
            ("mean({u: a*b}.u*1.0)", (1e10 + 100_001**2) / 2),
            ("1.0*sum({u: {v: a}, w: 2}) + 0.5", 200_003.5),
            ("1.0*sum({u: a*b, v: 0.5*c})", 1e10 + 100_001**2 + 7.5),
            ("1.0*max({u: a*b, v: 0.5*c})", 100_001.0**2),
            ("sum({u: a*b, v: 0.5*c}/2)", (1e10 + 100_001**2 + 7.5) / 2),
            ("sum(abs({u: a*b, v: 0.5*c}))", 1e10 + 100_001**2 + 7.5),
        )
    ),
    # What is not there, and what a mask leaves nothing of, is NaN or infinite where it ends as a
    # float.
    *(
        case(text, {"n": LARGE, "i": [0, 5], "m": np.array([False, False])}, value=value)
        for text, value in (
            ("1.0*sum(take(n, i))", np.nan),
            ("mean(isfinite(1.0*take(n, i)))", 0.5),
            ("mean(isfinite(1.0*take_along(n, i)))", 0.5),
            ("1.0*pick(n, max(i))", np.nan),
            ("1.0*max(n, where=m)", -np.inf),
            ("1.0*min(n, where=m)", np.inf),
            ("1.0*max(n)", 100_001.0),
        )
    ),
    # The smallest integer has no negative one.
    *(
        case(text, {"n": whole(-(2**31), dtype="i4")}, value=2.0**31)
        for text in ("mean(abs(n))", "mean(-n)", "mean(abs(n - 1 + 1))", "mean(maximum(-n, 0))")
    ),
    # A metric of integers stays one, and so does what is compared or divided with a remainder;
    # `check` says where 32 bits may not hold them.
    *(
        Case(
            text=f"metric m = {metric}\nloss = mean(x)",
            types={"n": "i32[B]", "k": "i32[B]", "x": "f32[B]", "v": "u8[B]"},
            inputs={"n": [1, 2], "k": [1, 2], "x": [1.0, 3.0], "v": np.array([1, 0], "u1")},
            warnings=warnings,
            value=2.0,
        )
        for metric, warnings in (
            ("sum(n)", ("LD432",)),
            ("n*k", ("LD432",)),
            ("n*n", ("LD432",)),
            ("max(abs(n*n - 1))", ("LD432",)),
            ("{u: n*k}.u", ("LD432",)),
            ("cumsum(n)", ("LD432",)),
            ("sum(n) // 2", ("LD432",)),
            ("n*k % 7", ("LD432",)),
            ("1.0*(n*k % 7)", ("LD432",)),
            ("n*k > 3", ("LD432",)),
            ("sum(x, where=n*k > 1)", ("LD432",)),
            ("sum(1.0*n)", ()),
            ("mean(n*k)", ()),
            ("2*n + 1", ()),
            ("sum(n > 1)", ()),
            ("sum(where(n == k, 1, 0))", ()),
            ("sum(sign(n))", ()),
            ("sum(n % 2)", ()),
            ("sum(v)", ()),
            ("count(n > 1)*count(k > 1)", ()),
            ("sum(x, where=n > k + 1)", ()),
            ("max(n)", ()),
            ("take(x, n*2 - k)", ()),
        )
    ),
]
