"""From the place where the parser stopped to a named error.

Each rule of `_RULES` knows one kind of mistake and returns `None` for the others; the first that
knows speaks. The last one knows every text.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable

from lossdsl.diagnostics.diagnostic import Diagnostic, Fix, Label, at
from lossdsl.source import Source
from lossdsl.syntax import errors_marks as marks
from lossdsl.syntax.errors_marks import ARITHMETIC, BINARY, CLOSING
from lossdsl.syntax.errors_types import type_rules
from lossdsl.syntax.names import RESERVED, reserved
from lossdsl.syntax.situation import Lexeme, Situation, expectation, situation

_COMPARISONS = frozenset({"<", "<=", ">", ">=", "==", "!="})
_STATEMENT_WORDS = frozenset({"loss", "metric", "def"})
_ENDING = CLOSING | {",", ":", "if", "else", "as"}


def explain(source: Source, start: str, position: int) -> Diagnostic:
    """Return the finding for a text that the grammar refuses at a position."""
    where = situation(source, start, position)
    return next(diagnostic for rule in _RULES if (diagnostic := rule(where)) is not None)


def _declaration_late(s: Situation) -> Diagnostic | None:
    """A name with `:` or `,` behind it, where statements have begun."""
    if s.accepts == {"EQUAL"} and s.lexeme.text in (":", ",") and s.before.kind == "word":
        name = s.before
    elif s.wants_operator and not s.in_brackets and _declares(s):
        name = s.lexeme
    else:
        return None
    return at(
        "LD015",
        f"`{name.text}` is declared after a statement",
        name.span,
        help="declarations come first",
    )


def _declares(s: Situation) -> bool:
    if s.lexeme.kind != "word" or s.lexeme.text in RESERVED:
        return False
    ahead = 1
    while s.look(ahead).text == "," and s.look(ahead + 1).kind == "word":
        ahead += 2
    return s.look(ahead).text == ":"


def _unnamed(s: Situation) -> Diagnostic | None:
    """An expression where every statement needs a name."""
    lexeme, before = s.lexeme, s.before
    if s.accepts == {"EQUAL"} and before.kind == "word" and before.begins_line():
        span, text = before.span, "this expression has no name"
    elif s.wants_operator and not s.in_brackets and _begins_statement(s):
        if lexeme.text == "loss":
            return at(
                "LD016",
                "a second result after an expression; expected one result",
                lexeme.span,
                help="add the two, or name each: `loss critic = …`, `loss actor = …`",
            )
        span, text = lexeme.span, "the expression before has no name"
    else:
        return None
    return at(
        "LD022",
        "an expression among statements; expected `name = …`",
        span,
        text,
        help="name what is minimized: `loss = …`",
    )


def _begins_statement(s: Situation) -> bool:
    word = s.lexeme.text in _STATEMENT_WORDS
    binds = s.lexeme.kind == "word" and s.lexeme.text not in RESERVED and s.look(1).text == "="
    return word or binds


def _comparison(s: Situation) -> Diagnostic | None:
    lexeme, before = s.lexeme, s.before
    if not s.wants_operand:
        return None
    if lexeme.text in _COMPARISONS:
        return at(
            "LD010",
            f"nothing to compare on the left of `{lexeme.text}`; expected an expression",
            lexeme.span,
            help="a range of an input is such as `in [0, inf)`" if "COLON" in s.pending else None,
        )
    if before.text in _COMPARISONS and _ends_operand(s):
        return at(
            "LD010",
            f"nothing to compare on the right of `{before.text}`; expected an expression",
            before.span,
        )
    return None


def _operand(s: Situation) -> Diagnostic | None:
    lexeme, before = s.lexeme, s.before
    if not s.wants_operand:
        return None
    if lexeme.text in BINARY:
        return at(
            "LD026", f"`{lexeme.text}` without a left side; expected an expression", lexeme.span
        )
    if (before.text in ARITHMETIC or before.text == "not") and _ends_operand(s):
        side = "an operand" if before.text == "not" else "a right side"
        return at("LD026", f"`{before.text}` without {side}; expected an expression", before.span)
    return None


def _ends_operand(s: Situation) -> bool:
    """Say whether an expression cannot begin here because something else begins or ends."""
    lexeme = s.lexeme
    if lexeme.kind == "end" or lexeme.text in _ENDING:
        return True
    return lexeme.text in _STATEMENT_WORDS and (
        s.look(1).text == "=" or s.look(2).text in ("=", "(")
    )


def _list(s: Situation) -> Diagnostic | None:
    if s.wants_operand and s.lexeme.text == "[":
        help = "write `(a, b)`; one item is `(a,)`"
        return at("LD032", "a list in an expression; expected a tuple", s.lexeme.span, help=help)
    if s.before.text == "{" and s.accepts == {"NAME", "TEXT"}:
        help = "such as `{kernel: 1, bias: 0.1}`; numbers alone are a tuple: `(1, 0.1)`"
        message = f"{s.lexeme} in a mapping; expected a name or a quoted selector"
        return at("LD032", message, s.lexeme.span, help=help)
    return None


def _unquoted(s: Situation) -> Diagnostic | None:
    """A path or selector as a name of a mapping, without the quotes around it."""
    braces = [at for at, kind in enumerate(s.pending) if kind == "LEFT_BRACE"]
    in_type = not braces or s.pending[braces[0] - 1 : braces[0]] in (("COLON",), ("ARROW",))
    if s.accepts != {"COLON"} or in_type or s.lexeme.kind != "mark" or s.lexeme.text in _ENDING:
        return None
    end = 0
    while s.look(end).text not in (":", ",", "}", "") and s.look(end + 1).kind != "end":
        end += 1
    if s.look(end).text != ":":
        return None
    name = s.before.span.to(s.look(end - 1).span)
    return at(
        "LD001",
        f"unexpected {s.lexeme} in a name of a mapping; expected `:`",
        s.lexeme.span,
        help=f'a path or a selector is quoted: `"{name.text}"`',
        fix=Fix(name, f'"{name.text}"'),
    )


def _conditional(s: Situation) -> Diagnostic | None:
    if "ELSE" not in s.accepts or _begins_operand(s.lexeme):
        return None
    return at(
        "LD030",
        f"`if` without `else` before {s.lexeme}; expected `else`",
        s.lexeme.span,
        help="write `value if condition else otherwise`",
    )


def _reserved(s: Situation) -> Diagnostic | None:
    lexeme, before = s.lexeme, s.before
    if lexeme.text == "lossdsl":
        return at(
            "LD024",
            "a version after the first line; expected it at the beginning",
            lexeme.span,
            help="begin the text with `lossdsl 1`, or leave it out",
        )
    if before.text == "loss" and (lexeme.text in ARITHMETIC or lexeme.text in _COMPARISONS):
        return reserved(before.text, before.span)
    if "NAME" in s.accepts and (lexeme.text in RESERVED or lexeme.text == "_"):
        return reserved(lexeme.text, lexeme.span)
    return None


def _missing_operator(s: Situation) -> Diagnostic | None:
    lexeme, before = s.lexeme, s.before
    if s.accepts == {"EQUAL"} and before.kind == "word":
        lexeme, before = before, s.look(-2)
    elif not (s.wants_operator and _begins_operand(lexeme)):
        return None
    for word in (before, lexeme):
        if keyword.iskeyword(word.text) and word.text not in RESERVED:
            return at(
                "LD019",
                f"`{word.text}` is a keyword of Python that the language does not have",
                word.span,
                help="`==` compares" if word.text == "is" else None,
            )
    if lexeme.text == "(" and s.look(-2).text == ".":
        return at(
            "LD031",
            f"a method `{before.text}`; expected a function",
            before.span,
            help=f"write `{before.text}(…)` with the value as argument",
        )
    foreign = _foreign_number(before, lexeme)
    if foreign is not None:
        return foreign
    labels = (Label(lexeme.span, "expected an operator", primary=True),)
    return Diagnostic(
        "LD007",
        f"no operator between {before} and {lexeme}",
        labels,
        help="write `*` to multiply" if before.kind == "number" or lexeme.text == "(" else None,
    )


# As Python, C and YAML write numbers, and this language does not.
_FOREIGN_NUMBER = re.compile(
    r"0[xX](_?[0-9a-fA-F])+|0[bB](_?[01])+|0[oO](_?[0-7])+|[0-9]+(_[0-9]+)+"
)
_LONGEST = 64


def _foreign_number(before: Lexeme, lexeme: Lexeme) -> Diagnostic | None:
    span = before.span.to(lexeme.span)
    if before.kind != "number" or not before.touches(lexeme):
        return None
    if len(span.text) > _LONGEST or not _FOREIGN_NUMBER.fullmatch(span.text):
        return None
    plain = str(int(span.text, 0 if span.text[1].isalpha() else 10))
    return at(
        "LD037",
        f"`{span.text}` is no number of the language",
        span,
        help=f"write `{plain}`",
        fix=Fix(span, plain),
    )


def _begins_operand(lexeme: Lexeme) -> bool:
    if lexeme.kind == "word":
        return lexeme.text not in RESERVED or lexeme.text.lower() in (
            "not", "true", "false", "inf", "nan", "none",
        )  # fmt: skip
    return lexeme.kind in ("number", "text") or lexeme.text in ("(", "[", "{")


def _membership(s: Situation) -> Diagnostic | None:
    """`x in (0, 1)`, which is a comparison elsewhere and the range of an input here."""
    if s.lexeme.text != "in":
        return None
    return at(
        "LD019",
        "`in` gives the range of an input that is declared, and compares nothing",
        s.lexeme.span,
        help="a mask is `0 <= x and x <= 1`, or `y == 1 or y == 2`",
    )


def _anything(s: Situation) -> Diagnostic:
    ends = s.lexeme.kind == "end"
    return at(
        "LD001",
        f"{'the text ends' if ends else f'unexpected {s.lexeme}'}; expected {expectation(s)}",
        s.lexeme.span,
        help="inputs are declared by `a, b: type`" if s.accepts == {"COLON", "COMMA"} else None,
    )


_RULES: tuple[Callable[[Situation], Diagnostic | None], ...] = (
    _membership,
    marks.comma,
    *type_rules,
    _unquoted,
    marks.foreign_operator,
    marks.unknown_character,
    marks.equals,
    _declaration_late,
    _unnamed,
    _comparison,
    _operand,
    _list,
    _conditional,
    _missing_operator,
    _reserved,
    _anything,
)
