"""A function of a model, applied to rows block by block: memory does not grow with their number."""

from collections.abc import Callable, Iterator
from functools import partial
from inspect import signature
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..encoding import Encoder, PictureEncoder
from ..errors import DataError
from ..shapes import Rows
from ..training import LARGE, Chunks, flops, threads_for

if TYPE_CHECKING:
    from .base import Detector

__all__ = ["Applied", "encoded", "rows_at_once"]

CELLS = 2**19
"""Encoded cells of a block, at most: 2 MiB."""


def rows_at_once(encoder: Encoder, *, draws: bool) -> int:
    """Rows that a model sees at once: it never changes, so that scores never depend on who travels together.

    Rows of a table that are decoded once leave room in the processor's cache for more of them.
    """
    return 64 if isinstance(encoder, PictureEncoder) else 512 if draws else 1024


def encoded(detector: "Detector", raw: Any, device: torch.device) -> Iterator[Rows]:
    """Raw rows as blocks of encoded ones.

    Raises:
        DataError: If a row cannot be encoded; the message counts from the first row of all.
    """
    chunk = rows_at_once(detector.encoder_, draws=False)
    block = max(CELLS // detector.encoder_.layout.width // chunk, 1) * chunk
    for start in range(0, len(raw), block):
        try:
            x = detector.encoder_.transform(raw[start : start + block])
        except DataError:
            detector.encoder_.transform(raw)
            raise
        yield torch.from_numpy(x).to(device)


class Applied:
    """A function of a detector's model and a batch, for any number of blocks of rows.

    Arguments:
        detector: Whose model.
        function: What is applied, `(model, batch, **known) → (M, B, …)`.
        known: What the function knows beside the model.
    """

    def __init__(self, detector: "Detector", function: Callable[..., Tensor], **known: Any) -> None:
        self.model, self.name = detector.model_, getattr(function, "__qualname__", repr(function))
        self.once = partial(function, self.model, **known)
        chunk = rows_at_once(detector.encoder_, draws="draws" in signature(function).parameters)
        self.chunks = Chunks(self.once, members=self.model.members, chunk=chunk)

    def __call__(self, x: Rows) -> Tensor:
        """What the function says of a block, (M, n, …)."""
        if self.name not in self.model.work:
            one = x[:1].expand(self.model.members, *x[:1].shape)
            self.model.work[self.name] = flops(partial(self.once, one)) * self.chunks.chunk
        self.chunks.repeat = self.model.work[self.name] < LARGE
        with threads_for(self.model.work[self.name]):
            return self.chunks(x)
