"""Markov chains: what they leave invariant, what they reject, and an established library's chains beside them."""

from dataclasses import replace
from itertools import islice
from math import exp

import pytest
import torch
from torch import nn
from torch.distributions import Normal

from oodles.errors import ParameterError
from oodles.nn import Draws
from oodles.sampling import (
    KERNELS,
    MALA,
    ULA,
    Metropolis,
    chain,
    effective_sample_size,
    init,
    latent_energy,
    walk,
)
from oodles.training.tape import Recorded

COVARIANCE = torch.tensor([[1.0, 0.8], [0.8, 1.0]])
FACTOR = torch.linalg.cholesky(COVARIANCE)
PRECISION = COVARIANCE.inverse()
ALL = [MALA(0.3), ULA(0.3), Metropolis(0.8)]
EXACT = [MALA(0.3), Metropolis(0.8)]


def normal(z):
    """½ ‖z‖²: independent, with mean 0 and variance 1."""
    return z.square().sum(-1) / 2


def gaussian(z):
    """½ zᵀ P z: correlated, with mean 0."""
    return (z * (z @ PRECISION.to(z.dtype))).sum(-1) / 2


def funnel(z):
    """Neal's funnel in three dimensions: v ~ N(0, 1), x | v ~ N(0, eᵛ I)."""
    v, x = z[..., 0], z[..., 1:]
    return v.square() / 2 + x.square().sum(-1) * (-v).exp() / 2 + v


def spread(energy, noise):
    """Independent draws of a target from standard normal numbers."""
    if energy is gaussian:
        return noise @ FACTOR.T
    return torch.cat([noise[..., :1], noise[..., 1:] * (noise[..., :1] / 2).exp()], -1)


def whitened(energy, z):
    """The standard normal numbers that such draws came from."""
    if energy is gaussian:
        return z @ FACTOR.inverse().T
    return torch.cat([z[..., :1], z[..., 1:] * (-z[..., :1] / 2).exp()], -1)


TARGETS = pytest.mark.parametrize(("energy", "width"), [(gaussian, 2), (funnel, 3)], ids=["gaussian", "funnel"])
EVERY = pytest.mark.parametrize("kernel", ALL, ids=["mala", "ula", "metropolis"])
CORRECTED = pytest.mark.parametrize("kernel", EXACT, ids=["mala", "metropolis"])


def numbers(*shape, seed=0, dtype=torch.float32):
    """Standard normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def identical(one, other):
    """Whether two states are the same, bit for bit."""
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@TARGETS
@CORRECTED
class TestTheLawIsP:
    def test_any_two_points_exchange_equal_masses(self, kernel, energy, width):
        """Detailed balance: p(z) q(z' | z) min(1, r) is the same with z and z' exchanged, whatever the step size."""
        step = torch.tensor([kernel.step, 3 * kernel.step], dtype=torch.float64)
        points = [numbers(2, 500, width, seed=seed, dtype=torch.float64) for seed in (1, 2)]
        here, there = (init(energy, z, gradient=kernel.uses_gradient) for z in points)

        def mass(old, new):
            a = step[:, None, None]
            center = old.position - a * old.gradient if isinstance(kernel, MALA) else old.position
            std = (2 * a).sqrt() if isinstance(kernel, MALA) else a
            return (
                Normal(center, std).log_prob(new.position).sum(-1)
                - old.energy
                + kernel.log_ratio(old, new, step).clamp_max(0)
            )

        assert (kernel.log_ratio(here, there, step) < 0).double().mean() > 0.2
        torch.testing.assert_close(mass(here, there), mass(there, here), rtol=1e-9, atol=1e-9)

    def test_exact_draws_stay_exact_draws(self, kernel, energy, width):
        """Independent draws of p are that again after 40 transitions: moments within five standard errors."""
        rows = 20_000
        start = spread(energy, numbers(2, rows, width))

        found = walk(kernel, energy, start, Draws([1, 2]), 40)

        z = whitened(energy, found.state.position).flatten(0, 1)
        error = 5 / (2 * rows) ** 0.5
        assert z.mean(0).abs().max() < error
        assert (z.T.cov() - torch.eye(width)).abs().max() < error * 2**0.5
        assert ((found.acceptance > 0.4) & (found.acceptance < 0.9)).all()

    def test_distant_rows_come_home(self, kernel, energy, width):
        """From one far point all rows reach p; the mean energy falls to that of p."""
        found = walk(kernel, energy, torch.full((1, 4_000, width), 3.0), Draws([3]), 400)

        z = whitened(energy, found.state.position)[0]
        assert z.mean(0).abs().max() < 5 / 4_000**0.5
        assert (z.T.cov() - torch.eye(width)).abs().max() < 8 / 4_000**0.5
        assert found.first > found.last


class TestWhatIsProposed:
    def test_the_step_is_langevins(self):
        """Where everything is accepted, z' = z − a ∇E(z) + √(2a) ε, with each member's own a."""
        step = torch.tensor([0.1, 0.3])
        z = numbers(2, 50, 2)
        state, accepted = ULA()(gaussian, init(gaussian, z), Draws([1, 2]), step)
        a = step[:, None, None]
        expected = z - a * (z @ PRECISION) + (2 * a).sqrt() * Draws([1, 2]).normal(50, 2)
        assert accepted.all()
        torch.testing.assert_close(state.position, expected)

    def test_metropolis_walks_at_random(self):
        """Where it moves, by σ ε; it asks for no gradient."""
        z = numbers(2, 50, 2)

        def flat(z):
            assert not z.requires_grad
            return torch.zeros(z.shape[:2])

        found = walk(Metropolis(0.7), flat, z, Draws([1, 2]), 1)
        torch.testing.assert_close(found.state.position, z + 0.7 * Draws([1, 2]).normal(50, 2))

    def test_unadjusted_chains_are_as_wide_as_known(self):
        """A standard normal gets the variance 1 / (1 − a/2), which MALA's correction removes."""
        for step in (0.1, 0.4, 0.8):
            z = walk(ULA(step), normal, numbers(1, 20_000, 2), Draws([1]), int(12 / step)).state.position
            assert z.var().item() == pytest.approx(1 / (1 - step / 2), rel=5 * (2 / 40_000) ** 0.5)

    @pytest.mark.parametrize("ratio", ["left out", "not squared"])
    def test_other_ratios_have_another_law(self, ratio):
        """The two published shortcuts move a normal's variance by more than ten standard errors; MALA does not."""

        class Shortcut(MALA):
            def log_ratio(self, old, new, step):
                a = step[:, None, None]
                there = (new.position - old.position + a * old.gradient).norm(dim=-1)
                back = (old.position - new.position + a * new.gradient).norm(dim=-1)
                correction = 0 if ratio == "left out" else (there - back) / (4 * step[:, None])
                return old.energy - new.energy + correction

        start = numbers(1, 20_000, 2)
        error = (2 / 40_000) ** 0.5
        wrong, right = (walk(kernel(0.8), normal, start, Draws([1]), 60).state.position for kernel in (Shortcut, MALA))
        assert abs(wrong.var() - 1) > 10 * error
        assert abs(right.var() - 1) < 5 * error


class TestAcceptance:
    @CORRECTED
    def test_huge_steps_are_rejected_and_tiny_ones_accepted(self, kernel):
        """Members may differ in it: 10⁴ never moves, 10⁻⁴ always."""
        start = numbers(2, 200, 2)
        found = walk(kernel, gaussian, start, Draws([1, 2]), 20, step=torch.tensor([1e4, 1e-4]))
        assert found.acceptance[0] == 0
        assert found.acceptance[1] > 0.99
        assert torch.equal(found.state.position[0], start[0])

    @pytest.mark.parametrize("wall", [float("nan"), float("inf"), -float("inf")])
    @EVERY
    def test_a_proposal_without_a_finite_energy_is_rejected(self, kernel, wall):
        """No chain goes where the energy is NaN or infinite."""

        def walled(z):
            return torch.where(z[..., 0] > 0, wall, gaussian(z))

        start = -numbers(2, 300, 2).abs()
        found = walk(kernel, walled, start, Draws([1, 2]), 30)
        assert (found.state.position[..., 0] <= 0).all()
        assert found.state.energy.isfinite().all()
        assert ((found.acceptance > 0.1) & (found.acceptance < 1)).all()

    @pytest.mark.parametrize("wall", [float("nan"), float("inf"), -float("inf")])
    @EVERY
    def test_a_chain_leaves_a_place_without_a_finite_energy(self, kernel, wall):
        """Any proposal with one is accepted there, also where the gradient is no number either."""

        def walled(z):
            return torch.where(z[..., 0] > 0, wall * z[..., 0], gaussian(z))

        start = Draws([3, 4]).uniform(300, 2) + 0.01
        assert not init(walled, start).energy.isfinite().any()
        found = walk(kernel, walled, start, Draws([1, 2]), 300)
        assert found.state.energy.isfinite().all()
        assert found.state.position.isfinite().all()

    def test_a_law_on_half_a_line_is_found_from_its_wrong_side(self):
        """E = z − log z is NaN below 0: Gamma(2) with mean 2 and variance 2."""
        found = walk(Metropolis(2.0), lambda z: (z - z.log()).sum(-1), torch.full((1, 5_000, 1), -0.5), Draws([1]), 200)
        assert found.state.position.mean().item() == pytest.approx(2, abs=5 * (2 / 5_000) ** 0.5)
        assert found.state.position.var().item() == pytest.approx(2, rel=0.2)

    def test_a_gradient_that_is_no_number_does_not_hold_a_chain(self):
        """√|z| has no slope at 0: the drift there is 0, and the chain moves on."""
        start = torch.zeros(1, 100, 1)
        state = init(lambda z: z.abs().sqrt().sum(-1), start)
        assert state.gradient.isfinite().all()
        found = walk(MALA(0.1), lambda z: z.abs().sqrt().sum(-1), start, Draws([1]), 50)
        assert (found.state.position != 0).all()


class TestState:
    @EVERY
    def test_what_is_kept_is_what_would_be_computed(self, kernel):
        """Energy and gradient of the last state, after moves and stays."""
        state = walk(kernel, funnel, numbers(2, 50, 3), Draws([1, 2]), 30).state
        assert identical(state, init(funnel, state.position, gradient=kernel.uses_gradient))

    @EVERY
    def test_a_transition_evaluates_the_energy_once(self, kernel):
        """And the start once."""
        calls = []
        walk(kernel, lambda z: calls.append(1) or normal(z), numbers(1, 5, 2), Draws([1]), 7)
        assert len(calls) == 8

    @EVERY
    def test_no_steps_are_no_change(self, kernel):
        """The start comes back, and nothing was drawn."""
        start, draws = numbers(2, 5, 2), Draws([1, 2])
        before = draws.state()
        found = walk(kernel, gaussian, start, draws, 0)
        assert torch.equal(found.state.position, start)
        assert torch.equal(found.step, torch.full((2,), kernel.step))
        assert torch.equal(found.first, found.last)
        assert found.acceptance.isnan().all()
        assert torch.equal(draws.state(), before)

    @EVERY
    def test_a_walk_goes_on_where_another_ended(self, kernel):
        """Thirty steps are ten and twenty more, from the state or from its position; a thinned chain has the same."""
        start, whole, parts, thinned = numbers(2, 20, 2), Draws([1, 2]), Draws([1, 2]), Draws([1, 2])
        long = walk(kernel, gaussian, start, whole, 30).state
        middle = walk(kernel, gaussian, start, parts, 10).state
        position = middle.position.clone()
        place = parts.state()
        assert identical(long, walk(kernel, gaussian, middle, parts, 20).state)
        parts.restore(place)
        assert identical(long, walk(kernel, gaussian, position, parts, 20).state)
        tenth, _, last = (state for state, _, _ in islice(chain(kernel, gaussian, start, thinned), 9, 30, 10))
        assert identical(middle, tenth)
        assert identical(long, last)

    def test_energies_of_start_and_end_are_means_over_rows(self):
        """And the acceptance one over rows and steps."""
        start = numbers(2, 20, 2)
        found = walk(MALA(0.5), gaussian, start, Draws([1, 2]), 10)
        torch.testing.assert_close(found.first, gaussian(start).mean(1))
        torch.testing.assert_close(found.last, gaussian(found.state.position).mean(1))
        moved = [accepted for _, accepted, _ in islice(chain(MALA(0.5), gaussian, start, Draws([1, 2])), 10)]
        torch.testing.assert_close(found.acceptance, torch.stack(moved).float().mean((0, 2)))


class TestMembers:
    @EVERY
    def test_a_stack_walks_as_its_members_do_alone(self, kernel):
        """Bit for bit, each with its own energy, stream and step size."""
        scale, start, step = torch.tensor([0.5, 1.0, 2.0]), numbers(3, 40, 2), torch.tensor([0.1, 0.2, 0.3])
        target = None if isinstance(kernel, ULA) else 0.5
        stack = walk(
            kernel, lambda z: scale[:, None] * normal(z), start, Draws([1, 2, 3]), 25, step=step, target=target
        )
        for m in range(3):
            one = slice(m, m + 1)
            alone = walk(
                kernel,
                lambda z, one=one: scale[one, None] * normal(z),
                start[one],
                Draws([m + 1]),
                25,
                step=step[one],
                target=target,
            )
            assert identical([part[one] for part in stack.state], alone.state)
            assert identical([part[one] for part in stack[1:]], alone[1:])

    def test_the_global_random_state_is_left_alone(self):
        """All randomness comes from the draws."""
        before = torch.get_rng_state()
        walk(MALA(), gaussian, numbers(1, 5, 2), Draws([1]), 3)
        assert torch.equal(torch.get_rng_state(), before)


class TestAdaptation:
    @pytest.mark.parametrize(("kernel", "target"), [(MALA(), 0.574), (Metropolis(), 0.3)], ids=["mala", "metropolis"])
    def test_it_reaches_its_target_from_afar(self, kernel, target):
        """Members that start with steps of 10⁻³ and 30 accept the targeted share afterwards, and their steps agree."""
        draws, step = Draws([1, 2]), torch.tensor([1e-3, 30.0])
        burnt = walk(kernel, gaussian, numbers(2, 200, 2), draws, 400, step=step, target=target)
        after = walk(kernel, gaussian, burnt.state, draws, 200, step=burnt.step)
        assert after.acceptance.tolist() == pytest.approx([target, target], abs=0.03)
        assert burnt.step[0].item() == pytest.approx(burnt.step[1].item(), rel=0.1)

    @EVERY
    def test_it_is_off_unless_asked_for(self, kernel):
        """The step stays what the kernel says."""
        found = walk(kernel, gaussian, numbers(2, 20, 2), Draws([1, 2]), 20)
        assert torch.equal(found.step, torch.full((2,), kernel.step))

    @pytest.mark.parametrize(("kernel", "target"), [(ULA(), 0.5), (MALA(), 0.0), (MALA(), 1.0), (Metropolis(), 57)])
    def test_an_impossible_target_is_refused(self, kernel, target):
        """What accepts everything has no acceptance to adapt, and a target is a share."""
        with pytest.raises(ParameterError, match="target is a share"):
            walk(kernel, gaussian, numbers(1, 5, 2), Draws([1]), 3, target=target)


class TestWhereItRuns:
    @EVERY
    def test_inference_mode_changes_nothing(self, kernel):
        """The same bits, with tensors that were made in that mode."""
        network = nn.Sequential(nn.Linear(2, 8), nn.Softplus(), nn.Linear(8, 1))

        def energy(z):
            return network(z).squeeze(-1) + normal(z)

        plain = walk(kernel, energy, numbers(2, 20, 2), Draws([1, 2]), 10)
        with torch.inference_mode():
            start = numbers(2, 20, 2)
            quiet = walk(kernel, energy, start, Draws([1, 2]), 10)
        assert start.is_inference()
        assert identical(plain.state, quiet.state)

    @EVERY
    def test_the_energys_parameters_get_no_gradient(self, kernel):
        """And no graph is left on what comes out, though the start has one."""
        network = nn.Linear(2, 1)
        start = numbers(2, 20, 2).requires_grad_() * 1
        found = walk(kernel, lambda z: network(z).square().squeeze(-1), start, Draws([1, 2]), 5)
        assert all(parameter.grad is None for parameter in network.parameters())
        assert not any(part.requires_grad for part in (*found.state, *found[1:]))

    @EVERY
    def test_a_recorded_chain_repeats_as_a_plain_one(self, kernel):
        """Nothing in it looks at a number, so that a training step with a chain in it can be recorded."""
        plain, draws = Draws([1, 2]), Draws([1, 2])
        here, there = numbers(2, 20, 2), numbers(2, 20, 2)

        def move(position, draws):
            found = walk(kernel, gaussian, position, draws, 3)
            position.copy_(found.state.position)
            return found.last

        record = Recorded(lambda: move(there, draws))
        for _ in range(8):
            expected, got = move(here, plain), record()
            assert torch.equal(expected, got)
        assert torch.equal(here, there)
        assert record.tape.calls


class TestLatentEnergy:
    def test_it_is_the_energy_of_what_is_generated(self):
        """β E(G(z)), and ½ ‖z‖² more with the prior."""
        z, weight = numbers(2, 5, 3), numbers(3, 4, seed=1)

        def energy(x):
            return x.square().sum(-1)

        def generator(z):
            return z @ weight

        bare = latent_energy(energy, generator, prior=False)
        full = latent_energy(energy, generator, prior=True, beta=0.5)
        expected = (z @ weight).square().sum(-1)
        torch.testing.assert_close(bare(z), expected)
        torch.testing.assert_close(full(z), 0.5 * expected + z.square().sum(-1) / 2)

    def test_its_chain_draws_codes_of_the_tilted_prior(self):
        """E(x) = ½ x², G(z) = 2z: with the prior N(0, 1/5), without it N(0, 1/4)."""
        for prior, variance in ((True, 1 / 5), (False, 1 / 4)):
            energy = latent_energy(normal, lambda z: 2 * z, prior=prior)
            found = walk(MALA(0.15), energy, numbers(1, 20_000, 1), Draws([1]), 60)
            assert found.state.position.var().item() == pytest.approx(variance, rel=5 * (2 / 20_000) ** 0.5)


def test_kernels_have_names():
    """Each makes its kernel, with a step size of its own if none is given."""
    assert {name: kernel() for name, kernel in KERNELS.items()} == {
        "mala": MALA(0.1),
        "metropolis": Metropolis(0.5),
        "ula": ULA(0.01),
    }


class TestEffectiveSampleSize:
    @pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
    def test_an_autoregression_has_the_known_size(self, rho):
        """x' = ρ x + √(1 − ρ²) ε: S (1 − ρ) / (1 + ρ)."""
        size, noise = 4_000, numbers(4_000, 5, 40)
        draws = [noise[0]]
        for step in noise[1:]:
            draws.append(rho * draws[-1] + (1 - rho**2) ** 0.5 * step)
        found = effective_sample_size(torch.stack(draws))
        assert found.shape == (5, 40)
        assert found.mean().item() == pytest.approx(size * (1 - rho) / (1 + rho), rel=0.05)

    def test_alternating_draws_are_worth_more_than_independent_ones(self):
        """But at most S log₁₀ S."""
        noise = numbers(1_000, 1)
        assert effective_sample_size(torch.stack([noise, -noise], 1).flatten(0, 1)).item() <= 2_000 * 3.31
        assert effective_sample_size(torch.stack([noise, -noise], 1).flatten(0, 1)).item() > 2_000

    def test_chains_that_say_nothing(self):
        """One draw's worth if it never moved, or is one draw; NaN if it is none."""
        assert effective_sample_size(torch.full((50, 2), 0.1)).tolist() == [1, 1]
        assert effective_sample_size(numbers(1, 2)).tolist() == [1, 1]
        assert effective_sample_size(torch.full((50, 1), float("nan"))).isnan().all()
        assert effective_sample_size(numbers(2, 2)).isfinite().all()

    def test_it_is_pyros(self):
        """Pyro estimates it in the same way but for centering; on one chain, within a few per cent."""
        from pyro.ops.stats import effective_sample_size as reference

        states = islice(chain(MALA(0.3), gaussian, numbers(1, 20, 2), Draws([1])), 1_000)
        draws = torch.stack([state.position[0] for state, _, _ in states])
        expected = torch.stack([reference(draws[:, row].unsqueeze(0)) for row in range(20)])
        torch.testing.assert_close(effective_sample_size(draws), expected, rtol=0.03, atol=0)


def langevin_of_pyro(kernel, energy, width, size):
    """A chain of Pyro's HMC with one leapfrog step, its acceptance, and our kernel of the same step size."""
    from pyro.infer import HMC, MCMC

    theirs = HMC(
        potential_fn=lambda p: energy(p["z"]),
        step_size=(2 * kernel.step) ** 0.5,
        num_steps=1,
        adapt_step_size=False,
        adapt_mass_matrix=False,
    )
    with torch.random.fork_rng():
        torch.manual_seed(1)
        run = MCMC(theirs, size, 0, initial_params={"z": torch.zeros(width)}, disable_progbar=True)
        run.run()
    return run.get_samples()["z"], run.diagnostics()["acceptance rate"]["chain 0"], kernel


def random_walk_of_pyro(kernel, energy, width, size):
    """The same of its random walk, which adapts its step once even if told not to."""
    import pyro
    from pyro.distributions import MultivariateNormal, Normal
    from pyro.infer import MCMC
    from pyro.infer.mcmc.rwkernel import RandomWalkKernel

    def model():
        if energy is gaussian:
            pyro.sample("v", MultivariateNormal(torch.zeros(width), COVARIANCE))
        else:
            scale = (pyro.sample("v", Normal(torch.zeros(1), 1).to_event(1)) / 2).exp()
            pyro.sample("x", Normal(0, scale.expand(width - 1)).to_event(1))

    theirs = RandomWalkKernel(model, init_step_size=kernel.step)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        run = MCMC(theirs, size, 0, disable_progbar=True)
        run.run()
    draws = torch.cat(list(run.get_samples().values()), -1)
    return draws, run.diagnostics()["acceptance rate"]["chain 0"], replace(kernel, step=exp(theirs._log_step_size))


@TARGETS
class TestBesidePyro:
    """Its HMC with one leapfrog step of size e is MALA with a = e² / 2."""

    def test_one_leapfrog_step_is_a_langevin_step(self, energy, width):
        """The same proposal, and the change of the Hamiltonian is −log r."""
        from pyro.ops.integrator import velocity_verlet

        a, z = 0.3, numbers(1, 200, width, dtype=torch.float64)
        momentum = numbers(1, 200, width, seed=1, dtype=torch.float64)
        moved, kicked, _, _ = velocity_verlet(
            {"z": z}, {"z": momentum}, lambda p: energy(p["z"]).sum(), lambda r: r, (2 * a) ** 0.5
        )
        here, there = init(energy, z), init(energy, moved["z"])
        torch.testing.assert_close(moved["z"], z - a * here.gradient + (2 * a) ** 0.5 * momentum)
        hamiltonian = there.energy - here.energy + normal(kicked["z"]) - normal(momentum)
        ratio = MALA().log_ratio(here, there, torch.tensor([a], dtype=torch.float64))
        torch.testing.assert_close(ratio, -hamiltonian)

    @CORRECTED
    def test_its_chains_have_the_same_law_and_pace(self, kernel, energy, width):
        """Means and squares within five standard errors, acceptance within 0.04, effective size among our forty."""
        from pyro.ops.stats import effective_sample_size as reference

        size, rows = 2_500, 40
        run = langevin_of_pyro if isinstance(kernel, MALA) else random_walk_of_pyro
        theirs, acceptance, kernel = run(kernel, energy, width, size)
        links = list(islice(chain(kernel, energy, spread(energy, numbers(1, rows, width)), Draws([1])), size))
        ours = torch.stack([state.position[0] for state, _, _ in links])

        accepted = torch.stack([moved for _, moved, _ in links]).float().mean().item()
        assert accepted == pytest.approx(acceptance, abs=0.04)
        for statistic in (torch.clone, torch.square):
            here, there = (statistic(whitened(energy, draws)) for draws in (ours, theirs))
            paces, pace = effective_sample_size(here), reference(there.unsqueeze(0))
            torch.testing.assert_close(effective_sample_size(there), pace, rtol=0.05, atol=0)
            error = (here.var((0, 1)) * (1 / paces.sum(0) + 1 / pace)).sqrt()
            assert ((here.mean((0, 1)) - there.mean(0)).abs() < 5 * error).all()
            assert ((paces.amin(0) < pace) & (pace < paces.amax(0))).all()
