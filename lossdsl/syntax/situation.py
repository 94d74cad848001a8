"""Where the parser stopped: the words around the place, and what could have stood there."""

from __future__ import annotations

import re
from collections.abc import Set
from functools import cached_property

from lossdsl.frozen import dataclass
from lossdsl.source import Source, Span
from lossdsl.syntax.grammar import stop

_LEXEME = re.compile(
    r"""(?P<skip>[ \t\r\n]+ | \#[^\r\n]*)
      | (?P<text>"[^"\r\n]*" | '[^'\r\n]*')
      | (?P<number>(?:[0-9]+\.(?!\.)[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[0-9]+(?:[eE][+-]?[0-9]+)?)
      | (?P<word>[^\W\d]\w*)
      | (?P<mark>\.\.\.|&&|\|\||\*\*|//|->|[<>!=]=|.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Lexeme:
    """A word, number, string or mark, whether the language knows it or not; or the text's end."""

    kind: str
    text: str
    span: Span

    def __str__(self) -> str:
        if self.kind == "end":
            return "the end of the text"
        return f"`{self.text}`" if len(self.text) <= 40 else f"`{self.text[:37]}…`"

    def touches(self, other: Lexeme) -> bool:
        """Say whether nothing stands between this lexeme and the next one."""
        return self.span.end == other.span.start

    def begins_line(self) -> bool:
        """Say whether only white space precedes the lexeme on its line."""
        source = self.span.source
        start = source.line_start(source.line_of(self.span.start))
        return not source.text[start : self.span.start].strip()


@dataclass(frozen=True)
class Situation:
    """A refused text: `lexeme` is the first that cannot stand where it stands.

    `accepts` holds the terminals that could; `pending` the tokens of constructs not yet complete.
    """

    lexemes: tuple[Lexeme, ...]
    at: int
    accepts: Set[str]
    pending: tuple[str, ...]

    @property
    def lexeme(self) -> Lexeme:
        return self.lexemes[self.at]

    def look(self, distance: int) -> Lexeme:
        """Return the lexeme so many places on; beyond either end, an end."""
        place = self.at + distance
        if 0 <= place < len(self.lexemes):
            return self.lexemes[place]
        return self.lexemes[-1] if place > 0 else Lexeme("start", "", self.lexemes[0].span)

    @cached_property
    def before(self) -> Lexeme:
        return self.look(-1)

    @cached_property
    def wants_operand(self) -> bool:
        return "NONE" in self.accepts

    @cached_property
    def wants_operator(self) -> bool:
        return "SLASH" in self.accepts

    @cached_property
    def wants_type(self) -> bool:
        return "DTYPE" in self.accepts

    @cached_property
    def in_brackets(self) -> bool:
        opened = sum(kind.startswith("LEFT_") for kind in self.pending)
        return opened > sum(kind.startswith("RIGHT_") for kind in self.pending)


def situation(source: Source, start: str, position: int) -> Situation:
    """Return the situation of a text that the grammar refuses at a position.

    The text is parsed again up to the place, since the parser that stopped may already have closed
    constructs on the strength of the token that it then refused.
    """
    lexemes = _lexemes(source)
    at = next(i for i, x in enumerate(lexemes) if x.kind == "end" or x.span.end > position)
    pending, accepts = stop(source.text, start, position)
    return Situation(lexemes, at, accepts, pending)


def _lexemes(source: Source) -> tuple[Lexeme, ...]:
    lexemes = [
        Lexeme(match.lastgroup or "mark", match[0], Span(source, match.start(), match.end()))
        for match in _LEXEME.finditer(source.text)
        if match.lastgroup != "skip"
    ]
    end = lexemes[-1].span.end if lexemes else 0
    return (*lexemes, Lexeme("end", "", Span(source, end, end)))


# What a reader calls the terminals; whatever is not here is written as it is.
_PHRASES = {
    **dict.fromkeys(("INT", "FLOAT", "INF", "NAN"), "a number"),
    **dict.fromkeys(("DTYPE", "ROLE", "TREE", "STATIC", "TEXT_KIND", "SHAPE", "AXES"), "a type"),
    **dict.fromkeys(("AXIS", "CONSTRAINT", "FUNCTION"), "a type"),
    **dict.fromkeys(("TRUE", "FALSE"), "`true` or `false`"),
    "NAME": "a name",
    "TEXT": "a string",
    "$END": "the end of the text",
}
_WRITTEN = {
    "LEFT_PAREN": "(",
    "RIGHT_PAREN": ")",
    "LEFT_BRACKET": "[",
    "RIGHT_BRACKET": "]",
    "LEFT_BRACE": "{",
    "RIGHT_BRACE": "}",
    "COMMA": ",",
    "COLON": ":",
    "EQUAL": "=",
    "ARROW": "->",
    "BAR": "|",
    "QUESTION": "?",
    "PLUS": "+",
    "MINUS": "-",
    "STAR": "*",
    "DOTS": "...",
    "UNDERSCORE": "_",
    "VERSION": "lossdsl",
    "LOSS": "loss",
    "METRIC": "metric",
    "DEF": "def",
    "ELSE": "else",
    "IN": "in",
}
_AFTER_OPERAND = frozenset({"RIGHT_PAREN", "RIGHT_BRACKET", "COMMA", "ELSE", "COLON"})


def expectation(where: Situation) -> str:
    """Return what could have stood at the place, in the user's words.

    >>> expectation(Situation((), 0, frozenset({"COLON", "COMMA"}), ()))
    '`,` or `:`'
    """
    accepts = where.accepts
    phrases: set[str] = set()
    if where.wants_operand:
        phrases.add("an expression")
        accepts &= {"RIGHT_PAREN", "RIGHT_BRACKET"}
    elif where.wants_operator:
        phrases.add("an operator")
        accepts &= _AFTER_OPERAND
    for terminal in accepts:
        if terminal in _PHRASES:
            phrases.add(_PHRASES[terminal])
        elif terminal in _WRITTEN:
            phrases.add(f"`{_WRITTEN[terminal]}`")
    *most, last = sorted(phrases) or ["the end of the text"]
    return f"{', '.join(most)} or {last}" if most else last
