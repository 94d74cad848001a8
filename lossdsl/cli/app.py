"""The command line as typer knows it: help, and what is wrong with a line that cannot be read."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any

import typer
import typer.core

from lossdsl.cli.command_line import Command, Usage, parameters
from lossdsl.cli.commands import COMMANDS
from lossdsl.cli.output import say


class OnceCommand(typer.core.TyperCommand):
    """A command that takes an option once, if it is none to repeat: of two the last would win."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse an option that is given twice, and parse the others."""
        order = self.make_parser(ctx).parse_args(args=list(args))[2]
        for option in order:
            if order.count(option) > 1 and not getattr(option, "multiple", True):
                ctx.fail(f"`{option.opts[-1]}` is given twice")
        return super().parse_args(ctx, args)


app = typer.Typer(
    help="Check, format and explain losses written as text.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(requested: bool) -> None:
    if requested:
        from lossdsl import __version__

        say([(f"lossdsl {__version__}", "")])
        raise typer.Exit


@app.callback()
def _options(  # pyright: ignore[reportUnusedFunction]
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    pass


def _typed(command: Command) -> Callable[..., None]:
    """Return a command with its parameters as typer declares them."""

    def run(**values: Any) -> None:
        try:
            code = command(**values)
        except Usage as problem:
            raise typer.BadParameter(str(problem)) from None
        raise typer.Exit(code)

    run.__name__, run.__doc__ = command.__name__, command.__doc__
    declared: list[inspect.Parameter] = []
    for parameter, kind, option in parameters(command):
        help, metavar = option.help or None, option.metavar
        if option.names:
            told = typer.Option(
                *_declared(option.names), case_sensitive=False, help=help, metavar=metavar
            )
        else:
            told = typer.Argument(help=help, metavar=metavar)
        declared.append(parameter.replace(annotation=Annotated[kind, told]))
    run.__annotations__ = {each.name: each.annotation for each in declared}
    vars(run)["__signature__"] = inspect.Signature(declared)
    return run


def _declared(names: Sequence[str]) -> Iterable[str]:
    """Return names as typer declares them: a flag and what turns it off are one text."""
    return ("/".join(names),) if names[-1].startswith("--no-") else names


for _command in COMMANDS.values():
    app.command(cls=OnceCommand)(_typed(_command))
