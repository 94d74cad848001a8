"""The canonical text of a program: what `lossdsl fmt` prints and what a spec's hash is made of.

One statement a line; a sum that does not fit a line, or has comments inside, one addend a line.
A comment on a line of its own leads what comes after it; a trailing one follows what it stands
behind.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import assert_never

from lossdsl.syntax.ast import (
    Addend,
    Binding,
    Comment,
    Declaration,
    Definition,
    Expr,
    Metric,
    Program,
    Result,
    Statement,
    Sum,
)
from lossdsl.syntax.format_nodes import (
    format_addend,
    format_expr,
    format_literal,
    format_parameter,
    format_range,
    format_returns,
    format_signature,
    format_type,
)

WIDTH = 88
_INDENT = "    "


def format_program(program: Program) -> str:
    """Return the canonical text of a program, with its comments.

    >>> from lossdsl.source import Source
    >>> from lossdsl.syntax.parse import parse_program
    >>> format_program(parse_program(Source("1e-3*mse( out,tgt )  # fit"))[0])
    '0.001 * mse(out, tgt)  # fit\\n'
    """
    header, slots, footer = _attach(program)
    lines = list(header)
    previous: Statement | None = None
    for slot in slots:
        if lines and (previous is None or _apart(previous, slot)):
            lines.append("")
        lines += slot.lines()
        previous = slot.statement
    if lines and footer:
        lines.append("")
    return "".join(f"{line}\n" for line in (*lines, *footer))


@dataclass
class _Attached:
    """The comments of one statement or addend, in source order."""

    comments: list[Comment] = field(default_factory=list[Comment])

    @property
    def trail(self) -> Comment | None:
        """The comment that stays behind the text: the last trailing one, as a line holds one."""
        return next((x for x in reversed(self.comments) if not x.own_line), None)

    @property
    def lead(self) -> list[str]:
        """The comments on lines of their own."""
        return [comment.text for comment in self.comments if comment is not self.trail]

    def around(self, lines: Sequence[str], indent: str = "") -> list[str]:
        """Return the lines with the comments about them."""
        *before, last = lines
        ends = "" if self.trail is None else f"  {self.trail.text}"
        return [*(indent + text for text in self.lead), *before, last + ends]


@dataclass
class _Slot:
    """A statement with its comments; those inside it are kept apart until it is laid out."""

    statement: Statement
    outer: _Attached = field(default_factory=_Attached)
    inner: list[Comment] = field(default_factory=list[Comment])

    def lines(self) -> list[str]:
        """Return the statement's lines."""
        head, value = _head(self.statement)
        if isinstance(value, Sum):
            addends = _attach_addends(value.addends, self.inner)
            # What leads the first addend of a bare sum leads the statement as well.
            led = addends if head else addends[1:]
            apart = any(x.lead for x in led) or any(x.trail for x in addends[:-1])
            if apart or len(head) + len(format_expr(value)) > WIDTH:
                return [*self.outer.lead, *_split(self.statement, head, value.addends, addends)]
        together = _Attached([*self.outer.comments, *self.inner])
        return together.around(_unsplit(self.statement, head, value))


def _head(statement: Statement) -> tuple[str, Expr | None]:
    """Return the text before a statement's value, and the value."""
    match statement:
        case Declaration(names, kind, default):
            ending = "" if default is None else f" = {format_literal(default.value)}"
            written = f"{format_type(kind)}{ending}{format_range(kind)}"
            return f"{', '.join(names)}: {written}", None
        case Binding(name, value):
            return f"{name} = ", value
        case Definition(kind, signature, value):
            return f"{kind} {format_signature(signature)} = ", value
        case Result(bare=True, value=value):
            return "", value
        case Result(name, value):
            return f"loss {name} = " if name else "loss = ", value
        case Metric(name, value):
            return f"metric {name} = ", value
        case _:
            assert_never(statement)


def _unsplit(statement: Statement, head: str, value: Expr | None) -> list[str]:
    text = "" if value is None else format_expr(value)
    if len(head) + len(text) <= WIDTH or not (head and text):
        return [head + text]
    return [*_opening(statement, head), _INDENT + text]


def _split(
    statement: Statement, head: str, addends: Sequence[Addend], attached: Sequence[_Attached]
) -> list[str]:
    """Return the lines of a sum with one addend a line."""
    lines = _opening(statement, head) if head else []
    indent = _INDENT if head else ""
    for place, (addend, comments) in enumerate(zip(addends, attached, strict=True)):
        text = indent + format_addend(addend, leads=place == 0)
        lines += comments.around([text], indent)
    return lines


def _opening(statement: Statement, head: str) -> list[str]:
    """Return the lines up to the `=` of a statement whose value has lines of its own."""
    if not isinstance(statement, Definition) or len(head) <= WIDTH:
        return [head.rstrip()]
    signature = statement.signature
    *most, last = [_INDENT + format_parameter(x) for x in signature.parameters] or [""]
    opening = f"{statement.kind} {signature.name}("
    return [opening, *(f"{x}," for x in most), last, f"){format_returns(signature)} ="]


def _apart(previous: Statement, slot: _Slot) -> bool:
    """Say whether a blank line parts two statements: definitions, or statements that differ."""
    statement = slot.statement
    if isinstance(statement, Definition) and isinstance(previous, Definition):
        return True
    return _group(previous) is not _group(statement)


def _group(statement: Statement) -> type[Statement]:
    return Result if isinstance(statement, Metric) else type(statement)


def _attach(program: Program) -> tuple[list[str], list[_Slot], list[str]]:
    """Give each comment to the version line, to a statement or to the end of the text."""
    slots = [_Slot(statement) for statement in program.statements]
    starts = [statement.span.start for statement in program.statements]
    version = _Attached()
    footer: list[str] = []
    for comment in program.comments:
        place = comment.span.start
        begun = bisect(starts, place)
        if begun and (not comment.own_line or place < program.statements[begun - 1].span.end):
            slots[begun - 1].inner.append(comment)
        elif not comment.own_line or _precedes_version(program, place):
            version.comments.append(comment)
        elif begun < len(slots):
            slots[begun].outer.comments.append(comment)
        else:
            footer.append(comment.text)
    if program.version is None:
        return [], slots, footer
    return version.around([f"lossdsl {program.version}"]), slots, footer


_BEFORE_VERSION = re.compile(r"(?:\s|#[^\r\n]*)*")


def _precedes_version(program: Program, place: int) -> bool:
    if program.version is None:
        return False
    above = _BEFORE_VERSION.match(program.span.source.text)
    return above is not None and place < above.end()


def _attach_addends(addends: Sequence[Addend], comments: Iterable[Comment]) -> list[_Attached]:
    """Give each comment inside a sum to one of its addends."""
    attached = [_Attached() for _ in addends]
    for comment in comments:
        place = comment.span.start
        begun = sum(addend.span.start < place for addend in addends)
        ended = sum(addend.span.end <= place for addend in addends)
        chosen = ended if comment.own_line else begun - 1
        attached[min(max(chosen, 0), len(addends) - 1)].comments.append(comment)
    return attached
