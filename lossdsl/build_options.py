"""How a loss is built: what `compile` takes beside the spec, its inputs, a library and limits."""

from __future__ import annotations

from lossdsl.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `compile`, which says what each does; checked, and hashable."""

    batch: tuple[str, ...] | None
    debug: bool
    strict: bool
    stabilize: bool
    chunk_bytes: int | None
