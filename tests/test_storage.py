"""Saved models: the same scores in another process, and a sentence for whatever is not a whole, unedited model."""

import errno
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import oodles
from oodles import storage
from oodles.calibration import Quantile
from oodles.detectors import VAE, AutoEncoder
from oodles.errors import ArtefactError

RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(60, 3))
NAMED = pa.table(
    {
        "größe": np.where(RNG.random(60) < 0.2, np.nan, RNG.normal(size=60)),
        "city": RNG.choice(["Prag", "Łódź", "Rome"], 60),
        "smokes": RNG.integers(0, 2, 60),
    }
)
PICTURES = RNG.integers(0, 256, (30, 6, 5), dtype=np.uint8)
QUICK = {"epochs": 1, "random_state": 0}


@pytest.fixture(scope="module")
def detector():
    """A small fitted detector."""
    return AutoEncoder(members=1, hidden=(8,), **QUICK).fit(NUMBERS)


@pytest.fixture
def saved(detector, tmp_path):
    """It, saved as the only thing in a folder."""
    detector.save(tmp_path / "model")
    return tmp_path / "model"


def signed(path, **changes):
    """Change a configuration and give it the checksum that fits: not damage, but a file of another making."""
    config = json.loads((path / "config.json").read_text(encoding="utf-8")) | changes
    config["sha256"] = storage.checksum(storage.canonical(config))
    (path / "config.json").write_text(json.dumps(config), encoding="utf-8")


class TestRoundTrip:
    def test_scores_are_bit_identical_in_another_process(self, tmp_path):
        """Named tables with holes and members, arrays, pictures: scores, p-values, alarms, explanations, codes."""
        fitted = {
            "named": (VAE(members=3, hidden=(8,), schema={"smokes": "category"}, **QUICK), NAMED),
            "numbers": (AutoEncoder(members=1, hidden=(7, 5), contamination=Quantile(0.2), **QUICK), NUMBERS),
            "pictures": (VAE(latent=2, likelihood="bernoulli", scoring="iwae-3", **QUICK), PICTURES),
        }
        for name, (made, rows) in fitted.items():
            made.fit(rows).save(tmp_path / name)
            (tmp_path / f"{name}.rows").write_bytes(pickle.dumps(rows))
        program = (
            "import sys, pickle, pathlib, numpy, oodles\n"
            "for path in pathlib.Path(sys.argv[1]).glob('*.rows'):\n"
            "    made, rows = oodles.load(path.with_suffix('')), pickle.loads(path.read_bytes())\n"
            "    methods = made.anomaly_score, made.p_value, made.predict, made.explain, made.embed\n"
            "    numpy.savez(path.with_suffix('.npz'), *[method(rows) for method in methods])\n"
        )
        subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
        for name, (made, rows) in fitted.items():
            methods = made.anomaly_score, made.p_value, made.predict, made.explain, made.embed
            with np.load(tmp_path / f"{name}.npz") as there:
                assert all(np.array_equal(method(rows), there[key]) for method, key in zip(methods, there, strict=True))

    def test_parameters_and_history_come_back(self, detector, saved):
        """The estimator is the one that was fitted, but for the device that it is loaded to."""
        loaded = oodles.load(saved, device="cpu")
        assert loaded.get_params() == detector.get_params() | {"device": "cpu"}
        assert loaded.history_ == detector.history_
        assert loaded.offset_ == detector.offset_

    def test_saving_again_replaces_the_model(self, saved):
        """At the same place, the newer model stands alone; saving what was loaded writes the same files."""
        before = {file.name: file.read_bytes() for file in saved.iterdir()}
        oodles.load(saved, device="auto").save(saved)
        assert {file.name: file.read_bytes() for file in saved.iterdir()} == before
        assert set(before) == {"config.json", "model.safetensors", "README.md"}
        assert [file.name for file in saved.parent.iterdir()] == ["model"]

    def test_an_empty_folder_may_become_a_model(self, detector, tmp_path):
        """Someone made the folder first; parents are made where they are missing."""
        (tmp_path / "empty").mkdir()
        for path in (tmp_path / "empty", tmp_path / "some" / "where"):
            detector.save(path)
            assert np.array_equal(oodles.load(path).anomaly_score(NUMBERS), detector.anomaly_score(NUMBERS))


class TestRefusals:
    def refused(self, path, sentence):
        """Loading fails with a sentence."""
        with pytest.raises(ArtefactError, match=sentence) as caught:
            oodles.load(path)
        assert str(caught.value).endswith(".")

    @pytest.mark.parametrize("where", [0, 9, 200, -1])
    def test_a_changed_byte_of_the_weights(self, saved, where):
        """In the header or in the numbers: the checksum does not fit."""
        blob = bytearray((saved / "model.safetensors").read_bytes())
        blob[where] ^= 1
        (saved / "model.safetensors").write_bytes(blob)
        self.refused(saved, "model.safetensors was edited or cut short")

    @pytest.mark.parametrize("left", [0, 5, 100, -1])
    def test_cut_weights(self, saved, left):
        """A copy that was interrupted."""
        (saved / "model.safetensors").write_bytes((saved / "model.safetensors").read_bytes()[:left])
        self.refused(saved, "model.safetensors was edited or cut short")

    def test_an_edited_configuration(self, saved):
        """Even one that is still valid JSON and a possible model."""
        text = (saved / "config.json").read_text(encoding="utf-8")
        (saved / "config.json").write_text(text.replace('"false_alarm_rate": 0.05', '"false_alarm_rate": 0.5'))
        self.refused(saved, "config.json was edited or damaged")

    @pytest.mark.parametrize("text", ["", "{", "[1, 2]", '"oodles"', "{}", '{"model_type": "bert"}', "\x00\x01"])
    def test_a_configuration_of_something_else(self, saved, text):
        """No JSON, no object, or another program's object."""
        (saved / "config.json").write_text(text)
        self.refused(saved, "cannot be read|does not describe an oodles model")

    def test_an_older_format_with_a_correct_checksum(self, saved):
        """Its weights lie otherwise: they are refused before anything is made of them."""
        signed(saved, schema_version=1)
        self.refused(saved, r"written in format 1, .*fit it anew")

    @pytest.mark.parametrize("version", [storage.SCHEMA_VERSION + 1, 10**6])
    def test_a_newer_format_with_a_correct_checksum(self, saved, version):
        """The way out is a newer version, and the sentence says so."""
        signed(saved, schema_version=version)
        self.refused(saved, rf"written in format {version}.*Install a newer oodles")

    @pytest.mark.parametrize("version", ["2", None, [1]])
    def test_a_format_that_is_no_number(self, saved, version):
        """A sentence, not a `TypeError`."""
        signed(saved, schema_version=version)
        self.refused(saved, "does not describe an oodles model")

    def test_an_unknown_detector_with_a_correct_checksum(self, saved):
        """A class of a newer version, or of nobody: names are looked up in a list, never imported."""
        signed(saved, **{"class": "os.system"})
        self.refused(saved, "holds a 'os.system', which this version does not know")

    def test_a_pickle(self, saved, tmp_path):
        """As a file, or in the place of the weights with a checksum that fits: it is refused and never executed."""

        class Trap:
            def __reduce__(self):
                return Path.touch, (tmp_path / "executed",)

        blob = pickle.dumps(Trap())
        (tmp_path / "model.pkl").write_bytes(blob)
        self.refused(tmp_path / "model.pkl", "found a file. Pickles and other formats are never loaded")
        (saved / "model.safetensors").write_bytes(blob)
        signed(saved, weights_sha256=storage.checksum(blob))
        self.refused(saved, "holds no readable weights")
        assert not (tmp_path / "executed").exists()

    def test_missing_files(self, saved, tmp_path):
        """Without weights, without a configuration, without anything; the model card may go."""
        (saved / "README.md").unlink()
        oodles.load(saved)
        (saved / "model.safetensors").unlink()
        self.refused(saved, "cannot be read: .*model.safetensors")
        (saved / "config.json").unlink()
        self.refused(saved, "found a folder without config.json")
        self.refused(tmp_path / "nowhere", "found nothing")


class TestWriting:
    @pytest.mark.parametrize(
        "files",
        [
            {"thesis.tex": "years of work"},
            {"config.json": "{}", "model.safetensors": "", "README.md": "", "more.txt": ""},
            {"README.md": "of a project that has only begun"},
            {"config.json": '{"model_type": "bert"}', "model.safetensors": "another model", "README.md": "its card"},
        ],
    )
    def test_a_folder_that_is_no_model_is_left_alone(self, detector, tmp_path, files):
        """Whatever its files are called: only an empty folder and an oodles model may be replaced."""
        (tmp_path / "mine").mkdir()
        for name, text in files.items():
            (tmp_path / "mine" / name).write_text(text)
        with pytest.raises(ArtefactError, match="is not a saved model; it is left alone"):
            detector.save(tmp_path / "mine")
        assert {file.name: file.read_text() for file in (tmp_path / "mine").iterdir()} == files

    def test_a_file_is_left_alone(self, detector, tmp_path):
        """A file at the place, or in the place of a parent, is neither replaced nor removed."""
        (tmp_path / "mine").write_text("years of work")
        for path in (tmp_path / "mine", tmp_path / "mine" / "model"):
            with pytest.raises(ArtefactError, match=r"left alone|cannot be written"):
                detector.save(path)
        assert (tmp_path / "mine").read_text() == "years of work"

    @pytest.mark.parametrize("fails", ["write_bytes", "write_text", "rename"])
    @pytest.mark.parametrize("older", [False, True])
    def test_a_failed_write_leaves_nothing_behind_and_keeps_an_older_model(
        self, detector, tmp_path, monkeypatch, fails, older
    ):
        """A full disk while files are written or moved: the folder is as it was, and an older model still loads."""
        if older:
            detector.save(tmp_path / "model")
        before = sorted(tmp_path.rglob("*"))
        real = getattr(Path, fails)

        def full(path, *arguments, **options):
            if fails != "rename" or (path.name.startswith(".model.") and not path.name.endswith(".old")):
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(path, *arguments, **options)

        with monkeypatch.context() as patch:
            patch.setattr(Path, fails, full)
            with pytest.raises(ArtefactError, match=r"cannot be written to .*: No space left on device\."):
                detector.save(tmp_path / "model")
        assert sorted(tmp_path.rglob("*")) == before
        if older:
            assert np.array_equal(
                oodles.load(tmp_path / "model").anomaly_score(NUMBERS), detector.anomaly_score(NUMBERS)
            )


def test_a_link_to_a_model_stays_a_link(detector, tmp_path):
    """The folder it points at is replaced, and nothing is left beside it."""
    (tmp_path / "elsewhere").mkdir()
    detector.save(tmp_path / "elsewhere" / "model")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "model")
    detector.save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["model"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "link"]
