"""The `oodles` command, and the one place where errors become a line and an exit code."""

import atexit
import gc
import os
import sys
from pathlib import Path
from traceback import extract_tb
from typing import Annotated

import typer

from .. import __version__
from ..errors import OodlesError, ParameterError
from . import datasets, demo, detect, detectors, evaluate, explain, fit, report, reproduce, score
from .output import note
from .usage import Command

__all__ = ["app", "main"]

INTERRUPTED = 130
"""What typer makes of Ctrl-C."""

app = typer.Typer(
    name="oodles",
    help="Notice what does not belong: learn from normal rows or pictures, score new ones, keep the false-alarm rate.",
    add_completion=False,
    pretty_exceptions_enable=False,
    # Panels leave a third of 80 columns for the text; `Command` says the same in half the lines.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (fit, score, detect, evaluate, explain, detectors, datasets, demo, reproduce, report):
    app.command(module.__name__.rpartition(".")[2], cls=Command, epilog=module.EXAMPLES)(module.command)


def show_version(asked: bool) -> None:
    """Print the version and stop."""
    if asked:
        typer.echo(f"oodles {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True, epilog="Start with: oodles demo")
def root(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Show the help when no command is given."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def main(arguments: list[str] | None = None) -> None:
    """Run a command line and exit: 0 for success, 1 for a run that failed, 2 for a command that makes no sense."""
    atexit.register(gc.freeze)  # else a process that loaded torch sweeps for a third of a second before it ends
    sys.exit(outcome(arguments))


def outcome(arguments: list[str] | None) -> int:
    """Run a command line; a failure is one line on standard error, never a traceback."""
    try:
        code = app(arguments, prog_name="oodles", standalone_mode=False) or 0
    except Exception as error:
        if "OODLES_TRACEBACK" in os.environ:
            raise
        message, code = complaint(error)
    else:
        if code != INTERRUPTED:
            return code
        message, code = "Stopped.", 1
    note("oodles: " + " ".join(message.split()), quiet=False)
    return code


def complaint(error: Exception) -> tuple[str, int]:
    """The sentence and the exit code for an error."""
    where = extract_tb(error.__traceback__)[-1]
    match error:
        case ParameterError():
            return str(error), 2
        # scikit-learn's input checks speak to users.
        case OodlesError() | ValueError() if isinstance(error, OodlesError) or "sklearn/utils" in where.filename:
            return str(error), 1
        case MemoryError() | RuntimeError() if isinstance(error, MemoryError) or "allocate" in str(error):
            return "The memory of this machine is not enough; give fewer rows at once, or a smaller model.", 1
        case OSError():
            return f"{error.filename or 'The system'}: {error.strerror or error}.", 1
    if hasattr(error, "format_message"):  # typer's own: the command makes no sense
        context = getattr(error, "ctx", None)
        asked = f"{context.command_path if context else 'oodles'} --help"
        sentence = error.format_message().strip()
        return f"{sentence}{'' if sentence[-1] in '.?' else '.'} Try `{asked}`.", 2
    return (
        f"This is a mistake of oodles, not yours: {type(error).__name__}: {str(error)[:200]} "
        f"({Path(where.filename).name}, line {where.lineno}). Please report it; with OODLES_TRACEBACK=1 in the "
        "environment it says more."
    ), 1
