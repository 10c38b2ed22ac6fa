"""What p-values promise: a normal row's is at most α with probability at most α, and discoveries keep their rate."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oodles.calibration import Calibration, benjamini_hochberg
from oodles.errors import DataError, ParameterError

QUICK = settings(derandomize=True, max_examples=100, deadline=None)
SCORES = st.lists(st.integers(0, 6).map(float) | st.floats(-1e3, 1e3), min_size=1, max_size=40)
RATES = st.floats(0.001, 0.999) | st.integers(1, 39).map(lambda k: k / 40)


class TestPValues:
    @QUICK
    @given(held_out=SCORES, new=SCORES)
    def test_they_are_the_share_of_rows_at_least_as_strange(self, held_out, new):
        """p = (1 + #{held out ≥ s}) / (n + 1) by counting, so that 0 < p ≤ 1, and a stranger row has no larger p."""
        p = Calibration.from_scores(held_out).p_value(new)
        counted = [(1 + sum(old >= score for old in held_out)) / (len(held_out) + 1) for score in new]
        assert p.tolist() == counted
        assert ((p > 0) & (p <= 1)).all()
        assert (np.diff(p[np.argsort(new, kind="stable")]) <= 0).all()

    @pytest.mark.parametrize("n", [1, 19, 50, 200])
    def test_they_are_super_uniform_for_normal_rows(self, n):
        """P(p ≤ α) is ⌊α(n+1)⌋/(n+1) ≤ α: over 20 000 held-out sets, to 4 binomial standard errors."""
        draws = np.random.default_rng(n).standard_cauchy((20_000, n + 1))
        p = np.array([Calibration.from_scores(row[1:]).p_value(row[:1])[0] for row in draws])
        for alpha in (0.01, 0.05, 0.1, 0.25, 0.5, 0.9):
            allowed = np.floor(alpha * (n + 1) + 1e-9) / (n + 1)  # the tiny term undoes rounding, as in 0.05 * 20
            error = 4 * (allowed * (1 - allowed) / len(p)) ** 0.5
            assert (p <= alpha).mean() == pytest.approx(allowed, abs=error)

    def test_ties_only_make_them_larger(self):
        """With scores of three values, P(p ≤ α) stays below α, to 4 binomial standard errors."""
        draws = np.random.default_rng(0).integers(0, 3, (20_000, 31)).astype(float)
        p = np.array([Calibration.from_scores(row[1:]).p_value(row[:1])[0] for row in draws])
        for alpha in (0.05, 0.2, 0.4, 0.6):
            assert (p <= alpha).mean() <= alpha + 4 * (alpha * (1 - alpha) / len(p)) ** 0.5

    def test_an_infinite_score_gets_the_smallest(self):
        """It is 1 / (n + 1), never 0; the most normal row of all gets 1."""
        calibration = Calibration.from_scores([3.0, 1.0, 2.0])
        assert calibration.smallest == 0.25
        assert calibration.p_value([np.inf, -np.inf]).tolist() == [0.25, 1.0]
        assert Calibration.from_scores([1.0, np.inf]).p_value(np.inf) == pytest.approx(2 / 3)

    @pytest.mark.parametrize("scores", [[], [1.0, np.nan]])
    def test_impossible_calibration_rows_are_refused(self, scores):
        """None at all, or one that is no number."""
        with pytest.raises(DataError, match="at least one score and no NaN"):
            Calibration.from_scores(scores)


class TestThreshold:
    @QUICK
    @given(held_out=SCORES, new=SCORES, rate=RATES)
    def test_a_score_above_it_is_a_p_value_at_most_the_rate(self, held_out, new, rate):
        """The two ways to raise an alarm agree on every row, ties included."""
        calibration = Calibration.from_scores(held_out)
        rows = np.array(new + held_out)
        assert ((rows > calibration.threshold(rate)) == (calibration.p_value(rows) <= rate)).all()

    @pytest.mark.parametrize("n", [1, 9, 18])
    def test_too_few_rows_raise_no_alarm(self, n):
        """A rate of 5 % needs 19 held-out rows; with fewer the threshold is +∞, with 19 the largest score."""
        scores = np.arange(float(n))
        assert Calibration.from_scores(scores).threshold(0.05) == np.inf
        assert Calibration.from_scores(np.arange(19.0)).threshold(0.05) == 18.0

    @pytest.mark.parametrize("n", [19, 39, 99, 999])
    def test_products_that_are_whole_numbers_but_for_rounding_count_as_whole(self, n):
        """0.29 · 100 is 28.999…: for every rate k/(n + 1), exactly k - 1 held-out rows lie above the threshold."""
        calibration = Calibration.from_scores(np.arange(float(n)))
        for k in range(1, n + 1):
            threshold = calibration.threshold(k / (n + 1))
            assert (calibration.scores > threshold).sum() == k - 1

    def test_the_false_alarm_rate_is_kept(self):
        """Over 2000 held-out sets of 50 rows, a threshold at 10 % alarms 5/51 of 100 new rows, to 4 standard errors."""
        sets = np.random.default_rng(0).normal(size=(2000, 150))
        shares = [(rows[50:] > Calibration.from_scores(rows[:50]).threshold(0.1)).mean() for rows in sets]
        assert np.mean(shares) == pytest.approx(5 / 51, abs=4 * np.std(shares) / 2000**0.5)

    @pytest.mark.parametrize("rate", [0, 1, -0.1, 1.5, np.nan])
    def test_impossible_rates_are_refused(self, rate):
        """A rate lies strictly between 0 and 1."""
        with pytest.raises(ParameterError, match="between 0 and 1"):
            Calibration.from_scores([1.0]).threshold(rate)


def discoveries(p_values, fdr):
    """Benjamini-Hochberg as a sentence: the largest k such that k p-values are at most k fdr / N."""
    n = len(p_values)
    bars = [k for k in range(1, n + 1) if sum(p * n <= k * fdr for p in p_values) >= k]
    return [bool(bars) and p * n <= max(bars) * fdr for p in p_values]


class TestBenjaminiHochberg:
    @QUICK
    @given(ranks=st.lists(st.integers(1, 40), max_size=12), percent=st.integers(1, 99))
    def test_it_is_the_largest_step_that_holds(self, ranks, percent):
        """Against the definition in exact fractions, for conformal p-values k/40 and whole percentages."""
        exact = discoveries([Fraction(k, 40) for k in ranks], Fraction(percent, 100))
        assert benjamini_hochberg([k / 40 for k in ranks], percent / 100).tolist() == exact

    @QUICK
    @given(p=st.lists(st.floats(1e-6, 1), max_size=12))
    def test_the_order_of_rows_does_not_matter(self, p):
        """Discoveries are a set of rows, and a smaller p-value is discovered before a larger one."""
        found = benjamini_hochberg(p, 0.3)
        assert benjamini_hochberg(p[::-1], 0.3).tolist() == found[::-1].tolist()
        if found.any():
            assert max(np.array(p)[found]) < min(np.array(p)[~found], default=2)

    @pytest.mark.parametrize("fdr", [0.1, 0.3])
    def test_the_false_discovery_rate_is_kept_with_shared_held_out_rows(self, fdr):
        """40 normal and 10 strange rows judged by one held-out set: over 1500 sets, FDR ≤ fdr · 40/50 + 4 errors."""
        rng, false, found = np.random.default_rng(0), [], 0
        for _ in range(1500):
            calibration = Calibration.from_scores(rng.normal(size=100))
            new = rng.normal(size=50) + np.repeat([0.0, 3.0], [40, 10])
            alarms = benjamini_hochberg(calibration.p_value(new), fdr)
            false.append(alarms[:40].sum() / max(alarms.sum(), 1))
            found += alarms[40:].sum()
        assert np.mean(false) <= fdr * 40 / 50 + 4 * np.std(false) / 1500**0.5
        assert found > 0.3 * 10 * 1500

    def test_no_rows_are_no_discoveries(self):
        """An empty list is answered with an empty list."""
        assert benjamini_hochberg([], 0.1).tolist() == []

    @pytest.mark.parametrize("fdr", [0, 1, -1, 2, np.nan])
    def test_impossible_rates_are_refused(self, fdr):
        """A share lies strictly between 0 and 1."""
        with pytest.raises(ParameterError, match="fdr must lie between 0 and 1"):
            benjamini_hochberg([0.5], fdr)
