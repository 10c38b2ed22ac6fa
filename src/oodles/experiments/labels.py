"""Tables with a handful of labeled anomalies: what a semi-supervised VAE makes of them, and what negative sampling."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from .. import data
from ..detectors import Detector, NegativeSamplingVAE, SemiSupervisedVAE
from ..metrics import auroc, average_precision
from .known import split, taken
from .tasks import Budget, Result

__all__ = ["HandfulOfLabels"]

BOTH = "fisher(elbo, log_odds)"
"""What looks strange and what is called strange, as one."""

KINDS = {
    "negative sampling": ("elbo", "kl"),
    "semi-supervised": ("classified_elbo", "elbo", "log_odds", BOTH),
}


@dataclass(frozen=True)
class HandfulOfLabels:
    """Half of the normal rows are learned (at most 10,000), and some anomalies that are labeled as such.

    The rows are those of `KnownAnomalies`: anomalies that may be labeled are set aside, a hundred or half of them, and
    the others are judged with the other normal rows. Without a label, the semi-supervised model has nothing to tell its
    classes apart by.

    Attributes:
        dataset: Its name in the catalogue.
        known: How many anomalies have a label.
        method: What learns, with its default parameters.
    """

    dataset: str
    known: int
    method: Literal["negative sampling", "semi-supervised"]

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        return f"{self.dataset}, {self.known} labeled anomalies, {self.method}"

    def described(self, budget: Budget) -> dict[str, Any]:
        """Everything that its result depends on."""
        return {**asdict(self), "detector": repr(self.detector(0)), "seeds": budget.members}

    def detector(self, seed: int, **more: Any) -> Detector:
        """What learns."""
        if self.method == "negative sampling":
            return NegativeSamplingVAE(random_state=seed, **more)
        return SemiSupervisedVAE(scoring=BOTH, random_state=seed, **more)

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:  # noqa: ARG002
        """Learn and judge, with one split of the rows for each seed; a fit takes seconds and needs no checkpoint."""
        found = data.load(self.dataset, download=False)
        truth = np.asarray(found.y)
        numbers: dict[str, dict[str, list[float]]] = {kind: {"AUROC": [], "AP": []} for kind in KINDS[self.method]}
        for seed in range(budget.members):
            learned, strange, tests = split(truth, self.known, seed)
            detector = self.detector(seed, schema=dict(found.schema) or None, device=device, verbose=verbose)
            detector.fit(taken(found.X, learned), negatives=taken(found.X, strange) if self.known else None)
            for kind, measured in numbers.items():
                scores = detector.anomaly_score(taken(found.X, tests), kind)
                measured["AUROC"].append(auroc(truth[tests], scores))
                measured["AP"].append(average_precision(truth[tests], scores))
        return Result(numbers, notes=(found.note,) if found.note else ())
