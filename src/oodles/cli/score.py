"""`oodles score`: how strange is each row?"""

from typing import Annotated

import typer

from . import options
from .output import note, print_json

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
oodles score payments.oodles today.csv -o scores.parquet
tail -n 1000 log.csv | oodles score log.oodles - --no-header > scores.csv"""


def command(
    model: options.ModelPath,
    source: options.Input,
    output: options.Output = "-",
    kind: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Another score that `oodles detectors` lists; without p-value and alarm."),
    ] = None,
    reasons: options.Reasons = 3,
    size: options.Size = None,
    format: options.Format = None,  # noqa: A002 - the word of the command line
    no_header: options.NoHeader = False,
    device: options.Device = "auto",
    threads: options.Threads = None,
    json: options.JsonLines = False,
    quiet: options.Quiet = False,
) -> None:
    """Score every row of INPUT: how strange, how sure, and why.

    Each row gets its score, its p-value, whether it is an alarm, and the features that are most nats stranger than
    usual. INPUT is read in blocks; memory does not grow with it. FILE appears when it is complete, or not at all.
    """
    from ..data import writing  # noqa: PLC0415 - pyarrow arrives here
    from ..detectors import load  # noqa: PLC0415 - torch arrives here
    from ..training import fixed_threads  # noqa: PLC0415
    from . import inputs, rows  # noqa: PLC0415

    inputs.refuse_overwriting(source, output)
    detector = load(model, device=device)
    done = alarms = 0
    with fixed_threads(threads), writing.create(output, format="jsonl" if json and output == "-" else None) as writer:
        blocks = inputs.stream(detector, source, format=format, header=not no_header, size=size, quiet=quiet)
        for table in rows.judged(detector, blocks, reasons=reasons, kind=kind):
            writer.write(table)
            done += len(table)
            alarms += table["alarm"].combine_chunks().true_count if "alarm" in table.column_names else 0
    if output == "-":
        return
    if json:
        print_json({"output": output, "rows": done, "alarms": alarms})
    else:
        note(f"{done:,} rows scored, {alarms:,} alarms: {output}", quiet=quiet)
