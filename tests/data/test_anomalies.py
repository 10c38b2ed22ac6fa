"""Anomalies of known kinds: they are what their formulas say, and what they are made of stays as it was."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.stats import ks_2samp

from oodles.data import anomalies
from oodles.data.anomalies import PICTURES, TABLES, Cluster, Dependency, Global, Local
from oodles.detectors import VAE, NegativeSamplingVAE
from oodles.errors import DataError, ParameterError, SchemaError

MEAN = np.array([1.0, -2.0, 10.0])
COVARIANCE = np.array([[1.0, 0.8, 0.0], [0.8, 1.0, 0.0], [0.0, 0.0, 4.0]])


@pytest.fixture(scope="module")
def rows():
    """Three columns of one Gaussian, two of them correlated."""
    return np.random.default_rng(0).multivariate_normal(MEAN, COVARIANCE, 1000)


@pytest.fixture(scope="module")
def pictures():
    """Gray pictures of 8 bits that are higher than wide."""
    return np.random.default_rng(1).integers(0, 256, (40, 12, 9), dtype=np.uint8)


class TestTables:
    def test_one_gaussian_is_found_where_there_is_one_and_two_where_there_are_two(self, rows):
        """BIC chooses the number of components."""
        assert len(Local().fit(rows).normals.weights) == 1
        assert len(Local().fit(np.concatenate([rows, rows + 20])).normals.weights) == 2

    @pytest.mark.parametrize("kind", [Local, Cluster, Global])
    def test_normal_rows_have_the_moments_of_real_ones(self, rows, kind):
        """Mean and covariance of the mixture's draws."""
        drawn = kind().fit(rows).normal(40_000)
        assert np.allclose(drawn.mean(axis=0), rows.mean(axis=0), atol=0.05)
        assert np.allclose(np.cov(drawn.T), np.cov(rows.T), atol=0.15)

    def test_local_anomalies_have_larger_covariances(self, rows):
        """α Σ about the same means."""
        drawn = Local(alpha=3).fit(rows).sample(40_000)
        assert np.allclose(drawn.mean(axis=0), rows.mean(axis=0), atol=0.08)
        assert np.allclose(np.cov(drawn.T), 3 * np.cov(rows.T), atol=0.4)

    def test_clusters_have_means_further_from_zero(self, rows):
        """α μ with the same covariances, in raw units."""
        drawn = Cluster(alpha=3).fit(rows).sample(40_000)
        assert np.allclose(drawn.mean(axis=0), 3 * rows.mean(axis=0), atol=0.05)
        assert np.allclose(np.cov(drawn.T), np.cov(rows.T), atol=0.15)

    def test_global_anomalies_fill_a_box_around_normal_rows(self, rows):
        """Uniform from below the smallest normal cell to above the largest, by a tenth of the range."""
        kind = Global().fit(rows)
        drawn, normal = kind.sample(20_000), kind.normal(20_000)
        low, high = kind.strangers.low, kind.strangers.high
        assert ((drawn >= low) & (drawn <= high)).all()
        assert np.allclose(drawn.std(axis=0), (high - low) / np.sqrt(12), rtol=0.02)
        assert ((normal >= low) & (normal <= high)).mean() > 0.998
        assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.03

    def test_adbenchs_box_leaves_normal_rows_outside(self, rows):
        """Where cells are positive, a (1 + m) lies above the smallest cell a; ours lies below."""
        positive = np.abs(rows) + 100
        ours, theirs = (Global(rule=rule).fit(positive) for rule in ("widened", "adbench"))
        assert (theirs.normals.draw(1000, np.random.default_rng(0)) < theirs.strangers.low).mean() > 0.9
        assert (ours.normals.draw(1000, np.random.default_rng(0)) < ours.strangers.low).mean() < 0.001

    def test_dependency_anomalies_have_usual_columns_that_do_not_belong_together(self, rows):
        """The same distribution in every column; a correlation of .8 in normal rows, none in anomalies."""
        kind = Dependency().fit(rows)
        drawn, normal = kind.sample(5000, random_state=1), kind.normal(5000, random_state=2)
        for ours, usual, real in zip(drawn.T, normal.T, rows.T, strict=True):
            assert ks_2samp(ours, usual).pvalue > 0.001
            assert ks_2samp(ours, real).pvalue > 0.001
        assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.05
        assert np.corrcoef(normal.T)[0, 1] == pytest.approx(0.8, abs=0.08)

    @pytest.mark.parametrize("kind", TABLES.values())
    def test_the_units_of_a_column_do_not_matter(self, rows, kind):
        """Rows in other units give anomalies in other units."""
        units = np.array([1e-7, 1.0, 1e9])
        plain, scaled = kind().fit(rows).sample(50), kind().fit(rows * units).sample(50)
        assert np.allclose(plain * units, scaled, rtol=1e-4, atol=1e-4 * units)

    @pytest.mark.parametrize("kind", TABLES.values())
    def test_a_column_that_never_changes_stays_as_it_is(self, rows, kind):
        """In normal rows and in anomalies."""
        fitted = kind().fit(np.insert(rows, 1, 0.1, axis=1))
        assert (fitted.sample(100)[:, 1] == 0.1).all()
        assert (fitted.normal(100)[:, 1] == 0.1).all()

    @pytest.mark.parametrize("kind", [Local, Cluster, Global])
    def test_few_rows_and_equal_rows_have_one_gaussian(self, kind):
        """Fewer rows than components, fewer than columns, or all alike: no flat components, no warnings."""
        few = np.random.default_rng(0).normal(size=(4, 6))
        assert kind().fit(few).normals.weights.tolist() == [1]
        assert np.isfinite(kind().fit(few).sample(10)).all()
        assert (kind().fit(np.ones((20, 2))).sample(10) == 1).all()

    @pytest.mark.parametrize("kind", TABLES.values())
    def test_equal_seeds_give_equal_rows(self, rows, kind):
        """Whatever was drawn before, and without NumPy's global state."""
        before = np.random.get_state()[1].copy()  # noqa: NPY002 - the legacy state is what is looked at
        first, second = kind(random_state=3).fit(rows), kind(random_state=3).fit(rows)
        second.sample(7)
        assert np.array_equal(first.sample(20, random_state=5), second.sample(20, random_state=5))
        assert np.array_equal(first.normal(20), second.normal(20))
        assert not np.array_equal(first.sample(20), first.sample(20, random_state=1))
        assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002

    @pytest.mark.parametrize("table", [pd.DataFrame, pl.DataFrame, pa.table])
    def test_tables_keep_their_names(self, rows, table):
        """pandas, polars and pyarrow give a pyarrow table with the numbers that an array gives."""
        kind = Local().fit(table({"a": rows[:, 0], "b": rows[:, 1], "count": np.arange(len(rows))}))
        drawn = kind.sample(30)
        assert drawn.column_names == ["a", "b", "count"]
        plain = Local().fit(np.column_stack([rows[:, :2], np.arange(len(rows))])).sample(30)
        assert np.array_equal(np.stack(drawn.to_pandas().to_numpy().T, axis=1), plain)

    def test_a_frame_with_numbered_columns_is_an_array(self, rows):
        """As everywhere in the package."""
        assert isinstance(Local().fit(pd.DataFrame(rows)).sample(3), np.ndarray)

    def test_what_holds_no_numbers_is_refused(self, rows):
        """With the column's name."""
        shops = pa.table({"amount": rows[:, 0], "shop": ["books"] * len(rows), "open": [True] * len(rows)})
        with pytest.raises(SchemaError, match="shop, open hold none"):
            Local().fit(shops)
        with pytest.raises(DataError, match="collect"):
            Local().fit(pl.DataFrame({"a": rows[:, 0]}).lazy())

    @pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
    @pytest.mark.parametrize("kind", TABLES.values())
    def test_cells_that_are_no_finite_numbers_are_refused(self, rows, kind, bad):
        """With their place."""
        spoiled = rows.copy()
        spoiled[5, 2] = bad
        with pytest.raises(DataError, match=r"row 5 .* column 2"):
            kind().fit(spoiled)
        with pytest.raises(DataError, match=r"row 5 .* column c"):
            kind().fit(pa.table(dict(zip("abc", spoiled.T, strict=True))))

    @pytest.mark.parametrize("X", [[[1.0, 2.0]], [1.0, 2.0], np.ones((3, 2, 2)), np.ones((3, 0)), [["a", "b"]] * 3])
    def test_what_is_no_table_is_refused(self, X):
        """One row, no columns, other axes, text."""
        with pytest.raises(DataError, match="ows of numbers"):
            Local().fit(X)

    def test_impossible_parameters_are_refused(self, rows):
        """And nothing is drawn before anything was learned."""
        for kind in (Local(alpha=0), Cluster(alpha=np.nan), Global(margin=-1), Global(rule="wide")):
            with pytest.raises(ParameterError, match="must be"):
                kind.fit(rows)
        with pytest.raises(ParameterError, match="at least 1, but is 0"):
            Local().fit(rows).sample(0)
        with pytest.raises(ParameterError, match="call fit"):
            Local().normal(3)
        with pytest.raises(DataError, match="depends on nothing"):
            Dependency().fit(rows[:, :1])

    def test_a_fitted_kind_is_a_generator_of_negatives(self, rows):
        """Detectors take it, for arrays and for tables; those that cannot say so."""
        detector = NegativeSamplingVAE(members=1, epochs=1, random_state=0)
        assert np.isfinite(detector.fit(rows, negatives=Local().fit(rows)).anomaly_score(rows[:5])).all()
        table = pa.table(dict(zip("abc", rows.T, strict=True)))
        detector.fit(table, negatives=[Local().fit(table), Dependency().fit(table)])
        with pytest.raises(ParameterError, match="cannot learn from negatives"):
            VAE(members=1, epochs=1).fit(rows, negatives=Local().fit(rows))


class TestPictures:
    @pytest.mark.parametrize("name", PICTURES)
    @pytest.mark.parametrize("channels", [(), (3,)])
    def test_shape_and_type_stay(self, pictures, name, channels):
        """8 bits and floats, gray and color; the two agree, and what was given is unchanged."""
        given = np.broadcast_to(pictures[(..., *[None] * len(channels))], (*pictures.shape, *channels)).copy()
        before = given.copy()
        eight, floats = PICTURES[name](given, 4), PICTURES[name](given / 255, 4)
        assert (eight.shape, eight.dtype, floats.dtype) == (given.shape, np.uint8, np.float64)
        assert PICTURES[name]((given / 255).astype(np.float32)).dtype == np.float32
        assert np.abs(eight / 255 - floats).max() <= 0.5 / 255 + 1e-6
        assert np.array_equal(given, before)

    @pytest.mark.parametrize("name", PICTURES)
    def test_equal_seeds_give_equal_pictures(self, pictures, name):
        """A seed or a generator; NumPy's global state is left alone."""
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        drawn = PICTURES[name](pictures, 6)
        assert np.array_equal(drawn, PICTURES[name](pictures, np.random.default_rng(6)))
        assert not np.array_equal(drawn, pictures)
        assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002

    def test_noise_has_the_moments_it_should(self):
        """On gray of a level: shares, deviations, photons."""
        gray = np.full((50, 40, 40), 0.4)
        impulse = anomalies.Impulse(share=0.2)(gray)
        assert (impulse == 0).mean() == pytest.approx(0.1, abs=0.005)
        assert (impulse == 1).mean() == pytest.approx(0.1, abs=0.005)
        assert anomalies.GaussianNoise(std=0.05)(gray).std() == pytest.approx(0.05, rel=0.02)
        assert anomalies.Speckle(std=0.1)(gray).std() == pytest.approx(0.04, rel=0.02)
        shot = anomalies.Shot(photons=100)(gray)
        assert shot.mean() == pytest.approx(0.4, abs=0.002)
        assert shot.var() == pytest.approx(0.4 / 100, rel=0.03)

    def test_intensities_follow_their_formulas(self, pictures):
        """x + b, m + f (x - m), 1 - x, and the nearest of a few levels."""
        x = pictures / 255
        mean = x.mean(axis=(1, 2), keepdims=True)
        assert np.allclose(anomalies.Brightness(0.3)(x), np.minimum(x + 0.3, 1), atol=1e-6)
        assert np.allclose(anomalies.Brightness(-0.3)(x), np.maximum(x - 0.3, 0), atol=1e-6)
        assert np.allclose(anomalies.Contrast(0.5)(x), mean + (x - mean) / 2, atol=1e-6)
        assert np.array_equal(anomalies.Inverse()(pictures), 255 - pictures)
        assert set(np.unique(anomalies.Quantize(levels=4)(pictures))) == {0, 85, 170, 255}

    def test_a_quarter_turn_is_a_quarter_turn(self):
        """One way or the other, to the last pixel of the edge."""
        x = np.random.default_rng(0).random((30, 7, 7))
        turned = anomalies.Rotate(angle=np.pi / 2)(x)
        ways = [
            [np.allclose(ours, np.rot90(one, k), atol=1e-5) for one, ours in zip(x, turned, strict=True)]
            for k in (1, -1)
        ]
        assert np.array_equal(ways[0], ~np.array(ways[1]))
        assert 0 < sum(ways[0]) < 30

    def test_shifts_shears_and_sizes(self):
        """By hand, on a single white pixel; nothing happens at the neutral parameters."""
        x = np.zeros((20, 9, 9))
        x[:, 2, 4] = 1
        moved = anomalies.Translate(pixels=1)(x)
        assert {tuple(place) for place in np.argwhere(moved == 1)[:, 1:].tolist()} == {(1, 3), (1, 5), (3, 3), (3, 5)}
        sheared = anomalies.Shear(factor=0.5)(x)
        assert {tuple(place) for place in np.argwhere(sheared == 1)[:, 1:].tolist()} == {(2, 3), (2, 5)}
        assert anomalies.Scale(factor=0.5)(x)[0, 3, 4] == pytest.approx(1)
        for neutral in (anomalies.Rotate(0), anomalies.Shear(0), anomalies.Scale(1), anomalies.Translate(0)):
            assert np.array_equal(neutral(x), x)

    def test_blur_spreads_light_and_keeps_its_sum(self):
        """A white pixel becomes a Gaussian."""
        x = np.zeros((1, 21, 21))
        x[0, 10, 10] = 1
        blurred = anomalies.Blur(std=1.5)(x)[0]
        assert blurred.sum() == pytest.approx(1, abs=1e-4)
        assert blurred[10, 10] == pytest.approx(1 / (2 * np.pi * 1.5**2), rel=0.01)

    def test_lines_are_dotted_and_only_add_light(self):
        """Two columns without, two columns with; every picture has its own."""
        lines = anomalies.DottedLine()(np.zeros((10, 28, 28)))
        assert not lines[:, :, np.arange(28) // 2 % 2 == 0].any()
        assert (lines.max(axis=1)[:, np.arange(28) // 2 % 2 == 1] > 0.5).all()
        assert len({line.tobytes() for line in lines}) == 10

    def test_a_block_hides_a_square(self):
        """As many pixels as its side squared, in one piece, anywhere."""
        white = np.ones((200, 10, 20))
        hidden = anomalies.Block(share=0.5)(white) == 0
        assert (hidden.sum(axis=(1, 2)) == 25).all()
        assert hidden.any(axis=0).all()
        assert (anomalies.Block(share=0.5, level=0.25)(white).min(axis=(1, 2)) == 0.25).all()

    def test_a_stripe_stays_down_the_middle(self, pictures):
        """Two of nine columns are inverted on each side."""
        striped = anomalies.Stripe()(pictures)
        assert np.array_equal(striped[:, :, 2:7], pictures[:, :, 2:7])
        assert np.array_equal(striped[:, :, [0, 1, 7, 8]], 255 - pictures[:, :, [0, 1, 7, 8]])

    def test_shuffled_pictures_keep_their_pixels(self, pictures):
        """Each patch is a patch of the same picture; pixels left over stay."""
        shuffled = anomalies.Shuffled(grid=2)(pictures)
        assert np.array_equal(np.sort(shuffled.reshape(40, -1)), np.sort(pictures.reshape(40, -1)))
        assert np.array_equal(shuffled[:, :, 8], pictures[:, :, 8])
        for old, new in zip(pictures, shuffled, strict=True):
            patches = {old[i : i + 6, j : j + 4].tobytes() for i in (0, 6) for j in (0, 4)}
            assert {new[i : i + 6, j : j + 4].tobytes() for i in (0, 6) for j in (0, 4)} == patches

    def test_mixed_pictures_keep_every_pixel_where_it_is_usual(self, pictures):
        """Each patch is that of some picture at the same place, and each is used once."""
        mixed = anomalies.Mixed(grid=3)(pictures)
        assert np.array_equal(np.sort(mixed, axis=0), np.sort(pictures, axis=0))
        for i in (0, 4, 8):
            for j in (0, 3, 6):
                place = np.s_[:, i : i + 4, j : j + 3]
                assert {patch.tobytes() for patch in mixed[place]} == {patch.tobytes() for patch in pictures[place]}

    def test_few_pictures_are_repeated(self, pictures):
        """Without shifts there are as many different ones as templates; with them, more."""
        assert len({one.tobytes() for one in anomalies.Repeated(templates=3, pixels=0)(pictures)}) == 3
        assert 1 < len({one.tobytes() for one in anomalies.Repeated()(pictures)}) <= 9

    def test_what_are_no_pictures_is_refused(self, pictures):
        """Other types, other axes, values out of range, nothing at all."""
        for bad in (pictures.astype(int), pictures[0], pictures[:0], "digits", pictures.astype(bool)):
            with pytest.raises(DataError, match="Pictures"):
                anomalies.Inverse()(bad)
        for bad in (pictures / 100, pictures / 255 - 0.5, np.where(pictures > 9, np.nan, 0.5)):
            with pytest.raises(DataError, match=r"in \[0, 1\]"):
                anomalies.Inverse()(bad)

    @pytest.mark.parametrize(
        "kind",
        [
            anomalies.Impulse(1.5),
            anomalies.GaussianNoise(-1),
            anomalies.Speckle(np.nan),
            anomalies.Shot(0),
            anomalies.Blur(-1),
            anomalies.Brightness(2),
            anomalies.Contrast(-0.1),
            anomalies.Quantize(1),
            anomalies.Rotate(-1),
            anomalies.Scale(0),
            anomalies.Block(2),
            anomalies.Block(level=-1),
            anomalies.Stripe(-0.1),
            anomalies.Shuffled(1),
            anomalies.Shuffled(0),
            anomalies.Mixed(10),
            anomalies.Repeated(0),
        ],
        ids=repr,
    )
    def test_impossible_parameters_are_refused(self, pictures, kind):
        """With their name and value."""
        with pytest.raises(ParameterError, match="must"):
            kind(pictures)


class TestHeldOut:
    def test_labels_become_two_sets_of_rows(self):
        """One class or several, numbers or words."""
        usual, strange = anomalies.held_out([3, 1, 3, 2], 3)
        assert (usual.tolist(), strange.tolist()) == ([1, 3], [0, 2])
        usual, strange = anomalies.held_out(np.array(["cat", "dog", "cow"]), ["cat", "cow"])
        assert (usual.tolist(), strange.tolist()) == ([1], [0, 2])

    @pytest.mark.parametrize("labels", [[1, 1], [2, 2], []])
    def test_both_sets_have_rows(self, labels):
        """Or a sentence."""
        with pytest.raises(DataError, match="usual and of strange classes"):
            anomalies.held_out(labels, 1)
