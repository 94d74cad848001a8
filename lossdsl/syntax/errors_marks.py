"""Named errors of operators, characters and commas that are not the language's, or not there."""

from __future__ import annotations

import re
import unicodedata

from lossdsl.diagnostics.diagnostic import Diagnostic, Fix, at
from lossdsl.source import Span
from lossdsl.syntax.names import RESERVED, reserved
from lossdsl.syntax.situation import Situation, expectation

_FOREIGN = {
    "&&": ("and", "`and`, element by element"),
    "||": ("or", "`or`, element by element"),
    "!": ("not", "`not`, element by element"),
    "&": ("and", "`and`, element by element"),
    "|": ("or", "`or`, element by element"),
    "~": ("not", "`not`, element by element"),
    "^": ("**", "`**` for a power"),
}
_TYPOGRAPHIC = {
    **dict.fromkeys("−–—", "-"),  # noqa: RUF001
    **dict.fromkeys("×·⋅∗", "*"),  # noqa: RUF001
    **dict.fromkeys("“”„‘’«»", '"'),  # noqa: RUF001
    "÷": "/",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "→": "->",
    "…": "...",
}
_QUOTED = re.compile('[“„‘«»’”]([^"\n“„”‘’«»]*)[“”’‘«»]')  # noqa: RUF001
_INTERPOLATION = re.compile(r"\$\{[^{}\n]{1,64}\}")
BINARY = frozenset({"*", "/", "//", "%", "@", "**", "and", "or"})
ARITHMETIC = BINARY | {"+", "-"}
CLOSING = frozenset({")", "]", "}"})


def foreign_operator(s: Situation) -> Diagnostic | None:
    lexeme = s.lexeme
    pair = Span(lexeme.span.source, s.before.span.start, lexeme.span.end)
    if lexeme.text == "=" and s.before.text in ARITHMETIC and s.before.touches(lexeme):
        return at(
            "LD009",
            f"`{pair.text}` is no operator; a name gets its value once",
            pair,
            help="bind the result to another name",
        )
    if (s.before.text, lexeme.text) == ("<", ">") and s.before.touches(lexeme):
        return at("LD009", "`<>` is no operator", pair, help="write `!=`", fix=Fix(pair, "!="))
    if lexeme.text == "?":
        return at(
            "LD009",
            "`?` is no operator",
            lexeme.span,
            help="a choice is written `value if condition else otherwise`",
        )
    if lexeme.text not in _FOREIGN:
        return None
    instead, meaning = _FOREIGN[lexeme.text]
    text = instead if s.look(1).span.start > lexeme.span.end else f"{instead} "
    if instead != "**" and s.before.touches(lexeme) and s.before.kind != "mark":
        text = f" {text}"
    return at(
        "LD009",
        f"`{lexeme.text}` is no operator of the language",
        lexeme.span,
        help=f"write {meaning}",
        fix=Fix(lexeme.span, text),
    )


def unknown_character(s: Situation) -> Diagnostic | None:
    lexeme = s.lexeme
    if lexeme.kind != "mark" or (lexeme.text.isascii() and lexeme.text not in "$`;\\"):
        return None
    if interpolation := _INTERPOLATION.match(lexeme.span.source.text, lexeme.span.start):
        span = Span(lexeme.span.source, *interpolation.span())
        message = f"`{interpolation[0]}` is an interpolation of a config, which nothing resolved"
        return at("LD002", message, span, help="resolve the config first: `OmegaConf.resolve`")
    instead = _TYPOGRAPHIC.get(lexeme.text, unicodedata.normalize("NFKC", lexeme.text))
    known = instead != lexeme.text and instead.isascii()
    described = unicodedata.name(lexeme.text, "unnamed").lower()
    return at(
        "LD002",
        f"`{lexeme.text}`, {described}, is no character of the language",
        lexeme.span,
        help=f"write `{instead}`" if known and instead.strip() else "delete it",
        fix=_plain(lexeme.span, instead) if known else None,
    )


def _plain(span: Span, instead: str) -> Fix | None:
    """Return the fix that writes a character in ASCII: a quote with that which closes it."""
    if instead != '"':
        return Fix(span, instead)
    closing = _QUOTED.match(span.source.text, span.start)
    return closing and Fix(Span(span.source, *closing.span()), f'"{closing[1]}"')


def equals(s: Situation) -> Diagnostic | None:
    """`=` where only a comparison can stand, and its misspellings `=<`, `=>`, `===`."""
    lexeme, after = s.lexeme, s.look(1)
    if lexeme.text in ("<", ">") and s.before.text == "=":
        lexeme, after = s.before, lexeme
    if lexeme.text != "=":
        return None
    if after.text in ("<", ">") and lexeme.touches(after):
        both = lexeme.span.to(after.span)
        right = f"{after.text}="
        return at(
            "LD008",
            f"`{both.text}` is no operator",
            both,
            help=f"write `{right}`",
            fix=Fix(both, right),
        )
    if s.before.text == "==" and s.before.touches(lexeme):
        both = s.before.span.to(lexeme.span)
        return at("LD008", "`===` is no operator", both, help="write `==`", fix=Fix(both, "=="))
    if not s.wants_operator:
        return None
    if s.before.text in RESERVED:
        return reserved(s.before.text, s.before.span)
    defines = s.before.text == ")" and not s.in_brackets
    return at(
        "LD008",
        "`=` in an expression; expected `==`",
        lexeme.span,
        help="a function is defined by `def f(x) = …`" if defines else "`==` compares",
        fix=None if defines else Fix(lexeme.span, "=="),
    )


def comma(s: Situation) -> Diagnostic | None:
    lexeme, before = s.lexeme, s.before
    if before.text == "," and (lexeme.text in CLOSING or lexeme.text == ","):
        return at(
            "LD012",
            f"a comma before {lexeme}; expected {_listed(s)}",
            before.span,
            help="delete it",
            fix=Fix(before.span, ""),
        )
    if lexeme.text != ",":
        return None
    if before.text in ("(", "[", "{") or before.kind == "start":
        message = f"a comma after `{before.text}`" if before.text else "a comma at the beginning"
        return at(
            "LD012",
            f"{message}; expected {_listed(s)}",
            lexeme.span,
            help="delete it",
            fix=Fix(lexeme.span, ""),
        )
    if s.wants_operator and not s.in_brackets:
        return at(
            "LD012",
            "a comma outside brackets; expected an operator",
            lexeme.span,
            help="a tuple is written `(a, b)`; terms are added with `+`",
        )
    return None


def _listed(s: Situation) -> str:
    return "an expression" if s.wants_operand else expectation(s)
