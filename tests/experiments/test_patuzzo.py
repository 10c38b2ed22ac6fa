"""Networks of one bottleneck number: their losses, their bad luck, and what is drawn of them."""

import dataclasses
import re

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from oodles.data.dataset import Dataset
from oodles.experiments import PAPERS, Budget, beginnings, lines, restarts, sketches, twos
from oodles.experiments.hourglass import READINGS, hourglass, sharpened
from oodles.experiments.restarts import Restarts, descend, measured
from oodles.experiments.twos import Twos

SMALL = Budget(members=2)
CPU = torch.device("cpu")


def made(pixels=4, members=3, reading="", *, literal=False, hidden=2):
    """Untrained networks with the seeds from 0 on."""
    return hourglass(pixels, hidden, 1, list(range(members)), reading, literal=literal, device=CPU)


def run(task, tmp_path, budget=SMALL):
    """What a task measures."""
    return task.run(budget, device="cpu", checkpoint=tmp_path / "run", verbose=False)


class TestPictures:
    def test_a_line_through_the_center_leaves_half_of_them_white(self):
        """Exactly half, and turned by 180° the other half; the four squares are such pictures."""
        pictures = lines.half_planes(50, 32).reshape(-1, 32, 32)
        assert (pictures.mean((1, 2)) == 0.5).all()
        np.testing.assert_array_equal(pictures[:, ::-1, ::-1], 1 - pictures)
        assert {picture.tobytes() for picture in lines.half_planes(200, 2)} == {s.tobytes() for s in lines.SQUARES}

    def test_sets_differ_in_number_and_in_pixels(self):
        """(N, D): lines, squares, their copies, the squares as large as the lines."""
        shapes = {name: lines.pictures_of(name).shape for name in lines.SETS}
        assert shapes == {"lines": (1000, 1024), "squares": (4, 4), "copies": (1000, 4), "upscaled": (4, 1024)}
        assert len(np.unique(lines.pictures_of("copies"), axis=0)) == 4
        corners = lines.pictures_of("upscaled").reshape(4, 32, 32)[:, ::31, ::31]
        np.testing.assert_array_equal(corners.reshape(4, 4), lines.SQUARES)


class TestLosses:
    @pytest.mark.parametrize("reading", ["V", "T"])
    def test_two_readings_have_a_gaussians_divergence(self, reading):
        """KL(N(a, σ²) ‖ N(0, 1)) in closed form, from another program."""
        model, x = made(reading=reading), torch.from_numpy(lines.SQUARES).expand(3, 4, 4)
        mean, std, kl = model.posterior(x)
        exact = kl_divergence(Normal(mean, std), Normal(0.0, 1.0)).sum(-1)
        torch.testing.assert_close(kl, exact, atol=1e-5, rtol=1e-4)

    def test_the_printed_one_charges_half_as_much_for_a_small_deviation(self):
        """With σ = e^b in the place of σ²: ½ (a² + σ - 1 - log σ), and log σ → -∞ counts half."""
        model, x = made(reading="S"), torch.from_numpy(lines.SQUARES).expand(3, 4, 4)
        mean, std, kl = model.posterior(x)
        torch.testing.assert_close(kl, (0.5 * (mean**2 + std - 1 - std.log())).sum(-1))

    @pytest.mark.parametrize("reading", list(READINGS))
    def test_weightings_differ_by_the_number_of_pixels(self, reading):
        """D · MSE + KL, and MSE + KL as printed, at the same fixed draws."""
        x = torch.from_numpy(lines.SQUARES).expand(3, 4, 4)
        weighed, printed = made(reading=reading), made(reading=reading, literal=True)
        error = (weighed.criterion(x) - printed.criterion(x)) / 3
        kl = printed.posterior(x)[2]
        torch.testing.assert_close(printed.criterion(x), error + kl)
        assert (error > 0).all()

    def test_heaviside_of_the_inverse_sigmoid_leaves_no_gray(self):
        """Also at the ends, where the inverse sigmoid is infinite."""
        outputs = torch.tensor([0.0, 0.3, 0.499, 0.501, 0.9, 1.0])
        assert sharpened(outputs).tolist() == [0, 0, 0, 1, 1, 1]

    @pytest.mark.parametrize("reading", list(READINGS))
    def test_equation_1_as_printed_collapses(self, reading):
        """Every restart ends gray, with σ near 1: in all readings, on the squares."""
        model, x = made(members=12, reading=reading, literal=True), torch.from_numpy(lines.SQUARES)
        descend(model, x, steps=1500, lr=1e-2)
        found = measured(model, x)
        assert (found["MSE"] > 0.24).all()
        assert (found["least σ"] > 0.9).all()

    def test_weighed_by_the_pixels_it_does_not(self):
        """The best of the restarts, reading S: σ as the paper has it, and pictures come through."""
        model, x = made(members=12, reading="S", hidden=8), torch.from_numpy(lines.SQUARES)
        descend(model, x, steps=1500, lr=1e-2)
        found = measured(model, x)
        best = found["loss"].argmin()
        assert 0.1 < found["σ"][best] < 0.6
        assert found["MSE"][best] < 0.2


class TestRestarts:
    def test_a_member_becomes_what_it_would_alone(self):
        """Restart 2 of three, and the same seed in a fit of its own."""
        x = torch.from_numpy(lines.SQUARES)
        alone = hourglass(4, 2, 1, [2], "S", literal=False, device=CPU)
        together = made(reading="S")
        for model in (alone, together):
            descend(model, x, steps=200, lr=1e-2)
        torch.testing.assert_close(alone.first.weight[0], together.first.weight[2])
        torch.testing.assert_close(alone.fourth.bias[0], together.fourth.bias[2])

    def test_errors_are_sorted_by_level(self):
        """Each error has one level, or is an other."""
        found = restarts.levels(np.array([0.001, 0.0625, 0.13, 0.25, 0.1667]))
        assert {name: which.tolist().index(True) for name, which in found.items()} == {
            "0": 0,
            "1/16": 1,
            "1/8": 2,
            "1/4": 3,
            "other": 4,
        }
        assert sum(which.sum() for which in found.values()) == 5

    def test_about_a_third_of_the_restarts_stays_gray(self):
        """150 restarts in one fit: binomial noise around the .29 to .32 of 20,000 steps."""
        model, x = made(members=150), torch.from_numpy(lines.SQUARES)
        descend(model, x, steps=1500, lr=1e-2)
        found = restarts.levels(measured(model, x)["MSE"])
        assert 0.18 < found["1/4"].mean() < 0.45
        assert 0.2 < found["1/16"].mean() < 0.6

    def test_a_run_of_a1_measures_all_that_the_paper_shows(self, tmp_path):
        """Shares of each run, the best restart, the outputs' thresholds, the misfortunes before training."""
        result = run(Restarts("squares", restarts=30, passes=300, rate=1e-2), tmp_path)
        assert set(result.numbers) == {
            "run",
            *restarts.LEVELS,
            "other",
            *beginnings.CHANCES,
            *(f"output {number}" for number in range(1, 5)),
        }
        assert sum(np.array(result.numbers[level]["share"]) for level in (*restarts.LEVELS, "other")).tolist() == [1, 1]
        drawn = {"inputs", "outputs", "sharpened", "bottleneck", "neuron-1", "neuron-4"}
        assert drawn <= set(result.pictures)
        assert all(picture.dtype == np.uint8 for picture in result.pictures.values())

    def test_a_run_of_a2_learns_in_batches(self, tmp_path):
        """Lines: an epoch of two restarts, a histogram of means and deviations, and a checkpoint of the training."""
        task = Restarts("lines", "S", restarts=1, passes=1, batch=32)
        result = run(task, tmp_path, dataclasses.replace(SMALL, images=100))
        assert {"means", "deviations", "draws", "architecture"} <= set(result.pictures)
        assert len(result.numbers["run"]["σ"]) == 2
        assert (tmp_path / "run").exists()

    def test_the_least_loss_of_a_run_is_kept(self):
        """Two runs of three restarts: the second of the first, the last of the second."""
        found = {"loss": np.array([3.0, 1.0, 2.0, 6.0, 5.0, 4.0]), "MSE": np.arange(6.0)}
        numbers = Restarts("lines", restarts=3).numbers(made(members=6), found, 2)
        assert numbers["run"]["MSE"] == [1.0, 5.0]


class TestSketches:
    def test_the_papers_first_output_turns_twice(self):
        """Its figure 4: 15 in the middle, -5 at ±2, hence thresholds at ±1.5."""
        weights = (np.array([1.0, -1.0]), np.zeros(2))
        outputs = (np.full((2, 4), -10.0), np.full(4, 15.0))
        solution = sketches.Solution(weights, outputs, np.array([-2.0, -1.0, 1.0, 2.0]))
        assert solution.logits(np.array([-2.0, 0.0, 2.0]))[:, 0].tolist() == [-5, 15, -5]
        assert solution.thresholds(0) == pytest.approx([-1.5, 1.5], abs=1e-3)
        for picture in (sketches.neuron(solution, 0), sketches.bottleneck(solution)):
            assert picture.shape[2] == 3

    def test_black_and_white_are_violet_and_yellow(self):
        """The ends of viridis, also of truth values."""
        for pictures in (np.array([[[0.0, 1.0]]]), np.array([[[False, True]]])):
            pixels = sketches.in_rows([pictures], 1)
            assert pixels[4, 4].tolist() == [68, 1, 84]
            assert pixels[4, 5].tolist() == [253, 231, 37]


class TestBeginnings:
    def test_events_of_a_network_made_by_hand(self):
        """All weights of L1 negative: no picture passes; one unit negative: all pairs are dead in it, none in both."""
        second, third = np.ones((2, 2, 1)), np.ones((2, 1, 2))
        first = np.stack([-np.ones((4, 2)), np.stack([-np.ones(4), np.ones(4)], axis=1)])
        found = beginnings.events(first, second, third)
        assert found["L1 negative"].tolist() == [True, False]
        assert found["L1 silent"].tolist() == found["L3 silent"].tolist() == [True, False]
        assert found["a pair in both units"].tolist() == [True, False]
        assert found["disjoint pair in one unit"].tolist() == [1, 1]
        signs = beginnings.events(first, -second, third)["signs of L2 and L3"]
        assert signs.all()

    def test_chances_are_those_of_arithmetic(self, tmp_path):
        """A hundred thousand networks: within five standard errors, and the paper's argument is off where it is."""
        found = run(beginnings.Beginnings(50_000), tmp_path).numbers
        for event, chance in beginnings.CHANCES.items():
            error = (chance * (1 - chance) / 100_000) ** 0.5
            assert np.mean(found[event]["share"]) == pytest.approx(chance, abs=5 * error + 1e-4), event


class TestTwos:
    def test_a_run_judges_all_digits(self, tmp_path, monkeypatch):
        """On made-up digits: a bright column for each class, the twos learned."""

        def load(name, split, **options):  # noqa: ARG001
            labels = np.arange(2000 if split == "train" else 100) % 10
            pictures = np.zeros((len(labels), 28, 28), dtype=np.uint8)
            for picture, label in zip(pictures, labels, strict=True):
                picture[:, 2 * label : 2 * label + 3] = 220
            return Dataset(name, pictures, labels=labels)

        monkeypatch.setattr(twos.data, "load", load)
        result = run(Twos("A2"), tmp_path, dataclasses.replace(SMALL, epochs=2))
        assert len(result.numbers["others"]["AUC"]) == 2
        assert set(result.pictures) == {"learned", "outputs", "ROC"}

    def test_the_network_is_the_papers(self):
        """784-64-8-64-784, and a squared error whose weight beside the KL is the number of pixels."""
        a1, a2 = (Twos(method, "relu").detector(Budget()) for method in ("A1", "A2"))
        assert (a1.hidden, a1.latent, a1.activation, a1.epochs, a1.batch_size) == ((64,), 8, "relu", 100, 128)
        assert (a2.beta, a2.likelihood, a2.scoring) == (0.5, "gaussian", "reconstruction_error")


class TestPaper:
    paper = PAPERS["patuzzo2020"]

    def test_every_figure_of_the_document_can_be_run(self):
        """22 figures, and the numbers that stand in its text; names are unique in a table."""
        figures = {int(found[1]) for key in self.paper.tables if (found := re.fullmatch(r"figure (\d+)", key))}
        assert figures == set(range(1, 23))
        assert set(self.paper.tables) > {"lines", "levels", "beginnings", "readings", "pixels", "twos"}
        for key, table in self.paper.tables.items():
            assert {cell.table for cell in table.cells} == {key}
            assert len({cell.name for cell in table.cells}) == len(table.cells)

    def test_published_numbers_are_those_of_the_document(self):
        """By hand."""
        cells = {(cell.table, cell.name): cell.reported for cell in self.paper.cells}
        assert cells["levels", "2-1-2 0.001, 20,000 steps 0"] == {"share": (1 / 8, None)}
        assert cells["levels", "2-1-2 0.001, 20,000 steps 1/4"] == {"share": (1 / 3, None)}
        assert cells["beginnings", "a pair in both units draws"] == {"share": (0.32, None)}
        assert cells["twos", "A1 silu"] == {"AUC": (0.91, None), "MSE": (0.037, None)}
        assert cells["twos", "A2 silu"] == {"AUC": (0.93, None), "MSE": (0.02, None)}
        assert cells["figure 13", "A2 2-1-2"] == {"σ": (0.01, None)}
        assert cells["figure 15", "A2 2-1-2"]["σ"] == (0.5, None)

    def test_a_thousand_restarts_are_the_default(self):
        """Five runs of two hundred, in one fit."""
        tasks = {cell.task for cell in self.paper.tables["levels"].cells}
        assert {task.restarts * Budget().members for task in tasks} == {1000}
