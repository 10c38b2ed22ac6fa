"""`oodles fit` reads every format, learns what it was told to, and writes a model that others can load."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from samples import ROWS, TINY, put, table

from oodles import load
from oodles.cli import making
from oodles.data.pictures import Album
from oodles.detectors import VAE, AutoEncoder

LABEL = ["--label", "label", "--normal", "ok"]
NORMAL = int(np.sum(np.array(table()["label"]) == "ok"))


@pytest.fixture
def fit(run, tmp_path):
    """Fit to INPUT with the options, quietly and quickly, and load the model."""

    def fit(source: object, *options: object, stdin: bytes | None = None):
        result = run("fit", source, "-o", tmp_path / "model", *TINY, *options, stdin=stdin)
        assert result == (0, "", "")
        return load(tmp_path / "model")

    return fit


class TestInput:
    @pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows.parquet", "rows.feather", "rows.jsonl", "parts"])
    def test_every_format_gives_the_same_model(self, fit, here, name):
        """Weights, encoding and calibration do not depend on the file's format."""
        made, known = fit(here / name, *LABEL), load(here / "model")

        assert made.offset_ == known.offset_
        assert made.encoder_ == known.encoder_
        assert all(
            (one == other).all()
            for one, other in zip(made.model_.state_dict().values(), known.model_.state_dict().values(), strict=True)
        )

    @pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "feather"])
    def test_standard_input_is_read(self, fit, here, kind):
        content = (here / f"rows.{kind}").read_bytes()

        assert fit("-", "--format", kind, *LABEL, stdin=content).offset_ == load(here / "model").offset_

    def test_an_npz_file_says_itself_which_rows_are_normal(self, fit, tmp_path):
        """Anomalies in y are not learned."""
        X = np.random.default_rng(0).normal(size=(40, 3))
        np.savez(tmp_path / "rows.npz", X=X, y=np.arange(40) >= 30)
        np.save(tmp_path / "rows.npy", X[:30])

        assert fit(tmp_path / "rows.npz").offset_ == fit(tmp_path / "rows.npy").offset_

    @pytest.mark.parametrize("y", [np.arange(40), np.zeros(39), np.full(40, "ok")])
    def test_an_npz_file_whose_y_is_no_label_is_refused(self, refuses, tmp_path, y):
        np.savez(tmp_path / "rows.npz", X=np.random.default_rng(0).normal(size=(40, 3)), y=y)

        refuses(1, ("0 (normal) or 1 (anomaly)", "40 rows"), "fit", tmp_path / "rows.npz", "-o", tmp_path / "m")

    def test_a_folder_of_pictures_is_read(self, fit, tmp_path):
        for i in range(8):
            Image.fromarray(np.random.default_rng(i).integers(0, 255, (8, 8), dtype=np.uint8)).save(
                tmp_path / f"{i}.png"
            )

        assert fit(tmp_path).encoder_.layout.shape == (1, 8, 8)

    @pytest.mark.parametrize("name", ["vae", "latent-one-class-svm", "Semi-Supervised-VAE"])
    def test_detectors_have_names_in_any_case_with_dashes_or_without(self, name):
        """As people write them."""
        assert making.choose(name).__name__.lower() == name.lower().replace("-", "")

    @pytest.fixture
    def photos(self, tmp_path):
        """Twenty pictures of four sizes."""
        folder = tmp_path / "photos"
        folder.mkdir()
        for i in range(20):
            pixels = np.random.default_rng(i).integers(0, 255, (8 + i % 4, 9, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{i:02}.jpg")
        return folder

    @pytest.mark.parametrize("memory", [[], ["--memory", "50"]])
    def test_pictures_of_any_size_are_resized(self, fit, run, photos, tmp_path, memory):
        """In memory or piece by piece: whole, to a square, as an `Album` does it."""
        made = fit(photos, "--size", "8", *memory, "--set", "network=mlp")
        assert made.encoder_.layout.shape == (3, 8, 8)
        settings = {"hidden": (8,), "latent": 2, "epochs": 2, "members": 1, "network": "mlp", "random_state": 0}
        known = VAE(**settings, memory=50 if memory else None).fit(Album.of(photos, (8, 8)))
        assert made.offset_ == known.offset_
        facts = run("fit", photos, "-o", tmp_path / "m", "--size", "8", *memory, *TINY, "--json").json
        assert facts["rows"] == 20

    def test_they_are_scored_in_the_size_that_was_learned(self, run, refuses, photos, tmp_path):
        """With the same option; without it they are refused."""
        assert run("fit", photos, "-o", tmp_path / "m", "--size", "8", *TINY, "-q").code == 0
        for command in (["score"], ["detect", "--fdr", "0.9"], ["explain", "--row", "3"]):
            assert run(*command, tmp_path / "m", photos, "--size", "8").code == 0
        refuses(1, ("one size",), "score", tmp_path / "m", photos)

    def test_without_a_size_they_must_be_of_one(self, refuses, photos, tmp_path):
        for memory in ([], ["--memory", "50"]):
            refuses(1, ("00.jpg is 9 x 8", "01.jpg is 9 x 9"), "fit", photos, "-o", tmp_path / "m", *memory)

    def test_a_damaged_picture_is_named(self, refuses, photos, tmp_path):
        (photos / "13.jpg").write_bytes((photos / "13.jpg").read_bytes()[:300])
        for memory in ([], ["--memory", "50"]):
            options = ["--size", "8", *TINY, *memory]
            refuses(1, ("13.jpg", "cannot be decoded", "replace"), "fit", photos, "-o", tmp_path / "m", *options)

    def test_only_pictures_are_resized(self, refuses, here, tmp_path):
        for memory in ([], ["--memory", "50"]):
            options = ["-o", tmp_path / "m", "--size", "8", *memory]
            refuses(1, ("Only pictures", "leave the size out"), "fit", here / "rows.parquet", *options)
        refuses(2, ("--size", "folder"), "fit", "digits", "-o", tmp_path / "m", "--size", "8")

    def test_a_dataset_is_known_by_its_name(self, fit):
        """Its anomalies are not learned."""
        made = fit("breast-cancer")

        assert made.feature_names_in_[0] == "mean radius"
        assert len(made.calibration_.scores) == round(0.1 * 357)
        assert fit("Breast_Cancer").offset_ == made.offset_

    def test_the_classes_of_a_dataset_can_be_the_normal_ones(self, fit):
        held_out = len(fit("digits", "--normal", "0", "--normal", "1").calibration_.scores)

        assert held_out == round(0.1 * (178 + 182))

    def test_a_class_that_is_not_there_is_refused(self, refuses, tmp_path):
        refuses(1, ("No row is normal", "seven", "'0'"), "fit", "digits", "--normal", "seven", "-o", tmp_path / "m")

    @pytest.mark.parametrize("name", ["nothing.csv", "irsi", ""])
    def test_what_is_nowhere_is_refused(self, refuses, tmp_path, name):
        refuses(1, (repr(name), "neither a file nor a dataset"), "fit", name, "-o", tmp_path / "m")

    def test_a_folder_without_rows_is_refused(self, refuses, tmp_path):
        (tmp_path / "note.txt").write_text("hello")

        refuses(1, ("parquet", "png"), "fit", tmp_path, "-o", tmp_path / "m")

    def test_odd_names_are_only_names(self, run, fit, tmp_path):
        """Spaces, quotation marks, brackets, accents and commas in names and cells."""
        folder = tmp_path / "a folder, [bold]"
        folder.mkdir()
        path = folder / "größe 'x'.csv"
        path.write_text('[red],a b,"q""u,o"\n' + "".join(f'{i % 7},{i},"{i % 3}, ""x"""\n' for i in range(40)))

        assert list(fit(path).feature_names_in_) == ["[red]", "a b", 'q"u,o']
        assert "[red]" in run("explain", tmp_path / "model", path).out

    def test_huge_whole_numbers_are_numbers(self, fit, tmp_path):
        path = tmp_path / "rows.csv"
        path.write_text("id,x\n" + "".join(f"{10**22 + 10**20 * i},{i}\n" for i in range(30)))

        assert fit(path).encoder_.numeric == {"id", "x"}


class TestLabels:
    def test_only_normal_rows_are_learned_and_the_label_never_is(self, run, here, tmp_path):
        result = run("fit", here / "rows.csv", "-o", tmp_path / "m", *LABEL, *TINY, "--json")

        assert result.json["rows"] == NORMAL < ROWS
        assert load(tmp_path / "m").encoder_.names == ("amount", "count", "flag", "city")

    def test_several_values_can_be_normal(self, run, here, tmp_path):
        result = run("fit", here / "rows.csv", "-o", tmp_path / "m", *LABEL, "--normal", "fraud", *TINY, "--json")

        assert result.json["rows"] == ROWS

    @pytest.mark.parametrize("normal", ["0", "0.0", "false", "False"])
    def test_without_normal_zero_and_false_are(self, run, tmp_path, normal):
        path = tmp_path / "rows.csv"
        path.write_text("x,y\n" + "".join(f"{i},{normal if i < 30 else '1'}\n" for i in range(40)))

        result = run("fit", path, "-o", tmp_path / "m", "--label", "y", "--normal", normal, *TINY, "--json")
        silent = run("fit", path, "-o", tmp_path / "m", "--label", "y", *TINY, "--json")

        assert result.json["rows"] == silent.json["rows"] == 30

    def test_a_row_without_a_label_is_not_learned(self, run, tmp_path):
        path = tmp_path / "rows.csv"
        path.write_text("x,y\n" + "".join(f"{i},{'ok' if i < 30 else ''}\n" for i in range(40)))

        result = run("fit", path, "-o", tmp_path / "m", "--label", "y", "--normal", "ok", *TINY, "--json")

        assert result.json["rows"] == 30

    @pytest.mark.parametrize(
        ("code", "words", "options"),
        [
            (1, ("No row is normal", "'ok'", "--normal"), ["--label", "label"]),
            (1, ("no column 'lable'", "amount, count"), ["--label", "lable"]),
            (1, ("no column ''",), ["--label", ""]),
            (2, ("--normal", "--label", "give both"), ["--normal", "ok"]),
        ],
    )
    def test_a_label_that_says_nothing_is_refused(self, refuses, here, tmp_path, code, words, options):
        refuses(code, words, "fit", here / "rows.csv", "-o", tmp_path / "m", *options)
        assert not (tmp_path / "m").exists()

    def test_an_array_has_no_label_column(self, refuses, tmp_path):
        np.save(tmp_path / "x.npy", np.zeros((9, 2)))

        refuses(1, ("--label", "leave it out"), "fit", tmp_path / "x.npy", "-o", tmp_path / "m", "--label", "y")


class TestHeaderless:
    def test_columns_are_numbered(self, fit, tmp_path):
        path = tmp_path / "rows.csv"
        path.write_text("".join(f"{i},u{i % 3}\n" for i in range(40)))

        assert list(fit(path, "--no-header").feature_names_in_) == ["c1", "c2"]

    def test_a_header_that_looks_like_a_row_is_mentioned(self, run, tmp_path):
        path = tmp_path / "rows.csv"
        path.write_text("".join(f"{i + 0.5},{i % 3}\n" for i in range(90)))
        options = [option for option in TINY if option != "--quiet"]

        assert "--no-header" in run("fit", path, "-o", tmp_path / "m", *options).err
        assert run("fit", path, "-o", tmp_path / "m", "--no-header", *options).err == ""


class TestParameters:
    def test_set_reaches_every_parameter(self, fit, here):
        made = fit(
            *[here / "rows.csv", "--detector", "autoencoder", "--schema", "count=category", "--schema", "label=ignore"],
            *["--set", "hidden=[32,16]", "--set", "lr=0.01", "--set", "early_stopping=False", "--seed", "7"],
            *["--false-alarm-rate", "0.2", "--set", "network=mlp", "--set", "contamination=None", "--device", "cpu"],
        )

        assert type(made) is AutoEncoder
        assert (made.hidden, made.lr, made.early_stopping) == ((32, 16), 0.01, False)
        assert (made.random_state, made.false_alarm_rate, made.network) == (7, 0.2, "mlp")
        assert made.contamination is None
        assert {column.name: column.kind for column in made.encoder_.layout.columns}["count"] == "category"
        assert made.encoder_.names == ("amount", "count", "flag", "city")

    def test_one_hidden_layer_needs_no_brackets(self, fit, here):
        assert fit(here / "rows.csv", "--set", "hidden=16").hidden == (16,)

    def test_scoring_and_widths_have_options_of_their_own(self, run, here, tmp_path):
        """As many widths as there are commas, and one more."""
        scoring, options = "reconstruction_probability-100-random", ["--epochs", "1", "--members", "1", "--quiet"]
        chosen = ["--scoring", scoring, "--hidden", "20,10,8", "--set", "optimizer=nadam"]
        assert run("fit", here / "rows.parquet", "-o", tmp_path / "m", *LABEL, *chosen, *options).code == 0
        made = load(tmp_path / "m")
        assert (made.scoring, made.hidden, made.optimizer) == (scoring, (20, 10, 8), "nadam")

    def test_a_schema_may_name_a_column_with_an_equals_sign(self, fit, tmp_path):
        path = tmp_path / "rows.csv"
        path.write_text("a=b,x\n" + "".join(f"{i % 5},{i}\n" for i in range(40)))

        assert fit(path, "--schema", "a=b=category").schema == {"a=b": "category"}

    @pytest.mark.parametrize(
        ("code", "words", "options"),
        [
            (2, ("no detector 'GMM'", "AutoEncoder, VAE"), ["--detector", "GMM"]),
            (2, ("no parameter 'latnt'", "latent, "), ["--set", "latnt=3"]),
            (2, ("NAME=VALUE", "'latent'"), ["--set", "latent"]),
            (2, ("NAME=VALUE", "'amount'"), ["--schema", "amount"]),
            (2, ("schema", "use --schema"), ["--set", 'schema={"amount": "real"}']),
            (2, ("checkpoint", "use --resume"), ["--set", "checkpoint=x"]),
            (2, ("latent='many'", "whole number"), ["--set", "latent=many"]),
            (2, ("lr=0", "positive"), ["--set", "lr=0"]),
            (2, ("scoring", "'odd'", "elbo"), ["--set", "scoring=odd"]),
            (2, ("scoring", "'odd'", "elbo"), ["--scoring", "odd"]),
            (2, ("--hidden", "20,10,8", "'wide'"), ["--hidden", "wide"]),
            (2, ("false_alarm_rate=2", "between 0 and 1"), ["--false-alarm-rate", "2"]),
            (2, ("likelihood", "'odd'", "gaussian"), ["--set", "likelihood=odd"]),
            (2, ("network='gray'", "pictures"), ["--set", "network=gray"]),
            (2, ("device", "'tpu'", "cpu or cuda"), ["--device", "tpu"]),
            (1, ("'amount' is 'integer'", "real, scaled, binary"), ["--schema", "amount=integer"]),
            (1, ("'size'", "the columns are"), ["--schema", "size=real"]),
            (1, ("'count' is binary", "9 different"), ["--schema", "count=binary"]),
            (1, ("'city' holds numbers", "São Paulo"), ["--schema", "city=real"]),
            (1, ("Every column is ignored",), [f"--schema={name}=ignore" for name in table().column_names]),
        ],
    )
    def test_what_cannot_be_is_refused_before_anything_is_written(self, refuses, here, tmp_path, code, words, options):
        """A parameter is a usage error, a column is the run's."""
        refuses(code, words, "fit", here / "rows.csv", "-o", tmp_path / "m", "--epochs", "1", *options)
        assert list(tmp_path.iterdir()) == []


class TestOutput:
    def test_facts_are_printed_as_a_table_or_as_json(self, run, here, tmp_path):
        options = [option for option in TINY if option != "--quiet"]
        shown = run("fit", here / "rows.csv", "-o", tmp_path / "m", *LABEL, *options)
        facts = run("fit", here / "rows.csv", "-o", tmp_path / "m", *LABEL, *options, "--json").json

        assert facts["model"] == str(tmp_path / "m")
        assert (facts["detector"], facts["members"], facts["epochs"]) == ("VAE", 1, 2)
        assert facts["held out"] == len(load(tmp_path / "m").calibration_.scores)
        assert all(name in shown.out for name in facts)
        assert shown.err == ""

    def test_a_rate_that_cannot_be_kept_is_said(self, run, here, tmp_path):
        """The model has no alarms; the remark says how many rows would do."""
        options = [option for option in TINY if option != "--quiet"]
        result = run("fit", here / "rows.csv", "-o", tmp_path / "m", *options, "--false-alarm-rate", "0.001", "--json")

        assert result.json["alarm above"] is None
        assert "4,000 rows" in result.err
        assert np.isinf(load(tmp_path / "m").offset_)

    def test_folders_on_the_way_are_made(self, run, here, tmp_path):
        assert run("fit", here / "rows.csv", "-o", tmp_path / "new" / "deep" / "m", *TINY).code == 0
        assert sorted(path.name for path in (tmp_path / "new" / "deep" / "m").iterdir()) == [
            "README.md",
            "config.json",
            "model.safetensors",
        ]

    def test_a_model_replaces_a_model_and_nothing_else(self, run, refuses, here, tmp_path):
        assert run("fit", here / "rows.csv", "-o", tmp_path / "m", *TINY).code == 0
        assert run("fit", here / "rows.csv", "-o", f"{tmp_path}/m/", *TINY, "--seed", "1").code == 0
        assert load(tmp_path / "m").random_state == 1
        assert [path.name for path in tmp_path.iterdir()] == ["m"]
        refuses(2, ("a name for the model", "'.'"), "fit", here / "rows.csv", "-o", ".", *TINY)
        for other in (tmp_path, put(table(), tmp_path / "rows.csv")):
            refuses(1, ("not a saved model", "left alone"), "fit", here / "rows.csv", "-o", other, *TINY)

    def test_the_model_does_not_remember_how_it_was_watched(self, run, here, tmp_path):
        """The command line's checkpoint and progress bar are no parameters of the model."""
        assert run("fit", here / "rows.csv", "-o", tmp_path / "m", *TINY).code == 0
        parameters = json.loads((tmp_path / "m" / "config.json").read_text())["parameters"]

        assert parameters["checkpoint"] is None
        assert parameters["verbose"] is False

    @pytest.mark.parametrize("options", [("--memory", "8"), ("--set", "memory=8")])
    def test_memory_is_kept_however_it_is_set(self, run, tmp_path, options):
        """The option and the setting say the same; neither takes the other back."""
        rows = put(table().select(["amount"]), tmp_path / "rows.parquet")
        assert run("fit", rows, "-o", tmp_path / "m", *TINY, *options).code == 0
        assert json.loads((tmp_path / "m" / "config.json").read_text())["parameters"]["memory"] == 8

    def test_the_command_line_and_python_make_the_same_model(self, fit, here):
        """Two doors, one model."""
        made = VAE(hidden=(8,), latent=2, epochs=2, members=1, random_state=0, schema={"label": "ignore"})
        made.fit(table().filter(np.array(table()["label"]) == "ok"))

        assert made.offset_ == fit(here / "rows.parquet", *LABEL).offset_


def test_a_true_process_reads_a_pipe_and_says_little(here, tmp_path):
    """`cat rows.csv | oodles fit - -o m`: facts on standard output, nothing on standard error, no escape codes."""
    oodles = str(Path(sys.executable).with_name("oodles"))
    options = [option for option in TINY if option != "--quiet"]
    with (here / "rows.csv").open("rb") as rows:
        shown = subprocess.run(
            [oodles, "fit", "-", "-o", str(tmp_path / "m"), *options],
            stdin=rows, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert (shown.returncode, shown.stderr) == (0, "")
    assert "VAE" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
