"""A handful of labels: labeled rows of each member, M2 on rows and on codes, and both experiments on made-up data."""

import dataclasses

import numpy as np
import pytest
import torch

from oodles.data.dataset import Dataset
from oodles.detectors import VAE, NegativeSamplingVAE, SemiSupervisedVAE
from oodles.experiments import Budget, labeled_digits, labels
from oodles.experiments.labeled_digits import LabeledDigits, balanced, self_taught
from oodles.experiments.labels import HandfulOfLabels
from oodles.experiments.papers.snu2015_labels import HANDFUL, SEMI_SUPERVISED
from oodles.experiments.runner import tasks_of
from oodles.experiments.semi_supervised import Labels, SemiSupervised, codes_of, m2
from oodles.nn import Draws, initialize
from oodles.training import Resident, Schedule, train

SMALL = Budget(epochs=1, members=2, images=200, network="light", test=50, lr=1e-3)


def blobs(n=240, seed=0):
    """Points around three centers, and their classes."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    centers = np.array([[2.0, 0, 1, 0], [-1, 2, 0, -1], [-1, -2, -1, 1]])
    return torch.from_numpy(centers[y] + 0.5 * rng.normal(size=(n, 4))).float(), y


def learner(members, *, seeds=(0, 1, 2), known=8):
    """M2 of the blobs with two labels of each class for each member, which learns nothing yet."""
    x, y = blobs()
    chosen = torch.tensor([[seed, seed + 1, seed + 2, seed + 30, seed + 31, seed + 32] for seed in seeds[:members]])
    marks = Labels(x[chosen], torch.eye(3)[torch.from_numpy(y)[chosen]], known)
    settings = {"classes": 3, "latent": 2, "hidden": 16, "members": members, "labeled": 6 / len(x), "alpha": 0.1}
    model = SemiSupervised(m2(codes_of(4), **settings), marks, None)
    model.drawn = lambda rows: rows  # these rows are no pixels
    model.draws = Draws(seeds[:members])
    initialize(model.model, model.draws)
    return model, x, y


def taught(model, x, seeds, *, epochs=60):
    """The same after training."""
    schedule = Schedule(epochs=epochs, batch_size=48, lr=5e-3, patience=None, chunk=48, look=epochs, repeat=True)
    train(model, Resident(x), x[:48], schedule, seeds=list(seeds))
    return model


def digits(split):
    """Pictures of ten classes, each with a bright column of its own."""
    n = 400 if split == "train" else 100
    y = np.arange(n) % 10
    pictures = np.random.default_rng(n).integers(0, 60, (n, 28, 28), dtype=np.uint8)
    for picture, label in zip(pictures, y, strict=True):
        picture[:, 2 * label : 2 * label + 3] = 220
    return Dataset("mnist", pictures, labels=y)


class TestLabels:
    def test_every_member_has_its_own_rows(self):
        """They are drawn with replacement, with their classes, and all of them sooner or later."""
        rows = torch.arange(2 * 6, dtype=torch.float32).view(2, 6, 1)
        marks = Labels(rows, torch.eye(6).expand(2, -1, -1), known=100)
        found, y = marks(Draws([0, 1]))
        assert found.shape == (2, 100, 1)
        assert [set(member.flatten().tolist()) for member in found] == [set(range(6)), set(range(6, 12))]
        assert torch.equal(found[..., 0] % 6, y.argmax(-1).float())

    def test_classes_are_balanced(self):
        """Ten pictures of each class, other ones for another seed, none twice."""
        y = np.random.default_rng(0).integers(0, 10, 2000)
        first, second = balanced(y, 1), balanced(y, 2)
        assert np.array_equal(np.bincount(y[first]), np.full(10, 10))
        assert len(set(first)) == 100
        assert set(first) != set(second)

    def test_a_machine_that_teaches_itself_follows_the_clusters(self):
        """Two labels of each class at the edge of their blobs, and many points without: fewer mistakes."""
        x, y = blobs(900, seed=1)
        tests, truth = blobs(600, seed=2)
        edge = np.concatenate([np.flatnonzero(y == k)[np.argsort(x[y == k][:, 3].numpy())[:2]] for k in range(3)])
        alone = labeled_digits.SVC(C=10.0).fit(x[edge], y[edge])
        other = self_taught(x[edge].numpy(), y[edge], x.numpy())
        assert (other.predict(tests) != truth).mean() <= (alone.predict(tests) != truth).mean()


class TestClassifier:
    def test_two_labels_of_each_class_are_enough(self):
        """On three blobs, whose shape the unlabeled rows show."""
        model, x, y = learner(2)
        taught(model, x, (0, 1))
        said = model.log_classes(x.expand(2, *x.shape)).argmax(-1).numpy()
        assert ((said == y).mean(1) > 0.97).all()

    def test_members_trained_together_equal_members_trained_alone(self):
        """Bit for bit, each with its own labels."""
        together, x, _ = learner(3)
        taught(together, x, (0, 1, 2), epochs=3)
        for seed in range(3):
            alone, x, _ = learner(1, seeds=(seed,))
            taught(alone, x, (seed,), epochs=3)
            for name, parameter in alone.model.named_parameters():
                assert torch.equal(parameter[0], dict(together.model.named_parameters())[name][seed]), name

    def test_a_step_moves_m2_and_leaves_m1_alone(self):
        """The paper's J for each unlabeled row: U(x), and w L(x, y) - α log q(y|x) of labeled rows."""
        below = VAE(network="mlp", hidden=(8,), latent=4, members=2, epochs=1, random_state=0).fit(digits("test").X)
        before = {name: tensor.clone() for name, tensor in below.model_.state_dict().items()}
        rows = torch.rand(2, 6, 784)
        marks = Labels(rows, torch.eye(3)[torch.arange(6) % 3].expand(2, -1, -1), known=16)
        settings = {"classes": 3, "latent": 2, "hidden": 8, "members": 2, "labeled": 0.5, "alpha": 0.1}
        model = SemiSupervised(m2(codes_of(4), **settings), marks, below.model_)
        model.draws = Draws([0, 1])
        initialize(model.model, model.draws)
        x, moved = torch.rand(2, 32, 784), []
        model.draws = Draws([5, 6])
        model.step(x, lambda loss, *, over: moved.append((loss, over)))
        ((loss, over),) = moved
        assert over is model.model

        model.draws = Draws([5, 6])
        known, y = marks(model.draws)
        points = [model.draws.normal(32, 3, 2)]
        unlabeled = model.model.unlabeled_loss(model.drawn(x), points)
        labeled = model.model.labeled_loss(model.drawn(known), y, [model.draws.normal(16, 2)])
        torch.testing.assert_close(loss, unlabeled.mean(-1) + labeled.mean(-1))
        taught(model, x[0], (0, 1), epochs=2)
        assert all(torch.equal(tensor, before[name]) for name, tensor in below.model_.state_dict().items())
        assert model.imagined(torch.zeros(2, 3, 2), torch.eye(3).expand(2, -1, -1)).shape == (2, 3, 784)


class TestExperiments:
    @pytest.mark.parametrize("method", ["M2", "M1+M2"])
    def test_labeled_digits(self, method, monkeypatch, tmp_path):
        """Errors of every member in per cent, a picture of classes, and nothing left behind."""
        monkeypatch.setattr(labeled_digits.data, "load", lambda _, split, **more: digits(split))  # noqa: ARG005
        result = LabeledDigits(method).run(SMALL, device="cpu", checkpoint=tmp_path / "run", verbose=False)
        expected = {"M2"} if method == "M2" else {"M1, SVM", "M1, SVM self-taught", "M1+M2"}
        assert set(result.numbers) == expected
        for found in result.numbers.values():
            assert len(found["error"]) == 2
            assert all(0 <= error <= 100 for error in found["error"])
        assert result.pictures["classes"].shape == (6 * 28, 10 * 28)
        assert not (tmp_path / "run-below").exists()

    def test_the_authors_effort_is_the_default(self):
        """3,000 passes at 3e-4, and labels that weigh 0.1 N."""
        task = LabeledDigits("M1+M2")
        described = task.described(Budget())
        assert described["alpha"] == 0.1
        assert "epochs=3000" in described["below"]
        assert "lr=0.0003" in described["below"]

    def test_no_anomaly_is_both_labeled_and_judged(self, monkeypatch, tmp_path):
        """Both methods get the same rows, and scores are measured for each split."""
        seen = []

        def listening(kind):
            class Listening(kind):
                def fit(self, X, y=None, *, negatives=None):
                    seen.append((set(X[:, 0]), set() if negatives is None else set(negatives[:, 0])))
                    return super().fit(X, y, negatives=negatives)

                def anomaly_score(self, X, kind=None):
                    assert not seen[-1][1] & set(X[:, 0])
                    return super().anomaly_score(X, kind)

            return lambda **more: Listening(**more, members=1, epochs=1)

        for kind in (NegativeSamplingVAE, SemiSupervisedVAE):
            monkeypatch.setattr(labels, kind.__name__, listening(kind))
        rng = np.random.default_rng(0)
        found = Dataset("toy", rng.normal(size=(400, 3)), np.repeat([0, 1], [360, 40]).astype(np.int8))
        monkeypatch.setattr(labels.data, "load", lambda *a, **k: found)  # noqa: ARG005
        for known, labeled in ((0, 0), (5, 5), (50, 20)):
            seen.clear()
            for method, kinds in labels.KINDS.items():
                task = HandfulOfLabels("toy", known, method)
                result = task.run(dataclasses.replace(SMALL), device="cpu", checkpoint=tmp_path / "c", verbose=False)
                assert set(result.numbers) == set(kinds)
                assert all(len(values) == 2 for numbers in result.numbers.values() for values in numbers.values())
            assert seen[:2] == seen[2:]
            assert all(len(negatives) == labeled for _, negatives in seen)

    def test_every_cell_has_a_task_that_can_describe_itself(self):
        """And cells of one task name different sets."""
        for table in (SEMI_SUPERVISED, HANDFUL):
            assert all(task.described(Budget()) for task in tasks_of(table.cells))
            assert len({(cell.task, cell.against) for cell in table.cells}) == len(table.cells)
