"""What a lint is: what finds one kind of mistake in a right program, and which others excuse it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from lossdsl.analyze.lints.subject import Subject
from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.frozen import dataclass

Check = Callable[[Subject], Iterator[Diagnostic]]


@dataclass(frozen=True, slots=True)
class Lint:
    """A check, and the codes that tell of the same mistake: one is told of each.

    What is told of a place `around` this one tells of it too, as of what is summed where an idiom
    is infinite; so does what is told of a part `within` it, of an argument of the call.
    """

    check: Check
    around: tuple[str, ...] = ()
    within: tuple[str, ...] = ()


def lint(around: tuple[str, ...] = (), within: tuple[str, ...] = ()) -> Callable[[Check], Lint]:
    """Make a lint of a check, which says what is told of no mistake that these codes tell."""
    return lambda check: Lint(check, around, within)
