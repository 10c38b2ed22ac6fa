"""Layers without parameters: rows ↔ pictures, and rows with holes → what a network can read."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu, relu

from ..layout import Layout
from ..shapes import Batch
from .missing import may_be_missing

__all__ = ["Crop", "Leaky", "Observed", "Picture", "Rectifier", "Upsample"]

REACH = 4.0
"""Deviations from the middle that an encoder can see."""


class Upsample(nn.Module):
    """(M, B, C, H, W) → (M, B, C, 2H, 2W), each pixel repeated."""

    def forward(self, x: Tensor) -> Tensor:
        """The doubled pictures."""
        return interpolate(x.flatten(0, 1), scale_factor=2, mode="nearest").unflatten(0, x.shape[:2])


class Rectifier(nn.Module):
    """ReLU of (M, B, C, H, W), members and rows as one axis: four axes are what element-wise kernels are quick with."""

    def forward(self, x: Tensor) -> Tensor:
        """The positive part."""
        return relu(x.flatten(0, 1)).unflatten(0, x.shape[:2])


class Leaky(nn.Module):
    """max(x, slope · x) of (M, B, …), members and rows as one axis: `Rectifier`'s sibling."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        """The positive part, and a little of the negative one."""
        return leaky_relu(x.flatten(0, 1), self.slope).unflatten(0, x.shape[:2])


class Picture(nn.Module):
    """(M, B, C·H·W) → (M, B, C, H, W)."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """The rows as pictures."""
        return x.unflatten(-1, self.shape)


class Observed(nn.Module):
    """Rows with missing cells → what a network can read: NaN becomes 0, which is every column's middle.

    Real columns are cut at ±4 deviations, for the network only: a wild cell cannot carry the code of its row away, so
    that the likelihood, which sees the whole number, must account for it.

    Columns that had missing cells in training (`positions`) also get an indicator, so that a network can tell
    "missing" from "ordinary": (M, B, D) → (M, B, D + len(positions)).
    """

    def __init__(self, layout: Layout, positions: Sequence[int] = ()) -> None:
        super().__init__()
        self.positions = list(positions)
        self.width = layout.width + len(self.positions)

    def forward(self, x: Batch) -> Tensor:
        """The rows without NaN."""
        filled = (x.nan_to_num() if may_be_missing() else x).clamp(-REACH, REACH)
        return torch.cat([filled, x[..., self.positions].isnan().to(x)], dim=-1) if self.positions else filled


class Crop(nn.Module):
    """(M, B, C, ≥H, ≥W) → (M, B, C·H·W): pictures cut to size and laid out as rows."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, x: Tensor) -> Tensor:
        """The rows."""
        return x[..., : self.shape[1], : self.shape[2]].flatten(2)
