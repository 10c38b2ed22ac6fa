"""Gaussian observation models: one mean per column, and four ways to know σ."""

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss, softplus

from ..layout import Layout
from ..nn import Draws
from ..shapes import Batch, Parameters, PerFeature
from .base import Likelihood

__all__ = ["Gaussian", "floored", "linked"]

LOG_ROOT_2PI = 0.5 * math.log(2 * math.pi)

FLOOR = -4.0
"""The least log σ, in encoded units: a column may be predicted to 2 % of its spread and no better."""

CEILING = 3.0
"""The largest log σ that a decoder may give for a row."""


def floored(log_std: Tensor, floor: float = FLOOR) -> Tensor:
    """A smooth max(log σ, floor), which keeps a gradient on both sides."""
    # In float32, softplus rounds the last numbers of a tensor differently: a stack would differ from its members.
    return (floor + softplus((log_std - floor).double())).to(log_std)


def linked(layout: Layout, raw: Tensor) -> Tensor:
    """Decoder output → mean: the sigmoid for pixels, the identity for real columns."""
    return raw.sigmoid() if layout.shape else raw


class Gaussian(Likelihood):
    r"""$\log p(x_d) = -\tfrac12 ((x_d - \mu_d) / \sigma)^2 - \log\sigma - \tfrac12\log 2\pi$.

    Arguments:
        layout: Real columns or pixels; pixels have a sigmoid mean.
        members: Number of members, M.
        spread: Whose σ is it: `fixed` (1), `global` (one learned number), `column` (one learned number per column),
            `row` (given by the decoder for each row and column).

    References:
        | Auto-Encoding Variational Bayes (Kingma & Welling, 2014), https://arxiv.org/abs/1312.6114
        | Simple and Effective VAE Training with Calibrated Decoders (Rybkin et al., 2021),
        | https://arxiv.org/abs/2006.13202
    """

    density = True

    def __init__(self, layout: Layout, members: int, spread: Literal["fixed", "global", "column", "row"]) -> None:
        super().__init__(layout)
        self.spread = spread
        self.parameters_per_row = layout.width * (2 if spread == "row" else 1)
        if spread in ("global", "column"):
            self.log_std = nn.Parameter(torch.zeros(members, 1, layout.width if spread == "column" else 1))

    def moments(self, parameters: Parameters) -> tuple[Tensor, Tensor]:
        """Mean and log σ, broadcastable to (M, B, D)."""
        if self.spread == "row":
            raw, log_std = parameters.chunk(2, dim=-1)
            return linked(self.layout, raw), -floored(-floored(log_std), -CEILING)
        mean = linked(self.layout, parameters)
        return mean, parameters.new_zeros(1) if self.spread == "fixed" else floored(self.log_std)

    def complete(self, x: Tensor, parameters: Parameters) -> PerFeature:
        """log p of each feature in nats, (M, B, F)."""
        mean, log_std = self.moments(parameters)
        squares = mse_loss(mean, x, reduction="none")
        if self.spread != "fixed":
            squares = squares * (-2 * log_std).exp()
        return torch.add(-(log_std + LOG_ROOT_2PI), squares, alpha=-0.5)

    def mean(self, parameters: Parameters) -> Batch:
        """The mean, (M, B, D)."""
        return self.moments(parameters)[0]

    def sample(self, parameters: Parameters, draws: Draws) -> Batch:
        """mean + σ ε."""
        mean, log_std = self.moments(parameters)
        return mean + log_std.exp() * draws.normal(*mean.shape[1:])
