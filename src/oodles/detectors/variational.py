"""What all variational autoencoders share: the model's parts, its scores, and how it makes rows."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import hardtanh

from .. import likelihoods
from ..layout import Layout
from ..likelihoods import Likelihood
from ..nn import Draws
from ..sampling import Uniform
from ..scores import (
    Combined,
    Reference,
    bits_per_dim,
    density,
    divergence,
    elbo,
    input_complexity,
    iwae,
    kl,
    latent_norm,
    likelihood,
    likelihood_ratio,
    likelihood_regret,
    mean_log_probability,
    normal_points,
    reconstruction_error,
    reconstruction_probability,
    typicality,
    waic,
)
from ..shapes import Batch, Codes, Parameters, PerRow
from ..training import Model
from .decoding import DecodingDetector
from .estimator import check_fitted, hyperparameters
from .networks import codec

__all__ = ["Variational", "VariationalModel"]


class Generator(nn.Module):
    """p(x | z): the decoder's network, and the observation model with what it has learned."""

    def __init__(self, decode: nn.Module, likelihood: Likelihood) -> None:
        super().__init__()
        self.decode, self.likelihood = decode, likelihood

    def forward(self, z: Codes) -> Parameters:
        """The parameters of p(x | z)."""
        parameters: Parameters = self.decode(z)
        return parameters


class VariationalModel(Model):
    r"""Encoder $q(z|x) = N(m(x), s(x)^2)$, decoder $p(x|z)$, prior $N(0, I)$.

    Arguments:
        likelihood: The observation model p(x | z).
        networks: Encoder (rows → 2 L numbers) and decoder (L codes → the likelihood's parameters).
        latent: Number of codes L.
        beta: Weight of the KL term in the loss.
        points: Number of fixed draws that the scores share.
        background: A twin that learns from spoiled rows, for `likelihood_ratio`; None does without.
        spoiled: Share of the cells that are spoiled for it.
    """

    scores: ClassVar[Mapping[str, Callable[..., PerRow]]] = {
        "elbo": elbo,
        "bits_per_dim": bits_per_dim,
        "iwae": iwae,
        "kl": kl,
        "latent_norm": latent_norm,
        "likelihood": likelihood,
        "mean_log_probability": mean_log_probability,
        "reconstruction_error": reconstruction_error,
        "reconstruction_probability": reconstruction_probability,
        "density": density,
        "typicality": typicality,
        "waic": waic,
        "likelihood_ratio": likelihood_ratio,
        "likelihood_regret": likelihood_regret,
        "input_complexity": input_complexity,
    }
    points: Tensor
    feature: Tensor
    real: Tensor

    def __init__(
        self,
        likelihood: Likelihood,
        networks: tuple[nn.Module, nn.Module],
        *,
        latent: int,
        beta: float = 1.0,
        points: int = 32,
        background: "VariationalModel | None" = None,
        spoiled: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = networks[0]
        self.generator = Generator(networks[1], likelihood)
        self.reference = Reference(len(next(networks[0].parameters())))
        if background is not None:  # the same draws, which are stored once
            background.register_buffer("points", normal_points(points, latent), persistent=False)
        self.background = background
        self.beta, self.spoiled = beta, spoiled
        layout = likelihood.layout
        real = set(layout.positions("real"))
        self.register_buffer("feature", torch.tensor(layout.owners), persistent=False)
        self.register_buffer("real", torch.tensor([d in real for d in range(layout.width)]), persistent=False)
        self.register_buffer("points", normal_points(points, latent))

    @property
    def likelihood(self) -> Likelihood:
        """The observation model."""
        return self.generator.likelihood

    def posterior(self, x: Batch) -> tuple[Codes, Codes]:
        """Mean and standard deviation of q(z | x)."""
        mean, log_std = self.encoder(x).chunk(2, dim=-1)
        return mean, hardtanh(log_std, -6, 3).exp()

    def code(self, x: Batch) -> Codes:
        """The mean of q(z | x)."""
        return self.posterior(x)[0]

    def decoder(self, z: Codes) -> Parameters:
        """The parameters of p(x | z)."""
        parameters: Parameters = self.generator(z)
        return parameters

    def bound(self, x: Batch, draws: Draws) -> PerRow:
        r"""The negative ELBO, $\beta\,KL(q(z|x) \| p(z)) - \log p(x|z)$, with one draw $z \sim q(z|x)$."""
        mean, std = self.posterior(x)
        z = mean + std * draws.normal(*std.shape[1:])
        return self.beta * divergence(mean, std) - self.likelihood.log_prob(x, self.decoder(z))

    def bound_at(self, x: Batch) -> PerRow:
        """The negative ELBO at a few fixed draws."""
        return self.beta * kl(self, x) + mean_log_probability(self, x, draws=len(self.points) // 8)

    def background_bound(self, x: Batch) -> PerRow:
        """The background model's negative ELBO of the rows, a share of whose cells is noise."""
        twin: Any = self.background
        noise = Uniform()(self, x, x)
        spoiled = self.draws.uniform(*x.shape[1:-1], self.likelihood.layout.features) < self.spoiled
        if not self.likelihood.layout.shape:
            spoiled = spoiled.index_select(2, self.feature)
        return twin.bound(torch.where(spoiled, noise, x), self.draws)


@hyperparameters
class Variational(DecodingDetector):
    """What detectors with such a model have in common.

    Arguments:
        beta: Weight of the KL term; 1 is the ELBO.
        background: Share of the cells that are spoiled by noise for a second, background model, which the score
            `likelihood_ratio` needs; 0 trains none. It doubles the time of a fit.
    """

    scoring: str | Combined = "elbo"
    beta: float = 1.0
    background: float = 0.0

    def parts(self, layout: Layout, members: int, missing: list[int]) -> dict[str, Any]:
        """The arguments of the untrained model."""
        latent = self.codes(layout)
        observation = likelihoods.from_layout(layout, self.noise_model(pictures=bool(layout.shape)), members)
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
        return {
            "likelihood": observation,
            "networks": networks,
            "latent": latent,
            "beta": self.beta,
            "points": 8 if layout.shape else 32,
        }

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
        return self._raw(rows.transpose(0, 1).flatten(0, 1)[:n])
