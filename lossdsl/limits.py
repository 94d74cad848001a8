"""Every resource limit of lossdsl, in one value."""

from __future__ import annotations

from lossdsl.frozen import dataclass


@dataclass(frozen=True)
class Limits:
    """What a spec may cost; raised only from Python, never by a spec.

    `expansion` bounds the levels of expression nesting through expanded definitions,
    `array_bytes` each value that a program makes, by its shape.
    """

    text_length: int = 16_384
    nesting: int = 64
    nodes: int = 4_096
    nodes_warning: int = 1_000
    expansion: int = 100
    terms: int = 256
    terms_warning: int = 100
    chain: int = 200
    number_length: int = 64
    exponent: int = 64
    selector_length: int = 256
    selector_runs: int = 16
    leaves: int = 200_000
    rank: int = 16
    symbols: int = 32
    array_bytes: int = 2**40
    array_bytes_warning: int = 2**31
    diagnostics: int = 20


DEFAULT_LIMITS = Limits()
FILE_SIZE = 2**20  # bytes of a config or a library
