"""What the committed records of negative sampling show, and what the paper's page says of them."""

from pathlib import Path

import pytest

from oodles.experiments import PAPERS
from oodles.report import paper as page

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "results" / "csiszarik2019"
PAPER = PAPERS["csiszarik2019"]


@pytest.fixture(scope="module")
def lines():
    """Every cell that was run, by table and name."""
    return {(sheet.number, line.cell.name): line for sheet in page.sheets(PAPER, FOLDER)[0] for line in sheet.lines}


def auc(lines, table, name, score):
    """The mean area under the curve of a cell's runs."""
    line = lines[table, name]
    return page.looked_up(line.record, line.cell, f"AUC {score}").mean()


@pytest.mark.parametrize("noise", ["Bernoulli", "Gaussian"])
class TestShirtsAgainstDigits:
    def test_auxiliary_negatives_separate(self, lines, noise):
        """At least 0.99 in both of the paper's metrics."""
        name = f"Fashion-MNIST MNIST {noise} auxiliary"
        assert auc(lines, "1", name, "bits_per_dim") >= 0.99
        assert auc(lines, "1", name, "kl") >= 0.99

    def test_the_adversarial_scheme_improves_the_kl(self, lines, noise):
        """Without any other data, the paper's claim."""
        adversarial, baseline = (
            auc(lines, "1", f"Fashion-MNIST MNIST {noise} {method}", "kl") for method in ("adversarial", "baseline")
        )
        assert adversarial > baseline

    def test_the_density_of_the_models_statistics_needs_no_negatives(self, lines, noise):
        """Where the Bernoulli likelihood prefers digits, the density of the same model does not."""
        assert auc(lines, "1", f"Fashion-MNIST MNIST {noise} baseline", "density, all members") >= 0.98
        if noise == "Bernoulli":
            assert auc(lines, "1", f"Fashion-MNIST MNIST {noise} baseline", "bits_per_dim") < 0.5


@pytest.mark.parametrize(("inlier", "against"), [("Fashion-MNIST", "MNIST"), ("MNIST", "Fashion-MNIST")])
@pytest.mark.parametrize(("noise", "least"), [("Bernoulli", 0.99), ("learned σ", 0.98)])
def test_one_unsupervised_score_separates_in_both_directions(lines, inlier, against, noise, least):
    """The density of the statistics, each way, at the recorded budget."""
    assert auc(lines, "beyond", f"{inlier} {against} {noise} baseline", "density, all members") >= least


@pytest.mark.parametrize(("dataset", "gain"), [("2_annthyroid", 0.1), ("6_cardio", 0.19), ("kddcup99", -0.001)])
def test_known_anomalies_help(lines, dataset, gain):
    """Twenty of them gain so much average precision on others; KDD Cup 99 has nothing left to gain."""
    plain, twenty = (
        page.looked_up(line.record, line.cell, "AP elbo").mean()
        for known in ("plain VAE", "20")
        for line in [lines["known", f"{dataset} {known}"]]
    )
    assert twenty >= plain + gain


def test_the_page_is_made_from_the_records():
    """What is committed is what `oodles report` writes."""
    written = (ROOT / "docs" / "papers" / "csiszarik2019.md").read_text(encoding="utf-8")
    assert page.as_markdown(PAPER, FOLDER, pictures="../../results/csiszarik2019") == written
