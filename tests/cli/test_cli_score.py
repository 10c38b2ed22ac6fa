"""`oodles score`: every format in and out, the same numbers through every door, a file that is whole or not there."""

import csv
import gzip
import io
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import feather, parquet
from samples import ROWS, TINY, put, table

from oodles import load
from oodles.data import reading

COLUMNS = ["row", "score", "p_value", "alarm", "reason_1", "nats_1", "reason_2", "nats_2", "reason_3", "nats_3"]


@pytest.fixture
def score(run, here, tmp_path):
    """Score INPUT to a file and read it back."""

    def score(source: object, *options: object, model: Path | None = None, to: str = "scores.parquet") -> pa.Table:
        result = run("score", model or here / "model", source, "-o", tmp_path / to, "--quiet", *options)
        assert result == (0, "", "")
        return reading.read(tmp_path / to)

    return score


class TestThreeDoors:
    """A score is the same number to 1e-6, whichever way a row comes in and goes out."""

    @pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows.parquet", "rows.feather", "rows.jsonl", "parts"])
    def test_every_input_gives_the_scores_of_python(self, score, here, name):
        detector = load(here / "model")
        scores = score(here / name)

        np.testing.assert_allclose(scores["score"], detector.anomaly_score(table()), rtol=0, atol=1e-6)
        np.testing.assert_array_equal(scores["p_value"], detector.p_value(table()))
        np.testing.assert_array_equal(scores["alarm"], detector.predict(table()) == -1)
        np.testing.assert_array_equal(scores["row"], np.arange(ROWS))

    @pytest.mark.parametrize(
        ("to", "read"),
        [
            ("scores.csv", lambda path: list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))),
            (
                "scores.csv.gz",
                lambda path: list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode()))),
            ),
            ("scores.jsonl", lambda path: [json.loads(line) for line in path.read_text().splitlines()]),
            ("scores.parquet", lambda path: parquet.read_table(path).to_pylist()),
            ("scores.feather", lambda path: feather.read_table(path).to_pylist()),
        ],
    )
    def test_every_output_says_the_same(self, score, here, tmp_path, to, read):
        score(here / "rows.csv", to=to)
        rows = read(tmp_path / to)

        assert list(rows[0]) == COLUMNS
        assert len(rows) == ROWS
        expected = load(here / "model").anomaly_score(table())
        np.testing.assert_allclose([float(row["score"]) for row in rows], expected, rtol=0, atol=1e-6)

    def test_reasons_are_the_strangest_features(self, score, here):
        """The most nats come first, and they are `explain`'s."""
        excess = load(here / "model").explain(table())
        scores = score(here / "rows.csv", "--reasons", "9")
        names = np.array(["amount", "count", "flag", "city"])

        np.testing.assert_array_equal(scores["reason_1"], names[excess.argmax(1)])
        for place in range(1, 5):
            np.testing.assert_allclose(scores[f"nats_{place}"], np.sort(excess, axis=1)[:, -place], atol=1e-6)
        assert scores.column_names[-1] == "nats_4"

    def test_the_order_of_columns_does_not_matter(self, score, here, tmp_path):
        backwards = put(table().select(table().column_names[::-1]), tmp_path / "backwards.csv")

        assert score(backwards) == score(here / "rows.csv")

    def test_the_label_may_be_there_or_not(self, score, here, tmp_path):
        assert score(put(table().drop_columns("label"), tmp_path / "x.csv")) == score(here / "rows.csv")


class TestInput:
    def test_standard_input_to_standard_output(self, run, here):
        """CSV unless it is said otherwise."""
        result = run("score", here / "model", "-", stdin=(here / "rows.csv").read_bytes())

        assert (result.code, result.err) == (0, "")
        assert list(result.rows[0]) == COLUMNS
        assert len(result.rows) == ROWS

    @pytest.mark.parametrize("kind", ["jsonl", "parquet", "feather"])
    def test_standard_input_of_another_kind(self, run, here, kind):
        known = run("score", here / "model", here / "rows.csv")

        assert run("score", here / "model", "-", "--format", kind, stdin=(here / f"rows.{kind}").read_bytes()) == known

    def test_a_compressed_stream_is_unpacked(self, run, here):
        known = run("score", here / "model", here / "rows.csv")

        assert run("score", here / "model", "-", stdin=(here / "rows.csv.gz").read_bytes()) == known

    def test_booleans_are_what_they_are_in_every_file(self, run, score, tmp_path):
        """Fitted to any file and scored from any other: words in CSV, truth values elsewhere, all give one score."""
        rows = pa.table({"x": [i % 7 / 2 for i in range(60)], "is_new": [i % 3 == 0 for i in range(60)]})
        names = ["rows.csv", "rows.parquet", "rows.jsonl"]
        for name in names:
            put(rows, tmp_path / name)
        for fitted in names:
            assert run("fit", tmp_path / fitted, "-o", tmp_path / "m", *TINY).code == 0
            scores = [score(tmp_path / name, model=tmp_path / "m") for name in names]

            assert scores[0] == scores[1] == scores[2]

    def test_unseen_categories_and_missing_cells_are_legal(self, score, tmp_path):
        """A value that training never saw is strange, a missing cell is not."""
        path = tmp_path / "rows.csv"
        path.write_text("amount,count,flag,city\n50,4,1,Bern\n50,4,1,Atlantis\n,,,\n")
        known, unseen, missing = score(path, "--reasons", "4").to_pylist()

        assert unseen["score"] > known["score"] + 1
        assert unseen["reason_1"] == "city"
        assert np.isfinite(missing["score"])
        assert all(missing[f"nats_{place}"] == 0 for place in range(1, 5))

    def test_a_headerless_file_has_the_names_of_the_model(self, score, here, tmp_path):
        """With the ignored label column, and without it."""
        put(table(), tmp_path / "x.csv")
        put(table().drop_columns("label"), tmp_path / "y.csv")
        for path in (tmp_path / "x.csv", tmp_path / "y.csv"):
            path.write_text(path.read_text(encoding="utf-8").split("\n", 1)[1], encoding="utf-8")

            assert score(path, "--no-header") == score(here / "rows.csv")

    def test_no_header_is_a_word_about_text_only(self, score, here):
        for name in ("rows.parquet", "rows.jsonl", "rows.feather"):
            assert score(here / name, "--no-header") == score(here / "rows.csv")

    def test_a_headerless_model_scores_headerless_files(self, run, score, tmp_path):
        path, short = tmp_path / "rows.csv", tmp_path / "short.csv"
        path.write_text("".join(f"{'ok' if i % 9 else 'bad'},{i % 5},{i}\n" for i in range(60)))
        short.write_text("".join(f"{i % 5},{i}\n" for i in range(60)))
        label = ["--no-header", "--label", "c1", "--normal", "ok"]

        assert run("fit", path, "-o", tmp_path / "m", *label, *TINY).code == 0
        assert score(path, "--no-header", model=tmp_path / "m") == score(short, "--no-header", model=tmp_path / "m")

    def test_arrays_and_tables_are_matched_by_position_where_one_has_no_names(self, run, score, tmp_path):
        """A model of an array scores text, a model of text scores an array, with the same numbers."""
        X = np.random.default_rng(0).normal(size=(50, 3))
        np.save(tmp_path / "x.npy", X)
        np.savez(tmp_path / "x.npz", X=X, y=np.zeros(50))
        np.savetxt(tmp_path / "x.csv", X, delimiter=",", header="p,q,r", comments="", fmt="%.18g")
        for source in ("x.npy", "x.csv"):
            assert run("fit", tmp_path / source, "-o", tmp_path / "m", *TINY).code == 0
            one, *others = [score(tmp_path / name, model=tmp_path / "m") for name in ("x.npy", "x.npz", "x.csv")]

            assert all(one == other for other in others)

    def test_pictures_are_named(self, run, score, tmp_path):
        """Their reasons are pixels; a single picture is a row."""
        (tmp_path / "some" / "more").mkdir(parents=True)
        for name in ("some/a.png", "some/b.png", "some/more/c.png", "some/d.png"):
            pixels = np.random.default_rng(len(name)).integers(0, 255, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name)
        assert run("fit", tmp_path / "some", "-o", tmp_path / "m", *TINY).code == 0
        all_of_them = score(tmp_path / "some", model=tmp_path / "m")

        assert all_of_them["file"].to_pylist() == ["a.png", "b.png", "d.png", "more/c.png"]
        assert all_of_them["reason_1"][0].as_py().startswith("row ")
        assert score(tmp_path / "some" / "a.png", model=tmp_path / "m")["score"] == all_of_them["score"].slice(0, 1)

    def test_a_dataset_is_known_by_its_name(self, run, score, tmp_path):
        assert run("fit", "breast-cancer", "-o", tmp_path / "m", *TINY).code == 0
        assert len(score("breast-cancer", model=tmp_path / "m")) == 569

    @pytest.mark.parametrize(
        ("words", "text", "options"),
        [
            (("missing 'city'",), "amount,count,flag\n1,2,1\n", []),
            (("Not expected 'size'", "leave them out"), "amount,count,flag,city,size\n1,2,1,Bern,3\n", []),
            (("'amount' holds numbers", "line 3", "'much'"), "amount,count,flag,city\n1,2,1,Bern\nmuch,2,1,Bern\n", []),
            (("'amount' holds numbers", "line 2", "'much'"), "1,2,1,Bern\nmuch,2,1,Bern\n", ["--no-header"]),
            (("5 columns", "have 2"), "1,2\n", ["--no-header"]),
        ],
    )
    def test_columns_that_do_not_fit_are_refused(self, refuses, here, tmp_path, words, text, options):
        (tmp_path / "rows.csv").write_text(text)

        refuses(1, words, "score", here / "model", tmp_path / "rows.csv", "-o", tmp_path / "s.csv", *options)
        assert not (tmp_path / "s.csv").exists()

    def test_tables_and_pictures_are_not_confused(self, run, refuses, here, tmp_path):
        pixels = np.random.default_rng(0).integers(0, 255, (8, 8, 8), dtype=np.uint8)
        np.save(tmp_path / "x.npy", pixels)
        assert run("fit", tmp_path / "x.npy", "-o", tmp_path / "m", *TINY).code == 0

        refuses(
            1, ("learned pictures", "a table"), "score", tmp_path / "m", here / "rows.csv", "-o", tmp_path / "s.csv"
        )
        refuses(
            1, ("learned a table", "pictures"), "score", here / "model", tmp_path / "x.npy", "-o", tmp_path / "s.csv"
        )


class TestOutput:
    def test_json_is_lines_or_a_summary(self, run, here, tmp_path):
        """Lines where the scores go to standard output, a summary where they go to a file."""
        lines = run("score", here / "model", here / "rows.csv", "--json").out.splitlines()
        summary = run("score", here / "model", here / "rows.csv", "-o", tmp_path / "s.csv", "--json")
        rows = [json.loads(line) for line in lines]

        assert [row["row"] for row in rows] == list(range(ROWS))
        assert summary.json == {
            "output": str(tmp_path / "s.csv"),
            "rows": ROWS,
            "alarms": sum(row["alarm"] for row in rows),
        }
        assert summary.err == ""

    def test_a_remark_is_for_people(self, run, here, tmp_path):
        """It goes to standard error, and not with --quiet."""
        told = run("score", here / "model", here / "rows.csv", "-o", tmp_path / "s.csv")

        assert told.out == ""
        assert told.err.startswith(f"{ROWS} rows scored, ")
        assert run("score", here / "model", here / "rows.csv", "-o", tmp_path / "s.csv", "--quiet") == (0, "", "")

    def test_another_kind_has_no_p_value(self, run, here):
        """A score that was not calibrated cannot alarm."""
        rows = run("score", here / "model", here / "rows.csv", "--kind", "kl", "--reasons", "0").rows
        own = run("score", here / "model", here / "rows.csv", "--kind", "elbo", "--reasons", "0").rows
        expected = load(here / "model").anomaly_score(table(), "kl")

        assert list(rows[0]) == ["row", "score"]
        assert list(own[0]) == ["row", "score", "p_value", "alarm"]
        np.testing.assert_allclose([float(row["score"]) for row in rows], expected, atol=1e-6)

    @pytest.mark.parametrize("kind", ["odd", "kl-3", "iwae-0"])
    def test_a_kind_that_is_not_there_is_refused(self, refuses, here, tmp_path, kind):
        words = (f"no score {kind!r}", "elbo")

        refuses(2, words, "score", here / "model", here / "rows.csv", "--kind", kind, "-o", tmp_path / "s.csv")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("words", "name"),
        [((".csv", "rename"), "s.xlsx"), (("make its folder",), "no/s.csv"), ((".csv", "rename"), "folder")],
    )
    def test_an_output_that_cannot_be_is_refused(self, refuses, here, tmp_path, words, name):
        (tmp_path / "folder").mkdir()

        refuses(1, words, "score", here / "model", here / "rows.csv", "-o", tmp_path / name)
        assert [path.name for path in tmp_path.iterdir()] == ["folder"]

    @pytest.mark.parametrize("command", ["score", "detect"])
    def test_the_input_is_never_overwritten(self, refuses, here, tmp_path, command):
        """Not even under another name."""
        rows = put(table(), tmp_path / "rows.csv")
        (tmp_path / "same.csv").symlink_to(rows)
        before = rows.read_bytes()

        for name in ("rows.csv", "same.csv"):
            refuses(1, (name, "is the INPUT", "left alone"), command, here / "model", rows, "-o", tmp_path / name)
        assert rows.read_bytes() == before

    def test_an_older_file_stays_until_the_new_one_is_whole(self, refuses, here, tmp_path):
        """The last row is bad: nothing was scored."""
        (tmp_path / "s.csv").write_text("old")
        (tmp_path / "rows.csv").write_text("amount,count,flag,city\n" + "1,2,1,Bern\n" * 50 + "much,2,1,Bern\n")

        refuses(1, ("line 52",), "score", here / "model", tmp_path / "rows.csv", "-o", tmp_path / "s.csv")
        assert (tmp_path / "s.csv").read_text() == "old"
        assert sorted(path.name for path in tmp_path.iterdir()) == ["rows.csv", "s.csv"]


BIG = """
import resource
import numpy as np, pyarrow as pa
from pyarrow import parquet
from oodles.cli.app import outcome
from oodles.data import columnar, reading

ROWS = columnar.ROWS = reading.stream.__kwdefaults__["rows"] = 8_192  # smaller blocks, a quicker test

def peak(blocks):
    with parquet.ParquetWriter("big.parquet", block.schema) as writer:
        for _ in range(blocks):
            writer.write_table(block)
    assert outcome(["score", "model", "big.parquet", "-o", "scores.parquet", "-q", "--reasons", "1"]) == 0
    assert parquet.ParquetFile("scores.parquet").metadata.num_rows == blocks * ROWS
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

rng = np.random.default_rng(0)
block = pa.table({f"x{i}": rng.normal(size=ROWS) for i in range(80)})
parquet.write_table(block.slice(0, 100), "small.parquet")
tiny = ["--set", "hidden=[4]", "--set", "latent=1", "--epochs", "1", "--members", "1", "--quiet"]
assert outcome(["fit", "small.parquet", "-o", "model", *tiny]) == 0
print(peak(2), peak(12))
"""


def test_memory_does_not_grow_with_the_file(tmp_path):
    """Ten more blocks of 5 MiB cost less than half of that; read as a whole, they would cost a multiple."""
    shown = subprocess.run(
        [sys.executable, "-c", BIG], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=300
    )
    few, many = map(float, shown.stdout.split())

    assert many - few < 25


def test_a_killed_score_leaves_nothing_under_its_name(here, tmp_path):
    """Rows keep coming, the process is killed: FILE does not exist, an older one is untouched."""
    (tmp_path / "old.csv").write_text("old")
    oodles = str(Path(sys.executable).with_name("oodles"))
    processes = [
        subprocess.Popen([oodles, "score", here / "model", "-", "-o", tmp_path / name], stdin=subprocess.PIPE)
        for name in ("new.csv", "old.csv")
    ]
    for process in processes:
        process.stdin.write((here / "rows.csv").read_bytes())
        process.stdin.flush()
    while len(list(tmp_path.glob(".*.part"))) < len(processes):
        assert all(process.poll() is None for process in processes)
        time.sleep(0.05)
    for process in processes:
        process.kill()
        process.communicate()
    for path in tmp_path.glob(".*.part"):
        path.unlink()

    assert [path.name for path in tmp_path.iterdir()] == ["old.csv"]
    assert (tmp_path / "old.csv").read_text() == "old"
