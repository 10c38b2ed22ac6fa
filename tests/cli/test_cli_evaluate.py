"""`oodles evaluate` judges what was fitted on rows that it did not learn from."""

import numpy as np
import pytest
from samples import ROWS, TINY, put, table
from sklearn.metrics import average_precision_score, roc_auc_score

from oodles import load

LABEL = ["--label", "label", "--normal", "ok"]
FRAUD = np.array(table()["label"]) == "fraud"
FAST = [option for option in TINY if option != "--quiet"]


def test_a_fitted_model_is_judged_on_all_rows(run, here):
    """The numbers are scikit-learn's, whatever the door."""
    facts = run("evaluate", here / "rows.csv", "--model", here / "model", *LABEL, "--json").json
    detector = load(here / "model")
    scores, alarms = detector.anomaly_score(table()), detector.predict(table()) == -1

    assert (facts["rows learned"], facts["rows judged"], facts["anomalies"]) == (0, ROWS, FRAUD.sum())
    assert facts["AUROC"] == pytest.approx(roc_auc_score(FRAUD, scores))
    assert facts["average precision"] == pytest.approx(average_precision_score(FRAUD, scores))
    assert facts["chance"] == pytest.approx(FRAUD.mean())
    assert facts["false-alarm rate kept"] == pytest.approx(alarms[~FRAUD].mean())
    assert facts["recall"] == pytest.approx(alarms[FRAUD].mean())


def test_without_a_model_a_share_of_the_normal_rows_is_learned(run, here, tmp_path):
    """The rows learned are not judged; the model can be kept."""
    save = ["--save", tmp_path / "kept", "--train", "0.75", "--seed", "3"]
    facts = run("evaluate", here / "rows.csv", *LABEL, *FAST, *save, "--json").json
    learned = round(0.75 * (~FRAUD).sum())

    assert (facts["rows learned"], facts["rows judged"]) == (learned, ROWS - learned)
    assert facts["anomalies"] == FRAUD.sum()
    assert load(tmp_path / "kept").random_state == 3
    assert load(tmp_path / "kept").encoder_.names == ("amount", "count", "flag", "city")


def test_the_label_may_be_unknown_to_the_model(run, here, tmp_path):
    """A model that was fitted to a file without labels is judged on one with them."""
    path = put(table().drop_columns("label"), tmp_path / "rows.csv")
    assert run("fit", path, "-o", tmp_path / "m", *TINY).code == 0

    assert run("evaluate", here / "rows.csv", "--model", tmp_path / "m", *LABEL, "--json").json["rows judged"] == ROWS


def test_facts_are_printed_as_a_table(run, here):
    result = run("evaluate", here / "rows.csv", "--model", here / "model", *LABEL, "--kind", "kl")

    assert result.out.startswith("VAE on ")
    assert "AUROC of kl" in result.out
    assert result.err == ""
    assert run("evaluate", here / "rows.csv", "--model", here / "model", *LABEL, "--quiet") == (0, "", "")


def test_a_report_is_written(run, here, tmp_path):
    page = tmp_path / "page.html"
    result = run("evaluate", here / "rows.csv", "--model", here / "model", *LABEL, "--report", page, "--json")

    assert "<svg" in page.read_text(encoding="utf-8")
    assert result.err == f"report: {page}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_datasets_and_arrays_bring_their_labels(run, tmp_path):
    np.savez(tmp_path / "x.npz", X=np.random.default_rng(0).normal(size=(60, 3)), y=np.arange(60) % 6 == 0)

    assert run("evaluate", "breast-cancer", *FAST, "--json").json["anomalies"] == 212
    assert run("evaluate", "digits", "--normal", "0", *FAST, "--json").json["rows learned"] == 89
    assert run("evaluate", tmp_path / "x.npz", *FAST, "--json").json["anomalies"] == 10


@pytest.mark.parametrize(
    ("code", "words", "source", "options"),
    [
        (1, ("does not say which rows", "--label"), "rows.csv", []),
        (1, ("does not say which rows", "--normal"), "digits", []),
        (1, ("no column 'lable'",), "rows.csv", ["--label", "lable"]),
        (1, ("No row is normal", "--normal"), "rows.csv", ["--label", "label"]),
        (1, ("--train 2", "too few"), "rows.csv", [*LABEL, "--train", "2"]),
        (1, ("--train 0", "too few"), "rows.csv", [*LABEL, "--train", "0"]),
        (2, ("no split 'dev'", "'train'"), "breast-cancer", ["--split", "dev"]),
        (2, ("no score 'odd'", "elbo"), "rows.csv", [*LABEL, "--kind", "odd"]),
        (2, ("no detector 'GMM'",), "rows.csv", [*LABEL, "--detector", "GMM"]),
    ],
)
def test_what_cannot_be_judged_is_refused(refuses, here, tmp_path, code, words, source, options):
    """Before anything is fitted or written."""
    source = here / source if source == "rows.csv" else source

    refuses(code, words, "evaluate", source, *options, "--save", tmp_path / "m", "--epochs", "1")
    assert list(tmp_path.iterdir()) == []


def test_rows_without_a_label_cannot_be_judged(refuses, here, tmp_path):
    labels = np.array(table()["label"]).tolist()
    rows = table().drop_columns("label").append_column("label", [[None, None, *labels[2:]]])
    words = ("'label' is missing in 2 of 120 rows",)

    refuses(1, words, "evaluate", put(rows, tmp_path / "x.csv"), "--model", here / "model", *LABEL)


def test_one_class_cannot_be_ranked(refuses, here, tmp_path):
    path = put(table().filter(~FRAUD), tmp_path / "x.csv")

    refuses(1, ("both classes",), "evaluate", path, "--model", here / "model", *LABEL)
