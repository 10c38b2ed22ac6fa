"""BiGAN: an encoder and a generator that a discriminator of pairs makes each other's inverse."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ..layout import Layout
from ..nn import Averaged, Dropout, Linear
from ..scores import Combined, feature_matching, sigma
from ..shapes import Batch, Codes, PerMember, PerRow
from ..training import Minimize
from .adversaries import AdversarialDetector, AdversarialModel
from .energies import Hidden
from .estimator import hyperparameters

__all__ = ["BiGAN", "BiGANModel"]


class Discriminator(nn.Module):
    """The logit of "row and code are a real pair": (M, B, W) and (M, B, L) → (M, B).

    Arguments:
        rows: What reads rows, with `features`.
        codes: What reads codes, likewise.
        joined: Width of the layer in which they meet.
        members: Number of members, M.
        activation: What follows that layer.
        dropout: Share of the numbers left out in training after each of the three.
    """

    def __init__(self, rows: Any, codes: Any, joined: int, members: int, activation: str, dropout: float) -> None:
        super().__init__()
        self.rows, self.codes = nn.Sequential(rows, Dropout(dropout)), nn.Sequential(codes, Dropout(dropout))
        hidden = Hidden(rows.features + codes.features, (joined,), members, activation)
        self.joined = nn.Sequential(hidden, Dropout(dropout))
        self.head = Linear(joined, 1, members)

    def forward(self, v: Batch, z: Codes, hidden: bool = False) -> Tensor:
        """The logit; or, if asked for what is `hidden`, the last layer before it, (M, B, features)."""
        features: Tensor = self.joined(torch.cat([self.rows(v), self.codes(z)], dim=-1))
        return features if hidden else self.head(features).squeeze(-1)


class BiGANModel(AdversarialModel):
    r"""Encoder E, generator G, discriminator D of pairs.

    Arguments:
        encoder: E: rows → codes.
        discriminator: D: rows and codes → logits.
        generator: G: codes → encoded rows.
        average: Weight of the past in the averages of all weights that scores use.
        known: What every `AdversarialModel` takes.
    """

    generator: Averaged
    players = ("discriminator", "generator", "encoder")
    scores = {"sigma": sigma, "feature_matching": feature_matching}  # noqa: RUF012 - annotated where it is declared

    def __init__(
        self, *, encoder: nn.Module, discriminator: Discriminator, generator: nn.Module, average: float, **known: Any
    ) -> None:
        super().__init__(generator=Averaged(generator, average), **known)
        self.encoder, self.discriminator = Averaged(encoder, average), Averaged(discriminator, average)

    def energy_at(self, v: Batch) -> PerRow:
        r"""$-\text{logit}\,D(v, E(v))$: what Markov chains walk on."""
        value: PerRow = -self.discriminator(v, self.encoder(v))
        return value

    def code(self, x: Batch) -> Codes:
        """E(x)."""
        z: Codes = self.encoder(self.seen(x))
        return z

    def restored(self, x: Batch) -> Batch:
        """G(E(x))."""
        made: Batch = self.generator(self.code(x))
        return made

    def step(self, x: Batch, minimize: Minimize) -> dict[str, PerMember]:
        """D descends its cross-entropy, then E and G together that of the answers turned round."""
        v, z = self.seen(x), self.prior(x.shape[1])
        code, made = self.encoder(v), self.like(x, self.generator(z))
        real, fake = self.discriminator(v, code.detach()), self.discriminator(made.detach(), z)
        loss = (softplus(-real) + softplus(fake)).mean(-1)
        minimize(loss, over=self.discriminator)
        real, fake = self.discriminator(v, code), self.discriminator(made, z)
        fooled = (softplus(real) + softplus(-fake)).mean(-1)
        minimize.together((fooled, self.generator), (fooled, self.encoder))
        for player in (self.discriminator, self.generator, self.encoder):
            player.follow()
        return {"discriminator": loss.detach(), "generator and encoder": fooled.detach()}


@hyperparameters
class BiGAN(AdversarialDetector):
    r"""Bidirectional GAN: rows that generator and encoder cannot give back, to the discriminator's taste, are strange.

    A discriminator D tells pairs $(x, E(x))$ of a row and its code from pairs $(G(z), z)$ of a sample and the codes it
    was made from; encoder E and generator G play against it together. Where D cannot tell any more, E and G are each
    other's inverse on the data, although no error was ever minimized. All three are used for scores, with the moving
    averages of their weights: `sigma` and `feature_matching` add to the error $\|x - G(E(x))\|_1$ what D says of the
    pair $(G(E(x)), E(x))$.

    References:
        | Efficient GAN-Based Anomaly Detection (Zenati et al., 2018), https://arxiv.org/abs/1802.06222
        | Adversarial Feature Learning (Donahue et al., 2017), https://arxiv.org/abs/1605.09782

    Arguments:
        hidden: Widths of the dense encoder; convolutional networks ignore it.
        discriminator_hidden: Widths of D's layers that read codes, and of those that read rows of a table; the last
            is also that of the layer in which both meet.
        dropout: Share of the discriminator's hidden numbers that is left out in training.
        average: Weight of the past in the moving average of all weights, which scores use; 0 takes the last.

    Example:
        >>> from oodles import data, detectors
        >>> X = data.load("breast-cancer").X.slice(0, 100)
        >>> detectors.BiGAN(members=1, epochs=5, random_state=0).fit(X).predict(X).shape
        (100,)
    """

    scoring: str | Combined = "sigma"
    activation: str = "leaky-0.1"
    lr: float = 1e-3
    optimizer: str = "adam-0.5-0.9"
    early_stopping: bool = False
    discriminator_hidden: tuple[int, ...] = (128,)
    dropout: float = 0.2
    average: float = 0.999

    model_class = BiGANModel

    def build(self, layout: Layout, members: int, missing: list[int]) -> BiGANModel:
        """The untrained model."""
        width, latent, widths = layout.width + len(missing), self.codes(layout), tuple(self.discriminator_hidden)
        dense = self.chosen(layout) == "mlp"
        rows = Hidden(width, widths, members, self.activation) if dense else self.trunk_of(layout, members, width)
        return BiGANModel(
            encoder=self.encoder_of(layout, members, width, latent),
            discriminator=Discriminator(
                rows=rows,
                codes=Hidden(latent, widths, members, self.activation),
                joined=widths[-1],
                members=members,
                activation=self.activation,
                dropout=self.dropout,
            ),
            generator=self.generator_of(layout, members),
            average=self.average,
            latent=latent,
            layout=layout,
            members=members,
            missing=missing,
        )
