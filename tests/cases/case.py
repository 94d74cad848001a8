"""One case: a spec, what it is called with, and the right answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Case:
    """A spec with its right answer: a value, or the code of what is wrong with it.

    `inputs` are what a call passes: lists become float32 or int32 arrays, numbers stay Python's.
    `types` are given to `check` and `compile` as `inputs=`; the text may declare its own.
    """

    text: str
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    types: Mapping[str, Any] | None = None

    # A right spec: its value (None: any finite one), gradients by input, and warnings of `check`.
    value: Any = None
    gradients: Mapping[str, Any] = field(default_factory=dict[str, Any])
    warnings: tuple[str, ...] = ()
    rtol: float = 1e-6
    atol: float = 0.0

    # A wrong spec: its code, the text that is pointed at, and parts of message and help.
    # `static` says that `check` knows without the call's types; the call refuses in any case.
    code: str | None = None
    at: str | None = None
    message: str = ""
    help: str = ""
    static: bool = True

    def __str__(self) -> str:
        return f"{self.code or 'right'}: {self.text}"


def case(text: str, inputs: Mapping[str, object], **right: object) -> Case:
    """Return a case that passes those of the inputs that its text names."""
    return Case(
        text=text,
        inputs={name: value for name, value in inputs.items() if re.search(rf"\b{name}\b", text)},
        **right,  # type: ignore[arg-type]
    )
