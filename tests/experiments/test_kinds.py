"""Kinds of anomalies against scores: every kind meets every score, and maps show the numbers that were measured."""

import json
from functools import partial

import numpy as np
import pytest

from oodles import data
from oodles.data.anomalies import PICTURES, TABLES
from oodles.data.dataset import Dataset
from oodles.detectors import VAE, OneClassSVM
from oodles.experiments import Budget, kinds
from oodles.experiments.drawings import map_picture, named_pictures
from oodles.experiments.kinds import FAMILIES, SCORES, PictureKinds, TableKinds
from oodles.experiments.papers.snu2015_anomalies import ANOMALIES, ANOMALY_KINDS, ANOMALY_MAPS

QUICK = {"members": 1, "epochs": 1}


@pytest.fixture
def digits(monkeypatch):
    """MNIST in small: three classes of bright squares on the dark."""

    def load(name, split="train", **options):  # noqa: ARG001
        labels = np.arange(90) % 3
        pictures = np.random.default_rng(len(split)).integers(0, 60, (90, 12, 12), dtype=np.uint8)
        for picture, label in zip(pictures, labels, strict=True):
            picture[3 * label : 3 * label + 4, 4:8] = 250
        return Dataset(name, pictures, labels=labels)

    monkeypatch.setattr(data, "load", load)


def test_every_corruption_has_a_family():
    """The families of the map are the kinds that there are, in their order, and the digit that was not learned."""
    named = [kind for family in FAMILIES.values() for kind in family]
    assert named == [*PICTURES, "held-out digit"]
    assert {kind for same in kinds.SAME_NORMALS for kind in same} == set(TABLES)


def test_entropy_is_that_of_the_posterior():
    """½ Σ log 2πe σ², and all other scores are those that the detectors give."""
    rows = np.random.default_rng(0).normal(size=(60, 3))
    vae, machine = VAE(**QUICK, latent=2, random_state=0).fit(rows), OneClassSVM(random_state=0).fit(rows)
    found = kinds.strangeness(vae, machine, rows[:7])
    x = next(iter(vae._read(rows[:7])))[None]
    std = vae.model_.posterior(x)[1].detach().numpy()[0]
    assert np.allclose(found["entropy"], 0.5 * np.log(2 * np.pi * np.e * std**2).sum(-1), atol=1e-5)
    assert np.array_equal(found["kl"], vae.anomaly_score(rows[:7], "kl"))
    assert np.array_equal(found["OC-SVM"], machine.anomaly_score(rows[:7]))
    assert set(found) == set(SCORES)


def test_tables_are_judged_by_kind(monkeypatch, tmp_path):
    """One number for each seed, kind, table and score; a kind's number is the mean of its tables'; seeds differ."""
    monkeypatch.setattr(kinds, "VAE", partial(VAE, **QUICK))
    task = TableKinds(("breast-cancer", "breast-cancer"))
    result = task.run(Budget(members=2, test=60), device="cpu", checkpoint=tmp_path / "c", verbose=False)
    for kind in TABLES:
        for score in SCORES:
            runs = result.numbers[kind][score]
            assert runs == pytest.approx(result.numbers[f"{kind}, breast-cancer"][score])
            assert len(runs) == 2
    assert result.numbers["local"]["OC-SVM"][0] != result.numbers["local"]["OC-SVM"][1]
    assert min(result.numbers["global"]["OC-SVM"]) > 0.9
    assert set(result.pictures) == {"map", "each"}


def test_pictures_are_judged_by_kind(digits, tmp_path):  # noqa: ARG001
    """Every corruption and a class that was never learned, another one in each run; no checkpoint is left."""
    budget = Budget(members=2, epochs=2, test=25)
    result = PictureKinds(3).run(budget, device="cpu", checkpoint=tmp_path / "c.checkpoint", verbose=False)
    assert set(result.numbers) == {*PICTURES, "held-out digit"}
    assert all(len(runs) == 2 for areas in result.numbers.values() for runs in areas.values())
    assert min(result.numbers["inverse"]["elbo"]) == 1
    assert result.pictures["map"].ndim == result.pictures["kinds"].ndim == 3
    assert not list(tmp_path.iterdir())


def test_a_record_names_all_that_it_depends_on():
    """Kinds with their parameters and detectors, as JSON."""
    for task in (TableKinds(), PictureKinds(5)):
        text = json.dumps(task.described(Budget()))
        assert "OneClassSVM()" in text
        assert "VAE(" in text
    assert "Local(random_state=0, alpha=5.0)" in json.dumps(TableKinds().described(Budget()))
    assert "Impulse(share=0.17)" in json.dumps(PictureKinds(5).described(Budget()))


def test_a_map_shows_chance_in_the_middle():
    """White for one half, warm above, cold below, and a gap between families."""
    pixels = map_picture(["low", "chance", "high"], ["a"], np.array([[0.0], [0.5], [1.0]]), breaks=[2]).astype(int)
    for color in ((70, 104, 155), (247, 247, 245), (201, 80, 28)):
        assert (np.abs(pixels - color).max(axis=-1) <= 2).mean() > 0.05
    assert map_picture(["x"], ["a", "b"], np.array([[np.nan, 0.2]])).shape[2] == 3
    assert named_pictures({"one": np.zeros((3, 8, 8), np.uint8), "two": np.ones((3, 8, 8), np.uint8)}).shape[2] == 3


def test_tables_hold_every_kind_of_every_model():
    """Two models of digits, five tables; names are unique."""
    assert len(ANOMALIES.cells) == 2 * 20 + 4
    for table in (ANOMALIES, ANOMALY_MAPS, ANOMALY_KINDS):
        assert len({cell.name for cell in table.cells}) == len(table.cells)
    assert {cell.task for cell in ANOMALY_MAPS.cells} == {cell.task for cell in ANOMALIES.cells}
