"""What is wrong with a spec, as data: found by every stage, raised only by public functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lossdsl.frozen import dataclass
from lossdsl.source import Span


@dataclass(frozen=True, slots=True)
class Label:
    """A place and what is to be said of it; one label of a diagnostic is primary."""

    span: Span
    text: str = ""
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Fix:
    """A replacement of a span's text that mends the diagnostic."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding: the message says what was found and expected, the help what to do about it.

    A `strict` one is an error though its code is a warning's.
    """

    code: str
    message: str
    labels: tuple[Label, ...] = ()
    help: str | None = None
    fix: Fix | None = None
    notes: tuple[str, ...] = ()
    strict: bool = False

    @property
    def severity(self) -> str:
        """`"error"` or `"warning"`; it follows the code, but where a check is strict."""
        if self.strict:
            return "error"
        from lossdsl.diagnostics.codes import CODES

        return CODES[self.code].severity

    @property
    def span(self) -> Span | None:
        """The primary label's span, if the diagnostic has a place."""
        for label in self.labels:
            if label.primary:
                return label.span
        return self.labels[0].span if self.labels else None

    def __str__(self) -> str:
        from lossdsl.diagnostics.render import render

        return render(self)


class Meant(str):
    """A help text that names what was meant by what is written: where that alone stands, a fix."""

    written: str
    name: str

    @classmethod
    def of(cls, written: str, name: str, text: str | None = None) -> Meant:
        """Return the help text, which may say more."""
        meant = cls(text or f"did you mean `{name}`?")
        meant.written, meant.name = written, name
        return meant


def at(code: str, message: str, span: Span | None, text: str = "", **more: Any) -> Diagnostic:
    """Make a diagnostic with one primary label; a help text that is `Meant` is a fix, too."""
    labels = () if span is None else (Label(span, text, primary=True),)
    help = more.get("help")
    if isinstance(help, Meant) and span is not None:
        more["help"] = str(help)
        quote = span.text[:1] if span.text[:1] in ("'", '"') else ""
        if span.text == f"{quote}{help.written}{quote}":
            more["fix"] = Fix(span, f"{quote}{help.name}{quote}")
    return Diagnostic(code, message, labels, **more)


def article(noun: str) -> str:
    """Return a noun, perhaps in backticks, behind its indefinite article.

    >>> article("int"), article("list"), article("`int`")
    ('an int', 'a list', 'an `int`')
    """
    return f"{'an' if noun.lstrip('`')[:1].lower() in 'aeiou' else 'a'} {noun}"


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Say whether any of the diagnostics is an error."""
    return any(diagnostic.severity == "error" for diagnostic in diagnostics)


class LossError(ValueError):
    """The one exception of lossdsl; `.diagnostics` holds everything that was found."""

    def __init__(self, diagnostics: Sequence[Diagnostic]):
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        return "\n\n".join(str(diagnostic) for diagnostic in self.diagnostics)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the diagnostics, in order."""
        return tuple(diagnostic.code for diagnostic in self.diagnostics)


class LossWarning(RuntimeWarning):
    """What `warnings.warn` is given where nothing can be raised, or is wrong enough to be."""

    def __init__(self, diagnostics: Sequence[Diagnostic]):
        self.diagnostics = tuple(diagnostics)
        super().__init__(self.diagnostics)

    def __str__(self) -> str:
        from lossdsl.diagnostics.render import render

        return "\n\n".join(render(diagnostic, "warning") for diagnostic in self.diagnostics)
