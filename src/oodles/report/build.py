"""Sections → one page of HTML that needs nothing else."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader
from markupsafe import Markup
from numpy.typing import ArrayLike

from ..detectors import Detector
from ..encoding import PictureEncoder
from ..errors import DataError, FileError
from ..scores import Encodes
from . import charts
from .drawing import with_ids
from .measures import FDR, Numbers, counted, measured, number, percent, ratio, sentences
from .tables import STRANGEST, Group, Reason, as_rows, groups, ranking, taken

__all__ = ["Figure", "Section", "build", "section", "templates", "write"]

BAND = (
    "Promised against kept false-alarm rate. If normal rows stay like the held-out ones, the line lies in the "
    "band with 95% probability at each rate; the band knows how few rows were held out and tested."
)


@dataclass(frozen=True)
class Figure:
    """A chart with its title and what it shows."""

    title: str
    caption: str
    svg: str


@dataclass(frozen=True)
class Section:
    """Everything a page says about one detector on its test rows.

    Attributes:
        name: Heading.
        description: A sentence or two under the heading.
        facts: What the detector is, in a few words each.
        numbers: What it is worth.
        sentences: The same in words.
        figures: Charts.
        groups: Rows worth looking at.
        features: The strangest features over many rows; empty for pictures.
        featured: Which rows these were, in words.
        pictures: Whether the rows are pictures.
        unit: What reasons are counted in.
    """

    name: str
    description: str
    facts: tuple[str, ...]
    numbers: Numbers
    sentences: tuple[str, ...]
    figures: tuple[Figure, ...]
    groups: tuple[Group, ...]
    features: tuple[Reason, ...]
    featured: str
    pictures: bool
    unit: str


def section(
    detector: Detector,
    X: Any,
    y: ArrayLike | None = None,
    *,
    name: str,
    description: str,
    names: Sequence[str] | None = None,
) -> Section:
    """Judge a fitted detector on test rows.

    Arguments:
        detector: The detector.
        X: Test rows or pictures, as for `detector.anomaly_score`.
        y: 1 for an anomaly, 0 for a normal row. Without it, all that needs the truth is left out.
        name: Heading of the section.
        description: What was learned and what is tested, in a sentence or two.
        names: What each row is called, such as the pictures' file names; by default rows count from 1.

    Raises:
        DataError: If `y` or `names` do not fit the rows, or a score is not a number.
    """
    rows = as_rows(X)
    scores = detector.anomaly_score(rows)
    truth = None if y is None else checked_truth(y, len(scores))
    if np.isnan(scores).any():
        raise DataError(f"A report needs scores that are numbers, but {int(np.isnan(scores).sum())} of them are NaN.")
    if names is None:
        names = [f"row {i + 1}" for i in range(len(scores))]
    if len(names) != len(scores):
        raise DataError(f"names must name every row: there are {len(scores)} rows, but {len(names)} names.")
    numbers = measured(detector, scores, truth)
    chosen, featured = telling(scores, truth, numbers)
    embedding, shown = codes_of_some(detector, rows, len(scores))
    return Section(
        name=name,
        description=description,
        facts=facts(detector, embedding),
        numbers=numbers,
        sentences=tuple(sentences(numbers)),
        figures=figures(detector, scores, truth, numbers, embedding, shown),
        groups=groups(detector, rows, scores, truth, names),
        features=ranking(detector, rows, chosen),
        featured=featured,
        pictures=isinstance(detector.encoder_, PictureEncoder),
        unit=detector.reason_unit,
    )


def checked_truth(y: ArrayLike, rows: int) -> np.ndarray:
    """The labels as booleans.

    Raises:
        DataError: If there are not as many as rows, or one is neither 0 nor 1.
    """
    labels = np.asarray(y)
    if labels.shape != (rows,):
        raise DataError(f"y must hold one label for each of the {rows} rows, but has the shape {labels.shape}.")
    if not np.isin(labels, (0, 1)).all():
        raise DataError("y must hold 1 for an anomaly and 0 for a normal row, and nothing else.")
    return labels.astype(bool)


def telling(scores: np.ndarray, y: np.ndarray | None, numbers: Numbers) -> tuple[np.ndarray, str]:
    """Rows whose reasons are worth averaging: the anomalies, else the alarms, else the strangest."""
    if y is not None and y.any():
        return np.flatnonzero(y), "the anomalies"
    if numbers.alarms:
        return np.flatnonzero(scores > numbers.threshold), "the alarms"
    return np.argsort(-scores, kind="stable")[:STRANGEST], "the strangest rows"


def codes_of_some(detector: Detector, rows: Any, count: int) -> tuple[np.ndarray | None, np.ndarray]:
    """The codes of not too many rows, if the detector gives any, and which rows these are."""
    shown = charts.thinned(count, charts.MOST_POINTS)
    if not isinstance(detector.model_, Encodes):
        return None, shown
    return detector.embed(rows if len(shown) == count else taken(rows, shown)), shown


def facts(detector: Detector, embedding: np.ndarray | None) -> tuple[str, ...]:
    """What a detector is, in a few words each."""
    layout = detector.encoder_.layout
    return (
        type(detector).__name__,
        "pictures of {1} × {2}".format(*layout.shape) if layout.shape else f"{layout.features} features",
        *(() if embedding is None else (counted(embedding.shape[1], "code"),)),
        *((counted(detector.model_.members, "member"), counted(detector.epochs_, "epoch")) if detector.epochs_ else ()),
        f"score: {detector.scoring}",
    )


def figures(
    detector: Detector,
    scores: np.ndarray,
    y: np.ndarray | None,
    numbers: Numbers,
    embedding: np.ndarray | None,
    shown: np.ndarray,
) -> tuple[Figure, ...]:
    """The charts that these rows allow."""
    both = numbers.auroc is not None
    groups_apart = "" if y is None else " Normal rows upwards, anomalous downwards, each as shares of their own number."
    drawn = [
        ("Scores", f"How strange the rows are.{groups_apart}", charts.histogram(scores, y, numbers)),
        (
            "Ranking",
            "Anomalies caught against normal rows alarmed, for every threshold.",
            charts.roc(scores, y, numbers) if y is not None and both else None,
        ),
        (
            "Precision",
            "How many alarms are right against how many anomalies are caught; guessing gets the share of anomalies.",
            charts.precision_recall(scores, y, numbers) if y is not None and both else None,
        ),
        (
            "Calibration",
            BAND,
            charts.kept_rates(scores[~y], detector.calibration_, numbers) if y is not None and not y.all() else None,
        ),
        ("Training", "Loss by epoch: members thin, their mean thick.", charts.losses(detector.history_)),
        (
            "Codes",
            "Where the first member puts the rows."
            + ("" if len(shown) == len(scores) else f" {len(shown):,} of {len(scores):,} rows are drawn."),
            charts.codes(embedding, scores[shown], None if y is None else y[shown])
            if embedding is not None and len(shown) > 2
            else None,
        ),
    ]
    return tuple(Figure(title, caption, svg) for title, caption, svg in drawn if svg is not None)


def build(sections: Sequence[Section], *, title: str, command: str) -> str:
    """One page about all sections: no network, no scripts, no second file.

    Arguments:
        sections: What `section` made.
        title: Heading of the page.
        command: What the reader can type to make this page again.
    """
    from .. import __version__  # noqa: PLC0415 - the package imports its rooms when they are used

    pages = templates(html=True)
    pages.filters |= {"percent": percent, "number": number, "ratio": ratio, "drawn": drawn}
    page = pages.get_template("report.html.j2")
    return page.render(
        sections=sections, title=title, command=command, version=__version__, fdr=FDR, infinity=float("inf")
    )


def templates(*, html: bool) -> Environment:
    """The templates of all pages; Markdown has other special characters than HTML, and no user's word is in it."""
    return Environment(
        loader=PackageLoader("oodles.report"),
        autoescape=html,  # noqa: S701
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def drawn(svg: str, ids: str) -> Markup:
    """A chart as it stands: `charts` made it, and no user's word is in it."""
    return Markup(with_ids(svg, ids))  # noqa: S704


def write(path: str | Path, html: str) -> None:
    """Put a page at `path`; whatever happens, a whole page stands there or the old one.

    Raises:
        FileError: If it cannot be written.
    """
    path, draft = Path(path), None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(html)
        Path(draft).chmod(0o644)
        Path(draft).replace(path)
        draft = None
    except OSError as error:
        raise FileError(f"The report cannot be written to {path}: {error.strerror or error}.") from error
    finally:
        if draft is not None:
            Path(draft).unlink(missing_ok=True)
