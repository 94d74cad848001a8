"""The command line: `lossdsl check`, `fmt`, `functions` and `explain`. No command imports JAX."""

from __future__ import annotations


def main() -> None:
    """Run the command line; what a terminal cannot print is escaped."""
    import sys

    from lossdsl.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    app()
