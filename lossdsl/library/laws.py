"""What the laws say that functions declare, in words."""

from __future__ import annotations

from collections.abc import Mapping

MEANINGS: Mapping[str, str] = {
    "nonneg": "the value is never below 0",
    "unit": "the value lies between 0 and 1",
    "zero": "the value is 0 where the first two arguments are equal",
    "symmetric": "swapping the first two arguments changes nothing",
    "antisymmetric": "swapping the first two arguments turns the sign",
    "convex": "convex in the first argument: between two points the value lies below their chord",
    "concave": "concave in the first argument: between two points the value lies above their chord",
    "even": "turning the sign of the argument changes nothing",
    "odd": "turning the sign of the argument turns the sign of the value",
    "monotone": "the value never falls where the first argument grows",
    "shift": "adding one number to all classes of an example changes nothing",
    "translation": "adding one number to both of the first two arguments changes nothing",
    "scale": "multiplying all real arguments by c > 0 multiplies the value by c to the power {}",
    "normalized": "the squares along the axis sum to 1, or all are 0",
    "flat": "the value is constant between its jumps, so that its gradient is 0",
    "permutation": "the order of the examples does not change the sum",
}


def meaning(law: str) -> str:
    """Return what a declared law says.

    >>> meaning("scale 2")
    'multiplying all real arguments by c > 0 multiplies the value by c to the power 2'
    """
    name, _, number = law.partition(" ")
    return MEANINGS.get(name, "").format(number)
