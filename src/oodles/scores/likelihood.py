"""Bounds on log p(x).

References:
    | Auto-Encoding Variational Bayes (Kingma & Welling, 2014), https://arxiv.org/abs/1312.6114
    | Importance Weighted Autoencoders (Burda et al., 2016), https://arxiv.org/abs/1509.00519
"""

import math

import torch

from ..shapes import Batch, PerRow
from .latent import kl
from .protocols import Posterior
from .reconstruction import codes, surprise

__all__ = ["bits_per_dim", "elbo", "iwae"]


def elbo(model: Posterior, x: Batch, draws: int = 4) -> PerRow:
    r"""The negative ELBO, $KL(q(z|x) \| p(z)) - \frac1L \sum_l \log p(x | z_l)$, in nats per encoded unit."""
    return kl(model, x) + surprise(model, x, draws).sum(-1)


def bits_per_dim(model: Posterior, x: Batch, draws: int = 4) -> PerRow:
    r"""$(-\text{ELBO} - \sum_d \log|dx_d / d\text{raw}_d|) / (D \ln 2)$: bits per observed cell, in raw units.

    The second term is the Jacobian of the scaling: the number does not depend on how the rows were encoded, only on
    the unit of the raw data (for a picture, one of 256 grey levels).
    """
    cells = (~model.likelihood.missing(x)).sum(-1).clamp_min(1)
    return (elbo(model, x, draws) - model.likelihood.log_units(x).sum(-1)) / (cells * math.log(2))


def iwae(model: Posterior, x: Batch, draws: int = 64) -> PerRow:
    r"""$-\log \frac1K \sum_k p(x, z_k) / q(z_k | x)$ in nats: tighter than the ELBO, and the tighter the larger K."""
    mean, std = model.posterior(x)
    weights = [
        model.likelihood.log_prob(x, model.decoder(z)) + (((z - mean) / std).square() - z.square()).sum(-1) / 2
        for z in codes(model, mean, std, draws)
    ]
    return math.log(draws) - std.log().sum(-1) - torch.stack(weights).logsumexp(0)
