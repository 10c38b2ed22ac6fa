"""Bernoulli observation models."""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from ..layout import Layout
from ..nn import Draws
from ..shapes import Batch, Parameters, PerFeature
from .base import Likelihood

__all__ = ["Bernoulli"]


class Bernoulli(Likelihood):
    r"""$\log p(x_d) = x_d \log \pi_d + (1 - x_d) \log(1 - \pi_d)$ with $\pi = \text{sigmoid}(\text{parameters})$.

    Targets may be real numbers in [0, 1], as the literature does with grey levels; the result is then no normalized
    density, and bits/dim of such a model are comparable with each other only.

    A binary column's value that was never seen in training is encoded as -1 and has the probability that the rule of
    succession keeps for it, $u = (\text{rare} + 1)/(n + 2)$; the others share $1 - u$.

    Arguments:
        layout: Binary columns, real columns scaled to [0, 1], or pixels.
        members: Number of members; unused, there are no parameters.
    """

    density = False
    unseen: Tensor

    def __init__(self, layout: Layout, members: int) -> None:  # noqa: ARG002 - all likelihoods are made alike
        super().__init__(layout)
        self.parameters_per_row = layout.width
        unseen = [column.unseen for column in layout.columns for _ in range(column.width)]
        self.reserves = any(unseen)
        self.register_buffer("unseen", torch.tensor(unseen), persistent=False)

    def complete(self, x: Tensor, parameters: Parameters) -> PerFeature:
        """log p of each feature in nats, (M, B, F)."""
        seen = x * parameters - softplus(parameters)
        if not self.reserves:
            return seen
        unseen = self.unseen.to(seen)
        return torch.where(x < 0, unseen.log(), seen + (-unseen).log1p())

    def mean(self, parameters: Parameters) -> Batch:
        """The probability of a 1, (M, B, D)."""
        return parameters.sigmoid()

    def sample(self, parameters: Parameters, draws: Draws) -> Batch:
        """Zeros and ones."""
        return (draws.uniform(*parameters.shape[1:]) < parameters.sigmoid()).to(parameters)
