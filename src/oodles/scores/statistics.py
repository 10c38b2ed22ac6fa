"""What is usual for a few numbers that a model says about a row.

References:
    | Density of States Estimation for Out-of-Distribution Detection (Morningstar et al., 2021),
    | https://arxiv.org/abs/2006.09273
    | Detecting Out-of-Distribution Inputs to Deep Generative Models Using Typicality (Nalisnick et al., 2019),
    | https://arxiv.org/abs/1906.02994
"""

import math

import torch
from torch import Tensor, nn

from ..nn import may_be_missing
from ..shapes import Batch, PerRow
from .latent import divergence
from .protocols import Posterior, Referring

__all__ = ["Reference", "density", "rarity", "statistics", "typicality"]

ROWS, NUMBERS = 1024, 6

SMALL = 1e-6
"""Keeps the logarithm of a perfect reconstruction finite."""


class Reference(nn.Module):
    """The statistics of rows that the model learned from, (M, 1024, 6).

    Arguments:
        members: Number of members, M.
    """

    statistics: Tensor

    def __init__(self, members: int) -> None:
        super().__init__()
        self.register_buffer("statistics", torch.zeros(members, ROWS, NUMBERS))


def statistics(model: Posterior, x: Batch) -> Tensor:
    r"""What a model says about a row through its code $\mu(x)$, (M, B, 6).

    $-\log p(x|\mu)$, $KL(q(z|x) \| p)$, $\log$ of the mean squared error and of the variance of $\hat x$ over the
    columns, $\|\mu(x)\|$ and $\sum_l \log \sigma_l^2(x)$: how well it explains the row, what it expects, and where it
    puts it.
    """
    mean, std = model.posterior(x)
    parameters = model.decoder(mean)
    expected = model.likelihood.mean(parameters)
    squares = torch.where(x.isnan(), expected, x) - expected if may_be_missing() else x - expected
    numbers = (
        -model.likelihood.log_prob(x, parameters),
        divergence(mean, std),
        (squares.square().mean(-1) + SMALL).log(),
        (expected.var(-1, correction=0) + SMALL).log(),
        mean.norm(dim=-1),
        2 * std.log().sum(-1),
    )
    return torch.stack(numbers, dim=-1)


def density(model: Referring, x: Batch) -> PerRow:
    r"""$-\log \frac1K \sum_k N(T(x);\ T_k, h^2 \Sigma)$ in nats, up to a constant: how rare the statistics are.

    $T_k$ are the statistics of K rows that the model learned from, $\Sigma$ their covariance and $h = K^{-1/10}$
    (Scott's rule). Rows that are too easy are as strange as rows that are too hard. It costs as much as `likelihood`.
    """
    return rarity(statistics(model, x).double(), model.reference.statistics.double()).float()


def rarity(numbers: Tensor, usual: Tensor) -> Tensor:
    r"""$-\log \frac1n \sum_i N(T;\ T_i, h^2 \Sigma)$ in nats, up to a constant, (…, B, K) and (…, n, K) → (…, B).

    $\Sigma$ is the covariance of the usual numbers $T_i$, and $h = n^{-1/(K + 4)}$ (Scott's rule).
    """
    middle = usual.mean(-2, keepdim=True)
    scatter = (usual - middle).mT @ (usual - middle) / usual.shape[-2]
    scatter = scatter + torch.diag_embed(scatter.diagonal(dim1=-2, dim2=-1) * 1e-6 + 1e-12)
    root = torch.linalg.cholesky(scatter)
    white, known = (torch.linalg.solve_triangular(root, (t - middle).mT, upper=False).mT for t in (numbers, usual))
    distances = torch.cdist(white, known, compute_mode="donot_use_mm_for_euclid_dist").square()
    width = usual.shape[-2] ** (-2 / (usual.shape[-1] + 4))
    return math.log(usual.shape[-2]) - (distances / (-2 * width)).logsumexp(-1)


def typicality(model: Referring, x: Batch) -> PerRow:
    r"""$|{-\log p(x)} - H|$ in nats, with the ELBO at $\mu(x)$ for log p: H is its mean over learned rows.

    A row is typical if it is as likely as rows usually are: neither less nor more. It costs as much as `likelihood`.
    """
    usual = model.reference.statistics[..., :2].sum(-1).mean(-1, keepdim=True)
    return (statistics(model, x)[..., :2].sum(-1) - usual).abs()
