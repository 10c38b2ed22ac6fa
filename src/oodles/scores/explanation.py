"""A score and its reasons in one pass."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..nn import may_be_missing
from ..shapes import Batch, PerFeature, PerRow
from .latent import kl
from .likelihood import elbo
from .protocols import Anchored, Posterior, Reconstructs, Restores
from .reconstruction import likelihood, mean_log_probability, restored, surprise

__all__ = ["Anchor", "attributed", "expected", "explained", "reasons"]

POINTS = 8
"""Points of the way from the usual row to the row that is explained."""


class Anchor(nn.Module):
    """The mean of learned rows, (M, D): what reasons compare a row with.

    Arguments:
        members: Number of members, M.
        width: Encoded columns, D.
    """

    row: Tensor

    def __init__(self, members: int, width: int) -> None:
        super().__init__()
        self.register_buffer("row", torch.zeros(members, width))


def attributed(model: Anchored, x: Batch, score: Callable[..., PerRow]) -> PerFeature:
    r"""Integrated gradients of a score: $(x_d - a_d) \int_0^1 \partial_d\,s(a + t (x - a))\,dt$, summed by feature.

    All features together account for $s(x) - s(a)$, where a is the usual row, up to the error of a sum over eight
    points. A missing cell accounts for nothing.

    References:
        | Axiomatic Attribution for Deep Networks (Sundararajan et al., 2017), https://arxiv.org/abs/1703.01365
    """
    with torch.inference_mode(mode=False), torch.enable_grad():
        x, start = x.clone(), model.anchor.row.clone().unsqueeze(1)
        way = x - start
        slope = torch.zeros_like(x)
        for point in range(POINTS):
            # A missing cell stays missing all along: its column of `way` is NaN.
            place = (start + (point + 0.5) / POINTS * way).detach().requires_grad_()
            (here,) = torch.autograd.grad(score(model, place).sum(), place)
            slope = slope + here / POINTS
        shares = (slope * way).detach()
    shares = shares.nan_to_num() if may_be_missing() else shares
    features = int(model.feature.max()) + 1
    return shares.new_zeros(*x.shape[:2], features).index_add(2, model.feature, shares)


def reasons(model: Any, x: Batch, score: Callable[..., PerRow]) -> PerFeature:
    """What each feature adds to a row's strangeness, (M, B, F).

    For models with a likelihood it is `surprise`, whatever the score; for others the score's `attributed` shares.
    """
    return surprise(model, x) if isinstance(model, Reconstructs) else attributed(model, x, score)


def expected(model: Any, x: Batch) -> Batch:
    """What a model expects for each row, (M, B, D), in encoded units: its reconstruction, else the usual row."""
    if isinstance(model, Reconstructs | Restores):
        return restored(model, x)
    anchor: Tensor = model.anchor.row
    return anchor.unsqueeze(1).expand_as(x)


def explained(model: Any, x: Batch, *, score: Callable[..., PerRow], usual: Tensor, draws: int = 4) -> Tensor:
    """The score and, beside it, the reasons minus what is usual for each feature: (M, B, 1 + F).

    A missing cell explains nothing: 0. A score that is made of surprises is summed up, bit for bit what it would have
    said alone, instead of being computed a second time.
    """
    if not isinstance(model, Reconstructs):
        shares = attributed(model, x, score) - usual
        holes = torch.zeros_like(shares).index_add(2, model.feature, x.isnan().to(x)) > 0
        return torch.cat([score(model, x).unsqueeze(-1), shares.masked_fill(holes, 0.0)], dim=-1)
    surprises = surprise(model, x, draws)
    if score is mean_log_probability or (score is likelihood and not isinstance(model, Posterior)):
        value = surprises.sum(-1)
    elif score is elbo and isinstance(model, Posterior):
        value = kl(model, x) + surprises.sum(-1)
    else:
        value = score(model, x)
    excess = (surprises - usual).masked_fill(model.likelihood.missing(x), 0.0)
    return torch.cat([value.unsqueeze(-1), excess], dim=-1)
