"""The experiments of the 2015 slides: what they measure, on made-up digits."""

import dataclasses
from collections import Counter

import numpy as np
import pytest

from oodles.data.dataset import Dataset
from oodles.experiments import PAPERS, Budget, enclosed, latents
from oodles.experiments.labeled import classes_picture, digits_picture
from oodles.experiments.neighbors import map_in_the_plane, neighbor_accuracy
from oodles.experiments.papers import snu2015

SMALL = Budget(epochs=1, members=1, images=150, network="light", test=60)


def blobs(n: int = 60, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds of points in sixty dimensions, and their numbers."""
    labels = np.arange(n) % classes
    return 6 * np.eye(60)[labels] + np.random.default_rng(seed).normal(size=(n, 60)), labels


@pytest.fixture
def made_up(monkeypatch):
    """Digits whose class is a bright column."""

    def load(name, split="train", **options):  # noqa: ARG001
        labels = np.arange(300 if split == "train" else 100) % 10
        pictures = np.random.default_rng(len(split)).integers(0, 60, (len(labels), 28, 28), dtype=np.uint8)
        for picture, label in zip(pictures, labels, strict=True):
            picture[:, 2 * label : 2 * label + 3] = 220
        return Dataset(name, pictures, labels=labels)

    monkeypatch.setattr(latents.data, "load", load)


def run(task, tmp_path, budget=SMALL):
    """What a task measures."""
    return task.run(budget, device="cpu", checkpoint=tmp_path / "run", verbose=False)


class TestNeighbors:
    def test_classes_that_lie_apart_are_told_by_their_neighbors(self) -> None:
        """In all dimensions and in the plane; labels that mean nothing are not told."""
        rows, labels = blobs(150)
        places = map_in_the_plane(rows)
        assert places.shape == (150, 2)
        assert neighbor_accuracy(rows, labels) == 1.0
        assert neighbor_accuracy(places, labels) == 1.0
        assert neighbor_accuracy(rows, np.random.default_rng(0).permutation(labels)) < 0.6

    def test_a_row_is_no_neighbor_of_its_own(self) -> None:
        """Of two rows with different labels, each has only the other."""
        assert neighbor_accuracy(np.array([[0.0], [1.0]]), np.array([0, 1])) == 0.0

    def test_the_same_rows_have_the_same_places(self) -> None:
        """The seed is fixed."""
        rows, _ = blobs()
        np.testing.assert_array_equal(map_in_the_plane(rows), map_in_the_plane(rows))


class TestOrder:
    def test_ends_of_the_order_and_their_classes(self) -> None:
        """Likelihoods that fall with the class: the last 25 are of the last classes."""
        labels = np.repeat(np.arange(10), 30)
        likely = -np.arange(300.0)
        order = np.argsort(likely)
        ends = {name: order[where][:25] for name, where in latents.ENDS.items()}
        numbers = latents.by_class(likely, labels, ends)
        assert numbers["digit 9"]["least likely"] == numbers["digit 0"]["most likely"] == [25.0]
        assert numbers["digit 9"]["of the least likely tenth"] == [1.0]
        assert numbers["digit 3"] == {
            "least likely": [0.0],
            "most likely": [0.0],
            "of the least likely tenth": [0.0],
            "log-likelihood": [-104.5],
        }

    def test_within_a_class_the_order_is_kept(self) -> None:
        """The first ten of each class, class by class."""
        labels = np.arange(100) % 10
        pictures, found = latents.of_classes(np.arange(100)[::-1], np.arange(100), labels)
        assert found.tolist() == np.repeat(np.arange(10), 10).tolist()
        assert pictures[:10].tolist() == list(range(90, -1, -10))

    def test_the_grid_of_the_slides(self) -> None:
        """25 labels; no 1, no 2, no 3; as many of each class as stand beside our counts."""
        counts = Counter(snu2015.GRID)
        assert len(snu2015.GRID) == 25
        assert not counts.keys() & {"1", "2", "3"}
        for cell in snu2015.LABELS.cells:
            assert cell.reported["least likely"][0] == counts[cell.row[1]]


class TestMachines:
    def test_a_machine_around_a_cloud_sees_what_is_far(self) -> None:
        """For every γ and ν; the first number is that of the defaults."""
        rng = np.random.default_rng(0)
        judged = np.r_[rng.normal(size=(50, 4)), rng.normal(size=(50, 4)) + 9]
        found = enclosed.areas(rng.normal(size=(300, 4)), judged, np.repeat([0, 1], 50))
        assert len(found) == 1 + 3 * 3
        assert min(found.values()) > 0.99
        assert found["AUROC"] == found["scale, 0.1"]

    def test_columns_that_hardly_vary_are_not_blown_up(self) -> None:
        """A tiny column that tells the strange rows is counted by what it is: next to nothing."""
        rng = np.random.default_rng(0)
        learned = np.c_[rng.normal(size=(300, 2)), 1e-4 * rng.normal(size=300)]
        judged = np.c_[rng.normal(size=(100, 2)), np.repeat([0.0, 1e-3], 50)]
        assert enclosed.areas(learned, judged, np.repeat([0, 1], 50))["AUROC"] < 0.7

    @pytest.mark.parametrize("usual", ["one", "nine"])
    def test_strange_digits_are_never_learned(self, made_up, usual) -> None:  # noqa: ARG002
        """One digit is usual, or nine are; all ten are judged."""
        learned, judged, strange = enclosed.cut(usual, 3, Budget(test=100))
        bright = {picture.mean(0).argmax() // 2 for picture in learned}
        assert (len(learned), len(judged)) == ((30, 100) if usual == "one" else (270, 100))
        assert strange.sum() == (90 if usual == "one" else 10)
        assert len(bright) < 5 if usual == "one" else len(bright) > 5

    def test_every_autoencoder_takes_as_many_steps(self) -> None:
        """Whatever the number of its pictures."""
        task = enclosed.EnclosedCodes("one", 5)
        for rows in (5_000, 45_000):
            detector = task.detector(Budget(epochs=10), rows)
            assert detector.epochs * rows == pytest.approx(10 * 50_000, rel=0.05)


class TestTasks:
    def test_latent_digits(self, made_up, tmp_path) -> None:  # noqa: ARG002
        """Orders, accuracies, and three pictures."""
        result = run(latents.LatentDigits(3), tmp_path)
        assert set(result.pictures) == {"global", "conditional", "projection"}
        assert all(picture.dtype == np.uint8 for picture in result.pictures.values())
        assert sum(result.numbers[f"digit {digit}"]["least likely"][0] for digit in range(10)) == 25
        assert 0 <= result.numbers["all"]["k-NN, codes"][0] <= 1
        assert result.numbers["all"]["codes in use"][0] <= 3
        labels = result.numbers["all"]["labels, least likely"]
        assert len(labels) == 25
        assert all(result.numbers[f"digit {digit}"]["least likely"] == [labels.count(digit)] for digit in range(10))

    def test_pixel_digits(self, made_up, tmp_path) -> None:  # noqa: ARG002
        """Nothing is learned; bright columns are told by their neighbors."""
        task = latents.PixelDigits()
        assert run(task, tmp_path).numbers["all"]["k-NN, codes"][0] > 0.7
        assert task.described(SMALL) == {"projected": "pixels"}

    @pytest.mark.parametrize("usual", ["one", "nine"])
    def test_enclosed(self, made_up, tmp_path, monkeypatch, usual) -> None:  # noqa: ARG002
        """One number for each digit's turn, and no checkpoint is left."""
        monkeypatch.setitem(enclosed.TURNS, usual, (1, 4))
        for task, sets in (
            (enclosed.EnclosedPixels(usual, (2,)), {"pixels", "PCA-2"}),
            (enclosed.EnclosedCodes(usual, 2), {"μ", "μ, log σ²", "μ, −log p", "−ELBO", "LatentOneClassSVM"}),
        ):
            result = run(task, tmp_path, dataclasses.replace(SMALL, images=100, epochs=1))
            assert set(result.numbers) == sets
            assert all(len(found["AUROC"]) == 2 for found in result.numbers.values())
        assert not list(tmp_path.iterdir())

    def test_every_cell_finds_what_its_task_measures(self) -> None:
        """The sets of the machines are those of the table."""
        sets = {cell.against for cell in PAPERS["snu2015"].tables["one-class"].cells}
        assert sets == {"pixels", "PCA-3", "PCA-5", "PCA-200", *enclosed.WORDS.values(), "−ELBO", "LatentOneClassSVM"}


class TestPictures:
    def test_squares_of_digits(self) -> None:
        """Two panels side by side; what does not fill a row is left out."""
        tests = np.zeros((27, 28, 28), dtype=np.uint8)
        picture = digits_picture([("a", tests, np.arange(27) % 10)] * 2, 5)
        assert picture.shape == (420, 800, 3)

    def test_points_in_the_color_of_their_class(self) -> None:
        """As many colors as classes, beside white and black."""
        rows, labels = blobs(30)
        picture = classes_picture("three clouds", rows[:, :2], labels)
        colors = Counter(map(tuple, picture.reshape(-1, 3).tolist()))
        assert {(31, 119, 180), (255, 127, 14), (44, 160, 44)} <= set(colors)
