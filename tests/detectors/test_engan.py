"""EnGAN: an energy, its generator, and chains on it."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from oodles import load
from oodles.detectors import Chain, EnGAN, NegativeSamplingVAE
from oodles.errors import ParameterError
from oodles.nn import Draws
from oodles.training import loop

ROWS = np.random.default_rng(0).normal(size=(200, 3)) @ np.array([[1, 0.9, 0], [0, 0.3, 0], [0, 0, 1.0]])


def small(**parameters):
    """A quick one."""
    return EnGAN(**{"members": 2, "epochs": 3, "hidden": (16, 16), "latent": 4, "random_state": 0, **parameters})


class Spy:
    """Notes who moves, and whether anybody else did."""

    def __init__(self, model):
        self.model, self.moves = model, []
        self.players = {getattr(model, name): name for name in model.players}

    def __call__(self, loss, *, over):
        self.together((loss, over))

    def together(self, *moves):
        assert all(loss.shape == (self.model.members,) for loss, _ in moves)
        gradients = [
            torch.autograd.grad(loss.sum(), tuple(over.parameters()), retain_graph=True) for loss, over in moves
        ]
        for (_, over), gradient in zip(moves, gradients, strict=True):
            for (name, parameter), slope in zip(over.named_parameters(), gradient, strict=True):
                assert slope.isfinite().all()
                # An energy is known up to a constant, and so are InfoNCE's statistics: the last bias cancels out.
                if not (name == "moving.head.bias" or name.endswith("joined.layers.2.bias")):
                    assert slope.abs().sum() > 0, name
                with torch.no_grad():
                    parameter.sub_(1e-3 * slope)
        self.moves.append(tuple(self.players[over] for _, over in moves))


class TestStep:
    @pytest.mark.parametrize("n_phi", [1, 3])
    @pytest.mark.parametrize("information", ["jsd", "mine", "infonce"])
    def test_it_is_the_algorithm_box(self, n_phi, information):
        """The energy moves n_φ times, then generator and statistics network at once; every parameter has a gradient."""
        model = small(n_phi=n_phi, information=information).fit(ROWS).model_.train()
        model.draws = Draws([0, 1])
        spy = Spy(model)
        logs = model.step(torch.randn(2, 48, 3), spy)
        assert spy.moves == [("energy",)] * n_phi + [("generator", "statistics")]
        assert all(value.shape == (2,) and value.isfinite().all() for value in logs.values())

    def test_a_player_moves_in_its_own_move_only(self):
        """Between two moves nothing else has changed."""
        model = small(n_phi=1).fit(ROWS).model_.train()
        model.draws = Draws([0, 1])
        weights = {name: [p.clone() for p in getattr(model, name).parameters()] for name in model.players}

        class Watching(Spy):
            def together(self, *moves):
                super().together(*moves)
                for name in model.players:
                    same = all(map(torch.equal, weights[name], getattr(model, name).parameters()))
                    assert same != (name in self.moves[-1]), name
                    weights[name] = [p.clone() for p in getattr(model, name).parameters()]

        model.step(torch.randn(2, 16, 3), Watching(model))

    def test_the_loss_is_the_papers(self):
        """E(x) - E(G(z)) + λ‖∇E(x)‖² with the codes that the streams give, computed again by hand."""
        model = small(n_phi=1, penalty=0.7).fit(ROWS).model_.train()
        model.draws = Draws([5, 6])
        x, losses = torch.randn(2, 16, 3), []

        class Noting(Spy):
            def together(self, *moves):
                losses.extend(loss.detach() for loss, _ in moves)

        model.step(x, Noting(model))
        fake = model.generator(Draws([5, 6]).normal(16, 4)).detach()
        v = x.clone().requires_grad_()
        below = model.energy(v)
        slope = torch.autograd.grad(below.sum(), v)[0]
        expected = (below - model.energy(fake) + 0.7 * slope.square().sum(-1)).mean(-1)
        torch.testing.assert_close(losses[0], expected.detach())

    def test_negatives_have_the_holes_of_the_data(self):
        """Missing cells must not tell data from samples."""
        X = ROWS.copy()
        X[::3, 1] = np.nan
        model = small().fit(X).model_
        x = torch.tensor([[[0.1, np.nan, 1.0], [0.2, 0.3, 0.4]]]).expand(2, 2, 3)
        seen = model.like(x, torch.ones(2, 2, 3))
        assert torch.equal(seen[0], torch.tensor([[1.0, 0, 1, 1], [1, 1, 1, 0]]))

    def test_one_step_changes_what_it_says(self):
        """A detector that was trained for one epoch differs from one that was hardly moved."""
        still, moved = small(epochs=1, lr=1e-12).fit(ROWS), small(epochs=1).fit(ROWS)
        assert not np.allclose(still.anomaly_score(ROWS), moved.anomaly_score(ROWS))

    def test_chains_in_training_leave_running_moments_alone(self):
        """The chain evaluates the generator as it is in evaluation, so that a row's energy is its own."""
        pictures = np.random.default_rng(0).random((40, 8, 8))
        detector = small(n_mcmc=2, members=1, epochs=1).fit(pictures)
        assert np.isfinite(detector.anomaly_score(pictures)).all()
        assert small(n_mcmc=2, epochs=2).fit(ROWS).model_.energy.mean.steps[0] > 0


def ring(n, seed):
    """A circle of points."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, n)
    return np.stack([np.cos(angle), np.sin(angle)], 1) * 3 + 0.1 * rng.normal(size=(n, 2))


def clumps(n, seed):
    """Three clumps in five dimensions."""
    rng = np.random.default_rng(seed)
    centers = np.random.default_rng(9).normal(size=(3, 5)) * 3
    return centers[rng.integers(3, size=n)] + 0.3 * rng.normal(size=(n, 5))


class TestLearning:
    @pytest.mark.parametrize(
        ("usual", "strange"),
        [
            (ring, lambda n, s: 0.3 * np.random.default_rng(s).normal(size=(n, 2))),
            (clumps, lambda n, s: np.random.default_rng(s).normal(size=(n, 5)) * 2.5),
        ],
        ids=["the hole of a ring", "between three clumps"],
    )
    def test_trained_is_much_better_than_untrained(self, usual, strange):
        """What lies between the data is found after training, and not before."""
        X, y = np.r_[usual(200, 1), strange(200, 2)], np.repeat([0, 1], 200)
        before = EnGAN(members=2, hidden=(64, 64), epochs=1, lr=1e-12, random_state=0).fit(usual(1000, 0))
        after = EnGAN(members=2, hidden=(64, 64), epochs=300, random_state=0).fit(usual(1000, 0))
        areas = [roc_auc_score(y, detector.anomaly_score(X)) for detector in (before, after)]
        assert areas[1] > 0.9
        assert areas[1] > areas[0] + 0.1

    def test_extreme_and_constant_rows_have_finite_scores(self):
        """Huge, tiny and equal numbers."""
        detector = small(epochs=20).fit(ROWS)
        X = np.array([[1e30] * 3, [-1e30] * 3, [0.0] * 3, [1e-30] * 3, [7.0] * 3])
        for kind in ("energy", "score_norm"):
            assert np.isfinite(detector.anomaly_score(X, kind)).all()

    def test_the_score_norm_is_the_slope_of_the_energy(self):
        """By finite differences in encoded units, where every column spreads by one."""
        detector = small(epochs=30, members=1).fit(ROWS)
        model, x = (
            detector.model_,
            torch.randn(1, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)),
        )
        model.double()
        steps = torch.eye(3, dtype=torch.float64) * 1e-6
        slope = torch.stack([(model.energy_at(x + s) - model.energy_at(x - s)) / 2e-6 for s in steps], -1)
        torch.testing.assert_close(
            model.scores["score_norm"](model, x), slope.square().sum(-1).detach(), rtol=1e-4, atol=1e-8
        )

    @pytest.mark.parametrize("network", ["mlp", "dcgan-light", "standard-light"])
    def test_networks_for_pictures(self, network):
        """Gray and color pictures; the generator makes them, in [0, 1]."""
        for shape in ((20, 9, 10), (20, 8, 8, 3), (20, 8, 8, 4)):
            pictures = np.random.default_rng(0).random(shape)
            detector = EnGAN(network=network, members=1, epochs=1, hidden=(16,), latent=8, random_state=0).fit(pictures)
            made = detector.sample(3)
            assert made.shape == (3, *shape[1:])
            assert 0 <= made.min() <= made.max() <= 1


class TestLikelihood:
    def test_the_second_energy_moves_after_the_first(self):
        """And the game goes on as without it."""
        model = small(n_phi=2, proposal_std=(0.1, 1.0)).fit(ROWS).model_.train()
        model.draws = Draws([0, 1])
        spy = Spy(model)
        model.step(torch.randn(2, 32, 3), spy)
        assert spy.moves == [("energy",), ("density",)] * 2 + [("generator", "statistics")]

    def test_the_energy_becomes_minus_log_p(self):
        """Of two clumps on a line: -E and log p differ by a constant, which the mean takes away."""
        rng = np.random.default_rng(0)
        X = np.where(rng.random(3000) < 0.3, -1.0, 1.0) + 0.25 * rng.normal(size=3000)
        detector = EnGAN(
            members=1,
            latent=2,
            hidden=(64, 64),
            epochs=60,
            proposal_std=(0.2, 2.0),
            reference_std=None,
            schema={"x0": "scaled"},
            random_state=0,
        ).fit(X[:, None])
        grid = np.linspace(-3, 3, 601)
        density = sum(w * np.exp(-(((grid - m) / 0.25) ** 2) / 2) for w, m in ((0.3, -1), (0.7, 1)))
        found = np.exp(-detector.anomaly_score(grid[:, None]))
        assert np.abs(density / density.sum() - found / found.sum()).sum() / 2 < 0.1

    def test_noise_needs_real_columns(self):
        """Neither levels nor pixels can take any."""
        with pytest.raises(ParameterError, match="proposal_std adds noise to real columns"):
            small(proposal_std=(0.1,)).fit(np.random.default_rng(0).random((30, 8, 8)))


class TestStopping:
    @pytest.mark.parametrize("more", [{}, {"information": "mine", "n_mcmc": 1}])
    def test_stopped_and_resumed_it_is_as_if_it_had_never_stopped(self, tmp_path, monkeypatch, more):
        """Three players, three optimizers, averages, random streams: all go on where they were."""
        expected = small(**more).fit(ROWS).model_.state_dict()
        add, path = loop.Run.add, tmp_path / "run"

        def stopping(run, logs):
            add(run, logs)
            if run.steps == 2:
                run.save(schedules[-1])
                raise KeyboardInterrupt

        schedules, train = [], loop.train
        monkeypatch.setattr(
            "oodles.detectors.neural.train",
            lambda *given, **named: schedules.append(given[3]) or train(*given, **named),
        )
        with monkeypatch.context() as patch:
            patch.setattr(loop.Run, "add", stopping)
            with pytest.raises(KeyboardInterrupt):
                small(**more, checkpoint=path).fit(ROWS)
        resumed = small(**more, checkpoint=path).fit(ROWS).model_.state_dict()
        assert all(torch.equal(expected[name], tensor) for name, tensor in resumed.items())

    def test_a_training_that_diverges_is_refused(self):
        """With a sentence, not with a model of NaN."""
        with pytest.raises(ParameterError, match="diverged"):
            small(lr=1e30, epochs=3).fit(ROWS)


@pytest.fixture(scope="module")
def fitted():
    return EnGAN(members=2, epochs=150, hidden=(32, 32), latent=4, random_state=0).fit(ROWS)


class TestSamples:
    def test_samples_are_rows_in_raw_units_and_repeat(self, fitted):
        """As many as asked for, the same for one seed, others for another."""
        assert fitted.sample(5).shape == (5, 3)
        assert np.array_equal(fitted.sample(5), fitted.sample(5))
        assert not np.array_equal(fitted.sample(5), fitted.sample(5, random_state=1))
        assert np.array_equal(fitted.sample(5, mcmc=0), fitted.sample(5))

    @pytest.mark.parametrize("chain", [50, Chain(50), Chain(50, "metropolis", 0.1), Chain(200, "mala", 0.01, "data")])
    def test_chains_lower_the_energy(self, fitted, chain):
        """Samples that a chain refined have a lower mean energy than those it began with."""
        before, after = (fitted.anomaly_score(fitted.sample(400, mcmc=c)).mean() for c in (0, chain))
        assert after < before

    def test_without_the_prior_codes_drift(self, fitted):
        """The authors' target has no prior: its samples fall further."""
        kept, free = (fitted.sample(400, mcmc=Chain(200, step=0.05, prior=p)) for p in (True, False))
        assert fitted.anomaly_score(free).mean() < fitted.anomaly_score(kept).mean()

    def test_impossible_chains_are_refused(self, fitted):
        """Each with a sentence."""
        for chain in (Chain(kernel="gibbs"), Chain(space="outer"), Chain(step=0.0), Chain(steps=-1)):
            with pytest.raises(ParameterError, match="makes no sense"):
                fitted.sample(2, mcmc=chain)

    def test_a_table_of_categories_is_made_of_its_levels(self):
        """No half categories, and the columns' names."""
        import pandas as pd

        rng = np.random.default_rng(0)
        frame = pd.DataFrame(
            {"a": rng.normal(size=90), "b": rng.choice(["x", "y", "z"], 90), "c": rng.random(90) < 0.4}
        )
        made = small(epochs=10).fit(frame).sample(20).to_pandas()
        assert list(made.columns) == ["a", "b", "c"]
        assert set(made["b"]) <= {"x", "y", "z"}

    def test_it_makes_negatives_for_the_other_document(self, fitted):
        """A fitted EnGAN is a generator of negatives."""
        detector = NegativeSamplingVAE(members=1, epochs=3, random_state=0).fit(ROWS, negatives=fitted)
        assert np.isfinite(detector.anomaly_score(ROWS)).all()

    def test_a_loaded_one_makes_the_same(self, fitted, tmp_path):
        """Weights, averages and streams survive the disk."""
        fitted.save(tmp_path / "model")
        assert np.array_equal(load(tmp_path / "model").sample(5, mcmc=3), fitted.sample(5, mcmc=3))
