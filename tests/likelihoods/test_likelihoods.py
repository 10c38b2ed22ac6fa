"""The mathematics of observation models: probabilities add up, missing cells are silent, units are accounted for."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import norm

from oodles import likelihoods
from oodles.detectors import VAEModel
from oodles.encoding import PictureEncoder, TableEncoder
from oodles.errors import ParameterError
from oodles.layout import Column, Layout
from oodles.likelihoods import Bernoulli, Categorical, DiscretizedGaussian, Gaussian
from oodles.nn import Draws, Linear
from oodles.scores import bits_per_dim

M = 2
DENSITIES = ["gaussian", "gaussian-global", "gaussian-column", "gaussian-row", "student"]
TABLE = Layout(
    (
        Column("weight", "real", center=3.0, scale=2.0, tail=5.0),
        Column("height", "real", scale=0.5, tail=5.0),
        Column("smokes", "binary", levels=("0", "1"), unseen=0.01),
        Column("city", "category", 3, levels=("a", "b", "c"), unseen=0.02),
        Column("constant", "category", 1, levels=("0",), unseen=0.03),
    )
)
PICTURE = Layout((Column("pixels", "pixel", 4, scale=255.0),), (1, 2, 2))
DENSE = [(TABLE.only("real"), name) for name in DENSITIES] + [
    (PICTURE, name) for name in (*DENSITIES, "gaussian-dequantized")
]
EVERY = [(TABLE, name) for name in ("bernoulli", *DENSITIES)] + [(PICTURE, name) for name in likelihoods.NAMES]


def made(layout, name, members=M, seed=0):
    """A likelihood in float64 with learned parameters that are no round numbers."""
    likelihood = likelihoods.from_layout(layout, name, members).double()
    draws = Draws(range(seed, seed + members))
    with torch.no_grad():
        for parameter in likelihood.parameters():
            parameter.add_(0.5 * draws.normal(*parameter.shape[1:]))
    return likelihood


def decoded(likelihood, rows, seed=7, members=M):
    """What a decoder might say."""
    return Draws(range(seed, seed + members)).normal(rows, likelihood.parameters_per_row).double().requires_grad_()


def rows_of(layout, name, rows=6):
    """Rows that the layout allows: one-hot, binary with an unseen value, levels of 256."""
    if layout is PICTURE:
        return (torch.arange(rows * 4).reshape(1, rows, 4) * 11 % 256 / 255).double().expand(M, -1, -1)
    x = torch.zeros(rows, layout.width, dtype=torch.float64)
    x[:, :2] = torch.linspace(0, 1, 2 * rows).reshape(rows, 2) * (1 if name == "bernoulli" else 20)
    x[:, 2] = torch.tensor([0.0, 1.0, -1.0]).repeat(rows)[:rows]
    x[range(rows - 1), [3 + row % 3 for row in range(rows - 1)]] = 1  # the last city was never seen
    x[:-1, 6] = 1
    return x.expand(M, -1, -1)


class TestProbabilitiesAddUp:
    @pytest.mark.parametrize(("layout", "name"), DENSE)
    def test_densities_integrate_to_one(self, layout, name):
        """Every column's density integrates to 1; the dequantized one is a mean of logs and loses e^(-1/(24·255²))."""
        likelihood, x = made(layout, name), torch.linspace(-2000, 2000, 200_001, dtype=torch.float64)
        p = decoded(likelihood, 1).expand(M, len(x), -1)
        density = likelihood.per_feature(x[:, None].expand(M, len(x), layout.width), p).exp()
        mass = math.exp(-1 / (24 * 255**2)) if name == "gaussian-dequantized" else 1.0
        assert torch.trapezoid(density, x, dim=1).detach().numpy() == pytest.approx(mass, abs=1e-8)

    @pytest.mark.parametrize("unseen", [0.0, 1e-6, 0.25])
    def test_bernoulli_sums_to_one(self, unseen):
        """p(0) + p(1) = 1, or with the value never seen, p(0) + p(1) + p(unseen) = 1 and p(unseen) = u."""
        layout = Layout((Column("a", "binary", unseen=unseen), Column("b", "binary", unseen=unseen / 2)))
        likelihood = Bernoulli(layout, M).double()
        values = [-1.0, 0.0, 1.0] if unseen else [0.0, 1.0]
        x = torch.tensor(values).double()[:, None].expand(M, -1, 2)
        p = 5 * decoded(likelihood, 1).expand(M, len(values), -1)
        probability = likelihood.per_feature(x, p).exp().detach()
        assert probability.sum(1).numpy() == pytest.approx(1.0, abs=1e-7)
        if unseen:
            assert probability[:, 0].numpy() == pytest.approx(np.array([[unseen, unseen / 2]] * M), rel=1e-5)

    @pytest.mark.parametrize("unseen", [0.0, 0.02])
    def test_categorical_sums_to_one_with_the_unseen_value(self, unseen):
        """Over the levels of a column and the row of zeros, probabilities add up to 1, however ragged the widths."""
        widths = (3, 1, 5)
        layout = Layout(tuple(Column(str(w), "category", w, unseen=unseen) for w in widths))
        likelihood = Categorical(layout, M).double()
        p = 3 * decoded(likelihood, 1).expand(M, 6, -1)
        for feature, where in enumerate(layout.slices):
            x = torch.zeros(6, 9, dtype=torch.float64)
            x[: widths[feature], where] = torch.eye(widths[feature]).double()
            probability = likelihood.per_feature(x.expand(M, -1, -1), p).exp()[:, : widths[feature] + 1, feature]
            assert probability.sum(1).detach().numpy() == pytest.approx(1.0, abs=1e-7)
            assert probability[:, -1].detach().numpy() == pytest.approx(unseen, abs=1e-7)

    @pytest.mark.parametrize("log_std", [-20.0, -4.0, -2.0, 0.0, 3.0, 8.0])
    def test_the_discretized_gaussian_sums_to_one_over_256_levels(self, log_std):
        """For means from far left to far right and any σ; in float32 as well, if less exactly."""
        for dtype, tolerance in ((torch.float64, 1e-9), (torch.float32, 2e-3)):
            likelihood = DiscretizedGaussian(PICTURE, 1).to(dtype)
            torch.nn.init.constant_(likelihood.log_std, log_std)
            for logit in (-1e4, -20.0, -6.0, -1.0, 0.0, 0.01, 3.0, 9.0, 1e4):
                x = (torch.arange(256).to(dtype) / 255)[:, None].expand(1, 256, 4)
                mass = likelihood.per_feature(x, torch.full_like(x, logit)).exp().sum(1)
                assert mass.detach().numpy() == pytest.approx(1.0, abs=tolerance), (dtype, logit)

    def test_the_discretized_gaussian_is_a_difference_of_two_phis(self):
        """Level k has Φ((k + ½)/255) - Φ((k - ½)/255), and the outermost levels take the tails."""
        likelihood = made(PICTURE, "gaussian-discretized", members=1)
        mean, std = 0.3, likelihoods.gaussian.floored(likelihood.log_std).exp().item()
        edges = (np.arange(257) - 0.5) / 255
        edges[[0, -1]] = -np.inf, np.inf
        x = (torch.arange(256).double() / 255)[:, None].expand(1, 256, 4)
        log_p = likelihood.per_feature(x, torch.full_like(x, math.log(mean / (1 - mean))))[0, :, 0].detach().numpy()
        assert np.exp(log_p) == pytest.approx(np.diff(norm.cdf(edges, mean, std)), rel=1e-9)

    def test_the_dequantized_gaussian_is_the_mean_over_uniform_noise(self):
        """The closed form equals the average of log N(x + u/255; μ, 1) over u in [0, 1)."""
        likelihood = made(PICTURE, "gaussian-dequantized", members=1)
        x, p = torch.full((1, 1, 4), 100 / 255).double(), torch.full((1, 1, 4), 2.0).double()
        noise = (torch.arange(10_000).double()[:, None] + 0.5) / 10_000
        direct = norm.logpdf(x[0] + noise / 255, p[0].sigmoid(), 1.0).mean(axis=0)
        assert likelihood.per_feature(x, p)[0, 0].numpy() == pytest.approx(direct, abs=1e-11)


@pytest.mark.parametrize(("layout", "name"), EVERY, ids=lambda v: v if isinstance(v, str) else v.columns[0].name)
class TestEveryLikelihood:
    def test_features_add_up_to_the_row(self, layout, name):
        """The row's log p(x) is the sum of `per_feature`, one number for each feature."""
        likelihood, x = made(layout, name), rows_of(layout, name)
        p = decoded(likelihood, 6)
        assert likelihood.per_feature(x, p).shape == (M, 6, layout.features)
        torch.testing.assert_close(likelihood.log_prob(x, p), likelihood.per_feature(x, p).sum(-1))

    def test_missing_cells_contribute_exactly_zero_and_no_gradient_is_nan(self, layout, name):
        """What is observed keeps its log p, what is missing gives 0, and the gradient of the row is finite."""
        likelihood, x = made(layout, name), rows_of(layout, name)
        p, holed = decoded(likelihood, 6), x.clone()
        for where in [*layout.slices][::2] if layout is TABLE else [slice(0, 3)]:
            holed[:, ::2, where] = torch.nan
        holed[:, 5] = torch.nan
        missing = likelihood.missing(holed)
        assert missing[:, 5].all()
        assert not missing[:, 1].any()
        per_feature = likelihood.per_feature(holed, p)
        assert (per_feature[missing] == 0).all()
        assert torch.equal(per_feature[~missing], likelihood.per_feature(x, p)[~missing])
        (per_feature.sum() + likelihood.log_units(holed).sum()).backward()
        assert all(tensor.grad.isfinite().all() for tensor in (p, *likelihood.parameters()))
        assert (p.grad[:, 5] == 0).all()
        assert (likelihood.log_units(holed)[missing] == 0).all()

    def test_every_learned_number_gets_a_gradient(self, layout, name):
        """The decoder's numbers and the likelihood's own all move log p, by the numerical derivative."""
        likelihood, x = made(layout, name), rows_of(layout, name)
        p = decoded(likelihood, 6)
        assert torch.autograd.gradcheck(lambda p, *_: likelihood.log_prob(x, p), (p, *likelihood.parameters()))
        likelihood.log_prob(x, p).sum().backward()
        freedom = p.grad[..., :-1] if layout is TABLE else p.grad  # the last column has one level: it has none
        for gradient in (freedom, *(parameter.grad for parameter in likelihood.parameters())):
            assert (gradient != 0).any(dim=1).all()

    @pytest.mark.parametrize("far", [1e4, -1e4])
    def test_nothing_overflows_far_out(self, layout, name, far):
        """In float32, absurd decoder outputs, and absurd real values, still give finite numbers and gradients."""
        likelihood, x = made(layout, name).float(), rows_of(layout, name).float().clone()
        p = torch.full((M, 6, likelihood.parameters_per_row), far, requires_grad=True)
        if layout is TABLE and name != "bernoulli":
            x[..., :2] = -far
        log_p = likelihood.log_prob(x, p)
        log_p.sum().backward()
        assert log_p.isfinite().all()
        assert p.grad.isfinite().all()

    def test_samples_have_the_mean_that_is_promised(self, layout, name):
        """The average of 20 000 drawn rows is `mean`, within five standard errors; each member has its stream."""
        likelihood = made(layout, name)
        p = decoded(likelihood, 1).expand(M, 20_000, -1).detach()
        rows = likelihood.sample(p, Draws([1, 2]))
        expected = likelihood.mean(p)[:, 0]
        if name == "gaussian-discretized":  # its mean is that of the levels, after the cut at 0 and 255
            levels = (torch.arange(256).double() / 255)[:, None].expand(M, 256, 4)
            expected = (likelihood.per_feature(levels, p[:, :256]).exp() * levels).sum(1)
        tolerance = 5 * rows.std(1) / math.sqrt(20_000) + 1e-9
        assert ((rows.mean(1) - expected).abs() <= tolerance).all()
        alone = made(layout, name, members=1, seed=1)
        with torch.no_grad():
            for own, stacked in zip(alone.parameters(), likelihood.parameters(), strict=True):
                own.copy_(stacked[1:])
        assert torch.equal(alone.sample(p[1:], Draws([2])), rows[1:])


@pytest.mark.parametrize("name", DENSITIES)
def test_samples_have_the_spread_that_is_promised(name):
    """Their variance is that of the density with which they would be scored."""
    likelihood, x = made(TABLE.only("real"), name), torch.linspace(-100, 100, 20_001).double()
    p, grid = decoded(likelihood, 1).detach(), x[:, None].expand(M, len(x), 2)
    density = likelihood.per_feature(grid, p.expand(M, len(x), -1)).exp()
    variance = torch.trapezoid(density * (grid - likelihood.mean(p)).square(), x, dim=1)
    rows = likelihood.sample(p.expand(M, 20_000, -1), Draws([1, 2]))
    torch.testing.assert_close(rows.var(1), variance, rtol=0.06, atol=0)


def test_sigma_stays_between_its_floor_and_its_ceiling():
    """Whatever a decoder says, log σ lies in [-4.001, 3]; a learned σ obeys the same floor."""
    likelihood = Gaussian(TABLE.only("real"), 1, spread="row").double()
    said = torch.linspace(-50, 50, 101).double()
    log_std = likelihood.moments(torch.cat([said, said]).reshape(1, 2, 101).mT.repeat(1, 1, 2))[1]
    assert ((log_std > -4.001) & (log_std <= 3)).all()
    torch.testing.assert_close(likelihoods.gaussian.floored(said), said.clamp_min(-4), atol=0.7, rtol=0)


def test_a_mixed_likelihood_is_its_parts_side_by_side():
    """Densities, means, units and samples of a mixed row are those of its kinds of columns."""
    mixed, x = made(TABLE, "gaussian-row"), rows_of(TABLE, "gaussian-row")
    p = decoded(mixed, 6)
    shares, numbers = x.split([2, 1, 4], -1), p.split([4, 1, 4], -1)
    parts = [part.per_feature(*row) for part, *row in zip(mixed.parts, shares, numbers, strict=True)]
    assert torch.equal(mixed.per_feature(x, p), torch.cat(parts, -1))
    means = [part.mean(n) for part, n in zip(mixed.parts, numbers, strict=True)]
    assert torch.equal(mixed.mean(p), torch.cat(means, -1))
    draws = Draws([3, 4])
    samples = torch.cat([part.sample(n, draws) for part, n in zip(mixed.parts, numbers, strict=True)], -1)
    assert torch.equal(mixed.sample(p, Draws([3, 4])), samples)
    assert torch.equal(mixed.log_units(x)[..., :2], mixed.parts[0].log_units(shares[0]))
    assert (mixed.log_units(x)[..., 2:] == 0).all()


def scaled(encoder, raw):
    """Raw numbers of the only column in encoded units, in full precision."""
    encoded = np.empty((len(raw), 1))
    encoder.scale(raw[:, None], encoded)
    return encoded[:, 0]


class TestUnits:
    raw = np.concatenate([np.random.default_rng(0).normal(50, 4, 60), [400.0, -90.0]])[:, None]

    def test_log_units_is_the_derivative_of_the_encoding(self):
        """It is log |dx/draw|, by central differences of the encoder itself, inside the tail and far beyond."""
        encoder = TableEncoder.fit(self.raw)
        column = encoder.layout.columns[0]
        u = np.array([0.0, 0.3, -2.0, 4.9, -5.1, 6.0, -80.0, 1e3, 1e9])
        raw, step = column.center + column.scale * u, 1e-6 * column.scale * np.maximum(abs(u), 1)
        slope = (scaled(encoder, raw + step) - scaled(encoder, raw - step)) / (2 * step)
        likelihood = likelihoods.from_layout(encoder.layout, "gaussian", 1)
        encoded = torch.from_numpy(encoder.transform(raw[:, None]))[None]
        assert likelihood.log_units(encoded)[0, :, 0].numpy() == pytest.approx(np.log(slope), abs=1e-5)

    def test_a_density_per_raw_unit_integrates_to_one(self):
        """Change of variables: with `log_units`, the mass over raw numbers is 1, tails included."""
        encoder = TableEncoder.fit(self.raw)
        likelihood = made(encoder.layout, "gaussian-column", members=1)
        raw = encoder.decode(np.linspace(-12, 20, 100_001)[:, None])["x0"].to_numpy()
        x = torch.from_numpy(scaled(encoder, raw))[None, :, None]
        log_p = likelihood.per_feature(x, torch.full_like(x, 4.0)) + likelihood.log_units(x)
        assert np.trapezoid(log_p.exp().detach().numpy()[0, :, 0], raw) == pytest.approx(1, abs=1e-5)

    def bits(self, raw, center, scale, mean, std):
        """Bits/dim of raw rows under N(mean, std²) in raw units, encoded with any center and scale."""
        likelihood = Gaussian(Layout((Column("x", "real", center=center, scale=scale),)), 1, spread="column").double()
        torch.nn.init.constant_(likelihood.log_std, -4 + math.log(math.expm1(math.log(std / scale) + 4)))
        encoder, decoder = Linear(1, 2, 1).double(), Linear(1, 1, 1).double()
        for parameter in (*encoder.parameters(), *decoder.parameters()):
            torch.nn.init.zeros_(parameter)
        torch.nn.init.constant_(decoder.bias, (mean - center) / scale)
        model = VAEModel(likelihood, (encoder, decoder), latent=1).double()
        return bits_per_dim(model, torch.from_numpy((raw - center) / scale)[None])[0].detach().numpy()

    def test_bits_per_dim_do_not_depend_on_the_scaling(self):
        """One Gaussian in raw units has one code length, -log₂ p(raw), however its rows were encoded."""
        raw = self.raw[:10]
        exact = -norm.logpdf(raw[:, 0], 50, 4) / math.log(2)
        for center, scale in ((0.0, 1.0), (50.0, 4.0), (-3.0, 20.0), (1e3, 0.7)):
            assert self.bits(raw, center, scale, 50, 4) == pytest.approx(exact, abs=1e-6)

    @pytest.mark.parametrize("a", [1000.0, 0.25])
    def test_bits_per_dim_shift_by_the_logarithm_of_the_unit(self, a):
        """Metres to millimetres costs log₂(1000) bits a cell."""
        raw = self.raw[:10]
        shift = self.bits(a * raw, a * 50, a * 4, a * 50, a * 4) - self.bits(raw, 50, 4, 50, 4)
        assert shift == pytest.approx(math.log2(a), abs=1e-6)

    @pytest.mark.parametrize("name", likelihoods.NAMES)
    def test_bytes_and_shares_of_255_score_alike(self, name):
        """All 256 levels, as uint8 and as float/255, are one and the same picture to every likelihood."""
        levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
        encoder = PictureEncoder.fit(levels)
        likelihood = likelihoods.from_layout(encoder.layout, name, 1)
        p = torch.linspace(-3, 3, likelihood.parameters_per_row)[None, None]
        pictures = [levels, levels / 255, (levels / np.float32(255)).astype(np.float32)]
        scores = [likelihood.per_feature(torch.from_numpy(encoder.transform(X))[None], p) for X in pictures]
        assert all(torch.equal(score, scores[0]) for score in scores[1:])


def test_impossible_likelihoods_are_refused():
    """A sentence names what would be possible; 8-bit likelihoods are for pictures."""
    for name in ("cauchy", "gaussian-dequantized", "gaussian-discretized"):
        with pytest.raises(ParameterError, match=r"must be one of bernoulli, gaussian|is for pictures of 8-bit levels"):
            likelihoods.from_layout(TABLE, name, 1)
