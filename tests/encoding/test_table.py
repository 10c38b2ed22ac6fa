"""Tables are read alike whatever they are made of, kinds are told apart, and every cell becomes a finite number."""

import datetime as dt
import json
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from oodles import encoding
from oodles.detectors import VAE
from oodles.encoding import TableEncoder, as_table
from oodles.errors import DataError, SchemaError

N = 60
RNG = np.random.default_rng(0)
COLUMNS = {
    "real": RNG.normal(7, 3, N),
    "whole": RNG.integers(0, 9, N),
    "flag": np.arange(N) % 2,
    "truth": np.arange(N) % 3 == 0,
    "city": np.array(["Bern", "Köln", "Rome"])[np.arange(N) % 3],
}


def table(**columns) -> pa.Table:
    return pa.table({name: pa.array(cells) for name, cells in columns.items()})


def kinds(encoder: TableEncoder) -> dict[str, str]:
    return {column.name: column.kind for column in encoder.layout.columns}


def column(encoder: TableEncoder, name: str):
    return next(column for column in encoder.layout.columns if column.name == name)


def encoded(encoder: TableEncoder, name: str, cells) -> np.ndarray:
    """A column's cells in an encoder of that one column, (N, width)."""
    return encoder.transform(table(**{name: cells}))


class TestKinds:
    def test_they_are_told_apart_by_their_values(self):
        """Numbers are real, 0 and 1 are binary, text is a category, in this order."""
        encoder = TableEncoder.fit(table(**COLUMNS))

        assert kinds(encoder) == {
            "real": "real",
            "whole": "real",
            "flag": "binary",
            "truth": "binary",
            "city": "category",
        }
        assert [column.kind for column in encoder.layout.columns] == sorted(kinds(encoder).values(), key="rbc".find)
        assert encoder.names == tuple(COLUMNS)
        assert encoder.numeric == set(COLUMNS) - {"city"}

    @pytest.mark.parametrize("kind", ["int8", "uint64", "float32", "float64"])
    def test_the_width_of_a_number_does_not_matter(self, kind):
        known = TableEncoder.fit(table(x=np.arange(N)))

        assert TableEncoder.fit(table(x=np.arange(N).astype(kind))) == known

    def test_decimals_and_half_precision_are_numbers(self):
        assert kinds(TableEncoder.fit(table(x=[Decimal(i) / 4 for i in range(N)]))) == {"x": "real"}
        assert kinds(TableEncoder.fit(table(x=np.arange(N, dtype=np.float16)))) == {"x": "real"}

    @pytest.mark.parametrize("cells", [[0, 1], [0.0, 1.0], [False, True], [None, 0, 1], [np.nan, 1.0, 0.0]])
    def test_zero_and_one_are_binary(self, cells):
        encoder = TableEncoder.fit(table(x=cells * 9))

        assert kinds(encoder) == {"x": "binary"}
        assert column(encoder, "x").levels == ("0", "1")

    def test_dictionaries_are_their_values(self):
        """A column that is stored as codes means what its codes stand for."""
        for cells in (COLUMNS["city"], COLUMNS["whole"].astype(str)):
            plain = table(x=cells)
            coded = pa.table({"x": plain["x"].dictionary_encode()})

            assert TableEncoder.fit(coded) == TableEncoder.fit(plain)
            assert (TableEncoder.fit(coded).transform(coded) == TableEncoder.fit(plain).transform(plain)).all()

    def test_text_that_never_changed_is_a_category_of_one_level(self):
        """Any other value is legal, and encoded as no level."""
        encoder = TableEncoder.fit(table(x=["a"] * N, y=range(N)))

        assert column(encoder, "x").levels == ("a",)
        assert encoder.transform(table(x=["a", "b"], y=[1, 1]))[:, 1].tolist() == [1, 0]

    @pytest.mark.parametrize("value", [7.0, 0.0, -1e-300, 1e300])
    def test_a_number_that_never_changed_is_still_a_number(self, value):
        """It is encoded as 0, a change as something else, and nothing overflows."""
        encoder = TableEncoder.fit(table(x=[value] * N, y=range(N)))
        same, other, far = encoder.transform(table(x=[value, value + 1 + abs(value), -1e308], y=[1, 1, 1]))[:, 0]

        assert same == 0
        assert other > 0
        assert np.isfinite(far)

    @pytest.mark.parametrize(
        ("cells", "words"),
        [
            ([dt.date(2020, 1, 1)] * N, "date32"),
            ([[1, 2]] * N, "list"),
            ([b"a"] * N, "binary"),
            ([{"a": 1}] * N, "struct"),
        ],
    )
    def test_what_is_neither_number_nor_text_is_refused(self, cells, words):
        """Unless the schema ignores it."""
        rows = table(x=cells, y=range(N))

        with pytest.raises(SchemaError, match=f"'x' holds values of type {words}"):
            TableEncoder.fit(rows)
        assert TableEncoder.fit(rows, {"x": "ignore"}).names == ("y",)


class TestSchema:
    def test_it_corrects_the_guess(self):
        declared = {"whole": "category", "flag": "real", "city": "ignore", "truth": "category"}
        encoder = TableEncoder.fit(table(**COLUMNS), declared)

        assert kinds(encoder) == {"real": "real", "whole": "category", "flag": "real", "truth": "category"}
        assert column(encoder, "whole").levels == tuple(sorted(map(str, set(COLUMNS["whole"]))))
        assert encoder.inputs == tuple(COLUMNS)
        assert encoder.names == ("real", "whole", "flag", "truth")

    def test_text_can_be_declared_real_or_binary(self):
        rows = table(x=[str(i / 2) for i in range(N)], y=["yes", "no"] * (N // 2))
        encoder = TableEncoder.fit(rows, {"x": "real", "y": "binary"})

        assert kinds(encoder) == {"x": "real", "y": "binary"}
        assert column(encoder, "y").levels == ("no", "yes")
        assert encoder.transform(rows)[:2, 1].tolist() == [1, 0]

    @pytest.mark.parametrize(
        ("schema", "words"),
        [
            ({"size": "real"}, "schema names 'size', but the columns are 'real', 'whole'"),
            ({"real": "float"}, "'real' is 'float', but a column is one of real, scaled, binary, category, ignore"),
            ({"city": "real"}, "'city' holds numbers, but row 1 has 'Bern'"),
            ({"city": "binary"}, "'city' is binary, but it has 3 different values"),
            (dict.fromkeys(COLUMNS, "ignore"), "Every column is ignored"),
        ],
    )
    def test_what_cannot_be_is_refused(self, schema, words):
        with pytest.raises(SchemaError, match=words):
            TableEncoder.fit(table(**COLUMNS), schema)

    def test_a_column_of_numbers_with_a_word_is_damaged(self):
        """It is no category, unless the schema says so."""
        rows = table(x=[*map(str, range(N)), "much"])

        with pytest.raises(SchemaError, match=f"'x' holds numbers, but row {N + 1} has 'much'"):
            TableEncoder.fit(rows)
        assert kinds(TableEncoder.fit(rows, {"x": "category"})) == {"x": "category"}


class TestLibraries:
    """The same table in pandas, polars, pyarrow and NumPy."""

    @pytest.fixture
    def frames(self):
        rows = {name: list(cells) for name, cells in COLUMNS.items()}
        rows["real"][3] = None
        rows["city"][4] = None
        return {
            "pyarrow": pa.table({name: pa.array(cells) for name, cells in rows.items()}),
            "pandas": pd.DataFrame(rows),
            "pandas, nullable": pd.DataFrame(rows).convert_dtypes(),
            "pandas, categorical": pd.DataFrame(rows).astype({"city": "category"}),
            "pandas, arrow": pd.DataFrame(rows).convert_dtypes(dtype_backend="pyarrow"),
            "polars": pl.DataFrame(rows),
            "polars, categorical": pl.DataFrame(rows).with_columns(pl.col("city").cast(pl.Categorical)),
            "record batch": pa.RecordBatch.from_pydict({name: pa.array(cells) for name, cells in rows.items()}),
        }

    def test_they_are_encoded_alike(self, frames):
        """Layouts and rows are equal, and each is read by every other's encoder."""
        known = TableEncoder.fit(as_table(frames["pyarrow"]))
        rows = known.transform(as_table(frames["pyarrow"]))

        assert np.isnan(rows[3, 0])
        assert np.isnan(rows[4, -3:]).all()
        for name, frame in frames.items():
            assert TableEncoder.fit(as_table(frame)) == known, name
            np.testing.assert_array_equal(known.transform(as_table(frame)), rows, name)

    def test_an_array_is_encoded_like_a_table(self):
        X = RNG.normal(size=(N, 3))
        X[5, 1] = np.nan
        named = TableEncoder.fit(table(x0=X[:, 0], x1=X[:, 1], x2=X[:, 2]))
        plain = TableEncoder.fit(X)

        assert plain.layout == named.layout
        np.testing.assert_array_equal(plain.transform(X), named.transform(X))

    def test_booleans_are_what_they_are_whoever_wrote_them(self):
        """CSV knows words only: a model of words reads booleans, a model of booleans reads words."""
        truth = COLUMNS["truth"]
        spellings = [np.where(truth, yes, no) for yes, no in (("true", "false"), ("True", "False"), ("TRUE", "FALSE"))]
        of_booleans = TableEncoder.fit(table(x=truth))
        for words in spellings:
            of_words = TableEncoder.fit(table(x=words))

            np.testing.assert_array_equal(encoded(of_words, "x", truth), encoded(of_words, "x", words))
            np.testing.assert_array_equal(encoded(of_booleans, "x", words), encoded(of_booleans, "x", truth))
        assert np.isnan(encoded(of_booleans, "x", pa.array(["true", None]))[1]).all()
        assert np.isnan(encoded(of_words, "x", pa.array([True, None]))[1]).all()

    def test_other_things_are_no_tables(self):
        assert as_table(np.zeros((3, 2))) is None
        assert as_table([[1, 2]]) is None

    def test_a_lazy_frame_is_refused(self):
        with pytest.raises(DataError, match="collect"):
            as_table(pl.LazyFrame({"x": [1]}))

    @pytest.mark.parametrize(
        "frame",
        [
            pd.DataFrame([[1, 2]], columns=["x", "x"]),
            pa.table([pa.array([1]), pa.array([2])], names=["x", "x"]),
        ],
    )
    def test_two_columns_of_one_name_are_refused(self, frame):
        with pytest.raises(SchemaError, match="'x' came twice"):
            as_table(frame)

    def test_a_column_of_mixed_types_is_refused(self):
        with pytest.raises(SchemaError, match="mixes types"):
            as_table(pd.DataFrame({"x": [1, "a", object()]}))


class TestMatching:
    def test_columns_are_matched_by_name(self):
        """Whatever their order."""
        rows = table(**COLUMNS)
        encoder = TableEncoder.fit(rows)

        np.testing.assert_array_equal(encoder.transform(rows.select(rows.column_names[::-1])), encoder.transform(rows))

    def test_ignored_columns_may_be_there_or_not(self):
        rows = table(**COLUMNS)
        encoder = TableEncoder.fit(rows, {"city": "ignore"})

        np.testing.assert_array_equal(encoder.transform(rows.drop_columns("city")), encoder.transform(rows))

    @pytest.mark.parametrize(
        ("rows", "words"),
        [
            (table(a=[1]), "missing 'b'"),
            (table(a=[1], b=[1], c=[1]), "Not expected 'c'"),
            (table(b=[1], d=[1]), "missing 'a'.* Not expected 'd'"),
        ],
    )
    def test_others_are_refused(self, rows, words):
        with pytest.raises(SchemaError, match=words):
            TableEncoder.fit(table(a=range(N), b=range(N))).transform(rows)

    def test_an_array_is_matched_by_position(self):
        """An ignored first column shifts nothing."""
        X = RNG.normal(size=(N, 3))
        encoder = TableEncoder.fit(table(a=X[:, 0], b=X[:, 1], c=X[:, 2]), {"a": "ignore"})
        known = encoder.transform(table(b=X[:, 1], c=X[:, 2]))

        np.testing.assert_array_equal(encoder.transform(X), known)

    def test_an_array_cannot_stand_for_text(self):
        encoder = TableEncoder.fit(table(**COLUMNS))

        with pytest.raises(SchemaError, match="learned text in 'city'"):
            encoder.transform(np.zeros((2, 5)))


class TestCells:
    @pytest.mark.parametrize("name", COLUMNS)
    def test_missing_ones_are_masks(self, name):
        """NaN in every encoded column of the feature, and nowhere else."""
        rows = table(**COLUMNS)
        cells = rows[name].to_pylist()
        cells[2] = None
        place = rows.column_names.index(name)
        encoder = TableEncoder.fit(rows)
        missing = np.isnan(encoder.transform(rows.set_column(place, name, pa.array(cells, rows[name].type))))
        where = dict(zip(kinds(encoder), encoder.layout.slices, strict=True))[name]

        assert missing[2, where].all()
        assert missing.sum() == where.stop - where.start

    @pytest.mark.parametrize("cells", [["", " ", None], [" Bern ", "Bern", "\tBern"]])
    def test_blanks_around_text_mean_nothing(self, cells):
        encoder = TableEncoder.fit(table(x=["Bern", "Köln"] * N))
        rows = encoded(encoder, "x", pa.array(cells, pa.string()))

        np.testing.assert_array_equal(rows, rows[[0, 0, 0]])
        assert np.isnan(rows).all() == (cells[0] == "")

    def test_an_unseen_level_is_no_level(self):
        """Zeros, not missing: legal, and costly."""
        encoder = TableEncoder.fit(table(x=["a", "b"] * N))

        assert encoded(encoder, "x", ["a", "c"]).tolist() == [[1, 0], [0, 0]]
        assert column(encoder, "x").unseen == pytest.approx(1 / (2 * N + 2))

    def test_rare_levels_count_as_unseen(self):
        """Only the commonest are kept; the share of the others is remembered."""
        cells = [f"often {i}" for i in range(60) for _ in range(3)] + [f"rare {i}" for i in range(20)]
        seen = column(TableEncoder.fit(table(x=cells)), "x")

        assert len(seen.levels) == 64
        assert sum(level.startswith("often") for level in seen.levels) == 60
        assert seen.unseen == pytest.approx((16 + 1) / (len(cells) + 2))

    def test_whole_numbers_as_levels_are_written_without_a_point(self):
        """1 and 1.0 are one level."""
        encoder = TableEncoder.fit(table(x=[1.0, 2.0, 2.5] * 9), {"x": "category"})

        assert column(encoder, "x").levels == ("1", "2", "2.5")
        assert encoded(encoder, "x", [1, 2, 3]).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 0]]

    @pytest.mark.parametrize("far", [1e300, -1e300, 1.7e308, 10**18])
    def test_no_finite_number_overflows(self, far):
        """A heavy tail grows like a logarithm; order is kept."""
        encoder = TableEncoder.fit(table(x=RNG.normal(size=N)))
        near, there = encoded(encoder, "x", [float(np.sign(far)) * 1e3, float(far)])[:, 0]

        assert np.isfinite(there)
        assert abs(there) > abs(near) > 50

    @pytest.mark.parametrize("outlier", [1e6, 1e300, -1e300])
    def test_an_outlier_in_training_does_not_drown_the_others(self, outlier):
        encoder = TableEncoder.fit(table(x=np.append(RNG.normal(size=300), outlier)))
        rows = encoded(encoder, "x", [-1.0, 1.0, outlier])[:, 0]

        assert abs(rows[1] - rows[0]) > 0.5
        assert np.isfinite(rows).all()

    def test_a_linear_number_is_its_deviation(self):
        encoder = TableEncoder.fit(table(x=np.linspace(-3, 5, 999)))
        rows = encoded(encoder, "x", np.linspace(-3, 5, 999))

        assert rows.mean() == pytest.approx(0, abs=0.01)
        assert rows.std() == pytest.approx(1, abs=0.05)

    def test_a_unit_range_is_kept_for_likelihoods_that_know_nothing_else(self):
        """Columns within [0, 1] stay, others are stretched to it, what lies beyond is cut."""
        encoder = TableEncoder.fit(table(share=np.linspace(0.2, 0.8, N), real=np.linspace(-5, 5, N)), support="unit")
        rows = encoder.transform(table(share=[0.3, 2.0], real=[-5.0, 99.0]))

        np.testing.assert_allclose(rows, [[0.3, 0], [1, 1]], atol=1e-6)

    @pytest.mark.parametrize("far", [np.inf, -np.inf])
    def test_an_infinite_one_is_refused(self, far):
        with pytest.raises(DataError, match="'x' holds an infinite number in row 2"):
            TableEncoder.fit(table(x=[1.0, far, 2.0]))

    @pytest.mark.parametrize("cells", [[None] * 3, [np.nan] * 3, ["", " ", None]])
    def test_a_column_of_nothing_is_refused(self, cells):
        with pytest.raises(SchemaError, match="'x' is empty: every cell is missing"):
            TableEncoder.fit(table(x=cells, y=[1, 2, 3]))

    @pytest.mark.parametrize("rows", [table(x=[1.0] * 9), table(x=["a"] * 9), table(x=[1, 1], y=["a", "a"])])
    def test_a_table_that_never_varies_is_refused(self, rows):
        with pytest.raises(DataError, match="there is nothing to learn"):
            TableEncoder.fit(rows)


class TestBack:
    def test_decode_inverts_transform(self):
        """Numbers to float32's precision, levels exactly, tails too."""
        rows = table(**{**COLUMNS, "real": np.append(COLUMNS["real"][:-2], [1e6, -1e6])})
        encoder = TableEncoder.fit(rows)
        decoded = encoder.decode(encoder.transform(rows))

        assert decoded.column_names == rows.column_names
        np.testing.assert_allclose(decoded["real"], rows["real"], rtol=1e-4, atol=1e-4)
        for name in ("whole", "flag", "truth"):
            np.testing.assert_allclose(decoded[name], np.asarray(rows[name], dtype=float), atol=1e-5)
        assert decoded["city"].to_pylist() == rows["city"].to_pylist()

    def test_decode_takes_the_likeliest_level(self):
        encoder = TableEncoder.fit(table(x=["a", "b", "c"] * 9, y=[0, 1, 0] * 9))
        decoded = encoder.decode(np.array([[0.6, 0.2, 0.5, 0.3]], dtype=np.float32))

        assert decoded.to_pylist() == [{"x": "b", "y": 1}]

    def test_features_come_back_in_the_order_of_the_table(self):
        """The layout sorts by kind; people do not."""
        encoder = TableEncoder.fit(table(city=COLUMNS["city"], flag=COLUMNS["flag"], real=COLUMNS["real"]))

        assert encoder.unshuffled(np.array([[1, 2, 3]])).tolist() == [[3, 2, 1]]

    @pytest.mark.parametrize("support", ["line", "unit"])
    def test_json_says_everything(self, support):
        """Through text and back it is the same encoder."""
        encoder = TableEncoder.fit(table(**COLUMNS), {"whole": "category"}, support=support)
        back = encoding.from_json(json.loads(json.dumps(encoder.to_json())))

        assert back == encoder
        np.testing.assert_array_equal(back.transform(table(**COLUMNS)), encoder.transform(table(**COLUMNS)))


@pytest.fixture(scope="module")
def detector():
    """It learned 270 rows and two cities."""
    rng = np.random.default_rng(0)
    rows = table(real=rng.normal(size=300), flag=rng.integers(0, 2, 300), city=rng.choice(["a", "b"], 300))
    return VAE(hidden=(8,), latent=2, members=1, epochs=60, lr=0.01, random_state=0).fit(rows)


class TestScores:
    """What the encoding promises is kept by a detector."""

    def test_an_unseen_category_costs_the_logarithm_of_the_rows(self, detector):
        """log(n + 2) nats, whatever it is, compared to at most log 2 for one of two."""
        known, unseen = detector.explain(table(real=[0.0, 0.0], flag=[0, 0], city=["a", "z"]))[:, 2]

        assert unseen - known == pytest.approx(np.log(302) - np.log(2), abs=0.7)

    def test_a_row_of_nothing_has_a_finite_score(self, detector):
        """And explains nothing."""
        nothing = table(real=pa.array([None], pa.float64()), flag=pa.array([None], pa.int64()), city=[None])

        assert np.isfinite(detector.anomaly_score(nothing)).all()
        assert (detector.explain(nothing) == 0).all()

    @pytest.mark.parametrize("far", [1e300, -1e300, 1.7e308])
    def test_a_far_number_has_a_finite_score(self, detector, far):
        rows = table(real=[far, 0.0], flag=[0, 0], city=["a", "a"])
        score, usual = detector.anomaly_score(rows)

        assert np.isfinite(score)
        assert score > usual + 10
