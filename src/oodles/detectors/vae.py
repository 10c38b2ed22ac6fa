"""Variational autoencoders."""

from ..layout import Layout
from ..shapes import Batch, PerRow
from ..training import LossModel
from .estimator import hyperparameters
from .variational import Variational, VariationalModel

__all__ = ["VAE", "VAEModel"]


class VAEModel(LossModel, VariationalModel):
    r"""Encoder $q(z|x) = N(m(x), s(x)^2)$, decoder $p(x|z)$ and prior $N(0, I)$, moved together."""

    def loss(self, x: Batch) -> PerRow:
        r"""The negative ELBO, $\beta\,KL(q(z|x) \| p(z)) - \log p(x|z)$, with one draw $z \sim q(z|x)$."""
        bound = self.bound(x, self.draws)
        return bound if self.background is None else bound + self.background_bound(x)

    def criterion(self, x: Batch) -> PerRow:
        """The negative ELBO at a few fixed draws."""
        return self.bound_at(x)


@hyperparameters
class VAE(Variational):
    r"""Variational autoencoder: rows that are expensive to encode are strange.

    It learns $p(x) = \int p(x|z)\,N(z; 0, I)\,dz$ by ascending $E_q[\log p(x|z)] - \beta\,KL(q(z|x) \| N(0, I))$.

    References:
        | Auto-Encoding Variational Bayes (Kingma & Welling, 2014), https://arxiv.org/abs/1312.6114
        | Variational Autoencoder based Anomaly Detection using Reconstruction Probability (An & Cho, 2015)

    Arguments:
        beta: Weight of the KL term; 1 is the ELBO.
        background: Share of the cells that are spoiled by noise for a second, background model, which the score
            `likelihood_ratio` needs; 0 trains none. It doubles the time of a fit.

    Example:
        >>> from oodles import data, detectors
        >>> X = data.load("breast-cancer").X.slice(0, 100)
        >>> detectors.VAE(members=1, epochs=5, random_state=0).fit(X).predict(X).shape
        (100,)
    """

    model_class = VAEModel

    def build(self, layout: Layout, members: int, missing: list[int]) -> VAEModel:
        """The untrained model."""
        background = VAEModel(**self.parts(layout, members, missing)) if self.background else None
        return VAEModel(**self.parts(layout, members, missing), background=background, spoiled=self.background)
