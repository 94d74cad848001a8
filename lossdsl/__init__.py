"""A loss string becomes one checked, jitted JAX loss.

Public names are loaded on first use: importing lossdsl, and checking or formatting a spec, leaves
JAX unimported.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lossdsl.api import format, parse
    from lossdsl.checking import check
    from lossdsl.compilation import clear_cache, compile, emit
    from lossdsl.diagnostics.diagnostic import Diagnostic, LossError
    from lossdsl.library import BUILTINS, Library, primitive
    from lossdsl.limits import Limits
    from lossdsl.loss import CompiledLoss
    from lossdsl.spec.model import LossSpec, load

__version__ = "0.1.0"

__all__ = [
    "parse",
    "check",
    "compile",
    "clear_cache",
    "emit",
    "format",
    "load",
    "LossSpec",
    "LossError",
    "Diagnostic",
    "Limits",
    "Library",
    "BUILTINS",
    "primitive",
    "CompiledLoss",
]

_HOMES = {
    "parse": "lossdsl.api",
    "check": "lossdsl.checking",
    "compile": "lossdsl.compilation",
    "clear_cache": "lossdsl.compilation",
    "emit": "lossdsl.compilation",
    "format": "lossdsl.api",
    "load": "lossdsl.spec.model",
    "LossSpec": "lossdsl.spec.model",
    "LossError": "lossdsl.diagnostics.diagnostic",
    "Diagnostic": "lossdsl.diagnostics.diagnostic",
    "Limits": "lossdsl.limits",
    "Library": "lossdsl.library",
    "BUILTINS": "lossdsl.library",
    "primitive": "lossdsl.library",
    "CompiledLoss": "lossdsl.loss",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module `lossdsl` has no attribute `{name}`")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
