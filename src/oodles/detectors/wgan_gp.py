"""WGAN-GP: a critic whose slope is 1, and a generator that it leads to the data."""

from typing import Any

import torch

from ..layout import Layout
from ..objectives import lipschitz_penalty
from ..scores import Combined
from ..shapes import Batch, PerMember
from ..training import Minimize
from .adversaries import CriticDetector, CriticModel
from .estimator import hyperparameters

__all__ = ["WGANGP", "WGANGPModel"]


class WGANGPModel(CriticModel):
    r"""Critic $D = -E$, high on data, and generator $G$.

    Arguments:
        n_critic: Moves of the critic in a round.
        known: What every `CriticModel` takes; the penalty is $(\|\nabla D\| - 1)^2$ between rows and samples.
    """

    players = ("energy", "generator")

    def __init__(self, *, n_critic: int, **known: Any) -> None:
        super().__init__(**known)
        self.n_critic = n_critic

    def step(self, x: Batch, minimize: Minimize) -> dict[str, PerMember]:
        """One round of Algorithm 1; the batch holds the rows of all `n_critic` moves of the critic."""
        for real in x.chunk(self.n_critic, dim=1):
            with torch.no_grad():
                fake = self.like(real, self.generator(self.prior(real.shape[1])))
            v = self.seen(real)
            distance = (self.energy(fake) - self.energy(v)).mean(-1)
            penalty = lipschitz_penalty(self.energy, v, fake, self.draws, self.penalty_shape).mean(-1)
            minimize(self.penalty * penalty - distance, over=self.energy)
            self.energy.follow()
        fake = self.like(real, self.generator(self.prior(real.shape[1])))
        minimize(self.energy(fake).mean(-1), over=self.generator)
        return {"distance": distance.detach(), "penalty": penalty.detach()}


@hyperparameters
class WGANGP(CriticDetector):
    r"""Wasserstein GAN with a gradient penalty: rows that the critic takes for samples are strange.

    Among functions of slope at most 1, the critic D seeks the one that tells data from what the generator G makes by
    the largest difference of means: the Wasserstein distance, which G then shortens. A penalty
    $\lambda (\|\nabla D(\hat x)\| - 1)^2$ at points between rows and samples keeps its slope. Scores: `energy`,
    $-D(x)$, and `score_norm`. At the equilibrium D says nothing about the data's density: it is a baseline for
    detectors that do.

    References:
        | Improved Training of Wasserstein GANs (Gulrajani et al., 2017), https://arxiv.org/abs/1704.00028
        | Wasserstein Generative Adversarial Networks (Arjovsky et al., 2017), https://arxiv.org/abs/1701.07875

    Arguments:
        penalty: λ.
        penalty_form: `row` takes one point between a row and a sample, and the gradient's norm over all columns;
            `pixel` mixes each cell by itself and takes the norm over the channels of a pixel, as EnGAN's authors do.
        n_critic: Moves of the critic for one of the generator; each takes a batch of its own.
        reference_std: Takes ‖x‖² / 2s² from D, so that what is far from all data is strange in every direction; `auto`
            is 1 for tables and nothing for pictures, None nothing, as in the paper.
        average: Weight of the past in the moving average of the critic's weights, which scores use; 0 takes the last.

    Example:
        >>> from oodles import data, detectors
        >>> X = data.load("breast-cancer").X.slice(0, 100)
        >>> detectors.WGANGP(members=1, epochs=5, random_state=0).fit(X).predict(X).shape
        (100,)
    """

    scoring: str | Combined = "energy"
    activation: str = "leaky"
    lr: float = 1e-3
    optimizer: str = "adam-0.5-0.9"
    early_stopping: bool = False
    penalty: float = 10.0
    penalty_form: str = "row"
    n_critic: int = 5
    reference_std: float | str | None = "auto"
    average: float = 0.999

    model_class = WGANGPModel

    @property
    def batches(self) -> int:
        """A round takes a batch for each move of the critic."""
        return self.n_critic

    def build(self, layout: Layout, members: int, missing: list[int]) -> WGANGPModel:
        """The untrained model."""
        return WGANGPModel(n_critic=self.n_critic, **self.parts(layout, members, missing))
