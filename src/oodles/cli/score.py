"""`oodles score`: how strange is each row?"""

from typing import Annotated

import typer

from ..data import writing
from . import inputs, options, rows
from .output import note

__all__ = ["command"]


def command(
    model: options.ModelPath,
    source: options.Input,
    output: options.Output = "-",
    kind: Annotated[
        str | None, typer.Option(help="Another score of the detector, e.g. kl or iwae-500; without p-value and alarm.")
    ] = None,
    reasons: options.Reasons = 3,
    format: options.Format = None,  # noqa: A002 - the word of the command line
    no_header: options.NoHeader = False,
    device: options.Device = "auto",
    threads: options.Threads = None,
    json: Annotated[bool, typer.Option("--json", help="Write JSON lines on standard output.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """Score INPUT with a MODEL: score, p-value, alarm and the strangest features of every row.

    INPUT is read in blocks; memory does not grow with it. FILE appears when it is complete, or not at all.

    oodles score payments.oodles today.csv -o scores.parquet
    """
    from ..detectors import load  # noqa: PLC0415 - torch arrives here
    from ..training import fixed_threads  # noqa: PLC0415

    detector = load(model, device=device)
    done = alarms = 0
    with fixed_threads(threads), writing.create(output, format="jsonl" if json and output == "-" else None) as writer:
        for X, names in inputs.stream(detector, source, format=format, header=not no_header):
            table = rows.judged(detector, X, first=done, names=names, reasons=reasons, kind=kind)
            writer.write(table)
            done += len(table)
            alarms += int(table["alarm"].to_numpy().sum()) if "alarm" in table.column_names else 0
    if output != "-":
        note(f"{done:,} rows scored, {alarms:,} alarms: {output}", quiet=quiet)
