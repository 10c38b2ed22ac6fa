"""Proposals around samples: their density is known, and means weighed by it are right."""

import math

import torch

from oodles.nn import Draws
from oodles.sampling import proposed


def test_the_density_of_proposals_is_that_of_the_mixture():
    """log q, spelled out."""
    centers = Draws([0, 1]).normal(5, 3)
    x, log_q = proposed(centers, Draws([2, 3]), (0.1, 2.0))
    assert x.shape == centers.shape
    for member in range(2):
        for row in range(5):
            parts = [
                torch.distributions.Normal(center, std).log_prob(x[member, row]).sum()
                for center in centers[member]
                for std in (0.1, 2.0)
            ]
            expected = torch.stack(parts).logsumexp(0) - math.log(10)
            torch.testing.assert_close(log_q[member, row], expected)


def test_weighed_means_are_means_of_the_target():
    """Z, mean and variance of N(1, 0.5²), with proposals around centers that are somewhere else."""
    x, log_q = proposed(Draws([0]).normal(4000, 1), Draws([1]), (0.2, 1.5))
    energy = (x[..., 0] - 1).square() / (2 * 0.25)
    weights = (-energy - log_q).exp()
    total = math.sqrt(2 * math.pi * 0.25)
    assert abs(weights.mean().item() / total - 1) < 0.05
    weights = weights / weights.sum()
    mean = (weights * x[..., 0]).sum()
    assert abs(mean - 1) < 0.05
    assert abs((weights * (x[..., 0] - mean).square()).sum() - 0.25) < 0.03


def test_members_propose_as_they_would_alone():
    """Each from its own stream, around its own centers."""
    centers = Draws([0, 1]).normal(16, 2)
    both = proposed(centers, Draws([4, 5]), (0.1, 1.0))
    alone = proposed(centers[1:], Draws([5]), (0.1, 1.0))
    assert all(torch.equal(together[1:], one) for together, one in zip(both, alone, strict=True))
