"""The demo runs from end to end."""

import json

import numpy as np
import pytest

from oodles import load, metrics
from oodles.report import demo


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    said = []
    return demo.run(tmp_path_factory.mktemp("demo") / "new", seed=1, show=said.append, epochs=40), said


def test_the_demo_writes_a_page_and_two_models(ran):
    result, said = ran
    html = result.report.read_text(encoding="utf-8")
    assert result.report.name == "report.html"
    assert [model.name for model in result.models] == ["breast-cancer", "digits"]
    assert all((model / "config.json").is_file() for model in result.models)
    assert all(section.name in html for section in result.sections)
    assert "oodles demo" in html
    assert len(html) < 3_000_000
    assert len(said) == 4
    assert result.seconds > 0


def test_the_saved_models_give_the_numbers_of_the_page(ran):
    result, _ = ran
    for trial, model, section in zip(
        (demo.breast_cancer(1, 40), demo.digits(1, 40)), result.models, result.sections, strict=True
    ):
        scores = load(model, device="cpu").anomaly_score(trial.tested)
        assert metrics.auroc(trial.y, scores) == pytest.approx(section.numbers.auroc, abs=1e-9)
        assert json.loads((model / "config.json").read_text())["parameters"]["random_state"] == 1


def test_zeros_are_told_from_other_digits(ran):
    assert ran[0].sections[1].numbers.auroc > 0.95


def test_no_learned_row_is_tested(ran):
    normal = np.random.default_rng(0).random(100) < 0.6
    learned, tested = demo.split(normal, 0.5, seed=3)
    assert normal[learned].all()
    assert len(learned) == round(normal.sum() / 2)
    assert sorted([*learned, *tested]) == list(range(100))
    assert ran[0].sections[0].numbers.anomalies == 212
