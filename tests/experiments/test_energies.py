"""The experiments of energies: protocols, measures, and every kind of task on made-up data."""

import dataclasses
import math

import numpy as np
import pyarrow as pa
import pytest
import torch

from oodles.data.dataset import Dataset
from oodles.errors import DatasetError, FileError
from oodles.experiments import PAPERS, Budget, colors, digits, intrusions, joined, pictures, stacked, toys, walks
from oodles.experiments.classifier import Classifier, Imported, frechet_distance, inception_score
from oodles.experiments.colors import Quality, RealQuality
from oodles.experiments.runner import tasks_of
from oodles.metrics import average_precision_trapezoid

SMALL = Budget(epochs=1, members=2, images=120, network="light", test=60, few=20, protocol="clean")


def pictures_of(labels, shape, seed):
    """Pictures whose class is a bright column."""
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 60, (len(labels), *shape), dtype=np.uint8)
    for picture, label in zip(pictures, labels, strict=True):
        picture[:, 2 * label : 2 * label + 3] = 220
    return pictures


def connections(n):
    """A table like KDD Cup 99: an eighth of the rows is normal."""
    rng = np.random.default_rng(5)
    normal = np.arange(n) % 8 == 0
    columns = {
        "duration": rng.exponential(size=n) * np.where(normal, 900, 3),
        "protocol_type": np.where(normal, "tcp", rng.choice(["icmp", "udp"], n)),
        "src_bytes": rng.normal(size=n) * 1e6,
        "land": (rng.random(n) < 0.3).astype(np.int8),
    }
    schema = {"duration": "real", "protocol_type": "category", "src_bytes": "real", "land": "binary"}
    return Dataset("kddcup99", pa.table(columns), y=(~normal).astype(np.int8), schema=schema)


@pytest.fixture
def made_up(monkeypatch):
    """Public names, small data."""
    shapes = {"mnist": (28, 28), "fashion-mnist": (28, 28), "cifar-10": (32, 32, 3), "celeba": (64, 64, 3)}

    def load(name, split="train", **options):  # noqa: ARG001
        if name == "kddcup99":
            return connections(1600)
        labels = np.arange(400 if split == "train" else 200) % 10
        return Dataset(name, pictures_of(labels, shapes[name], len(split)), labels=labels)

    for module in (digits, intrusions, stacked, walks):
        monkeypatch.setattr(module.data, "load", load)
    colors.classifier.cache_clear()
    yield load
    colors.classifier.cache_clear()


def run(task, tmp_path, budget=SMALL):
    """What a task measures."""
    return task.run(budget, device="cpu", checkpoint=tmp_path / "run", verbose=False)


class TestProtocols:
    def test_clean_digits_are_judged_that_were_never_learned(self, made_up):  # noqa: ARG002
        """In `paper`, four of five usual digits that are judged were learned, as in the authors' code."""
        for leaky, low, high in ((False, 0.0, 0.0), (True, 0.7, 0.9)):
            learned, judged, truth = digits.split(3, leaky=leaky)
            seen = {picture.tobytes() for picture in learned}
            usual = [picture.tobytes() in seen for picture, label in zip(judged, truth, strict=True) if not label]
            assert low <= np.mean(usual) <= high
            assert (len(learned), len(usual), truth.sum()) == (432, 108, 60)

    def test_half_of_the_attacks_is_learned_and_no_normal_connection(self, made_up):
        """The other half is judged, with normal connections up to a fifth of all."""
        learned, judged, truth, _ = intrusions.split("raw")
        everything = made_up("kddcup99")
        normal = np.asarray(everything.X["duration"])[np.asarray(everything.y) == 0]
        assert not set(learned[:, 0]) & set(normal)
        assert not set(learned[:, 0]) & set(judged[:, 0])
        assert set(judged[truth == 1, 0]) <= set(normal)
        assert learned.shape[1] == 1 + 3 + 1 + 2

    def test_min_max_scaling_knows_learned_rows_only(self, made_up):  # noqa: ARG002
        """They fill [0, 1]; what is judged may reach beyond."""
        learned, judged, *_ = intrusions.split("min-max")
        assert learned.min() == 0
        assert learned.max() == 1
        assert judged.max() > 1

    def test_kdd_has_the_numbers_of_the_authors(self):
        """121 columns; a perfect ranking has precision .9846, recall 1 and F1 .9922 at their threshold."""
        try:
            learned, judged, truth, _ = intrusions.split("raw")
        except DatasetError as error:
            pytest.skip(str(error))
        assert learned.shape[1] == judged.shape[1] == 121
        assert truth.mean() == pytest.approx(0.1969, abs=2e-4)
        at = intrusions.measured(truth, truth + np.linspace(0, 0.1, len(truth)), Judge(), "none")
        assert at["precision"] == pytest.approx(0.9846, abs=1e-3)
        assert at["recall"] == 1
        assert at["F1"] == pytest.approx(0.9922, abs=5e-4)


class Judge:
    """A detector without an alarm of its own."""

    scoring = "other"


class TestMeasures:
    def test_the_least_area_is_that_of_the_worst_ranking(self):
        """Anomalies last; and the minima that stand beside the published numbers."""
        y = np.repeat([1, 0], [3880, 6120])
        worst = average_precision_trapezoid(y, np.arange(len(y), dtype=float))
        assert digits.least_area(0.388) == pytest.approx(worst, abs=1e-3)
        for prevalence, least in ((0.388, 0.226), (0.351, 0.200), (0.331, 0.188), (0.368, 0.212), (0.356, 0.204)):
            assert digits.least_area(prevalence) == pytest.approx(least, abs=1e-3)

    def test_divergence_from_uniform(self):
        """0 for equal counts, log K for a single mode; perfect samples have (K - 1) / 2N."""
        assert stacked.from_uniform(np.full(100, 7)) == pytest.approx(0)
        assert stacked.from_uniform(np.eye(100)[3]) == pytest.approx(math.log(100))
        assert stacked.finite_sample_floor(1000, 26_000) == pytest.approx(0.0192, abs=1e-4)
        counts = np.random.default_rng(0).multinomial(26_000, np.full(1000, 1e-3))
        assert stacked.from_uniform(counts) == pytest.approx(0.0192, rel=0.15)

    def test_tuples_are_read_channel_by_channel(self):
        """The number that the digits make."""

        def judge(pictures):
            return np.eye(10)[pictures[:, 0, 0].astype(int)], None

        picture = np.zeros((1, 2, 2, 3))
        picture[0, 0, 0] = 3, 1, 4
        assert stacked.tuples(judge, picture).tolist() == [314]

    def test_inception_score(self):
        """1 where nothing is told apart, K where K classes are equally common and certain."""
        assert inception_score(np.full((1000, 10), 0.1))[0] == pytest.approx(1)
        assert inception_score(np.tile(np.eye(10), (100, 1)))[0] == pytest.approx(10, rel=1e-3)

    def test_frechet_distance_of_gaussians(self):
        """0 for the same features; ‖Δμ‖² + Σ (σ₁ - σ₂)² for independent ones."""
        x = np.random.default_rng(0).normal(size=(100_000, 3))
        assert frechet_distance(x, x) == pytest.approx(0, abs=1e-6)
        assert frechet_distance(x, 2 * x + 1) == pytest.approx(3 + 3, rel=0.03)


class TestToys:
    @pytest.mark.parametrize("name", ["8 Gaussians", "25 Gaussians", "Swiss roll"])
    def test_the_true_density_is_that_of_the_points(self, name):
        """It sums to 1, and points fall where it says: in cells of a tenth of the grid."""
        density = toys.true_density(name)
        assert density.sum() == pytest.approx(1)
        points = toys.drawn(name, 400_000, np.random.default_rng(0))
        edges = np.linspace(-toys.REACH, toys.REACH, 11)
        counts = np.histogram2d(points[:, 1], points[:, 0], bins=(edges, edges))[0] / len(points)
        assert np.abs(counts - toys.coarse(density, 50)).sum() / 2 < 0.02

    def test_variation(self):
        """0 for equals, 1 for strangers."""
        p = toys.true_density("8 Gaussians")
        assert toys.variation(p, p) == 0
        assert toys.variation(np.eye(2)[0], np.eye(2)[1]) == 1

    def test_the_right_energy_has_the_true_density(self):
        """A density from energies, whatever their constant."""
        p = toys.true_density("25 Gaussians").ravel()
        found = toys.shares(np.log(p.clip(1e-300)) + 1234.5)
        assert toys.variation(p, found) < 1e-6


class TestClassifier:
    def test_it_learns_and_leaves_the_global_streams_alone(self):
        """Classes that are bright columns."""
        labels = np.arange(600) % 10
        tests = pictures_of(labels[:100], (28, 28), 9), labels[:100]
        before = torch.get_rng_state()
        judge = Classifier.trained(
            pictures_of(labels, (28, 28), 0), labels, tests, epochs=6, device=torch.device("cpu")
        )
        assert torch.equal(before, torch.get_rng_state())
        assert judge.accuracy > 0.9
        probabilities, features = judge(tests[0] / 255)
        assert probabilities.shape == (100, 10)
        assert features.shape == (100, 50)
        np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)

    def test_the_users_own_features(self, tmp_path, recwarn):  # noqa: ARG002
        """A TorchScript file: pictures → logits and features; anything else is refused in a sentence."""

        class Own(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
                features = x.mean((-1, -2))
                return features, features

        with pytest.warns(DeprecationWarning, match="torch.jit"):
            torch.jit.script(Own()).save(str(tmp_path / "own.pt"))
        (tmp_path / "bad.pt").write_bytes(b"no network")
        probabilities, features = Imported.read(tmp_path / "own.pt")(np.ones((3, 8, 8, 3)))
        np.testing.assert_allclose(probabilities, 1 / 3, rtol=1e-6)
        assert features.shape == (3, 3)
        for path in ("bad.pt", "absent.pt"):
            with pytest.raises(FileError, match="TorchScript"):
                Imported.read(tmp_path / path)


class TestTasks:
    @pytest.mark.parametrize("method", ["EnGAN", "BiGAN", "VAE"])
    def test_digits(self, made_up, tmp_path, method, monkeypatch):  # noqa: ARG002
        """Every score of a method, with chance and the least possible beside it."""
        monkeypatch.setitem(digits.KINDS, "VAE", ("elbo",))
        result = run(digits.HeldOutDigit(3, method), tmp_path, dataclasses.replace(SMALL, images=64, test=20))
        for found in result.numbers.values():
            assert len(found["AUPRC"]) == len(found["AUROC"]) == 2
            assert found["least AUPRC"][0] < found["prevalence"][0] < 1

    @pytest.mark.parametrize("scaling", ["raw", "min-max", "standard"])
    @pytest.mark.parametrize("method", list(intrusions.KINDS))
    def test_intrusions(self, made_up, tmp_path, method, scaling):  # noqa: ARG002
        """Precision, recall and F1 of every run, in both protocols."""
        for protocol in ("paper", "clean") if method == "EnGAN" else ("paper",):
            budget = dataclasses.replace(SMALL, images=400, protocol=protocol)
            result = run(intrusions.Intrusions(method, scaling, 100.0 if method == "EnGAN" else None), tmp_path, budget)
            assert set(result.numbers) == set(intrusions.KINDS[method])
            for found in result.numbers.values():
                assert len(found["F1"]) == 2
                assert all(0 <= value <= 1 for value in found["precision"] + found["recall"])

    def test_toys(self, tmp_path):
        """Distances from the truth, and pictures of both."""
        result = run(toys.Toy("8 Gaussians"), tmp_path, dataclasses.replace(SMALL, images=2000))
        assert all(0 < value <= 1 for value in result.numbers["density"]["TV"])
        assert set(result.pictures) == {"samples", "density"}

    @pytest.mark.parametrize("task", [stacked.StackedDigits(1), stacked.StackedDigits(1, "WGAN-GP")])
    def test_stacked_digits(self, made_up, tmp_path, task, monkeypatch):  # noqa: ARG002
        """Modes of ten, for each run."""
        monkeypatch.setattr(stacked, "digits", lambda epochs, device: Fake())  # noqa: ARG005
        result = run(dataclasses.replace(task, channels=3), tmp_path, dataclasses.replace(SMALL, images=64, members=1))
        assert 1 <= result.numbers["tuples"]["modes"][0] <= 1000
        assert result.pictures["samples"].shape == (5 * 28, 10 * 28, 3)

    @pytest.mark.parametrize("method", ["EnGAN", "WGAN-GP"])
    def test_quality(self, made_up, tmp_path, method):  # noqa: ARG002
        """A score and a distance; real pictures are nearer than those of an untrained generator."""
        real, made = (run(task, tmp_path) for task in (RealQuality(), Quality(method)))
        assert real.numbers["CIFAR-10"]["FID"][0] < made.numbers["CIFAR-10"]["FID"][0]
        assert made.numbers["CIFAR-10"]["IS"][0] >= 1

    def test_walks(self, made_up, tmp_path, monkeypatch):  # noqa: ARG002
        """Numbers and pictures of both spaces."""
        monkeypatch.setattr(walks, "STEPS", 6)
        monkeypatch.setattr(walks, "WALKERS", 10)
        result = run(walks.Walks("mnist"), tmp_path, dataclasses.replace(SMALL, images=64))
        assert set(result.numbers) == {"latent", "data"}
        assert {f"{space}-{when}" for space in ("latent", "data") for when in ("begin", "middle", "end")} == set(
            result.pictures
        )
        for found in result.numbers.values():
            assert 0 <= found["acceptance"][0] <= 1

    def test_both_documents_joined(self, made_up, tmp_path, monkeypatch):  # noqa: ARG002
        """An EnGAN's samples are a VAE's negatives."""
        monkeypatch.setattr(joined, "SAMPLES", 32)
        monkeypatch.setattr(joined, "GENERATOR_EPOCHS", 1)
        monkeypatch.setattr(pictures, "COSTLY", ())
        budget = dataclasses.replace(SMALL, images=50, test=20, few=2)
        result = run(joined.JoinedNegatives("Fashion-MNIST", "bernoulli", 1), tmp_path, budget)
        assert len(result.numbers["MNIST"]["AUC kl"]) == 2
        assert not list(tmp_path.glob("*-generator"))

    def test_every_cell_has_a_task_that_can_describe_itself(self):
        """In both protocols and both sizes, and no two tasks share a name."""
        for paper in PAPERS.values():
            tasks = tasks_of(paper.cells)
            assert len({task.name for task in tasks}) == len(tasks)
            for protocol in ("paper", "clean"):
                for network in ("paper", "light"):
                    budget = Budget(network=network, protocol=protocol)
                    assert all(task.described(budget) for task in tasks)


class Fake:
    """A classifier that sees the brightest of ten columns."""

    accuracy = 1.0

    def __call__(self, pictures):
        return pictures.mean(1)[:, :20].reshape(len(pictures), 10, 2).sum(-1), None
