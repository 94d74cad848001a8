"""From a selector and the paths of a tree to the leaves that are meant."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence

from lossdsl.selectors.automaton import automaton
from lossdsl.selectors.selector import RUN, Pattern, Selector, is_index, pieces
from lossdsl.types.types import Path, fits

COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def select(
    selector: Selector, paths: Sequence[Path], ranks: Sequence[int], dtypes: Sequence[str]
) -> tuple[int, ...]:
    """Return the positions of the selected leaves, in the order of the tree.

    >>> tree = [("encoder", "kernel"), ("encoder", "bias"), ("tau",)]
    >>> select(Selector((("**", "kernel"), ("tau",))), tree, [2, 1, 1], ["f32"] * 3)
    (0, 2)
    """
    base = resolve(selector.exact or (), paths)
    included = [_matcher(pattern) for pattern in selector.patterns]
    excluded = [_matcher(pattern) for pattern in selector.exclusions]
    positions: list[int] = []
    for position, path in enumerate(paths):
        if path[: len(base)] != base:
            continue
        rest = path[len(base) :]
        if not any(matches(rest) for matches in included):
            continue
        if any(matches(rest) for matches in excluded):
            continue
        if not all(
            COMPARISONS[operator](ranks[position], rank) for operator, rank in selector.ndim
        ):
            continue
        if selector.dtype is not None and fits(dtypes[position], selector.dtype) is not True:
            continue
        positions.append(position)
    return tuple(positions)


def resolve(exact: Path, paths: Sequence[Path]) -> Path:
    """Count indices from the end, such as `outs[-1]`, from the start of their sequence.

    >>> resolve(("outs", "-1"), [("outs", "0"), ("outs", "1")])
    ('outs', '1')
    """
    base: Path = ()
    for segment in exact:
        if segment.startswith("-") and is_index(segment):
            inside = [path[len(base)] for path in paths if _below(path, base)]
            indices = [int(name) for name in inside if is_index(name)]
            if segment not in inside and indices:
                segment = str(max(indices) + 1 + int(segment))
        base = (*base, segment)
    return base


def relative(paths: Sequence[Path], selector: Selector) -> list[Path]:
    """Return selected paths relative to what was selected, so that two selections compare.

    Below an exact path that is the path from there. Of a single pattern it is what follows the
    segments that the pattern spells out before its first glob, when they end at the same place
    in every path; otherwise a path stays whole.

    >>> relative([("online", "enc", "w"), ("online", "b")], Selector((("online", "**"),)))
    [('enc', 'w'), ('b',)]
    """
    rest = [path[len(selector.exact or ()) :] for path in paths]
    if len(selector.patterns) != 1:
        return rest
    pattern = selector.patterns[0]
    spelled = pattern[pattern[0] == RUN :]
    globs = [place for place, segment in enumerate(spelled) if _is_glob(segment)]
    if not globs or not globs[0]:
        return rest
    literal = spelled[: globs[0]]
    heads = {path[: _end_of(literal, path)] for path in rest}
    if len(heads) != 1:
        return rest
    (head,) = heads
    return [path[len(head) :] for path in rest]


def _matcher(pattern: Pattern) -> Callable[[Path], bool]:
    return automaton([None if segment == RUN else _segment_test(segment) for segment in pattern])


def _segment_test(segment: str) -> Callable[[str], bool]:
    if not _is_glob(segment):
        return segment.__eq__
    tests: list[Callable[[str], bool] | None] = []
    for piece in pieces(segment):
        match piece:
            case "*":
                tests.append(None)
            case "?":
                tests.append(lambda character: True)
            case _ if len(piece) > 1:
                tests.append(_class_test(piece[1:-1]))
            case _:
                tests.append(piece.__eq__)
    return automaton(tests)


def _class_test(members: str) -> Callable[[str], bool]:
    """Return the test of what stands between `[` and `]`: characters and ranges, `!` negates."""
    negated = members.startswith("!")
    members = members[negated:]
    ranges: list[tuple[str, str]] = []
    at = 0
    while at < len(members):
        end = at + 2 if members[at + 1 : at + 2] == "-" and at + 2 < len(members) else at
        ranges.append((members[at], members[end]))
        at = end + 1
    return lambda character: any(low <= character <= high for low, high in ranges) != negated


def _is_glob(segment: str) -> bool:
    return any(mark in segment for mark in "*?[")


def _below(path: Path, base: Path) -> bool:
    return len(path) > len(base) and path[: len(base)] == base


def _end_of(literal: Path, path: Path) -> int:
    """Return where the first occurrence of the segments ends in a path."""
    starts = range(len(path) - len(literal) + 1)
    positions = (start for start in starts if path[start : start + len(literal)] == literal)
    return next(positions, -len(literal)) + len(literal)
