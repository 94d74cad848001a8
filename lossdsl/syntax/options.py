"""Words that are no keywords and mean the same everywhere: of options, axes and inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping

REDUCE = "reduce"
AXIS = "axis"
WHERE = "where"
WEIGHT = "weight"
NORMALIZE = "normalize"
KEEPDIMS = "keepdims"

# The keywords that every loss takes; no loss may use these names for anything else. A loss that
# couples examples declares `where: bool[N]? = none` and reads the mask in its body too.
LOSS_OPTIONS = (REDUCE, AXIS, WHERE, WEIGHT, NORMALIZE)

CLASS_AXIS = "class_axis"
"""The option that says along which axis of scores the classes lie: labels count them."""

IGNORE_INDEX = "ignore_index"
"""The option that names a label beside the classes, whose elements are left out."""

ALL = "all"
"""What names every axis where axes are named."""

STEP = "step"
"""The input that counts training steps; a function whose first parameter it is is a schedule."""

CONSTANTS: Mapping[str, float] = {"pi": math.pi}
"""Numbers that have a name where nothing else in reach has it."""
