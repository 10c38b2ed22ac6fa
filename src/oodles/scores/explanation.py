"""A score and its reasons in one pass."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..shapes import Batch, PerRow
from .latent import kl
from .likelihood import elbo
from .protocols import Posterior, Reconstructs
from .reconstruction import likelihood, mean_log_probability, surprise

__all__ = ["explained"]


def explained(model: Reconstructs, x: Batch, *, score: Callable[..., PerRow], usual: Tensor, draws: int = 4) -> Tensor:
    """The score and, beside it, `surprise` minus what is usual for each feature: (M, B, 1 + F).

    A missing cell explains nothing: 0. A score that is made of surprises is summed up, bit for bit what it would have
    said alone, instead of being computed a second time.
    """
    surprises = surprise(model, x, draws)
    if score is mean_log_probability or (score is likelihood and not isinstance(model, Posterior)):
        value = surprises.sum(-1)
    elif score is elbo and isinstance(model, Posterior):
        value = kl(model, x) + surprises.sum(-1)
    else:
        value = score(model, x)
    excess = (surprises - usual).masked_fill(model.likelihood.missing(x), 0.0)
    return torch.cat([value.unsqueeze(-1), excess], dim=-1)
