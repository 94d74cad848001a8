"""Conditions: cases, what is not so, and what holds together."""

from __future__ import annotations

from collections.abc import Sequence

from lossdsl.formula.math import ONE, ZERO, Cases, Fence, Logic, Math, Not, Phrase, Relation

TRUE, FALSE = Phrase("true"), Phrase("false")


def cases(value: Math, held: Math, rest: Math) -> Math:
    """Return cases; those of the last one follow, and 1 or 0 is whether something holds."""
    if held in (TRUE, FALSE):
        return value if held == TRUE else rest
    if (value, rest) == (ONE, ZERO):
        return Fence("holds", held)
    if (value, rest) == (ZERO, ONE):
        return Fence("holds", opposite(held))
    if value == rest:
        return value
    tail = rest.rows if isinstance(rest, Cases) else ((rest, None),)
    return Cases(((value, held), *tail))


_OPPOSITES = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def opposite(node: Math) -> Math:
    """Return that a condition does not hold, with its own sign where it is a comparison."""
    match node:
        case Relation(first, ((sign, second),)) if sign in _OPPOSITES:
            return Relation(first, ((_OPPOSITES[sign], second),))
        case Not(operand):
            return operand
        case Phrase("true" | "false" as word):
            return FALSE if word == "true" else TRUE
        case _:
            return Not(node)


def joined(operator: str, operands: Sequence[Math]) -> Math:
    """Return `and` or `or` of conditions, without parentheses around those of the same kind."""
    flat: list[Math] = []
    for operand in operands:
        flat += (
            operand.operands
            if isinstance(operand, Logic) and operand.operator == operator
            else (operand,)
        )
    neutral, decided = (TRUE, FALSE) if operator == "and" else (FALSE, TRUE)
    if decided in flat:
        return decided
    kept = [operand for operand in flat if operand != neutral]
    if len(kept) < 2:
        return kept[0] if kept else neutral
    return Logic(operator, tuple(kept))
