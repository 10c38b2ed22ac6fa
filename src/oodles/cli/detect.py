"""`oodles detect`: which rows are discoveries?"""

from typing import Annotated

import typer

from . import options
from .output import note, print_json

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
oodles detect payments.oodles today.csv --fdr 0.1
oodles detect payments.oodles today.csv -o strange.csv"""


def command(
    model: options.ModelPath,
    source: options.Input,
    output: options.Output = "-",
    fdr: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of normal rows that is accepted among the discoveries.")
    ] = 0.05,
    reasons: options.Reasons = 3,
    size: options.Size = None,
    format: options.Format = None,  # noqa: A002 - the word of the command line
    no_header: options.NoHeader = False,
    device: options.Device = "auto",
    threads: options.Threads = None,
    json: options.JsonLines = False,
    quiet: options.Quiet = False,
) -> None:
    """List the rows of INPUT that do not belong.

    Of the rows listed, at most the share --fdr is expected to be normal (Benjamini-Hochberg): unlike the alarms of
    `oodles score`, the bar rises with the number of rows that are judged together.
    """
    from ..calibration import benjamini_hochberg  # noqa: PLC0415
    from ..data import writing  # noqa: PLC0415 - pyarrow arrives here
    from ..detectors import load  # noqa: PLC0415 - torch arrives here
    from ..training import fixed_threads  # noqa: PLC0415
    from . import inputs, rows  # noqa: PLC0415

    benjamini_hochberg([], fdr)  # refuses an impossible rate before the work begins
    inputs.refuse_overwriting(source, output)
    detector = load(model, device=device)
    with fixed_threads(threads), writing.create(output, format="jsonl" if json and output == "-" else None) as writer:
        blocks = inputs.stream(detector, source, format=format, header=not no_header, size=size, quiet=quiet)
        found, total = rows.discovered(detector, blocks, fdr=fdr, reasons=reasons)
        writer.write(found)
    if json and output != "-":
        print_json({"output": output, "rows": total, "discoveries": len(found)})
        return
    note(f"{len(found):,} discoveries among {total:,} rows at a false-discovery rate of {fdr:g}.", quiet=quiet)
    smallest = detector.calibration_.smallest
    if not len(found) and smallest > fdr / max(total, 1):
        note(
            f"With {len(detector.calibration_.scores)} held-out rows no p-value is below {smallest:.2g}, so that "
            f"single rows among {total:,} cannot be told apart: calibrate on more rows, or judge fewer at once.",
            quiet=quiet,
        )
