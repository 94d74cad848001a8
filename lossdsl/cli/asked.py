"""What `lossdsl explain` is asked of a spec."""

from __future__ import annotations

from lossdsl.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be explained of a spec: without anything else its formula."""

    latex: bool = False
    core: bool = False
    rewrites: bool = False
