"""What the committed records of faces and frauds show, and what the document's page says of them."""

from pathlib import Path

import pytest

from oodles.experiments import PAPERS
from oodles.experiments.frauds import KINDS, PROBABILITY
from oodles.report import paper as page

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "results" / "fiorino2020"
PAPER = PAPERS["fiorino2020"]


@pytest.fixture(scope="module")
def records():
    """Every record, by the task's name and the protocol."""
    return {(record.task["name"], record.task["protocol"]): record for record in page.records(FOLDER)}


def mean(records, name, quantity, protocol="clean", against=PROBABILITY):
    """The mean over the runs."""
    return records[name, protocol].of(against, quantity).mean()


@pytest.mark.parametrize("rows", ["random sample", "later rows"])
def test_frauds_are_found_among_payments_that_no_one_chose(records, rows):
    """AUROC by reconstruction probability, over ten splits, none of whose judged rows were learned."""
    name = f"{rows}, VAE, 2 codes"
    assert len(records[name, "clean"].of(PROBABILITY, "AUROC")) == 10
    assert mean(records, name, "AUROC") >= 0.94
    assert mean(records, name, "AUPRC") > 3 * mean(records, name, "chance")


@pytest.mark.parametrize("rows", ["random sample", "later rows", "whole sample"])
def test_it_is_no_worse_than_other_methods_on_the_same_splits(records, rows):
    """One-class SVM and isolation forest: not in AUROC, and better in AUPRC."""
    ours = f"{rows}, VAE, 2 codes"
    for method in ("OC-SVM", "Isolation forest"):
        (kind,) = KINDS[method]
        theirs = {q: mean(records, f"{rows}, {method}", q, against=kind) for q in ("AUROC", "AUPRC")}
        assert mean(records, ours, "AUROC") > theirs["AUROC"] - 0.005
        assert mean(records, ours, "AUPRC") > theirs["AUPRC"]


def test_the_mean_probability_ranks_as_well_as_the_mean_logarithm(records):
    """Both readings of the score are recorded."""
    name = "random sample, VAE, 2 codes"
    others = mean(records, name, "AUROC", against="mean_log_probability-100")
    assert mean(records, name, "AUROC") == pytest.approx(others, abs=0.01)


def test_one_percent_of_alarms_finds_most_frauds(records):
    """And about that share of genuine payments is alarmed."""
    name, against = "random sample, VAE, 2 codes", f"{PROBABILITY}, 1 % alarmed"
    assert mean(records, name, "recall", against=against) > 0.7
    assert mean(records, name, "false alarms", against=against) < 0.03


def test_a_root_of_squares_leaves_the_codes_unused(records):
    """KL of usual rows in nats: none with the document's words taken literally, some with learned variances."""
    literal = mean(records, "random sample, VAE, RMSE, 2 codes", "KL of usual rows", against="reconstruction_error")
    assert literal < 0.01
    assert mean(records, "random sample, VAE, 2 codes", "KL of usual rows") > 1


@pytest.mark.parametrize("protocol", ["paper", "clean"])
def test_faces_are_given_back(records, protocol):
    """Unseen ones, with a quarter of the error of the mean face or less; three pictures show them."""
    record = records["faces, CelebA", protocol]
    (error,), (plain,) = record.of("unseen", "error"), record.of("unseen", "error, mean face")
    assert error < 0.25 * plain
    assert set(record.pictures) == {"reconstructions", "samples", "interpolation"}


def test_a_softer_gaussian_spends_fewer_nats_on_codes(records):
    """The authors' weight of the error is a σ of 1.57, a learned one is smaller: less KL, larger errors."""
    soft, learned = (records["faces, CelebA", protocol] for protocol in ("paper", "clean"))
    assert soft.of("unseen", "KL") < learned.of("unseen", "KL")
    assert soft.of("unseen", "error") > learned.of("unseen", "error")


def test_every_picture_is_there_and_none_else(records):
    """Beside the records."""
    named = {name for record in records.values() for name in record.pictures.values()}
    assert named == {path.name for path in FOLDER.glob("*.png")}


def test_the_page_is_what_the_records_say():
    """`oodles report fiorino2020` was run after the last record."""
    written = (ROOT / "docs" / "papers" / "fiorino2020.md").read_text(encoding="utf-8")
    assert written == page.as_markdown(PAPER, FOLDER, pictures="../../results/fiorino2020")
