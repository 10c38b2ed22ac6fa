"""Why a row is strange: its features, what was expected of them, and what each costs."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from ..errors import DataError
from . import inputs, rows

__all__ = ["asked", "explained"]


def asked(
    detector: Any, blocks: Iterable[tuple[Any, tuple[str, ...]]], numbers: Sequence[int], source: str
) -> dict[int, Any]:
    """The rows in question by number, each as a table or array of one row: those asked for, or the strangest of all.

    Raises:
        DataError: If a number is beyond the last row.
    """
    found: dict[int, Any] = {}
    best, done = -np.inf, 0
    for X, _ in blocks:
        for number in numbers:
            if done <= number < done + len(X):
                found[number] = inputs.taken(X, np.array([number - done]))
        if not numbers and (scores := detector.anomaly_score(X)).max() > best:
            best, place = float(scores.max()), int(scores.argmax())
            found = {done + place: inputs.taken(X, np.array([place]))}
        done += len(X)
    if missing := [number for number in numbers if number not in found]:
        raise DataError(f"There is no row {missing[0]:,}: {source} has {done:,} rows, numbered from 0.")
    return {number: found[number] for number in numbers or found}


def explained(detector: Any, X: Any, number: int, reasons: int) -> dict[str, Any]:
    """One row's score and its strangest features."""
    excess = detector.explain(X).ravel()
    expected, names = detector.reconstruct(X), rows.feature_names(detector)
    features = [
        {
            "feature": names[i],
            "value": cell(X, names[i], i),
            "expected": cell(expected, names[i], i),
            detector.reason_unit: float(excess[i]),
        }
        for i in np.argsort(-excess)[:reasons]
    ]
    score = detector.anomaly_score(X)
    return {"row": number, "score": score[0], "p_value": detector.calibration_.p_value(score)[0], "features": features}


def cell(X: Any, name: str, position: int) -> Any:
    """One feature of a single row, in raw units; pixels lie in [0, 1]."""
    value = X[name][0].as_py() if isinstance(X, pa.Table) else X.reshape(-1)[position].item()
    if isinstance(X, np.ndarray) and X.dtype == np.uint8:
        return value / 255
    return "missing" if value is None or value != value else value  # noqa: PLR0124 - NaN is not itself
