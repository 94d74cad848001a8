"""The command line: `lossdsl check`, `fmt`, `functions` and `explain`. No command imports JAX."""

from __future__ import annotations


def main() -> None:
    """Run the command line; what a terminal cannot print is escaped."""
    import sys

    from lossdsl.cli.output import defect

    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
    try:
        sys.exit(_run(sys.argv[1:]))
    except Exception as error:
        sys.exit(defect(error))


def _run(words: list[str]) -> int | None:
    """Run a command line that is well written as it stands, and leave any other to typer."""
    from lossdsl.cli.command_line import Usage, read
    from lossdsl.cli.commands import COMMANDS
    from lossdsl.cli.output import closed

    line = read(COMMANDS, words)
    if line is not None:
        command, values = line
        try:
            return command(**values)
        except KeyboardInterrupt:
            return 130
        except BrokenPipeError:
            return closed()
        except Usage:
            pass
    from lossdsl.cli.app import app

    return app()
