"""Functions of rows, in constant memory."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from ..nn import knowing_missing, may_be_missing
from ..shapes import Batch, PerRow, Rows
from .capture import repeated

__all__ = ["Chunks"]


class Chunks:
    """A function of (M, chunk, D) rows → (M, chunk, …), applied to any number of rows.

    Each piece is copied to one place, filled up with zeros: the function always sees one shape at one address (matrix
    kernels round differently at others), so that what it says about a row does not depend, bit for bit, on how many
    rows travel together.

    Arguments:
        function: What is applied; it is recorded and repeated, hence must do nothing but compute.
        members: Number of members, M.
        chunk: Rows at once.
        repeat: Record the function and repeat it, or call it every time.
    """

    def __init__(self, function: Callable[[Batch], Tensor], *, members: int, chunk: int, repeat: bool = True) -> None:
        self.function, self.members, self.chunk, self.repeat = function, members, chunk, repeat
        self.rows: Rows | None = None
        self.calls: dict[bool, Callable[[], Tensor]] = {}

    @torch.inference_mode()
    def __call__(self, x: Rows) -> PerRow:
        """The function's results side by side, (M, N, …)."""
        if self.rows is None:
            self.rows = x.new_zeros(self.chunk, *x.shape[1:])
        results = []
        with knowing_missing(x):
            batch = self.rows.expand(self.members, *self.rows.shape)
            plain = partial(self.function, batch)
            apply = self.calls.setdefault(may_be_missing(), repeated(plain, x.device)) if self.repeat else plain
            *full, last = x.split(self.chunk)
            for piece in full:
                self.rows.copy_(piece)
                results.append(apply().clone())
            self.rows.zero_()[: len(last)].copy_(last)
            results.append(apply()[:, : len(last)].clone())
        return torch.cat(results, dim=1)
