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
    except OodlesError as error:
        return complain(str(error), 1)
    except (KeyboardInterrupt, typer.Abort):
        return complain("stopped.", 1)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except MemoryError:
        return complain("the memory of this machine is not enough; give fewer rows at once, or a smaller model.", 1)
    except OSError as error:
        return complain(f"{error.filename or 'the system'}: {error.strerror or error}.", 1)
    except Exception as error:
        # typer's own usage errors carry their exit code; anything else is a defect and must not be hidden.
        if hasattr(error, "format_message"):
            return complain(f"{error.format_message()} Try --help.", 2)
        raise


def complain(message: str, code: int) -> int:
    """Say what went wrong on one line of standard error."""
    typer.echo("oodles: " + " ".join(message.split()), err=True)
    return code
