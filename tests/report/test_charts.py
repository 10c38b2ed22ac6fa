"""What is true of charts, and of numbers in words."""

import numpy as np
import pytest

from oodles.calibration import Calibration, benjamini_hochberg
from oodles.report import charts
from oodles.report.axis import Axis
from oodles.report.drawing import with_ids
from oodles.report.measures import Numbers, counted, number, percent, ratio, sentences

UNKNOWN = dict.fromkeys(("anomalies", "caught", "kept", "recall", "auroc", "average_precision", "chance", "right"))


# -- charts ------------------------------------------------------------------------------------------------------------


def test_the_band_holds_the_kept_rate_of_honest_scores():
    rng = np.random.default_rng(0)
    low, high = charts.band(np.array([4]), 39, 100)
    kept = [
        (Calibration.from_scores(rng.normal(size=39)).p_value(rng.normal(size=100)) <= 0.1).mean() for _ in range(2000)
    ]
    assert 0.95 <= ((low[0] <= kept) & (kept <= high[0])).mean() <= 0.98


def test_kept_rates_are_those_of_the_p_values():
    rng = np.random.default_rng(1)
    calibration, normal = Calibration.from_scores(rng.normal(size=120)), rng.normal(size=150)
    promised, kept, _, _ = charts.rates_with_band(normal, calibration)
    p = calibration.p_value(normal)
    assert kept[:-1].tolist() == [(p <= rate + 1e-9).mean() for rate in promised[:-1]]


def test_the_band_for_many_rows_continues_the_exact_one():
    allowed = np.arange(1, 50)
    exact, quick = charts.band(allowed, 99, 2000), charts.band(allowed, 99, 2001)
    assert np.abs(np.array(exact) - quick).max() < 0.002


@pytest.mark.parametrize("latent", [1, 2, 5])
def test_codes_lie_in_a_plane_whatever_their_number(latent):
    z = np.random.default_rng(0).normal(size=(30, latent))
    plane, names = charts.in_plane(z, np.arange(30.0))
    assert plane.shape == (30, 2)
    assert len(set(names)) == 2
    if latent == 2:
        assert np.array_equal(plane, z)


def test_principal_components_keep_the_widest_directions():
    z = np.random.default_rng(0).normal(size=(500, 4)) * [10, 0.1, 3, 0.1]
    plane, names = charts.in_plane(z, np.zeros(500))
    assert abs(np.corrcoef(plane[:, 0], z[:, 0])[0, 1]) > 0.99
    assert abs(np.corrcoef(plane[:, 1], z[:, 2])[0, 1]) > 0.99
    assert names[0].startswith("principal component 1 (9")


def test_losses_of_any_name_are_drawn():
    assert "training rows" in charts.losses({"loss": [[2.0, 1.0]] * 5, "validation_loss": [[2.0, np.inf]] * 5})
    assert "generator" in charts.losses({"generator": [[1.0]], "critic": [[2.0]]})
    assert charts.losses({}) is None


def test_ids_get_a_prefix_wherever_they_are_used():
    assert with_ids('<a id="x"/><b href="#x" clip-path="url(#x)" href="data:y"/>', "p") == (
        '<a id="p-x"/><b href="#p-x" clip-path="url(#p-x)" href="data:y"/>'
    )


@pytest.mark.parametrize(
    ("scores", "bent"),
    [
        ([0, 1, 2, 3], False),
        ([*np.linspace(0, 1, 50), 1e6], True),
        ([5, 5, 5], False),
        ([-1e5, *np.linspace(-1, 1, 50)], True),
    ],
)
def test_an_axis_bends_only_for_far_scores(scores, bent):
    scores = np.array(scores, dtype=float)
    axis = Axis.of(scores, scores, np.inf)
    places = axis.forward(scores)
    assert (axis.spread is not None) == bent
    assert axis.limits[0] < places.min() <= places.max() < axis.limits[1]
    assert 1 <= len(axis.ticks) <= 14
    assert (np.diff(axis.forward(axis.ticks)) > 0).all()


def test_an_axis_needs_a_finite_score():
    assert Axis.of(np.array([np.inf, np.nan]), np.array([np.inf]), 3.0) is None


# -- words -------------------------------------------------------------------------------------------------------------


def test_numbers_never_claim_more_than_they_are():
    assert [percent(x) for x in (0, 0.0004, 0.05, 0.123, 0.99997, 1)] == [
        "0%",
        "0.04%",
        "5%",
        "12.3%",
        ">99.9%",
        "100%",
    ]
    assert [ratio(x) for x in (0.5, 0.99996, 1, 0.9999999999)] == ["0.500", "0.99996", "1.000", "1.000"]
    assert [number(x) for x in (1234.5, -0.5, np.inf, -np.inf, 0.0, 12345.6)] == [
        "1234",
        "−0.5000",
        "∞",
        "−∞",
        "0.000",
        "12,346",
    ]
    assert [counted(n, noun) for n, noun in ((1, "anomaly"), (2, "anomaly"), (1200, "row"))] == [
        "1 anomaly",
        "2 anomalies",
        "1,200 rows",
    ]


def test_sentences_say_what_it_would_take():
    numbers = Numbers(rows=100, held_out=49, threshold=1.0, alarms=3, promised=0.05, discoveries=0, **UNKNOWN)
    assert sentences(numbers)[-1].endswith("it would take 40 rows at the smallest p-value, 0.02.")
    p = np.r_[np.full(40, 0.02), np.full(60, 1.0)]
    assert benjamini_hochberg(p, 0.05).sum() == 40
    assert benjamini_hochberg([*p[1:].tolist(), 1.0], 0.05).sum() == 0


def test_round_scores_are_named_in_full():
    assert [charts.tick_text(t) for t in (0.0, -0.25, 2500.0, 1e8 + 20, 1e12)] == [
        "0",
        "−0.25",
        "2500",
        "100,000,020",
        "1e+12",
    ]
