"""A Student-t observation model: a Gaussian that forgives."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from ..layout import Layout
from ..nn import Draws
from ..shapes import Batch, Parameters, PerFeature
from .base import Likelihood
from .gaussian import floored, linked

__all__ = ["Student"]

FLOOR = -2.0
"""The least log σ, in encoded units: a column is never trusted to better than 13 % of its spread."""

FREEDOM = 10
"""Degrees of freedom ν: nearly Gaussian in the middle, polynomial in the tails."""


class Student(Likelihood):
    r"""$\log p(x_d) = c_\nu - \log\sigma_d - \tfrac{\nu + 1}{2} \log(1 + ((x_d - \mu_d)/\sigma_d)^2 / \nu)$, ν = 10.

    One σ is learned per column. A single wild cell costs logarithmically, not quadratically, so that it neither drags
    the training nor drowns what all the other cells of a row say together.

    Arguments:
        layout: Real columns or pixels; pixels have a sigmoid mean.
        members: Number of members, M.

    References:
        | Robust Statistical Modeling Using the t Distribution (Lange, Little & Taylor, 1989)
        | Student-t Variational Autoencoder for Robust Density Estimation (Takahashi et al., 2018)
    """

    density = True

    def __init__(self, layout: Layout, members: int) -> None:
        super().__init__(layout)
        self.parameters_per_row = layout.width
        self.log_std = nn.Parameter(torch.zeros(members, 1, layout.width))

    def complete(self, x: Tensor, parameters: Parameters) -> PerFeature:
        """log p of each feature in nats, (M, B, F)."""
        log_std = floored(self.log_std, FLOOR)
        ratio = mse_loss(linked(self.layout, parameters), x, reduction="none") * ((-2 * log_std).exp() / FREEDOM)
        constant = math.lgamma((FREEDOM + 1) / 2) - math.lgamma(FREEDOM / 2) - 0.5 * math.log(FREEDOM * math.pi)
        return torch.add(constant - log_std, ratio.log1p(), alpha=-(FREEDOM + 1) / 2)

    def mean(self, parameters: Parameters) -> Batch:
        """The mean, (M, B, D)."""
        return linked(self.layout, parameters)

    def sample(self, parameters: Parameters, draws: Draws) -> Batch:
        """mean + σ ε / √(χ²/ν)."""
        mean = linked(self.layout, parameters)
        shape = mean.shape[1:]
        chi2 = torch.stack([draws.normal(*shape).square() for _ in range(FREEDOM)]).sum(0)
        return mean + floored(self.log_std, FLOOR).exp() * draws.normal(*shape) * (FREEDOM / chi2).sqrt()
