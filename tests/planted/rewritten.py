"""Faults of the rules by which a text is computed otherwise than it is written."""

from __future__ import annotations

from planted.run import Mutant

STABILITY = ("tests/optimize/test_stability.py",)

REWRITTEN = (
    Mutant(
        "optimize/stability_rules.py",
        '"logmeanexp(x)",',
        '"logsumexp(x)",',
        "the logarithm of a mean of exponentials is computed as that of their sum",
        STABILITY,
        "derivative",
    ),
    Mutant(
        "optimize/rewrite.py",
        "if where is None or not domain.holds(where):",
        "if where is not None and not domain.holds(where):",
        "what is not known to be above 0 passes for it",
        STABILITY,
        "guard or no_rule_fires",
    ),
    Mutant(
        "optimize/rewrite.py",
        "            before = after\n",
        "            return after\n",
        "rules are tried once: what one leaves for another stays as it is written",
        STABILITY,
        "end or rules_fire",
    ),
    Mutant(
        "optimize/stability_rules.py",
        "return bool(options.get(KEEPDIMS)) or options.get(AXIS) is None or single",
        "return True",
        "a divisor along another axis passes for the length of what it divides",
        STABILITY,
        "guard or no_rule_fires",
    ),
    Mutant(
        "core/pattern.py",
        "    if known.get(CARRIED, rest) != rest:\n        return\n",
        "",
        "a mean along one axis and one along another pass for means of the same",
        STABILITY,
        "no_rule_fires",
    ),
)
