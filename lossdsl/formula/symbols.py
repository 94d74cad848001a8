"""How names and constants are spelled: Greek letters, subscripts, well-known numbers."""

from __future__ import annotations

import math
from fractions import Fraction as Ratio

from lossdsl.formula.arithmetic import negated
from lossdsl.formula.math import (
    HALF,
    ONE,
    TWO,
    Fraction,
    Math,
    Number,
    Operator,
    Phrase,
    Power,
    Product,
    Root,
    Symbol,
)

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eps": "ε",
    "zeta": "ζ", "eta": "η", "theta": "θ", "kappa": "κ", "lambda": "λ", "lam": "λ", "mu": "μ",
    "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ",
    "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Phi": "Φ",
    "⊤": "⊤", "ℓ": "ℓ", "ℒ": "ℒ",
}  # fmt: skip

LATEX_GREEK = {
    "⊤": r"\top",
    "ℓ": r"\ell",
    "ℒ": r"\mathcal{L}",
    "eps": r"\varepsilon",
    "epsilon": r"\varepsilon",
    "lam": r"\lambda",
}

_PI = Symbol("pi")
_LOG_2 = Operator("log", TWO)
_CONSTANTS: tuple[tuple[float, Math], ...] = (
    (math.pi, _PI),
    (2 * math.pi, Product((TWO, _PI))),
    (math.log(2), _LOG_2),
    (math.log(2 * math.pi), Operator("log", Product((TWO, _PI)))),
    (0.5 * math.log(2 * math.pi), Product((HALF, Operator("log", Product((TWO, _PI)))))),
    (math.log(math.pi), Operator("log", _PI)),
    (0.5 * math.log(math.pi), Product((HALF, Operator("log", _PI)))),
    (math.sqrt(0.5), Fraction(ONE, Root(TWO))),
    (math.sqrt(2), Root(TWO)),
    (math.sqrt(2 / math.pi), Root(Fraction(TWO, _PI))),
    (math.sqrt(math.pi), Root(_PI)),
    (1 / math.sqrt(math.pi), Fraction(ONE, Root(_PI))),
    (math.e, Symbol("e")),
    (4 / math.pi**2, Fraction(Number(4), Power(_PI, TWO))),
)
_LARGEST_DIVISOR = 2000
_PLAIN = 10  # decimals shorter than this are written as they are


def split(name: str) -> tuple[str, str]:
    """Return a letter and its subscript; a name of another kind is a word of its own.

    >>> split("mu_p"), split("x1"), split("class_weight")
    (('mu', 'p'), ('x', '1'), ('class_weight', ''))
    """
    stem, underscore, rest = name.partition("_")
    if underscore and rest and "_" not in rest and is_letter(stem):
        return stem, rest
    bare = name.rstrip("0123456789")
    return (bare, name[len(bare) :]) if bare and is_letter(bare) else (name, "")


def is_letter(name: str) -> bool:
    """Whether a name is written as one letter, Latin or Greek."""
    return len(name) == 1 or name in GREEK


def constant(value: float | int | bool | None) -> Math:
    """Return a constant as one writes it: ½, log 2, π, or its digits."""
    if value is None or isinstance(value, bool):
        return Phrase({None: "none", True: "true", False: "false"}[value])
    if value < 0:
        return negated(constant(-value))
    if isinstance(value, int) or not math.isfinite(value):
        return Number(value)
    for known, written in _CONSTANTS:
        if math.isclose(value, known, rel_tol=1e-12):
            return written
    if value.is_integer() and value < 1e6:
        return Number(int(value))
    ratio = Ratio(value).limit_denominator(12)
    thirds = ratio.denominator in (3, 6, 7, 9, 11, 12) and len(repr(value)) > _PLAIN
    if float(ratio) == value and (thirds or ratio.denominator in (2, 4, 8)):
        above, below = ratio.numerator, ratio.denominator
        return Fraction(ONE if above == 1 else Number(above), Number(below))
    ratio = Ratio(value).limit_denominator(_LARGEST_DIVISOR)
    if ratio.numerator == 1 and float(ratio) == value and len(repr(value)) > _PLAIN:
        return Fraction(ONE, Number(ratio.denominator))
    return Number(value)
