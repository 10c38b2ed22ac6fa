"""DSEBM: a deep energy whose valleys are found by removing noise."""

from typing import Any

import torch
from torch import Tensor, nn

from ..layout import Layout
from ..nn import ACTIVATIONS, Linear
from ..objectives import gradient
from ..scores import Combined, random_points, slope
from ..shapes import Batch, Codes, PerRow
from ..training import LossModel
from .energies import EnergyDetector, EnergyModel
from .estimator import hyperparameters

__all__ = ["DSEBM", "DSEBMModel"]

EXPERTS = 128
"""Units whose sum is the energy of a picture."""


class Experts(nn.Module):
    r"""$E(v) = \frac12 \|v - b'\|^2 - \sum_j h_j(v)$: (M, B, W) → (M, B).

    Arguments:
        trunk: Everything below the last layer, or with it.
        width: Columns that it reads, W.
        members: Number of members, M.
        units: Number of h in a softplus layer on top of the trunk; None takes the trunk's features for h.
    """

    def __init__(self, trunk: Any, width: int, members: int, units: int | None = None) -> None:
        super().__init__()
        self.trunk = trunk
        self.units = None if units is None else Linear(trunk.features, units, members)
        self.center = nn.Parameter(torch.zeros(members, 1, width))

    def hidden(self, v: Batch) -> Codes:
        """The last hidden layer h(v)."""
        features: Codes = self.trunk(v)
        return features if self.units is None else ACTIVATIONS["softplus"](self.units(features))

    def forward(self, v: Batch) -> PerRow:
        """The energy."""
        return (v - self.center).square().sum(-1) / 2 - self.hidden(v).sum(-1)


class DSEBMModel(EnergyModel, LossModel):
    r"""The energy E, and what it makes of a row: $f(v) = v - \nabla E(v)$.

    Arguments:
        energy: E, rows as the network reads them → numbers.
        noise: Standard deviation of the noise that f learns to remove, in encoded units.
        known: What every `EnergyModel` takes.
    """

    points: Tensor

    def __init__(self, *, energy: Experts, noise: float, **known: Any) -> None:
        super().__init__(**known)
        self.energy, self.noise = energy, noise
        self.register_buffer("points", random_points(64, self.see.width), persistent=False)

    def energy_at(self, v: Batch) -> PerRow:
        """E."""
        value: PerRow = self.energy(v)
        return value

    def code(self, x: Batch) -> Codes:
        """The last hidden layer."""
        return self.energy.hidden(self.seen(x))

    def restored(self, x: Batch) -> Batch:
        """F(v): a step down the energy."""
        v = self.seen(x)
        return self.see.encoded(v - slope(self, v))

    def loss(self, x: Batch) -> PerRow:
        r"""$\|v - f(v + \sigma n)\|^2$ with fresh noise n: denoising score matching, in one step."""
        v = self.seen(x)
        noisy = v + self.noise * self.draws.normal(*v.shape[1:])
        return (v - noisy + gradient(self.energy_at, noisy, higher=True)[1]).square().sum(-1)

    def criterion(self, x: Batch) -> PerRow:
        """The loss with fixed noise: 64 draws in turn."""
        v = self.seen(x)
        noisy = v + self.noise * self.points.repeat(-(-v.shape[1] // len(self.points)), 1)[: v.shape[1]]
        return (v - noisy + slope(self, noisy)).square().sum(-1)


@hyperparameters
class DSEBM(EnergyDetector):
    r"""Deep structured energy-based model: rows of high energy, or on a steep slope of it, are strange.

    $E(v) = \frac12 \|v - b'\|^2 - \sum_j h_j(v)$ with the last, softplus layer h of a network: a Gaussian bowl that the
    network shapes. Its gradient makes an autoencoder, $f(v) = v - \nabla E(v)$, which is trained to take noise of
    standard deviation $\sigma$ away, $\min \|v - f(v + \sigma n)\|^2$: then $E / \sigma^2$ approaches $-\log p$ of the
    noisy data (denoising score matching). A small σ shows fine structure and leaves what is far from data to chance.
    Scores: `energy` (the paper's DSEBM-e) and `score_norm`, $\|v - f(v)\|^2$, its reconstruction error (DSEBM-r).

    References:
        | Deep Structured Energy Based Models for Anomaly Detection (Zhai et al., 2016), https://arxiv.org/abs/1605.07717
        | A Connection Between Score Matching and Denoising Autoencoders (Vincent, 2011)

    Arguments:
        noise: σ, in standard deviations of a column; pictures count in [-1, 1].

    Example:
        >>> from oodles import data, detectors
        >>> X = data.load("breast-cancer").X.slice(0, 100)
        >>> detectors.DSEBM(members=1, epochs=5, random_state=0).fit(X).predict(X).shape
        (100,)
    """

    scoring: str | Combined = "energy"
    activation: str = "softplus"
    noise: float = 0.5

    model_class = DSEBMModel

    def build(self, layout: Layout, members: int, missing: list[int]) -> DSEBMModel:
        """The untrained model."""
        width = layout.width + len(missing)
        dense = self.chosen(layout) == "mlp"
        trunk = self.trunk_of(layout, members, width)
        return DSEBMModel(
            energy=Experts(trunk, width, members, None if dense else EXPERTS),
            noise=self.noise,
            layout=layout,
            members=members,
            missing=missing,
        )
