"""The fixes of findings applied to the files that they are about."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lossdsl.cli.files import is_config, write_text
from lossdsl.cli.output import say
from lossdsl.diagnostics.diagnostic import Diagnostic, Fix
from lossdsl.diagnostics.snippet import printable
from lossdsl.frozen import dataclass
from lossdsl.spec.edit import Held, replaced
from lossdsl.spec.read import read_bytes
from lossdsl.spec.written import Written

ROUNDS = 500  # one a fix: a text that is mended may have more to mend

Check = Callable[[Written], tuple[Diagnostic, ...]]


@dataclass(frozen=True)
class Mended:
    """How many fixes were applied, how many left as not exact, and files not to be written."""

    applied: int = 0
    left: int = 0
    unwritten: tuple[Diagnostic, ...] = ()

    def __add__(self, other: Mended) -> Mended:
        return Mended(
            self.applied + other.applied,
            self.left + other.left,
            self.unwritten + other.unwritten,
        )

    def __str__(self) -> str:
        plural = "" if self.applied == 1 else "es"
        left = f", {self.left} left" if self.left else ""
        return f"{self.applied} fix{plural} applied{left}"


def mend(name: str, keys: tuple[str, ...], check: Check) -> Mended:
    """Apply the fixes of what a check finds in a file, say what changed, and count."""
    data, _ = read_bytes(name)
    if data is None:
        return Mended()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return Mended()
    file = Held(text, name, keys if is_config(name) else ("loss",))
    seen: set[str] = set()
    lines: list[str] = []
    left: list[Fix] = []
    while file.text not in seen:
        seen.add(file.text)
        left = []
        for fix in _fixes(file, check):
            changed = replaced(file, fix.span, fix.text) if len(seen) < ROUNDS else None
            if changed is not None:
                lines.append(_shown(fix))
                file = changed
                break
            left.append(fix)
    unwritten = write_text(name, file.text) if file.text != text else ()
    if unwritten:
        return Mended(unwritten=unwritten)
    lines += [f"{_shown(fix)} is left: it cannot be written there exactly" for fix in left]
    say(*([(line, "")] for line in lines), error=True)
    return Mended(len(lines) - len(left), len(left))


def _fixes(file: Held, check: Check) -> Iterator[Fix]:
    """Yield the fixes of what is found in the specs of a file, and not in a library of theirs."""
    for written in file.specs.written:
        own = written.parts.sources
        for found in check(written):
            if found.fix is not None and found.fix.span.source in own:
                yield found.fix


def _shown(fix: Fix) -> str:
    line, column = fix.span.source.position(fix.span.start)
    old, new = printable(fix.span.text), printable(fix.text)
    what = f"`{old}` → `{new}`" if old and new else f"`{old}` dropped" if old else f"`{new}` added"
    return f"{printable(fix.span.source.name)}:{line}:{column}: {what}"
