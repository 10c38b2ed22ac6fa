"""M2: bounds that are those of the paper, classes that are summed over, and a handful of known anomalies that help."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch.distributions import Categorical, Independent, Normal, kl_divergence

from oodles import load, scores
from oodles.cli import main
from oodles.detectors import VAE, SemiSupervisedVAE
from oodles.errors import DataError, ParameterError
from oodles.metrics import auroc
from oodles.nn import Draws

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


def taken(model, x):
    """The loss that a step minimizes, and who moves."""
    moves = []
    model.step(x, lambda loss, *, over: moves.append((loss, over)))
    (move,) = moves
    return move


class TestMathematics:
    def test_the_bound_of_a_row_and_its_class(self):
        """L(x, y) = KL(q(z|x,y) ‖ N(0, I)) - E log p(x|y,z) - log p(y), for each class, at given points."""
        model, x = in_training(SemiSupervisedVAE(anomaly_share=0.05, **QUICK), rows())
        mean, std = model.posteriors(x)
        points = [torch.randn(2, 120, 3, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)]
        for k, share in enumerate((0.95, 0.05)):
            q, y = Normal(mean[..., k, :], std[..., k, :]), model.decode.classes[k]
            kl = kl_divergence(Independent(q, 1), Independent(Normal(torch.zeros(3), torch.ones(3)), 1))
            told = y.expand(2, 120, 2)
            log_p = [
                model.likelihood.log_prob(x, model.decode.network(torch.cat([q.mean + q.stddev * point, told], -1)))
                for point in points
            ]
            expected = kl - sum(log_p) / 2 - np.log(share)
            torch.testing.assert_close(model.joint(x, y, (q.mean, q.stddev), points), expected, rtol=1e-4, atol=1e-4)

    def test_the_class_is_summed_over_exactly(self):
        """U(x) = Σ q(y|x) L(x, y) - H(q(y|x)); it is least, -log Σ exp(-L(x, y)), where q(y|x) ∝ exp(-L(x, y))."""
        model, x = in_training(SemiSupervisedVAE(**QUICK), rows())
        points = [torch.randn(2, 120, 2, 3, generator=torch.Generator().manual_seed(0))]
        mean, std = model.posteriors(x)
        each = [
            model.joint(x, y, (mean[..., k, :], std[..., k, :]), [points[0][..., k, :]])
            for k, y in enumerate(model.decode.classes)
        ]
        bounds = torch.stack(each, -1)
        q = Categorical(logits=model.log_classes(x))
        expected = (q.probs * bounds).sum(-1) - q.entropy()
        found = model.unlabeled_loss(x, points)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)

        least = -(-bounds).logsumexp(-1)
        assert (found >= least - 1e-4).all()
        model.log_classes = lambda _: (-bounds).log_softmax(-1)
        torch.testing.assert_close(model.unlabeled_loss(x, points), least, rtol=1e-4, atol=1e-4)

    def test_a_labeled_row_has_its_own_class(self):
        """w L(x, y) - α log q(y|x), row by row, as if all rows were of that class."""
        model, x = in_training(SemiSupervisedVAE(anomaly_share=0.1, label_weight=0.7, **QUICK), rows())
        point = torch.randn(2, 120, 3, generator=torch.Generator().manual_seed(0))
        y = model.decode.classes[(torch.arange(120) % 2).expand(2, -1)]
        both = model.labeled_loss(x, y, [point])
        mean, std = model.posteriors(x)
        for k, one in enumerate(model.decode.classes):
            L = model.joint(x, one, (mean[..., k, :], std[..., k, :]), [point])
            expected = 0.1 * L - 0.7 * model.log_classes(x)[..., k]
            torch.testing.assert_close(both[:, k::2], expected[:, k::2], rtol=1e-4, atol=1e-4)

    def test_to_scores_it_is_the_model_of_normal_rows(self):
        """Their posterior and decoder are those of y = 0: the ELBO bounds -log p(x | y = 0)."""
        model, x = in_training(SemiSupervisedVAE(**QUICK), rows())
        mean, std = model.posteriors(x)
        assert torch.equal(model.posterior(x)[0], mean[..., 0, :])
        assert torch.equal(model.posterior(x)[1], std[..., 0, :])
        z = torch.randn(2, 120, 3)
        assert torch.equal(model.decoder(z), model.decode.given(z, torch.tensor([1.0, 0.0])))
        joint = model.joint(x, model.decode.classes[0], model.posterior(x), list(model.points[:4]))
        torch.testing.assert_close(scores.elbo(model, x) - np.log(0.98), joint, rtol=1e-4, atol=1e-4)

    def test_scores_of_classes(self):
        """log q(1|x) / q(0|x), and the ELBO of a feature with -log q(0|x) beside it, in nats."""
        model, x = in_training(SemiSupervisedVAE(**QUICK), rows())
        q = model.log_classes(x).exp()
        torch.testing.assert_close(q.sum(-1), torch.ones(2, 120))
        torch.testing.assert_close(scores.log_odds(model, x), (q[..., 1] / q[..., 0]).log(), rtol=1e-4, atol=1e-4)
        both = scores.elbo(model, x) / 5 - q[..., 0].log()
        torch.testing.assert_close(scores.classified_elbo(model, x), both, rtol=1e-4, atol=1e-4)


class TestRounds:
    def test_a_step_is_one_move_of_all(self):
        """The mean of U(x) - α Σ p(y) log q(y|x) and of negatives' w L(x̄, 1) - α log q(1|x̄), at the streams' draws."""
        model, x = in_training(SemiSupervisedVAE(**QUICK), rows(), strange(9))
        loss, over = taken(model, x)
        assert over is model
        assert all((g != 0).any() for g in torch.autograd.grad(loss.sum(), list(model.parameters())))

        model.draws = Draws([1, 2])
        points = [model.draws.normal(120, 2, 3)]
        bad = model.sources[0](model, x, x)
        known = model.labeled_loss(bad, model.decode.classes[1], [model.draws.normal(120, 3)])
        assumed = -(torch.tensor([0.98, 0.02]) * model.log_classes(x)).sum(-1)
        torch.testing.assert_close(loss, (model.unlabeled_loss(x, points) + assumed + known).mean(-1))

    def test_without_negatives_nothing_is_labeled(self):
        """The step descends U(x) and what is assumed of the classes, no more."""
        model, x = in_training(SemiSupervisedVAE(**QUICK), rows())
        loss, _ = taken(model, x)
        model.draws = Draws([1, 2])
        expected = model.unlabeled_loss(x, [model.draws.normal(120, 2, 3)]) + model.assumed_loss(x)
        torch.testing.assert_close(loss, expected.mean(-1))

    def test_a_background_model_learns_beside_it(self):
        """Its score can then be asked for."""
        detector = SemiSupervisedVAE(background=0.2, **QUICK).fit(rows())
        assert np.isfinite(detector.anomaly_score(rows(), "likelihood_ratio")).all()


class TestNegatives:
    def test_twenty_known_anomalies_improve_the_next_alarm(self):
        """Others of their kind rank higher than for a VAE, and than for the same detector without them."""
        frauds = np.array([0.4, 0, -0.4, 0, 0.4])
        X, y = np.r_[rows(300, 5), rows(300, 6) + frauds], np.repeat([0, 1], 300)
        common = {"members": 2, "epochs": 120, "hidden": (16,), "random_state": 0}
        found = {}
        for name, negatives in (("none", None), ("twenty", rows(20, 7) + frauds)):
            detector = SemiSupervisedVAE(**common).fit(rows(300, 4), negatives=negatives)
            found[name] = auroc(y, detector.anomaly_score(X))
            found[f"{name}, log odds"] = auroc(y, detector.anomaly_score(X, "log_odds"))
        assert found["twenty, log odds"] > 0.95
        assert found["twenty"] > found["none"] + 0.2
        assert found["twenty"] > auroc(y, VAE(**common).fit(rows(300, 4)).anomaly_score(X)) + 0.2

    def test_pictures_of_another_set(self):
        """Dark pictures learned, bright ones given as negatives: the convolutional classifier tells them apart."""
        dark, bright = pictures(64) // 4, 255 - pictures(40, 1) // 4
        detector = SemiSupervisedVAE(members=1, epochs=12, likelihood="bernoulli", lr=1e-3, random_state=0)
        detector.fit(dark, negatives=bright[:20])
        X, y = np.concatenate([pictures(20, 7) // 4, bright[20:]]), np.repeat([0, 1], 20)
        for kind in ("elbo", "log_odds"):
            assert auroc(y, detector.anomaly_score(X, kind)) > 0.99
        color = SemiSupervisedVAE(members=1, epochs=1, random_state=0).fit(pictures(shape=(8, 8, 3)))
        assert color.sample(3).shape == (3, 8, 8, 3)

    def test_columns_are_matched_by_name_and_levels_may_be_unseen(self):
        """A frame with its columns in another order gives the same model; unseen levels and holes are fine."""
        frame = pd.DataFrame(rows(), columns=list("abcde")).assign(shop=["x", "y"] * 60)
        bad = pd.DataFrame(strange(20), columns=list("abcde")).assign(shop="never seen")
        bad.loc[3, "b"] = np.nan
        first = SemiSupervisedVAE(**QUICK).fit(frame, negatives=bad)
        again = SemiSupervisedVAE(**QUICK).fit(frame, negatives=bad[bad.columns[::-1]])
        plain = SemiSupervisedVAE(**QUICK).fit(frame)
        assert np.isfinite(first.anomaly_score(frame)).all()
        assert np.array_equal(first.anomaly_score(frame), again.anomaly_score(frame))
        assert not np.array_equal(first.anomaly_score(frame), plain.anomaly_score(frame))

    def test_several_sets_and_generators(self):
        """They are anomalies all."""
        negatives = [strange(20), VAE(**QUICK).fit(rows() + 3)]
        detector = SemiSupervisedVAE(**QUICK).fit(rows(), negatives=negatives)
        assert np.isfinite(detector.anomaly_score(rows(), "log_odds")).all()
        with pytest.raises(DataError, match="In set 2 of the negatives"):
            SemiSupervisedVAE(**QUICK).fit(rows(), negatives=[strange(), rows()[:, :2]])

    @pytest.mark.parametrize("X", [rows(), pictures()], ids=["table", "pictures"])
    def test_saved_it_has_forgotten_its_negatives(self, X, tmp_path):
        """They are no part of the model; scores survive."""
        detector = SemiSupervisedVAE(**QUICK).fit(X, negatives=X[:5])
        detector.save(tmp_path / "model")
        again = load(tmp_path / "model")
        assert set(detector.model_.state_dict()) == set(SemiSupervisedVAE(**QUICK).fit(X).model_.state_dict())
        for kind in ("log_odds", detector.scoring):
            assert np.array_equal(detector.anomaly_score(X, kind), again.anomaly_score(X, kind))

    def test_the_command_line_gives_it_known_anomalies(self, tmp_path, capsys):
        """`oodles fit` with `--negatives` fits what Python does."""
        columns = list("abcde")
        pd.DataFrame(rows(), columns=columns).to_csv(tmp_path / "rows.csv", index=False)
        pd.DataFrame(strange(9), columns=columns).to_csv(tmp_path / "known.csv", index=False)
        fit = ["fit", "rows.csv", "-o", "model", "--negatives", "known.csv", "--detector", "SemiSupervisedVAE"]
        words = [str(tmp_path / word) if "." in word or word == "model" else word for word in fit]
        settings = ["--members", "2", "--epochs", "2", "--seed", "0", "--set", "hidden=[8]", "--set", "latent=3"]
        with pytest.raises(SystemExit) as stop:
            main([*words, *settings])
        assert stop.value.code == 0, capsys.readouterr().err
        frame, known = (pd.read_csv(tmp_path / name) for name in ("rows.csv", "known.csv"))
        expected = SemiSupervisedVAE(**QUICK).fit(frame, negatives=known)
        assert np.array_equal(load(tmp_path / "model").anomaly_score(frame), expected.anomaly_score(frame))

    @pytest.mark.parametrize(("parameter", "value"), [("anomaly_share", 0), ("anomaly_share", 1), ("label_weight", -1)])
    def test_impossible_parameters_are_refused(self, parameter, value):
        """Before any work."""
        with pytest.raises(ParameterError, match=parameter):
            SemiSupervisedVAE(**{parameter: value}).fit(rows())
