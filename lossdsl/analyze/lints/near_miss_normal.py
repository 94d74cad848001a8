"""Rows of LD440: divergences and likelihoods of a normal distribution."""

from __future__ import annotations

from lossdsl.analyze.lints.near_miss import TURNED, NearMiss
from lossdsl.analyze.lints.near_miss_guards import elementwise

_KL = "exp(l) + square(m) - 1 - l"
_KL_STD = "exp(2*l) + square(m) - 1 - 2*l"
_NLL, _NLL_STD = "log(v) + square(d)/v", "log(s) + square(d/s)/2"
_NLL_LOG = "l + square(d)*exp(-l)"


def _gaussian() -> list[NearMiss]:
    """Return divergences and likelihoods of a normal distribution with a part exchanged."""
    half, twice = (
        "a half is missing, or is one too many",
        "`l` is of a variance in one part, and of its root in another",
    )
    rows = [
        ("exp(l) + square(m) - 1 + l", _KL, TURNED),
        ("exp(l) - square(m) - 1 - l", _KL, TURNED),
        ("-exp(l) + square(m) - 1 - l", _KL, TURNED),
        ("square(l) + square(m) - 1 - l", _KL, "`exp(l)` is what is meant by `square(l)`"),
        ("exp(l) + square(m) - 1 - 2*l", _KL_STD, twice),
        ("exp(2*l) + square(m) - 1 - l", _KL_STD, twice),
        ("exp(2*l) + square(m) - 1 + 2*l", _KL_STD, TURNED),
        ("exp(2*l) - square(m) - 1 - 2*l", _KL_STD, TURNED),
        ("exp(2*l) + square(m) - 1 + square(l)", _KL_STD, "`2*l` is what is meant by `square(l)`"),
        ("exp(2*l) + square(m) - 1 - square(l)", _KL_STD, "`2*l` is what is meant by `square(l)`"),
        ("exp(l) + square(m) - 1 + square(l)", _KL, "`-l` is what is meant by `square(l)`"),
        ("exp(l) + square(m) - 1 - square(l)", _KL, "`l` is what is meant by `square(l)`"),
        ("square(exp(l)) + square(m) - 1 - l", _KL_STD, twice),
        ("square(exp(l)) + square(m) - 1 + 2*l", _KL_STD, TURNED),
        ("square(exp(l)) + square(m) - 1 + square(l)", _KL_STD, "`2*l` is meant by `square(l)`"),
        ("v + square(m) - 1 + log(v)", "v + square(m) - 1 - log(v)", TURNED),
        ("v - square(m) - 1 - log(v)", "v + square(m) - 1 - log(v)", TURNED),
        ("square(s) + square(m) - 1 - log(s)", "square(s) + square(m) - 1 - 2*log(s)", twice),
        ("square(s) + square(m) - 1 + 2*log(s)", "square(s) + square(m) - 1 - 2*log(s)", TURNED),
    ]
    made = [NearMiss(*row) for row in rows]
    quotient = "log(b/a) + (square(a) + square(d))/(2*square(b))"
    for log in ("log(a/b)", "log(a) - log(b)"):
        written = f"{log} + (square(a) + square(d))/(2*square(b))"
        made.append(NearMiss(written, quotient, "the two widths are exchanged"))
    signs = [
        ("log(v) - square(d)/v", _NLL),
        ("log(s) - square(d/s)/2", _NLL_STD),
        ("log(s) - square(d)/square(s)/2", _NLL_STD),
        ("l + square(d)*exp(l)", _NLL_LOG),
        ("l - square(d)*exp(-l)", _NLL_LOG),
        ("l - square(d)/exp(l)", _NLL_LOG),
    ]
    made += [NearMiss(*row, TURNED) for row in signs]
    scales = [
        ("log(v) + square(d)/v/2", _NLL),
        ("log(v)/2 + square(d)/v", _NLL),
        ("log(s) + square(d/s)", _NLL_STD),
        ("log(s) + square(d)/square(s)", _NLL_STD),
        ("l + square(d)*exp(-l)/2", _NLL_LOG),
        ("l/2 + square(d)*exp(-l)", _NLL_LOG),
        ("l + square(d)/exp(l)/2", _NLL_LOG),
        ("l/2 + square(d)/exp(l)", _NLL_LOG),
    ]
    made += [NearMiss(*row, half, elementwise("d")) for row in scales]
    return made


NORMAL = tuple(_gaussian())
