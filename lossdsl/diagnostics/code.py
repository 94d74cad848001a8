"""One row of the table of diagnostic codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from lossdsl.frozen import dataclass


@dataclass(frozen=True)
class Code:
    """A kind of finding, with a text that has it and the same text mended.

    `form` says what the two examples are: a spec (checked under `inputs`), a YAML file, a library,
    Python that has `lossdsl` and `jnp` at hand, a `pyproject.toml`, or a command line in an empty
    folder. A code without an example cannot be provoked in
    one process.
    """

    code: str
    title: str
    why: str
    bad: str = ""
    good: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    form: Literal["loss", "library", "yaml", "python", "pyproject", "command"] = "loss"
    warning: bool = False

    @property
    def severity(self) -> Literal["error", "warning"]:
        """Lints (LD4xx) are warnings, and so are the rows that say so; the rest are errors."""
        return "warning" if self.warning or self.code.startswith("LD4") else "error"
