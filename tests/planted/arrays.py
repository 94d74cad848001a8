"""Faults of what keeps one big array less, and of the parser's tables."""

from __future__ import annotations

from planted.run import Mutant

ARRAYS = (
    Mutant(
        "library/primitives/labels.py",
        "shares = direct.where(is_picked, rest, direct.negative(others))",
        "shares = direct.where(is_picked, direct.negative(rest), direct.negative(others))",
        "the slope of a cross entropy by the logit of the label has the wrong sign",
        ("tests/library/test_differential.py",),
        "cross_entropy and double_precision",
    ),
    Mutant(
        "library/primitives/labels.py",
        "x = direct.where(mask, x, -math.inf)",
        "x = direct.where(mask, x, 0)",
        "a class that does not exist counts as one of score 0",
        ("tests/library/test_differential.py",),
        "pick_log_softmax or class_where",
    ),
    Mutant(
        "optimize/permuted.py",
        "if not dropped or left != sorted(left) or not _apart(graph, node):",
        "if not dropped or not _apart(graph, node):",
        "what is read where it lies keeps the order in which it lies",
        ("tests/optimize/test_permuted.py",),
    ),
    Mutant(
        "library/primitives/distances.py",
        "return looped(x, y), _moved(x, y, of_x).T + _moved(y, x, of_y)",
        "return looped(x, y), _moved(x, y, of_x).T - _moved(y, x, of_y)",
        "the slope of a distance by the second point points away",
        ("tests/library/test_distances.py",),
    ),
    Mutant(
        "library/primitives/guards.py",
        "return direct.where(empty, 0, ratio(x, direct.where(empty, 1, y)))",
        "return direct.where(empty, 0, ratio(x, y))",
        "the slope of a share of nothing is NaN",
        ("tests/library/test_extremes.py", "tests/library/test_losses_corners.py"),
    ),
    Mutant(
        "syntax/lalr.py",
        "        elif single and len(children) == 1:\n",
        "        elif len(children) == 1:\n",
        "a rule of one child is that child, where it should be a node",
        ("tests/syntax/test_lalr.py",),
    ),
    Mutant(
        "frozen.py",
        "return hash(key(self))",
        "return id(self)",
        "equal instances have different hashes",
        ("tests/syntax/test_frozen.py",),
    ),
)
