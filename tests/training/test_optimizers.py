"""RMSProp, by hand."""

import pytest
import torch
from torch import nn

from oodles.detectors import VAE
from oodles.training import OPTIMIZERS, RMSProp


def test_rmsprop_is_tensorflows():
    """s starts at 1, epsilon stands inside the root, and the decay is 0.9."""
    number = nn.Parameter(torch.tensor([2.0, -1.0], dtype=torch.float64))
    optimizer = RMSProp([number], lr=0.1, decay=0.9, epsilon=1e-10)
    square, expected = torch.ones(2, dtype=torch.float64), number.detach().clone()
    for gradient in ([3.0, -2.0], [0.5, 4.0], [0.0, 1e-6]):
        g = torch.tensor(gradient, dtype=torch.float64)
        number.grad = g
        optimizer.step()
        square = 0.9 * square + 0.1 * g**2
        expected = expected - 0.1 * g / (square + 1e-10) ** 0.5
        torch.testing.assert_close(number.detach(), expected, rtol=1e-12, atol=0)


def test_its_first_steps_are_damped():
    """A gradient of 0.01 moves a number by lr/100 at first, and by lr once the memory of the start has faded."""
    number = nn.Parameter(torch.zeros(1))
    optimizer = RMSProp([number], lr=1.0)
    moves = []
    for _ in range(200):
        before = float(number.detach())
        number.grad = torch.full((1,), 0.01)
        optimizer.step()
        moves.append(before - float(number.detach()))
    assert moves[0] == pytest.approx(0.01 / (0.9 + 1e-5) ** 0.5, rel=1e-3)
    assert moves[-1] == pytest.approx(1.0, rel=1e-2)


def test_a_parameter_without_gradient_stays():
    """And has no memory."""
    number = nn.Parameter(torch.ones(1))
    optimizer = RMSProp([number])
    optimizer.step()
    assert number.item() == 1.0
    assert not optimizer.state


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_members_stay_strangers(name):
    """Whatever the optimizer, a stack equals its members alone, bit for bit."""
    rows = torch.randn(200, 4, generator=torch.Generator().manual_seed(0)).numpy()
    small = {"epochs": 4, "hidden": (8,), "optimizer": name}
    stack = VAE(members=2, random_state=3, **small).fit(rows).model_.state_dict()
    alone = VAE(members=1, random_state=4, **small).fit(rows).model_.state_dict()
    weight = "encoder.1.layers.0.weight"
    assert torch.equal(stack[weight][1], alone[weight][0])
