"""Several scores as one: each rule against its closed form, and a false-alarm rate that no rule can break."""

import json
import math

import numpy as np
import pytest
import torch
from scipy.stats import cauchy, combine_pvalues, genpareto, norm

import oodles
from oodles.cli.app import outcome
from oodles.detectors import DSEBM, VAE
from oodles.errors import ParameterError
from oodles.metrics import auroc
from oodles.scores import RULES, Combined, combination
from oodles.scores.combined import deviations, surprise

KINDS = ("elbo", "kl", "latent_norm")
SMALL = {"members": 2, "epochs": 40, "hidden": (16,), "random_state": 0}


def rows(n=400, seed=0):
    """Five columns on a plane."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)) @ np.array([[1, 2, 0, -1, 1], [0, 1, 1, 1, -2.0]]) + 0.1 * rng.normal(size=(n, 5))


@pytest.fixture(scope="module")
def fitted():
    """A VAE that combines three scores."""
    return VAE(scoring=Combined(KINDS), **SMALL).fit(rows())


class TestSurprise:
    def test_it_is_the_share_of_usual_scores_that_are_as_large(self):
        """Up to the 90 % quantile, at the usual scores themselves."""
        usual = torch.arange(100, dtype=torch.float64)
        found = surprise(usual, usual)
        assert torch.allclose(found[:90], -torch.log((torch.arange(100, 10, -1) + 1.0).clamp_max(100) / 101).double())

    def test_it_follows_the_tail_that_was_seen(self):
        """Of exponential and of heavy-tailed scores, far beyond all that were seen."""
        rng = np.random.default_rng(0)
        for shape, tolerance in ((0.0, 0.25), (0.4, 0.35)):
            usual = torch.from_numpy(genpareto.rvs(shape, size=20_000, random_state=rng))
            far = torch.tensor(genpareto.isf([1e-5, 1e-6], shape))
            assert torch.allclose(surprise(far, usual), -torch.tensor([1e-5, 1e-6]).log().double(), rtol=tolerance)

    def test_it_grows_with_the_score(self):
        """Never falls, over the whole line; and a score at infinity is a number, too."""
        usual = torch.randn(1024, generator=torch.Generator().manual_seed(0)).double()
        found = surprise(torch.linspace(-9, 50, 999).double(), usual)
        assert (found.diff() >= 0).all()
        assert (found[400:].diff() > 0).all()
        assert surprise(torch.tensor([math.inf, -math.inf]).double(), usual).isfinite().all()

    @pytest.mark.parametrize("usual", [torch.zeros(64), torch.ones(64), torch.tensor([0.0] * 63 + [1.0])])
    def test_scores_that_hardly_change_are_no_trouble(self, usual):
        """A constant is as usual as can be, what lies above it is strange."""
        low, high = surprise(torch.tensor([usual[0], 9.0]).double(), usual.double())
        assert 0 <= low < 0.1
        assert 1 < high < math.inf


class TestRules:
    """Each against scipy, or its formula."""

    p = np.array([[0.3, 0.04, 0.7], [1e-9, 0.5, 0.2], [0.011, 0.012, 0.013]])
    t = torch.from_numpy(-np.log(p))

    def test_fisher(self):
        """Half of its statistic, in nats."""
        expected = [combine_pvalues(p, "fisher").statistic / 2 for p in self.p]
        assert np.allclose(RULES["fisher"](self.t), expected)

    def test_stouffer(self):
        """Its statistic."""
        assert np.allclose(RULES["stouffer"](self.t), [combine_pvalues(p, "stouffer").statistic for p in self.p])

    def test_cauchy(self):
        """Minus the logarithm of its p-value; far out, that of the mean inverse p-value."""
        expected = -cauchy.logsf(np.tan((0.5 - self.p) * np.pi).mean(-1))
        assert np.allclose(RULES["cauchy"](self.t), expected)
        far = RULES["cauchy"](torch.tensor([[299.9, 1.0], [300.1, 1.0], [5000.0, 1.0]]).double())
        assert np.allclose(far, np.array([299.9, 300.1, 5000.0]) - math.log(2), atol=1e-6)

    def test_mean_and_min(self):
        """The mean rank, and the smallest p-value."""
        assert np.allclose(RULES["mean"](self.t), (1 - self.p).mean(-1))
        assert np.allclose(RULES["min"](self.t), -np.log(self.p.min(-1)))

    def test_density_is_low_for_a_pair_that_never_comes(self):
        """Two scores that always agree: a row where they do not is the strangest, though neither is strange alone."""
        z = torch.randn(500, 1, generator=torch.Generator().manual_seed(0)).double()
        usual = -torch.special.log_ndtr(-z).expand(-1, 2)
        strange = -torch.special.log_ndtr(torch.tensor([[1.0, -1.0]])).double()
        found = RULES["density"](torch.cat([usual, strange]), usual)
        assert found.argmax() == 500

    def test_deviations_are_those_of_a_normal_number(self):
        """From the middle to far out, where the p-value is no number any more."""
        z = torch.tensor([-2.0, 0.0, 1.0, 9.0, 30.0, 60.0]).double()
        assert torch.allclose(deviations(torch.from_numpy(-norm.logsf(z))), z, atol=2e-3)


class TestDetectors:
    @pytest.mark.parametrize("rule", RULES)
    def test_every_rule_keeps_the_false_alarm_rate(self, rule):
        """On ten thousand new rows, though half of the scores repeat each other."""
        detector = VAE(scoring=f"{rule}(elbo, iwae, likelihood, kl)", false_alarm_rate=0.1, **SMALL).fit(rows(4000))
        alarms = (detector.predict(rows(10_000, 1)) < 0).mean()
        # 400 held-out rows: the rate of one calibration is Beta distributed with a deviation of .015.
        assert abs(alarms - 0.1) < 0.045
        assert auroc(np.repeat([0, 1], 200), detector.anomaly_score(np.r_[rows(200, 2), rows(200, 3)[:, ::-1]])) > 0.8

    def test_another_rule_needs_no_other_fit(self, fitted):
        """Fisher of few scores is the sum of what `min` takes the largest of."""
        X = rows(50, 1)
        largest = fitted.anomaly_score(X, Combined(KINDS, "min"))
        assert (fitted.anomaly_score(X) >= largest).all()
        assert np.array_equal(largest, fitted.anomaly_score(X, "min(elbo,kl, latent_norm)"))
        assert (fitted.anomaly_score(X, "min(latent_norm, elbo)") <= largest).all()

    def test_single_scores_are_what_they_were(self, fitted):
        """Combining changes no weight."""
        alone = VAE(**SMALL).fit(rows())
        assert np.array_equal(fitted.anomaly_score(rows(9, 1), "elbo"), alone.anomaly_score(rows(9, 1)))

    @pytest.mark.parametrize("scoring", [Combined(KINDS, "cauchy"), "cauchy(elbo, kl, latent_norm)"])
    def test_a_saved_detector_scores_alike(self, scoring, tmp_path):
        """And its card names the rule; values stay values, words stay words."""
        made = VAE(scoring=scoring, **SMALL).fit(rows())
        made.save(tmp_path / "model")
        loaded = oodles.load(tmp_path / "model")
        assert np.array_equal(made.anomaly_score(rows(50, 1)), loaded.anomaly_score(rows(50, 1)))
        assert np.array_equal(made.predict(rows(50, 1)), loaded.predict(rows(50, 1)))
        assert loaded.scoring == scoring
        assert "cauchy(elbo, kl, latent_norm)" in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")

    def test_energies_are_combined_and_explained(self):
        """Reasons of a model without a likelihood follow the combination's gradient."""
        detector = DSEBM(scoring="fisher(energy, score_norm)", **SMALL).fit(rows())
        X = rows(4, 1)
        X[:, 2] += 6
        assert (np.abs(detector.explain(X)).argmax(1) == 2).mean() >= 0.5

    def test_few_rows_are_enough(self):
        """Thirty of them, a thousand times the same."""
        assert VAE(scoring=Combined(("elbo", "kl"), "density"), **SMALL).fit(rows(30)).predict(rows(5)).shape == (5,)


class TestMistakes:
    @pytest.mark.parametrize(
        ("scoring", "words"),
        [
            ("fisher(elbo)", "two different scores"),
            ("fisher(elbo, elbo)", "two different scores"),
            ("sum(elbo, kl)", "expected one of mean, fisher"),
            ("fisher(elbo, length)", "no score 'length'"),
            ("fisher()", "two different scores"),
            ("fisher(elbo, kl", "no score"),
        ],
    )
    def test_are_refused_before_training(self, scoring, words):
        """In a sentence."""
        with pytest.raises(ParameterError, match=words):
            VAE(scoring=scoring, **SMALL).fit(rows())

    def test_what_was_not_fitted_cannot_be_combined(self, fitted):
        """Nobody knows how these scores go together."""
        for detector in (fitted, VAE(**SMALL).fit(rows())):
            with pytest.raises(ParameterError, match="fit with it as scoring"):
                detector.anomaly_score(rows(5), "fisher(elbo, typicality)")

    def test_a_name_alone_combines_nothing(self):
        """It is left to the detector."""
        assert combination("elbo") is None


def test_the_command_line_combines_too(tmp_path, capsys):
    """Fit, score with p-values, and score by another rule."""
    np.savetxt(tmp_path / "a.csv", rows(), delimiter=",", header="a,b,c,d,e", comments="")
    fit = ["fit", str(tmp_path / "a.csv"), "-o", str(tmp_path / "m"), "--epochs", "3", "--members", "1", "--quiet"]
    assert outcome([*fit, "--set", "scoring=fisher(elbo,kl)"]) == 0
    assert outcome(["score", str(tmp_path / "m"), str(tmp_path / "a.csv"), "--json", "--reasons", "0"]) == 0
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert {"score", "p_value", "alarm"} <= set(first)
    assert outcome(["score", str(tmp_path / "m"), str(tmp_path / "a.csv"), "--kind", "min(elbo,kl)", "--json"]) == 0
    assert "p_value" not in json.loads(capsys.readouterr().out.splitlines()[0])
