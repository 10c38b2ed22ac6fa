"""Fixed draws: the same points for every row, on every machine."""

import torch
from torch import Tensor
from torch.quasirandom import SobolEngine

__all__ = ["normal_points", "random_points"]

SEED = 1312


def normal_points(count: int, dimension: int) -> Tensor:
    """Scrambled Sobol points, mapped to standard normal ones: (count, dimension).

    32 of them measure an expectation over q(z | x) as well as 100 random draws (docs/concepts.md). A longer list starts
    with the shorter one.
    """
    uniform = SobolEngine(dimension, scramble=True, seed=SEED).draw(count, dtype=torch.float64)
    return torch.special.ndtri(uniform.clamp(1e-9, 1 - 1e-9)).float()


def random_points(count: int, dimension: int) -> Tensor:
    """Independent standard normal points, (count, dimension): what the papers draw, always the same ones here."""
    return torch.randn(count, dimension, generator=torch.Generator().manual_seed(SEED))
