"""Rules for alarms: scores of rows in, the score above which a row is an alarm out."""

import numpy as np
import pytest

from oodles.calibration import RULES, Calibration, FalseAlarmRate, MedianDeviation, Quantile
from oodles.detectors import AutoEncoder
from oodles.errors import OodlesError

SCORES = np.random.default_rng(0).normal(size=200)


@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_a_value_with_defaults(name):
    """Two rules with equal numbers are equal; a rule gives a number whatever the order of the scores."""
    rule = RULES[name]()
    assert rule == RULES[name]()
    assert isinstance(rule(SCORES), float)
    assert rule(SCORES) == rule(SCORES[::-1])


@pytest.mark.parametrize("name", RULES)
def test_a_rule_moves_with_the_scores(name):
    """Scores in another unit, a s + b, give the threshold in that unit."""
    rule = RULES[name]()
    assert rule(3 * SCORES + 7) == pytest.approx(3 * rule(SCORES) + 7)


def test_false_alarm_rate_is_the_conformal_threshold():
    """It equals that of a `Calibration`, +∞ with too few rows included."""
    for rate in (0.01, 0.05, 0.3):
        assert FalseAlarmRate(rate)(SCORES) == Calibration.from_scores(SCORES).threshold(rate)
    assert FalseAlarmRate(0.05)(SCORES[:18]) == np.inf


def test_quantile_leaves_its_share_above():
    """Of 200 different scores, the share 0.05 means the 10 largest; by hand on five numbers."""
    assert (Quantile(0.05)(SCORES) < SCORES).sum() == 10
    assert Quantile(0.25)(np.array([4.0, 0.0, 1.0, 2.0, 3.0])) == 3.0


def test_median_deviation_by_hand():
    """Median 2, absolute deviations 2, 1, 0, 1, 98: their median is 1; an outlier cannot move it."""
    scores = np.array([0.0, 1.0, 2.0, 3.0, 100.0])
    assert MedianDeviation(2.0)(scores) == pytest.approx(2 + 2 * 1.4826)
    assert MedianDeviation(2.0)(np.array([0.0, 1.0, 2.0, 3.0, 1e9])) == MedianDeviation(2.0)(scores)


def test_median_deviation_counts_standard_deviations_of_a_normal():
    """On a large normal sample, k = 3 is three standard deviations above the middle."""
    scores = np.random.default_rng(1).normal(5, 2, 200_000)
    assert MedianDeviation(3.0)(scores) == pytest.approx(11, abs=0.05)


@pytest.mark.parametrize("rule", [FalseAlarmRate(0.2), Quantile(0.2), MedianDeviation(1.0)])
def test_a_detector_alarms_above_the_rule_of_its_held_out_rows(rule):
    """`contamination` takes a rule: alarms are the rows whose score exceeds what it says of the held-out scores."""
    rows = np.random.default_rng(0).normal(size=(120, 3))
    detector = AutoEncoder(members=1, epochs=2, hidden=(8,), contamination=rule, random_state=0).fit(rows)
    strange = detector.anomaly_score(rows) > rule(detector.calibration_.scores)
    assert 0 < strange.sum() < len(rows)
    assert np.array_equal(detector.predict(rows) == -1, strange)


@pytest.mark.parametrize(
    "broken",
    [
        lambda: FalseAlarmRate(0.0)(SCORES),
        lambda: FalseAlarmRate(1.5)(SCORES),
        lambda: FalseAlarmRate()(np.array([])),
        lambda: FalseAlarmRate()(np.array([1.0, np.nan])),
        lambda: Quantile(1.5)(SCORES),
        lambda: Quantile(-0.1)(SCORES),
        lambda: Quantile()(np.array([])),
        lambda: MedianDeviation()(np.array([])),
        lambda: MedianDeviation()(np.array([1.0, np.nan])),
    ],
    ids=["rate 0", "rate 1.5", "no scores", "NaN", "share 1.5", "share -0.1", "no scores", "no scores", "NaN"],
)
def test_impossible_rates_and_scores_are_refused_in_a_sentence(broken):
    """What cannot be is an `OodlesError` that says what was expected, not a NumPy warning and NaN."""
    with pytest.raises(OodlesError, match=r"\.$"):
        broken()
