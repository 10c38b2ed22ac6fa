"""What a model must offer to be scored."""

from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from ..likelihoods import Likelihood
from ..shapes import Batch, Codes, Parameters, PerRow, Rows

__all__ = [
    "Anchored",
    "Backed",
    "Classifies",
    "Encodes",
    "Energetic",
    "Paired",
    "Posterior",
    "Reconstructs",
    "Referring",
    "Restores",
    "Settles",
]


@runtime_checkable
class Encodes(Protocol):
    """A model that gives rows codes, or what its last hidden layer says."""

    def code(self, x: Batch) -> Codes:
        """The code of each row: for a posterior, its mean."""


@runtime_checkable
class Energetic(Protocol):
    """A model with an energy, low for what is usual."""

    def seen(self, x: Batch) -> Batch:
        """Encoded rows as the network reads them, without missing cells."""

    def energy_at(self, v: Batch) -> PerRow:
        """The energy of rows as the network reads them."""


@runtime_checkable
class Paired(Protocol):
    """A model that encodes and makes rows, with a discriminator of pairs.

    Attributes:
        encoder: Rows as the networks read them → codes.
        generator: Codes → encoded rows.
        discriminator: Rows as the networks read them and codes → logits; with a third argument True, its last layer.
    """

    encoder: Any
    generator: Any
    discriminator: Any

    def seen(self, x: Batch) -> Batch:
        """Encoded rows as the networks read them, without missing cells."""

    def like(self, x: Batch, made: Batch) -> Batch:
        """Made rows as the networks read them, with the holes of the real ones."""


@runtime_checkable
class Restores(Protocol):
    """A model that gives rows back without a likelihood."""

    def restored(self, x: Batch) -> Batch:
        """Each row as the model makes it, (M, B, D), in encoded units."""


@runtime_checkable
class Settles(Protocol):
    """A model with numbers that are computed once, after training."""

    def summary(self, x: Batch) -> Tensor:
        """What it needs to know of each row, (M, B, …)."""

    def settle(self, rows: Rows, summaries: Tensor) -> None:
        """Compute them from rows that were learned and their summaries, (M, N, …)."""


@runtime_checkable
class Anchored(Protocol):
    """A model whose reasons compare a row with a usual one.

    Attributes:
        anchor: Holds `row`, (M, D): the mean of learned rows.
        feature: The number of the feature that each encoded column belongs to, (D,).
    """

    anchor: Any
    feature: Tensor


@runtime_checkable
class Reconstructs(Encodes, Protocol):
    """A model with one best reconstruction of a row."""

    @property
    def likelihood(self) -> Likelihood:
        """What is assumed of a row given its code."""

    def decoder(self, z: Codes) -> Parameters:
        """The parameters of p(x | z)."""


@runtime_checkable
class Posterior(Reconstructs, Protocol):
    """A model with a Gaussian posterior q(z | x) = N(mean, std²) and the prior N(0, I).

    Attributes:
        points: Fixed standard normal points, (K, L): the draws that every score shares.
    """

    points: Tensor

    def posterior(self, x: Batch) -> tuple[Codes, Codes]:
        """Mean and standard deviation of q(z | x)."""


@runtime_checkable
class Classifies(Posterior, Protocol):
    """A model of rows in classes: 0 is usual, 1 is strange; its posterior and decoder are those of usual rows."""

    def log_classes(self, x: Batch) -> Tensor:
        """log q(y | x) of every class, (M, B, K)."""


@runtime_checkable
class Referring(Posterior, Protocol):
    """A model that remembers what is usual.

    Attributes:
        reference: Holds `statistics`, (M, K, 6): what `oodles.scores.statistics` said of rows it learned from.
    """

    reference: Any


@runtime_checkable
class Backed(Posterior, Protocol):
    """A model that may have a background model, which learned from spoiled rows."""

    background: Any
