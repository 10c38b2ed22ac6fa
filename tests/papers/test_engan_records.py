"""What the committed records of energies show, and what the paper's page says of them."""

from pathlib import Path

import pytest

from oodles.experiments import PAPERS
from oodles.report import paper as page

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "results" / "engan2018"
PAPER = PAPERS["engan2018"]


@pytest.fixture(scope="module")
def lines():
    """Every cell that was run, by table, name and protocol."""
    return {
        (sheet.number, line.cell.name, line.record.task["protocol"]): line
        for sheet in page.sheets(PAPER, FOLDER)[0]
        for line in sheet.lines
    }


def mean(lines, table, name, quantity, protocol="clean"):
    """The mean of a cell's runs."""
    line = lines[table, name, protocol]
    return page.looked_up(line.record, line.cell, quantity).mean()


@pytest.mark.parametrize("points", ["8 Gaussians", "25 Gaussians"])
def test_the_likelihood_energy_has_no_spurious_modes(lines, points):
    """Total variation from the true density on the grid, and every mode hit."""
    name = f"{points} 0.001 likelihood"
    assert mean(lines, "figure 2", name, "TV") <= 0.15
    assert mean(lines, "figure 2", name, "modes hit") == int(points.split()[0])


def test_connections_are_found_as_well_as_published(lines):
    """In the authors' protocol, five runs; and beside it every baseline."""
    name = "EnGAN, λ = 100000 raw ‖∇E(x)‖²"
    assert mean(lines, "3", name, "F1", "paper") >= 0.9389
    assert len(lines["3", name, "paper"].record.of("score_norm", "F1")) == 5
    run = {key[1].split(" ")[0] for key in lines if key[0] == "3"}
    assert {"Kernel", "OC-SVM", "DSEBM", "DAGMM", "BiGAN", "WGAN-GP", "EnGAN,"} <= run


def test_held_out_digits_are_found_as_well_as_published(lines):
    """By the energy, in the clean protocol: at least four of five digits."""
    kept = 0
    for digit in (1, 4, 5, 7, 9):
        line = lines["4", f"{digit} EnGAN E(x)", "clean"]
        (value,) = line.values
        kept += value.mean >= value.reported[0]
    assert kept >= 4


def test_stacked_digits_are_far_from_collapsed(lines):
    """Hundreds of tuples after four hundred rounds, with the entropy term and without: nothing has collapsed yet."""
    for more in ("", " without entropy"):
        assert mean(lines, "1", f"10^3 EnGAN{more}", "modes") > 300


class TestChains:
    def test_in_latent_space_they_lower_the_energy_and_keep_diversity(self, lines):
        """From begin to end of a hundred steps."""
        name = "digits, with the prior"
        assert mean(lines, "figure 4", name, "energy, end") < mean(lines, "figure 4", name, "energy, begin")
        assert mean(lines, "figure 4", name, "diversity, end") > 0.8 * mean(lines, "figure 4", name, "diversity, begin")

    def test_in_data_space_they_leave_the_manifold(self, lines):
        """The energy falls far below that of any sample, and pictures become noise, far apart from each other."""
        name = "digits, with the prior"
        assert mean(lines, "figure 5", name, "diversity, end") > 3 * mean(lines, "figure 5", name, "diversity, begin")
        assert mean(lines, "figure 5", name, "energy, end") < 0.5 * mean(lines, "figure 5", name, "energy, begin")

    def test_they_accept_about_what_they_were_adapted_to(self, lines):
        """57 % in latent space; in data space, where no place is like another, more than that but not all."""
        assert 0.5 < mean(lines, "figure 4", "digits, with the prior", "acceptance") < 0.65
        assert 0.5 < mean(lines, "figure 5", "digits, with the prior", "acceptance") < 0.9


def test_the_page_is_what_the_records_say():
    """`oodles report engan2018` was run after the last record."""
    written = (ROOT / "docs" / "papers" / "engan2018.md").read_text(encoding="utf-8")
    assert written == page.as_markdown(PAPER, FOLDER, pictures="../../results/engan2018")
