"""Four baselines from the papers: their formulas by hand, and who moves when."""

import numpy as np
import pytest
import torch
from scipy.special import expit, logsumexp, softmax
from scipy.stats import multivariate_normal
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from oodles import detectors
from oodles.detectors.dagmm import Mixture, fitted, sample_energy
from oodles.detectors.dsebm import Experts
from oodles.detectors.energies import Hidden
from oodles.detectors.rows import held_out_split
from oodles.errors import ParameterError
from oodles.layout import Column, Layout
from oodles.nn import Draws, Linear, initialize

BASELINES = ["BiGAN", "DAGMM", "DSEBM", "WGANGP"]


def rows(n=96, columns=4, seed=0):
    """Correlated real columns."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, columns)) @ rng.normal(size=(columns, columns))


def started(name, X, **parameters):
    """A detector after one epoch, its model in training mode, and the encoded rows for every member."""
    detector = detectors.NAMES[name](members=2, epochs=1, hidden=(8,), random_state=0, **parameters).fit(X)
    x = torch.from_numpy(detector.encoder_.transform(X))
    return detector, detector.model_.train(), x.expand(2, *x.shape)


class Spy:
    """Stands in for the minimizer: descends plainly, and remembers who moved, against what."""

    def __init__(self, model):
        self.model, self.moves, self.gradients = model, [], {}

    def __call__(self, loss, *, over):
        self.together((loss, over))

    def together(self, *moves):
        names = {id(parameter): name for name, parameter in self.model.named_parameters()}
        players = {id(getattr(self.model, name)): name for name in self.model.players}
        found = [torch.autograd.grad(loss.sum(), list(p.parameters()), retain_graph=True) for loss, p in moves]
        for (loss, over), gradients in zip(moves, found, strict=True):
            self.moves.append((players.get(id(over), ""), loss.detach()))
            for parameter, gradient in zip(over.parameters(), gradients, strict=True):
                self.gradients[names[id(parameter)]] = gradient
                parameter.data -= 1e-3 * gradient


class TestEveryBaseline:
    @pytest.mark.parametrize("name", BASELINES)
    def test_every_parameter_gets_a_gradient(self, name) -> None:
        """In one round each moves; only the critic's last bias cannot, for a constant tells nothing apart."""
        _, model, x = started(name, rows())
        spy = Spy(model)
        model.step(x, spy)

        assert set(spy.gradients) == {parameter for parameter, _ in model.named_parameters()}
        for parameter, gradient in spy.gradients.items():
            assert gradient.isfinite().all(), parameter
            assert (gradient.flatten(1).abs().amax(1) > 0).all() or parameter == "energy.moving.head.bias", parameter

    @pytest.mark.parametrize("name", BASELINES)
    def test_pictures_train_on_finite_numbers(self, name) -> None:
        """One round on small pictures with the convolutional networks."""
        _, model, x = started(name, np.random.default_rng(0).random((32, 8, 9)))
        spy = Spy(model)
        logs = model.step(x, spy)

        assert all(value.shape == (2,) and value.isfinite().all() for value in logs.values())
        assert all(gradient.isfinite().all() for gradient in spy.gradients.values())

    @pytest.mark.parametrize(
        ("name", "parameter", "value"),
        [
            ("BiGAN", "dropout", 1.0),
            ("BiGAN", "average", 1.0),
            ("BiGAN", "discriminator_hidden", ()),
            ("BiGAN", "generator_hidden", (0,)),
            ("DAGMM", "mixtures", 0),
            ("DAGMM", "dropout", -0.1),
            ("DAGMM", "density_weight", -1),
            ("DAGMM", "variance_weight", None),
            ("DSEBM", "noise", 0),
            ("WGANGP", "n_critic", 0),
            ("WGANGP", "penalty", -1),
            ("WGANGP", "penalty_form", "column"),
            ("WGANGP", "reference_std", 0),
        ],
    )
    def test_impossible_parameters_are_refused(self, name, parameter, value) -> None:
        """Each in a sentence with its name."""
        with pytest.raises(ParameterError, match=parameter):
            detectors.NAMES[name](**{parameter: value}).fit(rows())

    @pytest.mark.parametrize("name", ["BiGAN", "WGANGP"])
    def test_samples_are_rows(self, name) -> None:
        """In raw units, with and without a chain, the same for one seed."""
        detector, model, _ = started(name, rows())
        model.eval()
        for mcmc in (0, 3):
            drawn = detector.sample(7, mcmc=mcmc)
            assert drawn.shape == (7, 4)
            assert np.isfinite(drawn).all()
            assert np.array_equal(drawn, detector.sample(7, mcmc=mcmc))


class TestDAGMM:
    def test_energy_is_the_mixtures_log_density(self) -> None:
        """SciPy's Gaussians, weighed and added up."""
        rng = np.random.default_rng(0)
        share = rng.dirichlet(np.ones(3), size=2)
        mean, root = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 3, 4, 4))
        covariance = root @ root.swapaxes(-1, -2) + 0.1 * np.eye(4)
        z = rng.normal(size=(2, 50, 4)).astype(np.float32)

        found = sample_energy(torch.from_numpy(z), tuple(map(torch.from_numpy, (share, mean, covariance))))

        for m in range(2):
            parts = [
                np.log(share[m, k]) + multivariate_normal(mean[m, k], covariance[m, k]).logpdf(z[m]) for k in range(3)
            ]
            np.testing.assert_allclose(found[m], -logsumexp(parts, axis=0), rtol=1e-5)

    def test_the_mixture_of_a_batch_is_a_weighted_average(self) -> None:
        """NumPy's weighted means and covariances, with a trace of jitter."""
        rng = np.random.default_rng(1)
        z, gamma = rng.normal(size=(2, 40, 3)), softmax(rng.normal(size=(2, 40, 2)), axis=-1)

        share, mean, covariance = fitted(torch.from_numpy(z), torch.from_numpy(gamma))

        for m in range(2):
            np.testing.assert_allclose(share[m], gamma[m].mean(0))
            for k in range(2):
                weights = gamma[m, :, k]
                np.testing.assert_allclose(mean[m, k], np.average(z[m], axis=0, weights=weights))
                expected = np.cov(z[m].T, aweights=weights, ddof=0) + 1e-6 * np.eye(3)
                np.testing.assert_allclose(covariance[m, k], expected, atol=1e-12)

    def test_nothing_is_too_degenerate_to_have_an_energy(self) -> None:
        """One row many times, dependent columns, an empty component, wild numbers: finite, and so are the gradients."""
        line = torch.linspace(-1, 1, 32).view(1, -1, 1)
        for z in (torch.ones(1, 32, 3), torch.cat([line, line, 1e3 * line], -1), 1e6 * torch.cat([line] * 3, -1)):
            z = z.clone().requires_grad_()  # noqa: PLW2901
            gamma = torch.tensor([1.0, 0.0]).expand(1, 32, 2)
            parts = fitted(z, gamma)
            energy = sample_energy(z, parts)
            (gradient,) = torch.autograd.grad(energy.sum() + (1 / parts[2].diagonal(dim1=-2, dim2=-1)).sum(), z)
            assert energy.isfinite().all()
            assert gradient.isfinite().all()

    def test_running_parameters_are_a_plain_mean_at_first(self) -> None:
        """After two batches the mean of both; after many, nine tenths of the past."""
        mixture = Mixture(1, 1, 1)
        for number in (1.0, 3.0):
            mixture.follow((torch.ones(1, 1), torch.full((1, 1, 1), number), torch.full((1, 1, 1, 1), 2 * number)))
        assert mixture.mean.item() == pytest.approx(2)
        assert mixture.covariance.item() == pytest.approx(4)
        mixture.steps.fill_(1000)
        mixture.follow((torch.ones(1, 1), torch.full((1, 1, 1), 12.0), torch.full((1, 1, 1, 1), 14.0)))
        assert mixture.mean.item() == pytest.approx(3)
        assert mixture.covariance.item() == pytest.approx(5)

    def test_a_row_is_seen_as_code_relative_error_and_cosine(self) -> None:
        """By hand, from the encoder's code and the decoder's row; nothing is shorter than 0.1."""
        detector, model, x = started("DAGMM", rows())
        model.eval()
        v, code = model.seen(x)[0].numpy(), model.encode(model.seen(x))
        made = model.decode(code)[0].detach().numpy()
        size, made_size = (np.maximum(np.linalg.norm(row, axis=1), 0.1) for row in (v, made))
        relative = np.linalg.norm(v - made, axis=1) / size
        cosine = (v * made).sum(1) / size / made_size

        z = detector.embed(rows())

        np.testing.assert_allclose(z[:, :-2], code[0].detach(), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(z[:, -2], relative, rtol=1e-4)
        np.testing.assert_allclose(z[:, -1], cosine, rtol=1e-3, atol=1e-5)
        error = detector.member_scores(rows(), "reconstruction_error")[0]
        np.testing.assert_allclose(error, ((v - made) ** 2).mean(1), rtol=1e-4)

    def test_scores_use_the_exact_mixture_of_learned_rows(self) -> None:
        """What is stored is what the formula gives for all rows that were learned, at once."""
        X = rows(200)
        detector, model, _ = started("DAGMM", X)
        model.eval()
        learned, _ = held_out_split(len(X), detector.validation_fraction, detector.false_alarm_rate)
        z = torch.from_numpy(detector.embed(X[learned])).expand(2, -1, -1)
        exact = fitted(z, model.estimate(z).softmax(-1))

        for stored, now in zip(model.mixture.parts, exact, strict=True):
            np.testing.assert_allclose(stored[0], now[0].detach(), rtol=1e-4, atol=1e-6)

    def test_a_row_of_zeros_is_no_stranger_than_others(self) -> None:
        """Relative errors of the most usual row of binary columns stay small."""
        X = (np.random.default_rng(0).random((300, 5)) < 0.15).astype(float)
        detector = detectors.DAGMM(members=1, epochs=20, random_state=0).fit(X)
        assert detector.predict(np.zeros((1, 5)))[0] == 1

    def test_the_loss_is_the_papers(self) -> None:
        """Error, energy and inverse variances, with the batch's own mixture."""
        _, model, x = started("DAGMM", rows(), dropout=0.0, density_weight=0.1, variance_weight=0.005)
        z, error = model.measured(model.seen(x))
        share, mean, covariance = fitted(z, model.estimate(z).softmax(-1))
        inverse = sum(1 / covariance[:, k, j, j] for k in range(4) for j in range(5))
        expected = error + 0.1 * sample_energy(z, (share, mean, covariance)) + 0.005 * inverse.unsqueeze(-1)

        np.testing.assert_allclose(model.loss(x).detach(), expected.detach(), rtol=1e-5)


class TestDSEBM:
    def test_the_gradient_of_one_layer_is_the_papers(self) -> None:
        r"""$\nabla E(v) = v - b' - W^\top \sigma(W v + c)$."""
        network = Experts(Hidden(3, (5,), 2, "softplus"), 3, 2)
        initialize(network, Draws([0, 1]))
        network.center.data.normal_(generator=torch.Generator().manual_seed(0))
        v = torch.randn(2, 7, 3, generator=torch.Generator().manual_seed(1), requires_grad=True)
        (found,) = torch.autograd.grad(network(v).sum(), v)

        layer = network.trunk.dense.layers[0]
        for m in range(2):
            W, c = layer.weight[m, :3, :5].detach().numpy(), layer.bias[m, 0, :5].detach().numpy()
            center, at = network.center[m].detach().numpy(), v[m].detach().numpy()
            np.testing.assert_allclose(found[m], at - center - expit(at @ W + c) @ W.T, rtol=1e-4, atol=1e-6)

    def test_scores_are_the_energy_and_the_error_of_its_autoencoder(self) -> None:
        """DSEBM-e is E, DSEBM-r is ‖v - f(v)‖², and `reconstruct` gives the members' mean of f(v)."""
        detector, model, x = started("DSEBM", rows())
        v = x.clone().requires_grad_()
        energy = model.eval().energy_at(v)
        (slope,) = torch.autograd.grad(energy.sum(), v)
        made = (x - slope).mean(0).numpy()

        np.testing.assert_allclose(detector.member_scores(rows()), energy.detach(), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(detector.member_scores(rows(), "score_norm"), slope.square().sum(-1), rtol=1e-4)
        first = detector.encoder_.layout.columns[0]
        np.testing.assert_allclose(
            detector.reconstruct(rows()).column(0), first.center + first.scale * made[:, 0], rtol=1e-3, atol=1e-4
        )

    def test_the_loss_removes_noise(self) -> None:
        r"""$\|v - f(v + \sigma n)\|^2$ with the model's own draws; what early stopping watches has fixed ones."""
        _, model, x = started("DSEBM", rows(), noise=0.7)
        model.draws = Draws([5, 6])
        loss = model.loss(x).detach()
        noisy = (x + 0.7 * Draws([5, 6]).normal(*x.shape[1:])).requires_grad_()
        (slope,) = torch.autograd.grad(model.energy_at(noisy).sum(), noisy)

        np.testing.assert_allclose(loss, (x - (noisy - slope)).square().sum(-1).detach(), rtol=1e-4)
        before = model.draws.state()
        assert torch.equal(model.criterion(x), model.criterion(x))
        assert torch.equal(before, model.draws.state())

    def test_a_gaussian_is_learned(self) -> None:
        r"""Of N(0, 1) with noise σ, $\nabla E(v) = v\,\sigma^2 / (1 + \sigma^2)$."""
        X = np.random.default_rng(0).normal(size=(2000, 1))
        detector = detectors.DSEBM(members=1, hidden=(32,), epochs=60, noise=1.0, random_state=0).fit(X)
        at = np.array([[-1.5], [-0.5], [0.5], [1.5]])
        v = detector.encoder_.transform(at)[:, 0]
        slopes = np.sqrt(detector.anomaly_score(at, "score_norm"))

        np.testing.assert_allclose(slopes, np.abs(v) / (1 + 1 / np.std(detector.encoder_.transform(X)) ** 2), atol=0.1)


class Tilted(nn.Module):
    """The energy w · v for each member, as a trunk whose feature it is."""

    def __init__(self, weights):
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, v):
        return (v * self.weights.unsqueeze(1)).sum(-1)

    def follow(self):
        """Nothing is averaged."""


class TestWGANGP:
    def test_players_move_only_in_their_own_moves(self) -> None:
        """The critic `n_critic` times, then the generator once; each leaves the other as it is."""
        _, model, x = started("WGANGP", rows(90), n_critic=3)

        class Watching(Spy):
            def together(self, *moves):
                before = {name: p.detach().clone() for name, p in self.model.named_parameters()}
                super().together(*moves)
                moved = {n.split(".")[0] for n, p in self.model.named_parameters() if not torch.equal(p, before[n])}
                assert moved == {self.moves[-1][0]}

        spy = Watching(model)
        model.step(x, spy)
        assert [player for player, _ in spy.moves] == ["energy"] * 3 + ["generator"]

    @pytest.mark.parametrize("form", ["row", "pixel"])
    def test_the_penalty_is_that_of_the_slope(self, form) -> None:
        """A linear critic has its slope everywhere: (‖w‖ - 1)², or that of each pixel's channels, averaged."""
        X = np.random.default_rng(0).random((24, 4, 5, 3))
        _, model, x = started("WGANGP", X, n_critic=1, penalty=10.0, penalty_form=form)
        weights = torch.randn(2, 60, generator=torch.Generator().manual_seed(0))
        model.energy = Tilted(weights.clone())
        model.draws = Draws([3, 4])
        spy = Spy(model)
        logs = model.step(x, spy)

        if form == "row":
            expected = (weights.norm(dim=-1) - 1).square()
        else:
            expected = (weights.view(2, 3, 20).norm(dim=1) - 1).square().mean(-1)
        np.testing.assert_allclose(logs["penalty"], expected, rtol=1e-4)
        np.testing.assert_allclose(spy.moves[0][1], 10 * expected - logs["distance"], rtol=1e-4)

    def test_the_reference_is_part_of_the_energy(self) -> None:
        """½ ‖v‖² / s² more than the network says."""
        detector, _, x = started("WGANGP", rows(), reference_std=2.0)
        model = detector.model_.eval()
        network = model.energy.mean(x, True)  # features
        assert network.shape == (2, 96, 8)
        with_it = model.energy_at(x)
        model.energy.moving.reference_std = None
        np.testing.assert_allclose(
            (with_it - model.energy_at(x)).detach(), x.square().sum(-1) / 8, rtol=1e-4, atol=1e-5
        )


class TestBiGAN:
    def test_scores_by_hand(self) -> None:
        """Errors counted cell by cell, cross-entropy from the logit, features subtracted; averaged networks."""
        detector, model, x = started("BiGAN", rows())
        model.eval()
        v = model.seen(x)
        z = model.encoder.mean(v)
        made = model.generator.mean(z)
        judge = model.discriminator.mean
        error = np.abs((v - made).detach().numpy()).sum(-1)
        fooled = -np.log(expit(judge(made, z).detach().numpy()))
        features = np.abs((judge(v, z, True) - judge(made, z, True)).detach().numpy()).sum(-1)

        np.testing.assert_allclose(detector.member_scores(rows()), 0.9 * error + 0.1 * fooled, rtol=1e-4)
        np.testing.assert_allclose(
            detector.member_scores(rows(), "feature_matching"), 0.9 * error + 0.1 * features, rtol=1e-4
        )
        np.testing.assert_allclose(
            detector.reconstruct(rows()).column(0).to_numpy(),
            detector._raw(made[0].detach())[:, 0] / 2 + detector._raw(made[1].detach())[:, 0] / 2,
            rtol=1e-3,
            atol=1e-4,
        )

    def test_losses_are_cross_entropies(self) -> None:
        """Real pairs are 1 and made ones 0 for the discriminator, the reverse for encoder and generator."""
        _, model, x = started("BiGAN", rows(), dropout=0.0)
        model.draws = Draws([3, 4])
        z = Draws([3, 4]).normal(96, 32)
        real = model.discriminator(x, model.encoder(x))
        fake = model.discriminator(model.generator(z), z)
        expected = cross_entropy(real, torch.ones(2, 96), reduction="none") + cross_entropy(
            fake, torch.zeros(2, 96), reduction="none"
        )
        spy = Spy(model)
        model.step(x, spy)

        assert [player for player, _ in spy.moves] == ["discriminator", "generator", "encoder"]
        np.testing.assert_allclose(spy.moves[0][1], expected.mean(-1).detach(), rtol=1e-4)
        assert torch.equal(spy.moves[1][1], spy.moves[2][1])

    def test_the_authors_networks_can_be_asked_for(self) -> None:
        """KDD Cup 99: E 121-64-32, G 32-64-128-121, D 121-128 and 32-128, 256-128-1."""
        detector = detectors.BiGAN(
            latent=32,
            hidden=(64,),
            generator_hidden=(64, 128),
            discriminator_hidden=(128,),
            activation="leaky-0.1",
            dropout=0.2,
        )
        columns = tuple(Column(f"x{i}", "real") for i in range(121))
        model = detector.build(Layout(columns), 1, [])
        found = {
            player: [(m.inputs, m.outputs) for m in getattr(model, player).moving.modules() if isinstance(m, Linear)]
            for player in model.players
        }
        assert found == {
            "encoder": [(121, 64), (64, 32)],
            "generator": [(32, 64), (64, 128), (128, 121)],
            "discriminator": [(121, 128), (32, 128), (256, 128), (128, 1)],
        }
