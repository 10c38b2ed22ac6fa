"""What models with a generator share: its networks by name, the prior, and how they make rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ..errors import ParameterError
from ..layout import Layout
from ..nn import Averaged, Dense, Draws, Linear, Made, may_be_missing
from ..sampling import KERNELS, Energy, latent_energy, walk
from ..scores import normal_points
from ..shapes import Batch, Codes, PerRow
from .energies import Critic, EnergyDetector, EnergyModel
from .estimator import check_fitted, hyperparameters

__all__ = ["AdversarialDetector", "AdversarialModel", "Chain", "CriticDetector", "CriticModel", "Pair"]

AT_ONCE = 1024
"""Rows of a member that are made together: memory does not grow with their number."""

STATISTICS = 512
"""Width of the layer in which the statistics network of pictures joins x and z."""


@dataclass(frozen=True)
class Chain:
    """A Markov chain that samples are refined with.

    Attributes:
        steps: How many transitions.
        kernel: `mala`, `ula` or `metropolis`.
        step: Its step size.
        space: `latent` moves z by E ∘ G, `data` moves G(z) itself by E.
        prior: In latent space, whether ‖z‖² / 2 is added to the energy, so that z stays where G was trained.
        beta: Factor of the energy: an inverse temperature.
    """

    steps: int = 100
    kernel: str = "mala"
    step: float = 0.01
    space: Literal["latent", "data"] = "latent"
    prior: bool = True
    beta: float = 1.0


class Pair(nn.Module):
    """One number for each row and its code; the rows' part is computed once for several codes.

    Arguments:
        trunk: What reads pictures before they meet the codes; None joins rows and codes at once.
        inputs: Columns of a row, W.
        latent: Number of codes, L.
        hidden: Widths of the layers after rows and codes have met.
        members: Number of members, M.
        activation: What stands between them.
    """

    def __init__(
        self, trunk: Any, inputs: int, latent: int, hidden: tuple[int, ...], members: int, activation: str
    ) -> None:
        super().__init__()
        self.trunk = trunk
        self.narrow = None if trunk is None else Linear(trunk.features, latent, members)
        width = (inputs if trunk is None else latent) + latent
        self.joined = Dense(width, 1, hidden, members, activation=activation, filled=True)

    def of(self, v: Batch) -> Callable[[Codes], PerRow]:
        """T(x, ·) for a batch of rows."""
        features = v if self.narrow is None else self.narrow(self.trunk(v))

        def statistics(z: Codes) -> PerRow:
            value: PerRow = self.joined(torch.cat([features, z], dim=-1)).squeeze(-1)
            return value

        return statistics


class AdversarialModel(EnergyModel):
    """A generator G of rows from codes z ~ N(0, I), and a network that judges them.

    Arguments:
        generator: Codes (M, B, L) → encoded rows (M, B, D).
        latent: Number of codes L.
        known: What every `EnergyModel` takes.
    """

    points: Tensor

    def __init__(self, generator: nn.Module, latent: int, **known: Any) -> None:
        super().__init__(**known)
        self.generator, self.latent = generator, latent
        self.register_buffer("points", normal_points(64, latent), persistent=False)

    def prior(self, rows: int) -> Codes:
        """z ~ N(0, I), (M, rows, L)."""
        return self.draws.normal(rows, self.latent)

    def like(self, x: Batch, made: Batch) -> Batch:
        """Made rows as the networks read them, with the holes of the real ones: holes must not tell them apart."""
        return self.seen(made.masked_fill(x.isnan(), torch.nan) if may_be_missing() else made)

    def criterion(self, x: Batch) -> PerRow:
        """The energy of rows above that of fixed samples: at the end of a good training, about 0."""
        made: Batch = self.generator(self.points.expand(len(x), *self.points.shape))
        v = self.seen(made)
        return self.energy_at(self.seen(x)) - self.energy_at(v).mean(-1, keepdim=True)


class CriticModel(AdversarialModel):
    r"""A generator, and an energy E that it plays against, whose slope a penalty bounds.

    Arguments:
        energy: E: rows → numbers.
        penalty: $\lambda$, the weight of the penalty on its slope.
        penalty_shape: The pictures' shape for the authors' form of the penalty, else empty.
        average: Weight of the past in the average of the energy's weights that scores use.
        known: What every `AdversarialModel` takes.
    """

    def __init__(
        self, *, energy: Critic, penalty: float, penalty_shape: tuple[int, ...], average: float, **known: Any
    ) -> None:
        super().__init__(**known)
        self.energy = Averaged(energy, average)
        self.penalty, self.penalty_shape = penalty, penalty_shape

    def energy_at(self, v: Batch) -> PerRow:
        """E."""
        value: PerRow = self.energy(v)
        return value

    def code(self, x: Batch) -> Codes:
        """The energy's last hidden layer."""
        features: Codes = self.energy(self.seen(x), True)
        return features


@hyperparameters
class AdversarialDetector(EnergyDetector):
    """A detector with a generator.

    Arguments:
        latent: Number of codes z that rows are made from; `auto` is 32 for tables and 128 for pictures.
        hidden: Widths of the dense layers that judge rows; convolutional networks ignore it.
        generator_hidden: Widths of the dense generator, with ReLU; `auto` is `hidden` backwards.
    """

    latent: int | str = "auto"
    generator_hidden: tuple[int, ...] | str = "auto"

    def codes(self, layout: Layout) -> int:
        """The number of codes, `auto` resolved."""
        return (128 if layout.shape else 32) if self.latent == "auto" else int(self.latent)

    def resolved(self, layout: Layout) -> dict[str, Any]:
        """Parameters that `auto` stood for."""
        return {"latent": self.codes(layout), **super().resolved(layout)}

    def generator_of(self, layout: Layout, members: int) -> nn.Module:
        """G, from codes to encoded rows."""
        hidden = self.hidden[::-1] if isinstance(self.generator_hidden, str) else tuple(self.generator_hidden)
        return Made(self.maker_of(layout, members, self.codes(layout), hidden, "relu"), layout)

    def pair_of(self, layout: Layout, members: int, width: int) -> Pair:
        """What judges rows with codes."""
        trunk = None if self.chosen(layout) == "mlp" else self.trunk_of(layout, members, width)
        hidden = tuple(self.hidden) if trunk is None else (STATISTICS,)
        return Pair(trunk, width, self.codes(layout), hidden, members, self.activation)

    def sample(self, n: int, *, mcmc: int | Chain = 0, random_state: int = 0) -> Any:
        """Draw rows from the model, in raw units: an array, or a pyarrow table if it learned names.

        Member m gives every M-th row.

        Arguments:
            n: Number of rows.
            mcmc: Steps of MALA in latent space that refine them, or a `Chain`.
            random_state: Seed.
        """
        check_fitted(self)
        model: Any = self.model_
        draws = Draws([random_state + member for member in range(model.members)], self._device)
        chain = mcmc if isinstance(mcmc, Chain) else Chain(steps=mcmc)
        each = -(-n // model.members)
        blocks = []
        with torch.no_grad():
            for start in range(0, each, AT_ONCE):
                z = draws.normal(min(AT_ONCE, each - start), model.latent)
                blocks.append(refined(model, z, chain, draws))
        rows = torch.cat(blocks, dim=1)
        return self._raw(rows.transpose(0, 1).flatten(0, 1)[:n])


class CriticDetector(AdversarialDetector):
    """A detector whose generator plays against an energy; its subclasses declare these parameters among their own."""

    penalty: float
    penalty_form: str
    reference_std: float | str | None
    average: float

    def critic(self, layout: Layout, members: int, missing: list[int]) -> Critic:
        """An energy without weights; `auto` lets it tilt N(0, I) for tables, and nothing for pictures."""
        reference: Any = (None if layout.shape else 1.0) if self.reference_std == "auto" else self.reference_std
        return Critic(self.trunk_of(layout, members, layout.width + len(missing)), members, reference)

    def parts(self, layout: Layout, members: int, missing: list[int]) -> dict[str, Any]:
        """What every `CriticModel` takes."""
        return {
            "energy": self.critic(layout, members, missing),
            "penalty": self.penalty,
            "penalty_shape": layout.shape if self.penalty_form == "pixel" else (),
            "average": self.average,
            "generator": self.generator_of(layout, members),
            "latent": self.codes(layout),
            "layout": layout,
            "members": members,
            "missing": missing,
        }


def refined(model: AdversarialModel, z: Codes, chain: Chain, draws: Draws) -> Batch:
    """G(z) after a chain has moved z, or G(z) itself.

    Raises:
        ParameterError: If there is no such kernel or space, or its numbers are impossible.
    """
    known = chain.kernel in KERNELS and chain.space in ("latent", "data")
    if not known or chain.step <= 0 or chain.steps < 0:
        raise ParameterError(
            f"{chain} makes no sense: kernels are {', '.join(KERNELS)}, spaces latent and data, and step is positive."
        )
    made: Batch
    start = z if chain.space == "latent" else model.generator(z)
    if chain.steps:
        kernel = KERNELS[chain.kernel](chain.step)
        start = walk(kernel, target_of(model, chain), start, draws, chain.steps).state.position
    made = model.generator(start) if chain.space == "latent" else start
    return made


def target_of(model: AdversarialModel, chain: Chain) -> Energy:
    """The energy that a chain walks on."""

    def priced(x: Batch) -> PerRow:
        return model.energy_at(model.seen(x))

    if chain.space == "latent":
        return latent_energy(priced, model.generator, prior=chain.prior, beta=chain.beta)
    return lambda x: chain.beta * priced(x)
