"""Penalties against closed forms."""

import pytest
import torch

from oodles.nn import Draws
from oodles.objectives import gradient, lipschitz_penalty, score_penalty, squared_norm


@pytest.fixture
def slopes():
    """A linear critic's slope for each member, (M, 1, D)."""
    return torch.randn(2, 1, 12, generator=torch.Generator().manual_seed(0))


def test_a_linear_critic_pays_its_slope_squared(slopes):
    """‖∇(w·x)‖² = ‖w‖², wherever x is; the authors' form divides it by the pixels."""
    x = torch.rand(2, 5, 12)

    def critic(v):
        return (v * slopes).sum(-1)

    value, penalty = score_penalty(critic, x)
    expected = slopes.square().sum(-1).expand(2, 5)
    torch.testing.assert_close(value, critic(x))
    torch.testing.assert_close(penalty, expected)
    torch.testing.assert_close(score_penalty(critic, x, (3, 2, 2))[1], expected / 4)


def test_the_penalty_can_be_descended(slopes):
    """Its gradient with respect to the critic's parameters: 2 w."""
    w = slopes.clone().requires_grad_()
    penalty = score_penalty(lambda v: (v * w).sum(-1), torch.rand(2, 5, 12))[1]
    (descent,) = torch.autograd.grad(penalty.mean(-1).sum(), w)
    torch.testing.assert_close(descent, 2 * slopes)


def test_the_authors_form_is_a_mean_over_pixels_of_norms_over_channels():
    """Spelled out: the norm over the channels, squared, averaged."""
    slope = torch.randn(1, 4, 3 * 5 * 2)
    spelled = slope.view(1, 4, 3, 5, 2).norm(dim=2).square().mean((-1, -2))
    torch.testing.assert_close(squared_norm(slope, (3, 5, 2)), spelled)


def test_a_quadratic_energy_has_its_gradient():
    """∇ ½‖x‖² = x."""
    x = torch.randn(1, 6, 3)
    value, slope = gradient(lambda v: v.square().sum(-1) / 2, x)
    torch.testing.assert_close(slope, x)
    torch.testing.assert_close(value, x.square().sum(-1) / 2)
    assert not slope.requires_grad


class TestLipschitz:
    def test_a_linear_critic_pays_its_distance_from_slope_one(self, slopes):
        """(‖w‖ - 1)² for every row, and 0 for a slope of length 1."""
        real, fake = torch.rand(2, 5, 12), torch.rand(2, 5, 12)
        penalty = lipschitz_penalty(lambda v: (v * slopes).sum(-1), real, fake, Draws([0, 1]))
        torch.testing.assert_close(penalty, (slopes.norm(dim=-1) - 1).square().expand(2, 5))
        unit = slopes / slopes.norm(dim=-1, keepdim=True)
        penalty = lipschitz_penalty(lambda v: (v * unit).sum(-1), real, fake, Draws([0, 1]))
        torch.testing.assert_close(penalty, torch.zeros(2, 5), atol=1e-9, rtol=0)

    def test_a_row_is_mixed_as_one(self):
        """One ε for all its cells: the point lies on the line between real and fake. The authors' lies in the box."""
        seen = []

        def critic(v):
            seen.append(v.detach())
            return v.sum(-1)

        real, fake = torch.zeros(1, 6, 4), torch.ones(1, 6, 4)
        lipschitz_penalty(critic, real, fake, Draws([0]))
        lipschitz_penalty(critic, real, fake, Draws([0]), (1, 2, 2))
        assert torch.equal(seen[0], seen[0][..., :1].expand(1, 6, 4))
        assert seen[0].unique().numel() == 6
        assert seen[1].unique().numel() == 24

    def test_the_authors_form_wants_slope_one_at_every_pixel(self):
        """A slope of 1 over all of the picture is far from that: (1/√P - 1)² for P pixels of one channel."""
        critic = lambda v: v.sum(-1) / 2  # noqa: E731
        real = fake = torch.zeros(1, 3, 4)
        penalty = lipschitz_penalty(critic, real, fake, Draws([0]), (1, 2, 2))
        torch.testing.assert_close(penalty, torch.full((1, 3), 0.25))

    def test_a_flat_critic_can_be_descended(self):
        """At slope 0 the norm has no derivative; the penalty has one all the same."""
        w = torch.zeros(1, 1, 3, requires_grad=True)
        penalty = lipschitz_penalty(lambda v: (v * w).sum(-1), torch.rand(1, 2, 3), torch.rand(1, 2, 3), Draws([0]))
        assert torch.autograd.grad(penalty.sum(), w)[0].isfinite().all()
