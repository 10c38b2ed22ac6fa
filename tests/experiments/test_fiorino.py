"""Faces and frauds: the document's network, loss, score and boundaries, and every task on made-up data."""

import dataclasses
import math
from functools import partial

import numpy as np
import pyarrow as pa
import pytest
import torch
from scipy.stats import norm
from sklearn.decomposition import PCA

from oodles import data
from oodles.calibration import MedianDeviation
from oodles.data.dataset import Dataset
from oodles.encoding import PictureEncoder
from oodles.errors import DatasetError
from oodles.experiments import PAPERS, Budget, faces, frauds, payments
from oodles.experiments.drawn_faces import drawn_faces
from oodles.experiments.root_error import RootErrorVAE
from oodles.experiments.runner import tasks_of
from oodles.nn import Conv, ConvTranspose, Draws, Leaky, Linear, initialize
from oodles.nn.networks import face_decoder, face_encoder
from oodles.scores import random_points

SMALL = Budget(epochs=2, members=2, network="light", test=150, protocol="clean")


def run(task, tmp_path, budget=SMALL):
    """What a task measures."""
    return task.run(budget, device="cpu", checkpoint=tmp_path / "run", verbose=False)


def table(n, seed=0):
    """Payments of which every eighth is a fraud: Time, two numbers that go together, and one that frauds break."""
    rng = np.random.default_rng(seed)
    strange = np.arange(n) % 8 == 0
    a = rng.normal(size=n)
    columns = {"Time": np.arange(n) * 30.0, "V1": a, "V2": a + 0.1 * rng.normal(size=n) + 9 * strange}
    return pa.table({**columns, "Amount": rng.exponential(size=n)}), strange.astype(np.int8)


@pytest.fixture
def made_up(monkeypatch):
    """Public names, small data."""
    monkeypatch.setattr(payments, "payments", lambda rows: (*table(400), f"{rows}: made up"))

    def load(name, split="train", **options):  # noqa: ARG001
        rows, strange = table(400 if split == "train" else 600, seed=len(split))
        kinds = pa.array(["tcp", "udp", "tcp", "icmp"] * (len(rows) // 4))
        return Dataset(name, rows.rename_columns(["duration", "b", "c", "d"]).append_column("kind", kinds), strange)

    monkeypatch.setattr(payments.data, "load", load)


class TestFaceNetwork:
    def model(self, side=128):
        """The untrained VAE of the document."""
        encoder = PictureEncoder.fit(drawn_faces(2, 0, side=side))
        model = faces.Faces("drawn").detector(Budget()).build(encoder.layout, 1, [])
        initialize(model, Draws([0]))
        return model

    def test_it_has_as_many_parameters_as_the_authors(self):
        """2,648,531."""
        assert sum(parameter.numel() for parameter in self.model().parameters()) == 2_648_531

    def test_its_layers_are_those_of_the_document(self):
        """32, 64, 64, 64 filters down and 64, 64, 32, 3 up, 3x3 with stride 2, LeakyReLU 0.3 but after the last."""
        encoder, decoder = face_encoder((3, 128, 128), 400, 1), face_decoder(200, (3, 128, 128), 1, 1)
        down = [layer for layer in encoder if isinstance(layer, Conv)]
        up = [layer for layer in decoder if isinstance(layer, ConvTranspose)]
        assert [layer.weight.shape[1] for layer in down] == [32, 64, 64, 64]
        assert [layer.weight.shape[2] for layer in up] == [64, 64, 32, 3]
        assert {(layer.kernel, layer.stride) for layer in (*down, *up)} == {(3, 2)}
        slopes = [[layer.slope for layer in network if isinstance(layer, Leaky)] for network in (encoder, decoder)]
        assert slopes == [[0.3] * 4, [0.3] * 3]
        heads = [layer for network in (encoder, decoder) for layer in network if isinstance(layer, Linear)]
        assert [(layer.inputs, layer.outputs) for layer in heads] == [(4096, 400), (200, 4096)]

    @pytest.mark.parametrize("shape", [(3, 128, 128), (1, 28, 28), (3, 50, 37)])
    def test_pictures_of_any_size_pass(self, shape):
        """Rows in, codes out; codes in, rows out."""
        width = math.prod(shape)
        encoder, decoder = face_encoder(shape, 7, 2), face_decoder(5, shape, 2, 2)
        for network in (encoder, decoder):
            initialize(network, Draws([0, 1]))
        assert encoder(torch.rand(2, 3, width)).shape == (2, 3, 7)
        assert decoder(torch.randn(2, 3, 5)).shape == (2, 3, 2 * width)

    def test_its_loss_is_ten_thousand_times_the_squared_error_and_kl(self):
        """Up to a factor and a constant, which no gradient sees."""
        model = self.model(side=32)
        x = torch.rand(1, 5, 32 * 32 * 3)
        mean, std = model.posterior(x)
        z = mean + std * Draws([3]).normal(5, 200)
        error = (x - model.likelihood.mean(model.decoder(z))).square().sum(-1)
        kl = 0.5 * (mean**2 + std**2 - 2 * std.log() - 1).sum(-1)
        variance = faces.VARIANCE
        found = (model.bound(x, Draws([3])) - 0.5 * math.log(2 * math.pi) * x.shape[-1]) / variance
        torch.testing.assert_close(found, error / (2 * variance) + kl, rtol=1e-4, atol=1e-2)
        whole = 128 * 128 * 3
        assert 1 / (2 * variance) == pytest.approx(10_000 / whole)
        assert variance**0.5 == pytest.approx(1.57, abs=0.005)


class TestFaces:
    def test_faces_are_drawn_alike_for_a_seed(self):
        """Each from its own stream: more of them begin with the same ones, and corners show the plain wall."""
        some, more, others = drawn_faces(3, 0), drawn_faces(5, 0), drawn_faces(3, 1)
        assert some.shape == (3, 128, 128, 3)
        np.testing.assert_array_equal(some, more[:3])
        assert not np.array_equal(some, others)
        assert (some[:, 0, 0] == some[:, 0, -1]).all()

    def test_principal_components_are_scikit_learns(self):
        """What is left of unseen rows on the first few."""
        rng = np.random.default_rng(0)
        learned, unseen = (rng.integers(0, 256, (n, 4, 5, 3), dtype=np.uint8) for n in (30, 6))
        known = PCA(7).fit(learned.reshape(30, -1) / 255)
        expected = known.inverse_transform(known.transform(unseen.reshape(6, -1) / 255))
        np.testing.assert_allclose(faces.projected(learned, unseen, 7).reshape(6, -1), expected, atol=1e-4)

    @pytest.mark.parametrize("protocol", ["paper", "clean"])
    def test_a_run_gives_faces_back(self, tmp_path, monkeypatch, protocol):
        """Numbers, and three pictures at half size; what is too large for memory comes piece by piece."""
        monkeypatch.setattr(faces, "UNSEEN", 20)
        monkeypatch.setattr(faces, "drawn_faces", partial(drawn_faces, side=32))
        monkeypatch.setattr(faces, "PIXELS_IN_MEMORY", 0 if protocol == "paper" else math.inf)
        budget = dataclasses.replace(SMALL, images=40, epochs=1, protocol=protocol)
        result = run(faces.Faces("drawn"), tmp_path, budget)
        found = {name: value for name, (value,) in result.numbers["unseen"].items()}
        assert found["error, 200 components"] < found["error, mean face"]
        assert 0 <= found["active codes"] <= 200
        shapes = {name: pixels.shape for name, pixels in result.pictures.items()}
        assert shapes == {
            "reconstructions": (32, 160, 3),
            "samples": (48, 160, 3),
            "interpolation": (48, 160, 3),
        }


class TestParts:
    def test_payments_lie_in_one_part_each(self):
        """Eight tenths, one and one of either class; no fraud is learned, and doubles are one."""
        rows, strange = table(400)
        doubled = pa.concat_tables([rows, rows.slice(0, 100)])
        parts = payments.stratified(doubled, np.concatenate([strange, strange[:100]]), seed=3)
        assert (len(parts.learned), len(parts.validated), len(parts.judged)) == (280, 40, 40)
        assert parts.validation.sum() == parts.truth.sum() == 5
        seen = [set(part["V1"].to_pylist()) for part in (parts.learned, parts.validated, parts.judged)]
        assert sum(map(len, seen)) == len(set.union(*seen)) == 360
        assert not seen[0] & set(rows["V1"].to_numpy()[strange == 1])
        assert "Time" not in parts.learned.column_names
        again = payments.stratified(rows, strange, seed=4)
        assert set(again.judged["V1"].to_pylist()) != seen[2]

    def test_the_papers_parts_follow_time_and_leak(self):
        """Late rows are judged, and every column has mean 0 and deviation 1 with them."""
        rows, strange = table(400)
        order = np.random.default_rng(0).permutation(400)
        parts = payments.chronological(rows.take(order), strange[order])
        assert (len(parts.learned), len(parts.validated), len(parts.judged)) == (315, 20, 20)
        late = rows["V1"].to_numpy()
        scaled = (late - late.mean()) / late.std()
        np.testing.assert_allclose(parts.judged["V1"].to_numpy(), scaled[380:])
        assert parts.truth.tolist() == strange[380:].tolist()

    def test_connections_are_judged_on_a_set_of_their_own(self, made_up):  # noqa: ARG002
        """The test set's share of attacks stays."""
        draw, _ = payments.parts_of("connections", SMALL)
        parts = draw(0)
        assert len(parts.judged) == 300
        assert len(parts.validated) == 40
        assert parts.truth.mean() == pytest.approx(1 / 8, abs=0.05)
        assert 300 < len(parts.learned) <= 360 * 7 / 8 + 5

    @pytest.mark.parametrize("rows", payments.FORMS)
    def test_real_payments(self, rows):
        """All 492 frauds, with as many genuine payments as the file is known for."""
        try:
            found, strange, note = payments.payments(rows)
        except DatasetError as error:
            pytest.skip(str(error))
        genuine = {"all payments": 284_315, "random sample": 3604, "whole sample": 6598, "later rows": 1601}[rows]
        assert (strange == 0).sum() == genuine
        assert strange.sum() == 492 if rows != "later rows" else 460 < strange.sum() < 492
        assert found.num_columns == 30
        assert ("Partial" in note) == (rows != "all payments")

    def test_what_is_not_here_is_said(self, tmp_path, monkeypatch):
        """By the file's name; a sample never stands for the whole."""
        monkeypatch.setenv("OODLES_DATA", str(tmp_path))
        with pytest.raises(DatasetError, match=r"creditcard/creditcard\.csv is not"):
            payments.payments("all payments")


class TestAlarms:
    def test_the_best_f1_is_found(self):
        """By trying every boundary, with ties among the scores."""
        rng = np.random.default_rng(0)
        for _ in range(20):
            strange = rng.random(60) < 0.2
            scores = np.round(rng.normal(size=60) + 1.5 * strange, 1)
            tried = [(s > limit, limit) for s in [scores] for limit in np.unique(scores) - 0.05]
            best = max(2 * (a & strange).sum() / (a.sum() + strange.sum()) for a, _ in tried)
            alarms = scores > frauds.best_f1(scores, strange.astype(int))
            assert 2 * (alarms & strange).sum() / (alarms.sum() + strange.sum()) == pytest.approx(best)

    def test_the_other_rules_look_at_usual_rows_only(self):
        """Quantiles, and the mean with robust deviations."""
        rng = np.random.default_rng(1)
        usual = rng.normal(size=1000)
        scores, strange = np.r_[usual, np.full(50, 99.0)], np.repeat([0, 1], [1000, 50])
        found = frauds.limits(scores, strange)
        assert (usual > found["1 % alarmed"]).sum() == 10
        assert (usual > found["0.1 % alarmed"]).sum() == 1
        assert found["mean + 3 MAD"] == pytest.approx(MedianDeviation(3)(usual) - np.median(usual) + usual.mean())

    def test_precision_among_payments_as_they_are(self):
        """Bayes' rule with 492 of 284,807: at half the frauds and one of a hundred, eight of a hundred alarms."""
        rows, truth = table(80)[0], np.repeat([0, 1], [100, 10])
        judged = np.r_[np.zeros(99), [5.0], np.zeros(5), np.full(5, 5.0)]
        parts = payments.Parts(rows, rows, rows, np.repeat([0, 1], [50, 5]), truth)
        found = frauds.worth("s", np.r_[np.zeros(50), np.full(5, 9.0)], judged, parts)["s, best F1"]
        assert (found["recall"], found["false alarms"]) == (0.5, 0.01)
        share = 492 / 284_807
        assert found["precision at 0.17 %"] == pytest.approx(share * 0.5 / (share * 0.5 + (1 - share) * 0.01))


class TestFrauds:
    @pytest.mark.parametrize("protocol", ["paper", "clean"])
    @pytest.mark.parametrize("method", frauds.KINDS)
    def test_every_method_is_measured(self, made_up, tmp_path, method, protocol):  # noqa: ARG002
        """Each score as a ranking and at four boundaries, one number for each run; nothing is left behind."""
        budget = dataclasses.replace(SMALL, protocol=protocol)
        result = run(frauds.Frauds("random sample", method), tmp_path, budget)
        assert set(frauds.KINDS[method]) <= set(result.numbers)
        assert len(result.numbers) == 5 * len(frauds.KINDS[method])
        for found in result.numbers.values():
            assert {len(runs) for runs in found.values()} == {2}
        assert ("histogram" in result.pictures) == (frauds.PROBABILITY in frauds.KINDS[method])
        assert list(tmp_path.iterdir()) == []

    def test_connections_with_categories(self, made_up, tmp_path):  # noqa: ARG002
        """In the same way."""
        for method in ("VAE", "OC-SVM", "Isolation forest"):
            result = run(frauds.Frauds("connections", method), tmp_path, dataclasses.replace(SMALL, members=1))
            assert result.numbers[frauds.KINDS[method][0]]["AUROC"][0] > 0.4

    def test_settings_are_the_documents(self):
        """20-10-8, ReLU, NAdam, 1e-3, batches of 128, a thousand epochs, a mean and a variance for each column."""
        made = frauds.Frauds("random sample", "VAE").detector(Budget(), 0)
        assert (made.hidden, made.activation, made.optimizer) == ((20, 10, 8), "relu", "nadam")
        assert (made.lr, made.batch_size, made.epochs, made.latent) == (1e-3, 128, 1000, 2)
        assert (made.likelihood, made.scoring) == ("gaussian-row", "reconstruction_probability-100-random")

    def test_every_cell_can_describe_itself(self):
        """In both protocols; no two tasks share a name."""
        tasks = tasks_of(PAPERS["fiorino2020"].cells)
        assert len({task.name for task in tasks}) == len(tasks)
        assert all(task.described(Budget(protocol=p)) for task in tasks for p in ("paper", "clean"))


class TestRootError:
    def test_its_loss_is_one_root_and_kl(self):
        """By hand."""
        X = np.random.default_rng(0).normal(size=(60, 4))
        model = RootErrorVAE(hidden=(5,), latent=2, members=1, epochs=1, random_state=0).fit(X).model_
        x = torch.randn(1, 7, 4)
        mean, std = model.posterior(x)
        z = mean + std * model.points[0]
        root = (x - model.decoder(z)).square().mean(-1).sqrt()
        kl = 0.5 * (mean**2 + std**2 - 2 * std.log() - 1).sum(-1)
        torch.testing.assert_close(model.criterion(x), root + kl, rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module")
def fitted():
    """The document's VAE, quickly trained on a table, and the rows with frauds."""
    rows, strange = table(400)
    settings = frauds.Frauds("random sample", "VAE").detector(Budget(epochs=3, protocol="clean"), 0)
    learned = rows.drop_columns("Time").filter(pa.array(strange == 0))
    return settings.fit(learned), rows.drop_columns("Time")


class TestReconstructionProbability:
    def test_it_is_minus_the_log_of_the_mean_probability(self, fitted):
        """Over a hundred draws of the code, each with a mean and a variance for every column: by hand, in float64."""
        detector, rows = fitted
        x = detector.encoder_.transform(rows)
        model = detector.model_
        with torch.no_grad():
            mean, std = model.posterior(torch.from_numpy(x)[None])
            total = np.zeros(len(x))
            for point in random_points(100, 2):
                parameters = model.decoder(mean + std * point)
                expected, log_std = (some[0].double().numpy() for some in model.likelihood.moments(parameters))
                total += norm.pdf(x, expected, np.exp(log_std)).prod(-1)
        by_hand = -np.log(total / 100)
        found = detector.anomaly_score(rows)
        finite = np.isfinite(by_hand)  # the largest scores are probabilities that float64 cannot hold
        assert finite.mean() > 0.8
        np.testing.assert_allclose(found[finite], by_hand[finite], rtol=1e-3, atol=1e-3)
        np.testing.assert_array_equal(found, detector.anomaly_score(rows, frauds.PROBABILITY))

    def test_the_command_line_gives_exactly_this(self, fitted, tmp_path):
        """The same settings as options, a CSV file in, the same scores out."""
        from oodles.cli.app import outcome
        from oodles.data import reading, writing

        detector, rows = fitted
        named = rows.append_column("fraud", pa.array(table(400)[1]))
        for path, some in ((tmp_path / "rows.csv", named), (tmp_path / "plain.csv", rows)):
            with writing.create(str(path)) as writer:
                writer.write(some)
        settings = {"activation": "relu", "latent": 2, "likelihood": "gaussian-row", "optimizer": "nadam"}
        settings |= {"lr": 0.001, "batch_size": 128, "decay": False, "early_stopping": True}
        options = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        shape = ["--detector", "vae", "--hidden", "20,10,8", "--epochs", "3", "--members", "1", "--quiet"]
        scoring = ["--scoring", "reconstruction_probability-100-random", "--label", "fraud"]
        model, scores = tmp_path / "model", tmp_path / "scores.csv"
        assert outcome(["fit", str(tmp_path / "rows.csv"), "-o", str(model), *scoring, *shape, *options]) == 0
        assert outcome(["score", str(model), str(tmp_path / "plain.csv"), "-o", str(scores), "--quiet"]) == 0
        found = reading.read(str(scores))["score"].to_numpy()
        np.testing.assert_allclose(found, detector.anomaly_score(rows), rtol=1e-6)


def test_whole_faces_are_in_the_catalogue():
    """128 x 128 pixels, of either split."""
    try:
        found = data.load("celeba-128", "test", download=False)
    except DatasetError as error:
        pytest.skip(str(error))
    assert found.X.shape[1:] == (128, 128, 3)
