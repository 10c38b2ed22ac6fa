"""The "quantized Gaussian" of Csiszárik et al.: uniform dequantization and σ = 1."""

from torch import Tensor
from torch.nn.functional import mse_loss

from ..layout import Layout
from ..nn import Draws
from ..shapes import Batch, Parameters, PerFeature
from .base import Likelihood
from .gaussian import LOG_ROOT_2PI, linked

__all__ = ["DequantizedGaussian"]

LEVEL = 1 / 255
"""Distance of two neighbouring grey levels."""


class DequantizedGaussian(Likelihood):
    r"""The mean log density of a level with uniform noise, $E_{u \sim U[0,1)} \log N(x_d + u/255; \mu_d, 1)$.

    The expectation over the noise has a closed form,
    $-\tfrac12 ((x_d + \tfrac12/255 - \mu_d)^2 + \tfrac1{12 \cdot 255^2}) - \tfrac12 \log 2\pi$,
    so that scores need no random numbers. The authors draw the noise instead; the expectation is the same.

    Arguments:
        layout: Pixels.
        members: Number of members; unused, there are no parameters.

    References:
        | Negative Sampling in Variational Autoencoders (Csiszárik et al., 2019), https://arxiv.org/abs/1910.02760
    """

    density = True

    def __init__(self, layout: Layout, members: int) -> None:  # noqa: ARG002 - all likelihoods are made alike
        super().__init__(layout)
        self.parameters_per_row = layout.width

    def complete(self, x: Tensor, parameters: Parameters) -> PerFeature:
        """The mean log density of each pixel in nats, (M, B, F)."""
        squares = mse_loss(linked(self.layout, parameters), x + LEVEL / 2, reduction="none")
        return -0.5 * squares - (LEVEL**2 / 24 + LOG_ROOT_2PI)

    def mean(self, parameters: Parameters) -> Batch:
        """The mean, (M, B, D)."""
        return linked(self.layout, parameters)

    def sample(self, parameters: Parameters, draws: Draws) -> Batch:
        """mean + ε."""
        mean = linked(self.layout, parameters)
        return mean + draws.normal(*mean.shape[1:])
