"""What a row of LD440 says of a formula: its parts are rows of `near_miss_rows.py`."""

from __future__ import annotations

import re

from lossdsl.analyze.lints.near_miss_guards import Guard
from lossdsl.frozen import dataclass

TURNED = "a sign is turned"


@dataclass(frozen=True, slots=True)
class NearMiss:
    """What is written, in any order, what is meant, and what is wrong with it.

    It is wrong `where` that holds of what the letters stand for. A sum is one of elements, if it is
    not a `total`.
    """

    written: str
    meant: str
    wrong: str
    where: Guard | None = None
    total: bool = False

    @property
    def shown(self) -> str:
        """The pattern as it is shown, in which what is left open is `…`."""
        return re.sub(r"\b_\w*", "…", self.written)
