"""Tables with a few known anomalies: does the next alarm profit from them?"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from .. import data
from ..detectors import VAE, Detector, NegativeSamplingVAE
from ..metrics import auroc, average_precision
from .tasks import Budget, Result

__all__ = ["KnownAnomalies", "split", "taken"]

MOST, RESERVED = 10_000, 100
KINDS = ("elbo", "kl", "density")


@dataclass(frozen=True)
class KnownAnomalies:
    """Half of the normal rows are learned (at most 10,000), with some anomalies as negatives.

    A hundred anomalies are set aside for that, or half of them where they are fewer than two hundred; the others are
    judged with the other normal rows (at most 20,000 of each), so that no anomaly is both known and judged.

    Attributes:
        dataset: Its name in the catalogue.
        known: How many anomalies are known; None learns with `VAE`, which can know none.
        source: Negatives that the model makes itself.
    """

    dataset: str
    known: int | None
    source: str = "none"

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        made = "" if self.source == "none" else f", {self.source} samples"
        return f"{self.dataset}, {'plain VAE' if self.known is None else f'{self.known} known anomalies'}{made}"

    def described(self, budget: Budget) -> dict[str, Any]:
        """Everything that its result depends on."""
        return {**asdict(self), "seeds": budget.members}

    def detector(self, seed: int, **more: Any) -> Detector:
        """A detector with its defaults."""
        if self.known is None:
            return VAE(random_state=seed, **more)
        return NegativeSamplingVAE(source=self.source, random_state=seed, **more)

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:  # noqa: ARG002
        """Learn and judge, with one split of the rows for each seed; a fit takes seconds and needs no checkpoint."""
        found = data.load(self.dataset, download=False)
        truth = np.asarray(found.y)
        numbers: dict[str, list[float]] = {}
        for seed in range(budget.members):
            learned, strange, tests = split(truth, self.known or 0, seed)
            detector = self.detector(seed, schema=dict(found.schema) or None, device=device, verbose=verbose)
            detector.fit(taken(found.X, learned), negatives=taken(found.X, strange) if self.known else None)
            for kind in KINDS:
                scores = detector.anomaly_score(taken(found.X, tests), kind)
                numbers.setdefault(f"AUC {kind}", []).append(auroc(truth[tests], scores))
                numbers.setdefault(f"AP {kind}", []).append(average_precision(truth[tests], scores))
        return Result({"others": numbers}, notes=(found.note,) if found.note else ())


def split(truth: np.ndarray, known: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows to learn, anomalies that are known (at most those set aside), and rows to judge."""
    rng = np.random.default_rng(seed)
    normal, strange = (rng.permutation(np.flatnonzero(truth == label)) for label in (0, 1))
    half, aside = len(normal) // 2, min(RESERVED, len(strange) // 2)
    judged = np.concatenate([normal[half:][: 2 * MOST], strange[aside:][: 2 * MOST]])
    return normal[:half][:MOST], strange[: min(known, aside)], judged


def taken(rows: Any, which: np.ndarray) -> Any:
    """Some rows of a table or an array."""
    return rows.take(pa.array(which)) if isinstance(rows, pa.Table) else rows[which]
