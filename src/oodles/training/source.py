"""Where the rows of an epoch come from: memory, or somewhere that is larger."""

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

from ..nn import Draws
from ..shapes import Rows

__all__ = ["Resident", "Source", "steps"]


class Source(Protocol):
    """Rows to learn from in blocks; the order of the blocks is an epoch's, the same for every member."""

    width: int
    device: torch.device

    def sizes(self, epoch: int) -> list[int]:
        """How many rows each block of an epoch has."""

    def blocks(self, epoch: int, first: int) -> Iterator[Rows]:
        """The blocks of an epoch from the one numbered `first` on, (n, D) each."""


class Resident:
    """Rows in memory: one block.

    Arguments:
        x: The rows, (N, D).
    """

    def __init__(self, x: Rows) -> None:
        self.x, self.width, self.device = x, x.shape[1], x.device

    def sizes(self, epoch: int) -> list[int]:  # noqa: ARG002 - every epoch is alike
        """The number of rows."""
        return [len(self.x)]

    def blocks(self, epoch: int, first: int) -> Iterator[Rows]:  # noqa: ARG002
        """All rows."""
        yield from [self.x][first:]


def steps(source: Source, epoch: int, done: int, batch: int, seeds: list[int]) -> Iterator[tuple[Rows, list[Tensor]]]:
    """The blocks of an epoch after `done` steps, each with the rows that every step takes, (M · batch,)."""
    first = 0
    sizes = source.sizes(epoch)
    while first < len(sizes) and done >= -(-sizes[first] // batch):
        done -= -(-sizes[first] // batch)
        first += 1
    for number, x in enumerate(source.blocks(epoch, first), start=first):
        yield x, list(orders(seeds, epoch, number, len(x), batch).to(x.device))[done:]
        done = 0


def orders(seeds: list[int], epoch: int, block: int, n: int, batch: int) -> Tensor:
    """Which rows each step of a block takes, (steps, M · batch): each member has its order.

    The last batch is filled by starting again. The order depends on seed, epoch and block alone, so a resumed run needs
    no memory of it.
    """
    starts = [seed * 1_000_003 + epoch for seed in seeds]
    order = Draws([(start * 1_000_003 + block) % 2**63 if block else start for start in starts]).permutations(n)
    every = torch.cat([order] * (1 + -(-batch // n)), dim=1)[:, : -(-n // batch) * batch]
    return every.unflatten(1, (-1, batch)).transpose(0, 1).flatten(1)
