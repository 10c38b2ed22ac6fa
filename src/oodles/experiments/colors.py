"""Color pictures: how good and how various are samples, in the features of a classifier that was trained here?"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from .. import data
from ..detectors import WGANGP, EnGAN
from .classifier import Classifier, Features, Imported, frechet_distance, inception_score
from .drawings import pictures_grid
from .settings import authors
from .tasks import Budget, Result

__all__ = ["Quality", "RealQuality"]

LEARNED_CLASSIFIER = 12
"""Epochs of the classifier."""

WEIGHTS = "OODLES_FEATURES"
"""Environment variable with a TorchScript file of the user's own features, such as Inception's."""

SAMPLES = 50_000


@cache
def classifier(epochs: int, images: int | None, device: str) -> Classifier:
    """A classifier of CIFAR-10's ten classes.

    Raises:
        DatasetError: If CIFAR-10 is not on this machine.
    """
    learned, judged = (data.load("cifar-10", name, download=False) for name in ("train", "test"))
    tests = np.asarray(judged.X), np.asarray(judged.labels)
    pictures, labels = np.asarray(learned.X)[:images], np.asarray(learned.labels)[:images]
    return Classifier.trained(pictures, labels, tests, epochs=epochs, device=torch.device(device))


def features(budget: Budget, device: str) -> tuple[Features, str]:
    """What quality is measured with, and a sentence about it."""
    import os  # noqa: PLC0415

    if path := os.environ.get(WEIGHTS):
        return Imported.read(Path(path)), f"Features come from the user's own network, {Path(path).name}."
    epochs = LEARNED_CLASSIFIER if budget.network == "paper" else 4
    judge = classifier(epochs, budget.images, device)
    return judge, (
        f"IS_c and FID_c are measured with a classifier trained here, right on {judge.accuracy:.1%} of the test "
        "pictures: compare them with each other, never with Inception's."
    )


def quality(judge: Features, pictures: np.ndarray, real: np.ndarray) -> dict[str, list[float]]:
    """Inception score of pictures in [0, 1], and their Fréchet distance from real features."""
    probabilities, found = judge(pictures)
    score, deviation = inception_score(probabilities)
    return {"IS": [score], "IS deviation": [deviation], "FID": [frechet_distance(found, real)]}


def learned_pictures(budget: Budget) -> tuple[np.ndarray, str]:
    """CIFAR-10's training pictures, and a note."""
    found = data.load("cifar-10", "train", download=False)
    return np.asarray(found.X)[: budget.images], found.note


@dataclass(frozen=True)
class RealQuality:
    """Real test pictures against real training pictures: what a perfect generator would get."""

    dataset: str = "cifar-10"

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        return "CIFAR-10, real test pictures"

    def described(self, budget: Budget) -> dict[str, Any]:  # noqa: ARG002 - the budget is described beside it
        """Everything that its result depends on."""
        return asdict(self)

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:  # noqa: ARG002
        """Measure."""
        place = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
        pictures, note = learned_pictures(budget)
        judge, sentence = features(budget, place)
        tests = np.asarray(data.load("cifar-10", "test", download=False).X)[: budget.test]
        numbers = quality(judge, tests / 255, judge(pictures / 255)[1])
        return Result({"CIFAR-10": numbers}, notes=tuple(filter(None, (note, sentence))))


@dataclass(frozen=True)
class Quality:
    """Samples of a generator that learned CIFAR-10.

    Attributes:
        method: What learns.
    """

    method: Literal["EnGAN", "WGAN-GP"]

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        return f"CIFAR-10, {self.method}"

    def described(self, budget: Budget) -> dict[str, Any]:
        """Everything that its result depends on."""
        return {**asdict(self), "detector": repr(self.detector(budget))}

    def detector(self, budget: Budget, **more: Any) -> EnGAN | WGANGP:
        """The authors' settings, within the budget."""
        clean = budget.protocol == "clean"
        shared: dict[str, Any] = {
            "network": "standard" if budget.network == "paper" else "standard-light",
            "activation": "leaky-0.1",
            "latent": 128,
            "batch_size": 64,
            "epochs": budget.epochs or 100_000 * 64 * 5 // 50_000,
            "lr": budget.lr or 1e-4,
            "members": 1,
            "validation_fraction": 0.002,
            "decay": False,
            "random_state": 1,
            **more,
        }
        if self.method == "WGAN-GP":
            return WGANGP(penalty_form="row" if clean else "pixel", **shared)
        return EnGAN(**({} if clean else authors(penalty=10.0)), **shared)

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:
        """Learn, sample, and measure."""
        pictures, note = learned_pictures(budget)
        detector = self.detector(budget, device=device, checkpoint=checkpoint, verbose=verbose)
        detector.fit(pictures)
        judge, sentence = features(budget, next(detector.model_.parameters()).device.type)
        count = SAMPLES if budget.network == "paper" else budget.test
        made = batched(lambda n, seed: np.asarray(detector.sample(n, random_state=seed)), count)
        return Result(
            {"CIFAR-10": quality(judge, made, judge(pictures / 255)[1])},
            pictures={"samples": pictures_grid(made[:50])},
            notes=tuple(filter(None, (note, sentence))),
        )


def batched(make: Callable[[int, int], np.ndarray], count: int, step: int = 2_000) -> np.ndarray:
    """Many samples, made few at a time."""
    return np.concatenate([make(min(step, count - start), start) for start in range(0, count, step)]).astype(np.float32)
