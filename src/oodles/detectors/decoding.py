"""What detectors with an encoder, a decoder and an observation model share."""

from abc import abstractmethod
from typing import Any

from ..layout import Layout
from ..likelihoods import support
from .estimator import hyperparameters
from .networks import chosen_network
from .neural import NeuralDetector

__all__ = ["DecodingDetector"]


@hyperparameters
class DecodingDetector(NeuralDetector):
    """A detector that gives rows back: it learns p(x | z) with a code z for each row.

    Arguments:
        latent: Number of latent codes L.
        hidden: Widths of the dense encoder; the decoder mirrors them. Pictures with a convolutional network ignore it.
        network: `auto` (`mlp` for tables, `gray-light` or `color` for pictures), `mlp`, `gray`, `gray-light`, `color`,
            `color-affine`, or `faces` for pictures of about 128×128 pixels.
        likelihood: A name of `oodles.likelihoods.NAMES`: what is assumed of real columns or pixels. `auto` is
            `student`, with one σ per column of a table, and `gaussian-global`, with one σ for all pixels of a picture.
    """

    latent: int | str = "auto"
    network: str = "auto"
    likelihood: str = "auto"

    @abstractmethod
    def codes(self, layout: Layout) -> int:
        """The number of latent codes, `auto` resolved."""

    def noise_model(self, *, pictures: bool) -> str:
        """The likelihood's name, `auto` resolved."""
        if self.likelihood != "auto":
            return self.likelihood
        return "gaussian-global" if pictures else "student"

    @property
    def support(self) -> str:
        """What numbers the likelihood can see in a real column."""
        return support(self.noise_model(pictures=False))

    def resolved(self, layout: Layout) -> dict[str, Any]:
        """Parameters that `auto` stood for."""
        return {
            "latent": self.codes(layout),
            "likelihood": self.noise_model(pictures=bool(layout.shape)),
            "network": chosen_network(self.network, layout),
        }
