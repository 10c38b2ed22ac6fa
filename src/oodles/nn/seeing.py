"""Rows as a network without a likelihood reads them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..layout import Layout
from ..shapes import Batch
from .missing import may_be_missing

__all__ = ["Seen"]

FAR, MAGNIFIED = -4.0, 100.0


class Seen(nn.Module):
    """Encoded rows, (M, B, D) → (M, B, D + len(positions)): no holes, and what is new lies far away.

    A likelihood knows that an unseen level, or a change of what never changed, is improbable. A network must be shown:
    the columns of an unseen level are -4, and a column that was constant in training is magnified a hundred times.
    A missing cell is 0, the middle of its column; columns with missing cells in training (`positions`) get an
    indicator. Pictures come in [0, 1] and are shown in [-1, 1].

    Arguments:
        layout: What the columns mean.
        positions: Encoded columns with missing cells in training.
    """

    gain: Tensor

    def __init__(self, layout: Layout, positions: Sequence[int] = ()) -> None:
        super().__init__()
        self.positions, self.picture = list(positions), bool(layout.shape)
        self.width = layout.width + len(self.positions)
        places = list(zip(layout.columns, layout.slices, strict=True))
        self.binary = layout.positions("binary")
        self.categories = [where for column, where in places if column.kind == "category"]
        gain = [MAGNIFIED if column.constant else 1.0 for column, where in places for _ in range(column.width)]
        self.register_buffer("gain", torch.tensor(gain), persistent=False)

    def forward(self, x: Batch) -> Tensor:
        """The rows."""
        if self.picture:
            return 2 * x - 1
        v = (x.nan_to_num() if may_be_missing() else x) * self.gain
        if self.binary:
            first, last = self.binary[0], self.binary[-1] + 1  # the layout keeps binary columns together
            cells = v[..., first:last]
            v = torch.cat([v[..., :first], torch.where(cells < 0, FAR, cells), v[..., last:]], dim=-1)
        for where in self.categories:
            levels = x[..., where]
            new = (levels == 0).all(-1, keepdim=True)
            v = torch.cat([v[..., : where.start], torch.where(new, FAR, v[..., where]), v[..., where.stop :]], dim=-1)
        return torch.cat([v, x[..., self.positions].isnan().to(v)], dim=-1) if self.positions else v

    def encoded(self, v: Tensor) -> Batch:
        """What is shown so, (M, B, W) → (M, B, D): the way back, for rows that a network makes."""
        return (v + 1) / 2 if self.picture else v[..., : len(self.gain)] / self.gain
