"""Two detectors on two public datasets that come inside scikit-learn: half a minute, no download."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import data
from ..detectors import VAE, Detector
from .build import Section, build, section, write

__all__ = ["Demo", "run"]

COMMAND = "oodles demo"
HELD_OUT = 0.25
"""Share of the training rows that calibrates: with fewer, no p-value is small enough for a discovery."""


@dataclass(frozen=True)
class Demo:
    """What a demo found.

    Attributes:
        report: The page.
        models: The saved detectors, one folder each.
        sections: The numbers, one section for each detector; `section.numbers` holds them.
        seconds: How long everything took.
    """

    report: Path
    models: tuple[Path, ...]
    sections: tuple[Section, ...]
    seconds: float


@dataclass(frozen=True)
class Trial:
    """One dataset, split: what is learned and what is tested."""

    name: str
    title: str
    description: str
    detector: Detector
    learned: Any
    tested: Any
    y: np.ndarray


def run(
    folder: str | Path, *, seed: int = 0, show: Callable[[str], None] | None = None, epochs: int | None = None
) -> Demo:
    """Learn, judge, and write `report.html` and the two models into a folder.

    Arguments:
        folder: Where to write; made if it is missing.
        seed: Seed of the splits and of the training.
        show: Called with a sentence before each step.
        epochs: Passes over the training rows; None for enough of them.

    Raises:
        FileError: If the report cannot be written.
        ArtefactError: If a model cannot be written.
    """
    started, folder = time.perf_counter(), Path(folder)
    tell = show or (lambda _: None)
    sections: list[Section] = []
    models: list[Path] = []
    for trial in (breast_cancer(seed, epochs), digits(seed, epochs)):
        tell(f"{trial.title}: learning from {len(trial.learned):,} normal rows …")
        trial.detector.fit(trial.learned)
        tell(f"{trial.title}: judging {len(trial.tested):,} other rows …")
        sections.append(section(trial.detector, trial.tested, trial.y, name=trial.title, description=trial.description))
        models.append(folder / trial.name)
        trial.detector.save(models[-1])
    report = folder / "report.html"
    write(report, build(sections, title="What a detector sees", command=COMMAND))
    return Demo(report, tuple(models), tuple(sections), time.perf_counter() - started)


def breast_cancer(seed: int, epochs: int | None) -> Trial:
    """A table: a VAE learns from half of the benign tumors."""
    dataset = data.load("breast-cancer")
    y = np.asarray(dataset.y)
    learned, tested = split(y == 0, 0.5, seed)
    detector = VAE(validation_fraction=HELD_OUT, random_state=seed, epochs=epochs or 300)
    return Trial(
        name="breast-cancer",
        title="Breast tumors",
        description="Thirty measurements of cell nuclei (Wisconsin, 1993). The detector learned from half of the "
        "benign tumors and never saw a malignant one; it is tested on the other half and on all malignant ones.",
        detector=detector,
        learned=dataset.X.take(learned),
        tested=dataset.X.take(tested),
        y=y[tested],
    )


def digits(seed: int, epochs: int | None) -> Trial:
    """Pictures: a VAE learns from two thirds of the zeros."""
    dataset = data.load("digits")
    zero = np.asarray(dataset.labels) == 0
    learned, tested = split(zero, 2 / 3, seed)
    detector = VAE(network="mlp", validation_fraction=HELD_OUT, random_state=seed, epochs=epochs or 1000)
    return Trial(
        name="digits",
        title="Handwritten zeros",
        description="Digits of 8 × 8 pixels (Alpaydin & Kaynak, 1998). The detector learned from two thirds of the "
        "zeros and never saw another digit; it is tested on the other zeros and on all digits from 1 to 9.",
        detector=detector,
        learned=dataset.X[learned],
        tested=dataset.X[tested],
        y=(~zero[tested]).astype(np.int8),
    )


def split(normal: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of a share of the normal rows to learn from, and of all other rows to test."""
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(normal))
    learned = np.sort(rows[: round(share * len(rows))])
    return learned, np.setdiff1d(np.arange(len(normal)), learned)
