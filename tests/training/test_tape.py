"""A recorded function says, bit for bit, what it would have said if it had been called."""

from functools import partial

import numpy as np
import pytest
import torch
from torch.nn.functional import silu

from oodles.detectors import NAMES
from oodles.detectors.neural import NeuralDetector
from oodles.training import Chunks, Schedule, tape
from oodles.training.tape import PLAIN, Recorded

TRAINED = {name: kind for name, kind in NAMES.items() if issubclass(kind, NeuralDetector)}

NETWORK = [torch.randn(3, 8, 16), torch.randn(3, 16, 16)]


def follows(function, inputs, *, rounds=PLAIN + 5):
    """Call a function and its recording with the same inputs, and compare every result."""
    recorded = Recorded(function)
    generator = torch.Generator().manual_seed(0)
    for _ in range(rounds):
        for tensor in inputs:
            tensor.copy_(torch.randn(tensor.shape, generator=generator))
        expected = function().clone()
        assert torch.equal(recorded(), expected)
    return recorded


def branched(x):
    """One of two results."""
    return -x if x.sum() > 0 else x * 3


def selected(x):
    """A sum over as many numbers as are positive."""
    return x[x > 0].sum()


class TestRecorded:
    def test_python_runs_no_more(self):
        """Some plain calls, one that is recorded, and then none."""
        calls, x = [], torch.zeros(4)

        def twice():
            calls.append(1)
            return x * 2

        recorded = Recorded(twice)
        for i in range(PLAIN + 6):
            x.fill_(i)
            assert torch.equal(recorded(), torch.full((4,), 2.0 * i))
        assert len(calls) == PLAIN + 1

    def test_gradients_views_and_results_in_several_pieces_are_followed(self):
        """Products, slices, concatenations, sorted pieces and gradients."""
        x = torch.zeros(3, 32, 8)

        def loss():
            first, second = (weight.detach().requires_grad_() for weight in NETWORK)
            y = silu(x @ first)[..., :11]
            y = torch.cat([y, y.new_ones(3, 32, 5)], -1) @ second
            values, places = y.sort(dim=1)
            gradients = torch.autograd.grad((values.square() * places).mean(), (first, second))
            return torch.cat([gradient.flatten(1) for gradient in gradients], 1)

        follows(loss, [x])

    def test_numbers_that_change_in_place_are_followed(self):
        """A running sum grows with every call; what is filled with zeros first is filled again."""
        x, total = torch.zeros(5), torch.zeros(5)
        recorded, expected = Recorded(lambda: total.add_(x.clone().zero_().add_(x).relu_())), torch.zeros(5)
        for i in range(-2, 8):
            x.fill_(i)
            expected += max(i, 0)
            assert torch.equal(recorded(), expected)

    def test_random_numbers_go_on(self):
        """A generator is read anew each time: the stream is that of plain calls."""
        streams = [torch.Generator().manual_seed(3) for _ in range(2)]

        def drawn(generator):
            noise = torch.empty(7)
            for half in (noise[:3], noise[3:]):
                half.normal_(generator=generator)
            return noise + torch.rand(7, generator=generator) + torch.randperm(7, generator=generator)

        recorded = Recorded(partial(drawn, streams[0]))
        for _ in range(PLAIN + 4):
            assert torch.equal(recorded(), drawn(streams[1]))

    def test_what_looks_at_a_number_is_called_each_time(self):
        """A branch on a tensor cannot be repeated blindly, and is not; nor is a result of unknown size."""
        x = torch.zeros(6)
        for function in (partial(branched, x), partial(selected, x)):
            assert follows(function, [x]).tape.calls == []

    def test_only_what_changes_and_is_read_is_repeated(self):
        """Constants, shapes and results that nobody reads cost nothing."""
        x = torch.zeros(6)

        def wasteful():
            constant = torch.ones_like(x).mul(3).exp()
            x.cos()
            return (x.view(2, 3).T.flatten().neg() * constant[:1]).view(3, 2)

        names = [call[0].__name__ for call in follows(wasteful, [x]).tape.calls]
        assert names == ["copy_", "neg", "mul"]

    @pytest.mark.parametrize("looks", [False, True])
    def test_a_copy_is_saved_only_if_nobody_can_tell(self, looks):
        """The product writes to its copy's place at once, unless someone looks at that place in between."""
        x, places = torch.zeros(2, 3), [torch.zeros(2, 3), torch.zeros(2, 3)]

        def moved():
            made = [x * 2, x * 3]
            seen = places[0] + 1 if looks else x
            torch._foreach_copy_(places, made)
            return seen + places[0] + places[1]

        recorded = Recorded(moved)
        for i in range(PLAIN + 4):
            x.fill_(i)
            was = places[0].clone()
            assert torch.equal(recorded(), (was + 1 if looks else x) + 2 * x + 3 * x)
        names = [call[0].__name__ for call in recorded.tape.calls]
        assert names.count("_foreach_copy_") == int(looks)


@pytest.mark.parametrize(("kind", "likelihood"), [("table", "auto"), ("holes", "gaussian-row"), ("pictures", "auto")])
@pytest.mark.parametrize("name", TRAINED)
def test_repeated_training_equals_training(monkeypatch, name, kind, likelihood):
    """Weights, history and scores: bit for bit, with early stopping, whether steps are repeated or called."""
    rng = np.random.default_rng(0)
    if kind == "pictures":
        rows = rng.integers(0, 256, (40, 8, 8), dtype=np.uint8)
    else:
        rows = rng.normal(size=(400, 11)) @ rng.normal(size=(11, 11))
        rows[:, 2] = rows[:, 2] > 0
        rows[:: 7 if kind == "holes" else 1000, 3] = np.nan
    known = {"likelihood": likelihood} if "likelihood" in TRAINED[name]().get_params() else {}
    detector = TRAINED[name](members=2, epochs=6, batch_size=32, random_state=0, **known)
    repeated = detector.fit(rows)
    kept, history, scores = repeated.model_.state_dict(), repeated.history_, repeated.anomaly_score(np.tile(rows, 1))
    monkeypatch.setattr(tape, "PLAIN", 10**9)
    called = TRAINED[name](**detector.get_params()).fit(rows)
    assert called.history_ == history
    assert all(torch.equal(tensor, kept[key]) for key, tensor in called.model_.state_dict().items())
    assert np.array_equal(called.anomaly_score(rows), scores)


def test_rows_with_and_without_holes_score_alike_beside_each_other():
    """What is recorded for whole rows is never used for rows with missing cells."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(3000, 6))
    detector = TRAINED["VAE"](members=1, epochs=1, random_state=0).fit(rows)
    holed = rows.copy()
    holed[2500, 2] = np.nan
    whole, some = detector.anomaly_score(rows), detector.anomaly_score(holed)
    assert np.isfinite(some).all()
    assert np.array_equal(np.delete(whole, 2500), np.delete(some, 2500))


def test_chunks_outlive_a_change_of_weights():
    """A recorded criterion reads the parameters where they lie: it follows them."""
    weight = torch.ones(1, 2, 1)
    apply = Chunks(lambda x: (x @ weight)[..., 0], members=1, chunk=2)
    for factor in range(8):
        weight.fill_(factor)
        assert torch.equal(apply(torch.ones(5, 2)), torch.full((1, 5), 2.0 * factor))


def test_a_schedule_repeats_nothing_unless_told_to():
    """A `step` may do more than compute; who knows that it does not says so."""
    assert not Schedule(epochs=1, batch_size=1, lr=1.0, patience=None, chunk=1).repeat
