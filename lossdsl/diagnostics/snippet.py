"""Excerpts of the source with the labelled places underlined, as lines of styled pieces."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from lossdsl.diagnostics.diagnostic import Label
from lossdsl.frozen import dataclass
from lossdsl.source import Source, Span

Piece = tuple[str, str]
"""A text and its style, in rich's words."""

Line = list[Piece]

FRAME, SECONDARY = "bold blue", "bold blue"
TAB, WIDEST, LONGEST = 4, 120, 6
_ESCAPED = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


@dataclass(frozen=True)
class Mark:
    """An underlined range of cells of one line."""

    start: int
    end: int
    text: str
    primary: bool


def printable(text: str) -> str:
    """Escape what would move the cursor, color the terminal or turn the reading direction.

    >>> printable("a\\x1b[31mb")
    'a\\\\x1b[31mb'
    """
    return "".join(map(_printed, text))


def _printed(character: str) -> str:
    if unicodedata.category(character) not in _ESCAPED:
        return character
    return character.encode("unicode_escape").decode("ascii")


def cells(line: str) -> tuple[str, Sequence[int]]:
    """Return a line as it is printed, and the cell at which each character and the end stand.

    >>> cells("\\tx")
    ('    x', [0, 4, 5])
    """
    if line.isascii() and line.isprintable():
        return line, range(len(line) + 1)
    shown: list[str] = []
    at = [0]
    for character in line:
        text = " " * (TAB - at[-1] % TAB) if character == "\t" else _printed(character)
        shown.append(text)
        at.append(at[-1] + sum(map(_width, text)))
    return "".join(shown), at


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def located(span: Span) -> Span:
    """Return the place in the file; one at the end of the text moves onto its last line."""
    text = span.source.text
    end = len(text.rstrip())
    if end < span.start and not text[span.start : span.end].strip():
        span = Span(span.source, end, end)
    return span.in_file


def excerpt(labels: Sequence[Label], style: str) -> list[Line]:
    """Return the excerpts that show all labels, the primary one's file first."""
    ordered = sorted(labels, key=lambda label: not label.primary)
    places = [(label, located(label.span)) for label in ordered]
    numbers = [place.source.line_of(place.end) + 1 for _, place in places]
    gutter = max(2, len(str(max(numbers))))
    lines: list[Line] = []
    sources: dict[tuple[str, str], Source] = {}
    for _, place in places:
        sources.setdefault((place.source.name, place.source.text), place.source)
    for source in sources.values():
        here = [(label, place) for label, place in places if place.source == source]
        row, column = source.position(here[0][1].start)
        arrow = ":::" if lines else "-->"
        where = f"{printable(source.name)}:{row}:{column}"
        lines.append([(f"{'':{gutter}}{arrow} ", FRAME), (where, "")])
        if not source.text and not any(label.text for label, _ in here):
            continue
        lines.append([(f"{'':{gutter}} |", FRAME)])
        lines += _file(source, here, gutter, style)
    return lines


def _file(
    source: Source, places: Sequence[tuple[Label, Span]], gutter: int, style: str
) -> Iterator[Line]:
    marks: dict[int, list[Mark]] = {}
    for label, place in places:
        for number, mark in _marks(label, place):
            marks.setdefault(number, []).append(mark)
    first = min(marks)
    context = first - 1
    if context >= _first_line(places[0][0].span) and source.line_text(context).strip():
        marks[context] = []
    marks |= {at + 1: [] for at in marks if at + 1 not in marks and at + 2 in marks}
    previous = min(marks)
    for number in sorted(marks):
        if number > previous + 1:
            yield [(f"{'...':<{gutter}}", FRAME)]
        previous = number
        shown, here = _window(cells(source.line_text(number))[0], marks[number])
        yield (
            [(f"{number + 1:>{gutter}} | ", FRAME), (shown, "")]
            if shown
            else [(f"{number + 1:>{gutter}} |", FRAME)]
        )
        for line in _under(here, style):
            yield [(f"{'':{gutter}} | ", FRAME), *line]


def _first_line(span: Span) -> int:
    """Return the first line that may be shown as context: that of the spec, not of its config."""
    origin = span.source.origin
    return origin.file.line_of(origin.offsets[0]) if origin else 0


def _marks(label: Label, place: Span) -> Iterator[tuple[int, Mark]]:
    """Yield the marked part of each line that a span covers; the label's text goes to the last."""
    source = place.source
    first, last = source.line_of(place.start), source.line_of(max(place.start, place.end - 1))
    for number in range(first, last + 1):
        if last - first >= LONGEST and first + 2 <= number < last:
            continue
        line, begin = source.line_text(number), source.line_start(number)
        indent = len(line) - len(line.lstrip())
        start = place.start - begin if number == first else indent
        end = min(place.end - begin, len(line)) if number == last else len(line.rstrip())
        if start >= end and first < last:
            if number != last:
                continue
            start = end = indent
        at = cells(line)[1]
        start = min(start, len(line))
        left, right = at[start], at[max(start, end)]
        text = printable(label.text) if number == last else ""
        yield number, Mark(left, max(right, left + 1), text, label.primary)


def _window(line: str, marks: list[Mark]) -> tuple[str, list[Mark]]:
    """Cut a very long line down to what is around the first mark."""
    at = cells(line)[1]
    if at[-1] <= WIDEST:
        return line, marks
    leftmost, rightmost = min((mark.start for mark in marks), default=0), WIDEST // 2
    first = bisect_left(at, max(0, leftmost - WIDEST // 3)) if leftmost > rightmost else 0
    last = bisect_right(at, at[first] + WIDEST) - 1
    head, tail = "... " if first else "", " ..." if last < len(line) else ""
    shift, end = at[first] - len(head), at[last]
    inside = [
        replace(mark, start=mark.start - shift, end=min(mark.end, end) - shift)
        for mark in marks
        if mark.start < end
    ]
    return head + line[first:last] + tail, inside


def _under(marks: Sequence[Mark], style: str) -> Iterator[Line]:
    """Yield the underlining of one line, then the labels' texts, the rightmost first."""
    if not marks:
        return
    ink: dict[int, Piece] = {}
    for mark in sorted(marks, key=lambda mark: mark.primary):
        sign = ("^", style) if mark.primary else ("-", SECONDARY)
        ink.update(dict.fromkeys(range(mark.start, mark.end), sign))
    ordered = sorted(marks, key=lambda mark: (mark.start, mark.end))
    hanging = [mark for mark in ordered if mark.text]
    inline = ordered[-1] if ordered[-1].text and ordered[-1].end > max(ink) else None
    underline = _row(ink)
    if inline:
        hanging.remove(inline)
        underline.append((f" {inline.text}", _style(inline, style)))
    yield underline
    bars = {mark.start: ("|", _style(mark, style)) for mark in hanging}
    if hanging:
        yield _row(bars)
    while hanging:
        mark = hanging.pop()
        left = {at: bar for at, bar in bars.items() if at < mark.start}
        row = _row(left)
        yield [*row, (" " * (mark.start - _length(row)), ""), (mark.text, _style(mark, style))]


def _style(mark: Mark, style: str) -> str:
    return style if mark.primary else SECONDARY


def _row(ink: dict[int, Piece]) -> Line:
    pieces = [ink.get(at, (" ", "")) for at in range(max(ink, default=-1) + 1)]
    return [
        ("".join(text for text, _ in group), style)
        for style, group in groupby(pieces, key=lambda piece: piece[1])
    ]


def _length(line: Iterable[Piece]) -> int:
    return sum(len(text) for text, _ in line)
