"""One digit left out of MNIST: nine are usual, the tenth is strange (Zenati et al., 2018)."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from .. import data
from ..detectors import VAE, BiGAN, Detector, EnGAN
from ..metrics import auroc, average_precision_trapezoid
from .settings import authors
from .tasks import Budget, Result

__all__ = ["HeldOutDigit", "least_area"]

LEARNED = 0.8
"""Share of the usual digits that is learned; the rest is judged with all pictures of the strange one."""

KINDS: dict[str, tuple[str, ...]] = {
    "EnGAN": ("energy", "score_norm"),
    "BiGAN": ("sigma", "feature_matching"),
    "VAE": ("elbo", "reconstruction_probability"),
}


def least_area(prevalence: float) -> float:
    r"""The least area under precision over recall, $1 + \frac{1 - \pi}{\pi} \log(1 - \pi)$: anomalies ranked last.

    References:
        | Unachievable Region in Precision-Recall Space (Boyd et al., 2012), https://arxiv.org/abs/1206.4667
    """
    return 1 + (1 - prevalence) / prevalence * math.log1p(-prevalence)


@dataclass(frozen=True)
class HeldOutDigit:
    """All 70,000 digits: four fifths of nine classes are learned, one fifth is judged with all of the tenth.

    In the `paper` protocol the two cuts into fifths are drawn apart, as the authors' code does by mistake: four of five
    judged usual digits were learned. `clean` draws one.

    Attributes:
        digit: The strange one.
        method: What learns.
    """

    digit: int
    method: Literal["EnGAN", "BiGAN", "VAE"]

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        return f"MNIST without {self.digit}, {self.method}"

    def described(self, budget: Budget) -> dict[str, Any]:
        """Everything that its result depends on."""
        return {**asdict(self), "detector": repr(self.detector(budget))}

    def detector(self, budget: Budget, **more: Any) -> Detector:
        """The authors' settings, within the budget; `clean` has ours where the paper and its code disagree."""
        clean, light = budget.protocol == "clean", "" if budget.network == "paper" else "-light"
        shared: dict[str, Any] = {"members": budget.members, "random_state": 1, "validation_fraction": 0.02, **more}
        if self.method == "VAE":
            rate: dict[str, Any] = {"epochs": budget.epochs or 55, "lr": budget.lr or 1e-3}
            return VAE(network="gray" + light, latent=10, decay=False, **rate, **shared)
        if self.method == "BiGAN":
            return BiGAN(
                network="dcgan" + light,
                latent=200,
                decay=False,
                epochs=budget.epochs or 100,
                batch_size=100,
                lr=budget.lr or 1e-5,
                **shared,
            )
        return EnGAN(
            network="dcgan" + light,
            latent=128,
            decay=False,
            epochs=budget.epochs or 55,
            batch_size=64,
            lr=budget.lr or 1e-4,
            **({"penalty": 100.0} if clean else authors(penalty=100.0)),
            **shared,
        )

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:
        """Learn and judge."""
        learned, judged, truth = split(self.digit, leaky=budget.protocol == "paper")
        chosen = np.arange(len(judged))
        if 2 * budget.test < len(judged):  # both classes lose the same share: the prevalence stays
            chosen = np.random.default_rng(0).permutation(len(judged))[: 2 * budget.test]
        judged, truth = judged[chosen], truth[chosen]
        detector = self.detector(budget, device=device, checkpoint=checkpoint, verbose=verbose)
        detector.fit(learned[: budget.images])
        numbers: dict[str, dict[str, list[float]]] = {}
        for kind in KINDS[self.method]:
            found: dict[str, list[float]] = {"AUPRC": [], "AUROC": []}
            for scores in detector.member_scores(judged, kind):
                finite = np.where(np.isfinite(scores), scores, np.inf)
                found["AUPRC"].append(average_precision_trapezoid(truth, finite))
                found["AUROC"].append(auroc(truth, finite))
            share = float(truth.mean())
            numbers[kind] = {**found, "prevalence": [share], "least AUPRC": [least_area(share)]}
        return Result(numbers)


def split(digit: int, *, leaky: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures to learn, pictures to judge and their labels (1: the strange digit).

    Raises:
        DatasetError: If MNIST is not on this machine.
    """
    parts = [data.load("mnist", name, download=False) for name in ("train", "test")]
    pictures = np.concatenate([np.asarray(part.X) for part in parts])
    labels = np.concatenate([np.asarray(part.labels) for part in parts])
    usual, strange = np.flatnonzero(labels != digit), np.flatnonzero(labels == digit)
    rng = np.random.default_rng(42)
    order = rng.permutation(usual)
    cut = int(LEARNED * len(usual))
    kept = (rng.permutation(usual) if leaky else order)[cut:]
    judged = np.concatenate([kept, strange])
    return pictures[order[:cut]], pictures[judged], (labels[judged] == digit).astype(int)
