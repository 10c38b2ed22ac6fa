"""`oodles detect`: which rows are discoveries?"""

from typing import Annotated

import pyarrow as pa
import typer

from ..data import writing
from . import inputs, options, rows
from .output import note

__all__ = ["command"]


def command(
    model: options.ModelPath,
    source: options.Input,
    output: options.Output = "-",
    fdr: Annotated[float, typer.Option(help="Share of normal rows that is accepted among the discoveries.")] = 0.05,
    reasons: options.Reasons = 3,
    format: options.Format = None,  # noqa: A002 - the word of the command line
    no_header: options.NoHeader = False,
    device: options.Device = "auto",
    threads: options.Threads = None,
    json: Annotated[bool, typer.Option("--json", help="Write JSON lines on standard output.")] = False,
    quiet: options.Quiet = False,
) -> None:
    """List the rows of INPUT that do not belong, with a bound on the share of false discoveries (Benjamini-Hochberg).

    oodles detect payments.oodles today.csv --fdr 0.05
    """
    from ..calibration import benjamini_hochberg  # noqa: PLC0415
    from ..detectors import load  # noqa: PLC0415 - torch arrives here
    from ..training import fixed_threads  # noqa: PLC0415

    detector = load(model, device=device)
    # A row with p > fdr is never a discovery: the others are few, and only their reasons are kept.
    p_values, candidates, done = [], [], 0
    with fixed_threads(threads):
        for X, names in inputs.stream(detector, source, format=format, header=not no_header):
            table = rows.judged(detector, X, first=done, names=names, reasons=reasons)
            p_values.append(table["p_value"])
            candidates.append(table.filter(pa.compute.less_equal(table["p_value"], fdr)))
            done += len(table)
    p = pa.chunked_array([chunk for column in p_values for chunk in column.chunks]).to_numpy()
    found = benjamini_hochberg(p, fdr)
    kept = pa.concat_tables(candidates)
    with writing.create(output, format="jsonl" if json and output == "-" else None) as writer:
        writer.write(kept.filter(pa.array(found[kept["row"].to_numpy()])))
    smallest = detector.calibration_.smallest
    note(f"{int(found.sum()):,} discoveries among {done:,} rows at a false-discovery rate of {fdr:g}.", quiet=quiet)
    if not found.any() and smallest > fdr / max(done, 1):
        note(
            f"With {len(detector.calibration_.scores)} held-out rows no p-value is below {smallest:.2g}, so that "
            f"single rows among {done:,} cannot be told apart: calibrate on more rows, or judge fewer at once.",
            quiet=quiet,
        )
