"""What a model must offer to be scored."""

from typing import Protocol, runtime_checkable

from torch import Tensor

from ..likelihoods import Likelihood
from ..shapes import Batch, Codes, Parameters

__all__ = ["Posterior", "Reconstructs"]


@runtime_checkable
class Reconstructs(Protocol):
    """A model with one best reconstruction of a row."""

    likelihood: Likelihood

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
