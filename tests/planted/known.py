"""Faults of what is known before numbers are: sizes of a call, and where values lie."""

from __future__ import annotations

from planted.run import Mutant

KNOWN = (
    # Sizes of a call, and where values lie
    Mutant(
        "types/size_guards.py",
        "self.guards.read.update(self.polynomial.symbols)\n        return int.__int__(self)",
        "return int.__int__(self)",
        "that a size was read is not noted",
        ("tests/elaborate/test_guards.py", "tests/lower/test_specialization.py"),
        "unread or reads or elaborated",
    ),
    Mutant(
        "types/size_guards.py",
        "return all(sizes[symbol] == self.sizes[symbol] for symbol in tuple(self.read))",
        "return True",
        "core that read a size serves another one",
        ("tests/lower/test_specialization.py",),
        "elaborated or examples",
    ),
    Mutant(
        "specialization.py",
        "                    # Flat core may have read what core did not.\n"
        "                    if specialized.guards.hold(guards.sizes):",
        "                    # Flat core may have read what core did not.\n"
        "                    if True:",
        "flat core that read a size serves another one",
        ("tests/lower/test_specialization.py",),
        "flat_core",
    ),
    Mutant(
        "library/images.py",
        'opening, closing = "([)]"[")]".index(x.closing)], ")]"["([".index(x.opening)]',
        "opening, closing = x.opening, x.closing",
        "the negative of an interval keeps its brackets",
        ("tests/elaborate/test_language.py", "tests/analyze/test_intervals.py"),
        "lints or image",
    ),
    Mutant(
        "analyze/intervals.py",
        "return joined(_signed(inner), Interval(0, 0)) if same_sign else None",
        "return joined(_signed(inner), Interval(0, 0))",
        "a weight that is negative keeps the sign of a mean",
        ("tests/analyze/test_intervals.py",),
        "random",
    ),
    Mutant(
        "lower/scalars.py",
        "        if number not in _rounded(range, value.dtype):\n",
        "        if number is None:\n",
        "a number that a call passes is not held to its range",
        ("tests/elaborate/test_ranges.py",),
    ),
    # What values are: totals, directions, shifts
    Mutant(
        "analyze/axis_totals.py",
        "return None if size is None else _each(mul, fact.number, size)",
        "return fact.number",
        "a number that is added to every class counts once",
        ("tests/elaborate/test_language.py",),
        "lints",
    ),
    Mutant(
        "analyze/axis_totals.py",
        "return Across(back[0]) if len(back) == 1 else None",
        "return Sum(_ONE)",
        "a softmax over the examples passes for one over the classes",
        ("tests/elaborate/test_language.py",),
        "lints",
    ),
    Mutant(
        "analyze/lints/similarities.py",
        "waiting += [(a, positive), (b, not positive)]",
        "waiting += [(a, positive), (b, positive)]",
        "a cosine that is taken away is alarmed at",
        ("tests/elaborate/test_language.py",),
        "lints",
    ),
    Mutant(
        "analyze/lints/unit_vectors.py",
        "agree = left.back == 1 and right.back == min(right.rank, 2)",
        "agree = left.back == right.back",
        "unit columns of a matrix of weights are alarmed at",
        ("tests/elaborate/test_language.py",),
        "lints",
    ),
    Mutant(
        "analyze/lints/shifts.py",
        "if text == library != 0 and call is not None:",
        "if library != 0 and call is not None:",
        "a loss that shifts what is not shifted is alarmed at",
        ("tests/elaborate/test_language.py",),
        "lints",
    ),
    Mutant(
        "analyze/lints/advantages.py",
        "        if negative:\n            yield node\n",
        "        yield node\n",
        "the multiplier of a constraint is alarmed at",
        ("tests/elaborate/test_language.py",),
        "lints",
    ),
)
