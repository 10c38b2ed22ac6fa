"""`oodles demo`: the whole story in under a minute, without a network."""

from pathlib import Path
from typing import Annotated

import typer

from . import options
from .output import note, print_json

__all__ = ["command"]


def command(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the report and the models.")] = Path(
        "demo"
    ),
    seed: options.Seed = 0,
    threads: options.Threads = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Learn two embedded datasets, find what does not belong, and write a report with pictures."""
    from ..report import demo  # noqa: PLC0415 - torch and matplotlib arrive here
    from ..training import fixed_threads  # noqa: PLC0415

    with fixed_threads(threads):
        found = demo.run(output, seed=seed, show=None if quiet or json else lambda line: note(line, quiet=False))
    if json:
        print_json(found)
