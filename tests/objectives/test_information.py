"""Bounds on mutual information, where it is known."""

import math

import pytest
import torch
from torch import nn

from oodles.nn import Dense, Draws, initialize
from oodles.objectives import INFORMATION, JSD, MINE, InfoNCE, shuffled

CORRELATION = 0.8
KNOWN = -0.5 * math.log(1 - CORRELATION**2)
"""The information of two normal numbers with that correlation, in nats."""


def pairs(rows, members=1, seed=0):
    """Correlated numbers x and z, (M, B, 1) each."""
    draws = Draws(range(seed, seed + members))
    z = draws.normal(rows, 1)
    return CORRELATION * z + math.sqrt(1 - CORRELATION**2) * draws.normal(rows, 1), z, draws


def exact(x):
    """T(x, z) = log p(x, z) / p(x) p(z): the best statistics there are, up to a constant for some bounds."""
    rest = 1 - CORRELATION**2

    def statistics(z):
        square = (x**2 - 2 * CORRELATION * x * z + z**2) / rest - x**2 - z**2
        return (-0.5 * math.log(rest) - square / 2).squeeze(-1)

    return statistics


class TestAtTheBestStatistics:
    def test_mine_is_the_information(self):
        """Donsker and Varadhan's bound is tight there."""
        x, z, draws = pairs(200_000)
        bound = MINE(1).eval()(exact(x), z, shuffled(z, draws))
        assert bound.item() == pytest.approx(KNOWN, abs=0.02)

    def test_infonce_is_nearly_the_information(self):
        """It is smaller, by less the larger the contrast is; and never more than log K."""
        x, z, draws = pairs(100_000)
        bound = InfoNCE(1)(exact(x), z, shuffled(z, draws)).item()
        assert KNOWN - 0.06 < bound < KNOWN + 0.01

    def test_infonce_has_a_ceiling(self):
        """Pairs that can be told apart with certainty have log K, not their own infinite information."""
        z = torch.arange(64.0).view(1, 64, 1)
        bound = InfoNCE(1)(lambda other: -1e3 * (other - z).square().squeeze(-1), z, z)
        assert bound.item() == pytest.approx(math.log(InfoNCE.CONTRAST), rel=1e-4)

    def test_jsd_is_twice_the_divergence_less_a_constant(self):
        """2 JS - 2 log 2, by numerical integration over the plane."""
        x, z, draws = pairs(200_000)
        bound = JSD(1)(exact(x), z, shuffled(z, draws)).item()

        steps = torch.linspace(-6, 6, 601, dtype=torch.float64)
        a, b = torch.meshgrid(steps, steps, indexing="ij")
        apart = torch.exp(-(a**2 + b**2) / 2) / (2 * math.pi)
        rest = 1 - CORRELATION**2
        joint = torch.exp(-(a**2 - 2 * CORRELATION * a * b + b**2) / (2 * rest)) / (2 * math.pi * math.sqrt(rest))
        middle = (joint + apart) / 2
        terms = sum((p * (p / middle).log()).nan_to_num() for p in (joint, apart))
        divergence = terms.sum().item() * float(steps[1] - steps[0]) ** 2 / 2
        assert bound == pytest.approx(2 * divergence - 2 * math.log(2), abs=0.01)

    @pytest.mark.parametrize("name", INFORMATION)
    def test_strangers_have_no_information(self, name):
        """Independent numbers: 0, and -2 log 2 for JSD, whatever the statistics say when they are constant."""
        z = Draws([0]).normal(1000, 2)
        bound = INFORMATION[name](1)(lambda other: other.new_zeros(1, len(other[0])), z, z)
        assert bound.item() == pytest.approx(-2 * math.log(2) if name == "jsd" else 0.0, abs=1e-5)


class Learned(nn.Module):
    """T, to be learned."""

    def __init__(self, members):
        super().__init__()
        self.network = Dense(2, 1, (32, 32), members, activation="leaky")

    def of(self, x):
        return lambda z: self.network(torch.cat([x, z], dim=-1)).squeeze(-1)


@pytest.mark.parametrize("name", INFORMATION)
@pytest.mark.parametrize("by", ["rows", "dimensions"])
def test_learned_statistics_come_near(name, by):
    """A network finds the information of fresh pairs, and JSD's is that of the best statistics."""
    members = 2
    statistics, information = Learned(members), INFORMATION[name](members)
    initialize(statistics, Draws([0, 1]))
    optimizer = torch.optim.Adam(statistics.parameters(), lr=3e-3)
    information.train()
    for step in range(300):
        x, z, draws = pairs(256, members, seed=1000 + 2 * step)
        loss = -information(statistics.of(x), z, shuffled(z, draws, by)).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x, z, draws = pairs(50_000, members, seed=1)
    with torch.no_grad():
        found = information.eval()(statistics.of(x), z, shuffled(z, draws, by))
        best = INFORMATION[name](members).eval()(exact(x), z, shuffled(z, draws, by))
    torch.testing.assert_close(found, best, atol=0.06, rtol=0)


class TestMINE:
    def test_the_corrected_gradient_divides_by_the_average(self):
        """d/dT of the log term is e^T / (B · average): with an average twice the batch's mean, half the plain one."""
        information = MINE(1).train()
        scores = torch.zeros(1, 8, requires_grad=True)
        information.log_average.fill_(math.log(2.0 / (1 - MINE.MOMENTUM) - MINE.MOMENTUM / (1 - MINE.MOMENTUM)))
        z = torch.zeros(1, 8, 1)
        bound = information(lambda _: scores, z, z)
        (slope,) = torch.autograd.grad(bound.sum(), scores)
        # The joint term's gradient is 1/8 each, the log term's 1/8 divided by the average of 2.
        torch.testing.assert_close(slope, torch.full((1, 8), 1 / 8 - 1 / 16))
        assert bound.item() == pytest.approx(0.0, abs=1e-6)

    def test_the_average_starts_at_the_first_batch_and_follows(self):
        """NaN before any batch; each member has its own; in evaluation it stands still."""
        information = MINE(2)
        z = torch.zeros(2, 4, 1)
        assert information.log_average.isnan().all()
        heights = torch.tensor([[1.0], [3.0]]).expand(2, 4)
        information.train()(lambda _: heights, z, z)
        torch.testing.assert_close(information.log_average, torch.tensor([1.0, 3.0]))
        information(lambda _: heights + 1, z, z)
        expected = torch.tensor([1.0, 3.0]) + math.log(1 - MINE.MOMENTUM + MINE.MOMENTUM * math.e)
        torch.testing.assert_close(information.log_average, expected)
        information.eval()(lambda _: heights - 50, z, z)
        torch.testing.assert_close(information.log_average, expected)

    def test_wild_statistics_stay_finite(self):
        """e^T of a T of 1000 overflows, its logarithm does not."""
        information, z = MINE(1).train(), torch.zeros(1, 4, 1)
        assert information(lambda _: torch.full((1, 4), 1000.0), z, z).isfinite().all()


class TestShuffled:
    def test_rows_stay_whole_and_dimensions_do_not(self):
        """The same codes, in other rows: together, or each dimension by itself."""
        z = torch.arange(60.0).view(1, 20, 3)
        rows = shuffled(z, Draws([0]), "rows")
        apart = shuffled(z, Draws([0]), "dimensions")
        assert torch.equal(rows.sort(1).values, z)
        assert torch.equal(apart.sort(1).values, z)
        assert torch.equal(rows[..., 1] - rows[..., 0], torch.ones(1, 20))
        assert not torch.equal(apart[..., 1] - apart[..., 0], torch.ones(1, 20))
        assert not torch.equal(rows, z)

    def test_members_shuffle_as_they_would_alone(self):
        """Each from its own stream."""
        z = torch.rand(2, 16, 3)
        both = shuffled(z, Draws([4, 5]))
        assert torch.equal(both[1:], shuffled(z[1:], Draws([5])))
