"""`oodles detect` lists discoveries, and keeps its promise about them."""

import numpy as np
import pytest
from samples import ROWS, TINY, put, table

from oodles import load
from oodles.cli.app import outcome
from oodles.data import reading

LARGE = 1500


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model with enough held-out rows for discoveries among few rows."""
    folder = tmp_path_factory.mktemp("detect")
    put(table(1, LARGE).drop_columns("label"), folder / "many.parquet")
    assert outcome(["fit", str(folder / "many.parquet"), "-o", str(folder / "model"), *TINY]) == 0
    return folder / "model"


@pytest.fixture
def strange(tmp_path):
    """Twelve rows, the first and the last of which do not belong."""
    path = tmp_path / "rows.csv"
    path.write_text("amount,count,flag,city\n1e6,4,1,Bern\n" + "50,4,1,Bern\n" * 10 + "-1e6,4,1,Atlantis\n")
    return path


def test_discoveries_are_those_of_python(run, model, strange):
    """Row numbers, scores and reasons are those of the file."""
    result = run("detect", model, strange, "--fdr", "0.1", "--quiet")
    rows = reading.read(strange)

    assert [int(row["row"]) for row in result.rows] == [0, 11]
    assert np.flatnonzero(load(model).detect(rows, 0.1)).tolist() == [0, 11]
    assert result.rows[0]["reason_1"] == "amount"
    assert float(result.rows[1]["score"]) == pytest.approx(load(model).anomaly_score(rows)[11], abs=1e-6)


def test_a_remark_counts_them(run, model, strange, tmp_path):
    result = run("detect", model, strange, "--fdr", "0.1", "-o", tmp_path / "found.parquet")

    assert result == (0, "", "2 discoveries among 12 rows at a false-discovery rate of 0.1.\n")
    assert len(reading.read(tmp_path / "found.parquet")) == 2


def test_json_is_lines_or_a_summary(run, model, strange, tmp_path):
    lines = run("detect", model, strange, "--fdr", "0.1", "--json", "--quiet").out.splitlines()
    summary = run("detect", model, strange, "--fdr", "0.1", "--json", "-o", tmp_path / "found.csv")

    assert len(lines) == 2
    assert summary == (0, summary.out, "")
    assert summary.json == {"output": str(tmp_path / "found.csv"), "rows": 12, "discoveries": 2}


def test_without_discoveries_there_is_a_header_and_a_reason(run, here):
    """A small calibration cannot single out a row among many; the remark says so."""
    result = run("detect", here / "model", here / "rows.csv")

    assert (result.code, result.rows) == (0, [])
    assert result.out.startswith("row,score,p_value,alarm,reason_1")
    assert f"0 discoveries among {ROWS} rows" in result.err
    assert "cannot be told apart" in result.err
    assert run("detect", here / "model", here / "rows.csv", "--quiet").err == ""


@pytest.mark.parametrize("fdr", ["0", "1", "-1", "2", "nan"])
def test_an_impossible_rate_is_refused_before_the_work(refuses, tmp_path, fdr):
    """Even before the model is looked for."""
    words = ("fdr must lie between 0 and 1",)

    refuses(2, words, "detect", tmp_path / "no", "no.csv", "--fdr", fdr, "-o", tmp_path / "s.csv")
    assert list(tmp_path.iterdir()) == []


def test_discoveries_do_not_depend_on_blocks(run, model, strange, monkeypatch):
    """Rows of several blocks are judged together."""
    known = run("detect", model, strange, "--fdr", "0.1")
    monkeypatch.setitem(reading.stream.__kwdefaults__, "rows", 5)

    assert run("detect", model, strange, "--fdr", "0.1") == known
