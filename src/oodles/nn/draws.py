"""Random numbers, one private stream per member."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

__all__ = ["Draws"]


class Draws:
    """M random streams: member m of a stack draws what it would have drawn alone with the same seed.

    The global random state is never read nor written.

    Arguments:
        seeds: One seed per member.
        device: Where the numbers are drawn.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self.generators = [torch.Generator(self.device).manual_seed(int(seed)) for seed in seeds]

    @property
    def members(self) -> int:
        """Number of streams, M."""
        return len(self.generators)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers, (M, *shape)."""
        return self.filled(shape, Tensor.normal_)

    def uniform(self, *shape: int) -> Tensor:
        """Uniform numbers in [0, 1), (M, *shape)."""
        return self.filled(shape, Tensor.uniform_)

    def filled(self, shape: Sequence[int], fill: Callable[..., Tensor]) -> Tensor:
        """Numbers that `fill` draws, (M, *shape)."""
        numbers = torch.empty(self.members, *shape, device=self.device)
        for member, generator in zip(numbers, self.generators, strict=True):
            fill(member, generator=generator)
        return numbers

    def permutations(self, n: int) -> Tensor:
        """A permutation of 0 … n - 1 for each member, (M, n)."""
        return torch.stack([torch.randperm(n, generator=g, device=self.device) for g in self.generators])

    def state(self) -> Tensor:
        """Where the streams stand, as bytes (M, S): for checkpoints."""
        return torch.stack([generator.get_state() for generator in self.generators])

    def restore(self, state: Tensor) -> None:
        """Continue from a `state`."""
        for generator, position in zip(self.generators, state, strict=True):
            generator.set_state(position.clone())  # torch 2.13 crashes on a view into a larger tensor
