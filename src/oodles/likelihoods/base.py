"""What every observation model offers."""

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from ..layout import Layout
from ..nn import Draws, may_be_missing
from ..shapes import Batch, Parameters, PerFeature, PerRow

__all__ = ["Likelihood"]


class Likelihood(nn.Module, ABC):
    """p(x | parameters) for rows of one layout, feature by feature.

    Attributes:
        layout: What the D encoded columns mean.
        parameters_per_row: How many numbers a decoder must give for each row.
        density: True if `per_feature` is a density per encoded unit, False if it is a probability: only a density
            changes with the unit of measurement.
    """

    parameters_per_row: int
    density: bool
    tail: Tensor
    log_scale: Tensor

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout = layout
        columns = [column for column in layout.columns for _ in range(column.width)]
        tails = [torch.inf if column.tail is None else column.tail for column in columns]
        self.register_buffer("tail", torch.tensor(tails), persistent=False)
        self.register_buffer(
            "log_scale", torch.tensor([math.log(column.scale) for column in columns]), persistent=False
        )

    @abstractmethod
    def complete(self, x: Tensor, parameters: Parameters) -> PerFeature:
        """log p of each feature in nats, (M, B, F), for rows without missing cells."""

    @abstractmethod
    def mean(self, parameters: Parameters) -> Batch:
        """The expected row, (M, B, D), in encoded units."""

    @abstractmethod
    def sample(self, parameters: Parameters, draws: Draws) -> Batch:
        """Rows drawn from p(x | parameters), (M, B, D), in encoded units."""

    def per_feature(self, x: Batch, parameters: Parameters) -> PerFeature:
        """log p of each feature in nats, (M, B, F); a missing cell (NaN) contributes nothing, 0."""
        if not may_be_missing():
            return self.complete(x, parameters)
        missing = self.missing(x)
        return self.complete(x.nan_to_num(), parameters).masked_fill(missing, 0.0)

    def missing(self, x: Batch) -> Tensor:
        """Which features of which rows are missing, (M, B, F) of bool."""
        return x.isnan()

    def log_prob(self, x: Batch, parameters: Parameters) -> PerRow:
        """log p(x | parameters) in nats, (M, B): the sum over observed features."""
        return self.per_feature(x, parameters).sum(-1)

    def log_units(self, x: Batch) -> PerFeature:
        r"""$\log |dx / d\text{raw}|$ of each feature, (M, B, F); 0 for probabilities and missing cells.

        It turns a density per encoded unit into one per raw unit (a picture's raw unit is one of 256 grey levels).
        A real column is $x = u$ for $|u| \le t$ and $\pm(t + \log(1 + |u| - t))$ beyond, with $u = (\text{raw} -
        \text{center}) / \text{scale}$; hence $dx/du = e^{-\max(|x| - t, 0)}$.
        """
        if not self.density:
            return x.new_zeros(*x.shape[:-1], self.layout.features)
        beyond = (x.abs() - self.tail).clamp_min(0).nan_to_num()
        return (-beyond - self.log_scale).masked_fill(x.isnan(), 0.0)
