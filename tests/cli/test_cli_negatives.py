"""`oodles fit --negatives`: known anomalies from the same file, another file or a dataset."""

import json

import numpy as np
import pyarrow as pa
import pytest
from samples import TINY, put, table

from oodles import load

LABEL = ["--label", "label", "--normal", "ok"]
DETECTOR = ["--detector", "negativesamplingvae"]
FRAUDS = int(np.sum(np.array(table()["label"]) == "fraud"))


@pytest.fixture
def scores(run, tmp_path):
    """Fit with the options, and score the normal rows."""

    def scores(*options: object):
        assert run("fit", tmp_path / "rows.csv", "-o", tmp_path / "model", *TINY, *options) == (0, "", "")
        return load(tmp_path / "model").anomaly_score(table())

    put(table(), tmp_path / "rows.csv")
    frauds = table().filter(pa.compute.equal(table()["label"], "fraud"))
    put(frauds, tmp_path / "frauds.csv")
    put(frauds.drop_columns("label"), tmp_path / "unlabeled.parquet")
    return scores


def test_the_same_file_holds_the_known_anomalies(scores, tmp_path):
    """Its labeled rows, the same rows in a file of their own, and there without a label, are one thing."""
    same = scores(*LABEL, *DETECTOR, "--negatives", tmp_path / "rows.csv")

    assert np.array_equal(same, scores(*LABEL, *DETECTOR, "--negatives", tmp_path / "frauds.csv"))
    assert np.array_equal(same, scores(*LABEL, *DETECTOR, "--negatives", tmp_path / "unlabeled.parquet"))
    assert not np.array_equal(same, scores(*LABEL, *DETECTOR))


def test_several_sets_are_counted(run, tmp_path, scores):
    """The facts say how many rows there were."""
    scores(*LABEL)
    both = ["--negatives", tmp_path / "frauds.csv", "--negatives", tmp_path / "unlabeled.parquet"]
    options = [word for word in TINY if word != "--quiet"]
    result = run("fit", tmp_path / "rows.csv", "-o", tmp_path / "m", *options, *LABEL, *DETECTOR, *both, "--json")

    assert json.loads(result.out)["negatives"] == 2 * FRAUDS


def test_what_cannot_be_learned_from_is_refused(refuses, tmp_path, scores):
    """In one sentence, and no model is written."""
    scores(*LABEL)
    normal = table().filter(pa.compute.equal(table()["label"], "ok"))
    put(normal, tmp_path / "normal.csv")
    put(table().select(["amount", "label"]), tmp_path / "narrow.csv")
    fit = ["fit", tmp_path / "rows.csv", "-o", tmp_path / "m", *TINY, *LABEL]

    refuses(2, ("cannot learn from negatives",), *fit, "--negatives", tmp_path / "frauds.csv")
    refuses(1, ("no row that is labeled as an anomaly",), *fit, *DETECTOR, "--negatives", tmp_path / "normal.csv")
    refuses(1, ("neither a file nor a dataset",), *fit, *DETECTOR, "--negatives", tmp_path / "nothing.csv")
    refuses(1, ("In the negatives:", "missing"), *fit, *DETECTOR, "--negatives", tmp_path / "narrow.csv")
    assert not (tmp_path / "m").exists()


def test_pictures_of_a_dataset_are_negatives(run, tmp_path):
    """INPUT is whatever INPUT may be."""
    rng = np.random.default_rng(0)
    np.save(tmp_path / "dark.npy", rng.integers(0, 90, (30, 8, 8), dtype=np.uint8))
    known = ["--negatives", "digits", *DETECTOR]

    assert run("fit", tmp_path / "dark.npy", "-o", tmp_path / "m", *TINY, *known) == (0, "", "")
