"""Scores against exact mathematics: a linear-Gaussian VAE, whose likelihood and posterior are known."""

import inspect
import math
from functools import cache

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm
from torch import nn

from oodles import scores
from oodles.detectors import NAMES, VAE, AutoEncoder, VAEModel
from oodles.errors import ParameterError
from oodles.layout import Column, Layout
from oodles.likelihoods import Gaussian
from oodles.nn import Dense, Draws, Linear, Observed, initialize

D, L, ROWS = 5, 2, 7
RNG = np.random.default_rng(0)
ROTATION = np.linalg.qr(RNG.normal(size=(D, D)))[0]
W = ROTATION[:, :L] * [2.0, 0.7]  # orthogonal columns: the exact posterior has independent codes
MIDDLE = RNG.normal(size=D)
X = RNG.normal(size=(ROWS, D)) * 2
EXACT = multivariate_normal.logpdf(X, MIDDLE, W @ W.T + np.eye(D))
BATCH = torch.from_numpy(X)[None]


def layout(width=D):
    """Real columns."""
    return Layout(tuple(Column(f"x{i}", "real") for i in range(width)))


def linear(weight, bias):
    """A layer of one member with given numbers."""
    layer = Linear(*weight.shape, 1).double()
    with torch.no_grad():
        layer.weight[:, : layer.inputs, : layer.outputs] = torch.from_numpy(weight)
        layer.bias[..., : layer.outputs] = torch.from_numpy(bias)
    return layer


def ppca(points=32, *, shift=0.0, stretch=1.0):
    """Probabilistic PCA as a VAE: x = W z + b + ε. The posterior is exact but for a shift and a stretch of its σ."""
    variance = 1 / (1 + (W**2).sum(0))
    encode = np.concatenate([W * variance, np.zeros((D, L))], 1)
    start = np.concatenate([shift - MIDDLE @ W * variance, np.log(stretch * variance**0.5)])
    networks = linear(encode, start), linear(W.T, MIDDLE)
    return VAEModel(Gaussian(layout(), 1, "fixed").double(), networks, latent=L, points=points).double()


def curved(points=32, latent=3):
    """A VAE with a bent decoder and an arbitrary posterior, in float64."""
    networks = Dense(D, 2 * latent, (6,), 1), Dense(latent, D, (6,), 1)
    likelihood = Gaussian(layout(), 1, "column")
    model = VAEModel(likelihood, networks, latent=latent, points=points)
    initialize(model, Draws([3]))
    for parameter in model.parameters():
        parameter.data *= 2
    return model.double()


def posterior(latent=L, std=1.0):
    """The prior for every row, or a wider one: what `model.posterior` may be replaced by."""
    return lambda x: (x.new_zeros(*x.shape[:2], latent), x.new_full((*x.shape[:2], latent), std))


def numpy(tensor):
    """The first member's numbers."""
    return tensor[0].detach().numpy()


class TestTheLinearGaussianModel:
    @pytest.mark.parametrize("k", [1, 2, 64])
    def test_iwae_is_the_exact_log_likelihood_when_the_posterior_is_exact(self, k):
        """Every importance weight is p(x), so that one draw is as good as many."""
        assert numpy(scores.iwae(ppca(), BATCH, draws=k)) == pytest.approx(-EXACT, abs=1e-9)

    def test_elbo_is_the_exact_log_likelihood_when_the_posterior_is_exact(self):
        """The bound is tight; only the average over draws is inexact."""
        assert numpy(scores.elbo(ppca(), BATCH, draws=1024)) == pytest.approx(-EXACT, abs=5e-3)

    @pytest.mark.parametrize(("shift", "stretch"), [(0.4, 1.0), (0.0, 0.8), (-0.3, 1.5)])
    def test_with_a_wrong_posterior_the_elbo_falls_short_by_a_known_gap(self, shift, stretch):
        """The gap is KL(q ‖ exact posterior), and IWAE closes it with many draws."""
        model = ppca(shift=shift, stretch=stretch)
        variance = 1 / (1 + (W**2).sum(0))
        gap = 0.5 * (stretch**2 + shift**2 / variance - 1 - 2 * math.log(stretch)).sum()
        elbo = -numpy(scores.elbo(model, BATCH, draws=1024))
        assert elbo == pytest.approx(EXACT - gap, abs=0.01)
        many = -numpy(scores.iwae(model, BATCH, draws=1024))
        assert many == pytest.approx(EXACT, abs=0.03)

    def test_elbo_is_below_iwae_which_grows_with_k_and_stays_below_log_p(self):
        """The same 1350 random points in groups of 1, 3, 9, 27: ELBO = IWAE_1 < IWAE_3 < IWAE_9 < IWAE_27 < log p."""
        model, bounds = ppca(shift=0.4, stretch=1.3), []
        elbo = -scores.elbo(model, BATCH, draws=1024).mean().item()
        points = torch.randn(1350, L, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        for k in (1, 3, 9, 27):
            every = []
            for group in points.split(k):
                model.points = group
                every.append(-scores.iwae(model, BATCH, draws=k).mean().item())
            bounds.append(np.mean(every))
        assert bounds[0] == pytest.approx(elbo, abs=0.1)
        assert [*bounds, EXACT.mean()] == sorted([*bounds, EXACT.mean()])
        assert bounds[-1] - elbo > 0.8 * (EXACT.mean() - elbo)

    def test_missing_cells_are_integrated_out(self):
        """With cells unobserved, p(x | z) is that of the others: IWAE finds the marginal likelihood."""
        holed = BATCH.clone()
        holed[..., 1:3] = torch.nan
        model, seen = ppca(), [0, 3, 4]
        model.posterior = posterior(std=1.5)
        covariance = (W @ W.T + np.eye(D))[np.ix_(seen, seen)]
        marginal = multivariate_normal.logpdf(X[:, seen], MIDDLE[seen], covariance)
        assert numpy(scores.iwae(model, holed, draws=2048)) == pytest.approx(-marginal, abs=0.05)


class TestFormulas:
    def direct(self, model, draws):
        """log p(x | z_l) for each draw, (draws, ROWS), by scipy."""
        mean, std = (numpy(t) for t in model.posterior(BATCH))
        log_std = -4 + np.log1p(np.exp(model.likelihood.log_std[0, 0].detach().numpy() + 4))
        every = []
        for point in scores.normal_points(draws, mean.shape[1]).double().numpy():
            decoded = numpy(model.decoder(torch.from_numpy(mean + std * point)[None]))
            every.append(norm.logpdf(X, decoded, np.exp(log_std)).sum(1))
        return np.array(every)

    @pytest.mark.parametrize("draws", [1, 8, 50])
    def test_reconstruction_probability_is_the_log_of_the_mean_probability(self, draws):
        """An & Cho's score in log space, with few draws and with more than are stored; and its mean-log twin."""
        model = curved()
        direct = self.direct(model, draws)
        assert numpy(scores.reconstruction_probability(model, BATCH, draws)) == pytest.approx(
            math.log(draws) - logsumexp(direct, 0), abs=1e-9
        )
        assert numpy(scores.mean_log_probability(model, BATCH, draws)) == pytest.approx(-direct.mean(0), abs=1e-9)

    def test_reconstruction_probability_survives_where_probabilities_underflow(self):
        """A row 10⁴ away has p(x | z) = 0 in every float, and a finite score that tells it from one 2·10⁴ away."""
        far = torch.full((1, 2, D), 1e4).double()
        far[:, 1] *= 2
        near, further = numpy(scores.reconstruction_probability(ppca(), far))
        assert 1e7 < near < further < np.inf

    def test_kl_is_its_monte_carlo_mean(self):
        """KL(q ‖ N(0, I)) against the average of log q - log p over 200 000 draws; and 0 for the prior itself."""
        model = curved()
        mean, std = (numpy(t) for t in model.posterior(BATCH))
        z = mean + std * np.random.default_rng(1).normal(size=(200_000, *mean.shape))
        ratio = (norm.logpdf(z, mean, std) - norm.logpdf(z)).sum(-1)
        error = ratio.std(0) / 200_000**0.5
        assert (abs(numpy(scores.kl(model, BATCH)) - ratio.mean(0)) < 4 * error).all()
        model.posterior = posterior(3)
        assert (scores.kl(model, BATCH) == 0).all()

    def test_elbo_and_bits_per_dim_are_one_number_in_two_units(self):
        """The ELBO is KL plus the mean-log probability; bits/dim divide by ln 2 and the observed cells."""
        model, holed = ppca(), BATCH.clone()
        holed[:, 0, :2] = torch.nan
        model.posterior = posterior()
        nats = scores.kl(model, holed) + scores.mean_log_probability(model, holed)
        torch.testing.assert_close(scores.elbo(model, holed), nats)
        cells = torch.full((1, ROWS), float(D)).double()
        cells[0, 0] = D - 2
        torch.testing.assert_close(scores.bits_per_dim(model, holed), nats / cells / math.log(2))

    @pytest.mark.parametrize("beta", [1.0, 0.0, 3.0])
    def test_a_vae_descends_the_negative_elbo(self, beta):
        """The loss's mean over 4000 draws is β KL minus the mean-log probability, to 4 standard errors."""
        model = curved()
        model.beta, model.draws = beta, Draws([0])
        with torch.no_grad():
            losses = model.loss(BATCH[:, :1].expand(1, 4000, D))[0]
            expected = beta * scores.kl(model, BATCH) + scores.mean_log_probability(model, BATCH, draws=1024)
        assert (losses.mean() - expected[0, 0]).abs() < 4 * losses.std() / 4000**0.5

    def test_errors_and_norms_by_hand(self):
        """Squared error over observed cells, -log p at the code, and the code's length."""
        model = ppca()
        code = (X - MIDDLE) @ W / (1 + (W**2).sum(0))
        expected = code @ W.T + MIDDLE
        assert numpy(scores.reconstruction_error(model, BATCH)) == pytest.approx(((X - expected) ** 2).mean(1))
        assert numpy(scores.likelihood(model, BATCH)) == pytest.approx(-norm.logpdf(X, expected).sum(1))
        assert numpy(scores.latent_norm(model, BATCH)) == pytest.approx(np.linalg.norm(code, axis=1))
        holed = BATCH.clone()
        holed[:, 0] = torch.nan
        model.encoder = nn.Sequential(Observed(layout()), model.encoder)
        error = numpy(scores.reconstruction_error(model, holed))
        assert error[0] == 0
        assert error[1:] == pytest.approx(((X - expected) ** 2).mean(1)[1:])

    def test_surprise_adds_up_to_the_mean_log_probability(self):
        """Per feature, it is a decomposition of the score: with a posterior over draws, without at the code."""
        model = curved()
        torch.testing.assert_close(scores.surprise(model, BATCH).sum(-1), scores.mean_log_probability(model, BATCH))
        plain = AutoEncoder.model_class(
            model.likelihood, (Dense(D, 2, (4,), 1).double(), Dense(2, D, (4,), 1).double())
        )
        initialize(plain, Draws([0]))
        torch.testing.assert_close(scores.surprise(plain, BATCH).sum(-1), scores.likelihood(plain, BATCH))


class TestPoints:
    @pytest.mark.parametrize("dimension", [1, 8, 100])
    def test_a_longer_list_starts_with_the_shorter(self, dimension):
        """So that more draws refine a score instead of replacing it."""
        longest = scores.normal_points(100, dimension)
        for count in (1, 2, 3, 32, 64):
            assert torch.equal(scores.normal_points(count, dimension), longest[:count])
        assert longest.isfinite().all()

    def test_many_points_have_the_moments_of_a_normal(self):
        """Mean 0, covariance I, kurtosis 3; and the global generator is left alone."""
        before = torch.get_rng_state()
        points = scores.normal_points(4096, 4).double()
        assert torch.equal(before, torch.get_rng_state())
        torch.testing.assert_close(points.mean(0), torch.zeros(4).double(), atol=2e-3, rtol=0)
        torch.testing.assert_close(points.T.cov(), torch.eye(4).double(), atol=1e-2, rtol=0)
        torch.testing.assert_close(points.pow(4).mean(0), torch.full((4,), 3.0).double(), atol=0.1, rtol=0)

    @pytest.mark.parametrize(
        ("score", "reduced"),
        [
            (scores.mean_log_probability, lambda log_p: -log_p.mean(-1)),
            (scores.reconstruction_probability, lambda log_p: math.log(log_p.shape[-1]) - log_p.logsumexp(-1)),
        ],
    )
    def test_32_points_beat_32_random_draws(self, score, reduced):
        """Root mean square error against 20 000 random draws, over rows and over 100 sets of random draws."""
        model, rows, stream = curved(points=1, latent=8), BATCH / 4, torch.Generator().manual_seed(0)
        mean, std = (moment[0, :, None] for moment in model.posterior(rows))
        z = mean + std * torch.randn(ROWS, 20_000, 8, generator=stream, dtype=torch.float64)
        log_p = [
            model.likelihood.log_prob(row.expand(1, 20_000, D), model.decoder(codes[None]))
            for row, codes in zip(rows[0], z, strict=True)
        ]
        reference = reduced(torch.stack(log_p, 1))

        def error(points):
            model.points = points.double()
            return (score(model, rows, 32) - reference).square().mean().sqrt().item()

        random = [error(torch.randn(32, 8, generator=stream)) for _ in range(100)]
        assert error(scores.normal_points(32, 8)) < 0.6 * np.median(random)


@cache
def fitted(what):
    """A small fitted VAE, and more rows than one chunk holds."""
    rng = np.random.default_rng(0)
    if what == "pictures":
        rows = rng.integers(0, 256, (70, 7, 6), dtype=np.uint8)
        return VAE(latent=3, epochs=1, random_state=0).fit(rows[:40]), rows
    rows = rng.normal(size=(600, 7)) @ rng.normal(size=(7, 7))
    rows[:, 3] = rows[:, 3] > 0
    rows[rng.random(rows.shape) < 0.1] = np.nan
    return VAE(members=3, hidden=(24, 11), latent=3, epochs=2, random_state=0).fit(rows[:90]), rows


ELSEWHERE = {"input_complexity", "likelihood_ratio"}  # for pictures, and with a background model
KINDS = [("table", kind) for kind in VAEModel.scores if kind not in ELSEWHERE]
KINDS += [("table", kind) for kind in ("iwae-5", "reconstruction_probability-40")]
KINDS += [("table", "reconstruction_probability-100-random")]
KINDS += [
    ("pictures", kind) for kind in ("elbo", "iwae-5", "latent_norm", "density", "input_complexity", "likelihood_regret")
]


class TestDetectors:
    @pytest.mark.parametrize(("what", "kind"), KINDS)
    def test_a_score_depends_on_its_row_alone(self, what, kind):
        """Bit for bit: alone, in any batch, in any order, and the second time."""
        detector, rows = fitted(what)
        together = detector.anomaly_score(rows, kind)
        order = np.random.default_rng(1).permutation(len(rows))
        assert np.isfinite(together).all()
        assert np.array_equal(together, detector.anomaly_score(rows, kind))
        assert np.array_equal(together[order], detector.anomaly_score(rows[order], kind))
        for some in (slice(0, 1), slice(5, 8), slice(len(rows) - 90, None)):
            assert np.array_equal(together[some], detector.anomaly_score(rows[some], kind))

    def test_an_unknown_score_is_refused(self):
        """A sentence lists what there is; a score without draws takes no number."""
        detector, rows = fitted("table")
        for kind in ("energy", "kl-5", "iwae-0", "iwae-many", "iwae-", "iwae-5-random", "elbo-3-6"):
            with pytest.raises(ParameterError, match="has no score"):
                detector.anomaly_score(rows[:2], kind)


@pytest.mark.parametrize("detector", NAMES.values())
def test_every_score_is_documented_with_its_unit(detector):
    """`oodles.scores.UNITS` lists each kind with its unit, and each function says what it is."""
    assert detector().scoring in detector.model_class.scores
    assert set(detector.model_class.scores) <= set(scores.UNITS) <= set(scores.__all__)
    for name, score in detector.model_class.scores.items():
        assert score.__name__ == name
        assert scores.UNITS[name].split()[0].strip(":") in ("nats", "bits", "squared", "encoded", "prior")
        assert inspect.getdoc(score)


def test_independent_points_approach_what_even_ones_say():
    """20,000 random draws and 4,096 points of a Sobol sequence agree; 100 and 32 do so less well, about equally."""
    model = curved()
    exact = scores.reconstruction_probability(model, BATCH, 4096)
    many = scores.reconstruction_probability(model, BATCH, 20_000, random=True)
    assert (many - exact).abs().max() < 0.1 * exact.std()
    errors = [
        (scores.reconstruction_probability(model, BATCH, draws, random=random) - exact).square().mean()
        for draws, random in ((32, False), (100, True))
    ]
    assert errors[0] < 2 * errors[1]
