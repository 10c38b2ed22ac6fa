"""A VAE whose reconstruction loss is a root: the words of Fiorino (2020), taken literally."""

from ..detectors.estimator import hyperparameters
from ..detectors.variational import Variational, VariationalModel
from ..layout import Layout
from ..scores import divergence
from ..shapes import Batch, Codes, PerRow
from ..training import LossModel

__all__ = ["RootErrorModel", "RootErrorVAE"]

LEAST = 1e-12
"""What keeps the root's slope finite where a row is given back exactly."""


class RootErrorModel(LossModel, VariationalModel):
    r"""Encoder and decoder that descend $\sqrt{\frac1D \sum_d (x_d - \hat x_d)^2} + \beta\,KL(q(z|x) \| N(0, I))$."""

    def loss(self, x: Batch) -> PerRow:
        """One root over the row's vector, and KL in nats, with one draw z ~ q(z | x)."""
        return self.cost(x, self.draws.normal(x.shape[1], self.points.shape[1]))

    def criterion(self, x: Batch) -> PerRow:
        """The same at a fixed draw."""
        return self.cost(x, self.points[0])

    def cost(self, x: Batch, noise: Codes) -> PerRow:
        """The loss at z = mean + std · noise."""
        mean, std = self.posterior(x)
        expected = self.likelihood.mean(self.decoder(mean + std * noise))
        return ((x - expected).square().mean(-1) + LEAST).sqrt() + self.beta * divergence(mean, std)


@hyperparameters
class RootErrorVAE(Variational):
    """A VAE with that loss, for tables without missing cells; its likelihood only says how a row is given back."""

    scoring: str = "reconstruction_error"
    likelihood: str = "gaussian"

    model_class = RootErrorModel

    def build(self, layout: Layout, members: int, missing: list[int]) -> RootErrorModel:
        """The untrained model."""
        return RootErrorModel(**self.parts(layout, members, missing))
