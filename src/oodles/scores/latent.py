"""What the codes alone say."""

from ..shapes import Batch, PerRow
from .protocols import Posterior, Reconstructs

__all__ = ["kl", "latent_norm"]


def kl(model: Posterior, x: Batch) -> PerRow:
    r"""$KL(q(z|x) \| N(0, I)) = \frac12 \sum_l (\mu_l^2 + \sigma_l^2 - \log \sigma_l^2 - 1)$ in nats."""
    mean, std = model.posterior(x)
    return 0.5 * (mean.square() + std.square() - 2 * std.log() - 1).sum(-1)


def latent_norm(model: Reconstructs, x: Batch) -> PerRow:
    r"""$\|\mu(x)\|$: the distance of the code from the middle of the latent space."""
    return model.code(x).norm(dim=-1)
