"""Variational autoencoders that know the class of a few rows."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import hardtanh

from .. import likelihoods
from ..layout import Layout
from ..sampling import Given, Source
from ..scores import Combined, classified_elbo, divergence, log_odds
from ..shapes import Batch, Codes, Parameters, PerMember, PerRow, Rows
from ..training import Minimize
from .estimator import hyperparameters
from .networks import codec
from .vae import VAEModel
from .variational import Variational, VariationalModel

__all__ = ["ClassDecoder", "ClassEncoder", "SemiSupervisedVAE", "SemiSupervisedVAEModel"]

ANOMALY = 1
"""The class of negatives; usual rows are of class 0."""


class ClassEncoder(nn.Module):
    """q(z | x, y): a network of rows with numbers for each of K classes, (M, B, K · 2 L).

    Called like any encoder, it answers for the first class.
    """

    def __init__(self, network: nn.Module, classes: int) -> None:
        super().__init__()
        self.network, self.classes = network, classes

    def forward(self, x: Batch) -> Tensor:
        """The numbers of the first class, (M, B, 2 L)."""
        return self.every(x)[..., 0, :]

    def every(self, x: Batch) -> Tensor:
        """The numbers of every class, (M, B, K, 2 L)."""
        numbers: Tensor = self.network(x)
        return numbers.unflatten(-1, (self.classes, -1))


class ClassDecoder(nn.Module):
    """p(x | y, z): a network of codes with the class beside them, (M, B, L + K).

    Called like any decoder, it answers for the first class.
    """

    classes: Tensor

    def __init__(self, network: nn.Module, classes: int) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("classes", torch.eye(classes), persistent=False)

    def forward(self, z: Codes) -> Parameters:
        """The parameters of p(x | y, z) for the first class."""
        return self.given(z, self.classes[0])

    def given(self, z: Codes, y: Tensor) -> Parameters:
        """The parameters of p(x | y, z); y is one-hot, (K,) or (M, B, K)."""
        parameters: Parameters = self.network(torch.cat([z, y.expand(*z.shape[:-1], -1)], dim=-1))
        return parameters


class SemiSupervisedVAEModel(VariationalModel):
    r"""The model M2: a class y and a code z make a row, $p(y)\,N(z; 0, I)\,p(x|y,z)$; most classes are unknown.

    $q(y|x)$ classifies, $q(z|x,y) = N(m(x,y), s(x,y)^2)$ encodes. To all scores the model is what it says of the first
    class: their $q(z|x)$ is $q(z|x, y = 0)$, their $p(x|z)$ is $p(x|y = 0, z)$.

    Arguments:
        classify: Rows → K logits of q(y | x).
        prior: p(y), K numbers.
        labeled: Weight of the bound of labeled rows; of $N_l$ labeled among $N_u$ others, $N_l / N_u$ in the paper.
        alpha: Weight of labeled rows' $-\log q(y|x)$.
        known: What every `VariationalModel` takes; its networks are a `ClassEncoder` and a `ClassDecoder`.
    """

    scores = {  # noqa: RUF012 - a ClassVar above
        **VariationalModel.scores,
        "classified_elbo": classified_elbo,
        "log_odds": log_odds,
    }
    sources: Sequence[Source] = ()
    log_prior: Tensor

    def __init__(
        self, *, classify: nn.Module, prior: Sequence[float], labeled: float, alpha: float, **known: Any
    ) -> None:
        super().__init__(**known)
        self.classify = classify
        self.labeled, self.alpha = labeled, alpha
        self.register_buffer("log_prior", torch.tensor([math.log(share) for share in prior]), persistent=False)

    @property
    def decode(self) -> ClassDecoder:
        """The decoder's network."""
        return cast("ClassDecoder", self.generator.decode)

    def log_classes(self, x: Batch) -> Tensor:
        """log q(y | x) of every class, (M, B, K)."""
        logits: Tensor = self.classify(x)
        return logits.log_softmax(-1)

    def posteriors(self, x: Batch) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of q(z | x, y) for every class, (M, B, K, L) each."""
        mean, log_std = cast("ClassEncoder", self.encoder).every(x).chunk(2, dim=-1)
        return mean, hardtanh(log_std, -6, 3).exp()

    def joint(self, x: Batch, y: Tensor, moments: tuple[Codes, Codes], points: Sequence[Tensor]) -> PerRow:
        r"""$L(x, y) = KL(q(z|x,y) \| p(z)) - E_q[\log p(x|y,z)] - \log p(y)$, an upper bound on $-\log p(x, y)$.

        Arguments:
            x: Rows.
            y: Their classes, one-hot, (K,) or (M, B, K).
            moments: Mean and standard deviation of q(z | x, y).
            points: Standard normal points, (L,) or (M, B, L) each, for the expectation.
        """
        mean, std = moments
        log_p = [self.likelihood.log_prob(x, self.decode.given(mean + std * point, y)) for point in points]
        return self.beta * divergence(mean, std) - sum(log_p[1:], log_p[0]) / len(log_p) - (y * self.log_prior).sum(-1)

    def unlabeled_loss(self, x: Batch, points: Sequence[Tensor]) -> PerRow:
        r"""$U(x) = \sum_y q(y|x)\,L(x, y) - H(q(y|x))$, an upper bound on $-\log p(x)$.

        Each of the `points` is (K, L) or (M, B, K, L).
        """
        log_q = self.log_classes(x)
        mean, std = self.posteriors(x)
        each = [
            self.joint(x, y, (mean[..., k, :], std[..., k, :]), [point[..., k, :] for point in points])
            for k, y in enumerate(self.decode.classes)
        ]
        return (log_q.exp() * (torch.stack(each, dim=-1) + log_q)).sum(-1)

    def labeled_loss(self, x: Batch, y: Tensor, points: Sequence[Tensor]) -> PerRow:
        r"""$w\,L(x, y) - \alpha \log q(y|x)$ of rows whose class y is known, one-hot, (K,) or (M, B, K).

        Each of the `points` is (L,) or (M, B, L).
        """
        mean, std = ((y.unsqueeze(-1) * every).sum(-2) for every in self.posteriors(x))
        unsure = -(y * self.log_classes(x)).sum(-1)
        return self.labeled * self.joint(x, y, (mean, std), points) + self.alpha * unsure

    def assumed_loss(self, x: Batch) -> PerRow:
        r"""$-\alpha \sum_y p(y) \log q(y|x)$: rows without a label count as labeled by the prior.

        Without it the second class may take a cluster of usual rows for its own, for all that is labeled.
        """
        return -self.alpha * (self.log_prior.exp() * self.log_classes(x)).sum(-1)

    def step(self, x: Batch, minimize: Minimize) -> dict[str, PerMember]:
        r"""One move on the means of $U(x)$ with `assumed_loss` and, for negatives, of `labeled_loss`."""
        latent = self.points.shape[1]
        points = [self.draws.normal(x.shape[1], len(self.decode.classes), latent)]
        loss = self.unlabeled_loss(x, points) + self.assumed_loss(x)
        for source in self.sources:
            strange = source(self, x, x)
            point = self.draws.normal(x.shape[1], latent)
            loss = loss + self.labeled_loss(strange, self.decode.classes[ANOMALY], [point])
        if self.background is not None:
            loss = loss + self.background_bound(x)
        minimize(loss.mean(-1), over=self)
        return {"loss": loss.detach().mean(-1)}

    def criterion(self, x: Batch) -> PerRow:
        """The same at a few fixed draws; given negatives count as in `step`."""
        points = self.points[: len(self.points) // 8]
        every = [point.expand(len(self.decode.classes), -1) for point in points]
        loss = self.unlabeled_loss(x, every) + self.assumed_loss(x)
        for source in self.sources:
            if isinstance(source, Given):
                loss = loss + self.labeled_loss(source.first(x), self.decode.classes[ANOMALY], list(points))
        return loss


@hyperparameters
class SemiSupervisedVAE(Variational):
    r"""A VAE with two classes, usual and strange, that is told the class of a few strange rows.

    It learns $p(x, y, z) = p(y)\,N(z; 0, I)\,p(x|y,z)$, $p(y = 1)$ being the assumed share of anomalies. Rows of X
    have no class: $U(x) = \sum_y q(y|x)\,L(x, y) - H(q(y|x))$ sums over both, and $-\alpha \sum_y p(y) \log q(y|x)$,
    which the paper has not, keeps the second class for anomalies. Negatives are of class 1. Two parts of the model
    say what is strange: the bound of usual rows (`elbo`), and the classifier q(y|x) (`log_odds`), which
    knows the more the more anomalies are labeled. `classified_elbo` has both, and ranks as the bound alone where
    nothing is labeled; with five labels or more, `scoring="fisher(elbo, log_odds)"` is often better.

    References:
        | Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), https://arxiv.org/abs/1406.5298

    Arguments:
        anomaly_share: $p(y = 1)$: the share of anomalies that is assumed in X, and the weight of a negative's bound.
        label_weight: Weight α of a negative's $-\log q(y = 1|\bar x)$; the paper takes 0.1, and many more steps.
        beta: Weight of the KL term; 1 is the ELBO.
        background: Share of the cells that are spoiled by noise for a second, background model, which the score
            `likelihood_ratio` needs; 0 trains none.

    Example:
        >>> from oodles import data, detectors
        >>> X = data.load("breast-cancer").X
        >>> known = X.slice(0, 5)
        >>> detector = detectors.SemiSupervisedVAE(members=1, epochs=5, random_state=0)
        >>> detector.fit(X.slice(5, 100), negatives=known).predict(X).shape
        (569,)
    """

    scoring: str | Combined = "classified_elbo"
    anomaly_share: float = 0.02
    label_weight: float = 1.0

    model_class = SemiSupervisedVAEModel

    def sources(self, pools: Sequence[Rows], *, steps: int) -> list[Source]:  # noqa: ARG002 - all are called alike
        """Where negatives come from, given encoded rows."""
        return [Given(pools)] if pools else []

    def build(self, layout: Layout, members: int, missing: list[int]) -> SemiSupervisedVAEModel:
        """The untrained model."""
        latent, prior = self.codes(layout), (1 - self.anomaly_share, self.anomaly_share)
        observation = likelihoods.from_layout(layout, self.noise_model(pictures=bool(layout.shape)), members)
        network = partial(
            codec,
            self.network,
            layout,
            observation,
            hidden=tuple(self.hidden),
            activation=self.activation,
            members=members,
            missing=missing,
        )
        encoder, decoder = network(codes=len(prior) * 2 * latent, latent=latent + len(prior))
        return SemiSupervisedVAEModel(
            classify=network(codes=len(prior), latent=1)[0],
            prior=prior,
            labeled=self.anomaly_share,
            alpha=self.label_weight,
            likelihood=observation,
            networks=(ClassEncoder(encoder, len(prior)), ClassDecoder(decoder, len(prior))),
            latent=latent,
            beta=self.beta,
            points=8 if layout.shape else 32,
            background=VAEModel(**self.parts(layout, members, missing)) if self.background else None,
            spoiled=self.background,
        )
