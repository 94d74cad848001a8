"""The command line: `lossdsl check`, `fmt`, `functions` and `explain`. No command imports JAX."""

from __future__ import annotations


def main() -> None:
    """Run the command line; what a terminal cannot print is escaped."""
    import sys

    from lossdsl.cli.app import app
    from lossdsl.cli.output import defect

    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    try:
        app()
    except Exception as error:
        sys.exit(defect(error))
