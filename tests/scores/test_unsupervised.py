"""Scores beyond the likelihood, against closed forms and what they promise."""

import math
import zlib

import numpy as np
import pytest
import torch
from scipy.stats import gaussian_kde

from oodles import scores
from oodles.detectors import VAE, NegativeSamplingVAE
from oodles.errors import ParameterError
from oodles.metrics import auroc
from oodles.scores import regret
from oodles.scores.complexity import adaptive

SMALL = {"members": 2, "epochs": 40, "hidden": (16,), "random_state": 0}


def rows(n=300, seed=0):
    """Five columns on a plane."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)) @ np.array([[1, 2, 0, -1, 1], [0, 1, 1, 1, -2.0]]) + 0.1 * rng.normal(size=(n, 5))


@pytest.fixture(scope="module")
def fitted():
    """A VAE with a background model."""
    return VAE(background=0.3, **SMALL).fit(rows())


def encoded(detector, X):
    """Rows as the model sees them."""
    x = torch.from_numpy(detector.encoder_.transform(X)).float()
    return x.expand(detector.model_.members, *x.shape)


class TestStatistics:
    def test_they_are_what_they_are_called(self, fitted):
        """Each against its own score or formula."""
        x = encoded(fitted, rows(9, 1))
        with torch.no_grad():
            found = scores.statistics(fitted.model_, x)
            mean, std = fitted.model_.posterior(x)
            expected = fitted.model_.likelihood.mean(fitted.model_.decoder(mean))
        assert found.shape == (2, 9, 6)
        torch.testing.assert_close(found[..., 0], scores.likelihood(fitted.model_, x))
        torch.testing.assert_close(found[..., 1], scores.kl(fitted.model_, x))
        torch.testing.assert_close(
            found[..., 2], scores.reconstruction_error(fitted.model_, x).log(), atol=1e-3, rtol=1e-3
        )
        torch.testing.assert_close(found[..., 3], expected.var(-1, correction=0).log(), atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(found[..., 4], scores.latent_norm(fitted.model_, x))
        torch.testing.assert_close(found[..., 5], std.square().log().sum(-1))

    def test_density_is_scipys_kernel_density(self, fitted):
        """A Gaussian kernel with Scott's width, up to a constant."""
        X = rows(20, 2)
        found = torch.from_numpy(fitted.member_scores(X, "density"))
        for member in range(2):
            usual = fitted.model_.reference.statistics[member].double().numpy()
            with torch.no_grad():
                numbers = scores.statistics(fitted.model_, encoded(fitted, X))[member].double().numpy()
            expected = -gaussian_kde(usual.T, "scott").logpdf(numbers.T)
            constant = found[member].numpy() - expected
            assert constant == pytest.approx(constant.mean(), abs=0.05)

    def test_too_easy_is_as_strange_as_too_hard(self, fitted):
        """A row in the middle of everything, which a likelihood likes best, is not the least strange one."""
        X = np.r_[rows(200, 3), np.repeat(rows(400).mean(0)[None], 1, axis=0)]
        assert fitted.anomaly_score(X, "likelihood")[-1] < np.median(fitted.anomaly_score(X, "likelihood"))
        assert fitted.anomaly_score(X, "density")[-1] > np.median(fitted.anomaly_score(X, "density"))

    def test_typicality_is_the_distance_from_the_usual_surprise(self, fitted):
        """|bound at the code - its mean over learned rows|."""
        X = rows(9, 4)
        bound = fitted.member_scores(X, "likelihood") + fitted.member_scores(X, "kl")
        usual = fitted.model_.reference.statistics[..., :2].sum(-1).mean(-1, keepdim=True).numpy()
        np.testing.assert_allclose(fitted.member_scores(X, "typicality"), np.abs(bound - usual), rtol=1e-3, atol=1e-3)

    def test_a_collapsed_model_still_has_a_density(self):
        """Constant statistics have no spread; the score is finite all the same."""
        detector = VAE(beta=1e4, **SMALL).fit(rows())
        assert np.isfinite(detector.anomaly_score(rows(20, 1), "density")).all()
        assert np.isfinite(VAE(**SMALL).fit(rows(3)).anomaly_score(rows(5, 1), "density")).all()


class TestEnsembles:
    def test_waic_is_mean_plus_variance(self, fitted):
        """Over the members; with one member it is the ELBO."""
        X = rows(9, 1)
        surprises = fitted.member_scores(X, "elbo")
        expected = surprises.mean(0) + surprises.var(0)
        np.testing.assert_allclose(fitted.anomaly_score(X, "waic"), expected, rtol=1e-4)
        single = VAE(**{**SMALL, "members": 1}).fit(rows())
        assert np.array_equal(single.anomaly_score(X, "waic"), single.anomaly_score(X, "elbo"))

    def test_the_ratio_is_a_difference_of_two_models(self, fitted):
        """The background model is a VAE of its own, and worse at clean rows."""
        x = encoded(fitted, rows(200, 1))
        with torch.no_grad():
            ours, background = (scores.elbo(model, x) for model in (fitted.model_, fitted.model_.background))
        found = fitted.member_scores(rows(200, 1), "likelihood_ratio")
        np.testing.assert_allclose(found, (ours - background).numpy(), rtol=1e-3, atol=1e-2)
        assert background.mean() > ours.mean()

    @pytest.mark.parametrize("kind", [VAE, NegativeSamplingVAE])
    def test_without_a_background_model_there_is_no_ratio(self, kind):
        """The sentence says how to get one."""
        with pytest.raises(ParameterError, match="fit with background"):
            kind(**SMALL).fit(rows()).anomaly_score(rows(3), "likelihood_ratio")

    @pytest.mark.parametrize("kind", [VAE, NegativeSamplingVAE])
    def test_a_background_model_is_saved_and_changes_nothing_else(self, kind, tmp_path):
        """Scores survive; the first player's start is the same with and without it."""
        from oodles import load

        detector = kind(background=0.2, **SMALL).fit(rows())
        detector.save(tmp_path / "model")
        again = load(tmp_path / "model")
        X = rows(9, 1)
        assert np.array_equal(again.anomaly_score(X, "likelihood_ratio"), detector.anomaly_score(X, "likelihood_ratio"))


class TestRegret:
    def test_it_is_never_negative_and_zero_at_an_optimum(self):
        """Where the posterior is exact already, nothing can be gained: probabilistic PCA."""
        from tests.scores.test_scores import BATCH, ppca

        torch.testing.assert_close(
            scores.likelihood_regret(ppca(points=1).double(), BATCH), torch.zeros_like(BATCH[..., 0]), atol=2.0, rtol=0
        )

    def test_what_the_encoder_misplaces_has_regret(self, fitted):
        """Strange rows gain more from a posterior of their own than usual ones."""
        usual = fitted.anomaly_score(rows(60, 1), "likelihood_regret")
        strange = fitted.anomaly_score(rows(60, 1)[:, ::-1].copy() * 2, "likelihood_regret")
        assert (usual >= 0).all()
        assert auroc(np.repeat([0, 1], 60), np.r_[usual, strange]) > 0.8

    def test_batches_equal_rows_alone(self, fitted):
        """Rows are optimized together and do not see each other."""
        X = rows(30, 5)
        whole = fitted.anomaly_score(X, "likelihood_regret")
        assert np.array_equal(whole[7:9], fitted.anomaly_score(X[7:9], "likelihood_regret"))

    def test_adam_is_torchs(self):
        """Five steps on a quadratic, beside torch.optim."""
        ours = torch.tensor([3.0, -2.0]).requires_grad_()
        theirs = torch.nn.Parameter(ours.detach().clone())
        optimizer = torch.optim.Adam([theirs], lr=regret.RATE)
        moments = torch.zeros(2), torch.zeros(2)
        for step in range(1, 6):
            (gradient,) = torch.autograd.grad((ours**2).sum(), ours)
            regret.adam(ours, gradient, *moments, step)
            theirs.grad = 2 * theirs.detach()
            optimizer.step()
        torch.testing.assert_close(ours.detach(), theirs.detach())


class TestComplexity:
    def test_a_code_is_decodable(self):
        """The lengths of all sequences satisfy Kraft's inequality with equality: the code is complete."""
        levels = 256
        pairs = torch.cartesian_prod(torch.arange(levels), torch.arange(levels))
        assert (2.0 ** -adaptive(pairs).double()).sum().item() == pytest.approx(1, abs=1e-3)

    def test_flat_pictures_are_short_and_noise_is_long(self):
        """A constant picture costs next to nothing, noise 8 bits a pixel, and a real picture about what PNG says."""
        rng = np.random.default_rng(0)
        noise = rng.integers(0, 256, (1, 1, 28, 28))
        ramp = np.tile(np.arange(28) * 9, (28, 1))[None, None]
        flat, hill, wild = (scores.code_length(torch.from_numpy(p)).item() for p in (noise * 0 + 7, ramp, noise))
        assert flat < 60 < hill < 300
        assert wild == pytest.approx(8 * 784, rel=0.25)
        assert hill < 8 * len(zlib.compress(ramp.astype(np.uint8).tobytes()))

    def test_it_is_bits_minus_bits(self):
        """Of the same picture, per cell."""
        X = np.random.default_rng(0).integers(0, 255, (20, 8, 8), dtype=np.uint8)
        detector = VAE(members=2, epochs=1, random_state=0).fit(X)
        length = scores.code_length(torch.from_numpy(X[:, None].astype(np.int64))).numpy() / 64
        expected = detector.anomaly_score(X, "bits_per_dim") - length
        np.testing.assert_allclose(detector.anomaly_score(X, "input_complexity"), expected, rtol=1e-3, atol=1e-3)
        assert math.isfinite(expected.sum())

    def test_tables_have_none(self, fitted):
        """The sentence says that it is for pictures."""
        with pytest.raises(ParameterError, match="input_complexity is for pictures"):
            fitted.anomaly_score(rows(3), "input_complexity")
