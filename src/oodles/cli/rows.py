"""Rows → a table of scores, p-values, alarms and reasons."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from .. import arrow
from ..calibration import benjamini_hochberg

__all__ = ["discovered", "feature_names", "judged"]

Blocks: TypeAlias = Iterable[tuple[Any, tuple[str, ...]]]
"""Rows in blocks, each with the names of its pictures, if it has any."""


def feature_names(detector: Any) -> np.ndarray:
    """A name for each feature, in the order of `explain` flattened: columns, or pixels as "row 3, column 5"."""
    encoder = detector.encoder_
    if not encoder.layout.shape:
        return np.asarray(encoder.names, dtype=object)
    channels, height, width = encoder.layout.shape
    colors = ("",) if channels == 1 else (", red", ", green", ", blue")
    return np.array(
        [f"row {i}, column {j}{c}" for i in range(height) for j in range(width) for c in colors], dtype=object
    )


def judged(detector: Any, blocks: Blocks, *, reasons: int, kind: str | None = None) -> Iterator[pa.Table]:
    """One table for each block: the rows' numbers, their scores, and if `kind` is the detector's own, more.

    Then p-value and alarm follow; `reason_1`, `nats_1` … name the features that are most nats stranger than usual
    (`score_1` … where a detector counts in shares of its score).
    """
    files: list[tuple[str, ...]] = []

    def noted() -> Iterator[Any]:
        for X, names in blocks:
            files.append(names)
            yield X

    first, known = 0, arrow.texts(feature_names(detector))
    found = detector.explained(noted(), kind) if reasons else ((s, None) for s in detector.scored(noted(), kind))
    for scores, excess in found:
        columns: dict[str, Any] = {"row": np.arange(first, first + len(scores))}
        if names := files.pop():
            columns["file"] = arrow.texts(names)
        columns["score"] = scores
        if kind in (None, str(detector.scoring)):
            columns["p_value"] = detector.calibration_.p_value(scores)
            columns["alarm"] = -scores - detector.offset_ < 0
        if excess is not None:
            columns |= most(excess.reshape(len(scores), -1), known, reasons, unit=detector.reason_unit)
        first += len(scores)
        arrays = [values if isinstance(values, pa.Array) else arrow.from_numpy(values) for values in columns.values()]
        yield pa.Table.from_arrays(arrays, names=list(columns))


def most(excess: np.ndarray, names: pa.Array, reasons: int, *, unit: str) -> dict[str, Any]:
    """The features with the largest excess, (N, F) → a column of names and a column of numbers for each place."""
    columns: dict[str, Any] = {}
    first = np.argpartition(-excess, min(reasons, len(names)) - 1, axis=1)[:, :reasons]
    order = np.argsort(-np.take_along_axis(excess, first, axis=1), axis=1)
    top = np.take_along_axis(first, order, axis=1)
    for place, features in enumerate(top.T, start=1):
        columns[f"reason_{place}"] = names.take(arrow.from_numpy(features))
        columns[f"{unit}_{place}"] = np.take_along_axis(excess, features[:, None], axis=1)[:, 0]
    return columns


def discovered(detector: Any, blocks: Blocks, *, fdr: float, reasons: int) -> tuple[pa.Table, int]:
    """The judged rows that are discoveries, and the number of all rows."""
    p_values, candidates = [np.empty(0)], []
    for table in judged(detector, blocks, reasons=reasons):
        p_values.append(arrow.to_numpy(table["p_value"]))
        # A row with p > fdr is never a discovery: few rows are kept.
        candidates.append(table.filter(arrow.from_numpy(p_values[-1] <= fdr)))
    found = benjamini_hochberg(np.concatenate(p_values), fdr)
    kept = pa.concat_tables(candidates)
    return kept.filter(arrow.from_numpy(found[arrow.to_numpy(kept["row"])])), len(found)
