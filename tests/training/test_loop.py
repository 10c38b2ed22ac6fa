"""The engine keeps its promises: members are strangers, the best weights win, and nothing outside is touched."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from oodles.detectors import NAMES, VAE, AutoEncoder, neural
from oodles.detectors.adversaries import AdversarialDetector
from oodles.detectors.neural import NeuralDetector
from oodles.errors import ParameterError
from oodles.nn import Draws
from oodles.training import (
    Chunks,
    Model,
    Resident,
    Schedule,
    compiling,
    fixed_threads,
    loop,
    parallel,
    threads,
    train,
)

TRAINED = {name: kind for name, kind in NAMES.items() if issubclass(kind, NeuralDetector)}


class Walk(Model):
    """One number for each member, which grows by 1 with every step; `price` says how good a place is."""

    def __init__(self, price, members=2):
        super().__init__()
        self.members, self.price, self.seen, self.threads = members, price, [], []
        self.draws = Draws(range(members))
        self.place = nn.Module()
        self.place.weight = nn.Parameter(torch.zeros(members, 1))

    def step(self, x, minimize):  # noqa: ARG002 - it moves by itself
        self.seen.append(x.clone())
        self.threads.append(torch.get_num_threads())
        self.place.weight.data += 1
        return {"loss": self.place.weight.detach().flatten().clone()}

    def criterion(self, x):
        places = self.place.weight.detach().flatten()
        prices = [self.price(m, float(place)) for m, place in enumerate(places)]
        return torch.tensor(prices)[:, None].expand(x.shape[:2])

    def stands(self):
        """Where each member is, as numbers."""
        return self.place.weight.detach().flatten().tolist()


def walked(price, *, epochs=12, patience=3, rows=4, batch_size=8, seeds=(0, 1)):
    """A model after training, and its history."""
    model = Walk(price, members=len(seeds))
    x = torch.arange(float(rows))[:, None]
    schedule = Schedule(epochs=epochs, batch_size=batch_size, lr=0.1, patience=patience, chunk=8)
    return model, train(model, Resident(x), x[:1], schedule, seeds=list(seeds))


class TestEarlyStopping:
    def test_every_member_gets_its_own_best_weights_back(self):
        """Member 0 is best at 3 and member 1 at 6; training ends when neither has improved for 3 epochs."""
        model, history = walked(lambda m, place: abs(place - (3, 6)[m]))
        assert model.stands() == [3, 6]
        assert len(history["validation_loss"]) == 9
        assert history["loss"][-1] == [9, 9]
        assert not model.training

    def test_a_member_that_stopped_does_not_come_back(self):
        """Alone, it would have ended before its second, better place: in company it does not see it either."""
        model, _ = walked(lambda m, place: -place if m else (-9 if place == 8 else abs(place - 3)))
        assert model.stands() == [3, 12]
        alone, history = walked(lambda _, place: -9 if place == 8 else abs(place - 3), seeds=(0,))
        assert alone.stands() == [3]
        assert len(history["loss"]) == 6

    def test_without_patience_the_last_weights_stay(self):
        """Nothing is restored, whatever the held-out rows say."""
        model, history = walked(lambda _, place: abs(place - 3), patience=None)
        assert model.stands() == [12, 12]
        assert len(history["validation_loss"]) == 12

    def test_a_member_that_was_never_finite_is_an_error(self):
        """The sentence says what to do; a member that turns NaN later keeps its best weights."""
        with pytest.raises(ParameterError, match=r"diverged.*Lower lr"):
            walked(lambda m, _: np.nan if m else 1.0)
        model, _ = walked(lambda _, place: np.nan if place > 4 else -place)
        assert model.stands() == [4, 4]


class TestEpochs:
    def test_every_member_sees_every_row_in_its_own_order(self):
        """Batches have one shape; the last is filled from the front; the order follows from seed and epoch alone."""
        model, _ = walked(lambda _, place: -place, epochs=2, rows=10, batch_size=4, seeds=(5, 6))
        assert [tuple(batch.shape) for batch in model.seen] == [(2, 4, 1)] * 6
        epochs = [torch.cat(model.seen[start : start + 3], 1)[..., 0].int() for start in (0, 3)]
        for epoch in epochs:
            assert all(sorted(member[:10].tolist()) == list(range(10)) for member in epoch)
            assert torch.equal(epoch[:, 10:], epoch[:, :2])
        assert len({tuple(member.tolist()) for epoch in epochs for member in epoch}) == 4
        alone, _ = walked(lambda _, place: -place, epochs=2, rows=10, batch_size=4, seeds=(6,))
        assert all(torch.equal(a[1:], b) for a, b in zip(model.seen, alone.seen, strict=True))

    def test_fewer_rows_than_a_batch_are_one_batch(self):
        """No row is dropped: one batch holds them all, filled by starting again from the front."""
        model, _ = walked(lambda _, place: -place, epochs=1, rows=3)
        (batch,) = model.seen
        assert all(set(member.flatten().tolist()) == {0, 1, 2} for member in batch)
        assert torch.equal(batch[:, 3:6], batch[:, :3])


def test_chunks_are_full_and_their_results_are_cut():
    """The function always sees (M, chunk, D); what it says of the filling is dropped; recorded, it says the same."""
    shapes = []

    def double(x):
        shapes.append(tuple(x.shape))
        return 2 * x

    x = torch.arange(14.0).reshape(7, 2)
    apply = Chunks(double, members=3, chunk=4)
    for factor in (1, -3, 5):
        assert torch.equal(apply(factor * x), (2 * factor * x).expand(3, 7, 2))
    assert shapes == [(3, 4, 2)] * 4


class TestThreads:
    @pytest.fixture(autouse=True)
    def two_threads(self):
        """Two threads before, and whatever there was afterwards."""
        before = torch.get_num_threads()
        torch.set_num_threads(2)
        yield
        torch.set_num_threads(before)

    def test_small_work_gets_one_thread_and_the_count_is_restored(self):
        """Also after an error in the middle of training; a fixed count overrides the choice."""
        model, _ = walked(lambda _, place: -place, epochs=1)
        assert model.threads == [1]
        assert torch.get_num_threads() == 2
        with fixed_threads(2):
            assert walked(lambda _, place: -place, epochs=1)[0].threads == [2]
        with pytest.raises(ZeroDivisionError):
            walked(lambda _, place: 1 / (place - 2))
        assert torch.get_num_threads() == 2

    def test_fitting_and_scoring_restore_the_count(self):
        """The detector's methods leave it as it was."""
        AutoEncoder(members=1, epochs=1, hidden=(8,)).fit(rows_of("real")).anomaly_score(rows_of("real"))
        assert torch.get_num_threads() == 2


def rows_of(kind):
    """A few rows or pictures of one kind, always the same."""
    rng = np.random.default_rng(0)
    if kind in ("pictures", "odd pictures"):
        return rng.integers(0, 256, (24, 8, 8) if kind == "pictures" else (24, 7, 6), dtype=np.uint8)
    rows = rng.normal(size=(67, 11 if kind == "odd" else 8)) @ rng.normal(size=(11 if kind == "odd" else 8,) * 2)
    if kind == "mixed":
        rows[:, 1], rows[:, 2] = rows[:, 1] > 0, np.round(rows[:, 2])
        rows[::5, 3] = np.nan
    return rows


def made(name, kind, **parameters):
    """An unfitted detector that is quick to train on rows of this kind."""
    pictures = "pictures" in kind
    schema = {"x2": "category"} if kind == "mixed" else None
    return TRAINED[name](**{"epochs": 2 if pictures else 5, "schema": schema, "random_state": 0, **parameters})


COMPANY = [(name, kind, {}) for name in TRAINED for kind in ("real", "odd", "mixed")]
COMPANY += [("VAE", "pictures", {"latent": 3}), ("VAE", "odd pictures", {"latent": 3})]
COMPANY += [("VAE", "odd", {"hidden": (13, 7)}), ("VAE", "real", {"latent": 1, "batch_size": 32})]
COMPANY += [("VAE", "odd", {"likelihood": name}) for name in ("student", "gaussian-row")]


@pytest.mark.parametrize(("name", "kind", "parameters"), COMPANY)
def test_members_trained_together_equal_members_trained_alone(name, kind, parameters):
    """Bit for bit: member m of a stack with `random_state=0` is what `random_state=m` gives on its own."""
    rows = rows_of(kind)
    together = made(name, kind, members=3, **parameters).fit(rows).model_.state_dict()
    differing = []
    for m in range(3):
        alone = made(name, kind, members=1, **parameters | {"random_state": m}).fit(rows).model_.state_dict()
        assert alone.keys() == together.keys()
        learned = [tensor for tensor in alone if tensor != "points"]
        assert all(len(together[tensor]) == 3 for tensor in learned)
        differing += [(m, tensor) for tensor in learned if not torch.equal(together[tensor][m : m + 1], alone[tensor])]
    assert not differing


@pytest.mark.parametrize("name", TRAINED)
def test_the_same_seed_gives_the_same_weights(name):
    """Twice with one estimator, and with another; a different seed gives others."""
    rows, detector = rows_of("real"), made(name, "real", members=2)
    fits = [fit.fit(rows).model_.state_dict() for fit in (detector, made(name, "real", members=2))]
    again = detector.fit(rows).model_.state_dict()
    for tensor in again:
        assert all(torch.equal(fit[tensor], again[tensor]) for fit in fits)
    other = made(name, "real", members=2, random_state=9).fit(rows).model_.state_dict()
    assert not any(torch.equal(other[tensor], again[tensor]) for tensor in again if tensor.endswith("weight"))


@pytest.mark.parametrize("random_state", [0, None])
def test_the_global_random_state_is_left_alone(random_state):
    """Fitting and scoring neither read nor write it: NumPy's and torch's stand where they stood."""
    before, numpy_before = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002 - what is looked at
    detector = VAE(members=2, epochs=1, hidden=(8,), random_state=random_state).fit(rows_of("mixed"))
    detector.anomaly_score(rows_of("mixed"), "iwae-70")
    detector.sample(3)
    assert torch.equal(before, torch.get_rng_state())
    assert all(np.array_equal(a, b) for a, b in zip(numpy_before, np.random.get_state(), strict=True))  # noqa: NPY002


class NoHostReads(TorchDispatchMode):
    """Refuse to copy a tensor's number to the host, which makes a GPU wait."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert func.overloadpacket is not torch.ops.aten._local_scalar_dense
        return func(*args, **(kwargs or {}))


class Gradients:
    """A `minimize` that takes gradients and keeps them by the model's names, without a step."""

    def __init__(self, model):
        self.names = {parameter: name for name, parameter in model.named_parameters()}
        self.taken = {}

    def __call__(self, loss, *, over):
        moving = [*over.parameters()]
        gradients = torch.autograd.grad(loss.sum(), moving)
        self.taken |= {self.names[parameter]: g for parameter, g in zip(moving, gradients, strict=True)}

    def together(self, *moves):
        """Every gradient, before anything would move."""
        for loss, over in moves:
            torch.autograd.grad(loss.sum(), [*over.parameters()], retain_graph=True)


KINDS = [("real", {}), ("mixed", {}), ("mixed", {"likelihood": "bernoulli"}), ("pictures", {})]
KINDS += [("pictures", {"likelihood": likelihood}) for likelihood in ("bernoulli", "gaussian-discretized")]


ADVERSARIAL = [name for name, kind in TRAINED.items() if issubclass(kind, AdversarialDetector)]
CASES = [
    (name, kind, parameters)
    for name, detector in TRAINED.items()
    for kind, parameters in KINDS
    if name not in ADVERSARIAL and parameters.keys() <= detector().get_params().keys()
]


@pytest.mark.parametrize("kind", ["real", "mixed", "pictures"])
@pytest.mark.parametrize("name", ADVERSARIAL)
def test_a_round_of_adversaries_reads_nothing_on_the_host(name, kind):
    """Nor does any other; whose gradients are zero, and why, their own tests say."""
    rows = rows_of(kind)
    detector = made(name, kind, members=2, epochs=1).fit(rows)
    x = torch.from_numpy(detector.encoder_.transform(rows)).expand(2, len(rows), -1)
    with NoHostReads():
        detector.model_.train().step(x, Gradients(detector.model_))


@pytest.mark.parametrize(("name", "kind", "parameters"), CASES)
class TestSteps:
    def ready(self, name, kind, parameters):
        """A model in training mode, and a batch of all rows."""
        rows = rows_of(kind)
        detector = made(name, kind, members=2, epochs=1, **parameters).fit(rows)
        x = torch.from_numpy(detector.encoder_.transform(rows))
        return detector.model_.train(), x.expand(2, *x.shape)

    def test_a_step_reads_nothing_on_the_host(self, name, kind, parameters):
        """No number of a tensor is looked at by Python: a GPU never has to wait."""
        model, x = self.ready(name, kind, parameters)
        with NoHostReads():
            model.step(x, Gradients(model))

    def test_every_parameter_of_every_member_gets_a_gradient(self, name, kind, parameters):
        """It is finite everywhere and not zero everywhere."""
        model, x = self.ready(name, kind, parameters)
        minimize = Gradients(model)
        model.step(x, minimize)
        assert minimize.taken.keys() == dict(model.named_parameters()).keys()
        assert all(gradient.isfinite().all() for gradient in minimize.taken.values())
        assert all((gradient != 0).flatten(1).any(1).all() for gradient in minimize.taken.values())

    def test_the_loss_falls_on_a_fixed_batch(self, name, kind, parameters):
        """Forty gradient steps make every member better at the rows it sees."""
        model, x = self.ready(name, kind, parameters)
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3 if kind == "pictures" else 1e-2)
        before = model.criterion(x).mean(-1).detach()
        for _ in range(40):
            minimize = Gradients(model)
            model.step(x, minimize)
            for parameter_name, parameter in model.named_parameters():
                parameter.grad = minimize.taken[parameter_name]
            optimizer.step()
        assert (model.criterion(x).mean(-1) < before - 0.1).all()


@pytest.mark.parametrize(("kind", "name"), [("mixed", "VAE"), ("odd", "AutoEncoder"), ("pictures", "VAE")])
@pytest.mark.parametrize("members", [2, 5])
def test_members_in_threads_of_their_own_become_what_they_were(monkeypatch, kind, name, members):
    """Weights, history and scores are those of one thread, bit for bit; so they are after a stop and a resumption."""
    rows = rows_of(kind)
    with fixed_threads(1):
        expected = made(name, kind, members=members).fit(rows)
    monkeypatch.setattr(threads, "SMALL", 0.0)
    monkeypatch.setattr(threads, "BALANCED", 0.0)
    started = []
    monkeypatch.setattr(loop, "parted", lambda *given: started.append(given[-1]) or parallel.parted(*given))
    with fixed_threads(2):
        apart = made(name, kind, members=members).fit(rows)
    assert started == [2]
    assert apart.history_ == expected.history_
    for tensor, numbers in expected.model_.state_dict().items():
        assert torch.equal(apart.model_.state_dict()[tensor], numbers), tensor


def test_groups_go_on_where_a_checkpoint_ends(monkeypatch, tmp_path):
    """The optimizers' memory is put together when it is saved, and shared out when it is read: by another count too."""
    rows, add, schedules = rows_of("real"), loop.Run.add, []
    expected = made("VAE", "real", members=3, epochs=40).fit(rows).model_.state_dict()
    monkeypatch.setattr(threads, "SMALL", 0.0)
    monkeypatch.setattr(threads, "BALANCED", 0.0)

    def noting(model, source, held_out, schedule, **more):
        schedules.append(schedule)
        return train(model, source, held_out, schedule, **more)

    monkeypatch.setattr(neural, "train", noting)
    for stop, count in ((7, 2), (15, 3), (33, 2)):

        def stopping(run, logs, stop=stop):
            add(run, logs)
            if run.steps == stop:
                run.save(schedules[-1])
                raise KeyboardInterrupt

        detector = made("VAE", "real", members=3, epochs=40, checkpoint=tmp_path / "run")
        with monkeypatch.context() as patch, fixed_threads(count):
            patch.setattr(loop.Run, "add", stopping)
            with pytest.raises(KeyboardInterrupt):
                detector.fit(rows)
    detector = made("VAE", "real", members=3, epochs=40, checkpoint=tmp_path / "run").fit(rows)
    weights = detector.model_.state_dict()
    assert all(torch.equal(weights[name], tensor) for name, tensor in expected.items())
    detector.save(tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_compiling_needs_a_compiler(monkeypatch):
    """Without one the sentence says so, before anything is trained."""
    monkeypatch.setattr(compiling.shutil, "which", lambda _: None)
    with pytest.raises(ParameterError, match=r"compile=True needs a C\+\+ compiler"):
        made("VAE", "real", compile=True).fit(rows_of("real"))
