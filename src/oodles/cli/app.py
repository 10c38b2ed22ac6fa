"""The `oodles` command, and the one place where errors become a line and an exit code."""

import sys
from typing import Annotated

import typer

from .. import __version__
from ..errors import OodlesError
from . import datasets, demo, detect, detectors, evaluate, explain, fit, score

__all__ = ["app", "main"]

app = typer.Typer(
    name="oodles",
    help="Notice what does not belong: learn from normal rows or pictures, score new ones, keep the false-alarm rate.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=False,
)
for module in (fit, score, detect, evaluate, explain, detectors, datasets, demo):
    app.command(module.__name__.rpartition(".")[2])(module.command)


def show_version(asked: bool) -> None:
    """Print the version and stop."""
    if asked:
        typer.echo(f"oodles {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
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
    sys.exit(outcome(arguments))


def outcome(arguments: list[str] | None) -> int:
    """Run a command line; a failure is one line on standard error, never a traceback."""
    try:
        return app(arguments, standalone_mode=False) or 0
    except Exception as error:
        if (complaint := complaint_of(error)) is None:
            raise  # a defect of ours, which must not be hidden
        message, code = complaint
    except KeyboardInterrupt:
        message, code = "stopped.", 1
    typer.echo("oodles: " + " ".join(message.split()), err=True)
    return code


def complaint_of(error: Exception) -> tuple[str, int] | None:
    """The sentence and the exit code for an error that is no defect."""
    match error:
        case OodlesError():
            return str(error), 1
        case typer.Abort():
            return "stopped.", 1
        case MemoryError():
            return "The memory of this machine is not enough; give fewer rows at once, or a smaller model.", 1
        case OSError():
            return f"{error.filename or 'The system'}: {error.strerror or error}.", 1
        case ValueError() if type(error).__module__ == "builtins" and raised_by_checks(error):
            return str(error), 1
    # typer's own usage errors carry their sentence.
    return (f"{error.format_message()} Try --help.", 2) if hasattr(error, "format_message") else None


def raised_by_checks(error: Exception) -> bool:
    """Whether scikit-learn's input checks raised it: their sentences are for users."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and "sklearn/utils" in trace.tb_frame.f_code.co_filename.replace("\\", "/")
