"""The vocabulary: every function is declared once, here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lossdsl.library.declare import Builtin as Builtin
from lossdsl.library.declare import Library as Library
from lossdsl.library.declare import primitive as primitive

if TYPE_CHECKING:
    BUILTINS: Library


def __getattr__(name: str) -> Any:
    if name == "BUILTINS":
        from lossdsl.library.declare import builtins

        return builtins()
    raise AttributeError(f"module `lossdsl.library` has no attribute `{name}`")
