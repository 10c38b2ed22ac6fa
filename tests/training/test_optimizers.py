"""RMSProp, by hand; NAdam, beside PyTorch's."""

import pytest
import torch
from torch import nn

from oodles.detectors import VAE
from oodles.training import OPTIMIZERS, RMSProp
from oodles.training.capture import repeated
from oodles.training.optimizers import NAdam


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


def walk(optimizer, number, steps):
    """Where a number is after each step downhill on a wave, with a gradient that vanishes now and then."""
    for t in range(steps):
        number.grad = number.detach().sin() * (t % 7 > 0) + 0.1 * number.detach()
        optimizer.step()
        yield number.detach().clone()


def test_nadam_is_pytorchs():
    """Step by step, to rounding, with settings of its own; the learning rate may be a tensor that changes."""
    ours, theirs = (nn.Parameter(torch.linspace(-3, 5, 40, dtype=torch.float64)) for _ in range(2))
    settings = {"betas": (0.8, 0.99), "momentum_decay": 0.02}
    rate = torch.tensor(0.05, dtype=torch.float64)
    mine = NAdam([ours], lr=rate, epsilon=1e-7, **settings)
    reference = torch.optim.NAdam([theirs], lr=0.05, eps=1e-7, **settings)
    for t, (here, there) in enumerate(zip(walk(mine, ours, 300), walk(reference, theirs, 300), strict=True)):
        # PyTorch keeps the product of the momenta in float32, whatever the parameters are.
        torch.testing.assert_close(here, there, rtol=1e-6, atol=1e-7)
        if t == 100:
            rate.fill_(0.02)
            reference.param_groups[0]["lr"] = 0.02


def test_nadams_defaults_are_pytorchs():
    """In float32, as networks are trained."""
    ours, theirs = (nn.Parameter(torch.linspace(-3, 5, 40)) for _ in range(2))
    *_, here = walk(NAdam([ours], lr=torch.tensor(0.01)), ours, 500)
    *_, there = walk(torch.optim.NAdam([theirs], lr=0.01), theirs, 500)
    torch.testing.assert_close(here, there, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [NAdam, RMSProp])
def test_a_recorded_step_is_a_step(kind):
    """No number is looked at: what was recorded goes on counting, and gives the same bits."""

    def moved(record):
        number = nn.Parameter(torch.linspace(-3, 5, 48))
        number.grad = torch.zeros_like(number)
        optimizer = kind([number], lr=torch.tensor(0.01))

        def step():
            with torch.no_grad():
                number.grad.copy_(number.sin())
            optimizer.step()
            return {}

        again = repeated(step, number.device) if record else step
        for _ in range(50):
            again()
        return number.detach(), getattr(again, "tape", None)

    (recorded, tape), (plain, _) = moved(True), moved(False)
    assert tape.calls
    assert not tape.looked
    assert torch.equal(recorded, plain)


def test_nadam_goes_on_from_a_checkpoint(tmp_path):
    """Stopped and resumed, it ends with the bits of a run that never stopped."""
    rows = torch.randn(300, 4, generator=torch.Generator().manual_seed(0)).numpy()
    small = {"hidden": (8,), "members": 2, "optimizer": "nadam", "random_state": 0, "early_stopping": False}
    expected = VAE(**small, epochs=6).fit(rows).model_.state_dict()
    stopped = VAE(**small, epochs=6, checkpoint=tmp_path / "run")
    from oodles.training import loop

    look, looks = loop.look, []

    def stopping(run, prices, schedule):
        looks.append(run.epoch)
        over = look(run, prices, schedule)
        if run.epoch == 3 and len(looks) == 3:
            run.save(schedule)
            raise KeyboardInterrupt
        return over

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "look", stopping)
        with pytest.raises(KeyboardInterrupt):
            stopped.fit(rows)
    resumed = VAE(**small, epochs=6, checkpoint=tmp_path / "run").fit(rows).model_.state_dict()
    assert all(torch.equal(resumed[name], tensor) for name, tensor in expected.items())


@pytest.mark.parametrize("kind", [NAdam, RMSProp])
def test_a_parameter_without_gradient_stays(kind):
    """And has no memory."""
    number = nn.Parameter(torch.ones(1))
    optimizer = kind([number])
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
