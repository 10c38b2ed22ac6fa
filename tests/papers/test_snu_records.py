"""What the committed records of the 2015 slides show."""

from pathlib import Path

import pytest

from oodles.experiments import PAPERS
from oodles.experiments.combining import GROUPS, SINGLE
from oodles.experiments.papers.snu2015 import LATENTS
from oodles.report import paper as page
from oodles.scores import RULES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "results" / "snu2015"


@pytest.fixture(scope="module")
def lines():
    """Every cell that was run, by table and row."""
    found = page.sheets(PAPERS["snu2015"], FOLDER)[0]
    return {(sheet.number, *line.cell.row): line for sheet in found for line in sheet.lines}


def value(lines, quantity, *place):
    """One of our numbers, the mean over its runs."""
    line = lines[place]
    return page.looked_up(line.record, line.cell, quantity).mean()


class TestLikelihoods:
    @pytest.mark.parametrize("latent", LATENTS)
    def test_no_one_is_among_the_least_likely_as_in_the_slides(self, lines, latent):
        """Nor among the least likely tenth, up to a hundredth of it; all most likely digits are ones."""
        place = "labels", str(latent), "1"
        assert value(lines, "least likely", *place) == lines[place].cell.reported["least likely"][0] == 0
        assert value(lines, "of the least likely tenth", *place) < 0.01
        assert value(lines, "most likely", *place) == 25

    def test_more_codes_explain_more(self, lines):
        """Until they are enough: of two hundred, most are not used."""
        few, some, many = (value(lines, "log-likelihood", "figure 1", str(latent)) for latent in LATENTS)
        assert few < some < many
        assert value(lines, "codes in use", "figure 1", "200") < 50

    def test_both_orders_are_there_as_pictures(self, lines):
        """Beside their records."""
        for latent in LATENTS:
            for table, kind in (("figure 1", "global"), ("figure 2", "conditional")):
                assert (FOLDER / lines[table, str(latent)].picture(kind)).stat().st_size > 10_000


class TestProjections:
    def test_more_codes_tell_classes_apart_better(self, lines):
        """In the plane and before; two hundred do better than pixels."""
        for quantity in ("k-NN, projection", "k-NN, codes"):
            few, some, many = (value(lines, quantity, "figure 3", f"{latent} codes") for latent in LATENTS)
            assert 0.75 < few < some < many
            assert many > value(lines, quantity, "figure 3", "pixels")

    def test_the_plane_keeps_neighbors(self, lines):
        """What t-SNE loses, or wins, is a hundredth or two."""
        for name in (*(f"{latent} codes" for latent in LATENTS), "pixels"):
            before, after = (value(lines, f"k-NN, {where}", "figure 3", name) for where in ("codes", "projection"))
            assert abs(before - after) < 0.02


class TestLabels:
    def test_digits_with_a_hundred_labels(self, lines):
        """Five runs beside the published 3.33 %; after 20 of 3,000 passes, codes with classes beat codes alone."""
        line = lines["semi-supervised", "M1+M2"]
        assert len(page.looked_up(line.record, line.cell, "error")) == 5
        error, plain = (value(lines, "error", "semi-supervised", row) for row in ("M1+M2", "M1 + SVM"))
        assert 3.33 < error < 13 < plain

    @pytest.mark.parametrize("table", ["2_annthyroid", "6_cardio", "28_pendigits", "30_satellite"])
    def test_fifty_labels_help(self, lines, table):
        """The semi-supervised model as well as negative sampling, on other anomalies."""
        for score in ("semi-supervised: classified elbo", "negative sampling: elbo"):
            few, many = (value(lines, "AP", "handful", table, known, score) for known in ("5", "50"))
            assert many > few


class TestCombined:
    GROUP = "elbo + statistics"

    @pytest.mark.parametrize("rule", ["mean", "stouffer"])
    def test_one_number_finds_what_the_better_of_two_scores_finds(self, lines, rule):
        """At most .005 of AUROC less, on at least eight of ten tables; which score is better, the labels say."""
        rows = [place for place in lines if place[0] == "combined" and place[2] == self.GROUP]
        lost = [value(lines, "best alone", *place) - value(lines, rule, *place) for place in rows]
        assert len(rows) == 10
        assert sum(one <= 0.005 for one in lost) >= 8

    def test_by_mean_rank_even_what_the_best_of_six_scores_finds(self, lines):
        """On eight of the ten."""
        rows = [place for place in lines if place[0] == "alone"]
        best = {row[1]: max(runs.mean() for runs in found) for row, found in ((r, alone(lines, r)) for r in rows)}
        kept = [value(lines, "mean", "combined", table, self.GROUP) >= top - 0.005 for table, top in best.items()]
        assert sum(kept) >= 8

    @pytest.mark.parametrize("rule", RULES)
    def test_the_false_alarm_rate_is_kept_whatever_the_rule(self, lines, rule):
        """5 % are promised; on the mean of thirty calibrations no group of scores has half a per cent more."""
        for group in GROUPS:
            rows = [place for place in lines if place[0] == "combined alarms" and place[2] == group]
            assert 0.04 < sum(value(lines, rule, *place) for place in rows) / len(rows) < 0.055


def alone(lines, place):
    """The AUROC of each score of one table."""
    line = lines[place]
    return [page.looked_up(line.record, line.cell, score) for score in SINGLE]


class TestMachines:
    USUAL = ("one usual, nine strange", "nine usual, one strange")

    def area(self, lines, what, usual=USUAL[0]):
        """AUROC with γ = `scale` and ν = 0.1, the mean over digits."""
        return value(lines, "AUROC", "one-class", usual, what)

    def test_around_one_digit_the_original_data_do_better_than_codes(self, lines):
        """And many components better than pixels; few components are no better than few codes."""
        pixels, many = self.area(lines, "pixels"), self.area(lines, "PCA-200")
        assert many > pixels > 0.85
        for latent in LATENTS:
            assert self.area(lines, f"μ, {latent} codes") < pixels - 0.1
        assert max(self.area(lines, f"PCA-{count}") for count in (3, 5)) < 0.5

    def test_the_likelihood_beside_the_codes_is_what_helps(self, lines):
        """Most of all alone: −ELBO."""
        for latent in LATENTS:
            assert self.area(lines, f"−ELBO, {latent} codes") > self.area(lines, f"μ, −log p, {latent} codes") + 0.05
        assert self.area(lines, "μ, −log p, 5 codes") > self.area(lines, "μ, 5 codes") + 0.4

    def test_no_machine_finds_one_digit_among_nine(self, lines):
        """Neither around codes nor around the original data, and the ELBO does not either."""
        found = [self.area(lines, row[2], row[1]) for row in lines if row[0] == "one-class" and row[1] == self.USUAL[1]]
        assert len(found) == 19
        assert max(found) < 0.65

    def test_landmarks_for_all_rows_agree_with_two_thousand_exactly(self, lines):
        """To two hundredths of AUROC."""
        for usual in self.USUAL:
            for latent in LATENTS:
                exact, all_rows = (
                    self.area(lines, f"{what}, {latent} codes", usual) for what in ("μ, −log p", "LatentOneClassSVM")
                )
                assert abs(exact - all_rows) < 0.02


def test_the_page_is_what_the_records_say():
    """`oodles report snu2015` was run after the last record."""
    written = (ROOT / "docs" / "papers" / "snu2015.md").read_text(encoding="utf-8")
    assert written == page.as_markdown(PAPERS["snu2015"], FOLDER, pictures="../../results/snu2015")
