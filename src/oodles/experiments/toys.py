"""Points in the plane whose density is known: does an energy have valleys where no data are?"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..detectors import EnGAN
from .drawings import density_picture, points_picture
from .settings import authors
from .tasks import Budget, Result

__all__ = ["Points", "Toy", "grid", "true_density", "variation"]

SIDE, REACH = 500, 2.0
"""Cells of the grid in each direction, and how far it reaches."""

POINTS = 100_000
"""Points of an epoch, where the authors draw every batch anew."""

SAMPLES = 10_000

PROPOSALS = (0.02, 0.1, 2.0)
"""Noise around samples: as narrow as a mode, as far as the generator misses it, and all of the grid."""

Points = Literal["8 Gaussians", "25 Gaussians", "Swiss roll"]


def centers(name: Points) -> tuple[np.ndarray, float]:
    """The Gaussians' centers (K, 2) and their deviation."""
    if name == "8 Gaussians":
        angle = np.arange(8) * np.pi / 4
        return 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1) / 1.414, 0.02 / 1.414
    if name == "25 Gaussians":
        steps = np.arange(-2, 3)
        return np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2) * 2 / 2.828, 0.05 / 2.828
    # A roll is a mixture of Gaussians along its curve: 1.5 π (1 + 2 u) with u uniform, scikit-learn's parameters.
    turn = 1.5 * np.pi * (1 + 2 * (np.arange(4000) + 0.5) / 4000)
    return np.stack([turn * np.cos(turn), turn * np.sin(turn)], axis=1) / 7.5, 0.25 / 7.5


def drawn(name: Points, count: int, rng: np.random.Generator) -> np.ndarray:
    """Points, (count, 2)."""
    means, std = centers(name)
    return means[rng.integers(len(means), size=count)] + std * rng.normal(size=(count, 2))


def grid() -> np.ndarray:
    """The grid's points, (SIDE², 2), row by row."""
    steps = np.linspace(-REACH, REACH, SIDE)
    return np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)


def true_density(name: Points) -> np.ndarray:
    """The share of each grid point, (SIDE, SIDE); they sum to 1."""
    means, std = centers(name)
    steps = np.linspace(-REACH, REACH, SIDE)
    # exp(-r²/2) of a Gaussian is a product of one number for its row and one for its column.
    across, up = (np.exp(-(((steps[:, None] - means[:, axis]) / std) ** 2) / 2) for axis in (0, 1))
    density = up @ across.T
    return density / density.sum()


def variation(p: np.ndarray, q: np.ndarray) -> float:
    """Total variation, half the sum of |p - q|: 0 for equal densities, 1 for strangers."""
    return float(np.abs(p - q).sum() / 2)


def coarse(p: np.ndarray, cells: int = 10) -> np.ndarray:
    """The same in cells of 10 x 10 grid points."""
    return p.reshape(SIDE // cells, cells, SIDE // cells, cells).sum((1, 3))


@dataclass(frozen=True)
class Toy:
    """Points of a known density.

    Attributes:
        points: Which.
        penalty: λ.
        likelihood: Whether a second energy ascends the likelihood, with the generator's samples as proposals.
    """

    points: Points
    penalty: float = 0.1
    likelihood: bool = False

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        return f"{self.points}, λ = {self.penalty:g}" + (", likelihood" if self.likelihood else "")

    def described(self, budget: Budget) -> dict[str, Any]:
        """Everything that its result depends on."""
        return {**asdict(self), "detector": repr(self.detector(budget))}

    def detector(self, budget: Budget, **more: Any) -> EnGAN:
        """The authors' settings, within the budget: three layers of 512, or of 128 if `light`."""
        width = 512 if budget.network == "paper" else 128
        rounds = 100_000 * 256 * 5
        ours: dict[str, Any] = {"penalty": self.penalty, "average": 0.999, "decay": True}
        return EnGAN(
            latent=2,
            hidden=(width, width, width),
            batch_size=256,
            epochs=budget.epochs or rounds // POINTS,
            lr=budget.lr or 1e-4,
            proposal_std=PROPOSALS if self.likelihood else (),
            reference_std=None,
            validation_fraction=0.01,
            members=budget.members,
            random_state=1,
            schema={"x0": "scaled", "x1": "scaled"},
            **(ours if budget.protocol == "clean" else authors(penalty=self.penalty)),
            **more,
        )

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:
        """Learn, and compare densities."""
        learned = drawn(self.points, budget.images or POINTS, np.random.default_rng(0))
        detector = self.detector(budget, device=device, checkpoint=checkpoint, verbose=verbose)
        detector.fit(learned)
        truth, place = true_density(self.points), grid()
        energies = detector.member_scores(place, "energy")
        densities = [shares(-energy).reshape(SIDE, SIDE) for energy in energies]
        means, std = centers(self.points)
        made = np.asarray(detector.sample(SAMPLES * budget.members)).reshape(SAMPLES, budget.members, 2)
        numbers: dict[str, list[float]] = {
            "TV": [variation(truth, density) for density in densities],
            "TV, coarse": [variation(coarse(truth), coarse(density)) for density in densities],
        }
        if self.points != "Swiss roll":
            away = np.linalg.norm(made[:, :, None] - means, axis=-1)
            near = away.min(-1) < 3 * std
            nearest = away.argmin(-1)
            numbers["modes hit"] = [float(len(set(nearest[near[:, m], m]))) for m in range(budget.members)]
            numbers["good samples"] = list(near.mean(0))
        pictures = {
            "samples": points_picture([("data", learned[:2000]), ("generator", made[:2000, 0])], REACH),
            "density": density_picture([("true", truth), ("learned", densities[0])]),
        }
        return Result({"density": numbers}, pictures=pictures)


def shares(log_density: np.ndarray) -> np.ndarray:
    """exp, divided by the sum: the partition function is estimated on the grid."""
    weights = np.exp(log_density - log_density.max())
    return weights / weights.sum()
