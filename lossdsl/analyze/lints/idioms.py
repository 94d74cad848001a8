"""The rows of LD401: what is written by hand, what is lost, and what keeps it."""

from __future__ import annotations

from lossdsl.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Idiom:
    """What is written, what is lost, in f32, and what keeps it, in the letters of the pattern.

    `reaches` is the letter of what must be able to go as far for that, if anything; one
    that is an `exponent` may be shifted by its maximum, and `entries` are given or made by a
    softmax as they are. In the interval that is `safe` nothing is lost. One that is `mended`
    is computed so that nothing is lost of an array. Of a `ratio` the divisor is no amount that is
    above 0 by its name, and no condition leaves it out.
    """

    written: str
    loses: str
    better: str
    reaches: str | None = None
    exponent: bool = False
    entries: bool = False
    safe: str | None = None
    mended: bool = False
    ratio: bool = False


_OVERFLOWS = "overflows where `x` is above 88"
_ALONG = "`{}` along the same axis computes it without that"

IDIOMS = (
    Idiom(
        "log(softmax(x))",
        "is -inf where a probability rounds to 0",
        "`log_softmax(x)`, with the same axis and temperature, computes it without that",
        "x",
        mended=True,
        safe="[-40, 40]",
    ),
    Idiom(
        "log(sigmoid(x))",
        "is -inf where `x` is below -87",
        "`log_sigmoid(x)` is finite there",
        "x",
        mended=True,
        safe="[-80, inf]",
    ),
    Idiom(
        "log(1 - sigmoid(x))",
        "is -inf where `x` is above 16",
        "`log_sigmoid(-x)` is the same and finite there",
        "x",
        mended=True,
        safe="[-inf, 10]",
    ),
    Idiom(
        "log(1 + exp(x))",
        _OVERFLOWS,
        "`softplus(x)` is finite there",
        "x",
        mended=True,
        exponent=True,
        safe="[-inf, 80]",
    ),
    Idiom(
        "log(sum(exp(x), axis=A))",
        _OVERFLOWS,
        _ALONG.format("logsumexp(x)"),
        "x",
        mended=True,
        exponent=True,
        safe="[-70, 70]",
    ),
    Idiom(
        "log(mean(exp(x), axis=A))",
        _OVERFLOWS,
        _ALONG.format("logmeanexp(x)"),
        "x",
        mended=True,
        exponent=True,
        safe="[-70, 70]",
    ),
    Idiom(
        "exp(x)/sum(exp(x), axis=A, keepdims=true)",
        "overflows where `x` is above 88, and is NaN where all of it is below -87",
        _ALONG.format("softmax(x)"),
        "x",
        mended=True,
        exponent=True,
        safe="[-70, 70]",
    ),
    Idiom(
        "x/norm(x, axis=A, keepdims=true)",
        "is NaN where `x` is all 0",
        _ALONG.format("normalize(x)"),
        "x",
        mended=True,
        safe="(0, inf]",
    ),
    Idiom(
        "sqrt(sum(square(x), axis=A))",
        "has a gradient that is NaN where `x` is all 0",
        _ALONG.format("norm(x)"),
        "x",
        mended=True,
        safe="(0, inf]",
    ),
    Idiom(
        "p*log(p/q)",
        "is NaN where `p` is 0",
        "`xlogy(p, p/q)` is 0 there",
        "p",
        mended=True,
        entries=True,
        safe="(0, inf]",
    ),
    Idiom(
        "p*log(p)",
        "is NaN where `p` is 0",
        "`-entr(p)` is 0 there",
        "p",
        mended=True,
        entries=True,
        safe="(0, inf]",
    ),
    Idiom(
        "-p*log(p)",
        "is NaN where `p` is 0",
        "`entr(p)` is 0 there",
        "p",
        mended=True,
        entries=True,
        safe="(0, inf]",
    ),
    Idiom(
        "-log(p)*p",
        "is NaN where `p` is 0",
        "`entr(p)` is 0 there",
        "p",
        mended=True,
        entries=True,
        safe="(0, inf]",
    ),
    Idiom(
        "a*p*log(p)",
        "is NaN where `p` is 0",
        "`a*xlogy(p, p)` is 0 there",
        "p",
        mended=True,
        entries=True,
        safe="(0, inf]",
    ),
    Idiom(
        "a*log(p)*p",
        "is NaN where `p` is 0",
        "`a*xlogy(p, p)` is 0 there",
        "p",
        mended=True,
        entries=True,
        safe="(0, inf]",
    ),
    Idiom(
        "sum(where(m, x, 0))/sum(m)",
        "is NaN where `m` keeps nothing",
        "`mean(x, where=m)` is 0 there",
    ),
    Idiom(
        "sum(where(m, x, 0))/count(m)",
        "is NaN where `m` keeps nothing",
        "`mean(x, where=m)` is 0 there",
    ),
    Idiom(
        "abs((y - p)/y)",
        "is infinite where `y` is 0",
        "`abs(safe_divide(y - p, y))` is 0 there, and `mape` has an `eps`",
        "y",
        ratio=True,
    ),
    Idiom(
        "abs((p - y)/y)",
        "is infinite where `y` is 0",
        "`abs(safe_divide(p - y, y))` is 0 there, and `mape` has an `eps`",
        "y",
        ratio=True,
    ),
    Idiom(
        "abs(y - p)/abs(y)",
        "is infinite where `y` is 0",
        "`safe_divide(abs(y - p), abs(y))` is 0 there, and `mape` has an `eps`",
        "y",
        ratio=True,
    ),
    Idiom(
        "abs(p - y)/abs(y)",
        "is infinite where `y` is 0",
        "`safe_divide(abs(p - y), abs(y))` is 0 there, and `mape` has an `eps`",
        "y",
        ratio=True,
    ),
    Idiom(
        "abs(y - p)/(abs(y) + abs(p))",
        "is NaN where both are 0",
        "`safe_divide(abs(y - p), abs(y) + abs(p))` is 0 there, as is `smape`",
        "y",
        ratio=True,
    ),
    Idiom(
        "sum(x*y)/sum(square(y))",
        "is NaN where `y` is all 0",
        "`safe_divide(sum(x*y), sum(square(y)))` is 0 there",
        "y",
        safe="(0, inf]",
    ),
    Idiom(
        "mean(square(x), axis=A) - square(mean(x, axis=A))",
        "cancels: with a mean of 1000 nothing is left of a variance of 0.01",
        _ALONG.format("var(x)"),
        "x",
        mended=True,
    ),
)
