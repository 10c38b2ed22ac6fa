"""EnGAN: an energy, and a generator of maximal entropy that keeps it honest."""

import math
from typing import Any

import torch

from ..errors import ParameterError
from ..layout import Layout
from ..nn import Averaged
from ..objectives import INFORMATION, Information, score_penalty, shuffled
from ..sampling import MALA, latent_energy, proposed, walk
from ..scores import Combined
from ..shapes import Batch, Codes, PerMember, PerRow
from ..training import Minimize
from .adversaries import CriticDetector, CriticModel, Pair
from .energies import Critic
from .estimator import hyperparameters

__all__ = ["EnGAN", "EnGANModel"]


class EnGANModel(CriticModel):
    r"""Energy $E_\theta$, generator $G_\omega$, statistics network $T_\phi$.

    Arguments:
        density: A second energy, which ascends the likelihood with the samples as proposals; None does without.
        statistics: $T_\phi$: rows and codes → numbers.
        information: The bound on I(G(z), z).
        shuffle: How codes are shuffled for it.
        entropy: Weight of the bound in the generator's loss.
        n_phi: Moves of the energy in a round.
        n_mcmc: Steps of MALA that refine the energy's negatives.
        mcmc_step: Their size.
        proposal_std: Noise around the samples that are its proposals.
        known: What every `CriticModel` takes; the penalty is $\|\nabla_x E(x)\|^2$ on data.
    """

    def __init__(
        self,
        *,
        density: Critic | None,
        statistics: Pair,
        information: Information,
        shuffle: str,
        entropy: float,
        n_phi: int,
        n_mcmc: int,
        mcmc_step: float,
        proposal_std: tuple[float, ...],
        **known: Any,
    ) -> None:
        super().__init__(**known)
        self.statistics, self.information = statistics, information
        self.density = None if density is None else Averaged(density, known["average"])
        self.players = ("energy", "generator", "statistics", *(() if density is None else ("density",)))
        self.shuffle, self.entropy = shuffle, entropy
        self.n_phi, self.n_mcmc, self.mcmc_step, self.proposal_std = n_phi, n_mcmc, mcmc_step, proposal_std

    def energy_at(self, v: Batch) -> PerRow:
        r"""$E_\theta$, or the energy that ascended the likelihood."""
        value: PerRow = (self.energy if self.density is None else self.density)(v)
        return value

    def step(self, x: Batch, minimize: Minimize) -> dict[str, PerMember]:
        """One round of Algorithm 1; the batch holds the rows of all `n_phi` moves of the energy."""
        for real in x.chunk(self.n_phi, dim=1):
            with torch.no_grad():
                fake = self.generator(self.refined(self.prior(real.shape[1])))
            below, slope = score_penalty(self.energy, self.seen(real), self.penalty_shape)
            above = self.energy(self.like(real, fake))
            minimize((below - above + self.penalty * slope).mean(-1), over=self.energy)
            self.energy.follow()
            if self.density is not None:
                minimize(self.negative_log_likelihood(real, fake), over=self.density)
                self.density.follow()

        z = self.prior(real.shape[1])
        fake = self.like(real, self.generator(z))
        information = self.information(self.statistics.of(fake), z, shuffled(z, self.draws, self.shuffle))
        minimize.together(
            (self.energy(fake).mean(-1) - self.entropy * information, self.generator),
            (-information, self.statistics),
        )
        gap = (below - above).detach().mean(-1)
        return {"energy gap": gap, "penalty": slope.detach().mean(-1), "information": information.detach()}

    def negative_log_likelihood(self, real: Batch, fake: Batch) -> PerMember:
        r"""$E(x) + \log \sum_i e^{-E(x_i)} / q(x_i)$, mean over data: rows $x_i$ are proposed around the samples.

        Its gradient is that of the log-likelihood: the weights $w_i \propto e^{-E(x_i)} / q(x_i)$ make of the proposals
        what the energy itself would draw, whatever the generator still lacks.
        """
        x, log_q = proposed(fake, self.draws, self.proposal_std)
        density: Any = self.density
        energies: PerRow = density(self.like(real, x))
        below: PerRow = density(self.seen(real))
        return below.mean(-1) + (-energies - log_q).logsumexp(-1) - math.log(x.shape[1])

    def refined(self, z: Codes) -> Codes:
        r"""Codes after `n_mcmc` steps of MALA on $E_\theta \circ G_\omega$ with the prior."""
        if not self.n_mcmc:
            return z
        landscape = latent_energy(lambda x: self.energy(self.seen(x)), self.generator, prior=True)
        # In training, batch normalization would mix the rows: the energy of a code must depend on no other.
        self.generator.eval()
        walked = walk(MALA(self.mcmc_step), landscape, z, self.draws, self.n_mcmc).state.position
        self.generator.train(self.training)
        return walked


@hyperparameters
class EnGAN(CriticDetector):
    r"""Energy with a maximum-entropy generator: rows of high energy are strange.

    The energy $E_\theta$ falls on data and rises on what the generator $G_\omega$ makes; the generator seeks low energy
    and, by a bound on $I(G(z), z)$, high entropy. So the energy's valleys are where the data are, and nowhere else, and
    $p(x) \propto e^{-E(x)}$. A penalty $\lambda \|\nabla_x E(x)\|^2$ on data bounds its scale. Scores: `energy` and
    `score_norm`, $\|\nabla_x E(x)\|^2$.

    References:
        | Maximum Entropy Generators for Energy-Based Models (Kumar et al., 2019), https://arxiv.org/abs/1901.08508
        | Deep Directed Generative Models with Energy-Based Probability Estimation (Kim & Bengio, 2016),
        | https://arxiv.org/abs/1606.03439

    Arguments:
        information: The bound: `jsd`, `mine` or `infonce`.
        shuffle: How codes are shuffled for it: each of the `dimensions` by itself, or whole `rows`.
        entropy: Weight of the bound in the generator's loss; 0 leaves entropy out.
        penalty: λ.
        penalty_form: `row` takes the gradient's norm over all columns; `pixel` over the channels, averaged over pixels,
            as the authors' code does for pictures.
        n_phi: Moves of the energy for one of the generator; each takes a batch of its own.
        n_mcmc: Steps of MALA in latent space that refine the energy's negatives in training.
        mcmc_step: Their size.
        proposal_std: Standard deviations, in encoded units, of noise around the generator's samples. With them a second
            energy ascends the likelihood, its partition function estimated by importance sampling from the noisy
            samples, and scores and chains use it: $E = -\log p$ up to a constant, at λ = 0. For a few real columns; the
            largest should reach from one cluster to the next.
        reference_std: Adds ‖x‖² / 2s² to the energy, so that what is far from all data is strange in every direction;
            `auto` is 1 for tables, the spread of their columns, and nothing for pictures; None adds nothing.
        average: Weight of the past in the moving average of the energy's weights, which scores use; 0 takes the last.

    Example:
        >>> from oodles import data, detectors
        >>> X = data.load("breast-cancer").X.slice(0, 100)
        >>> detectors.EnGAN(members=1, epochs=5, random_state=0).fit(X).predict(X).shape
        (100,)
    """

    scoring: str | Combined = "energy"
    activation: str = "leaky"
    lr: float = 1e-3
    optimizer: str = "adam-0.5-0.9"
    decay: bool | str = True
    early_stopping: bool = False
    information: str = "jsd"
    shuffle: str = "dimensions"
    entropy: float = 1.0
    penalty: float = 0.3
    penalty_form: str = "row"
    n_phi: int = 5
    n_mcmc: int = 0
    mcmc_step: float = 0.01
    proposal_std: tuple[float, ...] = ()
    reference_std: float | str | None = "auto"
    average: float = 0.99

    model_class = EnGANModel

    @property
    def batches(self) -> int:
        """A round takes a batch for each move of the energy."""
        return self.n_phi

    def build(self, layout: Layout, members: int, missing: list[int]) -> EnGANModel:
        """The untrained model.

        Raises:
            ParameterError: If noise is asked for where it has no meaning.
        """
        if self.proposal_std and len(layout.positions("real")) < layout.width:
            raise ParameterError("proposal_std adds noise to real columns, but some of these are not: leave it out.")
        return EnGANModel(
            density=self.critic(layout, members, missing) if self.proposal_std else None,
            statistics=self.pair_of(layout, members, layout.width + len(missing)),
            information=INFORMATION[self.information](members),
            shuffle=self.shuffle,
            entropy=self.entropy,
            n_phi=self.n_phi,
            n_mcmc=self.n_mcmc,
            mcmc_step=self.mcmc_step,
            proposal_std=tuple(self.proposal_std),
            **self.parts(layout, members, missing),
        )
