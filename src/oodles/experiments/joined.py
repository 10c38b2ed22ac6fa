"""Both documents in one: an EnGAN's samples, refined by latent MALA, as negatives of a variational autoencoder."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..detectors import Chain, EnGAN
from .pictures import OutOfDistribution, judged, load
from .tasks import Budget, Result

__all__ = ["JoinedNegatives"]

SAMPLES, GENERATOR_EPOCHS = 2_000, 4


@dataclass(frozen=True)
class JoinedNegatives:
    """A `NegativeSamplingVAE` whose negatives another generator makes.

    Attributes:
        inlier: What both learn.
        noise: The VAE's likelihood.
        mcmc: Steps of latent MALA that refine the samples.
    """

    inlier: str
    noise: str
    mcmc: int

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        return f"{self.inlier}, {self.noise}, EnGAN's negatives, {self.mcmc} steps of MALA"

    def described(self, budget: Budget) -> dict[str, Any]:
        """Everything that its result depends on."""
        learners = {"detector": repr(self.task.detector(budget)), "generator": repr(self.generator(budget))}
        return {**asdict(self), **learners, "samples": SAMPLES}

    @property
    def task(self) -> OutOfDistribution:
        """The same without the generator: what document 000 runs."""
        return OutOfDistribution(self.inlier, self.noise)

    def generator(self, budget: Budget, **more: Any) -> EnGAN:
        """What makes the negatives: our defaults."""
        network = "dcgan" if budget.network == "paper" else "dcgan-light"
        epochs = 55 if budget.network == "paper" else GENERATOR_EPOCHS
        return EnGAN(network=network, batch_size=64, epochs=epochs, decay=False, random_state=1, members=1, **more)

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:
        """Learn to make negatives, learn from them, and judge."""
        learned, note = load(self.inlier, "train", protocol=budget.protocol)
        learned = learned[: budget.images]
        tests, notes = {}, [note]
        for role in (self.inlier, "MNIST" if self.inlier != "MNIST" else "Fashion-MNIST"):
            pictures, note = load(role, "test", protocol=budget.protocol)
            tests[role] = pictures[: budget.test]
            notes.append(note)
        first = checkpoint.with_name(checkpoint.name + "-generator")
        generator = self.generator(budget, device=device, checkpoint=first, verbose=verbose).fit(learned)
        negatives = np.asarray(generator.sample(SAMPLES, mcmc=Chain(steps=self.mcmc)))
        detector = self.task.detector(budget, device=device, checkpoint=checkpoint, verbose=verbose)
        detector.set_params(background=0.0).fit(learned, negatives=negatives)
        first.unlink(missing_ok=True)
        numbers = judged(detector, tests, self.inlier, budget.few)
        return Result(numbers, notes=tuple(dict.fromkeys(filter(None, notes))))
