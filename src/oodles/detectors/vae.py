"""Variational autoencoders."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import hardtanh

from .. import likelihoods
from ..layout import Layout
from ..likelihoods import Likelihood
from ..nn import Draws
from ..scores import (
    bits_per_dim,
    divergence,
    elbo,
    iwae,
    kl,
    latent_norm,
    likelihood,
    mean_log_probability,
    normal_points,
    reconstruction_error,
    reconstruction_probability,
)
from ..shapes import Batch, Codes, Parameters, PerRow
from ..training import LossModel
from .base import Detector
from .estimator import check_fitted, hyperparameters
from .networks import codec

__all__ = ["VAE", "VAEModel"]


class VAEModel(LossModel):
    r"""Encoder $q(z|x) = N(m(x), s(x)^2)$, decoder $p(x|z)$, prior $N(0, I)$.

    Arguments:
        likelihood: The observation model p(x | z).
        networks: Encoder (rows → 2 L numbers) and decoder (L codes → the likelihood's parameters).
        latent: Number of codes L.
        beta: Weight of the KL term in the loss.
        points: Fixed draws that the scores share.
    """

    scores = {  # noqa: RUF012 - annotated as a ClassVar where it is declared
        "elbo": elbo,
        "bits_per_dim": bits_per_dim,
        "iwae": iwae,
        "kl": kl,
        "latent_norm": latent_norm,
        "likelihood": likelihood,
        "mean_log_probability": mean_log_probability,
        "reconstruction_error": reconstruction_error,
        "reconstruction_probability": reconstruction_probability,
    }
    points: Tensor
    likelihood: Likelihood

    def __init__(
        self,
        likelihood: Likelihood,
        networks: tuple[torch.nn.Module, torch.nn.Module],
        *,
        latent: int,
        beta: float = 1.0,
        points: int = 32,
    ) -> None:
        super().__init__()
        self.encoder, self.decode = networks
        self.likelihood = likelihood
        self.beta = beta
        self.register_buffer("points", normal_points(points, latent))

    def posterior(self, x: Batch) -> tuple[Codes, Codes]:
        """Mean and standard deviation of q(z | x)."""
        mean, log_std = self.encoder(x).chunk(2, dim=-1)
        return mean, hardtanh(log_std, -6, 3).exp()

    def code(self, x: Batch) -> Codes:
        """The mean of q(z | x)."""
        return self.posterior(x)[0]

    def decoder(self, z: Codes) -> Parameters:
        """The parameters of p(x | z)."""
        return self.decode(z)

    def loss(self, x: Batch) -> PerRow:
        r"""The negative ELBO, $\beta\,KL(q(z|x) \| p(z)) - \log p(x|z)$, with one draw $z \sim q(z|x)$."""
        mean, std = self.posterior(x)
        z = mean + std * self.draws.normal(*std.shape[1:])
        return self.beta * divergence(mean, std) - self.likelihood.log_prob(x, self.decoder(z))

    def criterion(self, x: Batch) -> PerRow:
        """The loss at a few fixed draws."""
        return self.beta * kl(self, x) + mean_log_probability(self, x, draws=len(self.points) // 8)


@hyperparameters
class VAE(Detector):
    r"""Variational autoencoder: rows that are expensive to encode are strange.

    It learns $p(x) = \int p(x|z)\,N(z; 0, I)\,dz$ by ascending $E_q[\log p(x|z)] - \beta\,KL(q(z|x) \| N(0, I))$.

    References:
        | Auto-Encoding Variational Bayes (Kingma & Welling, 2014), https://arxiv.org/abs/1312.6114
        | Variational Autoencoder based Anomaly Detection using Reconstruction Probability (An & Cho, 2015)

    Arguments:
        beta: Weight of the KL term; 1 is the ELBO.

    Example:
        >>> from oodles import data, detectors
        >>> X = data.load("breast-cancer").X.slice(0, 100)
        >>> detectors.VAE(members=1, epochs=5, random_state=0).fit(X).predict(X).shape
        (100,)
    """

    scoring: str = "elbo"
    beta: float = 1.0

    model_class = VAEModel

    def build(self, layout: Layout, members: int, missing: list[int]) -> VAEModel:
        """The untrained model."""
        observation = likelihoods.from_layout(layout, self.noise_model(pictures=bool(layout.shape)), members)
        latent = self.codes(layout)
        networks = codec(
            self.network,
            layout,
            observation,
            codes=2 * latent,
            latent=latent,
            hidden=tuple(self.hidden),
            activation=self.activation,
            members=members,
            missing=missing,
        )
        return VAEModel(observation, networks, latent=latent, beta=self.beta, points=8 if layout.shape else 32)

    def codes(self, layout: Layout) -> int:
        """The number of latent codes; `auto` is 16 for a table, 10 for gray and 100 for color pictures."""
        if self.latent != "auto":
            return int(self.latent)
        return (100 if layout.shape[0] == 3 else 10) if layout.shape else 16

    def sample(self, n: int, *, random_state: int = 0) -> Any:
        """Draw rows from the model, in raw units: an array, or a pyarrow table if it learned names.

        Member m gives every M-th row. Pictures are the decoder's means, as is usual for them.
        """
        check_fitted(self)
        model: Any = self.model_
        each = -(-n // model.members)
        draws = Draws([random_state + member for member in range(model.members)], self._device)
        with torch.inference_mode():
            parameters = model.decoder(draws.normal(each, model.points.shape[1]))
            pictures = bool(self.encoder_.layout.shape)
            rows = model.likelihood.mean(parameters) if pictures else model.likelihood.sample(parameters, draws)
        decoded = self.encoder_.decode(rows.transpose(0, 1).flatten(0, 1)[:n].cpu().numpy())
        if isinstance(decoded, np.ndarray) or hasattr(self, "feature_names_in_"):
            return decoded
        return np.stack([column.to_numpy() for column in decoded.columns], axis=1)
