"""Scores that are combined, on made-up rows: every combination is judged, and its alarms are counted."""

import numpy as np
import pytest

from oodles.data.dataset import Dataset
from oodles.experiments import Budget, combining
from oodles.experiments.combining import GROUPS, SINGLE, CombinedScores
from oodles.scores import RULES


@pytest.fixture
def made_up(monkeypatch):
    """Five correlated columns, and rows five times as far out."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(360, 2)) @ rng.normal(size=(2, 5)) + 0.1 * rng.normal(size=(360, 5))
    X[300:] *= 5
    y = np.repeat([0, 1], [300, 60]).astype(np.int8)
    monkeypatch.setattr(combining.data, "load", lambda name, **options: Dataset(name, X, y=y))  # noqa: ARG005


def test_every_score_and_every_combination_is_judged(made_up, tmp_path, monkeypatch):  # noqa: ARG001
    """AUROC, average precision and false alarms for each split."""
    quick = CombinedScores.detector
    monkeypatch.setattr(
        CombinedScores, "detector", lambda task, seed, **more: quick(task, seed, epochs=5, members=1, **more)
    )
    result = CombinedScores("made up").run(Budget(members=2), device="cpu", checkpoint=tmp_path / "x", verbose=False)
    assert len(result.numbers) == 3 * (1 + len(GROUPS))
    for name, found in result.numbers.items():
        assert set(found) == ({"best alone", *RULES} if "," in name else set(SINGLE))
        assert all(len(runs) == 2 for runs in found.values())
    for group, kinds in GROUPS.items():
        best = max(np.mean(result.numbers["AUROC"][kind]) for kind in kinds)
        assert np.mean(result.numbers[f"AUROC, {group}"]["best alone"]) == best
        assert best > 0.8
        assert all(np.mean(runs) < 0.25 for runs in result.numbers[f"false alarms, {group}"].values())
