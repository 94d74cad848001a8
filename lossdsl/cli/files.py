"""Reading files and what comes in by a pipe, and replacing a file in one step."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING

from lossdsl.cli.gather import Target
from lossdsl.diagnostics.diagnostic import Diagnostic
from lossdsl.inputs.mapping_form import Parts
from lossdsl.source import Source
from lossdsl.spec.keys import DEFAULT, may_hold
from lossdsl.spec.read import ENDINGS, Specs, read_bytes, read_specs, unread
from lossdsl.spec.written import Written

if TYPE_CHECKING:
    from pathlib import Path

STDIN = "<stdin>"


def is_config(name: str) -> bool:
    """Say whether a file is one of a format in which a spec stands below a key."""
    return name.lower().endswith(ENDINGS) and not name.lower().endswith(".loss")


def read_stdin(name: str = STDIN) -> Source:
    """Return what comes in by a pipe, as a text."""
    return Source(sys.stdin.buffer.read().decode("utf-8", "surrogateescape"), name)


def read_file(name: str, wanted: Sequence[str], stdin: str = STDIN) -> Specs:
    """Return the specs of a file; `-` is what comes in by a pipe, in the format of its name."""
    if name == "-" and not is_config(stdin):
        return Specs((Written(Parts(read_stdin(stdin))),))
    if name == "-":
        return read_specs(sys.stdin.buffer.read(), stdin, wanted)
    data, diagnostics = read_bytes(name)
    if data is None:
        return Specs(diagnostics=diagnostics)
    return read_specs(data, name, wanted if is_config(name) else (DEFAULT,))


def read_target(target: Target, stdin: str, wanted: Sequence[str]) -> Specs:
    """Return the specs of a file; one that was searched for is parsed only if it can hold some."""
    if not target.searches or not is_config(target.name):
        return read_file(target.name, wanted, stdin)
    data, diagnostics = read_bytes(target.name)
    if data is not None:
        return read_specs(data, target.name, wanted) if may_hold(data, wanted) else Specs()
    if _is_foreign(target.name, wanted):
        return Specs()
    help = "`--exclude` passes it over"
    return Specs(diagnostics=tuple(replace(each, help=help) for each in diagnostics))


def specs_of(
    file: str | None, expression: str | None, key: str | None
) -> tuple[tuple[Written, ...], tuple[Diagnostic, ...]]:
    """Return the specs of a file or a text, and what keeps others from being read."""
    if expression is not None:
        return (Written(Parts(Source(expression, "<expression>"))),), ()
    read = read_file(str(file), (key or DEFAULT,))
    return read.written, (*read.diagnostics, *read.absent.values())


def _is_foreign(name: str, wanted: Sequence[str]) -> bool:
    """Say whether a file that is too large to be a config does not even hold the words of a key."""
    try:
        with open(name, "rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            return not may_hold(data, wanted)
    except (OSError, ValueError):
        return False


def write_text(name: str, text: str) -> tuple[Diagnostic, ...]:
    """Put a text in the place of a file's; return what keeps it from being written."""
    from pathlib import Path

    try:
        replace_text(Path(name), text)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return (unread(name, f"`{name}` cannot be written: {reason}"),)
    return ()


def replace_text(path: Path, text: str) -> None:
    """Write a file beside the old one and put it in its place: whoever reads sees one or the other.

    A link stays a link, and the permissions stay as they are; others may read a new file.
    """
    import tempfile

    target = path.resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, target.stat().st_mode & 0o7777 if target.exists() else 0o644)
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise
