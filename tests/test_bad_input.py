"""Bad input, one kind after the other, through the real command line: a sentence, exit code 1, nothing written."""

import errno
import gzip
import io
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from oodles import load
from oodles.cli.app import outcome
from oodles.data import reading
from oodles.detectors import VAE
from oodles.errors import ArtefactError, DataError, FileError, SchemaError

TINY = {"hidden": (4,), "latent": 1, "epochs": 1, "members": 1}
QUICK = ["--set", "hidden=[4]", "--set", "latent=1", "--epochs", "1", "--members", "1", "--quiet"]
HEADER = "x,y,city\n"
GOOD = HEADER + "".join(f"{i % 7 + 0.5},{i},{'ab'[i % 2]}\n" for i in range(40))


def picture(side: int, *more: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (side, 8, *more), dtype=np.uint8)


def text(content: str) -> Callable[[Path], Path]:
    """A CSV file."""
    return blob("rows.csv", content.encode())


def blob(name: str, content: bytes) -> Callable[[Path], Path]:
    """A file of any bytes."""

    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def array(X: np.ndarray) -> Callable[[Path], Path]:
    """An .npy file."""
    stream = io.BytesIO()
    np.save(stream, X)
    return blob("rows.npy", stream.getvalue())


def pictures(*sides: int) -> Callable[[Path], Path]:
    """A folder of PNG files of these heights."""

    def make(folder: Path) -> Path:
        (folder / "pictures").mkdir()
        for i, side in enumerate(sides):
            Image.fromarray(picture(side)).save(folder / "pictures" / f"{i}.png")
        return folder / "pictures"

    return make


def cut_off_picture(folder: Path) -> Path:
    """A folder whose second picture ends too early."""
    path = pictures(8, 8)(folder)
    (path / "1.png").write_bytes((path / "1.png").read_bytes()[:60])
    return path


def cut_off_parquet(folder: Path) -> Path:
    parquet.write_table(pa.table({"x": range(99), "y": range(99)}), folder / "rows.parquet")
    return blob("rows.parquet", (folder / "rows.parquet").read_bytes()[:-9])(folder)


def two_schemas(folder: Path) -> Path:
    """A folder of Parquet files with different columns."""
    (folder / "parts").mkdir()
    parquet.write_table(pa.table({"x": [1.0], "y": [1]}), folder / "parts" / "a.parquet")
    parquet.write_table(pa.table({"x": [1.0], "z": [1]}), folder / "parts" / "b.parquet")
    return folder / "parts"


ZIPPED = gzip.compress(GOOD.encode())

ANYWHERE = {
    "an empty file": (FileError, ("is empty",), text("")),
    "blank lines": (FileError, ("blank lines",), text("\n\n \n")),
    "a header only": (DataError, ("header but no rows",), text(HEADER)),
    "an infinite cell": (DataError, ("'y'", "infinite", "row 41"), text(GOOD + "1,inf,a\n")),
    "a duplicated column": (SchemaError, ("2 columns called 'x'",), text("x,x,city\n1,2,a\n3,4,b\n")),
    "a short line": (FileError, ("3 cells", "line 42", "has 2"), text(GOOD + "1,2\n")),
    "a long line": (FileError, ("3 cells", "line 42", "has 4"), text(GOOD + "1,2,a,b\n")),
    "an open quotation mark": (FileError, ("quotation mark", "line 42"), text(GOOD + '1,2,"a\n3,4,b\n')),
    "binary junk": (FileError, ("UTF-8", "rows.csv"), text("x,y\n1,2\n") and blob("rows.csv", bytes(range(256)) * 9)),
    "zeros": (FileError, ("UTF-8",), blob("rows.csv", GOOD.encode() + b"\0" * 99)),
    "Latin-1": (FileError, ("UTF-8", "line 42"), blob("rows.csv", GOOD.encode() + "1,2,é\n".encode("latin-1"))),
    "Parquet named .csv": (FileError, ("a Parquet file",), blob("rows.csv", b"PAR1" + bytes(99) + b"PAR1")),
    "a picture named .csv": (FileError, ("a PNG picture",), blob("rows.csv", b"\x89PNG\r\n\x1a\n" + bytes(99))),
    "a truncated gzip": (FileError, ("cut off",), blob("rows.csv.gz", ZIPPED[:-9])),
    "a damaged gzip": (FileError, ("damaged",), blob("rows.csv.gz", ZIPPED[:40] + b"\xff" * 9 + ZIPPED[49:])),
    "a truncated Parquet file": (FileError, ("cannot be read",), cut_off_parquet),
    "different Parquet files": (SchemaError, ("same columns",), two_schemas),
    "no JSON": (FileError, ("JSON object", "line 2"), blob("rows.jsonl", b'{"x": 1}\n{"x": \n')),
    "nested JSON": (FileError, ("single values", "flatten"), blob("rows.jsonl", b'{"x": {"y": 1}}\n')),
    "a cube of words": (DataError, ("numbers",), array(np.array([["a", "b"]] * 9))),
    "a pickle named .npy": (FileError, (".npy",), blob("rows.npy", pickle.dumps({"x": 1}))),
    "a list of objects": (DataError, ("numbers", "object"), array(np.array([[{}], [{}]], dtype=object))),
    "a vector": (DataError, ("rows x columns",), array(np.arange(9.0))),
    "mixed sizes of pictures": (DataError, ("one size", "8 x 8", "8 x 9"), pictures(8, 9)),
    "half a picture": (FileError, ("picture", "1.png"), cut_off_picture),
    "a folder of nothing": (FileError, ("parquet", "png"), lambda folder: folder),
}
"""What is wrong whatever one wants to do with it."""

FIT = {
    **ANYWHERE,
    "one row": (DataError, ("at least 2 rows", "1 row"), text(HEADER + "1,2,a\n")),
    "a constant table": (DataError, ("varies", "nothing to learn"), text(HEADER + "1,2,a\n" * 30)),
    "a missing column": (SchemaError, ("'y' is empty", "every cell is missing"), text(HEADER + "1,,a\n2,NA,b\n" * 9)),
    "text among numbers": (SchemaError, ("'y' holds numbers", "row 41", "'much'"), text(GOOD + "1,much,a\n")),
    "two channels": (DataError, ("1, 3 or 4 channels", "have 2"), array(np.stack([picture(8, 2)] * 9))),
    "channels first": (
        DataError,
        ("channels must come last", "transpose"),
        array(np.stack([picture(8, 8)] * 9)[:, :3]),
    ),
    "tiny pictures": (DataError, ("at least 4 x 4",), array(np.stack([picture(3)] * 9))),
    "equal pixels": (DataError, ("equal", "nothing to learn"), array(np.zeros((9, 8, 8), dtype=np.uint8))),
    "bright pixels": (DataError, ("[0, 1]", "uint8"), array(np.stack([picture(8)] * 9) * 1.0)),
    "whole pixels": (DataError, ("uint8", "int64"), array(np.stack([picture(8)] * 9).astype(int))),
}
"""What is wrong for learning."""

SCORE = {
    **ANYWHERE,
    "text among numbers": (SchemaError, ("'y' holds numbers", "line 42", "'much'"), text(GOOD + "1,much,a\n")),
    "a missing column": (SchemaError, ("missing 'city'",), text("x,y\n1,2\n")),
    "an extra column": (SchemaError, ("Not expected 'z'", "leave"), text("x,y,city,z\n1,2,a,3\n")),
    "numbers without names": (SchemaError, ("3 columns", "have 2"), array(np.zeros((9, 2)))),
    "pictures for a table": (DataError, ("learned a table", "pictures"), pictures(8, 8)),
}
"""What is wrong for a model of a table."""

SCORE_PICTURES = {
    "another size": (DataError, ("(8, 8)", "(9, 8)", "Resize"), pictures(9, 9)),
    "colors": (DataError, ("(8, 8)", "(8, 8, 3)", "convert"), array(np.stack([picture(8, 3)] * 2))),
    "two channels": (DataError, ("(8, 8)", "(8, 8, 2)"), array(np.stack([picture(8, 2)] * 2))),
    "bright pixels": (DataError, ("[0, 1]",), array(np.stack([picture(8)] * 2) * 1.0)),
    "mixed sizes": (DataError, ("one size",), pictures(8, 9)),
    "a table": (DataError, ("learned pictures", "a table"), text(GOOD)),
}
"""What is wrong for a model of gray pictures of 8 x 8 pixels."""


def cases(kinds: dict[str, tuple]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("kind", "words", "make"), list(kinds.values()), ids=list(kinds))


def contents(folder: Path) -> dict[str, bytes | None]:
    """Everything that lies under a folder, hidden or not."""
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def is_one_sentence(complaint: str, words: tuple[str, ...]) -> bool:
    """Whether standard error is one line, a sentence about the problem and no mistake of ours."""
    good = (
        re.fullmatch(r"oodles: [^\n]+[.]\n", complaint) and "Traceback" not in complaint and "mistake" not in complaint
    )
    return bool(good) and all(word in complaint for word in words)


@pytest.fixture
def refused(capsys, tmp_path):
    """A command line is refused with one sentence, and everything in the folder is as it was."""

    def refused(words: tuple[str, ...], *arguments: object) -> None:
        before = contents(tmp_path)
        code = outcome([str(argument) for argument in arguments])
        out, err = capsys.readouterr()

        assert is_one_sentence(err, words), err
        assert (code, out) == (1, "")
        assert contents(tmp_path) == before

    return refused


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A model of a table."""
    folder = tmp_path_factory.mktemp("table")
    assert outcome(["fit", str(text(GOOD)(folder)), "-o", str(folder / "model"), *QUICK]) == 0
    return folder / "model"


@pytest.fixture(scope="module")
def picture_model(tmp_path_factory) -> Path:
    """A model of gray pictures of 8 x 8 pixels."""
    folder = tmp_path_factory.mktemp("pictures")
    made = pictures(*[8] * 9)(folder)
    assert outcome(["fit", str(made), "-o", str(folder / "model"), *QUICK]) == 0
    return folder / "model"


class TestFit:
    @cases(FIT)
    def test_the_command_line_refuses(self, refused, tmp_path, kind, words, make):  # noqa: ARG002
        """No model, no checkpoint, no temporary file is left."""
        refused(words, "fit", make(tmp_path), "-o", tmp_path / "new" / "model", *QUICK)

    @cases(FIT)
    def test_python_refuses(self, tmp_path, kind, words, make):  # noqa: ARG002
        """With an error of the promised kind; sentences that name a line of a file may differ."""
        with pytest.raises(kind):
            VAE(**TINY).fit(reading.read(make(tmp_path)))

    @cases(FIT)
    def test_an_older_model_survives(self, refused, model, tmp_path, kind, words, make):  # noqa: ARG002
        """A refused fit does not touch what stands under the model's name."""
        shutil.copytree(model, tmp_path / "old")

        source = make(tmp_path)
        if source != tmp_path:
            refused(words, "fit", source, "-o", tmp_path / "old", *QUICK)


class TestScore:
    @cases(SCORE)
    def test_the_command_line_refuses_for_a_table(self, refused, model, tmp_path, kind, words, make):  # noqa: ARG002
        refused(words, "score", model, make(tmp_path), "-o", tmp_path / "scores.csv")

    @cases(SCORE_PICTURES)
    def test_the_command_line_refuses_for_pictures(self, refused, picture_model, tmp_path, kind, words, make):  # noqa: ARG002
        refused(words, "score", picture_model, make(tmp_path), "-o", tmp_path / "scores.parquet")

    @pytest.mark.filterwarnings("ignore:X does not have valid feature names")
    @cases(SCORE)
    def test_python_refuses_for_a_table(self, model, tmp_path, kind, words, make):
        detector = load(model)
        if words == ("3 columns", "have 2"):  # scikit-learn's own check, in its own words
            kind = ValueError
        with pytest.raises(kind):
            detector.anomaly_score(reading.read(make(tmp_path)))

    @cases(SCORE_PICTURES)
    def test_python_refuses_for_pictures(self, picture_model, tmp_path, kind, words, make):  # noqa: ARG002
        detector = load(picture_model)
        with pytest.raises(kind):
            detector.anomaly_score(reading.read(make(tmp_path)))

    @pytest.mark.parametrize("command", ["detect", "explain"])
    @pytest.mark.parametrize("name", ["an empty file", "an infinite cell", "a missing column", "a truncated gzip"])
    def test_other_commands_refuse_as_well(self, refused, model, tmp_path, command, name):
        _, words, make = SCORE[name]

        refused(words, command, model, make(tmp_path))

    def test_an_unseen_category_is_no_bad_input(self, model, tmp_path):
        """It is legal, and strange."""
        rows = text(HEADER + "1.5,2,a\n1.5,2,never\n")(tmp_path)
        known, unseen = load(model).anomaly_score(reading.read(rows))

        assert outcome(["score", str(model), str(rows), "-o", str(tmp_path / "s.csv"), "--quiet"]) == 0
        assert unseen > known + 1


class TestFrames:
    """Tables in memory are refused like files."""

    @pytest.mark.parametrize(
        ("kind", "words", "X"),
        [
            (DataError, "infinite", pd.DataFrame({"x": [1.0, np.inf, 2.0]})),
            (SchemaError, "every cell is missing", pd.DataFrame({"x": [1.0, 2.0], "y": [np.nan, np.nan]})),
            (SchemaError, "came twice", pd.DataFrame([[1.0, 2.0]] * 3, columns=["x", "x"])),
            (SchemaError, "mixes types", pd.DataFrame({"x": [1, "a", object()]})),
            (DataError, "at least 2 rows", pd.DataFrame({"x": [1.0]})),
            (DataError, "0 samples", pd.DataFrame({"x": np.empty(0)})),
            (DataError, "nothing to learn", pd.DataFrame({"x": [1.0, 1.0], "y": ["a", "a"]})),
            (DataError, "infinite", np.array([[1.0], [-np.inf]])),
            (SchemaError, "timestamp", pd.DataFrame({"x": pd.date_range("2020", periods=3)})),
        ],
    )
    def test_fit_refuses(self, kind, words, X):
        with pytest.raises(kind, match=words):
            VAE(**TINY).fit(X)


class TestModel:
    """What is offered as a model is verified before anything of it is used."""

    @pytest.fixture
    def copy(self, model, tmp_path) -> Path:
        return Path(shutil.copytree(model, tmp_path / "model"))

    @pytest.fixture
    def rows(self, tmp_path) -> Path:
        return text(GOOD)(tmp_path)

    @pytest.fixture
    def refuses(self, refused, rows, tmp_path):
        """The command line refuses the model, and so does Python."""

        def refuses(words: tuple[str, ...], path: Path) -> None:
            refused(words, "score", path, rows, "-o", tmp_path / "scores.csv")
            with pytest.raises(ArtefactError):
                load(path)

        return refuses

    @pytest.mark.parametrize("position", [0, 100, -1])
    def test_an_edited_weight_is_refused(self, refuses, copy, position):
        """One bit is enough."""
        weights = bytearray((copy / "model.safetensors").read_bytes())
        weights[position] ^= 1
        (copy / "model.safetensors").write_bytes(weights)

        refuses(("model.safetensors", "edited", "checksum"), copy)

    @pytest.mark.parametrize("size", [0, 8, 500])
    def test_cut_off_weights_are_refused(self, refuses, copy, size):
        (copy / "model.safetensors").write_bytes((copy / "model.safetensors").read_bytes()[:size])

        refuses(("model.safetensors", "cut short"), copy)

    def test_an_edited_configuration_is_refused(self, refuses, copy):
        config = json.loads((copy / "config.json").read_text())
        config["parameters"]["scoring"] = "kl"
        (copy / "config.json").write_text(json.dumps(config))

        refuses(("config.json", "edited"), copy)

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"format": "other"}', "\0"])
    def test_a_configuration_that_is_none_is_refused(self, refuses, copy, content):
        (copy / "config.json").write_text(content)

        refuses((str(copy),), copy)

    def test_missing_weights_are_refused(self, refuses, copy):
        (copy / "model.safetensors").unlink()

        refuses((str(copy), "cannot be read"), copy)

    def test_a_pickle_is_refused_and_never_opened(self, refuses, tmp_path):
        """Opening this one would make a folder."""

        class Trap:
            def __reduce__(self):
                return (os.mkdir, (str(tmp_path / "trapped"),))

        path = tmp_path / "model.pkl"
        path.write_bytes(pickle.dumps(Trap()))
        refuses(("not a saved model", "a file", "Pickles"), path)
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "model.safetensors").write_bytes(pickle.dumps(Trap()))
        refuses(("not a saved model", "without config.json"), tmp_path / "folder")
        assert not (tmp_path / "trapped").exists()

    def test_a_pickle_in_place_of_the_weights_is_refused(self, refuses, copy):
        (copy / "model.safetensors").write_bytes(pickle.dumps({"model": 1}))

        refuses(("model.safetensors", "checksum"), copy)

    def test_nothing_is_refused(self, refuses, tmp_path):
        refuses(("not a saved model", "nothing"), tmp_path / "no")


class TestOutput:
    """What cannot be written is found out, and leaves no trace."""

    @pytest.fixture
    def rows(self, tmp_path) -> Path:
        return text(GOOD)(tmp_path)

    @pytest.mark.parametrize("place", ["rows.csv/model", "/proc/oodles/model", "/dev/null/model"])
    def test_a_model_in_an_impossible_place(self, refused, rows, tmp_path, place):
        """Before the training."""
        refused(("cannot be written", "model"), "fit", rows, "-o", tmp_path / place, *QUICK)

    @pytest.mark.parametrize("place", ["rows.csv", "."])
    def test_a_model_in_place_of_something_else(self, refused, rows, tmp_path, place):
        refused(("not a saved model", "left alone"), "fit", rows, "-o", tmp_path / place, *QUICK)

    @pytest.mark.parametrize(
        "place", ["rows.csv/scores.csv", "/proc/scores.csv", "/dev/null/scores.csv", "no/scores.csv"]
    )
    def test_scores_in_an_impossible_place(self, refused, model, rows, tmp_path, place):
        refused(("scores.csv", "the system says"), "score", model, rows, "-o", tmp_path / place)

    @pytest.mark.parametrize(
        "name", ["scores.csv", "scores.parquet", "scores.jsonl", "scores.feather", "scores.csv.gz"]
    )
    def test_a_disk_that_is_full_at_the_end(self, refused, monkeypatch, model, rows, tmp_path, name):
        """The system says so when the file is flushed; the older file is as it was."""
        (tmp_path / name).write_bytes(b"old")
        monkeypatch.setattr(os, "fsync", full)

        refused(("No space left", "free some space"), "score", model, rows, "-o", tmp_path / name)

    def test_a_disk_that_is_full_while_a_model_is_written(self, capsys, monkeypatch, model, rows, tmp_path):
        """The older model still works, and the training is not lost: with room again, --resume writes it."""
        shutil.copytree(model, tmp_path / "model")
        fit = ["fit", str(rows), "-o", str(tmp_path / "model"), *QUICK]
        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_text", full)
            assert outcome(fit) == 1
        assert is_one_sentence(capsys.readouterr().err, ("cannot be written", "No space left"))
        assert load(tmp_path / "model").anomaly_score(reading.read(rows)).shape == (40,)
        assert {path.name for path in tmp_path.iterdir()} >= {"model", "model.checkpoint"}

        assert outcome([*fit, "--resume"]) == 0
        assert not (tmp_path / "model.checkpoint").exists()

    def test_a_file_that_grows_too_large(self, model, rows, tmp_path):
        """A true process, whose files the system keeps below 1000 bytes."""
        (tmp_path / "scores.csv").write_bytes(b"old")
        before = contents(tmp_path)
        program = (
            "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
            "from oodles.cli import main; main()"
        )
        shown = subprocess.run(
            [sys.executable, "-c", program, "score", model, rows, "-o", tmp_path / "scores.csv"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

        assert (shown.returncode, shown.stdout) == (1, "")
        assert is_one_sentence(shown.stderr, ("scores.csv", "too large"))
        assert contents(tmp_path) == before

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
    def test_a_full_disk_behind_standard_output(self, model, rows):
        """A true process: the shell's redirection has no space left."""
        oodles = Path(sys.executable).with_name("oodles")
        with Path("/dev/full").open("w") as nowhere:
            shown = subprocess.run(
                [oodles, "score", model, rows], stdout=nowhere, stderr=subprocess.PIPE, text=True, check=False
            )

        assert shown.returncode == 1
        assert is_one_sentence(shown.stderr, ("standard output", "No space left"))


def full(*_: object, **__: object) -> None:
    """What the system says when a disk is full."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("name", ["a truncated gzip", "one row"])
def test_a_true_process_refuses_like_the_function(tmp_path, name):
    """`oodles fit bad.csv`: the code and the line are what the shell sees, without warnings of any library."""
    _, words, make = FIT[name]
    oodles, rows = Path(sys.executable).with_name("oodles"), make(tmp_path)
    before = contents(tmp_path)
    shown = subprocess.run([oodles, "fit", rows, "-o", tmp_path / "model"], capture_output=True, text=True, check=False)

    assert (shown.returncode, shown.stdout) == (1, "")
    assert is_one_sentence(shown.stderr, words), shown.stderr
    assert contents(tmp_path) == before
