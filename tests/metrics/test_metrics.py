"""Metrics against scikit-learn and by hand; y = 1 is an anomaly, a larger score is stranger."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    auc,
    average_precision_score,
    f1_score,
    precision_recall_curve,
    precision_score,
    recall_score,
    roc_auc_score,
)

from oodles.errors import DataError
from oodles.metrics import Rates, auroc, average_precision, average_precision_trapezoid, false_positive_rate, rates

RANKINGS = [auroc, average_precision, average_precision_trapezoid, false_positive_rate]
ROWS = st.lists(st.tuples(st.booleans(), st.integers(-3, 3).map(float) | st.floats(-1e6, 1e6)), min_size=2, max_size=40)
BOTH = ROWS.filter(lambda rows: len({label for label, _ in rows}) == 2)
QUICK = settings(derandomize=True, max_examples=60, deadline=None)


@QUICK
@given(rows=BOTH)
def test_rankings_equal_their_definitions(rows):
    """AUROC counts pairs, ties half; the two areas under precision and recall are scikit-learn's."""
    y, scores = np.array([label for label, _ in rows]).astype(int), np.array([score for _, score in rows])
    above, below = scores[y == 1][:, None], scores[y == 0]
    assert auroc(y, scores) == pytest.approx(((above > below) + 0.5 * (above == below)).mean())
    assert auroc(y, scores) == pytest.approx(roc_auc_score(y, scores))
    assert average_precision(y, scores) == average_precision_score(y, scores)
    precision, recall, _ = precision_recall_curve(y, scores)
    assert average_precision_trapezoid(y, scores) == auc(recall, precision)


@QUICK
@given(rows=BOTH, percent=st.sampled_from([50, 80, 95, 100]))
def test_false_positive_rate_is_that_of_the_highest_threshold_that_catches_enough(rows, percent):
    """By trying every threshold: the highest with recall ≥ 95 % alarms the fewest normal rows."""
    y, scores = np.array([label for label, _ in rows]), np.array([score for _, score in rows])
    enough = [t for t in scores[y] if 100 * (scores[y] >= t).sum() >= percent * y.sum()]
    assert false_positive_rate(y, scores, percent / 100) == (scores[~y] >= max(enough)).mean()


def test_rankings_by_hand():
    """Four rows: the anomalies have ranks 1 and 3."""
    y, scores = [1, 0, 1, 0], [4.0, 3.0, 2.0, 1.0]
    assert auroc(y, scores) == 3 / 4
    assert average_precision(y, scores) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert false_positive_rate(y, scores) == 1 / 2
    assert false_positive_rate(y, scores, recall=0.5) == 0


@pytest.mark.parametrize("n", [20, 60, 100, 140, 220, 1000])
@pytest.mark.parametrize("percent", [55, 80, 95])
def test_95_percent_of_the_anomalies_are_exactly_that_many(n, percent):
    """With n anomalies scored 1 … n, recall 0.95 allows n/20 to be missed: rounding must not catch one more."""
    scores = np.arange(1.0, n + 1)
    probe = n * (100 - percent) // 100 + 1.0  # the weakest anomaly that must still be caught
    assert false_positive_rate([1] * n + [0, 0], [*scores, probe, probe - 0.5], percent / 100) == 0.5


@pytest.mark.parametrize("metric", RANKINGS)
def test_infinite_scores_rank_first_and_last(metric):
    """An overflow is a rank like any other: the metric equals that of finite scores in the same order."""
    y, finite = [1, 0, 1, 0, 1, 0, 0], [9.0, 9.0, 5.0, 4.0, 3.0, 2.0, -9.0]
    infinite = [np.inf, np.inf, 5.0, 4.0, 3.0, 2.0, -np.inf]
    assert metric(y, infinite) == metric(y, finite)
    assert 0 < metric(y, infinite) < 1


@pytest.mark.parametrize("metric", RANKINGS)
def test_a_perfect_and_an_empty_ranking(metric):
    """Perfect separation is the best value; scores that are all equal know nothing."""
    y, best = [1, 0, 1, 0, 0], 0.0 if metric is false_positive_rate else 1.0
    assert metric(y, [2.0, 1.0, 2.0, 1.0, 1.0]) == best
    chance = {auroc: 0.5, average_precision: 0.4, average_precision_trapezoid: 0.7, false_positive_rate: 1.0}
    assert metric(y, [1.0] * 5) == pytest.approx(chance[metric])


@pytest.mark.parametrize("metric", RANKINGS)
@pytest.mark.parametrize(
    ("y", "scores", "sentence"),
    [
        ([1, 1], [1.0, 2.0], "needs both classes, but all 2 rows"),
        ([0, 0, 0], [1.0, 2.0, 3.0], "needs both classes"),
        ([], [], "needs both classes"),
        ([0, 1], [1.0, np.nan], "1 of them are NaN"),
        ([0, 2], [1.0, 2.0], "1 for an anomaly and 0"),
        ([-1, 1], [1.0, 2.0], "1 for an anomaly and 0"),
        ([0, 1, 1], [1.0, 2.0], "two lists of one length"),
        ([[0, 1]], [[1.0, 2.0]], "two lists of one length"),
    ],
)
def test_what_cannot_be_ranked_is_refused_in_a_sentence(metric, y, scores, sentence):
    """One class, NaN, other labels and other lengths have no ranking."""
    with pytest.raises(DataError, match=sentence):
        metric(y, scores)


@pytest.mark.parametrize("metric", RANKINGS)
def test_labels_may_be_booleans_or_floats(metric):
    """True, 1 and 1.0 are one label."""
    y, scores = np.array([1, 0, 1, 0]), [4.0, 3.0, 2.0, 1.0]
    assert metric(y.astype(bool), scores) == metric(y, scores) == metric(y.astype(float), scores)


@QUICK
@given(rows=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_rates_equal_scikit_learn(rows):
    """Precision, recall and F1 with 0 for 0/0; the false-alarm rate is the recall of the other class."""
    y, alarms = (np.array(column) for column in zip(*rows, strict=True))
    found = rates(y, alarms)
    assert found.precision == pytest.approx(precision_score(y, alarms, zero_division=0))
    assert found.recall == pytest.approx(recall_score(y, alarms, zero_division=0))
    assert found.f1 == pytest.approx(f1_score(y, alarms, zero_division=0))
    assert found.false_alarm_rate == pytest.approx(recall_score(~y, alarms, zero_division=0))
    assert found.alarms == alarms.sum()


def test_rates_by_hand():
    """Two of three alarms are right, one of three anomalies is missed, one of five normal rows is alarmed."""
    found = rates([1, 1, 1, 0, 0, 0, 0, 0], [1, 1, 0, 1, 0, 0, 0, 0])
    assert found == Rates(precision=2 / 3, recall=2 / 3, f1=2 / 3, false_alarm_rate=1 / 5, alarms=3)
