"""Which words may be names: normalized, no keyword of either language, no look-alike letters."""

from __future__ import annotations

import keyword
import unicodedata

from lossdsl.diagnostics.diagnostic import Diagnostic, at
from lossdsl.source import Span

# fmt: off
RESERVED = frozenset({
    "lossdsl", "loss", "metric", "def", "as", "and", "or", "not", "if", "else", "in",
    "true", "false", "inf", "nan", "none", "True", "False", "None",
})
# fmt: on

# What Python's compiler keeps for itself though it is no keyword: nothing may be called so.
_CONSTANTS = frozenset({"__debug__"})

# Letters of other scripts that print like a Latin one. Names such as `Δx` and `dθ` are fine.
_LOOK_ALIKES = frozenset(
    "АВЕЅІЈКМНОРСТУХаеорсухѕіјһԁԛԝ"  # noqa: RUF001 - Cyrillic
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοινρ"  # noqa: RUF001 - Greek
    "օսհցԼ"  # Armenian
)


def read_name(span: Span) -> tuple[str, Diagnostic | None]:
    """Return the name that a span holds, NFKC-normalized, and what is wrong with it.

    >>> from lossdsl.source import Source
    >>> read_name(Span(Source("ﬁt"), 0, 2))
    ('fit', None)
    """
    written = span.text
    if written.isascii():
        name = written
    else:
        name = unicodedata.normalize("NFKC", written)
        if not written.isidentifier() or not name.isidentifier():
            return name, at(
                "LD002",
                f"`{written}` is no name; expected letters, digits and `_`",
                span,
                help="a power is written `x**2`",
            )
        if name in RESERVED:
            return name, reserved(name, span)
        if _LOOK_ALIKES.intersection(name) and any(map(_is_latin, name)):
            look_alike = next(letter for letter in name if letter in _LOOK_ALIKES)
            described = unicodedata.name(look_alike, "unnamed").lower()
            return name, at(
                "LD020",
                f"`{name}` mixes Latin letters with a letter that looks like one",
                span,
                f"`{look_alike}` is {described}",
                help="retype the name in one script",
            )
    if name in _CONSTANTS:
        return name, at(
            "LD019",
            f"`{name}` is a constant of Python and cannot be a name",
            span,
            help=f"`{name.strip('_')}` is free; arguments are passed by name from Python",
        )
    if keyword.iskeyword(name):
        return name, at(
            "LD019",
            f"`{name}` is a keyword of Python and cannot be a name",
            span,
            help=f"`{name}_` is free; arguments are passed by name from Python",
        )
    return name, None


def name_problems(span: Span) -> list[Diagnostic]:
    """Hold a name that comes from outside a text to the rules of names.

    A text is read in one Unicode form, and a name in another one would never be met there.
    """
    name = span.text
    if name in RESERVED:
        return [reserved(name, span)]
    if name.isascii() and not name.isidentifier():
        return [at("LD002", f"`{name}` is no name; expected letters, digits and `_`", span)]
    read, diagnostic = read_name(span)
    if diagnostic is None and read != name:
        message = f"`{name}` is called `{read}` in a text"
        diagnostic = at("LD002", message, span, help=f"write `{read}`, its normal form")
    return [] if diagnostic is None else [diagnostic]


def is_plain(text: str) -> bool:
    """Say whether a text can be written as a name, without quotes.

    >>> is_plain("kernel"), is_plain("head/**"), is_plain("loss")
    (True, False, False)
    """
    if not (text.isascii() and text.isidentifier()) or text == "_" or text in RESERVED:
        return False
    return not keyword.iskeyword(text) and text not in _CONSTANTS


def reserved(name: str, span: Span) -> Diagnostic:
    """Return the finding that a reserved word stands where a name is expected."""
    return at(
        "LD018",
        f"`{name}` is a reserved word and cannot be a name",
        span,
        help="choose another name, such as `" + name.lower() + "_`",
    )


def _is_latin(letter: str) -> bool:
    return letter.isascii() and letter.isalpha()
