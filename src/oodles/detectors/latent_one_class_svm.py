"""A one-class support vector machine around the codes of a variational autoencoder."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from ..layout import Layout
from ..scores import Combined, code, energy
from ..shapes import Batch, PerRow, Rows
from ..training import Source
from .blocks import Applied
from .estimator import hyperparameters
from .kernels import Remembered, gamma_of
from .landmarks import PASSES, LandmarkSVM
from .one_class_svm import support_vectors
from .preparing import Prepared, some
from .vae import VAEModel
from .variational import Variational, VariationalModel

__all__ = ["ENCLOSED", "Enclosure", "LatentOneClassSVM", "LatentOneClassSVMModel", "posterior", "surprised"]

UNUSED = 0.1
"""Deviation that every described number counts as at least, in its own unit: a code that the model does not use varies
less than that, and standardizing must not blow its noise up (Kingma et al., 2014, leave such codes out)."""

STEPS, PIECE = 200_000, 16_384
"""Gradient steps that landmarks need, at least; rows whose kernels are in memory at once."""


def posterior(model: VariationalModel, x: Batch) -> Tensor:
    r"""$\mu$ and $\log \sigma^2$ of q(z | x), (M, B, 2 L)."""
    mean, std = model.posterior(x)
    return torch.cat([mean, 2 * std.log()], dim=-1)


def surprised(model: VariationalModel, x: Batch) -> Tensor:
    r"""$\mu$ of q(z | x) and $-\log p(x | \mu)$ in nats, (M, B, L + 1)."""
    mean = model.code(x)
    surprise = -model.likelihood.log_prob(x, model.decoder(mean))
    return torch.cat([mean, surprise.unsqueeze(-1)], dim=-1)


ENCLOSED: Mapping[str, Callable[[Any, Batch], Tensor]] = {"surprise": surprised, "mean": code, "posterior": posterior}
"""What the machine sees of a row, by name."""


class Enclosure(nn.Module):
    r"""One machine for each member, around standardized descriptions t of rows: (M, B, W) → (M, B).

    $\rho - \sum_i \alpha_i k(v, s_i)$ with $v = (t - \text{mean}) / \max(\text{deviation}, 0.1)$, in float64.

    Arguments:
        width: Numbers that describe a row, W.
        members: Number of members, M.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, width: int, members: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(members, 1, width))
        self.register_buffer("deviation", torch.ones(members, 1, width))
        self.remembered = Remembered(width, members)

    def standardize(self, t: Tensor) -> None:
        """Learn mean and deviation from these descriptions, (M, n, W)."""
        self.mean.copy_(t.double().mean(1, keepdim=True))
        self.deviation.copy_(t.double().std(1, correction=0, keepdim=True).clamp_min(UNUSED))

    def standardized(self, t: Tensor) -> Tensor:
        """Descriptions in deviations from their mean."""
        return (t - self.mean) / self.deviation

    def forward(self, t: Tensor) -> PerRow:
        """How far outside they lie."""
        outside: PerRow = self.remembered(self.standardized(t)).squeeze(-1)
        return outside.to(t)


class LatentOneClassSVMModel(VAEModel):
    r"""A VAE, and a machine around what it says of rows.

    Arguments:
        enclosed: A name of `ENCLOSED`.
        width: Numbers that describe a row, W.
        members: Number of members, M.
        known: What every `VariationalModel` takes.
    """

    scores: ClassVar[Mapping[str, Callable[..., PerRow]]] = {"energy": energy, **VAEModel.scores}

    def __init__(self, *, enclosed: str, width: int, members: int, **known: Any) -> None:
        super().__init__(**known)
        self.enclosed = enclosed
        self.enclosure = Enclosure(width, members)

    def described(self, x: Batch) -> Tensor:
        """What the machine sees of each row, (M, B, W)."""
        return ENCLOSED[self.enclosed](self, x)

    def seen(self, x: Batch) -> Batch:
        """Encoded rows: the encoder and the observation model know what to do with missing cells."""
        return x

    def energy_at(self, v: Batch) -> PerRow:
        """How far outside its machine a row lies."""
        outside: PerRow = self.enclosure(self.described(v))
        return outside


@hyperparameters
class LatentOneClassSVM(Variational):
    r"""One-class support vector machine on codes: rows whose codes lie outside those of most learned rows are strange.

    A variational autoencoder is trained as `VAE` does. Then what it says of the learned rows, standardized, is enclosed
    as by `OneClassSVM`, with a machine for each member. The score `energy` is $\rho - \sum_i \alpha_i k(v, s_i)$,
    positive outside; all scores of the VAE are there as well, and reasons are its nats of surprise.

    A posterior mean alone knows nothing of what the decoder cannot rebuild: two columns that lost their correlation may
    have an ordinary code. Therefore $-\log p(x | \mu)$ stands beside it, unless `enclosed` says otherwise.

    Up to `rows` learned rows, scikit-learn solves exactly; with more, all of them count, by stochastic gradients on a
    Nyström map of `landmarks` rows. Which ones these are depends on the number of rows alone.

    References:
        | Estimating the Support of a High-Dimensional Distribution (Schölkopf et al., 2001),
        | https://doi.org/10.1162/089976601750264965
        | Using the Nyström Method to Speed Up Kernel Machines (Williams & Seeger, 2001)
        | Auto-Encoding Variational Bayes (Kingma & Welling, 2014), https://arxiv.org/abs/1312.6114

    Arguments:
        enclosed: `surprise` for $[\mu, -\log p(x | \mu)]$, `mean` for $\mu$, `posterior` for $[\mu, \log \sigma^2]$.
        gamma: The kernel is $e^{-\gamma \|v - v'\|^2}$. `scale` is 1 / (columns · variance of all cells), `auto`
            1 / columns, `median` 1 / the median squared distance of two rows; columns are those of what is enclosed.
        nu: Share ν of the learned rows that may lie outside, at most.
        rows: Learned rows that are solved for exactly, at most; all of them are remembered.
        landmarks: Rows that are remembered if more were learned.

    Example:
        >>> from oodles import data, detectors
        >>> X = data.load("breast-cancer").X.slice(0, 100)
        >>> detectors.LatentOneClassSVM(members=1, epochs=5, random_state=0).fit(X).predict(X).shape
        (100,)
    """

    scoring: str | Combined = "energy"
    enclosed: str = "surprise"
    gamma: float | str = "scale"
    nu: float = 0.1
    rows: int = 2000
    landmarks: int = 512

    model_class = LatentOneClassSVMModel

    def build(self, layout: Layout, members: int, missing: list[int]) -> LatentOneClassSVMModel:
        """The untrained model."""
        background = VAEModel(**self.parts(layout, members, missing)) if self.background else None
        latent = self.codes(layout)
        return LatentOneClassSVMModel(
            enclosed=self.enclosed,
            width={"surprise": latent + 1, "mean": latent, "posterior": 2 * latent}[self.enclosed],
            members=members,
            background=background,
            spoiled=self.background,
            **self.parts(layout, members, missing),
        )

    def learn(self, X: Any, negatives: Any) -> Prepared:
        """Train the autoencoder, then enclose what it says of the learned rows."""
        prepared = super().learn(X, negatives)
        model: Any = self.model_
        described = Applied(self, LatentOneClassSVMModel.described)
        rng = np.random.default_rng(prepared.rows)
        t = described(taken(prepared.source, some(rng, prepared.rows, min(prepared.rows, self.rows))))
        model.enclosure.standardize(t)
        v = model.enclosure.standardized(t).cpu()
        gammas = [gamma_of(self.gamma, own) for own in v]
        if prepared.rows <= self.rows:
            solved = [around(own, gamma, self.nu) for own, gamma in zip(v, gammas, strict=True)]
        else:
            v = v[:, some(rng, v.shape[1], min(v.shape[1], self.landmarks))]
            machines = [LandmarkSVM(own, gamma, self.nu) for own, gamma in zip(v, gammas, strict=True)]
            for turn in range(-(-STEPS // (PASSES * prepared.rows))):
                for x in prepared.source.blocks(turn, 0):
                    order = torch.from_numpy(rng.permutation(len(x))).to(x.device)
                    for piece in x[order].split(PIECE):
                        inside = model.enclosure.standardized(described(piece)).cpu()
                        for machine, own in zip(machines, inside, strict=True):
                            machine.learn(own)
            solved = [machine.functions for machine in machines]
        weights, bias = (torch.stack(numbers) for numbers in zip(*solved, strict=True))
        model.enclosure.remembered.remember(torch.stack(list(v)), weights, bias, torch.tensor(gammas))
        return prepared


def around(v: Rows, gamma: float, nu: float) -> tuple[Tensor, Tensor]:
    """−α of these rows, (n, 1), which is 0 for those that are no support vectors, and ρ, (1,)."""
    vectors, weights, bias = support_vectors(v, gamma, nu)
    return torch.zeros(len(v), 1, dtype=weights.dtype).index_copy(0, vectors, weights), bias


def taken(source: Source, wanted: np.ndarray) -> Rows:
    """Rows of a source by their numbers, sorted, in the order of its first epoch."""
    parts, start = [], 0
    for x in source.blocks(0, 0):
        here = wanted[(wanted >= start) & (wanted < start + len(x))] - start
        parts.append(x[torch.from_numpy(here).to(x.device)])
        start += len(x)
    return torch.cat(parts)
