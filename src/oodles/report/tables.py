"""The rows worth looking at, and what makes them strange."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from ..detectors import Detector
from ..encoding import PictureEncoder, TableEncoder, as_pictures, as_table
from .measures import number
from .pictures import data_uri, heat_map, levels

__all__ = ["Group", "Reason", "Row", "as_rows", "groups", "ranking", "taken"]

STRANGEST, OTHERS, REASONS, FEATURES, EXPLAINED = 12, 6, 3, 12, 2000
LONGEST, VISIBLE = 48, 0.005


@dataclass(frozen=True)
class Reason:
    """One feature, and by how much it is stranger than usual.

    Attributes:
        name: The feature.
        nats: Surprise above what is usual for it.
        share: Length of its bar, in [0, 1]: its share of the row's nats above usual; over
            many rows, its length beside the first.
        value: The value, in words; empty in a ranking of many rows.
        expected: What the model expects in its place.
    """

    name: str
    nats: float
    share: float
    value: str = ""
    expected: str = ""


@dataclass(frozen=True)
class Row:
    """One row on the page.

    Attributes:
        name: What it is called.
        score: Its anomaly score.
        p_value: How often a normal row is at least as strange.
        alarm: Whether it raises the alarm.
        anomaly: The truth, or None if nobody knows.
        reasons: Its most surprising features, for tables.
        pictures: The picture, what was expected, and the reasons as a heat map: PNG addresses.
    """

    name: str
    score: float
    p_value: float
    alarm: bool
    anomaly: bool | None
    reasons: tuple[Reason, ...] = ()
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Rows that belong together: a heading, a sentence, the rows."""

    title: str
    caption: str
    rows: tuple[Row, ...]


def as_rows(X: Any) -> pa.Table | np.ndarray:
    """Whatever a detector takes, as something that rows can be taken from by position."""
    if (pictures := as_pictures(X)) is not None:
        return pictures
    numbered = hasattr(X, "iloc") and not all(isinstance(name, str) for name in X.columns)
    if not numbered and (table := as_table(X)) is not None:
        return table
    return np.asarray(X.detach().cpu() if isinstance(X, torch.Tensor) else X)


def taken(rows: pa.Table | np.ndarray, positions: np.ndarray) -> pa.Table | np.ndarray:
    """The rows at these positions."""
    return rows.take(pa.array(positions)) if isinstance(rows, pa.Table) else rows[positions]


def groups(
    detector: Detector,
    rows: pa.Table | np.ndarray,
    scores: np.ndarray,
    y: np.ndarray | None,
    names: Sequence[str],
) -> tuple[Group, ...]:
    """The strangest rows; and where the truth is known, the strangest normal rows and the quietest anomalies."""
    order = np.argsort(-scores, kind="stable")
    wanted = [("The strangest rows", "What the detector would show a person first.", order[:STRANGEST])]
    if y is not None and y.any() and not y.all():
        title = "The strangest normal rows"
        wanted.append((title, "Where false alarms come from, or would.", order[~y[order]][:OTHERS]))
        title = "The least strange anomalies"
        wanted.append((title, "What is missed first: anomalies that look normal.", order[y[order]][::-1][:OTHERS]))
    positions = np.unique(np.concatenate([chosen for *_, chosen in wanted]))
    content = contents(detector, taken(rows, positions))
    p_values = detector.calibration_.p_value(scores)

    def row(position: int) -> Row:
        return Row(
            name=shortened(str(names[position])),
            score=float(scores[position]),
            p_value=float(p_values[position]),
            alarm=bool(scores[position] > -detector.offset_),
            anomaly=None if y is None else bool(y[position]),
            **content(int(np.searchsorted(positions, position))),
        )

    return tuple(Group(title, caption, tuple(row(at) for at in chosen)) for title, caption, chosen in wanted)


def contents(detector: Detector, rows: pa.Table | np.ndarray) -> Callable[[int], dict[str, Any]]:
    """What is shown of each of some rows: position → the reasons, or the pictures, of a `Row`."""
    nats, expected, encoder = detector.explain(rows), detector.reconstruct(rows), detector.encoder_
    if isinstance(encoder, PictureEncoder):
        pixels = nats.sum(-1) if nats.ndim == 4 else nats
        scale = float(np.quantile(np.abs(np.nan_to_num(pixels)), 0.995)) or 1.0
        return lambda i: {"pictures": pictures(rows[i], expected[i], nats[i], scale)}
    values = pa.table(encoder.matched(rows))
    return lambda i: {"reasons": reasons(encoder, values, expected, nats, row=i)}


def pictures(picture: np.ndarray, expected: np.ndarray, nats: np.ndarray, scale: float) -> tuple[str, str, str]:
    """A picture, its reconstruction and its heat map."""
    return data_uri(levels(picture)), data_uri(levels(expected)), data_uri(heat_map(nats, scale))


def reasons(
    encoder: TableEncoder, values: pa.Table, expected: pa.Table, nats: np.ndarray, *, row: int
) -> tuple[Reason, ...]:
    """The most surprising features of one row, at most three, and only those that are stranger than usual."""
    most = np.argsort(-nats[row], kind="stable")[:REASONS]
    every = nats[row].clip(min=0).sum()
    return tuple(
        Reason(
            name=shortened(encoder.names[feature]),
            nats=float(nats[row, feature]),
            share=float(nats[row, feature] / every),
            value=cell(values[encoder.names[feature]][row].as_py()),
            expected=cell(expected[encoder.names[feature]][row].as_py()),
        )
        for feature in most
        if nats[row, feature] > 0
    )


def ranking(detector: Detector, rows: pa.Table | np.ndarray, chosen: np.ndarray) -> tuple[Reason, ...]:
    """The features that are strangest on average over the chosen rows of a table; none for pictures."""
    if not isinstance(detector.encoder_, TableEncoder) or not len(chosen):
        return ()
    stride = -(-len(chosen) // EXPLAINED)
    nats = detector.explain(taken(rows, chosen[::stride])).mean(0)
    most = np.argsort(-nats, kind="stable")[:FEATURES]
    longest = max(float(nats.max()), 1e-12)
    names = detector.encoder_.names
    shown = [feature for feature in most if nats[feature] > VISIBLE * longest]
    return tuple(Reason(shortened(names[f]), float(nats[f]), float(nats[f]) / longest) for f in shown)


def cell(value: Any) -> str:
    """A cell in words."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return "missing"
    if not isinstance(value, float):
        return shortened(str(value)) or "empty"
    return number(value) if abs(value) >= 1e4 else f"{value:.4g}".replace("-", "−")


def shortened(text: str) -> str:
    """A text that fits on a line."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
