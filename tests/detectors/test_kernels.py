"""The kernel methods say what scikit-learn's say, without scikit-learn; what they remember travels with the model."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.decomposition import KernelPCA as TheirPCA
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import OneClassSVM as TheirSVM

from oodles import load, storage
from oodles.cli.app import outcome
from oodles.detectors import KernelPCA, OneClassSVM
from oodles.errors import ArtefactError, ParameterError

BOTH = [OneClassSVM, KernelPCA]


def bent_rows(n: int = 200, seed: int = 0) -> np.ndarray:
    """A ring in two columns, and its height in a third."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, n)
    return np.stack([np.cos(angle), np.sin(angle), np.sin(3 * angle)], axis=1) + 0.1 * rng.normal(size=(n, 3))


def seen(detector, X) -> np.ndarray:
    """Rows as the kernels read them."""
    (x,) = detector._read(X)
    return detector.model_.seen(x.unsqueeze(0))[0].double().numpy()


def learned(detector, X) -> np.ndarray:
    """The rows that were learned from, as the kernels read them: all but those held out."""
    if isinstance(detector, KernelPCA):
        return detector.model_.remembered.rows.double().numpy()
    n = len(X)
    held_out = np.random.default_rng(n).permutation(n)[: len(detector.calibration_.scores)]
    return np.delete(seen(detector, X), held_out, axis=0)


def distance(theirs: TheirPCA, gamma: float, rows: np.ndarray, X: np.ndarray) -> np.ndarray:
    """Hoffmann's reconstruction error, by his equations (7) and (9)."""
    inner, across = rbf_kernel(rows, gamma=gamma), rbf_kernel(X, rows, gamma=gamma)
    length = 1 - 2 * across.mean(1) + inner.mean()
    return length - (theirs.transform(X) ** 2).sum(1)


class TestAgreement:
    @pytest.mark.parametrize("gamma", ["scale", "auto", 2.5])
    @pytest.mark.parametrize("nu", [0.05, 0.5])
    def test_the_svm_is_scikit_learns(self, gamma, nu) -> None:
        """The score is minus its decision function, near the data and far away."""
        ours = OneClassSVM(nu=nu, gamma=gamma, random_state=0).fit(bent_rows())
        theirs = TheirSVM(nu=nu, gamma=gamma).fit(learned(ours, bent_rows()))
        for X in (bent_rows(50, 1), bent_rows(50, 2) * 3, bent_rows(5, 3) + 100):
            expected = -theirs.decision_function(seen(ours, X))
            np.testing.assert_allclose(ours.anomaly_score(X), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())

    @pytest.mark.parametrize("gamma", ["scale", "auto", 2.5])
    @pytest.mark.parametrize("components", [1, 12, 60])
    def test_the_components_are_scikit_learns(self, gamma, components) -> None:
        """Codes are its projections, up to their signs, and the score is Hoffmann's."""
        ours = KernelPCA(gamma=gamma, components=components, random_state=0).fit(bent_rows())
        rows, number = learned(ours, bent_rows()), float(ours.model_.remembered.gamma)
        theirs = TheirPCA(components, kernel="rbf", gamma=number, eigen_solver="dense").fit(rows)
        for X in (bent_rows(50, 1), bent_rows(50, 2) * 3, bent_rows(5, 3) + 100):
            expected, projections = distance(theirs, number, rows, seen(ours, X)), theirs.transform(seen(ours, X))
            np.testing.assert_allclose(ours.anomaly_score(X), expected, rtol=1e-4, atol=1e-10)
            np.testing.assert_allclose(np.abs(ours.embed(X)), np.abs(projections), rtol=1e-4, atol=1e-5)

    def test_gamma_in_words(self) -> None:
        """`scale` is 1 / (W · variance of all cells), `auto` 1 / W."""
        rows = bent_rows()
        scale, auto = (KernelPCA(gamma=gamma, random_state=0).fit(rows) for gamma in ("scale", "auto"))

        assert float(auto.model_.remembered.gamma) == pytest.approx(1 / 3)
        spread = learned(scale, rows).var()
        assert float(scale.model_.remembered.gamma) == pytest.approx(1 / (3 * spread))

    def test_components_by_the_number_of_rows(self) -> None:
        """`auto` is one for every 32 learned rows and at least 8, but no more than there are."""
        for n, expected in ((6, 5), (100, 8), (800, 720 // 32)):
            assert KernelPCA(random_state=0).fit(bent_rows(n)).embed(bent_rows(2)).shape == (2, expected)

    def test_many_components_leave_learned_rows_no_distance(self) -> None:
        """With as many as rows, all lie in the subspace; rounding does not make them strange."""
        detector = KernelPCA(components=1000, random_state=0).fit(bent_rows(80))
        kept = np.delete(bent_rows(80), np.random.default_rng(80).permutation(80)[:19], axis=0)

        assert np.abs(detector.anomaly_score(kept)).max() < 1e-6
        assert detector.anomaly_score(bent_rows(5) + 3).min() > 0.1

    @pytest.mark.parametrize("kind", BOTH)
    def test_the_hole_of_a_ring_is_strange(self, kind) -> None:
        """What lies in the middle of every column, and nowhere near a learned row."""
        detector = kind(random_state=0, gamma=2.0).fit(bent_rows(400))

        assert detector.anomaly_score(np.zeros((1, 3)))[0] > np.quantile(
            detector.anomaly_score(bent_rows(200, 5)), 0.99
        )

    @pytest.mark.parametrize("kind", BOTH)
    def test_reasons_add_up(self, kind) -> None:
        """To the score minus the mean held-out score, up to the error of a sum over eight points."""
        detector = kind(random_state=0).fit(bent_rows())
        X = bent_rows(50, 1) * 1.5
        excess = detector.anomaly_score(X) - detector.calibration_.scores.mean()

        np.testing.assert_allclose(detector.explain(X).sum(1), excess, atol=0.05 * np.abs(excess).max())


class TestInput:
    @pytest.mark.parametrize("kind", BOTH)
    @pytest.mark.parametrize("n", [2, 3, 4])
    def test_few_rows(self, kind, n) -> None:
        """One learned row is a kernel around it."""
        detector = kind(random_state=0).fit(bent_rows(n))
        scores = detector.anomaly_score(np.r_[bent_rows(n), bent_rows(n) + 50])

        assert np.isfinite(scores).all()
        assert scores[n:].min() > scores[:n].mean()

    @pytest.mark.parametrize("kind", BOTH)
    def test_constant_columns_and_equal_rows(self, kind) -> None:
        """A column that never changed is strange when it does; rows may all be one but for a held-out one."""
        fixed = np.c_[bent_rows(), np.full(200, 7.0)]
        detector = kind(random_state=0).fit(fixed)
        changed = fixed.copy()
        changed[:, 3] = 8
        assert (detector.anomaly_score(changed) > detector.anomaly_score(fixed)).all()
        assert (detector.explain(changed).argmax(1) == 3).all()

        same = np.zeros((10, 2))
        same[np.random.default_rng(10).permutation(10)[0]] = 5.0  # held out
        lonely = kind(random_state=0).fit(same)
        assert np.isfinite(lonely.anomaly_score(same)).all()
        assert lonely.anomaly_score(np.ones((1, 2)))[0] > lonely.anomaly_score(np.zeros((1, 2)))[0]

    @pytest.mark.parametrize("kind", BOTH)
    def test_holes_and_new_levels(self, kind) -> None:
        """A missing cell explains nothing; a level never seen lies far away."""
        rng = np.random.default_rng(0)
        frame = pd.DataFrame({"a": rng.normal(size=300), "b": rng.choice(["x", "y"], 300)})
        detector = kind(random_state=0).fit(frame)

        assert detector.explain(frame.assign(a=np.nan))[:, 0].tolist() == [0.0] * 300
        assert (detector.anomaly_score(frame.assign(b="z")) > detector.anomaly_score(frame)).all()

    @pytest.mark.parametrize("kind", BOTH)
    def test_rows_are_chosen_by_the_seed(self, kind) -> None:
        """At most so many are learned from; another seed chooses others."""
        one, same, other = (kind(rows=50, random_state=seed).fit(bent_rows()).model_.remembered for seed in (0, 0, 1))

        assert len(one.rows) <= 50
        assert torch.equal(one.rows, same.rows)
        assert one.rows.shape != other.rows.shape or not torch.equal(one.rows, other.rows)

    @pytest.mark.parametrize(
        ("kind", "parameters", "expected"),
        [
            (OneClassSVM, {"nu": 0}, "a share between 0 and 1"),
            (OneClassSVM, {"nu": 1}, "a share between 0 and 1"),
            (OneClassSVM, {"gamma": "wide"}, "a positive number, 'scale', 'auto' or 'median'"),
            (KernelPCA, {"gamma": 0.0}, "a positive number, 'scale', 'auto' or 'median'"),
            (KernelPCA, {"gamma": float("inf")}, "a positive number, 'scale', 'auto' or 'median'"),
            (KernelPCA, {"components": 0}, "a whole number of at least 1, or 'auto'"),
            (KernelPCA, {"rows": 2.5}, "a whole number of at least 1"),
        ],
    )
    def test_impossible_parameters_are_refused(self, kind, parameters, expected) -> None:
        """The sentence names what came and what was expected."""
        with pytest.raises(ParameterError, match=f"{next(iter(parameters))}=.* makes no sense: expected {expected}"):
            kind(**parameters).fit(bent_rows())

    def test_there_are_no_members_no_negatives_and_no_codes_of_an_svm(self) -> None:
        """Each is a sentence."""
        detector = OneClassSVM(random_state=0).fit(bent_rows())
        with pytest.raises(ParameterError, match="gives rows no codes"):
            detector.embed(bent_rows())
        with pytest.raises(ParameterError, match="cannot learn from negatives"):
            OneClassSVM().fit(bent_rows(), negatives=bent_rows())
        with pytest.raises(ParameterError, match="Invalid parameter 'members'"):
            detector.set_params(members=3)
        assert (detector.epochs_, detector.model_.members) == (0, 1)


class TestKeeping:
    @pytest.mark.parametrize("kind", BOTH)
    def test_as_many_rows_as_the_data_asked_for(self, kind, tmp_path) -> None:
        """Models of few and of many rows come back, bit for bit."""
        for n in (2, 30, 300):
            detector = kind(random_state=0).fit(bent_rows(n))
            detector.save(tmp_path / "model")
            loaded = load(tmp_path / "model")
            assert np.array_equal(loaded.anomaly_score(bent_rows(40, 1)), detector.anomaly_score(bent_rows(40, 1)))
            assert np.array_equal(loaded.explain(bent_rows(40, 1)), detector.explain(bent_rows(40, 1)))

    @pytest.mark.parametrize("kind", BOTH)
    @pytest.mark.parametrize(
        ("name", "change"),
        [
            ("rows", lambda rows: rows[:-1]),
            ("rows", lambda rows: rows[:, :-1]),
            ("rows", lambda rows: rows[0]),
            ("weights", lambda weights: weights[:-1]),
            ("weights", lambda weights: weights[0]),
            ("bias", lambda bias: torch.cat([bias, bias])),
            ("gamma", lambda gamma: gamma.repeat(2)),
            ("gamma", None),
            ("rows", None),
        ],
    )
    def test_tensors_that_do_not_fit_each_other_are_refused(self, kind, name, change, tmp_path) -> None:
        """With checksums that fit: not damage, but a file of another making."""
        kind(random_state=0).fit(bent_rows()).save(tmp_path / "model")
        path, key = tmp_path / "model" / "model.safetensors", f"model.remembered.{name}"
        tensors = load_file(path)
        came = tensors.pop(key)
        save_file({**tensors, **({key: change(came).contiguous()} if change else {})}, path)
        config = json.loads((tmp_path / "model" / "config.json").read_text())
        config["weights_sha256"] = storage.checksum(path.read_bytes())
        config["sha256"] = storage.checksum(storage.canonical(config))
        (tmp_path / "model" / "config.json").write_text(json.dumps(config))

        with pytest.raises(ArtefactError, match="The weights do not fit the model"):
            load(tmp_path / "model")

    @pytest.mark.parametrize("kind", BOTH)
    def test_a_saved_model_scores_without_scikit_learn(self, kind, tmp_path) -> None:
        """It would take a second to import."""
        kind(random_state=0).fit(bent_rows()).save(tmp_path / "model")
        program = (
            "import sys, numpy, oodles\n"
            f"oodles.load({str(tmp_path / 'model')!r}).explain(numpy.ones((2, 3)))\n"
            "assert 'sklearn' not in sys.modules\n"
        )
        subprocess.run([sys.executable, "-c", program], check=True)


class TestCommandLine:
    @pytest.fixture
    def rows(self, tmp_path):
        """Ring and noise as a file with labels."""
        X = np.r_[bent_rows(), 2 * np.random.default_rng(1).normal(size=(30, 3))]
        frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(label=np.arange(230) >= 200)
        frame.astype({"label": int}).to_csv(tmp_path / "rows.csv", index=False)
        return str(tmp_path / "rows.csv")

    @pytest.mark.parametrize("kind", BOTH)
    def test_the_commands_know_it(self, kind, rows, tmp_path, capsys) -> None:
        """Fit, explain, evaluate with a report: facts without epochs and members, a page without their figures."""
        model, name = str(tmp_path / "model"), kind.__name__
        assert outcome(["fit", rows, "--label", "label", "-o", model, "--detector", name, "--json"]) == 0
        facts = json.loads(capsys.readouterr().out)
        assert facts["detector"] == name
        assert not facts.keys() & {"epochs", "members"}
        assert outcome(["explain", model, rows]) == 0
        page = tmp_path / "page.html"
        options = ["--label", "label", "--detector", name, "--set", "rows=80", "--report", str(page), "--json"]
        assert outcome(["evaluate", rows, *options]) == 0
        text = page.read_text(encoding="utf-8")
        assert "Training" not in text
        assert "epoch" not in text
        assert ("Where the first member puts the rows" in text) == (kind is KernelPCA)

    @pytest.mark.parametrize("option", ["epochs", "members", "memory"])
    def test_options_that_it_has_no_parameter_for_are_refused(self, option, rows, tmp_path, capsys) -> None:
        """A usage error before anything is learned."""
        arguments = [] if option == "memory" else ["--label", "label"]
        if option == "memory":
            np.save(tmp_path / "rows.npy", bent_rows())
            rows = str(tmp_path / "rows.npy")
        command = ["fit", rows, *arguments, "-o", str(tmp_path / "m"), "--detector", "OneClassSVM", f"--{option}", "5"]

        assert outcome(command) == 2
        assert f"OneClassSVM has no {option}" in capsys.readouterr().err
        assert not (tmp_path / "m").exists()
