"""`oodles explain`: why is a row strange?"""

from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import typer

from ..errors import DataError
from . import inputs, options, rows
from .output import print_json, print_table

__all__ = ["command"]


def command(
    model: options.ModelPath,
    source: options.Input,
    row: Annotated[
        list[int] | None, typer.Option("--row", min=0, help="Number of a row, from 0; repeatable. Else the strangest.")
    ] = None,
    reasons: options.Reasons = 8,
    format: options.Format = None,  # noqa: A002 - the word of the command line
    no_header: options.NoHeader = False,
    device: options.Device = "auto",
    json: options.Json = False,
) -> None:
    """Say feature by feature why rows of INPUT are strange: what came, what was expected, and how many nats it costs.

    oodles explain payments.oodles today.csv --row 17
    """
    from ..detectors import load  # noqa: PLC0415 - torch arrives here

    detector = load(model, device=device)
    answers = [
        explained(detector, X, number, reasons) for number, X in asked(detector, source, row or [], format, no_header)
    ]
    if json:
        print_json(answers)
        return
    for answer in answers:
        title = f"row {answer['row']}: score {answer['score']:.4g}, p-value {answer['p_value']:.2g}"
        cells = [(f["feature"], f["value"], f["expected"], round(f["nats"], 2)) for f in answer["features"]]
        print_table(title, ("feature", "value", "expected", "nats above usual"), cells)


def asked(
    detector: Any,
    source: str,
    numbers: list[int],
    format: str | None,  # noqa: A002
    no_header: bool,
) -> list[tuple[int, Any]]:
    """The rows in question, each as a table or array of one row: those numbered, or the strangest of all.

    Raises:
        DataError: If a number is beyond the last row.
    """
    found: dict[int, Any] = {}
    best, done = -np.inf, 0
    for X, _ in inputs.stream(detector, source, format=format, header=not no_header):
        for number in numbers:
            if done <= number < done + len(X):
                found[number] = inputs.taken(X, np.array([number - done]))
        if not numbers and (scores := detector.anomaly_score(X)).max() > best:
            best, place = float(scores.max()), int(scores.argmax())
            found = {done + place: inputs.taken(X, np.array([place]))}
        done += len(X)
    if missing := [number for number in numbers if number not in found]:
        raise DataError(f"There is no row {missing[0]}: {source} has {done:,} rows, numbered from 0.")
    return [(number, found[number]) for number in (numbers or found)]


def explained(detector: Any, X: Any, number: int, reasons: int) -> dict[str, Any]:
    """One row's score and its strangest features."""
    excess = detector.explain(X).ravel()
    expected, names = detector.reconstruct(X), rows.feature_names(detector)
    features = [
        {
            "feature": names[i],
            "value": cell(X, names[i], i),
            "expected": cell(expected, names[i], i),
            "nats": float(excess[i]),
        }
        for i in np.argsort(-excess)[:reasons]
    ]
    score = detector.anomaly_score(X)
    return {"row": number, "score": score[0], "p_value": detector.calibration_.p_value(score)[0], "features": features}


def cell(X: Any, name: str, position: int) -> Any:
    """One feature of a single row, in raw units."""
    value = X[name][0].as_py() if isinstance(X, pa.Table) and name in X.column_names else None
    if isinstance(X, np.ndarray):
        value = X.reshape(-1)[position].item()
    return "missing" if value is None or value != value else value  # noqa: PLR0124 - NaN is not itself
