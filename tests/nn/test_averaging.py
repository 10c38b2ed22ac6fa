"""A network and the mean of its parameters: weights of the mean, what moves it, and who sees it."""

import pytest
import torch
from torch import nn

from oodles.nn import Averaged, BatchNorm, Dense, Draws, Dropout, Linear, dcgan_trunk, initialize
from oodles.training import Minimizer, Model, Resident, Schedule, fixed_threads, loop, parallel, threads, train
from oodles.training.model import of_members

PICTURES = (1, 6, 5)


class Smooth(Model):
    """An energy with a gradient penalty, low on the rows and high on noise; asked in evaluation, the mean answers."""

    players = ("energy",)

    def __init__(self, members, decay=0.9):
        super().__init__()
        self.members = members
        trunk = dcgan_trunk(PICTURES, members, width=2)
        head = Linear(trunk.features, 1, members)
        self.energy = Averaged(nn.Sequential(trunk, BatchNorm(trunk.features, members), Dropout(0.1), head), decay)

    def step(self, x, minimize):
        noise = self.draws.normal(*x.shape[1:]).requires_grad_()
        (slope,) = torch.autograd.grad(self.energy(noise).sum(), noise, create_graph=True)
        loss = (self.energy(x) - self.energy(noise)).mean((1, 2)) + slope.square().sum(-1).mean(-1)
        minimize(loss, over=self.energy)
        self.energy.follow()
        return {"loss": loss.detach()}

    def criterion(self, x):
        return self.energy(x)[..., 0].square()


def ready(seeds, **more):
    """A model that is initialized, in evaluation as detectors leave it."""
    model = Smooth(len(seeds), **more)
    model.draws = Draws(seeds)
    initialize(model, model.draws)
    return model.eval()


def trained(seeds, decay=0.9, **more):
    """A model after a short training."""
    model = ready(seeds, decay=decay)
    schedule = Schedule(**{"epochs": 5, "batch_size": 16, "lr": 0.01, "patience": 9, "chunk": 16, **more})
    x = torch.randn(40, 30, generator=torch.Generator().manual_seed(0))
    train(model, Resident(x), x[:16], schedule, seeds=seeds)
    return model


def places(network):
    """Parameters of the network, and their means."""
    return [(moving.detach(), mean) for mean, moving in network.mean.pairs()]


def move(network, by):
    """Add a number to every parameter, and let the mean follow."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(by)
    network.follow()


class TestFormula:
    @pytest.mark.parametrize("decay", [0.0, 0.5, 0.75, 0.999])
    def test_the_mean_follows(self, decay):
        """mean ← mean + max(1 - decay, 1 / (t + 1)) · (moving - mean), from the first step on."""
        network = Averaged(Dense(3, 2, (4,), 2).double(), decay)
        initialize(network, Draws([0, 1]))
        expected = [torch.zeros_like(mean) for _, mean in places(network)]
        for t in range(7):
            move(network, t**2)
            for number, (moving, mean) in enumerate(places(network)):
                expected[number] += max(1 - decay, 1 / (t + 1)) * (moving - expected[number])
                torch.testing.assert_close(mean, expected[number])

    def test_at_first_it_is_the_plain_mean_of_all_steps(self):
        """The initial parameters have no part in it: places 1, 3, 6 have the mean 10/3."""
        network = Averaged(Linear(3, 2, 1), 0.999)
        for by in (1, 2, 3):
            move(network, by)
        for _, mean in places(network):
            torch.testing.assert_close(mean, torch.full_like(mean, 10 / 3))

    def test_without_decay_it_is_the_network(self):
        """To the last bit, after training too."""
        for model in (trained([1, 2], decay=0.0), ready([1, 2], decay=0.0)):
            assert all(torch.equal(moving, mean) for moving, mean in places(model.energy))
            x = torch.ones(2, 4, 30)
            assert torch.equal(model.energy.eval()(x), model.energy.moving(x))


class TestStart:
    def test_the_mean_starts_where_the_network_starts(self):
        """It draws nothing: the network, and what comes after it, starts as it would without a mean."""
        alone, draws = dcgan_trunk(PICTURES, 2, width=2), [Draws([5, 6]), Draws([5, 6])]
        network = Averaged(dcgan_trunk(PICTURES, 2, width=2), 0.9)
        for times in range(2):  # the second start forgets the first
            initialize(alone, draws[0])
            initialize(network, draws[1])
            assert torch.equal(draws[0].state(), draws[1].state())
            for parameter, (moving, mean) in zip(alone.parameters(), places(network), strict=True):
                assert torch.equal(parameter.detach(), moving)
                assert torch.equal(moving, mean)
            assert not network.mean.steps.any()
            move(network, times + 1)

    def test_a_mean_is_a_buffer_with_a_member_axis(self):
        """No optimizer sees it; a state has it, and restores it in another network."""
        network, other = (Averaged(dcgan_trunk(PICTURES, 3, width=2), 0.9) for _ in range(2))
        initialize(network, Draws([1, 2, 3]))
        assert [*network.parameters()] == [*network.moving.parameters()]
        move(network, 1)
        move(network, 1)
        state = network.state_dict()
        assert len(state) == 2 * len([*network.parameters()]) + 1
        assert {len(tensor) for tensor in state.values()} == {3}
        other.load_state_dict(state)
        x = torch.ones(3, 2, 30)
        assert torch.equal(other.eval()(x), network.eval()(x))
        assert not torch.equal(network(x), network.train()(x))


class TestModes:
    def test_training_asks_the_network_and_evaluation_the_mean(self):
        """In evaluation the running moments are the network's, and inputs have gradients."""
        model = trained([1, 2])
        energy, x = model.energy.eval(), Draws([3, 4]).normal(4, 30).requires_grad_()
        copy = Smooth(2).energy.moving.eval()
        copy.load_state_dict(dict(energy.moving.named_buffers()), strict=False)
        with torch.no_grad():
            for parameter, (_, mean) in zip(copy.parameters(), places(energy), strict=True):
                parameter.copy_(mean)
        assert torch.equal(energy(x), copy(x))
        assert not torch.equal(energy(x), energy.moving(x))
        for network in (energy, copy):
            assert torch.autograd.grad(network(x).sum(), x)[0].any()

    def test_several_inputs_are_handed_on(self):
        """As to the network itself."""
        network = Averaged(nn.Bilinear(2, 2, 1), 0.5)
        x = torch.ones(3, 2)
        assert torch.equal(network(x, x), network.moving(x, x))
        assert not network.eval()(x, x).any()  # nobody has started it


class TestTraining:
    def test_the_mean_is_of_the_members(self):
        """It is kept with the best weights, and a minimizer moves the network and not the mean."""
        model, x = ready([1, 2]).train(), Draws([3, 4]).normal(16, 30)
        names = {f"energy.mean.{name}" for name in model.energy.mean.state_dict()}
        assert names < of_members(model).keys()
        before = [mean.clone() for _, mean in places(model.energy)]
        minimize = Minimizer(model, lambda parameters: torch.optim.SGD(parameters, lr=0.1))
        minimize(model.energy(x).square().mean((1, 2)), over=model.energy)
        for old, (moving, mean) in zip(before, places(model.energy), strict=True):
            assert torch.equal(old, mean)
            assert moving.dim() < 5 or not torch.equal(old, moving)  # kernels
        model.energy.follow()
        assert all(torch.equal(*pair) for pair in places(model.energy))

    def test_members_together_equal_members_alone(self):
        """Bit for bit, recorded or not."""
        together = trained([7, 8, 9], repeat=True).state_dict()
        called = trained([7, 8, 9]).state_dict()
        for m in range(3):
            alone = trained([7 + m], repeat=True).state_dict()
            for name, tensor in together.items():
                assert torch.equal(tensor[m : m + 1], alone[name]), name
                assert torch.equal(tensor, called[name]), name

    def test_members_in_threads_of_their_own_have_the_same_means(self, monkeypatch):
        """The groups write to the model's own memory."""
        with fixed_threads(1):
            expected = trained([7, 8, 9], repeat=True).state_dict()
        monkeypatch.setattr(threads, "SMALL", 0.0)
        monkeypatch.setattr(threads, "BALANCED", 0.0)
        with fixed_threads(2):
            apart = trained([7, 8, 9], repeat=True).state_dict()
        assert expected["energy.mean.steps"].flatten().min() > 1
        assert all(torch.equal(apart[name], tensor) for name, tensor in expected.items())

    def test_a_part_shares_the_means_and_has_its_own_network(self):
        """Following in the part is following in the model, for these members."""
        model = ready([1, 2, 3])
        some = parallel.part(model, slice(1, 3))
        assert some.energy.mean.moving[0] is some.energy.moving
        move(some.energy, 1)
        for (moving, mean), (theirs, _) in zip(places(model.energy), places(some.energy), strict=True):
            assert torch.equal(moving[1:], theirs)
            assert torch.equal(moving, mean)
        assert model.energy.mean.steps.flatten().tolist() == [0, 1, 1]

    def test_a_resumed_run_ends_where_it_would_have(self, monkeypatch, tmp_path):
        """Means and steps are part of a checkpoint."""
        expected, add = trained([7, 8]).state_dict(), loop.Run.add

        def stopping(run, logs):
            add(run, logs)
            if run.steps == 7:
                raise KeyboardInterrupt

        more = {"checkpoint": tmp_path / "run", "every": 0.0}
        with monkeypatch.context() as patch:
            patch.setattr(loop.Run, "add", stopping)
            with pytest.raises(KeyboardInterrupt):
                trained([7, 8], **more)
        resumed = trained([7, 8], **more).state_dict()
        assert all(torch.equal(resumed[name], tensor) for name, tensor in expected.items())
