"""One likelihood for rows of several kinds of columns."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..layout import Layout
from ..nn import Draws
from ..shapes import Batch, Parameters, PerFeature
from .base import Likelihood

__all__ = ["Mixed"]


class Mixed(Likelihood):
    """log p(x) = the sum over kinds of columns, each with its own likelihood.

    Columns of one kind stand side by side in the layout, in the order of `parts`; the decoder's numbers likewise.

    Arguments:
        layout: All columns.
        parts: One likelihood per kind, over that kind's columns.
    """

    density = False
    parts: Sequence[Likelihood]

    def __init__(self, layout: Layout, parts: Sequence[Likelihood]) -> None:
        super().__init__(layout)
        self.parts = nn.ModuleList(parts)  # type: ignore[assignment]
        self.parameters_per_row = sum(part.parameters_per_row for part in parts)

    def shares(self, x: Tensor) -> tuple[Tensor, ...]:
        """The encoded columns, part by part."""
        return x.split([part.layout.width for part in self.parts], dim=-1)

    def split(self, parameters: Parameters) -> tuple[Tensor, ...]:
        """The decoder's numbers, part by part."""
        return parameters.split([part.parameters_per_row for part in self.parts], dim=-1)

    def complete(self, x: Tensor, parameters: Parameters) -> PerFeature:
        """log p of each feature in nats, (M, B, F)."""
        every = zip(self.parts, self.shares(x), self.split(parameters), strict=True)
        return torch.cat([part.complete(share, p) for part, share, p in every], dim=-1)

    def missing(self, x: Batch) -> Tensor:
        """Which features are missing, (M, B, F) of bool."""
        return torch.cat([part.missing(share) for part, share in zip(self.parts, self.shares(x), strict=True)], dim=-1)

    def log_units(self, x: Batch) -> PerFeature:
        """Each part's change of units, (M, B, F)."""
        return torch.cat(
            [part.log_units(share) for part, share in zip(self.parts, self.shares(x), strict=True)], dim=-1
        )

    def mean(self, parameters: Parameters) -> Batch:
        """The expected row, (M, B, D)."""
        every = zip(self.parts, self.split(parameters), strict=True)
        return torch.cat([part.mean(p) for part, p in every], dim=-1)

    def sample(self, parameters: Parameters, draws: Draws) -> Batch:
        """Rows drawn part by part, (M, B, D)."""
        every = zip(self.parts, self.split(parameters), strict=True)
        return torch.cat([part.sample(p, draws) for part, p in every], dim=-1)
