"""A folder of files in which a command runs, and what it printed there."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from typer.testing import CliRunner, Result

from lossdsl.cli.app import app


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files, and the folders in which they lie."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)


def run_in(folder: Path, *words: str, input: str | bytes | None = None) -> Result:
    """Run a command in a folder."""
    with contextlib.chdir(folder):
        return CliRunner().invoke(app, words, input=input)
