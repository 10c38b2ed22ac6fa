"""Probability and latent evidence together: does one number of several scores find what the best of them finds?"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import data
from ..calibration import Calibration
from ..detectors import LatentOneClassSVM
from ..metrics import auroc, average_precision, rates
from ..scores import RULES, Combined
from .known import taken
from .tasks import Budget, Result

__all__ = ["GROUPS", "SINGLE", "CombinedScores"]

MOST, RATE = 10_000, 0.05

SINGLE = ("elbo", "likelihood", "kl", "latent_norm", "energy", "density")

GROUPS: dict[str, tuple[str, ...]] = {
    "all six": SINGLE,
    "elbo + codes": ("elbo", "energy"),
    "elbo + statistics": ("elbo", "density"),
}
"""What is combined: everything; the probability and the codes' support; the probability and what is usual for it."""


@dataclass(frozen=True)
class CombinedScores:
    """Half of the normal rows are learned (at most 10,000); the others calibrate (a third) or are judged.

    Attributes:
        dataset: Its name in the catalogue.
    """

    dataset: str

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        return f"{self.dataset}, scores combined"

    def described(self, budget: Budget) -> dict[str, Any]:
        """Everything that its result depends on."""
        return {**asdict(self), "detector": repr(self.detector(0)), "seeds": budget.members, "rate": RATE}

    def detector(self, seed: int, **more: Any) -> LatentOneClassSVM:
        """A detector with its defaults, which has all the scores."""
        return LatentOneClassSVM(scoring=Combined(SINGLE), random_state=seed, **more)

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:  # noqa: ARG002
        """Learn, calibrate, judge, with one split of the rows for each seed; a fit takes seconds."""
        found = data.load(self.dataset, download=False)
        truth = np.asarray(found.y)
        kinds = [*SINGLE, *(str(Combined(group, rule)) for group in GROUPS.values() for rule in RULES)]
        runs: dict[str, dict[str, list[float]]] = {}
        for seed in range(1, budget.members + 1):
            rng = np.random.default_rng(seed)
            normal, strange = (rng.permutation(np.flatnonzero(truth == label)) for label in (0, 1))
            learned, others = np.split(normal, [len(normal) // 2])
            detector = self.detector(seed, schema=dict(found.schema) or None, device=device, verbose=verbose)
            detector.fit(taken(found.X, learned[:MOST]))
            known, usual = np.split(others[:MOST], [len(others[:MOST]) // 3])
            judged = np.concatenate([usual, strange[:MOST]])
            for kind in kinds:
                scores = detector.anomaly_score(taken(found.X, judged), kind)
                usual_scores = detector.anomaly_score(taken(found.X, known), kind)
                alarms = scores > Calibration.from_scores(usual_scores).threshold(RATE)
                found_now = {
                    "AUROC": auroc(truth[judged], scores),
                    "AP": average_precision(truth[judged], scores),
                    "false alarms": rates(truth[judged], alarms).false_alarm_rate,
                }
                for quantity, value in found_now.items():
                    runs.setdefault(quantity, {}).setdefault(kind, []).append(value)
        numbers = {quantity: {kind: each[kind] for kind in SINGLE} for quantity, each in runs.items()}
        for name, group in GROUPS.items():
            best = max(group, key=lambda kind: sum(runs["AUROC"][kind]))
            for quantity, each in runs.items():
                together = {rule: each[str(Combined(group, rule))] for rule in RULES}
                numbers[f"{quantity}, {name}"] = {"best alone": each[best], **together}
        return Result(numbers, notes=(found.note,) if found.note else ())
