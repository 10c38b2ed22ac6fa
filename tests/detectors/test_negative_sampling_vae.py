"""Negative sampling: two updates in order, gradients that reach whom they should, and known anomalies that help."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.mixture import GaussianMixture
from torch.distributions import Independent, Normal, kl_divergence

from oodles import load
from oodles.detectors import VAE, AutoEncoder, NegativeSamplingVAE
from oodles.errors import CheckpointError, DataError, ParameterError
from oodles.metrics import auroc
from oodles.nn import Draws
from oodles.sampling import SOURCES, Frozen, Noise, Own
from oodles.training import fixed_threads, loop, threads

QUICK = {"members": 2, "epochs": 2, "hidden": (8,), "latent": 3, "random_state": 0}


def rows(n=120, seed=0):
    """Five columns on a plane."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)) @ np.array([[1, 2, 0, -1, 1], [0, 1, 1, 1, -2.0]]) + 0.1 * rng.normal(size=(n, 5))


def strange(n=120, seed=1):
    """The same columns, each shuffled by itself."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(column) for column in rows(n, seed).T], axis=1)


def pictures(n=24, seed=0, shape=(8, 8)):
    """Gray noise."""
    return np.random.default_rng(seed).integers(0, 255, (n, *shape), dtype=np.uint8)


def in_training(detector, X, negatives=None):
    """A fitted detector's model as it is while it trains, and an encoded batch."""
    detector.fit(X, negatives=negatives)
    model = detector.model_.train()
    x = torch.from_numpy(detector.encoder_.transform(X)).float()
    pools = [] if negatives is None else [torch.from_numpy(detector.encoder_.transform(negatives)).float()]
    model.sources = detector.sources(pools, steps=10)
    model.draws = Draws([1, 2])
    return model, x.expand(2, *x.shape)


class Spy:
    """A `minimize` that writes down who was asked to move, and which parameters the loss reaches."""

    def __init__(self, model, *, moving=False):
        self.model, self.moving, self.order, self.reached = model, moving, [], []
        self.names = {id(module): name for name, module in model.named_children()}

    def __call__(self, loss, *, over):
        named = dict(self.model.named_parameters())
        gradients = torch.autograd.grad(loss.sum(), list(named.values()), allow_unused=True)
        self.order.append(self.names[id(over)])
        self.reached.append({n for n, g in zip(named, gradients, strict=True) if g is not None and g.abs().sum() > 0})
        if self.moving:
            own = {id(parameter) for parameter in over.parameters()}
            for parameter, gradient in zip(named.values(), gradients, strict=True):
                if id(parameter) in own:
                    parameter.data.sub_(0.01 * gradient)
                    torch.autograd.graph.increment_version(parameter)


class TestMathematics:
    def test_both_kl_terms_are_those_of_torch(self):
        """KL(q ‖ N(0, I)) and KL(q ‖ N(m·1, I)) in closed form."""
        model, x = in_training(NegativeSamplingVAE(shift=5.0, **QUICK), rows())
        mean, std = model.posterior(x)
        q = Independent(Normal(mean, std), 1)
        for shift, found in ((0.0, model.to_prior(x)), (5.0, model.to_negative_prior(x))):
            prior = Independent(Normal(torch.full_like(mean, shift), torch.ones_like(std)), 1)
            torch.testing.assert_close(found, kl_divergence(q, prior), rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize(
        ("X", "latent", "nats"), [(pictures(), 10, 320.0), (pictures(shape=(8, 8, 3)), 100, 31250.0)]
    )
    def test_the_negative_prior_of_the_paper(self, X, latent, nats):
        """KL(p̄ ‖ p) = ½ L m²: 320 nats for gray pictures and 31,250 for color ones."""
        detector = NegativeSamplingVAE(members=1, epochs=1, source="none").fit(X)
        assert detector.model_.points.shape[1] == latent
        assert latent * detector.model_.m**2 / 2 == nats


class TestRounds:
    def test_the_encoder_moves_first_and_then_the_generator(self):
        """And a background model last, if there is one."""
        model, x = in_training(NegativeSamplingVAE(source="adversarial", **QUICK), rows())
        spy = Spy(model)
        model.step(x, spy)
        assert spy.order == ["encoder", "generator"]
        model, x = in_training(NegativeSamplingVAE(background=0.2, **QUICK), rows())
        spy = Spy(model)
        model.step(x, spy)
        assert spy.order == ["encoder", "generator", "background"]
        assert all(name.startswith("background.") for name in spy.reached[2])

    def test_a_move_leaves_the_other_player_alone(self):
        """With the real minimizer: after one round both have moved; what moves in each move is one player."""
        model, x = in_training(NegativeSamplingVAE(source="adversarial", **QUICK), rows())
        before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        seen = []

        class Watch(Spy):
            def __call__(self, loss, *, over):
                super().__call__(loss, over=over)
                now = model.state_dict()
                seen.append({name for name in before if not torch.equal(before[name], now[name])})

        model.step(x, Watch(model, moving=True))
        assert seen[0]
        assert all(name.startswith("encoder.") for name in seen[0])
        assert {name.split(".")[0] for name in seen[1] - seen[0]} == {"generator"}

    def test_the_adversarial_term_reaches_the_generator_through_the_encoder(self):
        """The encoder's loss sees detached samples; the generator's sees KL(q(z|G(z)) ‖ p)."""
        model, x = in_training(NegativeSamplingVAE(source="own", **QUICK), rows())
        gradients = []
        for name in ("adversarial", "own"):
            model.sources, model.draws, taken = [SOURCES[name]], Draws([1, 2]), []

            def take(loss, *, over, taken=taken):
                taken.append(torch.autograd.grad(loss.sum(), list(over.parameters())))

            model.step(x, take)
            gradients.append(taken)
        encoder, generator = zip(*gradients, strict=True)
        assert all(torch.equal(a, b) for a, b in zip(*encoder, strict=True))
        assert not all(torch.equal(a, b) for a, b in zip(*generator, strict=True))

    def test_negatives_do_not_reach_the_generator_unless_they_are_rebuilt(self):
        """Given negatives change the encoder's move only; with their reconstruction, both."""
        for weight, same in ((0.0, True), (0.5, False)):
            taken = []
            for negatives in (None, strange(30)):
                detector = NegativeSamplingVAE(negative_reconstruction=weight, **QUICK)
                model, x = in_training(detector, rows())
                pool = [] if negatives is None else [torch.from_numpy(detector.encoder_.transform(negatives)).float()]
                model.sources = detector.sources(pool, steps=1)

                def take(loss, *, over, taken=taken, model=model):
                    if over is model.generator:
                        taken.append(float(loss.detach().sum()))

                model.draws = Draws([1, 2])
                model.step(x, take)
            assert (abs(taken[0] - taken[1]) < 1e-4) == same

    def test_without_negatives_a_round_is_the_ascent_of_the_elbo(self):
        """Both losses are those of a VAE at the same draws."""
        model, x = in_training(NegativeSamplingVAE(source="none", **QUICK), rows())
        losses = []
        model.step(x, lambda loss, *, over: losses.append(loss.detach()))  # noqa: ARG005
        assert len(losses) == 2
        model.draws = Draws([1, 2])
        model.draws.normal(x.shape[1], 3), model.draws.normal(x.shape[1], 3)
        torch.testing.assert_close(losses[0], model.bound(x, model.draws).detach().mean(-1))


class TestNegatives:
    def test_twenty_known_anomalies_improve_the_next_alarm(self):
        """Others of their kind rank higher than for a VAE, and than for the same detector without them."""
        frauds = np.array([0.4, 0, -0.4, 0, 0.4])
        X, y = np.r_[rows(300, 5), rows(300, 6) + frauds], np.repeat([0, 1], 300)
        common = {"members": 2, "epochs": 120, "hidden": (16,), "random_state": 0}
        found = {}
        for name, negatives in (("none", None), ("twenty", rows(20, 7) + frauds)):
            detector = NegativeSamplingVAE(**common).fit(rows(300, 4), negatives=negatives)
            found[name] = auroc(y, detector.anomaly_score(X))
        assert found["twenty"] > 0.85
        assert found["twenty"] > found["none"] + 0.2
        assert found["twenty"] > auroc(y, VAE(**common).fit(rows(300, 4)).anomaly_score(X)) + 0.2

    def test_known_anomalies_are_sent_to_the_negative_prior(self):
        """Their codes' KL is near ½ L m², the data's far below."""
        detector = NegativeSamplingVAE(members=1, epochs=200, hidden=(16,), latent=4, shift=4.0, random_state=0)
        known = strange(30, 3) + 6
        detector.fit(rows(200), negatives=known)
        assert np.median(detector.anomaly_score(known, "kl")) == pytest.approx(0.5 * 4 * 16, rel=0.35)
        assert np.median(detector.anomaly_score(rows(100, 9), "kl")) < 16

    def test_pictures_of_another_set(self):
        """Dark pictures learned, bright ones given as negatives: brighter is stranger."""
        dark, bright = pictures(64) // 4, 255 - pictures(40, 1) // 4
        detector = NegativeSamplingVAE(members=1, epochs=12, likelihood="bernoulli", lr=1e-3, random_state=0)
        detector.fit(dark, negatives=bright[:20])
        X, y = np.concatenate([pictures(20, 7) // 4, bright[20:]]), np.repeat([0, 1], 20)
        assert auroc(y, detector.anomaly_score(X, "kl")) > 0.99

    @pytest.mark.parametrize(
        "negatives",
        [
            lambda: strange(20),
            lambda: [strange(20), rows(9) + 5],
            lambda: (strange(20), GaussianMixture(2, random_state=0).fit(rows())),
            lambda: VAE(**QUICK).fit(rows()),
            lambda: GaussianMixture(2, random_state=0).fit(rows()),
            lambda: strange(3).tolist(),
        ],
        ids=["rows", "sets", "set and generator", "own generator", "foreign generator", "lists"],
    )
    def test_what_may_be_given(self, negatives):
        """Rows, several sets, a fitted generator, or all together; the same bits for the same negatives."""
        first, again = (NegativeSamplingVAE(**QUICK).fit(rows(), negatives=negatives()) for _ in range(2))
        plain = NegativeSamplingVAE(**QUICK).fit(rows())
        X = rows(30, 8)
        assert np.array_equal(first.anomaly_score(X), again.anomaly_score(X))
        assert not np.array_equal(first.anomaly_score(X), plain.anomaly_score(X))

    def test_columns_are_matched_by_name_and_levels_may_be_unseen(self):
        """A frame with its columns in another order gives the same model; unseen levels and holes are fine."""
        frame = pd.DataFrame(rows(), columns=list("abcde")).assign(shop=["x", "y"] * 60)
        bad = pd.DataFrame(strange(20), columns=list("abcde")).assign(shop="never seen")
        bad.loc[3, "b"] = np.nan
        first = NegativeSamplingVAE(**QUICK).fit(frame, negatives=bad)
        again = NegativeSamplingVAE(**QUICK).fit(frame, negatives=bad[bad.columns[::-1]])
        assert np.isfinite(first.anomaly_score(frame)).all()
        assert np.array_equal(first.anomaly_score(frame), again.anomaly_score(frame))

    @pytest.mark.parametrize(
        ("X", "negatives", "sentence"),
        [
            (rows(), strange()[:, :4], "In the negatives: X has 4 features"),
            (rows(), np.empty((0, 5)), "In the negatives:"),
            (rows(), [strange(), rows()[:, :2]], "In set 2 of the negatives:"),
            (rows(), pictures(), "In the negatives: .*learned a table, but X is pictures"),
            (rows(), np.full((3, 5), np.inf), "In the negatives:"),
            (pictures(), pictures(shape=(9, 9)), "In the negatives: Pictures of shape"),
            (pictures(), np.full((3, 8, 8), 2.0), "In the negatives: Pixels must lie"),
            (pictures(), strange(), "In the negatives: .*learned pictures"),
        ],
    )
    def test_what_cannot_be_learned_from_is_refused(self, X, negatives, sentence):
        """With a sentence that says where."""
        with pytest.raises(DataError, match=sentence):
            NegativeSamplingVAE(members=1, epochs=1).fit(X, negatives=negatives)

    def test_pictures_with_holes_are_fine(self):
        """A missing pixel of a negative is black, as it is to the network."""
        holes = pictures() / 255.0
        holes[0, 0, 0] = np.nan
        detector = NegativeSamplingVAE(members=1, epochs=1, random_state=0).fit(pictures(), negatives=holes)
        assert np.isfinite(detector.anomaly_score(pictures())).all()

    @pytest.mark.parametrize("kind", [VAE, AutoEncoder])
    def test_who_cannot_learn_from_negatives_says_so(self, kind):
        """And names who can."""
        with pytest.raises(ParameterError, match=f"{kind.__name__} cannot learn from negatives.*NegativeSamplingVAE"):
            kind(**QUICK).fit(rows(), negatives=strange())

    def test_an_unfitted_generator_is_refused(self):
        """In scikit-learn's words, or ours."""
        with pytest.raises(ValueError, match="not fitted yet"):
            NegativeSamplingVAE(**QUICK).fit(rows(), negatives=VAE())


class TestSources:
    @pytest.mark.parametrize("source", [*SOURCES, "none", Noise(0.1), Own(0.5), Frozen(40, 0.5)], ids=str)
    @pytest.mark.parametrize("X", [rows(), pictures()], ids=["table", "pictures"])
    def test_every_source_trains_is_saved_and_leaves_nothing_behind(self, source, X, tmp_path):
        """Scores are finite and survive saving; pools and samples are no part of the model."""
        detector = NegativeSamplingVAE(source=source, **{**QUICK, "members": 1}).fit(X)
        detector.save(tmp_path / "model")
        again = load(tmp_path / "model")
        assert again.source == source
        assert np.isfinite(detector.anomaly_score(X)).all()
        assert np.array_equal(detector.anomaly_score(X), again.anomaly_score(X))
        assert set(detector.model_.state_dict()) == set(NegativeSamplingVAE(**QUICK).fit(X).model_.state_dict())
        assert detector.model_.sources == ()

    def test_auto_is_adversarial_for_pictures_alone(self):
        """A table without negatives has none; what is given is enough."""
        for X, negatives, expected in (
            (pictures(), None, [1.0]),
            (pictures(), pictures(9, 3), [0.0]),
            (rows(), None, []),
            (rows(), strange(9), [0.0]),
        ):
            model, _ = in_training(NegativeSamplingVAE(**QUICK), X, negatives)
            assert [source.pull for source in model.sources] == expected

    @pytest.mark.parametrize(
        ("parameter", "value"),
        [("source", "heaven"), ("source", 3), ("shift", 0), ("negative_weight", -1), ("background", 1.0)],
    )
    def test_impossible_parameters_are_refused(self, parameter, value):
        """Before any work."""
        with pytest.raises(ParameterError, match=parameter):
            NegativeSamplingVAE(**{parameter: value}).fit(rows())

    @pytest.mark.parametrize("source", ["frozen", "adversarial"])
    def test_a_stopped_training_goes_on_as_if_it_had_never_stopped(self, source, monkeypatch, tmp_path):
        """The early samples, too, are in the checkpoint."""
        common = {**QUICK, "epochs": 6, "batch_size": 16, "source": source}
        expected = NegativeSamplingVAE(**common).fit(rows(), negatives=strange(9)).model_.state_dict()
        stopped = NegativeSamplingVAE(**common, checkpoint=tmp_path / "run")
        add, train, schedules = loop.Run.add, loop.train, []

        def stopping(run, logs):
            add(run, logs)
            if run.steps == 17:
                run.save(schedules[-1])
                raise KeyboardInterrupt

        def noting(model, source, held_out, schedule, **more):
            schedules.append(schedule)
            return train(model, source, held_out, schedule, **more)

        with monkeypatch.context() as patch:
            patch.setattr("oodles.detectors.neural.train", noting)
            patch.setattr(loop.Run, "add", stopping)
            with pytest.raises(KeyboardInterrupt):
                stopped.fit(rows(), negatives=strange(9))
        with pytest.raises(CheckpointError, match="other data or parameters"):
            NegativeSamplingVAE(**common, checkpoint=tmp_path / "run").fit(rows(), negatives=strange(8))
        resumed = NegativeSamplingVAE(**common, checkpoint=tmp_path / "run").fit(rows(), negatives=strange(9))
        assert all(torch.equal(tensor, resumed.model_.state_dict()[name]) for name, tensor in expected.items())

    @pytest.mark.parametrize("source", ["frozen", "adversarial"])
    def test_members_in_threads_of_their_own_draw_what_they_would_alone(self, source, monkeypatch):
        """Pools and samples go with their members; the bits stay."""
        common = {**QUICK, "members": 4, "source": source}
        with fixed_threads(1):
            expected = NegativeSamplingVAE(**common).fit(rows(), negatives=strange(9)).model_.state_dict()
        monkeypatch.setattr(threads, "SMALL", 0.0)
        monkeypatch.setattr(threads, "BALANCED", 0.0)
        with fixed_threads(2):
            apart = NegativeSamplingVAE(**common).fit(rows(), negatives=strange(9)).model_.state_dict()
        assert all(torch.equal(tensor, apart[name]) for name, tensor in expected.items())
