"""Where negatives come from: small values, each a function (model, x, z) → a batch like x.

x is a batch of what the model learns from, (M, B, D); z are codes from the prior, (M, B, L). Randomness comes from the
model's own streams, so that equal seeds give equal negatives. What comes out carries no gradient.

References:
    | Negative Sampling in Variational Autoencoders (Csiszárik et al., 2019), https://arxiv.org/abs/1910.02760
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import Tensor, nn

from ..layout import Layout
from ..nn import Draws, may_be_missing
from ..shapes import Batch, Codes, Parameters, Rows

__all__ = ["SOURCES", "Frozen", "FrozenPool", "Given", "Noise", "Own", "Source", "Uniform", "generated"]

LEVELS = 255
"""Grey levels that uniform noise takes: 0 to 254 of 255, as the authors draw them."""


class Observation(Protocol):
    """What is assumed of a row given its code."""

    layout: Layout

    def mean(self, parameters: Parameters) -> Batch:
        """The expected row."""


class Generative(Protocol):
    """A model that can make rows.

    Attributes:
        draws: Its members' random streams.
        feature: The number of the feature that each encoded column belongs to, (D,).
        real: Whether each encoded column is real, (D,).
    """

    draws: Draws
    feature: Tensor
    real: Tensor

    @property
    def likelihood(self) -> Observation:
        """What is assumed of a row given its code."""

    def decoder(self, z: Codes) -> Parameters:
        """The parameters of p(x | z)."""


def generated(model: Generative, z: Codes) -> Batch:
    """G(z): the means of p(x | z), (M, B, D)."""
    return model.likelihood.mean(model.decoder(z))


def chosen(rows: Rows, model: Generative, count: int) -> Batch:
    """`count` of the rows for each member, drawn with replacement, (M, count, D)."""
    which = (model.draws.uniform(count) * len(rows)).long().clamp_max(len(rows) - 1)
    return rows.index_select(0, which.flatten()).unflatten(0, which.shape)


class Source(Protocol):
    """A source of negatives.

    Attributes:
        pull: Weight of KL(q(z | x̄) ‖ p) in the generator's loss: how hard it tries to make negatives that the encoder
            takes for data.
    """

    @property
    def pull(self) -> float:
        """The weight."""

    def __call__(self, model: Generative, x: Batch, z: Codes) -> Batch:
        """Negatives, (M, B, D)."""


@dataclass(frozen=True)
class Uniform:
    """Uniform noise: grey levels of pictures; for a table the box that the batch spans, and any of its levels."""

    pull: ClassVar[float] = 0.0

    def __call__(self, model: Generative, x: Batch, z: Codes) -> Batch:  # noqa: ARG002 - all sources are called alike
        """Noise, every cell by itself."""
        u = model.draws.uniform(*x.shape[1:])
        if model.likelihood.layout.shape:
            return (u * LEVELS).floor() / LEVELS
        x = x.nan_to_num() if may_be_missing() else x
        low, high = x.amin(1, keepdim=True), x.amax(1, keepdim=True)
        # A level of a category is several columns, which must come from the same row.
        which = (model.draws.uniform(x.shape[1], model.likelihood.layout.features) * x.shape[1]).long()
        mixed = x.gather(1, which.clamp_max(x.shape[1] - 1).index_select(2, model.feature))
        return torch.where(model.real, low + u * (high - low), mixed)


@dataclass(frozen=True)
class Noise:
    """The data with isotropic Gaussian noise: pixels stay in [0, 1]; categories of a table stay what they are.

    Attributes:
        std: Standard deviation of the noise: pixels reach from 0 to 1, real columns of a table spread by about 1.
    """

    std: float = 0.25
    pull: ClassVar[float] = 0.0

    def __call__(self, model: Generative, x: Batch, z: Codes) -> Batch:  # noqa: ARG002
        """x + σ ε."""
        noise = self.std * model.draws.normal(*x.shape[1:])
        return (x + noise).clamp(0, 1) if model.likelihood.layout.shape else x + noise * model.real


@dataclass(frozen=True)
class Own:
    """Samples of the model itself; with a `pull`, its generator tries to pass them off as data: the adversarial scheme.

    Attributes:
        pull: Weight of KL(q(z | G(z)) ‖ p) in the generator's loss; the encoder stands still meanwhile.
    """

    pull: float = 0.0

    def __call__(self, model: Generative, x: Batch, z: Codes) -> Batch:  # noqa: ARG002
        """G(z)."""
        with torch.no_grad():
            return generated(model, z)


@dataclass(frozen=True)
class Frozen:
    """Samples that the model made while it was young, and never renewed afterwards.

    Attributes:
        size: Samples that are kept.
        share: Of the training, in which they are renewed.
    """

    size: int = 10_000
    share: float = 0.1


class FrozenPool(nn.Module):
    """The samples of a `Frozen` source: a ring that is written to in the first steps, and only read later.

    Arguments:
        members: Number of members, M.
        size: Samples of each member, K; at least a batch.
        width: Encoded columns, D.
        steps: Steps in which samples are renewed.
    """

    pull: float = 0.0
    rows: Tensor
    age: Tensor

    def __init__(self, members: int, size: int, width: int, steps: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(members, size, width))
        self.register_buffer("age", torch.zeros(members, 1, dtype=torch.int64))
        self.steps = steps

    @torch.no_grad()
    def forward(self, model: Generative, x: Batch, z: Codes) -> Batch:
        """Samples from the ring, (M, B, D)."""
        batch, size = x.shape[1], self.rows.shape[1]
        places = torch.arange(batch, device=x.device)
        place = ((self.age * batch + places) % size).unsqueeze(-1).expand(-1, -1, x.shape[2])
        young = (self.age < self.steps).unsqueeze(-1)
        self.rows.scatter_(1, place, torch.where(young, generated(model, z), self.rows.gather(1, place)))
        self.age.add_(1)
        filled = (self.age * batch).clamp_max(size)
        which = (model.draws.uniform(batch) * filled).long().minimum(filled - 1)
        return self.rows.gather(1, which.unsqueeze(-1).expand(-1, -1, x.shape[2]))


class Given:
    """Rows that are known to be strange: other pictures, confirmed frauds, samples of another generator.

    Arguments:
        pools: One or several sets of encoded rows, (N, D) each; a batch takes equally many of each.
    """

    pull: float = 0.0

    def __init__(self, pools: Sequence[Rows]) -> None:
        self.pools = list(pools)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Itself: the rows never change, and may be large."""
        return self

    def first(self, x: Batch) -> Batch:
        """As many rows as x has, always the same ones, for a look without randomness."""
        rows = torch.cat(self.pools)
        rows = rows.index_select(0, torch.arange(x.shape[1], device=x.device) % len(rows)).expand_as(x)
        return rows if may_be_missing() else rows.nan_to_num()

    def __call__(self, model: Generative, x: Batch, z: Codes) -> Batch:  # noqa: ARG002
        """Rows drawn with replacement."""
        ends = [x.shape[1] * i // len(self.pools) for i in range(len(self.pools) + 1)]
        counts = [after - before for before, after in pairwise(ends)]
        rows = torch.cat([chosen(pool, model, n) for pool, n in zip(self.pools, counts, strict=True) if n], dim=1)
        return rows if may_be_missing() else rows.nan_to_num()


SOURCES: dict[str, Source | Frozen] = {
    "adversarial": Own(pull=1.0),
    "own": Own(),
    "frozen": Frozen(),
    "noise": Noise(),
    "uniform": Uniform(),
}
"""What a model can make negatives from without being given any, by name."""
