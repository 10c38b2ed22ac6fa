"""Gradient steps: one player moves, the others stand still, and a stale graph is an error."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam

from oodles.nn import Dense, Draws, initialize
from oodles.training import LossModel, Minimize, Minimizer, Model


class Number(nn.Module):
    """A player with one number for each member."""

    def __init__(self, start, members):
        super().__init__()
        self.value = nn.Parameter(start + torch.arange(float(members))[:, None])


class Game(Model):
    """Two players a and b: a descends (a b + a)², b descends (a b - b)²."""

    players = ("first", "second")

    def __init__(self, members=2):
        super().__init__()
        self.members = members
        self.first, self.second = Number(0.5, members), Number(2.0, members)

    def losses(self):
        """Both players' losses, (M,) each."""
        a, b = self.first.value[:, 0], self.second.value[:, 0]
        return (a * b + a).square(), (a * b - b).square()

    def step(self, x, minimize):
        raise NotImplementedError

    def criterion(self, x):
        raise NotImplementedError


def slopes(a, b):
    """By hand: d(ab + a)²/da and d(ab - b)²/db."""
    return 2 * (a * b + a) * (b + 1), 2 * (a * b - b) * (a - 1)


def numbers(game):
    """Where both players stand, (M,) each."""
    return [player.value.detach()[:, 0].clone() for player in (game.first, game.second)]


@pytest.fixture
def game():
    """A fresh game with plain gradient descent, whose steps can be computed by hand."""
    model = Game()
    return model, Minimizer(model, partial(SGD, lr=0.01))


def test_only_the_named_player_moves(game):
    """The other keeps every number."""
    model, minimize = game
    a, b = numbers(model)
    minimize(model.losses()[1], over=model.second)
    assert torch.equal(numbers(model)[0], a)
    torch.testing.assert_close(numbers(model)[1], b - 0.01 * slopes(a, b)[1])


def test_alternating_moves_see_each_other(game):
    """The second player's loss, taken after the first moved, is that of the new position."""
    model, minimize = game
    a, b = numbers(model)
    minimize(model.losses()[0], over=model.first)
    minimize(model.losses()[1], over=model.second)
    moved = a - 0.01 * slopes(a, b)[0]
    torch.testing.assert_close(numbers(model)[0], moved)
    torch.testing.assert_close(numbers(model)[1], b - 0.01 * slopes(moved, b)[1])


def test_simultaneous_moves_do_not(game):
    """Every gradient is taken before any player steps, in either order, and of one shared loss."""
    model, minimize = game
    a, b = numbers(model)
    first, second = model.losses()
    minimize.together((second, model.second), (first, model.first))
    torch.testing.assert_close(numbers(model)[0], a - 0.01 * slopes(a, b)[0])
    torch.testing.assert_close(numbers(model)[1], b - 0.01 * slopes(a, b)[1])
    (a, b), shared = numbers(model), model.losses()[0]
    minimize.together((shared, model.first), (-shared, model.second))
    torch.testing.assert_close(numbers(model)[0], a - 0.01 * slopes(a, b)[0])
    torch.testing.assert_close(numbers(model)[1], b + 0.01 * 2 * (a * b + a) * a)


@pytest.mark.parametrize("optimizer", [partial(SGD, lr=0.1), partial(Adam, lr=0.1, fused=True)])
def test_a_stale_graph_is_an_error(optimizer):
    """A loss taken before another player moved no longer has a gradient: it raises instead of being wrong."""
    model = Game()
    minimize = Minimizer(model, optimizer)
    first, second = model.losses()
    minimize(first, over=model.first)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        minimize(second, over=model.second)
    again = model.losses()[0]
    minimize(again, over=model.first)
    with pytest.raises(RuntimeError, match="second time"):
        minimize(again, over=model.first)


@pytest.mark.parametrize("optimizer", [partial(SGD, lr=0.1), partial(Adam, lr=0.1, fused=True)])
def test_each_member_moves_by_its_own_loss(optimizer):
    """A member's step does not change when another member's loss is a million times larger."""
    ends = []
    for weight in (1.0, 1e6):
        model = Game()
        minimize = Minimizer(model, optimizer)
        minimize(model.losses()[0] * torch.tensor([1.0, weight]), over=model.first)
        ends.append(numbers(model)[0])
    assert ends[0][0] == ends[1][0]


def test_the_learning_rate_is_scaled_from_the_first_one(game):
    """Two calls do not multiply: 0.5 and then 0.1 is a tenth of the first rate."""
    model, minimize = game
    minimize.scale_lr(0.5)
    minimize.scale_lr(0.1)
    a, b = numbers(model)
    minimize(model.losses()[0], over=model.first)
    torch.testing.assert_close(numbers(model)[0], a - 0.001 * slopes(a, b)[0])


def test_a_restored_optimizer_continues_bit_for_bit():
    """`state` holds everything that Adam remembers, for each player."""
    model, other = Game(), Game()
    minimize, resumed = (Minimizer(game, partial(Adam, lr=0.1, fused=True)) for game in (model, other))

    def play(game, moves, rounds):
        for _ in range(rounds):
            moves(game.losses()[0], over=game.first)
            moves(game.losses()[1], over=game.second)

    play(model, minimize, 3)
    other.load_state_dict(model.state_dict())
    resumed.restore({name: value.clone() for name, value in minimize.state().items()})
    play(model, minimize, 3)
    play(other, resumed, 3)
    assert all(torch.equal(a, b) for a, b in zip(numbers(model), numbers(other), strict=True))


class Regression(LossModel):
    """A network that learns to give back its rows."""

    def __init__(self):
        super().__init__()
        self.members = 2
        self.network = Dense(4, 4, (8,), 2)
        initialize(self.network, Draws([0, 1]))

    def loss(self, x):
        return (self.network(x) - x).square().mean(-1)

    def criterion(self, x):
        return self.loss(x)


def test_a_loss_model_makes_one_move_of_the_whole_model():
    """Its step hands the batch's mean loss (M,) to `minimize`, over itself, and logs it without a graph."""
    model, moves = Regression(), []

    class Spy:
        def __call__(self, loss, *, over):
            moves.append((loss, over))

        def together(self, *moves):
            raise NotImplementedError

    x = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))
    logs = model.step(x, Spy())
    assert [over for _, over in moves] == [model]
    assert torch.equal(moves[0][0], model.loss(x).mean(-1))
    assert torch.equal(logs["loss"], moves[0][0])
    assert not logs["loss"].requires_grad
    assert isinstance(Spy(), Minimize)
    assert isinstance(Minimizer(model, partial(SGD, lr=1)), Minimize)


def test_a_model_without_players_moves_as_a_whole():
    """Descending one batch's loss lowers it, for each member."""
    model = Regression()
    minimize = Minimizer(model, partial(Adam, lr=0.01, fused=True))
    x = torch.randn(2, 6, 4, generator=torch.Generator().manual_seed(0))
    before = model.loss(x).mean(-1)
    for _ in range(50):
        model.step(x, minimize)
    assert (model.loss(x).mean(-1) < 0.5 * before).all()
