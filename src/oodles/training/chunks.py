"""Functions of rows, in constant memory."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..shapes import Batch, PerRow, Rows

__all__ = ["in_chunks"]


@torch.inference_mode()
def in_chunks(function: Callable[[Batch], Tensor], x: Rows, *, members: int, chunk: int) -> PerRow:
    """Apply `function` to (M, chunk, D) pieces of the N rows, and put the results side by side: (M, N, …).

    The last piece is filled up with zeros: the function always sees one shape, so that what it says about a row
    does not depend, bit for bit, on how many rows travel together.
    """
    parts = []
    for rows in x.split(chunk):
        full = pad(rows, (0, 0, 0, chunk - len(rows))) if len(rows) < chunk else rows
        parts.append(function(full.expand(members, *full.shape))[:, : len(rows)])
    return torch.cat(parts, dim=1)
