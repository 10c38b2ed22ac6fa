"""How well a model gives a row back.

References:
    | Variational Autoencoder based Anomaly Detection using Reconstruction Probability (An & Cho, 2015)
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from ..nn import may_be_missing
from ..shapes import Batch, Codes, PerFeature, PerRow
from .points import normal_points, random_points
from .protocols import Posterior, Reconstructs, Restores

__all__ = [
    "code",
    "codes",
    "likelihood",
    "log_likelihoods",
    "mean_log_probability",
    "reconstruction_error",
    "reconstruction_probability",
    "restored",
    "surprise",
]


def restored(model: Reconstructs | Restores, x: Batch) -> Batch:
    r"""$\hat x$, (M, B, D), in encoded units: what the model makes of each row."""
    if isinstance(model, Restores):
        return model.restored(x)
    return model.likelihood.mean(model.decoder(model.code(x)))


def reconstruction_error(model: Reconstructs | Restores, x: Batch) -> PerRow:
    r"""$\frac{1}{D} \sum_d (x_d - \hat x_d)^2$ over observed cells, in squared encoded units."""
    squares = mse_loss(restored(model, x), x, reduction="none")
    if not may_be_missing():
        return squares.mean(-1)
    return squares.nansum(-1) / (~x.isnan()).sum(-1).clamp_min(1)


def likelihood(model: Reconstructs, x: Batch) -> PerRow:
    r"""$-\log p(x | \hat z)$ in nats, with the code $\hat z$ of the row: an error weighed by what is usual."""
    return -model.likelihood.log_prob(x, model.decoder(model.code(x)))


def codes(model: Posterior, mean: Codes, std: Codes, draws: int, *, random: bool = False) -> list[Codes]:
    """Codes from q(z | x) = N(mean, std²) at the model's fixed points (more are made where more are asked for).

    With `random`, at independent points instead of evenly spread ones.
    """
    stored = model.points
    if random:
        return [mean + std * point for point in random_points(draws, stored.shape[1]).to(stored)]
    points = stored[:draws] if draws <= len(stored) else normal_points(draws, stored.shape[1]).to(stored)
    return [mean + std * point for point in points]


def log_likelihoods(model: Posterior, x: Batch, draws: int, *, random: bool = False) -> Tensor:
    """log p(x | z_l) in nats for each draw, (draws, M, B)."""
    every = codes(model, *model.posterior(x), draws, random=random)
    return torch.stack([model.likelihood.log_prob(x, model.decoder(z)) for z in every])


def reconstruction_probability(model: Posterior, x: Batch, draws: int = 32, *, random: bool = False) -> PerRow:
    r"""$-\log \frac1L \sum_l p(x | z_l)$ in nats, $z_l \sim q(z|x)$: An & Cho's score, in log space.

    Its 32 evenly spread points say what 100 independent ones say; with `random`, they are independent.
    """
    return math.log(draws) - log_likelihoods(model, x, draws, random=random).logsumexp(0)


def mean_log_probability(model: Posterior, x: Batch, draws: int = 4) -> PerRow:
    r"""$-\frac1L \sum_l \log p(x | z_l)$ in nats: the other reading of An & Cho, the ELBO's first term."""
    return surprise(model, x, draws).sum(-1)


def surprise(model: Reconstructs, x: Batch, draws: int = 4) -> PerFeature:
    r"""$-\frac1L \sum_l \log p(x_f | z_l)$ in nats for each feature, (M, B, F): why a row is strange."""
    every = codes(model, *model.posterior(x), draws) if isinstance(model, Posterior) else [model.code(x)]
    first, *others = (model.likelihood.per_feature(x, model.decoder(z)) for z in every)
    return sum(others, first) / -len(every)


def code(model: Reconstructs, x: Batch) -> Codes:
    """The code of each row, (M, B, L)."""
    return model.code(x)
