"""Stacked digits: every picture is a tuple of digits in its channels, so that missing modes can be counted."""

from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from .. import data
from ..detectors import WGANGP, EnGAN
from .classifier import Classifier
from .drawings import pictures_grid
from .settings import authors
from .tasks import Budget, Result

__all__ = ["StackedDigits", "finite_sample_floor", "from_uniform"]

PER_MODE_LEARNED, PER_MODE_JUDGED = 128, 26


def finite_sample_floor(modes: int, samples: int) -> float:
    """The KL that even perfect samples have, (K - 1) / 2N nats to first order."""
    return (modes - 1) / (2 * samples)


def from_uniform(counts: np.ndarray) -> float:
    r"""$KL(\hat p \| u)$ in nats of the counts of all K modes."""
    shares = counts[counts > 0] / counts.sum()
    return float((shares * np.log(shares * len(counts))).sum())


@cache
def digits(epochs: int, device: str) -> Classifier:
    """A classifier of single digits, trained on MNIST.

    Raises:
        DatasetError: If MNIST is not on this machine.
    """
    learned, judged = (data.load("mnist", name, download=False) for name in ("train", "test"))
    tests = np.asarray(judged.X), np.asarray(judged.labels)
    place = torch.device(device)
    return Classifier.trained(np.asarray(learned.X), np.asarray(learned.labels), tests, epochs=epochs, device=place)


@dataclass(frozen=True)
class StackedDigits:
    """A generator of `channels` digits at once: how many of the 10^channels tuples does it make?

    Attributes:
        channels: Digits of a picture.
        method: What learns.
        entropy: Weight of the entropy term of EnGAN; None is the protocol's own.
    """

    channels: int
    method: Literal["EnGAN", "WGAN-GP"] = "EnGAN"
    entropy: float | None = None

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        more = "" if self.entropy is None else f", entropy × {self.entropy:g}"
        return f"{self.channels} stacked digits, {self.method}{more}"

    def described(self, budget: Budget) -> dict[str, Any]:
        """Everything that its result depends on."""
        return {**asdict(self), "detector": repr(self.detector(budget))}

    def detector(self, budget: Budget, **more: Any) -> EnGAN | WGANGP:
        """The authors' settings, within the budget."""
        clean = budget.protocol == "clean"
        shared: dict[str, Any] = {
            "network": "dcgan" if budget.network == "paper" else "dcgan-light",
            "latent": 128,
            "batch_size": 64,
            "epochs": budget.epochs or 100_000 * 64 * 5 // (PER_MODE_LEARNED * 10**self.channels),
            "lr": budget.lr or 1e-4,
            "members": budget.members,
            "validation_fraction": 0.002,
            "decay": False,
            "random_state": 1,
            **more,
        }
        if self.method == "WGAN-GP":
            return WGANGP(penalty_form="row" if clean else "pixel", **shared)
        own = {} if self.entropy is None else {"entropy": self.entropy}
        return EnGAN(**{**({} if clean else authors(penalty=10.0)), **own}, **shared)

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:
        """Learn, sample, and count."""
        modes = 10**self.channels
        source = data.load("mnist", "train", download=False)
        pictures = np.asarray(source.X)
        chosen = np.random.default_rng(111).integers(len(pictures), size=(PER_MODE_LEARNED * modes, self.channels))
        chosen = chosen[: budget.images]
        learned = pictures[chosen].transpose(0, 2, 3, 1)
        detector = self.detector(budget, device=device, checkpoint=checkpoint, verbose=verbose)
        detector.fit(learned)
        judge = digits(10, str(next(detector.model_.parameters()).device))
        members, samples = budget.members, PER_MODE_JUDGED * modes
        counts = np.zeros((members, modes))
        step = 10_000
        for turn, start in enumerate(range(0, samples, step)):
            count = min(step, samples - start)
            made = np.asarray(detector.sample(count * members, random_state=1000 * turn))
            for member in range(members):
                counts[member] += np.bincount(tuples(judge, made[member::members]), minlength=modes)
        shown = np.asarray(detector.sample(50 * members))[::members]
        color = shown if self.channels == 3 else shown[..., :3]
        numbers = {
            "modes": [float((row > 0).sum()) for row in counts],
            "KL": [from_uniform(row) for row in counts],
            "KL floor": [finite_sample_floor(modes, samples)],
        }
        return Result(
            {"tuples": numbers},
            pictures={"samples": pictures_grid(color)},
            notes=(f"The classifier of single digits is right on {judge.accuracy:.2%} of MNIST's test pictures.",),
        )


def tuples(judge: Classifier, pictures: np.ndarray) -> np.ndarray:
    """The number that the digits of each picture (N, H, W, C) make."""
    code = np.zeros(len(pictures), dtype=np.int64)
    for channel in range(pictures.shape[-1]):
        code = 10 * code + judge(pictures[..., channel])[0].argmax(1)
    return code
