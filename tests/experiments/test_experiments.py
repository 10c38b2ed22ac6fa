"""Experiments: done once, recorded whole; a missing dataset costs its cells; pages say what the records say."""

import json
from dataclasses import asdict, dataclass, field
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image

from oodles import data, experiments
from oodles.cli import main
from oodles.detectors import NegativeSamplingVAE
from oodles.errors import DatasetError, FileError
from oodles.experiments import PAPERS, Budget, Cell, Paper, pictures, records, runner
from oodles.experiments.known import KnownAnomalies
from oodles.experiments.papers.paper import Table
from oodles.experiments.pictures import OutOfDistribution
from oodles.experiments.tasks import Result
from oodles.report import paper as page

DONE = []


@dataclass(frozen=True)
class Toy:
    """A task that counts how often it was run."""

    value: float
    missing: bool = False
    inlier: str = "in"

    @property
    def name(self):
        return f"toy {self.value}"

    def described(self, budget):  # noqa: ARG002
        return asdict(self)

    def run(self, budget, *, device, checkpoint, verbose):  # noqa: ARG002
        if self.missing:
            raise DatasetError("SVHN is not on this machine.")
        DONE.append(self.value)
        runs = [self.value, self.value + 0.02]
        return Result(
            {"out": {"AUC kl": runs, "bits": [5.0], "wild": [np.inf]}, "in": {"bits": [3.0]}},
            {"samples": np.full((4, 6), 128, np.uint8)},
            ("AHCD stands in for Letters.",),
        )


@pytest.fixture(autouse=True)
def done():
    """What was run in this test."""
    DONE.clear()
    return DONE


def quietly(tasks, folder, budget=Budget(), told=None):  # noqa: B008
    """Run without a word, or with the words in a list."""
    tell = (lambda line: None) if told is None else told.append  # noqa: ARG005
    return runner.run(tasks, folder, budget, device="cpu", verbose=False, tell=tell)


class TestRunner:
    def test_what_is_done_is_not_done_again(self, done, tmp_path):
        """Equal task and budget, equal record; another budget is another record."""
        quietly([Toy(0.5), Toy(0.7)], tmp_path)
        told = []
        outcomes = quietly([Toy(0.5), Toy(0.9)], tmp_path, told=told)
        assert done == [0.5, 0.7, 0.9]
        assert [outcome.state for outcome in outcomes] == ["before", "now"]
        assert told == ["2/2 toy 0.9 …"]
        quietly([Toy(0.5)], tmp_path, Budget(members=2))
        assert done[-1] == 0.5
        assert len(list(tmp_path.glob("*.json"))) == 4

    def test_a_missing_dataset_costs_its_cells_only(self, done, tmp_path):
        """The sentence is told; the next task runs; nothing is recorded, so that a later run tries again."""
        told = []
        outcomes = quietly([Toy(0.5, missing=True), Toy(0.7)], tmp_path, told=told)
        assert [outcome.state for outcome in outcomes] == ["missing", "now"]
        assert "left out. SVHN is not on this machine." in told[1]
        assert done == [0.7]

    def test_the_time_left_is_told(self, tmp_path, monkeypatch):
        """After the first task there is an estimate."""
        clock = iter(range(0, 10_000, 100))
        monkeypatch.setattr(runner.time, "perf_counter", lambda: next(clock))
        told = []
        quietly([Toy(0.1), Toy(0.2), Toy(0.3)], tmp_path, told=told)
        assert told[0] == "1/3 toy 0.1 …"
        assert "about 3 min left" in told[1]
        assert "about 2 min left" in told[2]

    def test_a_record_is_whole_or_not_there(self, tmp_path, monkeypatch):
        """A full disk leaves no half record; a damaged one is refused with its name."""
        full = OSError(28, "No space left")
        monkeypatch.setattr(records.json, "dump", Mock(side_effect=full))
        with pytest.raises(FileError, match="cannot be written: No space left"):
            quietly([Toy(0.5)], tmp_path)
        assert not list(tmp_path.glob("*.json"))
        monkeypatch.undo()
        quietly([Toy(0.5)], tmp_path)
        (path,) = tmp_path.glob("*.json")
        path.write_text(path.read_text()[:40])
        with pytest.raises(FileError, match="is not a whole record"):
            quietly([Toy(0.5)], tmp_path)

    def test_a_record_says_where_it_comes_from(self, tmp_path):
        """Task, budget, seconds, versions, hardware, pictures; infinity survives."""
        quietly([Toy(0.5)], tmp_path)
        found = records.read(tmp_path, Toy(0.5), Budget())
        assert found.task["value"] == 0.5
        assert found.task["members"] == 5
        assert {"torch", "numpy", "oodles"} <= set(found.provenance["versions"])
        assert found.seconds >= 0
        assert found.of("out", "AUC kl").tolist() == [0.5, 0.52]
        assert np.isinf(found.of("out", "wild"))
        assert found.of("nowhere", "AUC kl").size == 0
        with Image.open(tmp_path / found.pictures["samples"]) as picture:
            assert picture.size == (6, 4)

    def test_the_folder_of_the_records_is_nobodys_business(self, monkeypatch):
        """The command in a record names no place."""
        monkeypatch.setattr(
            records.sys, "argv", ["oodles", "reproduce", "p", "--results", "/home/me", "--cells", "a b"]
        )
        assert records.provenance()["command"] == "oodles reproduce p --cells 'a b'"


def toy_paper():
    """Two tables of toys."""
    reported = {"AUC kl": (0.6, 0.05)}
    cells = tuple(
        Cell("1", (f"row {value}",), column, Toy(value), "out", reported)
        for value, column in ((0.5, "plain"), (0.9, "pulled"))
    )
    quantities = {"AUC kl": "AUC KL", "test bits": "Test BPD", "ood bits": "OOD BPD", "wild": "Wild"}
    return Paper(
        "toy2020",
        "Toy (2020)",
        "https://example.org",
        {"1": Table("Toys", ("row",), cells, quantities, ("AUC x",), ("samples",), remarks=("A remark.",))},
        light="light networks",
        deviations=("One deviation.",),
    )


class TestPages:
    def test_reported_stands_beside_reproduced(self, tmp_path):
        """Means, deviations, distances, notes, remarks, pictures, budgets, and what has not been run."""
        toys = toy_paper()
        quietly([Toy(0.5)], tmp_path)
        text = page.as_markdown(toys, tmp_path, pictures="../records")
        assert (
            "| row 0.5 | plain | a | 0.60 (0.05) | 0.510 (0.010) | 0.09 | – | 3.000 | – | – | 5.000 | – | – | inf | – |"
            in text
        )
        assert "row 0.9" not in text
        assert "1 of 2 cells have not been run." in text
        assert "- A remark." in text
        assert "- AHCD stands in for Letters." in text
        assert "- One deviation." in text
        assert "](../records/" in text
        html = page.as_html(toys, tmp_path)
        assert html.count("data:image/png;base64,") == 1
        assert "0.60 (0.05)" in html
        assert "<svg" in html
        assert "http" not in html.replace("https://example.org", "").replace("http://www.w3.org", "")

    def test_the_larger_budget_is_shown_and_both_protocols(self, tmp_path):
        """One line for each protocol, with the most members."""
        for budget in (Budget(members=2), Budget(members=5), Budget(members=3, protocol="clean")):
            quietly([Toy(0.5)], tmp_path, budget)
        (sheet,), budgets = page.sheets(toy_paper(), tmp_path)
        assert [(line.record.task["members"], line.record.task["protocol"]) for line in sheet.lines] == [
            (5, "paper"),
            (3, "clean"),
        ]
        assert [mark for mark, _ in budgets] == ["a", "b"]

    def test_intervals_are_students(self):
        """Two runs have a wide one, a single run none."""
        value = page.Value("AUC KL", (0.5, None), np.array([0.4, 0.6]))
        assert value.interval == pytest.approx((0.5 - 12.706 * 0.1, 0.5 + 12.706 * 0.1), abs=1e-2)
        assert page.Value("AUC KL", None, np.array([0.4])).interval is None
        assert page.Value("AUC KL", None, np.array([])).mean is None


class TestCsiszarik:
    paper = PAPERS["csiszarik2019"]

    def test_every_cell_of_the_paper_is_there(self):
        """Tables 1 and 2: all permutations; 11 weights, 5 dimensions, both sweeps; names are unique in a table."""
        counts = {number: len(table.cells) for number, table in self.paper.tables.items()}
        assert counts["1"] == 36
        assert counts["2"] == 15 + 3
        assert counts["4"] == 11
        assert counts["5"] == 5
        assert counts["shift"] == 2 * (5 + 6)
        for table in self.paper.tables.values():
            assert len({cell.name for cell in table.cells}) == len(table.cells)

    def test_published_numbers_are_those_of_the_paper(self):
        """A few, by hand."""
        cells = {(cell.table, cell.name): cell.reported for cell in self.paper.cells}
        assert cells["1", "Fashion-MNIST MNIST Bernoulli baseline"] == {
            "AUC bits_per_dim": (0.46, 0.05),
            "AUC kl": (0.61, 0.09),
        }
        assert cells["1", "Letters MNIST Gaussian auxiliary"]["AUC kl"] == (0.43, 0.10)
        assert cells["2", "CIFAR-10 SVHN Q. Gaussian baseline"]["AUC bits_per_dim"] == (0.19, 0.00)
        assert "AUC bits_per_dim" not in cells["2", "SVHN CIFAR-10 Gaussian adversarial"]
        assert cells["5", "500"]["test kl"] == (17.65, None)

    def test_models_are_shared_between_tables(self):
        """The baseline of shirts is one task in four tables."""
        baseline = OutOfDistribution("Fashion-MNIST", "bernoulli")
        assert {cell.table for cell in self.paper.cells if cell.task == baseline} == {"1", "3", "5", "6", "7", "beyond"}

    def test_settings_are_the_authors(self):
        """Gray: RMSProp, 10 codes, m = 8, 100 epochs; color: Adam, 100 codes, m = 25, spectral norm and 300 epochs."""
        gray = OutOfDistribution("MNIST", "gaussian", source="adversarial").detector(Budget())
        assert (gray.optimizer, gray.lr, gray.batch_size, gray.epochs, gray.network) == (
            "rmsprop",
            1e-4,
            50,
            100,
            "gray",
        )
        assert (gray.latent, gray.shift, gray.members, gray.decay, gray.early_stopping) == (10, 8.0, 5, False, False)
        color = OutOfDistribution("SVHN", "bernoulli", source="adversarial").detector(Budget())
        assert (color.optimizer, color.latent, color.shift, color.epochs) == ("adam", 100, 25.0, 300)
        assert color.network == "color-spectral"
        auxiliary = OutOfDistribution("CIFAR-10", "bernoulli", negatives=("ImageNet-32",)).detector(Budget())
        assert (auxiliary.network, auxiliary.epochs) == ("color-affine", 100)

    def test_a_new_parameter_leaves_old_records_valid(self):
        """The identity holds what differs from the defaults, and nothing else."""
        described = OutOfDistribution("MNIST", "gaussian").described(Budget())
        assert described["detector"].startswith("NegativeSamplingVAE(")
        assert "validation_fraction=0.02" in described["detector"]
        assert "schema" not in described["detector"]


def tiny(role, split, *, protocol):  # noqa: ARG001
    """Twelve by twelve pixels, bright or dark."""
    if role == "Letters" and split == "test":
        raise DatasetError("Letters is not on this machine.")
    rng = np.random.default_rng(len(role) + len(split))
    shape = (60, 12, 12, 3) if role in pictures.COLOR else (60, 12, 12)
    return rng.integers(0, 80, shape, dtype=np.uint8) + (90 if role == "MNIST" else 0), f"{role} is tiny."


class TestPictures:
    def test_a_task_measures_what_it_says(self, monkeypatch, tmp_path):
        """Every score for every set and member, sample grids, codes; a set that is missing is a note."""
        monkeypatch.setattr(pictures, "load", tiny)
        budget = Budget(epochs=1, members=2, network="light", test=20, few=4)
        task = OutOfDistribution("Fashion-MNIST", "bernoulli", negatives=("KMNIST",))
        found = task.run(budget, device="cpu", checkpoint=tmp_path / "run", verbose=False)
        assert set(found.numbers) == {"Fashion-MNIST", "MNIST"}
        for kind in (
            "bits_per_dim",
            "kl",
            "density",
            "typicality",
            "waic",
            "input_complexity",
            "iwae",
            "likelihood_regret",
        ):
            assert len(found.numbers["MNIST"][f"AUC {kind}"]) == 2
            assert len(found.numbers["MNIST"][f"AUC {kind}, all members"]) == 1
            assert len(found.numbers["Fashion-MNIST"][kind]) == 2
        assert found.pictures["samples"].shape == (60, 120)
        assert found.pictures["codes"].shape[2] == 3
        assert "Letters is not on this machine." in found.notes

    @pytest.mark.parametrize("more", [{"source": "adversarial"}, {}, {"normalized": "batch"}], ids=str)
    def test_color_networks_train(self, monkeypatch, tmp_path, more):
        """Spectral norm against negatives of their own; normalization as an affine map, or real."""
        monkeypatch.setattr(pictures, "load", tiny)
        monkeypatch.setattr(pictures, "COSTLY", ())
        task = OutOfDistribution("CIFAR-10", "gaussian-dequantized", **more)
        budget = Budget(epochs=1, members=1, test=8)
        found = task.run(budget, device="cpu", checkpoint=tmp_path / "run", verbose=False)
        assert set(found.numbers) == {"CIFAR-10", "SVHN"}
        assert np.isfinite(found.numbers["SVHN"]["AUC bits_per_dim"]).all()
        assert found.pictures["samples"].shape == (60, 120, 3)

    def test_ranks_survive_infinities_and_records_count_them(self):
        """An infinite score is the strangest; its mean is that of the others; how many there were is said."""

        @dataclass
        class Wild:
            background: float = 0.0
            scores: dict = field(default_factory=dict)

            def member_scores(self, X, kind):  # noqa: ARG002
                return np.array([[np.inf, 2.0, np.nan, 3.0]]) if X[0] else np.array([[0.0, 1.0, 0.5, 0.2]])

        numbers = pictures.judged(Wild(), {"a": np.zeros(4), "b": np.ones(4)}, "a", 4)
        assert numbers["b"]["AUC kl"] == [1.0]
        assert numbers["b"]["kl"] == [2.5]
        assert numbers["b"]["kl: not finite"] == [2]

    def test_stand_ins_say_so(self, monkeypatch):
        """Letters are EMNIST's, transposed as stored for the paper and upright else; or another set, resized."""

        @dataclass
        class Found:
            X: np.ndarray
            note: str = ""

        stored = np.arange(2 * 28 * 28).reshape(2, 28, 28).astype(np.uint8)

        def load(name, split, *, download):  # noqa: ARG001
            if name == available:
                return Found(stored if name == "emnist-letters" else np.zeros((3, 32, 32), np.uint8))
            raise DatasetError("absent")

        monkeypatch.setattr(data, "load", load)
        available = "emnist-letters"
        upright, note = pictures.load("Letters", "train", protocol="clean")
        transposed, _ = pictures.load("Letters", "train", protocol="paper")
        assert note == ""
        assert np.array_equal(upright.transpose(0, 2, 1), transposed)
        available = "ahcd"
        found, note = pictures.load("Letters", "train", protocol="paper")
        assert found.shape == (3, 28, 28)
        assert "ahcd (train, 3 pictures) stands in for Letters." in note
        available = "nothing"
        with pytest.raises(DatasetError, match="neither emnist-letters nor ahcd lies in"):
            pictures.load("Letters", "train", protocol="paper")


class TestKnownAnomalies:
    def test_no_anomaly_is_both_known_and_judged(self, monkeypatch, tmp_path):
        """Disjoint rows, whatever the count; scores for each split."""
        seen = []

        class Listening(NegativeSamplingVAE):
            def fit(self, X, y=None, *, negatives=None):
                seen.append(("known", {row[0] for row in negatives}))
                return super().fit(X, y, negatives=negatives)

            def anomaly_score(self, X, kind=None):
                seen.append(("judged", {row[0] for row in X}))
                return super().anomaly_score(X, kind)

        monkeypatch.setattr(experiments.known, "NegativeSamplingVAE", Listening)
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(400, 3)), np.repeat([0, 1], [360, 40])
        found = data.Dataset("toy", X, y.astype(np.int8))
        monkeypatch.setattr(data, "load", lambda *a, **k: found)  # noqa: ARG005
        monkeypatch.setattr(
            KnownAnomalies,
            "detector",
            lambda _, seed, **more: Listening(members=1, epochs=1, random_state=seed, **more),
        )
        result = KnownAnomalies("toy", 50).run(
            Budget(members=2), device="cpu", checkpoint=tmp_path / "c", verbose=False
        )
        known, judged = (set.union(*(rows for what, rows in seen if what == name)) for name in ("known", "judged"))
        assert len(seen) == 2 * 4
        for i in range(0, 8, 4):
            assert not seen[i][1] & seen[i + 1][1]
            assert len(seen[i][1]) == 20
        assert known
        assert judged
        assert len(result.numbers["others"]["AUC elbo"]) == 2


class TestCommands:
    def run(self, *arguments):
        """The exit code of `oodles …`."""
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        return end.value.code

    def test_list_run_again_report(self, capsys, monkeypatch, tmp_path):
        """A real table of the paper, with tiny pictures: nothing done, done, done before, shown."""
        monkeypatch.setattr(pictures, "load", tiny)
        small = (
            "--members",
            2,
            "--epochs",
            1,
            "--network",
            "light",
            "--test",
            20,
            "--few",
            4,
            "--results",
            tmp_path / "r",
        )
        what = (
            "reproduce",
            "csiszarik2019",
            "--table",
            "1",
            "--cells",
            "Fashion-MNIST MNIST Bernoulli aux*",
            *small,
            "--json",
        )
        assert self.run(*what, "--list") == 0
        assert [row["done"] for row in json.loads(capsys.readouterr().out)] == [False]
        assert self.run(*what) == 0
        assert json.loads(capsys.readouterr().out)["done now"] == 1
        assert self.run(*what) == 0
        assert json.loads(capsys.readouterr().out)["done before"] == 1
        assert self.run(*what, "--list") == 0
        assert [row["done"] for row in json.loads(capsys.readouterr().out)] == [True]
        assert self.run("report", "csiszarik2019", "--results", tmp_path / "r", "--output", tmp_path / "p") == 0
        text = (tmp_path / "p" / "csiszarik2019.md").read_text()
        assert "| Fashion-MNIST | MNIST | Bernoulli | auxiliary | a | 1.00 (0.00) |" in text
        assert str(tmp_path) not in text
        assert (tmp_path / "p" / "csiszarik2019.html").stat().st_size > 10_000

    def test_ctrl_c_is_one_sentence(self, capsys, monkeypatch, tmp_path):
        """It says how to go on."""
        monkeypatch.setattr(experiments, "run", Mock(side_effect=KeyboardInterrupt))
        assert self.run("reproduce", "csiszarik2019", "--table", "7", "--results", tmp_path, "-q") == 1
        assert capsys.readouterr().err.startswith("oodles: Stopped: the same command goes on from")

    @pytest.mark.parametrize(
        ("arguments", "code", "sentence"),
        [
            (("reproduce", "nobody1999"), 2, "there is no paper 'nobody1999'; there are csiszarik2019"),
            (("reproduce", "csiszarik2019", "--table", "99"), 2, "has no table 99"),
            (("reproduce", "csiszarik2019", "--cells", "unicorn"), 2, "no cell has these words"),
            (("reproduce", "csiszarik2019", "--network", "huge"), 2, "--network is paper or light"),
            (("report", "csiszarik2019", "--results", "/nonexistent"), 1, "run `oodles reproduce csiszarik2019` first"),
        ],
    )
    def test_what_makes_no_sense_is_one_sentence(self, capsys, arguments, code, sentence):
        """Exit code 2 for a command, 1 for a run."""
        assert self.run(*arguments) == code
        assert sentence in capsys.readouterr().err.replace("\n", " ")
