"""What a declared function promises, as checks that anybody can run on a function of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lossdsl.testing.examine import ConformanceError, Report, conformance

__all__ = ["ConformanceError", "Report", "conformance"]


def __getattr__(name: str) -> Any:
    # Drawing inputs imports no JAX; trying a function does.
    if name in __all__:
        from lossdsl.testing import examine

        return getattr(examine, name)
    raise AttributeError(f"module `lossdsl.testing` has no attribute `{name}`")
