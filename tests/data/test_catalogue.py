"""The public datasets: their names, sizes and kinds."""

import re
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from oodles import data
from oodles.data.catalogue import LISTINGS, adbench
from oodles.errors import DatasetError, ParameterError

PICTURES = [
    ("mnist", "train", (60_000, 28, 28), [5, 0, 4]),
    ("mnist", "test", (10_000, 28, 28), [7, 2, 1]),
    ("fashion-mnist", "train", (60_000, 28, 28), [9, 0, 0]),
    ("fashion-mnist", "test", (10_000, 28, 28), [9, 2, 1]),
    ("kmnist", "test", (10_000, 28, 28), [2, 9, 3]),
    ("notmnist", "test", (10_000, 28, 28), [3, 5, 9]),
    ("ahcd", "train", (13_440, 32, 32), [1, 1, 1]),
    ("ahcd", "test", (3360, 32, 32), [1, 1, 2]),
    ("cifar-10", "test", (10_000, 32, 32, 3), [3, 8, 8]),
]


class TestList:
    def test_names_lists_every_dataset_once_with_a_line_about_it(self):
        entries = data.names()
        names = [entry.name for entry in entries]
        assert len(names) == len(set(names)) == 68
        assert {"mnist", "emnist-letters", "celeba", "creditcard", "digits", "lines", "6_cardio"} <= set(names)
        assert all(entry.description and entry.size and entry.splits for entry in entries)
        assert {entry.kind for entry in entries} == {"table", "pictures", "points"}

    def test_every_dataset_says_whom_to_cite_and_what_is_allowed(self):
        assert all(listing.citation and listing.licence for listing in LISTINGS)

    def test_every_known_hash_is_one(self):
        files = {
            file for listing in LISTINGS for forms in listing.editions.values() for form in forms for file in form.files
        }
        hashes = [known for file in files for known in file.hashes]
        assert len(hashes) > 30
        assert all(re.fullmatch(r"[0-9a-f]{64}|md5:[0-9a-f]{32}", known) for known in hashes)

    def test_presence_tells_embedded_generated_and_missing_sets_apart(self, tmp_path, monkeypatch):
        monkeypatch.setenv("OODLES_DATA", str(tmp_path))
        presence = {entry.name: entry.presence for entry in data.names()}
        assert presence["digits"] == presence["breast-cancer"] == "embedded"
        assert presence["swiss-roll"] == "generated"
        assert presence["mnist"] == presence["stacked-mnist-3"] == presence["6_cardio"] == "downloadable"
        assert presence["creditcard"] == presence["celeba"] == "by hand"

        for name in ("cifar-10-partial/test_batch.bin.gz", "adbench/6_cardio.npz", "mnist/t10k-labels-idx1-ubyte.gz"):
            (tmp_path / name).parent.mkdir()
            (tmp_path / name).touch()
        presence = {entry.name: entry.presence for entry in data.names()}
        assert presence["cifar-10"] == "partial"
        assert presence["6_cardio"] == "present"
        assert presence["mnist"] == "downloadable"

    def test_importing_the_room_loads_no_heavy_package(self):
        program = (
            "import sys, oodles; before = set(sys.modules); import oodles.data; new = set(sys.modules) - before;"
            "print(sorted(new & {'torch', 'sklearn', 'scipy', 'pandas', 'pooch', 'requests', 'rich'}))"
        )
        answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert answer.stdout.strip() == "[]"


class TestNamesAndSplits:
    @pytest.mark.parametrize("name", ["6_cardio", "cardio", "Cardio", "adbench/cardio", "ADBench/6_CARDIO", " cardio "])
    def test_adbench_answers_to_many_names(self, name, needs):
        assert needs("6_cardio").name == data.load(name, download=False).name == "6_cardio"

    def test_a_picture_set_wins_over_the_table_of_the_same_name(self, tmp_path, monkeypatch):
        monkeypatch.setenv("OODLES_DATA", str(tmp_path))
        with pytest.raises(DatasetError, match="mnist/train-images-idx3-ubyte"):
            data.load("mnist", download=False)
        with pytest.raises(DatasetError, match="adbench/24_mnist"):
            data.load("adbench/mnist", download=False)
        with pytest.raises(DatasetError, match="celeba/img_align_celeba"):
            data.load("celeba", download=False)
        with pytest.raises(DatasetError, match="adbench/8_celeba"):
            data.load("adbench/celeba", download=False)
        with pytest.raises(DatasetError, match="fashion-mnist/"):
            data.load("Fashion_MNIST", download=False)

    def test_an_unknown_name_is_answered_with_the_nearest(self):
        with pytest.raises(ParameterError, match=r"'minst'.*did you mean mnist") as error:
            data.load("minst")
        assert "\n" not in str(error.value)
        with pytest.raises(ParameterError, match="lists them"):
            data.load("zzzzzz")

    def test_an_unknown_split_is_answered_with_those_there_are(self):
        with pytest.raises(ParameterError, match="'notmnist' has no split 'train': it has split='test'"):
            data.load("notmnist")
        with pytest.raises(ParameterError, match="split='train' and split='test'"):
            data.load("mnist", "validation")

    @pytest.mark.parametrize("options", [{"rows": 10}, {"seed": 0}])
    def test_only_generated_sets_take_rows_and_seed(self, options):
        with pytest.raises(ParameterError, match="'digits' is not a generated set"):
            data.load("digits", **options)


class TestEmbeddedSets:
    def test_digits_are_pictures_of_bytes(self):
        digits = data.load("digits")
        assert digits.X.shape == (1797, 8, 8)
        assert digits.X.dtype == np.uint8
        assert (digits.X.min(), digits.X.max()) == (0, 255)
        assert set(digits.labels) == set(range(10))
        assert digits.y is None
        assert "scaled" in digits.note

    def test_malignant_tumours_are_the_anomalies(self):
        cancer = data.load("breast-cancer")
        assert isinstance(cancer.X, pa.Table)
        assert cancer.X.shape == (569, 30)
        assert "mean radius" in cancer.X.column_names
        assert cancer.y.dtype == np.int8
        assert cancer.y.sum() == 212
        assert np.array_equal(cancer.labels == "malignant", cancer.y == 1)
        assert set(cancer.schema.values()) == {"real"}


class TestPublicFiles:
    @pytest.mark.parametrize(("name", "split", "shape", "first"), PICTURES)
    def test_pictures_are_bytes_with_a_label_each(self, name, split, shape, first, needs):
        dataset = needs(name, split)
        assert dataset.X.shape == shape
        assert dataset.X.dtype == np.uint8
        assert dataset.X.flags.writeable
        assert dataset.X.flags.c_contiguous
        assert dataset.labels[:3].tolist() == first
        assert dataset.labels.shape == shape[:1]
        assert dataset.y is None

    def test_mnist_has_its_known_mean(self, needs):
        assert needs("mnist").X.mean() / 255 == pytest.approx(0.1307, abs=1e-4)

    def test_svhn_writes_zero_as_0(self, needs):
        svhn = needs("svhn", "test")
        assert svhn.X.shape[1:] == (32, 32, 3)
        assert svhn.X.dtype == np.uint8
        assert set(svhn.labels) == set(range(10))

    @pytest.mark.parametrize(("split", "rows", "part"), [("train", 162_770, 3600), ("test", 19_962, 400)])
    def test_celeba_is_faces_in_color(self, split, rows, part, needs):
        """Skin fills the middle of most pictures, so that red is the strongest color there, and blue the weakest."""
        celeba = needs("celeba", split)
        assert celeba.X.shape == (part if "Partial: " in celeba.note else rows, 64, 64, 3)
        assert celeba.X.dtype == np.uint8
        assert celeba.X.flags.writeable
        assert celeba.y is None
        assert celeba.labels is None
        assert "middle square of 108 of 178×218 pixels" in celeba.note
        red, green, blue = celeba.X[:400, 24:40, 24:40].mean((1, 2)).T
        assert np.mean((red > green) & (green > blue)) > 0.9

    @pytest.mark.parametrize(
        ("name", "split", "rows", "note"),
        [
            ("kmnist", "train", 7011, "first 7,011 of the 60,000"),
            ("cifar-10", "train", 20_000, "20,000 of the 50,000"),
            ("svhn", "train", 20_000, "20,000 digits"),
            ("svhn", "test", 10_000, "not the official test set"),
            ("creditcard", "train", 4096, "all 492 frauds"),
            ("celeba", "train", 3600, "the first 4,000 at half size"),
            ("celeba", "test", 400, "not official test faces"),
        ],
    )
    def test_a_part_of_a_set_is_used_and_says_what_it_is(self, name, split, rows, note, needs):
        dataset = needs(name, split)
        if "Partial: " not in dataset.note:
            pytest.skip(f"{name} is complete")
        assert len(dataset.X) == rows
        assert dataset.note.startswith("Partial: ")
        assert note in dataset.note

    @pytest.mark.parametrize(
        ("split", "rows", "normal", "kinds"), [("train", 494_021, 97_278, 23), ("test", 311_029, 60_593, 38)]
    )
    def test_kddcup99_is_a_table_whose_attacks_are_the_anomalies(self, split, rows, normal, kinds, needs):
        kdd = needs("kddcup99", split)
        assert kdd.X.shape == (rows, 41)
        assert kdd.X.column_names == list(kdd.schema)
        assert kdd.X["service"].type == pa.string()
        assert kdd.X["land"].type == pa.int8()
        assert kdd.X["src_bytes"].type == pa.float64()
        assert (kdd.y == 0).sum() == normal
        assert len(set(kdd.labels)) == kinds
        assert np.array_equal(kdd.labels != "normal.", kdd.y == 1)
        kinds_of_columns = list(kdd.schema.values())
        assert [kinds_of_columns.count(kind) for kind in ("real", "binary", "category")] == [34, 4, 3]

    def test_creditcard_is_a_table_with_its_frauds(self, needs):
        card = needs("creditcard")
        assert card.X.column_names == ["Time", *(f"V{number}" for number in range(1, 29)), "Amount"]
        assert card.y.sum() == 492
        assert card.schema["Time"] == "ignore"
        assert set(card.X.schema.types) == {pa.float64()}

    @pytest.mark.parametrize("listing", adbench.LISTINGS, ids=lambda listing: listing.name)
    def test_adbench_has_the_sizes_of_the_paper(self, listing, needs):
        table = needs(listing.name)
        rows, columns = table.X.shape
        anomalies = table.y.sum()
        assert listing.size == f"{rows:,} × {columns:,}"
        assert f"{anomalies:,} anomalies" in listing.description
        assert table.X.dtype == np.float64
        assert table.y.dtype == np.int8
