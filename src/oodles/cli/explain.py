"""`oodles explain`: why is a row strange?"""

from typing import Annotated

import typer

from . import options
from .output import print_json, print_table

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
oodles explain payments.oodles today.csv
oodles explain payments.oodles today.csv --row 17 --row 42 --json"""


def command(
    model: options.ModelPath,
    source: options.Input,
    row: Annotated[
        list[int] | None,
        typer.Option("--row", metavar="N", min=0, help="Number of a row, from 0; repeatable. Else the strangest."),
    ] = None,
    reasons: options.Reasons = 8,
    size: options.Size = None,
    format: options.Format = None,  # noqa: A002 - the word of the command line
    no_header: options.NoHeader = False,
    device: options.Device = "auto",
    threads: options.Threads = None,
    json: options.Json = False,
) -> None:
    """Say feature by feature why a row is strange.

    What came, what was expected in its place, and by how many nats it is stranger than usual; a detector without a
    likelihood says what it adds to the score.
    """
    from ..detectors import load  # noqa: PLC0415 - torch arrives here
    from ..training import fixed_threads  # noqa: PLC0415
    from . import evidence, inputs  # noqa: PLC0415

    detector = load(model, device=device)
    with fixed_threads(threads):
        blocks = inputs.stream(detector, source, format=format, header=not no_header, size=size)
        asked = evidence.asked(detector, blocks, row or [], source)
        answers = [evidence.explained(detector, X, number, reasons) for number, X in asked.items()]
    if json:
        print_json(answers)
        return
    for answer in answers:
        title = f"row {answer['row']}: score {answer['score']:.4g}, p-value {answer['p_value']:.2g}"
        unit = detector.reason_unit
        cells = [(f["feature"], f["value"], f["expected"], f"{f[unit]:.2f}") for f in answer["features"]]
        print_table(title, ("feature", "value", "expected", f"{unit} above usual"), cells)
