"""Categorical observation models."""

import torch
from torch import Tensor

from ..layout import Layout
from ..nn import Draws
from ..shapes import Batch, Parameters, PerFeature
from .base import Likelihood

__all__ = ["Categorical"]


class Categorical(Likelihood):
    r"""$\log p(k) = \log(1 - u) + \log \text{softmax}(\text{parameters})_k$ for the levels seen in training.

    A value never seen in training is encoded as a row of zeros. It is legal and surprising: its probability is the
    rule of succession's, $u = (\text{rare} + 1) / (n + 2)$ after n training rows of which `rare` held dropped levels.
    A column with one level has no freedom, and costs $-\log u$ when it changes.

    Arguments:
        layout: Category columns, one-hot.
        members: Number of members; unused, there are no parameters.
    """

    density = False
    owner: Tensor
    table: Tensor
    unseen: Tensor

    def __init__(self, layout: Layout, members: int) -> None:  # noqa: ARG002 - all likelihoods are made alike
        super().__init__(layout)
        self.parameters_per_row = layout.width
        owner = [feature for feature, column in enumerate(layout.columns) for _ in range(column.width)]
        widest = max(column.width for column in layout.columns)
        # Ragged levels as one table: row f holds the encoded columns of feature f, filled up with a column of -inf.
        table = torch.full((len(layout.columns), widest), layout.width)
        for feature, where in enumerate(layout.slices):
            table[feature, : where.stop - where.start] = torch.arange(where.start, where.stop)
        self.register_buffer("owner", torch.tensor(owner), persistent=False)
        self.register_buffer("table", table, persistent=False)
        unseen = torch.tensor([column.unseen for column in layout.columns])
        self.register_buffer("unseen", unseen, persistent=False)

    def log_probabilities(self, parameters: Parameters) -> Tensor:
        """log softmax within each feature, (M, B, D)."""
        filled = torch.cat([parameters, torch.full_like(parameters[..., :1], -torch.inf)], dim=-1)
        norm = filled[..., self.table].logsumexp(-1)
        return parameters - norm[..., self.owner]

    def complete(self, x: Tensor, parameters: Parameters) -> PerFeature:
        """log p of each feature in nats, (M, B, F)."""
        zeros = x.new_zeros(*x.shape[:-1], len(self.unseen))
        seen = zeros.index_add(-1, self.owner, x)
        log_p = zeros.index_add(-1, self.owner, x * self.log_probabilities(parameters))
        unseen = self.unseen.to(x)
        return torch.where(seen > 0, log_p + (-unseen).log1p(), unseen.log())

    def missing(self, x: Batch) -> Tensor:
        """Which features are missing, (M, B, F) of bool."""
        return x[..., self.table[:, 0]].isnan()

    def mean(self, parameters: Parameters) -> Batch:
        """The probability of each level, (M, B, D)."""
        return self.log_probabilities(parameters).exp()

    def sample(self, parameters: Parameters, draws: Draws) -> Batch:
        """One-hot levels: the largest of logits with Gumbel noise."""
        noise = -(-draws.uniform(*parameters.shape[1:]).clamp_min(1e-20).log()).log()
        noisy = parameters + noise
        filled = torch.cat([noisy, torch.full_like(noisy[..., :1], -torch.inf)], dim=-1)
        winner = self.table.take_along_dim(filled[..., self.table].argmax(-1).movedim(-1, 0).flatten(1), 1)
        winner = winner.view(len(self.unseen), *parameters.shape[:-1]).movedim(0, -1)
        return torch.zeros_like(parameters).scatter(-1, winner, 1.0)
