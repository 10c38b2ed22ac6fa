"""What all models with an energy share: how they see rows, what judges them, what their reasons compare a row with."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..errors import ParameterError
from ..layout import Layout
from ..nn import (
    ACTIVATIONS,
    Dense,
    Linear,
    Seen,
    Trunk,
    dcgan_generator,
    dcgan_trunk,
    standard_generator,
    standard_trunk,
)
from ..scores import Anchor, energy, score_norm
from ..shapes import Batch, PerRow
from ..training import Model, Scored
from .estimator import hyperparameters
from .neural import NeuralDetector

__all__ = ["NETWORKS", "Critic", "EnergyDetector", "EnergyModel", "Hidden", "Landscape"]

Pictures = tuple[Callable[..., nn.Module], Callable[..., Trunk]]

LIGHT = 16

NETWORKS: dict[str, Pictures] = {
    "dcgan": (dcgan_generator, dcgan_trunk),
    "dcgan-light": (partial(dcgan_generator, width=LIGHT), partial(dcgan_trunk, width=LIGHT)),
    "dcgan-64": (partial(dcgan_generator, levels=5), partial(dcgan_trunk, levels=5)),
    "dcgan-64-light": (
        partial(dcgan_generator, levels=5, width=LIGHT),
        partial(dcgan_trunk, levels=5, width=LIGHT),
    ),
    "standard": (standard_generator, standard_trunk),
    "standard-light": (partial(standard_generator, width=LIGHT), partial(standard_trunk, width=LIGHT)),
}
"""Generators `(latent, shape, members)` and trunks `(shape, members)` for pictures."""


class Hidden(nn.Module):
    """What a network makes of rows before its last layer: (M, B, W) → (M, B, features)."""

    def __init__(self, inputs: int, hidden: tuple[int, ...], members: int, activation: str) -> None:
        super().__init__()
        *widths, self.features = hidden or (inputs,)
        self.dense = (
            Dense(inputs, self.features, widths, members, activation=activation, filled=True) if hidden else None
        )
        self.activation = ACTIVATIONS[activation]

    def forward(self, v: Batch) -> Tensor:
        """The last hidden layer."""
        return v if self.dense is None else self.activation(self.dense(v))


class Critic(nn.Module):
    r"""One number for each row: (M, B, W) → (M, B).

    Arguments:
        trunk: All but the last layer.
        members: Number of members, M.
        reference_std: Adds $\|v\|^2 / 2 s^2$: the energy of N(0, s² I), which the network tilts, so that far away
            everything is strange. None adds nothing.
    """

    def __init__(self, trunk: Any, members: int, reference_std: float | None = None) -> None:
        super().__init__()
        self.trunk, self.reference_std = trunk, reference_std
        self.head = Linear(trunk.features, 1, members)

    def forward(self, v: Batch, hidden: bool = False) -> Tensor:  # `Averaged` passes it on
        """The number; or, if asked for what is `hidden`, the last layer before it, (M, B, features)."""
        features: Tensor = self.trunk(v)
        if hidden:
            return features
        value: PerRow = self.head(features).squeeze(-1)
        return value if self.reference_std is None else value + v.square().sum(-1) / (2 * self.reference_std**2)


class Landscape(Scored):
    r"""An energy $E$, low for what is usual: $p(x) \propto e^{-E(x)}$ where it was trained as a density.

    It reads rows as `oodles.nn.Seen` shows them.

    Arguments:
        layout: The encoded columns.
        members: Number of members, M.
        missing: Encoded columns with missing cells in training.
    """

    scores: ClassVar[Mapping[str, Callable[..., PerRow]]] = {"energy": energy, "score_norm": score_norm}
    feature: Tensor

    def __init__(self, layout: Layout, members: int, missing: list[int]) -> None:
        super().__init__()
        self.layout = layout
        self.see = Seen(layout, missing)
        self.anchor = Anchor(members, layout.width)
        self.register_buffer("feature", torch.tensor(layout.owners), persistent=False)

    def seen(self, x: Batch) -> Batch:
        """Rows as the energy reads them, (M, B, W)."""
        v: Batch = self.see(x)
        return v

    @abstractmethod
    def energy_at(self, v: Batch) -> PerRow:
        """The energy of rows as it reads them."""


class EnergyModel(Landscape, Model):
    """An energy that networks learn."""


@hyperparameters
class EnergyDetector(NeuralDetector):
    """A detector whose networks read rows as `oodles.nn.Seen` shows them.

    Arguments:
        hidden: Widths of the dense layers that judge rows; convolutional networks ignore it.
        network: `auto` (`mlp` for tables, `dcgan-light` for pictures), `mlp`, `dcgan`, `dcgan-64` (one level more, for
            64 x 64), `standard` (the standard CNN of spectral normalization's authors), and each with `-light` for a
            quarter of the filters.
    """

    network: str = "auto"

    def chosen(self, layout: Layout) -> str:
        """The network's name.

        Raises:
            ParameterError: If it is unknown, or for pictures and the layout is a table.
        """
        if self.network == "auto":
            return "dcgan-light" if layout.shape else "mlp"
        if self.network not in ("mlp", *NETWORKS):
            raise ParameterError(f"network is {self.network!r}, but must be auto, mlp or one of {', '.join(NETWORKS)}.")
        if self.network != "mlp" and not layout.shape:
            raise ParameterError(f"network={self.network!r} is for pictures; for a table use 'mlp'.")
        return self.network

    def resolved(self, layout: Layout) -> dict[str, Any]:
        """Parameters that `auto` stood for."""
        return {"network": self.chosen(layout)}

    def trunk_of(self, layout: Layout, members: int, width: int) -> Any:
        """All but the last layer of what judges rows, W = `width` columns of a table."""
        name = self.chosen(layout)
        if name != "mlp":
            return NETWORKS[name][1](layout.shape, members)
        return Hidden(width, tuple(self.hidden), members, self.activation)

    def encoder_of(self, layout: Layout, members: int, width: int, latent: int) -> nn.Module:
        """What gives rows of W = `width` columns their codes."""
        trunk = self.trunk_of(layout, members, width)
        return nn.Sequential(trunk, Linear(trunk.features, latent, members))

    def maker_of(
        self, layout: Layout, members: int, latent: int, hidden: tuple[int, ...], activation: str
    ) -> nn.Module:
        """What makes rows from codes: numbers for D columns, pictures in [-1, 1]."""
        name = self.chosen(layout)
        if name != "mlp":
            return NETWORKS[name][0](latent, layout.shape, members)
        dense = Dense(latent, layout.width, hidden, members, activation=activation)
        return nn.Sequential(dense, nn.Tanh()) if layout.shape else dense
