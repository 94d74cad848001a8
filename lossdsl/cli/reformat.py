"""`lossdsl fmt`: the losses of files in canonical form, and nothing else of the files changed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from lossdsl.api import format_source
from lossdsl.cli.files import is_config, write_text
from lossdsl.cli.gather import Gathered, Target, nothing
from lossdsl.cli.output import CLEAN, ERRORS, exit_code, say, show
from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.diagnostics.snippet import printable
from lossdsl.frozen import dataclass
from lossdsl.inputs.mapping_form import Parts
from lossdsl.source import Source, Span
from lossdsl.spec.edit import Held, replaced
from lossdsl.spec.keys import DEFAULT, may_hold
from lossdsl.spec.read import read_bytes, unread

Diagnostics = tuple[Diagnostic, ...]


@dataclass(frozen=True)
class Rewriting:
    """Which losses of a file are formatted, and whether it is written, shown or only told of."""

    keys: tuple[str, ...]
    missing_ok: bool
    check: bool
    diff: bool
    stdin: str


def rewrite(gathered: Gathered, wanted: Rewriting) -> int:
    """Format files; say which ones change, or would, and return the exit code."""
    show(gathered.diagnostics, error=True)
    worst = exit_code(gathered.diagnostics)
    fruitful: set[str] = set()
    for target in gathered.targets:
        data, found = _bytes(target, wanted)
        if data is None:
            show(found, error=True)
            worst = max(worst, exit_code(found))
            continue
        name = wanted.stdin if target.name == "-" else target.name
        before = Held(data, name, wanted.keys if is_config(name) else (DEFAULT,))
        if target.searches and is_config(name) and not may_hold(data.encode(), wanted.keys):
            continue
        after, found, specs = _formatted(before)
        if not specs and (target.searches or wanted.missing_ok) and not before.specs.diagnostics:
            continue
        fruitful |= set(target.searches)
        show(found, error=True)
        worst = max(worst, exit_code(found), _put(target, before, after, wanted))
    empty = [
        nothing(search, f"no file of `{search}` holds a spec")
        for search in gathered.searches
        if search not in fruitful and not gathered.diagnostics
    ]
    show(empty, error=True)
    return max(worst, exit_code(empty))


def _bytes(target: Target, wanted: Rewriting) -> tuple[str | None, Diagnostics]:
    """Return the text of a file with its byte order mark, or why it cannot be read."""
    if target.name == "-":
        return sys.stdin.buffer.read().decode("utf-8", "surrogateescape"), ()
    data, found = read_bytes(target.name)
    if data is None:
        return None, found
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError as error:
        message = f"`{target.name}` is not UTF-8: byte {error.start}"
        return None, (unread(target.name, message),)


def _formatted(file: Held) -> tuple[Held, Diagnostics, int]:
    """Return a file with its losses formatted, what keeps some from it, and how many it holds."""
    specs = file.specs
    found = list(specs.diagnostics)
    if not specs.written:
        found += specs.absent.values()
    places = [
        (at, part)
        for at, written in enumerate(specs.written)
        for part in range(len(_formattable(written.parts)))
    ]
    for at, part in places:
        parts = file.specs.written[at].parts
        source = _formattable(parts)[part]
        text, problems = format_source(source, part=bool(parts.terms))
        if text is None:
            found += problems
            continue
        changed = _in_place(file, source, text)
        if changed is None:
            line, column = source.position(0)
            left = "is left: its canonical form cannot be written there"
            say([(f"{printable(source.name)}:{line}:{column} {left}", "")], error=True)
        else:
            file = changed
    return file, tuple(found), len(specs.written)


def _formattable(parts: Parts) -> list[Source]:
    """Return the texts of a spec that have a canonical form; a number is left as it is written."""
    terms = [text for term in parts.terms for text in (term.text, term.weight) if text is not None]
    texts = [*terms, *(weight for _, weight in parts.weights)]
    first = [] if parts.terms and not parts.source.text else [parts.source]
    return [*first, *(text for text in texts if not _is_number(text.text))]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _in_place(file: Held, source: Source, text: str) -> Held | None:
    """Return a file with a formatted text in place of a text, whose outer white space stays.

    Where no lines can be written, the text is in one.
    """
    if source.origin is None:
        return replaced(file, Span(source, 0, len(source.text)), text)
    start = len(source.text) - len(source.text.lstrip())
    end = max(start, len(source.text.rstrip()))
    line = " ".join(map(str.strip, text.rstrip().split("\n")))
    forms = [text.rstrip()]
    if "\n" in forms[0] and format_source(Source(line))[0] == text:
        forms.append(line)
    for form in forms:
        if source.text[start:end] == form:
            return file
        changed = replaced(file, Span(source, start, end), form)
        if changed is not None:
            return changed
    return None


def _put(target: Target, before: Held, after: Held, wanted: Rewriting) -> int:
    """Write what changed, print it or say that it would; return the exit code."""
    changed = before.text != after.text
    if wanted.diff and changed:
        _show_difference(before, after)
    elif wanted.check and changed:
        say([(f"would reformat {target.name}", "")], error=True)
    elif target.name == "-" and not (wanted.diff or wanted.check):
        sys.stdout.write(after.text)
    elif changed:
        found = write_text(target.name, after.text)
        show(found, error=True)
        if found:
            return exit_code(found)
        say([(f"reformatted {target.name}", "")], error=True)
    return ERRORS if changed and (wanted.diff or wanted.check) else CLEAN


_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def _show_difference(before: Held, after: Held) -> None:
    from difflib import unified_diff

    lines: Sequence[str] = [
        line.rstrip("\r\n")
        for line in unified_diff(
            before.text.splitlines(keepends=True),
            after.text.splitlines(keepends=True),
            before.name,
            after.name,
        )
    ]
    say(*([(line, _STYLES.get(line[:1], ""))] for line in lines))
