"""What the committed records of bottlenecks and restarts show, and what the paper's page says of them."""

from pathlib import Path

import pytest

from oodles.experiments import PAPERS, beginnings
from oodles.report import paper as page

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "results" / "patuzzo2020"
PAPER = PAPERS["patuzzo2020"]
SLOW, FAST = "0.001, 20,000 steps", "0.01, 10,000 steps"


@pytest.fixture(scope="module")
def lines():
    """Every cell that was run, by table and name."""
    return {(sheet.number, line.cell.name): line for sheet in page.sheets(PAPER, FOLDER)[0] for line in sheet.lines}


def mean(lines, table, name, quantity):
    """The mean of a cell's runs."""
    line = lines[table, name]
    return page.looked_up(line.record, line.cell, quantity).mean()


class TestRestarts:
    @pytest.mark.parametrize("speed", [SLOW, FAST])
    def test_a_tenth_succeeds_and_a_third_stays_gray(self, lines, speed):
        """A1 2-1-2: a thousand restarts in one fit of minutes, as published within a dozen restarts' error."""
        assert 0.05 <= mean(lines, "levels", f"2-1-2 {speed} 0", "share") <= 0.15
        assert 0.25 <= mean(lines, "levels", f"2-1-2 {speed} 1/4", "share") <= 0.36
        record = lines["levels", f"2-1-2 {speed} 0"].record
        assert record.task["restarts"] * record.task["members"] >= 1000

    def test_more_units_nearly_always_succeed(self, lines):
        """A1 5-2-5: about 95 of a hundred."""
        assert 0.92 <= mean(lines, "levels", f"5-2-5 {FAST} 0", "share") <= 0.97

    def test_misfortunes_before_training_are_as_frequent_as_arithmetic_says(self, lines):
        """Two million draws within half a per cent, and the thousand restarts within their error."""
        for event, chance in beginnings.CHANCES.items():
            assert mean(lines, "beginnings", f"{event} draws", "share") == pytest.approx(chance, abs=0.002)
            assert mean(lines, "beginnings", f"{event} the restarts", "share") == pytest.approx(chance, abs=0.05)

    def test_outputs_turn_as_often_as_in_the_paper(self, lines):
        """Two changes of color along the bottleneck for outputs 1 and 4, one for 2 and 3 (figures 4 to 7)."""
        changes = [mean(lines, f"figure {number}", "A1 2-1-2", "changes") for number in range(4, 8)]
        assert changes == [2, 1, 1, 2]

    def test_the_best_has_no_error_without_gray(self, lines):
        """Figure 9, in every run."""
        assert mean(lines, "figure 9", "A1 2-1-2", "MSE sharpened") == 0


class TestLines:
    def test_the_best_a2_is_as_certain_as_published(self, lines):
        """σ between 0.01 and 0.05, and most of each picture right."""
        assert 0.01 <= mean(lines, "lines", "A2 2-1-2", "σ") <= 0.05
        assert mean(lines, "lines", "A2 2-1-2", "MSE") < 0.05
        assert 0.01 <= mean(lines, "lines", "A2 8-1-8", "σ") <= 0.04

    def test_removing_the_gray_removes_blur(self, lines):
        """Figure 10: the pixels that A1 leaves gray fall mostly on the right side."""
        assert mean(lines, "figure 10", "A1 2-1-2", "MSE sharpened") < 0.1

    @pytest.mark.parametrize("images", ["lines: 1000 of 32 × 32", "squares: 4 of 2 × 2"])
    @pytest.mark.parametrize("reading", ["V", "S", "T"])
    def test_equation_1_as_printed_collapses(self, lines, images, reading):
        """All restarts, in all readings: gray pictures, σ = 1."""
        name = f"{images} 8-1-8 {reading} MSE + mean KL, as printed"
        assert mean(lines, "readings", name, "collapsed") == 1
        assert mean(lines, "readings", name, "σ") == pytest.approx(1, abs=0.1)


def test_the_number_of_pixels_decides_and_not_that_of_pictures(lines):
    """σ: a thousand copies of the squares like four; four pictures of 32 × 32 far below."""
    four, copies, large = (
        mean(lines, "pixels", f"{what} 8-1-8 S D · MSE + KL", "σ")
        for what in ("squares: 4 of 2 × 2", "copies: 1000 of 2 × 2", "upscaled: 4 of 32 × 32")
    )
    assert copies == pytest.approx(four, rel=0.3)
    assert large < 0.5 * four


def test_twos_are_found_as_well_as_published(lines):
    """Areas under the curve of both networks, the mean of five runs."""
    assert mean(lines, "twos", "A1 silu", "AUC") >= 0.91
    assert mean(lines, "twos", "A2 silu", "AUC") >= 0.93
    assert len(lines["twos", "A2 silu"].record.of("others", "AUC")) == 5


def test_the_page_is_what_the_records_say():
    """`oodles report patuzzo2020` was run after the last record."""
    written = (ROOT / "docs" / "papers" / "patuzzo2020.md").read_text(encoding="utf-8")
    assert written == page.as_markdown(PAPER, FOLDER, pictures="../../results/patuzzo2020")
