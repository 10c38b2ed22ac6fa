"""Negative sampling in variational autoencoders."""

from collections.abc import Sequence
from typing import Any

import torch

from ..layout import Layout
from ..sampling import SOURCES, Frozen, FrozenPool, Given, Source, generated
from ..scores import divergence
from ..shapes import Batch, Codes, PerMember, PerRow, Rows
from ..training import Minimize
from .estimator import hyperparameters
from .vae import VAEModel
from .variational import Variational, VariationalModel

__all__ = ["NegativeSamplingVAE", "NegativeSamplingVAEModel"]


class NegativeSamplingVAEModel(VariationalModel):
    r"""A VAE with a second prior, $\bar p = N(m \cdot 1, I)$, where its encoder sends negatives $\bar x$.

    Arguments:
        shift: $m$, the distance of the negative prior's mean from 0 in each code.
        negative_weight: Weight $\alpha$ of $KL(q(z|\bar x) \| \bar p)$.
        negative_reconstruction: Weight of $-\log p(\bar x|z)$.
        known: What every `VariationalModel` takes.
    """

    sources: Sequence[Source] = ()

    def __init__(self, *, shift: float, negative_weight: float, negative_reconstruction: float, **known: Any) -> None:
        super().__init__(**known)
        self.m, self.negative_weight, self.negative_reconstruction = shift, negative_weight, negative_reconstruction
        self.players = ("encoder", "generator") if self.background is None else ("encoder", "generator", "background")

    def to_prior(self, x: Batch) -> PerRow:
        """KL(q(z | x) ‖ p), in nats."""
        return divergence(*self.posterior(x))

    def to_negative_prior(self, x: Batch) -> PerRow:
        r"""$KL(q(z|x) \| N(m \cdot 1, I)) = KL(N(\mu - m, \sigma^2) \| N(0, I))$, in nats."""
        mean, std = self.posterior(x)
        return divergence(mean - self.m, std)

    def reconstruction(self, x: Batch, z: Codes) -> PerRow:
        """-log p(x | z), in nats."""
        return -self.likelihood.log_prob(x, self.decoder(z))

    def step(self, x: Batch, minimize: Minimize) -> dict[str, PerMember]:
        r"""One round: the encoder moves, then the generator.

        1. Draw $z_p \sim p$, negatives $\bar x$ and, from the encoder as it stands, $z_x \sim q(z|x)$.
        2. Encoder: $-\log p(x|z) + \beta\,KL(q(z|x) \| p) + \alpha \sum_{\bar x} KL(q(z|\bar x) \| \bar p)$ with a
           fresh $z \sim q(z|x)$, whose gradient passes through the generator.
        3. Generator: $-\log p(x|z_x)$; in the adversarial scheme also $KL(q(z|G(z_p)) \| p)$, whose gradient passes
           through the encoder.
        """
        z_p = self.draws.normal(x.shape[1], self.points.shape[1])
        with torch.no_grad():
            z_x = self.drawn(x)
        negatives = [source(self, x, z_p) for source in self.sources]

        mean, std = self.posterior(x)
        z = mean + std * self.draws.normal(*std.shape[1:])
        reconstruction, kl = self.reconstruction(x, z), divergence(mean, std)
        loss = reconstruction + self.beta * kl
        for strange in negatives:
            loss = loss + self.negative_weight * self.to_negative_prior(strange)
        minimize((loss + self.rebuilt(negatives)).mean(-1), over=self.encoder)

        loss = self.reconstruction(x, z_x) + self.rebuilt(negatives)
        for source in self.sources:
            if source.pull:
                loss = loss + source.pull * self.to_prior(generated(self, z_p))
        minimize(loss.mean(-1), over=self.generator)

        if self.background is not None:
            minimize(self.background_bound(x).mean(-1), over=self.background)
        return {"reconstruction": reconstruction.detach().mean(-1), "kl": kl.detach().mean(-1)}

    def drawn(self, x: Batch) -> Codes:
        """z ~ q(z | x)."""
        mean, std = self.posterior(x)
        return mean + std * self.draws.normal(*std.shape[1:])

    def rebuilt(self, negatives: Sequence[Batch]) -> PerRow | float:
        """The weighed reconstruction of negatives."""
        if not self.negative_reconstruction:
            return 0.0
        return self.negative_reconstruction * sum(self.reconstruction(x, self.drawn(x)) for x in negatives)

    def criterion(self, x: Batch) -> PerRow:
        """The negative ELBO at a few fixed draws; given negatives count as in `step`."""
        loss = self.bound_at(x)
        for source in self.sources:
            if isinstance(source, Given):
                strange = source.first(x)
                loss = loss + self.negative_weight * self.to_negative_prior(strange)
        return loss


@hyperparameters
class NegativeSamplingVAE(Variational):
    r"""A VAE that is told what does not belong: known anomalies, another dataset, or samples of its own.

    Beside the ELBO of the data it minimizes $KL(q(z|\bar x) \| N(m \cdot 1, I))$ for negatives $\bar x$, so that the
    codes of strange rows lie far from the prior, where the scores `kl` and `elbo` see them. For pictures without
    negatives the scheme is adversarial: the model's own samples are the negatives, and its generator tries to pass them
    off as data. A table without negatives is learned as by `VAE`.

    References:
        | Negative Sampling in Variational Autoencoders (Csiszárik et al., 2019), https://arxiv.org/abs/1910.02760

    Arguments:
        source: Negatives that the model makes itself: `adversarial`, `own`, `frozen`, `noise`, `uniform`, `none`, or
            a value of `oodles.sampling` such as `Noise(0.1)`, beside those that `fit` is given. `auto` is
            `adversarial` for pictures where `fit` is given none, else `none`.
        shift: Distance m of the negative prior from 0 in each code; `auto` is 8, and 25 for color pictures.
        negative_weight: Weight of the negatives' KL term.
        negative_reconstruction: Weight of the negatives' reconstruction; 0 leaves them unexplained.
        beta: Weight of the KL term; 1 is the ELBO.
        background: Share of the cells that are spoiled by noise for a second, background model, which the score
            `likelihood_ratio` needs; 0 trains none.

    Example:
        >>> from oodles import data, detectors
        >>> X = data.load("breast-cancer").X
        >>> known = X.slice(0, 5)
        >>> detector = detectors.NegativeSamplingVAE(members=1, epochs=5, random_state=0)
        >>> detector.fit(X.slice(5, 100), negatives=known).predict(X).shape
        (569,)
    """

    source: Any = "auto"
    shift: float | str = "auto"
    negative_weight: float = 1.0
    negative_reconstruction: float = 0.0

    model_class = NegativeSamplingVAEModel

    def sources(self, pools: Sequence[Rows], *, steps: int) -> list[Source]:
        """Where negatives come from, given encoded rows and the number of steps in the training."""
        alone = "adversarial" if self.encoder_.layout.shape and not pools else "none"
        made = alone if self.source == "auto" else self.source
        given: list[Source] = [Given(pools)] if pools else []
        if made == "none":
            return given
        source = SOURCES[made] if isinstance(made, str) else made
        if isinstance(source, Frozen):
            model = self.model_
            size = max(source.size, self.batch_size)
            source = FrozenPool(model.members, size, self.encoder_.layout.width, int(source.share * steps))
        return [*given, source.to(self._device) if isinstance(source, FrozenPool) else source]

    def build(self, layout: Layout, members: int, missing: list[int]) -> NegativeSamplingVAEModel:
        """The untrained model."""
        background = VAEModel(**self.parts(layout, members, missing)) if self.background else None
        color = len(layout.shape) == 3 and layout.shape[0] == 3
        return NegativeSamplingVAEModel(
            **self.parts(layout, members, missing),
            background=background,
            spoiled=self.background,
            shift=(25.0 if color else 8.0) if self.shift == "auto" else float(self.shift),
            negative_weight=self.negative_weight,
            negative_reconstruction=self.negative_reconstruction,
        )
