"""A machine around codes says what scikit-learn's says around the same numbers, exactly or by landmarks."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.svm import OneClassSVM as Theirs

from oodles import load
from oodles.cli.app import outcome
from oodles.detectors import VAE, LatentOneClassSVM
from oodles.detectors.kernels import gamma_of, gaussian
from oodles.detectors.landmarks import LandmarkSVM
from oodles.detectors.latent_one_class_svm import UNUSED
from oodles.errors import ParameterError
from oodles.nn import Draws
from oodles.training.parallel import part

SMALL = {"members": 2, "epochs": 20, "hidden": (16,), "latent": 3, "random_state": 0}


def rows(n: int = 300, seed: int = 0) -> np.ndarray:
    """Five columns made of two numbers."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 2))
    return z @ np.array([[1, 2, 0, -1, 1], [0, 1, 1, 1, -2.0]]) + 0.1 * rng.normal(size=(n, 5))


def described(detector, X) -> np.ndarray:
    """What the machines see of rows before they are standardized, (M, N, W), computed by hand from the VAE's scores."""
    x = torch.from_numpy(detector.encoder_.transform(X)).unsqueeze(0).expand(detector.model_.members, -1, -1)
    with torch.inference_mode():
        mean, std = detector.model_.posterior(x)
    more = {
        "mean": np.empty((*mean.shape[:2], 0)),
        "posterior": np.log(std.numpy() ** 2),
        "surprise": detector.member_scores(X, "likelihood")[..., None],
    }
    return np.concatenate([mean.numpy(), more[detector.enclosed]], axis=-1)


def learned(detector, X) -> np.ndarray:
    """The rows that were learned from: all but those held out."""
    return np.delete(X, np.random.default_rng(len(X)).permutation(len(X))[: len(detector.calibration_.scores)], axis=0)


class TestAgreement:
    @pytest.mark.parametrize("enclosed", ["mean", "posterior", "surprise"])
    @pytest.mark.parametrize(("gamma", "nu"), [("scale", 0.1), ("auto", 0.5), ("median", 0.05), (0.7, 0.1)])
    def test_each_members_machine_is_scikit_learns(self, enclosed, gamma, nu) -> None:
        """Minus its decision function around standardized numbers, γ by the words' formulas."""
        ours = LatentOneClassSVM(enclosed=enclosed, gamma=gamma, nu=nu, **SMALL).fit(rows())
        X = np.r_[rows(50, 1), rows(50, 2) * 2]
        inside, judged = described(ours, learned(ours, rows())), described(ours, X)
        scores = ours.member_scores(X)
        for m in range(2):
            middle, spread = inside[m].mean(0), np.maximum(inside[m].std(0), UNUSED)
            v, others = (inside[m] - middle) / spread, (judged[m] - middle) / spread
            apart = euclidean_distances(v)[np.triu_indices(len(v), 1)] ** 2
            words = {"scale": 1 / (v.shape[1] * v.var()), "auto": 1 / v.shape[1], "median": 1 / np.median(apart)}
            theirs = Theirs(nu=nu, gamma=words.get(gamma, gamma)).fit(v)
            expected = -theirs.decision_function(others)
            np.testing.assert_allclose(scores[m], expected, rtol=1e-2, atol=2e-3 * np.abs(expected).max())
        np.testing.assert_array_equal(ours.anomaly_score(X), scores.mean(0))

    def test_all_scores_of_a_vae_are_there_and_are_its_own(self) -> None:
        """Enclosing comes after training, and does not touch it."""
        X = rows(40, 1)
        ours, vae = LatentOneClassSVM(**SMALL).fit(rows()), VAE(**SMALL).fit(rows())
        assert set(ours.model_.scores) == {"energy", *vae.model_.scores}
        for kind in ("elbo", "kl", "iwae", "density", "reconstruction_error"):
            np.testing.assert_array_equal(ours.anomaly_score(X, kind), vae.anomaly_score(X, kind))

    def test_unused_codes_are_not_blown_up(self) -> None:
        """Two columns of noise need no sixteen codes; those that are hardly used stay hardly used."""
        detector = LatentOneClassSVM(**{**SMALL, "latent": 16, "epochs": 100}, enclosed="mean").fit(rows())
        inside = described(detector, learned(detector, rows()))
        assert inside.std(1).min() < UNUSED
        assert torch.equal(detector.model_.enclosure.deviation.min(), torch.tensor(UNUSED))

    def test_the_surprise_sees_what_codes_alone_do_not(self) -> None:
        """Broken correlations, every column as ever: some of these rows have ordinary codes, hardly one is rebuilt."""
        broken = np.stack([np.random.default_rng(j).permutation(column) for j, column in enumerate(rows().T)], axis=1)
        strange = {}
        for enclosed in ("mean", "surprise"):
            detector = LatentOneClassSVM(enclosed=enclosed, **{**SMALL, "epochs": 200}).fit(rows())
            strange[enclosed] = (detector.p_value(broken) < 0.05).mean()
        assert strange["surprise"] > max(0.95, strange["mean"] + 0.05)


class TestLandmarks:
    @pytest.mark.parametrize("nu", [0.1, 0.5])
    def test_they_order_rows_as_the_exact_machine(self, nu) -> None:
        """A ring, four times as many rows as landmarks; and a share ν of them lies outside."""
        rng = np.random.default_rng(0)
        angle = rng.uniform(0, 2 * np.pi, 1200)
        ring = np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.1 * rng.normal(size=(1200, 2))
        v, others = torch.from_numpy(ring[:800]), torch.from_numpy(np.r_[ring[800:], rng.normal(size=(400, 2))])
        machine = LandmarkSVM(v[::4], 1.0, nu)
        for _ in range(50):
            machine.learn(v)
        weights, bias = machine.functions
        ours = (gaussian(others, v[::4], 1.0) @ weights).squeeze(1) + bias
        exact = -Theirs(nu=nu, gamma=1.0).fit(v.numpy()).decision_function(others.numpy())
        assert spearmanr(ours.numpy(), exact)[0] > 0.99
        outside = ((gaussian(v, v[::4], 1.0) @ weights).squeeze(1) + bias > 0).double().mean()
        assert float(outside) == pytest.approx(nu, abs=0.03)

    def test_with_more_rows_than_may_be_solved_for(self) -> None:
        """As many are remembered as there are landmarks; the order is that of the exact machine."""
        X = np.r_[rows(100, 1), rows(100, 2) * 2]
        settings = {**SMALL, "landmarks": 200}
        exact, landmarks = (LatentOneClassSVM(rows=most, **settings).fit(rows(600)) for most in (1000, 400))
        assert exact.model_.enclosure.remembered.rows.shape == (2, 540, 4)
        assert landmarks.model_.enclosure.remembered.rows.shape == (2, 200, 4)
        assert spearmanr(exact.anomaly_score(X), landmarks.anomaly_score(X))[0] > 0.97

    def test_members_equal_single_fits_and_return_from_disk(self, tmp_path) -> None:
        """Bit for bit, as for machines that are solved exactly."""
        settings = {**SMALL, "epochs": 3, "rows": 100, "landmarks": 20}
        stack = LatentOneClassSVM(**settings).fit(rows())
        stack.save(tmp_path / "model")
        for m in range(2):
            alone = LatentOneClassSVM(**{**settings, "members": 1, "random_state": m}).fit(rows())
            np.testing.assert_array_equal(alone.anomaly_score(rows(30, 1)), stack.member_scores(rows(30, 1))[m])
        np.testing.assert_array_equal(
            load(tmp_path / "model").anomaly_score(rows(30, 1)), stack.anomaly_score(rows(30, 1))
        )

    def test_rows_larger_than_memory(self, tmp_path) -> None:
        """Blocks of a memory-mapped file: all count, and the model finds what it finds of the same rows in memory."""
        np.save(tmp_path / "rows.npy", rows(60_000))
        settings = {**SMALL, "members": 1, "epochs": 2, "landmarks": 40}
        streamed = LatentOneClassSVM(**settings, memory=1).fit(np.load(tmp_path / "rows.npy", mmap_mode="r"))
        resident = LatentOneClassSVM(**settings).fit(rows(60_000))
        X = np.r_[rows(100, 1), rows(100, 2) * 3]
        assert spearmanr(streamed.anomaly_score(X), resident.anomaly_score(X))[0] > 0.9


class TestStacks:
    def test_groups_of_members_take_their_machines_along(self) -> None:
        """Threads that train some members each see no other's buffers, before and after enclosing."""
        detector = LatentOneClassSVM(**{**SMALL, "members": 3}).fit(rows())
        fresh = detector.placed(3, [])
        fresh.draws = Draws([0, 1, 2], torch.device("cpu"))
        for model in (fresh, detector.model_):
            some = part(model, slice(1, 3))
            for name, tensor in some.enclosure.named_buffers():
                assert torch.equal(tensor, model.enclosure.get_buffer(name)[1:]), name

    def test_a_stopped_training_goes_on(self, tmp_path) -> None:
        """From a checkpoint that was written before anything was enclosed."""
        whole = LatentOneClassSVM(**SMALL).fit(rows())
        settings = {**SMALL, "checkpoint": tmp_path / "run"}
        LatentOneClassSVM(**settings).fit(rows())
        assert (tmp_path / "run").exists()
        again = LatentOneClassSVM(**settings).fit(rows())
        np.testing.assert_array_equal(again.anomaly_score(rows(20, 1)), whole.anomaly_score(rows(20, 1)))


class TestParameters:
    @pytest.mark.parametrize(
        ("parameters", "expected"),
        [
            ({"enclosed": "everything"}, "one of surprise, mean, posterior"),
            ({"landmarks": 0}, "a whole number of at least 1"),
            ({"rows": 0}, "a whole number of at least 1"),
            ({"nu": 0.0}, "a share between 0 and 1"),
            ({"gamma": "wide"}, "a positive number, 'scale', 'auto' or 'median'"),
        ],
    )
    def test_impossible_ones_are_refused(self, parameters, expected) -> None:
        """The sentence names what came and what was expected."""
        with pytest.raises(ParameterError, match=f"{next(iter(parameters))}=.* makes no sense: expected {expected}"):
            LatentOneClassSVM(**parameters).fit(rows())

    def test_gamma_of_rows_that_are_all_one(self) -> None:
        """There is no distance to take the median of."""
        for v in (torch.ones(1, 3), torch.ones(5, 3)):
            assert gamma_of("median", v) == gamma_of("scale", v) == 1.0


class TestDoors:
    def test_the_command_line_knows_it(self, tmp_path) -> None:
        """Fit with a setting, score; and a score needs no scikit-learn."""
        pd.DataFrame(rows(), columns=list("abcde")).to_csv(tmp_path / "rows.csv", index=False)
        model = str(tmp_path / "model")
        options = ["--detector", "LatentOneClassSVM", "--set", "enclosed=posterior", "--epochs", "2", "--quiet"]
        assert outcome(["fit", str(tmp_path / "rows.csv"), "-o", model, *options]) == 0
        assert load(model).enclosed == "posterior"
        program = (
            "import sys, pyarrow, oodles\n"
            f"oodles.load({model!r}).anomaly_score(pyarrow.table({{name: [1.0, 2.0] for name in 'abcde'}}))\n"
            "assert 'sklearn' not in sys.modules\n"
        )
        subprocess.run([sys.executable, "-c", program], check=True)

    def test_pictures(self) -> None:
        """Reasons have the pictures' shape and are nats of surprise."""
        pictures = np.random.default_rng(0).integers(0, 255, (60, 8, 8), dtype=np.uint8)
        detector = LatentOneClassSVM(members=1, epochs=2, random_state=0).fit(pictures)
        assert detector.explain(pictures).shape == pictures.shape
        assert detector.reason_unit == "nats"
        assert detector.embed(pictures).shape == (60, 10)
