"""What a model must offer to be scored."""

from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from ..likelihoods import Likelihood
from ..shapes import Batch, Codes, Parameters

__all__ = ["Posterior", "Reconstructs"]


@runtime_checkable
class Reconstructs(Protocol):
    """A model with one best reconstruction of a row."""

    @property
    def likelihood(self) -> Likelihood:
        """What is assumed of a row given its code."""

    def code(self, x: Batch) -> Codes:
        """The code of each row: for a posterior, its mean."""

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
