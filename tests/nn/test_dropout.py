"""Dropout: the members' own streams, nothing in evaluation, the same alone, together and in threads."""

import pytest
import torch
from torch import nn

from oodles.nn import Draws, Dropout, Linear, initialize
from oodles.training import LossModel, Resident, Schedule, fixed_threads, loop, parallel, threads, train
from oodles.training.tape import PLAIN, Recorded


class Forgetful(LossModel):
    """Learns to give rows back, with holes in what it sees and in between."""

    def __init__(self, members):
        super().__init__()
        self.members = members
        widths = Dropout(0.2), Linear(5, 24, members), nn.SiLU(), Dropout(0.5), Linear(24, 5, members)
        self.network = nn.Sequential(*widths)

    def loss(self, x):
        return (self.network(x) - x).square().sum(-1)

    criterion = loss


def rows(n=40):
    """A few rows of five numbers."""
    return torch.randn(n, 5, generator=torch.Generator().manual_seed(0))


def trained(seeds, **more):
    """A model after a short training, and its history."""
    model = Forgetful(len(seeds))
    model.draws = Draws(seeds)
    initialize(model.eval(), model.draws)
    schedule = Schedule(epochs=4, batch_size=16, lr=0.01, patience=None, chunk=16, **more)
    return model, train(model, Resident(rows()), rows(16), schedule, seeds=seeds)


def test_a_share_is_left_out_and_the_rest_makes_up_for_it():
    """Zeros with probability `rate`; the mean stays, and so does the value of what is kept."""
    layer = Dropout(0.3)
    initialize(layer, Draws([0, 1]))
    y = layer(torch.ones(2, 100, 400))
    assert y.unique().tolist() == [0, pytest.approx(1 / 0.7)]
    # 40,000 draws for each member: five standard deviations of a mean with variance 0.3 / 0.7
    assert (y.mean((1, 2)) - 1).abs().max() < 5 * (0.3 / 0.7 / 40_000) ** 0.5
    assert not torch.equal(y[0], y[1])
    assert not torch.equal(y, layer(torch.ones(2, 100, 400)))


def test_evaluation_changes_and_draws_nothing():
    """A layer that nobody initialized is enough for it; so is a rate of 0 in training."""
    x = rows()[None]
    assert Dropout(0.3).eval()(x) is x
    draws = Draws([3])
    for layer in (Dropout(0.3).eval(), Dropout(0.0)):
        initialize(layer, draws)
        assert layer(x) is x
    assert torch.equal(draws.normal(4), Draws([3]).normal(4))


def test_the_global_generator_is_left_alone():
    """Neither read nor written."""
    torch.manual_seed(0)
    before = torch.get_rng_state()
    layer = Dropout(0.3)
    initialize(layer, Draws([0]))
    first = layer(rows()[None])
    assert torch.equal(before, torch.get_rng_state())
    initialize(layer, Draws([0]))
    torch.manual_seed(1)
    assert torch.equal(first, layer(rows()[None]))


def test_a_recording_goes_on_drawing():
    """Repeated kernels leave out what plain calls would."""
    called, recorded = (Dropout(0.4) for _ in range(2))
    for layer in (called, recorded):
        initialize(layer, Draws([1, 2]))
    x = rows(2 * 20).unflatten(0, (2, 20))
    repeated = Recorded(lambda: recorded(x))
    for _ in range(PLAIN + 4):
        assert torch.equal(repeated(), called(x))
    assert repeated.tape.calls


@pytest.mark.parametrize("repeat", [False, True])
def test_members_together_equal_members_alone(repeat):
    """Weights and history, bit for bit, called or recorded."""
    together, history = trained([7, 8, 9], repeat=repeat)
    for m in range(3):
        alone, told = trained([7 + m], repeat=repeat)
        weights = alone.state_dict()
        assert all(torch.equal(tensor[m : m + 1], weights[name]) for name, tensor in together.state_dict().items())
        assert [look[0] for look in told["loss"]] == [look[m] for look in history["loss"]]


@pytest.mark.parametrize("seeds", [[7, 8], [7, 8, 9, 10]])
def test_members_in_threads_of_their_own_leave_out_what_they_would_alone(monkeypatch, seeds):
    """Groups of members draw from their own part of the model's streams, and leave these where one thread does."""
    with fixed_threads(1):
        expected, _ = trained(seeds, repeat=True)
    monkeypatch.setattr(threads, "SMALL", 0.0)
    monkeypatch.setattr(threads, "BALANCED", 0.0)
    started = []
    monkeypatch.setattr(loop, "parted", lambda *given: started.append(given[-1]) or parallel.parted(*given))
    with fixed_threads(2):
        apart, _ = trained(seeds, repeat=True)
    assert started == [2]
    for name, tensor in expected.state_dict().items():
        assert torch.equal(apart.state_dict()[name], tensor), name
    assert torch.equal(apart.draws.normal(4), expected.draws.normal(4))


def test_a_part_of_a_model_has_one_set_of_streams():
    """Every layer of the copy draws from the copy's streams, which are the model's own generators."""
    model = Forgetful(3)
    model.draws = Draws([1, 2, 3])
    initialize(model, model.draws)
    some = parallel.part(model, slice(1, 3))
    layers = [layer for layer in some.modules() if isinstance(layer, Dropout)]
    assert [layer.draws is some.draws for layer in layers] == [True, True]
    assert some.draws is not model.draws
    assert some.draws.generators == model.draws.generators[1:]
    assert model.draws.members == 3
