"""Chains on an energy: in latent space they walk on the manifold, in data space they should leave it."""

from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from .. import data
from ..detectors import Chain, EnGAN
from ..detectors.adversaries import target_of
from ..nn import Draws
from ..sampling import KERNELS, chain, effective_sample_size
from ..sampling import walk as run
from .drawings import pictures_grid
from .settings import authors
from .tasks import Budget, Result

__all__ = ["Walks"]

STEPS, WALKERS, SHOWN = 100, 64, 30

PIXEL_STEP = 1e-4
"""Step size in data space, where the authors' 0.01 is rejected altogether."""


@dataclass(frozen=True)
class Walks:
    """An EnGAN of pictures, and a hundred steps of MALA from its samples, in both spaces.

    Attributes:
        dataset: What is learned.
        prior: Whether the latent chain's target has the prior; the authors' has not.
        beta: Factor of the energy.
    """

    dataset: Literal["celeba", "mnist", "fashion-mnist"]
    prior: bool = True
    beta: float = 1.0

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        return f"{self.dataset}, chains {'with' if self.prior else 'without'} the prior, β = {self.beta:g}"

    def described(self, budget: Budget) -> dict[str, Any]:
        """Everything that its result depends on."""
        return {**asdict(self), "detector": repr(self.detector(budget)), "steps": STEPS, "walkers": WALKERS}

    def detector(self, budget: Budget, **more: Any) -> EnGAN:
        """The authors' settings, within the budget."""
        clean = budget.protocol == "clean"
        network = "dcgan-64" if self.dataset == "celeba" else "dcgan"
        return EnGAN(
            network=network if budget.network == "paper" else f"{network}-light",
            latent=128,
            batch_size=64,
            epochs=budget.epochs or (158 if self.dataset == "celeba" else 500),
            lr=budget.lr or 1e-4,
            members=1,
            validation_fraction=0.01,
            decay=False,
            random_state=1,
            **({} if clean else authors(penalty=10.0)),
            **more,
        )

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:
        """Learn, walk, and measure."""
        found = data.load(self.dataset, "train", download=False)
        detector = self.detector(budget, device=device, checkpoint=checkpoint, verbose=verbose)
        detector.fit(np.asarray(found.X)[: budget.images])
        numbers, pictures = {}, {}
        for space, step in (("latent", 0.01), ("data", PIXEL_STEP)):
            walk = Chain(STEPS, "mala", step, space, self.prior, self.beta)  # type: ignore[arg-type]
            numbers[space], seen = walked(detector, walk)
            for when, rows in seen.items():
                pictures[f"{space}-{when}"] = pictures_grid(rows[:SHOWN])
        return Result(numbers, pictures=pictures, notes=tuple(filter(None, (found.note,))))


def walked(detector: EnGAN, walk: Chain) -> tuple[dict[str, list[float]], dict[str, np.ndarray]]:
    """What a chain does to energy and diversity, and how its pictures look at its begin, in its middle, and at its end.

    Diversity is the mean distance between two samples. The step size is adapted in a burn-in of as many steps, from
    the same start, to accept 57 %; the chain itself keeps it.
    """
    model: Any = detector.model_
    draws = Draws([7], model.points.device)
    target, kernel = target_of(model, walk), KERNELS[walk.kernel](walk.step)
    with torch.no_grad():
        z = draws.normal(WALKERS, model.latent)
        start = z if walk.space == "latent" else model.generator(z)
    step = run(kernel, target, start, draws, walk.steps, target=0.57).step
    positions, accepted = [start], []
    for state, moved, _ in islice(chain(kernel, target, start, draws, step=step), walk.steps):
        positions.append(state.position)
        accepted.append(float(moved.float().mean()))
    with torch.no_grad():
        rows = [model.generator(z) if walk.space == "latent" else z for z in positions]
        energies = [float(model.energy_at(model.seen(row)).mean()) for row in rows]
        spread = [float(torch.pdist(row[0]).mean()) for row in rows]
    path = torch.stack(positions)[:, 0, :, : min(model.latent, 32)]
    numbers = {
        "energy, begin": [energies[0]],
        "energy, end": [energies[-1]],
        "diversity, begin": [spread[0]],
        "diversity, end": [spread[-1]],
        "acceptance": [float(np.mean(accepted))],
        "step": [float(step[0])],
        "moved": [float((rows[-1] - rows[0]).norm(dim=-1).mean())],
        "ESS of 100": [float(effective_sample_size(path).mean())],
    }
    shown = {"begin": rows[0], "middle": rows[len(rows) // 2], "end": rows[-1]}
    return numbers, {when: detector.encoder_.decode(row[0].cpu().numpy()) for when, row in shown.items()}
