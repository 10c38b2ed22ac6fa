"""What is true of every detector: scikit-learn's contract, and ours."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from oodles import detectors, load
from oodles.calibration import MedianDeviation, Quantile
from oodles.errors import DataError, ParameterError, SchemaError
from oodles.scores import Encodes

NAMES = list(detectors.NAMES)
TRAINED = [name for name, kind in detectors.NAMES.items() if "epochs" in kind().get_params()]
"""Detectors with random weights that gradients move; the others are solved for."""

ELSEWHERE = {"likelihood_ratio", "input_complexity"}
"""Scores that need a background model, or pictures."""


QUICK = {
    "BiGAN": {"latent": 2, "average": 0.99},
    "DAGMM": {"latent": 2, "density_weight": 0.3, "lr": 5e-4, "batch_size": 64},
    "EnGAN": {"hidden": (64,), "batch_size": 32},
    "SemiSupervisedVAE": {"scoring": "elbo"},
    "WGANGP": {"hidden": (64, 64), "batch_size": 32, "lr": 3e-3},
}
"""What a detector needs beyond that, to learn in so few steps."""

TAUGHT = {"DAGMM": "reconstruction_error", "LatentOneClassSVM": "elbo"}
"""The score that only training makes, where the default does not need any: a mixture, or a kernel machine, is solved
for, and finds broken correlations among the codes of random networks, too."""


def quick(name: str, **parameters):
    """A detector that fits in a moment; it is given those of the parameters that it has."""
    small = {"members": 2, "epochs": 30, "hidden": (16,), "random_state": 0, **QUICK.get(name, {}), **parameters}
    known = detectors.NAMES[name]().get_params()
    return detectors.NAMES[name](**{key: value for key, value in small.items() if key in known})


def normal_rows(n: int = 300, seed: int = 0) -> np.ndarray:
    """Five correlated columns."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 2))
    return z @ np.array([[1, 2, 0, -1, 1], [0, 1, 1, 1, -2.0]]) + 0.1 * rng.normal(size=(n, 5))


def broken_rows(n: int = 200, seed: int = 1) -> np.ndarray:
    """The same columns, each shuffled by itself: every marginal is right, every correlation is gone."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(column) for column in normal_rows(n, seed).T], axis=1)


@pytest.fixture(scope="module", params=NAMES)
def fitted(request):
    return quick(request.param).fit(normal_rows())


@parametrize_with_checks([quick(name, members=1, epochs=8) for name in NAMES])
def test_scikit_learn_has_no_complaint(estimator, check) -> None:
    """All of scikit-learn's common checks pass; the list of expected failures is empty."""
    check(estimator)


class TestLearning:
    @pytest.mark.parametrize("name", NAMES)
    def test_training_beats_the_untrained_network(self, name) -> None:
        """Broken correlations are found after training and not before: scores have the right sign and a reason."""
        X, y = np.r_[normal_rows(200, 2), broken_rows()], np.r_[np.zeros(200), np.ones(200)]
        trained = quick(name, epochs=300).fit(normal_rows())

        assert roc_auc_score(y, trained.anomaly_score(X)) > 0.9
        if name not in TRAINED:
            return
        untrained = quick(name, epochs=1, lr=1e-12).fit(normal_rows())
        taught, raw = (roc_auc_score(y, d.anomaly_score(X, TAUGHT.get(name))) for d in (trained, untrained))
        assert taught > raw + 0.1

    @pytest.mark.parametrize("name", NAMES)
    def test_far_rows_and_a_dense_clump_are_strange(self, name) -> None:
        """Outliers far away, and a clump beside the data, score above normal rows."""
        detector = quick(name, epochs=100).fit(normal_rows())
        usual = detector.anomaly_score(normal_rows(200, 3))
        for strange in (normal_rows(50, 4) + 15, np.full((50, 5), 4.0)):
            assert np.median(detector.anomaly_score(strange)) > np.quantile(usual, 0.95)

    @pytest.mark.parametrize("name", NAMES)
    def test_same_seed_same_bits(self, name) -> None:
        """Fitted twice, or built twice with one seed, the weights are equal; another seed gives others."""
        first = quick(name).fit(normal_rows())
        weights = {k: v.clone() for k, v in first.model_.state_dict().items()}
        again, other = first.fit(normal_rows()), quick(name, random_state=5).fit(normal_rows())

        assert all(torch.equal(v, again.model_.state_dict()[k]) for k, v in weights.items())
        changed = not all(torch.equal(v, other.model_.state_dict()[k]) for k, v in weights.items())
        assert changed == (name in TRAINED)

    @pytest.mark.parametrize("name", NAMES)
    def test_global_random_state_is_untouched(self, name) -> None:
        """Neither NumPy's nor torch's global generator moves."""
        np.random.seed(3)  # noqa: NPY002 - it is the global state that is watched
        torch.manual_seed(3)
        before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002

        quick(name, epochs=3).fit(normal_rows()).anomaly_score(normal_rows(9))

        assert np.array_equal(before[0], np.random.get_state()[1])  # noqa: NPY002
        assert torch.equal(before[1], torch.get_rng_state())

    @pytest.mark.parametrize("name", TRAINED)
    def test_members_trained_together_equal_members_trained_alone(self, name) -> None:
        """Member m of a stack is, bit for bit, the single model of seed random_state + m."""
        stack = quick(name, members=3).fit(normal_rows()).model_.state_dict()
        for m in range(3):
            alone = quick(name, members=1, random_state=m).fit(normal_rows()).model_.state_dict()
            for key, tensor in alone.items():
                assert torch.equal(tensor[0], stack[key][m] if "." in key else stack[key][0]), key


class TestScoring:
    def test_scores_do_not_depend_on_who_travels_together(self, fitted) -> None:
        """Any batch, any order: the same bits for a row."""
        X = normal_rows(700, 5)
        whole = fitted.anomaly_score(X)
        order = np.random.default_rng(0).permutation(len(X))

        assert np.array_equal(whole[order], fitted.anomaly_score(X[order]))
        assert np.array_equal(whole[:1], fitted.anomaly_score(X[:1]))
        assert np.array_equal(whole[37:540], fitted.anomaly_score(X[37:540]))

    def test_every_kind_is_deterministic_and_finite(self, fitted) -> None:
        """Each score the model offers, twice."""
        X = np.r_[normal_rows(20), np.full((1, 5), 1e30), np.full((1, 5), np.nan)]
        for kind in set(fitted.model_.scores) - ELSEWHERE:
            scores = fitted.anomaly_score(X, kind)
            assert np.isfinite(scores).all(), kind
            assert np.array_equal(scores, fitted.anomaly_score(X, kind))

    def test_signs(self, fitted) -> None:
        """Larger is more normal in scikit-learn's methods, stranger in ours and PyOD's."""
        X = np.r_[normal_rows(50), normal_rows(50) + 20]
        score, pyod = fitted.anomaly_score(X), fitted.as_pyod()

        assert np.array_equal(fitted.score_samples(X), -score)
        assert np.array_equal(fitted.decision_function(X), -score - fitted.offset_)
        assert np.array_equal(fitted.predict(X) == -1, fitted.decision_function(X) < 0)
        assert np.array_equal(pyod.decision_function(X), score)
        assert np.array_equal(pyod.predict(X), (fitted.predict(X) == -1).astype(int))
        assert score[50:].mean() > score[:50].mean()

    def test_alarms_are_small_p_values(self, fitted) -> None:
        """`predict` and `p_value` say the same."""
        X = np.r_[normal_rows(50), normal_rows(50) + 20]
        p = fitted.p_value(X)

        assert (p > 0).all()
        assert (p <= 1).all()
        assert np.array_equal(p <= fitted.false_alarm_rate, fitted.predict(X) == -1)
        assert fitted.detect(X, fdr=0.2).dtype == bool

    @pytest.mark.parametrize("name", NAMES)
    def test_the_false_alarm_rate_is_kept(self, name) -> None:
        """On fresh normal rows the alarms stay near the promise: held-out rows are honest."""
        kept = []
        for seed in range(6):
            detector = quick(name, members=1, random_state=seed).fit(normal_rows(1000, 10 + seed))
            kept.append(np.mean(detector.predict(normal_rows(2000, 50 + seed)) == -1))

        assert np.mean(kept) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)

    def test_reasons_add_up_and_name_the_culprit(self, fitted) -> None:
        """A changed column is the strangest feature; for the ELBO, reasons and excess KL sum to the excess score."""
        X = normal_rows(50)
        X[:, 3] += 12
        excess = fitted.explain(X)

        assert excess.shape == X.shape
        assert np.mean(excess.argmax(1) == 3) > 0.8
        if fitted.scoring == "elbo":
            held = fitted.calibration_.scores.mean() - fitted.usual_.sum()
            total = excess.sum(1) + fitted.anomaly_score(X, "kl") - held
            np.testing.assert_allclose(total, fitted.anomaly_score(X) - fitted.calibration_.scores.mean(), rtol=1e-4)

    def test_a_score_that_does_not_exist_is_refused(self, fitted) -> None:
        """The sentence lists those that do."""
        with pytest.raises(ParameterError, match="has no score 'beauty'"):
            fitted.anomaly_score(normal_rows(2), "beauty")

    def test_more_draws_on_request(self) -> None:
        """A number after a dash sets the draws; without it, a score has its default number."""
        vae = quick("VAE").fit(normal_rows())
        X = normal_rows(5)

        assert np.array_equal(vae.anomaly_score(X, "elbo"), vae.anomaly_score(X, "elbo-4"))
        assert np.array_equal(vae.anomaly_score(X, "iwae"), vae.anomaly_score(X, "iwae-64"))
        assert not np.array_equal(vae.anomaly_score(X, "iwae"), vae.anomaly_score(X, "iwae-200"))


class TestInput:
    @pytest.mark.parametrize("name", NAMES)
    def test_any_table_gives_the_same_scores(self, name) -> None:
        """pandas, polars, pyarrow; columns in any order; and NumPy by position."""
        columns = [f"c{i}" for i in range(5)]
        frame = pd.DataFrame(normal_rows(), columns=columns)
        detector = quick(name, epochs=5).fit(frame)
        expected = detector.anomaly_score(frame)
        shuffled = frame[columns[::-1]]

        for same in (pl.from_pandas(frame), pa.Table.from_pandas(frame), shuffled):
            assert np.array_equal(expected, detector.anomaly_score(same))
        assert list(detector.feature_names_in_) == columns

    @pytest.mark.parametrize("name", NAMES)
    def test_mixed_tables_with_holes(self, name) -> None:
        """Real, binary and text columns with missing cells; unseen levels are legal and surprising."""
        rng = np.random.default_rng(0)
        frame = pd.DataFrame(
            {
                "amount": np.where(rng.random(400) < 0.1, np.nan, rng.lognormal(size=400)),
                "weekend": rng.random(400) < 0.3,
                "shop": rng.choice(["a", "b", None], 400),
                "fixed": 7,
            }
        )
        detector = quick(name, epochs=60).fit(frame)
        usual = frame.head(100).assign(shop="a")
        unseen, changed = usual.assign(shop="zzz"), usual.assign(fixed=8)

        assert (detector.anomaly_score(unseen) > detector.anomaly_score(usual)).mean() > 0.9
        assert (detector.anomaly_score(changed) > detector.anomaly_score(usual)).mean() > 0.9
        with pytest.raises(SchemaError, match="missing 'shop'"):
            detector.anomaly_score(frame.drop(columns="shop"))
        with pytest.raises(SchemaError, match="Not expected 'extra'"):
            detector.anomaly_score(frame.assign(extra=1))

    @pytest.mark.parametrize("name", NAMES)
    def test_pictures(self, name) -> None:
        """uint8 and [0, 1], with and without an axis of channels, grey and colour, are one thing."""
        rng = np.random.default_rng(0)
        grey = rng.integers(0, 255, (40, 9, 10), dtype=np.uint8)
        detector = quick(name, epochs=2, members=1).fit(grey)
        expected = detector.anomaly_score(grey)

        np.testing.assert_allclose(expected, detector.anomaly_score(grey / 255), rtol=1e-5)
        assert np.array_equal(expected, detector.anomaly_score(grey[..., None]))
        assert detector.explain(grey).shape == grey.shape
        assert detector.reconstruct(grey).shape == grey.shape
        color = quick(name, epochs=1, members=1).fit(rng.random((20, 8, 8, 3)))
        assert color.anomaly_score(rng.random((3, 8, 8, 3))).shape == (3,)
        with pytest.raises(DataError, match="Pictures of shape"):
            detector.anomaly_score(grey[:, :8])
        with pytest.raises(DataError, match="learned pictures, but X is a table"):
            detector.anomaly_score(normal_rows())

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("n", [2, 3, 20])
    def test_few_rows(self, name, n) -> None:
        """Fewer rows than a batch are enough to fit; too few to keep a rate means no alarm, not a false promise."""
        detector = quick(name, epochs=2).fit(normal_rows(n))

        assert np.isfinite(detector.anomaly_score(normal_rows(3))).all()
        assert (detector.predict(normal_rows(3) + 100) == 1).all()

    @pytest.mark.parametrize("name", NAMES)
    def test_impossible_rows_are_refused(self, name) -> None:
        """One row, no variation, an empty column, infinity."""
        X = normal_rows(30)
        empty, infinite = X.copy(), X.copy()
        empty[:, 2], infinite[4, 1] = np.nan, np.inf
        for bad, words in ((X[:1], "at least 2 rows"), (X * 0, "varies"), (empty, "'x2' is empty"), (infinite, "'x1'")):
            with pytest.raises(DataError, match=words):
                quick(name).fit(bad)

    @pytest.mark.parametrize("name", NAMES)
    def test_impossible_parameters_are_refused_in_fit(self, name) -> None:
        """Each with a sentence; building the object never complains."""
        impossible = {
            "latent": 0,
            "members": 0,
            "epochs": -1,
            "batch_size": 0,
            "lr": 0,
            "validation_fraction": 1.5,
            "false_alarm_rate": 0,
            "contamination": 2.0,
            "scoring": "beauty",
            "likelihood": "cauchy",
            "network": "resnet",
            "device": "abacus",
            "schema": {"x9": "real"},
            "nu": 1.0,
            "gamma": "wide",
            "rows": 0,
            "components": 0.5,
        }
        for parameter in impossible.keys() & quick(name).get_params().keys():
            value = impossible[parameter]
            with pytest.raises((ParameterError, SchemaError), match=parameter):
                quick(name, **{parameter: value}).fit(normal_rows(30))
        expected = DataError if hasattr(quick(name), "sources") else ParameterError
        with pytest.raises(expected, match="negatives"):
            quick(name).fit(normal_rows(30), negatives=normal_rows(5)[:, :3])


class TestAlarms:
    @pytest.mark.parametrize("name", NAMES)
    def test_contamination_keeps_its_meaning(self, name) -> None:
        """The given share of the training rows is alarmed, as in scikit-learn."""
        detector = quick(name, contamination=0.1, epochs=5).fit(normal_rows())

        assert (detector.predict(normal_rows()) == -1).sum() == 30

    @pytest.mark.parametrize("name", NAMES)
    def test_rules_set_the_alarm(self, name) -> None:
        """A rule of `oodles.calibration` in place of a share."""
        for rule in (MedianDeviation(2.0), Quantile(0.2)):
            detector = quick(name, contamination=rule, epochs=5).fit(normal_rows())
            assert detector.offset_ == -rule(detector.calibration_.scores)

    def test_calibration_can_be_refitted(self, fitted, tmp_path) -> None:
        """New normal rows move the alarm, not the weights."""
        fitted.save(tmp_path / "model")
        detector = load(tmp_path / "model").calibrate(normal_rows(500, 7))

        assert len(detector.calibration_.scores) == 500
        assert np.array_equal(detector.anomaly_score(normal_rows(9)), fitted.anomaly_score(normal_rows(9)))


class TestKeeping:
    def test_saved_and_loaded_it_says_the_same(self, fitted, tmp_path) -> None:
        """Scores, p-values, alarms, reasons: equal bits; the card says what the model is."""
        X = normal_rows(20, 9)
        fitted.save(tmp_path / "model")
        loaded = load(tmp_path / "model", device="cpu")

        codes = ("embed",) if isinstance(fitted.model_, Encodes) else ()
        for method in ("anomaly_score", "p_value", "predict", "explain", *codes):
            assert np.array_equal(getattr(fitted, method)(X), getattr(loaded, method)(X)), method
        assert type(fitted).__name__ in (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
        assert {**loaded.get_params(), "device": "auto"} == fitted.get_params()

    @pytest.mark.parametrize("name", NAMES)
    def test_rules_and_schemas_survive(self, name, tmp_path) -> None:
        """Parameters that are not plain numbers come back as they were."""
        detector = quick(name, contamination=MedianDeviation(4.0), schema={"x0": "real"}, epochs=2).fit(normal_rows())
        detector.save(tmp_path / "model")

        assert load(tmp_path / "model").contamination == MedianDeviation(4.0)
        assert load(tmp_path / "model").schema == {"x0": "real"}
        assert clone(load(tmp_path / "model")).get_params()["schema"] == {"x0": "real"}

    def test_a_model_that_generates_gives_rows_in_raw_units(self) -> None:
        """Samples have the data's middle and spread."""
        vae = quick("VAE", epochs=200).fit(normal_rows(2000))
        drawn = vae.sample(2000)

        assert drawn.shape == (2000, 5)
        np.testing.assert_allclose(drawn.mean(0), normal_rows(2000).mean(0), atol=0.4)
        np.testing.assert_allclose(drawn.std(0), normal_rows(2000).std(0), rtol=0.4)
