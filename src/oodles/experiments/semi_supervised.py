"""A classifier of rows few of which have a label: M2, alone or on the codes of M1.

References:
    | Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), https://arxiv.org/abs/1406.5298
"""

from typing import Any

import torch
from torch import Tensor, nn

from .. import likelihoods
from ..detectors import SemiSupervisedVAEModel
from ..detectors.semi_supervised_vae import ClassDecoder, ClassEncoder
from ..layout import Column, Layout
from ..nn import Dense, Draws
from ..shapes import Batch, Codes, PerMember, PerRow
from ..training import Minimize, Model

__all__ = ["Labels", "SemiSupervised", "m2"]


class Labels(nn.Module):
    """A few rows of each member, and their classes.

    Arguments:
        rows: (M, n, D).
        classes: One-hot, (M, n, K).
        known: Rows of a batch, drawn with replacement.
    """

    rows: Tensor
    classes: Tensor

    def __init__(self, rows: Tensor, classes: Tensor, known: int) -> None:
        super().__init__()
        self.known = known
        self.register_buffer("rows", rows)
        self.register_buffer("classes", classes)

    def forward(self, draws: Draws) -> tuple[Batch, Tensor]:
        """Some of the rows, and their classes."""
        n = self.rows.shape[1]
        which = (draws.uniform(self.known) * n).long().clamp_max(n - 1).unsqueeze(-1)
        rows, classes = (every.gather(1, which.expand(-1, -1, every.shape[2])) for every in (self.rows, self.classes))
        return rows, classes


class SemiSupervised(Model):
    """M2 in training: on pixels, or on codes that M1 draws anew at every step.

    Arguments:
        model: M2.
        labels: Rows of which the class is known.
        below: M1, which stands still; None for M2 alone.
    """

    players = ("model",)

    def __init__(self, model: SemiSupervisedVAEModel, labels: Labels, below: nn.Module | None) -> None:
        super().__init__()
        self.model, self.labels = model, labels
        self.below: Any = below
        self.members, self.missing, self.work = len(labels.rows), [], {}

    def drawn(self, x: Batch) -> Batch:
        r"""What M2 learns from: binary pixels, drawn by their gray levels, or $z \sim q(z|x)$ of M1."""
        with torch.no_grad():
            if self.below is None:
                return (self.draws.uniform(*x.shape[1:]) < x).to(x)
            mean, std = self.below.posterior(x)
            return mean + std * self.draws.normal(*std.shape[1:])

    def usual(self, x: Batch) -> Batch:
        """The means of `drawn`."""
        return x if self.below is None else self.below.code(x)

    def step(self, x: Batch, minimize: Minimize) -> dict[str, PerMember]:
        r"""One move on the means of $U(x)$ and of labeled rows' $w\,L(x, y) - \alpha \log q(y|x)$."""
        rows, y = self.labels(self.draws)
        classes, latent = y.shape[2], self.model.points.shape[1]
        points = self.draws.normal(x.shape[1], classes, latent)
        unknown = self.model.unlabeled_loss(self.drawn(x), [points]).mean(-1)
        known = self.model.labeled_loss(self.drawn(rows), y, [self.draws.normal(rows.shape[1], latent)]).mean(-1)
        minimize(unknown + known, over=self.model)
        return {"unlabeled": unknown.detach(), "labeled": known.detach()}

    def criterion(self, x: Batch) -> PerRow:
        """U(x) at one fixed point."""
        point = self.model.points[0].expand(len(self.model.decode.classes), -1)
        return self.model.unlabeled_loss(self.usual(x), [point])

    def log_classes(self, x: Batch) -> Tensor:
        """log q(y | x) of every class, (M, B, K)."""
        return self.model.log_classes(self.usual(x))

    def imagined(self, z: Codes, y: Tensor) -> Batch:
        """The mean row of a code and a class, (M, B, D): a picture, or what M1 makes of the mean code."""
        made = self.model.likelihood.mean(self.model.decode.given(z, y))
        return made if self.below is None else self.below.likelihood.mean(self.below.decoder(made))


def m2(
    layout: Layout, *, classes: int, latent: int, hidden: int, members: int, labeled: float, alpha: float
) -> SemiSupervisedVAEModel:
    """M2 with one hidden layer in each network: of Bernoulli pixels, or of reals, each with a mean and a deviation."""
    observation = likelihoods.from_layout(layout, "bernoulli" if layout.shape else "gaussian-row", members)

    def dense(inputs: int, outputs: int) -> Dense:
        return Dense(inputs, outputs, (hidden,), members, activation="softplus")

    model = SemiSupervisedVAEModel(
        classify=dense(layout.width, classes),
        prior=[1 / classes] * classes,
        labeled=labeled,
        alpha=alpha,
        likelihood=observation,
        networks=(
            ClassEncoder(dense(layout.width, classes * 2 * latent), classes),
            ClassDecoder(dense(latent + classes, observation.parameters_per_row), classes),
        ),
        latent=latent,
    )
    # Within another model, what is stored has a member axis.
    model.register_buffer("points", model.points, persistent=False)
    return model


def codes_of(latent: int) -> Layout:
    """Codes as rows of a table."""
    return Layout(tuple(Column(f"z{number}", "real") for number in range(latent)))
