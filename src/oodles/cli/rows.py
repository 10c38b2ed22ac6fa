"""Rows → a table of scores, p-values, alarms and reasons."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from ..calibration import benjamini_hochberg

__all__ = ["discovered", "feature_names", "judged"]


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


def judged(
    detector: Any, X: Any, first: int, *, names: Sequence[str], reasons: int, kind: str | None = None
) -> pa.Table:
    """One row for each row of `X`: its number from `first` on, its score, and if `kind` is the detector's own, more.

    Then p-value and alarm follow; `reason_1`, `nats_1` … name the features that are most nats stranger than usual.
    """
    scores = detector.anomaly_score(X, kind)
    columns: dict[str, Any] = {"row": np.arange(first, first + len(scores))}
    if len(names):
        columns["file"] = list(names)
    columns["score"] = scores
    if kind in (None, detector.scoring):
        columns["p_value"] = detector.calibration_.p_value(scores)
        columns["alarm"] = -scores - detector.offset_ < 0
    if reasons:
        excess = detector.explain(X).reshape(len(scores), -1)
        top = np.argsort(-excess, axis=1)[:, :reasons]
        known = pa.array(feature_names(detector), pa.string())
        for place, features in enumerate(top.T, start=1):
            columns[f"reason_{place}"] = known.take(pa.array(features))
            columns[f"nats_{place}"] = np.take_along_axis(excess, features[:, None], axis=1)[:, 0]
    return pa.table(columns)


def discovered(
    detector: Any, blocks: Iterable[tuple[Any, tuple[str, ...]]], *, fdr: float, reasons: int
) -> tuple[pa.Table, int]:
    """The judged rows that are discoveries, and the number of all rows."""
    p_values, candidates = [np.empty(0)], []
    for X, names in blocks:
        table = judged(detector, X, sum(map(len, p_values)), names=names, reasons=reasons)
        p_values.append(table["p_value"].to_numpy())
        # A row with p > fdr is never a discovery: few rows are kept.
        candidates.append(table.filter(pa.array(p_values[-1] <= fdr)))
    found = benjamini_hochberg(np.concatenate(p_values), fdr)
    kept = pa.concat_tables(candidates)
    return kept.filter(pa.array(found[kept["row"].to_numpy()])), len(found)
