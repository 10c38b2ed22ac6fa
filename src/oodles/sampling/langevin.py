r"""Markov chains whose law tends to $p(z) \propto e^{-E(z)}$: every row is a chain of its own, and all move at once.

A chain need not live where the data are: `latent_energy` gives E ∘ G, whose chain moves the codes of a generator G.

References:
    | Exponential convergence of Langevin distributions and their discrete approximations (Roberts & Tweedie, 1996),
    | https://doi.org/10.2307/3318418
    | Maximum Entropy Generators for Energy-Based Models (Kumar et al., 2019), https://arxiv.org/abs/1901.08508
    | Practical Markov chain Monte Carlo (Geyer, 1992), https://doi.org/10.1214/ss/1177011137
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, islice
from math import log10
from typing import ClassVar, NamedTuple, TypeAlias

import torch
from torch import Tensor

from ..errors import ParameterError
from ..nn import Draws
from ..shapes import Batch, Codes, PerMember, PerRow

__all__ = ["KERNELS", "MALA", "ULA", "Energy", "Kernel", "Metropolis", "State", "Walk"]
__all__ += ["chain", "effective_sample_size", "init", "latent_energy", "walk"]

Energy: TypeAlias = Callable[[Codes], PerRow]
"""Positions (M, B, L) → energies (M, B) in nats; a row's energy depends on no other row."""


class State(NamedTuple):
    """Where the chains are, and what is known there: kept to save work, for no position is evaluated twice.

    Attributes:
        position: z, (M, B, L).
        energy: E(z), (M, B).
        gradient: ∇E(z), (M, B, L); 0 where it is no number, and for a kernel that does not use it.
    """

    position: Codes
    energy: PerRow
    gradient: Codes


Start: TypeAlias = Codes | State
Step: TypeAlias = PerMember | None


def init(energy: Energy, position: Codes, *, gradient: bool = True) -> State:
    """The state at a position, with ∇E or zeros instead.

    No graph remains, and the energy's parameters get no gradient. It works in `torch.inference_mode` too, unless the
    energy itself holds tensors that were made there.
    """
    with torch.inference_mode(mode=False), torch.set_grad_enabled(gradient):
        z = position.detach().clone().requires_grad_(gradient)
        value = energy(z)
        slope = torch.autograd.grad(value.sum(), z)[0].nan_to_num(0.0, 0.0, 0.0) if gradient else torch.zeros_like(z)
    return State(z.detach(), value.detach(), slope)


@dataclass(frozen=True)
class Kernel:
    r"""A transition: propose $z' = z - a \nabla E(z) + \sqrt{2a}\,\epsilon$, then accept it or stay.

    Attributes:
        step: The step size of all members, where none is given for each.
        uses_gradient: Whether its states carry ∇E, or zeros, with which the proposal is a random walk.
    """

    step: float = 0.1
    uses_gradient: ClassVar[bool] = True

    def steps(self, position: Codes) -> PerMember:
        """The kernel's step size, once for each member of a position."""
        return torch.full(position.shape[:1], self.step, dtype=position.dtype, device=position.device)

    def time(self, step: PerMember) -> PerMember:
        """The a of a step size."""
        return step

    def log_ratio(self, old: State, new: State, step: PerMember) -> PerRow:
        """The logarithm of r: a proposal is accepted with probability min(1, r)."""
        a, way = self.time(step)[:, None, None], new.position - old.position
        there, back = (way + a * old.gradient).square().sum(-1), (a * new.gradient - way).square().sum(-1)
        return old.energy - new.energy - (back - there) / (4 * a.squeeze(-1))

    @torch.no_grad()
    def __call__(self, energy: Energy, state: State, draws: Draws, step: Step = None) -> tuple[State, Tensor]:
        """The next state, and which rows accepted their proposal, (M, B).

        A proposal is never accepted if it or its energy is not finite. Any other is where the present energy is not
        finite, so that a chain can leave such a place.
        """
        step = self.steps(state.position) if step is None else step
        a, noise = self.time(step)[:, None, None], draws.normal(*state.position.shape[1:])
        proposal = state.position - a * state.gradient + (2 * a).sqrt() * noise
        new = init(energy, proposal, gradient=self.uses_gradient)
        height = torch.log1p(-draws.uniform(state.energy.shape[1]))
        fits = (height <= self.log_ratio(state, new, step)) | ~state.energy.isfinite()
        accepted = fits & new.energy.isfinite() & new.position.isfinite().all(-1)
        where = (accepted.unsqueeze(-1), accepted, accepted.unsqueeze(-1))
        return State(*map(torch.where, where, new, state)), accepted


@dataclass(frozen=True)
class MALA(Kernel):
    r"""The Metropolis-adjusted Langevin algorithm: $r = p(z')\,q(z | z') / (p(z)\,q(z' | z))$, so that the law is p.

    $\log q(z | z') - \log q(z' | z) = -(\|z - z' + a \nabla E(z')\|^2 - \|z' - z + a \nabla E(z)\|^2) / 4a$. Without
    this part, or with norms that are not squared, as in the code of Kumar et al., the law is another one.
    `step` is a; the best one accepts about 57 % of the proposals in many dimensions.
    """


@dataclass(frozen=True)
class ULA(Kernel):
    r"""The unadjusted Langevin algorithm: r = 1, so that a standard normal gets the variance $1 / (1 - a / 2)$."""

    step: float = 0.01

    def log_ratio(self, old: State, new: State, step: PerMember) -> PerRow:  # noqa: ARG002 - all are called alike
        """0: nothing is corrected."""
        return torch.zeros_like(old.energy)


@dataclass(frozen=True)
class Metropolis(Kernel):
    r"""Random-walk Metropolis: nobody looks at the gradient, so that $z' = z + \sigma \epsilon$ and $r = p(z') / p(z)$.

    `step` is σ; the best one accepts about 23 % of the proposals in many dimensions, 44 % in one.
    """

    step: float = 0.5
    uses_gradient: ClassVar[bool] = False

    def time(self, step: PerMember) -> PerMember:
        """σ² / 2."""
        return step.square() / 2


KERNELS: dict[str, type[Kernel]] = {"mala": MALA, "metropolis": Metropolis, "ula": ULA}
"""Kernels by name."""


def chain(
    kernel: Kernel, energy: Energy, start: Start, draws: Draws, *, step: Step = None, target: float | None = None
) -> Iterator[tuple[State, Tensor, PerMember]]:
    r"""One transition after the other: the state, which rows moved (M, B), and the step size of the next one (M,).

    There is no end; `itertools.islice(chain(…), k - 1, None, k)` is every k-th.

    It starts at a position (M, B, L), or at the state of an earlier chain of such a kernel, if the energy is still the
    same; with a `step` for each member (M,), or the kernel's own. With a `target`, Robbins and Monro's scheme moves the
    step size of each member towards that acceptance, $\log a_{k+1} = \log a_k + k^{-0.6} (\text{accepted share} -
    \text{target})$. The law of such a chain is not p, for it looks back: adapt in a burn-in, throw its draws away, and
    go on with its state and its step.

    Raises:
        ParameterError: There is a target, but it is no share, or the kernel rejects nothing.
    """
    if target is not None and (isinstance(kernel, ULA) or not 0 < target < 1):
        raise ParameterError(f"target is a share between 0 and 1 for a kernel that rejects, not {target} for {kernel}.")
    state = start if isinstance(start, State) else init(energy, start, gradient=kernel.uses_gradient)
    step = kernel.steps(state.position) if step is None else step
    for turn in count(1):
        state, accepted = kernel(energy, state, draws, step)
        if target is not None:
            step = step * (turn**-0.6 * (accepted.to(step.dtype).mean(1) - target)).exp()
        yield state, accepted, step


class Walk(NamedTuple):
    """The end of a chain.

    Of each member (M,): the `acceptance` of its proposals, NaN if there were none; the `step` size to go on with; the
    mean energy of its rows in the `first` and in the `last` state.
    """

    state: State
    acceptance: PerMember
    step: PerMember
    first: PerMember
    last: PerMember


def walk(
    kernel: Kernel,
    energy: Energy,
    start: Start,
    draws: Draws,
    steps: int,
    *,
    step: Step = None,
    target: float | None = None,
) -> Walk:
    """`steps` transitions of a `chain`, where the other arguments and what is raised are described."""
    state = start if isinstance(start, State) else init(energy, start, gradient=kernel.uses_gradient)
    step = kernel.steps(state.position) if step is None else step
    first, accepted = state.energy.mean(1), torch.zeros_like(step)
    for transition in islice(chain(kernel, energy, state, draws, step=step, target=target), steps):
        state, moved, step = transition
        accepted = accepted + moved.to(step.dtype).mean(1)
    return Walk(state, accepted / steps, step, first, state.energy.mean(1))


def latent_energy(
    energy: Callable[[Batch], PerRow], generator: Callable[[Codes], Batch], *, prior: bool, beta: float = 1.0
) -> Energy:
    r"""β E(G(z)); with the `prior` $+ \|z\|^2 / 2$, so that p(z) is N(0, I) tilted by $e^{-\beta E(G(z))}$.

    Without the prior, as Kumar et al. have it, nothing keeps z where the generator was trained.
    """
    if prior:
        return lambda z: beta * energy(generator(z)) + z.square().sum(-1) / 2
    return lambda z: beta * energy(generator(z))


def effective_sample_size(draws: Tensor) -> Tensor:
    r"""How many independent draws would give means as exact as these: (S, …) → (…), where each column is a chain.

    S / τ with $\tau = 2 \sum_k \Gamma_k - 1$, the autocorrelations of lags 2k and 2k + 1 summed as long as they are
    positive, and made monotone (Geyer's initial sequence). At most S log₁₀ S, and 1 for a chain that never moved.
    A chain that saw one mode only does not know of the others.
    """
    size, centered = len(draws), (draws - draws.mean(0)).double()
    spectrum = torch.fft.rfft(centered, n=2 * size, dim=0).abs().square()
    covariance = torch.fft.irfft(spectrum, n=2 * size, dim=0)[:size]
    pairs = (covariance / covariance[0])[: size // 2 * 2].unflatten(0, (-1, 2)).sum(1)
    total = (pairs.cummin(0).values * (pairs > 0).cumprod(0)).sum(0)
    tau = (2 * total - 1).clamp_min(1 / max(1.0, log10(size)))
    return torch.where((draws == draws[0]).all(0), 1.0, size / tau).to(draws.dtype)
