"""What roles say of values: the numbers that they may be, and which of them exclude each other."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from lossdsl.library.domains import Interval

# Where the elements of a value of a role lie; of `signs`, these and nothing between them.
ROLE_RANGES: Mapping[str, Interval] = {
    "probs": Interval(0, 1),
    "log_probs": Interval(-inf, 0, "("),
    "one_hot": Interval(0, 1),
    "mask": Interval(0, 1),
    "signs": Interval(-1, 1),
    "var": Interval(0, inf),
    "std": Interval(0, inf),
}

# The roles of scores and chances, of which an axis of the array lists the classes.
DISTRIBUTIONS = ("logits", "probs", "log_probs")

# The roles of entries that sum to 1 along the axis of the classes.
SUMMING = ("probs", "one_hot")

# By the role that a parameter has and the role that an argument has: how to get from one to the
# other. What is not here goes together, such as a one-hot vector with a distribution.
SCALES: Mapping[tuple[str, str], str] = {
    ("logits", "probs"): "pass the scores from before the softmax or sigmoid",
    ("logits", "log_probs"): "pass the scores from before the logarithm",
    ("logits", "one_hot"): "the arguments look swapped: scores come first",
    ("logits", "labels"): "the arguments look swapped: scores come first",
    ("probs", "logits"): "`softmax({0})` or `sigmoid({0})`",
    ("probs", "log_probs"): "`exp({0})`",
    ("one_hot", "logits"): "`softmax({0})`",
    ("one_hot", "log_probs"): "`exp({0})`",
    ("log_probs", "logits"): "`log_softmax({0})` or `log_sigmoid({0})`",
    ("log_probs", "probs"): "`log_softmax` or `log_sigmoid` of the scores",
    ("log_probs", "one_hot"): "the arguments look swapped",
    ("var", "logvar"): "`exp({0})`",
    ("var", "std"): "`square({0})`",
    ("std", "var"): "`sqrt({0})`",
    ("std", "logvar"): "`exp(0.5*{0})`",
    ("logvar", "var"): "`log({0})`",
    ("logvar", "std"): "`2*log({0})`",
}

# Roles that a number does not change by which the values are multiplied, and that is added.
SCALED = SHIFTED = ("logits",)

# Classes counted from 0 and signs are told apart in the same way.
CODINGS: Mapping[tuple[str, str], str] = {
    ("signs", "labels"): "`2*{0} - 1` makes 0 and 1 signs",
    ("signs", "one_hot"): "`2*{0} - 1` makes 0 and 1 signs",
    ("signs", "mask"): "`2*{0} - 1` makes 0 and 1 signs",
    ("signs", "spikes"): "`2*{0} - 1` makes 0 and 1 signs",
    ("signs", "probs"): "`2*{0} - 1` makes 0 and 1 signs",
    ("labels", "signs"): "`({0} + 1)//2` makes signs 0 and 1",
    ("one_hot", "signs"): "`({0} + 1)/2` makes signs 0 and 1",
    ("probs", "signs"): "`({0} + 1)/2` makes signs 0 and 1",
    ("mask", "signs"): "`{0} > 0`",
}

# How a message names the values of a role.
ROLE_WORDS: Mapping[str, str] = {
    "probs": "probabilities",
    "log_probs": "logarithms of probabilities",
    "one_hot": "a one-hot vector",
    "signs": "signs, -1 or 1",
    "labels": "labels, which count from 0",
    "mask": "0 and 1",
    "spikes": "spikes, 0 or 1",
    "var": "a variance",
    "logvar": "the logarithm of a variance",
    "std": "a standard deviation",
}


def words(role: str) -> str:
    """Return how a message names the values of a role."""
    return ROLE_WORDS.get(role, role)
