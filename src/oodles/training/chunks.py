"""Functions of rows, in constant memory."""

from collections.abc import Callable

import torch
from torch import Tensor

from ..shapes import Batch, PerRow, Rows

__all__ = ["in_chunks"]


@torch.inference_mode()
def in_chunks(function: Callable[[Batch], Tensor], x: Rows, *, members: int, chunk: int) -> PerRow:
    """Apply `function` to (M, chunk, D) pieces of the N rows, and put the results side by side: (M, N, …).

    Each piece is a fresh copy, filled up with zeros: the function always sees one shape at an aligned address (matrix
    kernels round differently at others), so that what it says about a row does not depend, bit for bit, on how many
    rows travel together.
    """
    parts = []
    for rows in x.split(chunk):
        full = x.new_zeros(chunk, *x.shape[1:])
        full[: len(rows)] = rows
        parts.append(function(full.expand(members, *full.shape))[:, : len(rows)])
    return torch.cat(parts, dim=1)
