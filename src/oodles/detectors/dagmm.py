"""DAGMM: a mixture of Gaussians over what an autoencoder makes of a row."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from ..layout import Layout
from ..nn import Dropout, Linear
from ..scores import Combined, energy, reconstruction_error
from ..shapes import Batch, Codes, PerMember, PerRow, Rows
from ..training import LossModel
from .energies import EnergyDetector, EnergyModel, Hidden
from .estimator import hyperparameters

__all__ = ["DAGMM", "DAGMMModel"]

JITTER = 1e-6
"""Added to variances: a component on a single point has a density too."""

MOMENTUM = 0.1
"""Weight of a batch in the running parameters of the mixture."""

SMALL = 1e-6
"""Rows that a component has at least."""

SHORT = 0.1
"""Length that a row counts as at least: errors relative to a row of zeros, the usual one of binary columns, are finite.
"""

ESTIMATOR = 10
"""Width of the estimation network."""

Parts = tuple[Tensor, Tensor, Tensor]
"""Shares (M, K), means (M, K, Z) and covariances (M, K, Z, Z) of the K components of a mixture."""


class Mixture(nn.Module):
    """A mixture of K Gaussians in Z dimensions for each member, in double precision.

    It is not trained: its parameters are those of rows and their responsibilities.

    Arguments:
        members: Number of members, M.
        components: Number of Gaussians, K.
        dimensions: Numbers of a row, Z.
    """

    share: Tensor
    mean: Tensor
    covariance: Tensor
    steps: Tensor

    def __init__(self, members: int, components: int, dimensions: int) -> None:
        super().__init__()
        means, eye = torch.zeros(members, components, dimensions), torch.eye(dimensions)
        self.register_buffer("share", torch.full((members, components), 1 / components).double())
        self.register_buffer("mean", means.double())
        self.register_buffer("covariance", eye.expand(members, components, -1, -1).double())
        self.register_buffer("steps", torch.zeros(members, 1).double())

    @property
    def parts(self) -> Parts:
        """The parameters that stand."""
        return self.share, self.mean, self.covariance

    @torch.no_grad()
    def follow(self, parts: Parts) -> None:
        """Move the parameters towards those of a batch: the plain mean of the first batches, then a moving average."""
        weight = (1 / (self.steps + 1)).clamp(min=MOMENTUM)
        self.steps.add_(1)
        for running, now in zip(self.parts, parts, strict=True):
            running.add_(weight.view(-1, *[1] * (now.dim() - 1)) * (now - running))

    def settle(self, parts: Parts) -> None:
        """Let these be the parameters."""
        for stored, exact in zip(self.parts, parts, strict=True):
            stored.copy_(exact)


def fitted(z: Codes, responsibilities: Tensor) -> Parts:
    r"""The mixture of rows z (M, B, Z) that belong to components by $\gamma$ (M, B, K)."""
    z, gamma = z.double(), responsibilities.double()
    total = gamma.sum(1).clamp_min(SMALL)
    mean = (gamma.unsqueeze(-1) * z.unsqueeze(2)).sum(1) / total.unsqueeze(-1)
    away = z.unsqueeze(2) - mean.unsqueeze(1)
    scatter = (gamma[..., None, None] * away.unsqueeze(-1) * away.unsqueeze(-2)).sum(1)
    jitter = JITTER * torch.eye(z.shape[-1], dtype=z.dtype, device=z.device)
    return total / z.shape[1], mean, scatter / total[..., None, None] + jitter


def sample_energy(z: Codes, parts: Parts) -> PerRow:
    r"""$-\log \sum_k \phi_k N(z;\ \mu_k, \Sigma_k)$ in nats.

    With $\Sigma = L D L^\top$ (Cholesky's factors without roots) each number of z is a Gaussian given those before it,
    of variance $D_{jj}$. Element-wise kernels are enough: members stay strangers, and nobody looks at a number.
    """
    share, mean, left = parts
    away = z.double().unsqueeze(2) - mean.unsqueeze(1)
    nats = share.log().unsqueeze(1)
    for j in range(z.shape[-1]):
        variance, here = left[..., j, j].clamp_min(JITTER), away[..., j]
        nats = nats - (here.square() / variance.unsqueeze(1) + (2 * math.pi * variance).log().unsqueeze(1)) / 2
        slope = left[..., j] / variance.unsqueeze(-1)
        away = away - here.unsqueeze(-1) * slope.unsqueeze(1)
        left = left - slope.unsqueeze(-1) * left[..., j, :].unsqueeze(-2)
    return -nats.logsumexp(-1).float()


def length(v: Tensor) -> Tensor:
    """Along the last axis, kept; its gradient at 0 is 0."""
    return (v.square().sum(-1, keepdim=True) + 1e-12).sqrt()


class DAGMMModel(EnergyModel, LossModel):
    r"""Compression network (encoder, decoder), estimation network, mixture.

    Arguments:
        networks: Encoder (rows → L codes) and decoder (L codes → D columns).
        estimate: Estimation network: $z$ → K numbers, whose softmax are the responsibilities.
        mixture: The mixture.
        density_weight: $\lambda_1$, the weight of the energy in the loss.
        variance_weight: $\lambda_2$, the weight of the inverse variances.
        known: What every `EnergyModel` takes.
    """

    scores = {"energy": energy, "reconstruction_error": reconstruction_error}  # noqa: RUF012 - a ClassVar above

    def __init__(
        self,
        *,
        networks: tuple[nn.Module, nn.Module],
        estimate: nn.Module,
        mixture: Mixture,
        density_weight: float,
        variance_weight: float,
        **known: Any,
    ) -> None:
        super().__init__(**known)
        self.encode, self.decode = networks
        self.estimate, self.mixture = estimate, mixture
        self.density_weight, self.variance_weight = density_weight, variance_weight

    def measured(self, v: Batch) -> tuple[Codes, PerRow]:
        r"""$z$ = [code, $\|v - \hat v\| / \|v\|$, cosine of v and $\hat v$], and $\|v - \hat v\|^2$."""
        code = self.encode(v)
        made, v = self.decode(code), v[..., : self.layout.width]
        error, size = length(v - made), length(v).clamp_min(SHORT)
        cosine = (v * made).sum(-1, keepdim=True) / (size * length(made).clamp_min(SHORT))
        return torch.cat([code, error / size, cosine], dim=-1), error.squeeze(-1).square()

    def code(self, x: Batch) -> Codes:
        """Codes and errors: what the mixture sees of a row."""
        return self.measured(self.seen(x))[0]

    def restored(self, x: Batch) -> Batch:
        """The autoencoder's output."""
        return self.see.encoded(self.decode(self.encode(self.seen(x))))

    def energy_at(self, v: Batch) -> PerRow:
        r"""$-\log p(z)$."""
        return sample_energy(self.measured(v)[0], self.mixture.parts)

    def loss(self, x: Batch) -> PerRow:
        """The loss, with the batch's own mixture, which the running one follows."""
        z, error = self.measured(self.seen(x))
        parts = fitted(z, self.estimate(z).softmax(-1))
        self.mixture.follow(parts)
        return self.priced(z, error, parts)

    def criterion(self, x: Batch) -> PerRow:
        """The loss with the running mixture."""
        z, error = self.measured(self.seen(x))
        return self.priced(z, error, self.mixture.parts)

    def priced(self, z: Codes, error: PerRow, parts: Parts) -> PerRow:
        r"""$\|v - \hat v\|^2 + \lambda_1 E(z) + \lambda_2 \sum_{kj} 1 / \Sigma_{kjj}$."""
        narrow: PerMember = (1 / parts[2].diagonal(dim1=-2, dim2=-1)).sum((-2, -1)).float()
        above = self.variance_weight * narrow.unsqueeze(-1)
        return error + self.density_weight * sample_energy(z, parts) + above

    def summary(self, x: Batch) -> Tensor:
        """What the mixture sees of a row, and the row's responsibilities."""
        z = self.code(x)
        return torch.cat([z, self.estimate(z).softmax(-1)], dim=-1)

    def settle(self, rows: Rows, summaries: Tensor) -> None:
        """Compute the mixture from learned rows, as scores use it; reasons compare with the row of lowest energy.

        The mean of all rows lies where relative errors are largest: to this model it is no usual row.
        """
        z, responsibilities = summaries.tensor_split([self.mixture.mean.shape[-1]], dim=-1)
        parts = fitted(z, responsibilities)
        self.mixture.settle(parts)
        self.anchor.row.copy_(rows[sample_energy(z, parts).argmin(-1)].nan_to_num())


@hyperparameters
class DAGMM(EnergyDetector):
    r"""Deep autoencoding Gaussian mixture: rows whose code and errors are improbable together are strange.

    An autoencoder gives each row $z$: its code, and how well it was rebuilt, as relative Euclidean error and cosine
    similarity. An estimation network deals the rows of a batch out to K Gaussians, whose shares, means and covariances
    follow; the energy $E(z) = -\log \sum_k \phi_k N(z;\ \mu_k, \Sigma_k)$ is learned together with the autoencoder:
    $\min \|x - \hat x\|^2 + \lambda_1 E(z) + \lambda_2 \sum_{kj} 1 / \Sigma_{kjj}$. After training the mixture is
    computed once more, from learned rows. Scores: `energy` and the autoencoder's `reconstruction_error`.

    References:
        | Deep Autoencoding Gaussian Mixture Model for Unsupervised Anomaly Detection (Zong et al., 2018),
        | https://openreview.net/forum?id=BJJLHbb0-

    Arguments:
        latent: Codes of a row; `auto` is 3 for tables (the paper takes 1 or 2) and 10 for pictures.
        hidden: Widths of the dense encoder; the decoder mirrors them. Convolutional networks ignore it.
        mixtures: Gaussians of the mixture, K.
        dropout: Share of the estimation network's hidden numbers that is left out in training.
        density_weight: λ₁; the paper takes 0.1.
        variance_weight: λ₂.

    Example:
        >>> from oodles import data, detectors
        >>> X = data.load("breast-cancer").X.slice(0, 100)
        >>> detectors.DAGMM(members=1, epochs=5, random_state=0).fit(X).predict(X).shape
        (100,)
    """

    scoring: str | Combined = "energy"
    hidden: tuple[int, ...] = (60, 30, 10)
    activation: str = "tanh"
    latent: int | str = "auto"
    mixtures: int = 4
    dropout: float = 0.5
    density_weight: float = 0.01
    variance_weight: float = 0.005

    model_class = DAGMMModel

    def codes(self, layout: Layout) -> int:
        """The number of codes, `auto` resolved."""
        return (10 if layout.shape else 3) if self.latent == "auto" else int(self.latent)

    def resolved(self, layout: Layout) -> dict[str, Any]:
        """Parameters that `auto` stood for."""
        return {"latent": self.codes(layout), **super().resolved(layout)}

    def build(self, layout: Layout, members: int, missing: list[int]) -> DAGMMModel:
        """The untrained model."""
        latent = self.codes(layout)
        dimensions = latent + 2
        hidden = Hidden(dimensions, (ESTIMATOR,), members, "tanh")
        return DAGMMModel(
            networks=(
                self.encoder_of(layout, members, layout.width + len(missing), latent),
                self.maker_of(layout, members, latent, tuple(self.hidden)[::-1], self.activation),
            ),
            estimate=nn.Sequential(hidden, Dropout(self.dropout), Linear(ESTIMATOR, self.mixtures, members)),
            mixture=Mixture(members, self.mixtures, dimensions),
            density_weight=self.density_weight,
            variance_weight=self.variance_weight,
            layout=layout,
            members=members,
            missing=missing,
        )
