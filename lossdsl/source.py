"""Texts and positions in them: every node and every diagnostic points into a `Source`."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import field
from functools import cached_property

from lossdsl.frozen import dataclass


@dataclass(frozen=True)
class Origin:
    """Where a text stands in a larger file, such as a block scalar in YAML.

    `offsets` holds the file's offset of each character of the text, and that of its end. Escapes,
    folded lines and indentation are then nothing special.
    """

    file: Source
    offsets: tuple[int, ...]


@dataclass(frozen=True)
class Source:
    """One text with the name of where it came from, and its place there if it is a part."""

    text: str
    name: str = "<loss>"
    origin: Origin | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        return f"Source({self.name})"

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        starts = [0]
        starts += [at + 1 for at, character in enumerate(self.text) if character == "\n"]
        return tuple(starts)

    def line_of(self, offset: int) -> int:
        """Return the 0-based line of the text that holds `offset`."""
        return bisect_right(self._starts, offset) - 1

    def line_start(self, line: int) -> int:
        """Return the offset at which a 0-based line begins."""
        return self._starts[line]

    def line_text(self, line: int) -> str:
        """Return a 0-based line without its line break."""
        end = self._starts[line + 1] - 1 if line + 1 < len(self._starts) else len(self.text)
        return self.text[self._starts[line] : end].rstrip("\r")

    def position(self, offset: int) -> tuple[int, int]:
        """Return the 1-based line and column of `offset` in the file that a reader opens.

        >>> Source("mse(a, b)\\n+ 1").position(10)
        (2, 1)
        """
        if self.origin:
            offsets = self.origin.offsets
            return self.origin.file.position(offsets[min(offset, len(offsets) - 1)])
        line = self.line_of(offset)
        return line + 1, offset - self._starts[line] + 1

    def utf16_column(self, offset: int) -> int:
        """Return the 0-based column in UTF-16 units, as editors count."""
        start = self._starts[self.line_of(offset)]
        return len(self.text[start:offset].encode("utf-16-le")) // 2


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of offsets in a source."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        """The text that the span covers."""
        return self.source.text[self.start : self.end]

    def to(self, other: Span) -> Span:
        """Return the span from this one's start to the other's end."""
        return Span(self.source, self.start, other.end)

    @property
    def in_file(self) -> Span:
        """The same span in the file that a reader opens."""
        origin = self.source.origin
        if origin is None:
            return self
        last = len(origin.offsets) - 1
        start, end = origin.offsets[min(self.start, last)], origin.offsets[min(self.end, last)]
        covered = origin.file.text[start:end].rstrip() if self.end > self.start else ""
        return Span(origin.file, start, start + len(covered))
