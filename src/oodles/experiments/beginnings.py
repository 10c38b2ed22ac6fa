"""What can go wrong before the training begins: chances of dead units, by simulation beside arithmetic."""

from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from .lines import SQUARES
from .tasks import Budget, Result

__all__ = ["CHANCES", "Beginnings", "events"]

CHANCES: dict[str, float] = {
    "disjoint pair in one unit": 1 / 4,
    "overlapping pair in one unit": 1 / 3,
    "a pair in both units": 0.3057,
    "signs of L2 and L3": 1 / 8,
    "L3 silent": 0.2126,
    "L1 silent": 0.0277,
    "L1 negative": 1 / 256,
}
"""Event → its probability: fractions are exact, decimals come from two million independent draws of another program.

Two pictures without a common white pixel (4 of the 6 pairs have one) are independent of each other in a unit. Sums of
two of three symmetric weights, x + y and x + z, are both negative with E F(-x)² = ∫u²du = 1/3, whatever the weights'
distribution F."""

PAIRS = tuple(combinations(range(len(SQUARES)), 2))


def events(first: np.ndarray, second: np.ndarray, third: np.ndarray) -> dict[str, np.ndarray]:
    """Which networks begin with which misfortune; biases are 0.

    Arguments:
        first: Weights of L1, (N, 4, 2).
        second: Weights of L2, (N, 2, 1).
        third: Weights of L3, (N, 1, 2).

    Returns:
        Event → share of the pairs of pictures in a network that it befalls, or whether it befalls the network, (N,).
    """
    units = np.einsum("ip,npj->nij", SQUARES, first)
    dead = units <= 0
    lost = dead.all(2)
    one = {pair: dead[:, pair[0], 0] & dead[:, pair[1], 0] for pair in PAIRS}
    apart = {pair: not (SQUARES[pair[0]] * SQUARES[pair[1]]).any() for pair in PAIRS}
    code = np.einsum("nij,njk->nik", np.maximum(units, 0), second)
    silent = (np.einsum("nik,nkj->nij", code, third) <= 0).all((1, 2))
    signs = [(weights > 0).all((1, 2)) for weights in (second, -second, third, -third)]
    return {
        "disjoint pair in one unit": np.mean([one[pair] for pair in PAIRS if apart[pair]], axis=0),
        "overlapping pair in one unit": np.mean([one[pair] for pair in PAIRS if not apart[pair]], axis=0),
        "a pair in both units": lost.sum(1) >= 2,
        "signs of L2 and L3": (signs[1] & signs[2]) | (signs[0] & signs[3]),
        "L3 silent": silent,
        "L1 silent": lost.all(1),
        "L1 negative": (first < 0).all((1, 2)),
    }


@dataclass(frozen=True)
class Beginnings:
    """Networks 4-2-1-2-4 with symmetric random weights, looked at before any training.

    Attributes:
        networks: How many, for each run.
    """

    networks: int = 400_000

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        return f"{self.networks:,} networks before training"

    def described(self, budget: Budget) -> dict[str, Any]:  # noqa: ARG002 - it depends on nothing else
        """Everything that its result depends on."""
        return asdict(self)

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:  # noqa: ARG002
        """Draw and count; a few seconds."""
        found: dict[str, list[float]] = {event: [] for event in CHANCES}
        for seed in range(budget.members):
            rng = np.random.default_rng(seed)
            weights = [rng.uniform(-1, 1, (self.networks, *shape)) for shape in ((4, 2), (2, 1), (1, 2))]
            for event, befallen in events(*weights).items():
                found[event].append(float(befallen.mean()))
        return Result({event: {"share": shares, "arithmetic": [CHANCES[event]]} for event, shares in found.items()})
