"""A truly discretized Gaussian: the probability of one of 256 levels."""

import torch
from torch import Tensor, nn
from torch.special import log_ndtr

from ..layout import Layout
from ..nn import Draws
from ..shapes import Batch, Parameters, PerFeature
from .base import Likelihood
from .gaussian import floored, linked

__all__ = ["DiscretizedGaussian"]

LEVELS = 255


class DiscretizedGaussian(Likelihood):
    r"""$P(k) = \Phi((k + \tfrac12)/255; \mu, \sigma) - \Phi((k - \tfrac12)/255; \mu, \sigma)$, k = 0 … 255.

    The outermost levels take the tails, so that the probabilities of the 256 levels sum to one. One σ is learned
    for all pixels. Differences of Φ are taken in log space, on the side where Φ is small.

    Arguments:
        layout: Pixels, levels divided by 255.
        members: Number of members, M.
    """

    density = False

    def __init__(self, layout: Layout, members: int) -> None:
        super().__init__(layout)
        self.parameters_per_row = layout.width
        self.log_std = nn.Parameter(torch.full((members, 1, 1), -1.0))

    def complete(self, x: Tensor, parameters: Parameters) -> PerFeature:
        """log P of each pixel in nats, (M, B, F)."""
        level = (x * LEVELS).round()
        mean, std = linked(self.layout, parameters), floored(self.log_std).exp()
        upper = torch.where(level >= LEVELS, torch.inf, ((level + 0.5) / LEVELS - mean) / std)
        lower = torch.where(level <= 0, -torch.inf, ((level - 0.5) / LEVELS - mean) / std)
        # Φ(b) - Φ(a) = Φ(-a) - Φ(-b): choose the tail in which both numbers are small.
        flip = lower + upper > 0
        near, far = torch.where(flip, -lower, upper), torch.where(flip, -upper, lower)
        return log_difference(log_ndtr(near.clamp(-1e4, 1e4)), log_ndtr(far.clamp(-1e4, 1e4)))

    def mean(self, parameters: Parameters) -> Batch:
        """The mean before rounding, (M, B, D)."""
        return linked(self.layout, parameters)

    def sample(self, parameters: Parameters, draws: Draws) -> Batch:
        """Levels divided by 255."""
        mean = linked(self.layout, parameters)
        noisy = mean + floored(self.log_std).exp() * draws.normal(*mean.shape[1:])
        return (noisy.clamp(0, 1) * LEVELS).round() / LEVELS


def log_difference(larger: Tensor, smaller: Tensor) -> Tensor:
    """log(exp(larger) - exp(smaller)), finite even where the two are equal in float32."""
    gap = (smaller - larger).clamp(-80.0, -1e-7)
    return larger + (-gap.exp()).log1p()
