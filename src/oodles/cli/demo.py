"""`oodles demo`: the whole story in under a minute, without a network."""

from pathlib import Path
from typing import Annotated

import typer

from . import options
from .output import note, print_json, print_table

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
oodles demo
oodles demo --output /tmp/demo --seed 1"""


def command(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder for the report and the models.")
    ] = Path("demo"),
    seed: options.Seed = 0,
    threads: options.Threads = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show what all this is about, in half a minute.

    It learns two embedded datasets, finds what does not belong, and writes a report with pictures.
    """
    from ..report import demo  # noqa: PLC0415 - torch and matplotlib arrive here
    from ..training import fixed_threads  # noqa: PLC0415

    output.mkdir(parents=True, exist_ok=True)  # finds out before the training whether it can be written
    with fixed_threads(threads):
        found = demo.run(output, seed=seed, show=lambda line: note(line, quiet=quiet or json))
    if json:
        numbers = {section.name: section.numbers for section in found.sections}
        print_json({"report": found.report, "models": found.models, "seconds": found.seconds, "numbers": numbers})
    elif not quiet:
        columns = ("dataset", "AUROC", "average precision", "anomalies caught", "false alarms promised", "kept")
        shown = ("auroc", "average_precision", "recall", "promised", "kept")
        print_table("", columns, [(s.name, *(getattr(s.numbers, name) for name in shown)) for s in found.sections])
        note(f"report: {found.report}", quiet=quiet)
