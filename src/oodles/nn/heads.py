"""The last layer of a network that makes rows."""

import torch
from torch import Tensor, nn

from ..layout import Layout
from ..shapes import Batch, Codes

__all__ = ["Made"]


class Made(nn.Module):
    """A generator's numbers as encoded rows, (M, B, D): pictures in [0, 1]; columns of a table decided.

    Binary columns and categories of a table are chosen, not mixed: a made row looks like a real one. Their gradient is
    that of the sigmoid or softmax (straight-through). Real columns stay as they are, those that never changed are 0;
    pictures come in [-1, 1].

    Arguments:
        network: Codes (M, B, L) → numbers (M, B, D).
        layout: What the columns mean.
    """

    varying: Tensor

    def __init__(self, network: nn.Module, layout: Layout) -> None:
        super().__init__()
        self.network, self.picture = network, bool(layout.shape)
        self.levels = [
            (column.kind, where)
            for column, where in zip(layout.columns, layout.slices, strict=True)
            if column.kind in ("binary", "category")
        ]
        self.real = len(layout.positions("real"))
        varying = [float(not column.constant) for column in layout.columns if column.kind == "real"]
        self.register_buffer("varying", torch.tensor(varying), persistent=False)

    def forward(self, z: Codes) -> Batch:
        """The rows."""
        numbers: Tensor = self.network(z)
        if self.picture:
            return (numbers + 1) / 2
        decided = [numbers[..., : self.real] * self.varying]
        for kind, where in self.levels:
            if kind == "binary":
                soft = numbers[..., where].sigmoid()
                decided.append(soft + (soft.round() - soft).detach())
            else:
                soft = numbers[..., where].softmax(-1)
                hard = torch.zeros_like(soft).scatter(-1, soft.argmax(-1, keepdim=True), 1.0)
                decided.append(soft + (hard - soft).detach())
        return torch.cat(decided, dim=-1)
