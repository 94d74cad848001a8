"""How many rows of a large value are computed at once."""

from __future__ import annotations

from lossdsl.diagnostics.diagnostic import LossError, at
from lossdsl.frozen import dataclass
from lossdsl.source import Span

# The budget of a loss that is given none, in bytes.
CHUNK_BYTES = 32_000_000


@dataclass(frozen=True, slots=True)
class Budget:
    """How many bytes a value may have, with its gradient, before it is computed in chunks.

    A chunk has between a sixteenth and two thirds of the budget. Small chunks stay in the caches;
    where whole operands are large, whose gradients are added up chunk by chunk, there are fewer.
    """

    bytes: int

    def is_over(self, size: int) -> bool:
        """Say whether a value of so many bytes and its gradient are over the budget."""
        return 2 * size > self.bytes

    def most(self, size: int) -> int:
        """Return how many chunks a value of so many bytes has at most."""
        return -(-size * 16 // self.bytes)

    def rows(self, size: int, rows: int, whole: int, span: Span | None) -> int:
        """Return the rows of a chunk of a value of a size, by what is read whole for each chunk.

        Raises `LossError` where a budget below the default does not hold a row. Where as many
        chunks, or up to twice as many, are equal, they are.

        >>> Budget(CHUNK_BYTES).rows(4096 * 32000 * 4, 4096, 256 * 32000 * 4, None)
        128
        """
        row = size // rows
        if row > self.bytes and self.bytes < CHUNK_BYTES:
            message = f"one row has {row} bytes, more than `chunk_bytes={self.bytes}`"
            help = f"`chunk_bytes={row}` or more; `chunk_bytes=None` computes all rows at once"
            raise LossError([at("LD617", message, span, help=help)])
        aim = min(max(whole, self.bytes // 16), 2 * self.bytes // 3)
        most = max(1, aim // row)
        equal = (each for each in range(most, most // 2, -1) if rows % each == 0)
        return next(equal, most)
