"""What the codes alone say."""

from typing import Any

import torch
from torch import Tensor

from ..shapes import Batch, Codes, PerRow
from .protocols import Posterior, Reconstructs

__all__ = ["divergence", "kl", "latent_norm"]


class Divergence(torch.autograd.Function):
    """KL(N(m, s²) ‖ N(0, I)) with its gradient m, s - 1/s: half the kernels that the formula's own graph needs."""

    @staticmethod
    def forward(ctx: Any, mean: Codes, std: Codes) -> PerRow:
        """The divergence of each row."""
        ctx.save_for_backward(mean, std)
        return 0.5 * (torch.addcmul(mean * mean, std, std) - 1).sum(-1) - std.log().sum(-1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        """The gradient of both."""
        mean, std = ctx.saved_tensors
        slope = gradients[0].unsqueeze(-1)
        return slope * mean, slope * (std - std.reciprocal())


def divergence(mean: Codes, std: Codes) -> PerRow:
    r"""$KL(N(\mu, \sigma^2) \| N(0, I)) = \frac12 \sum_l (\mu_l^2 + \sigma_l^2 - \log \sigma_l^2 - 1)$ in nats."""
    return Divergence.apply(mean, std)


def kl(model: Posterior, x: Batch) -> PerRow:
    r"""$KL(q(z|x) \| N(0, I)) = \frac12 \sum_l (\mu_l^2 + \sigma_l^2 - \log \sigma_l^2 - 1)$ in nats."""
    return divergence(*model.posterior(x))


def latent_norm(model: Reconstructs, x: Batch) -> PerRow:
    r"""$\|\mu(x)\|$: the distance of the code from the middle of the latent space."""
    return model.code(x).norm(dim=-1)
