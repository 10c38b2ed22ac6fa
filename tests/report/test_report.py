"""What is true of every report."""

import re
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest

from oodles import metrics, report
from oodles.calibration import MedianDeviation
from oodles.detectors import VAE, AutoEncoder
from oodles.errors import DataError, FileError
from oodles.report.pictures import data_uri, heat_map, levels
from oodles.report.tables import cell

VOID = {"col", "meta", "img", "br", "link", "input", "hr"}
HOSTILE = "<script>alert(1)</script>"


class Page(HTMLParser):
    """Tags, ids, references, data values and text of a page; fails where tags do not balance."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.ids, self.references, self.numbers, self.text = [], [], [], [], {}, []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.handle_startendtag(tag, attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        named = dict(attributes)
        self.tags.append(tag)
        self.ids += [named["id"]] if "id" in named else []
        self.references += [named[name] for name in ("src", "href", "xlink:href", "action", "poster") if name in named]
        if tag == "data":
            self.numbers.setdefault(named["class"], []).append(float(named["value"]))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    @property
    def words(self):
        """All text, with single spaces."""
        return " ".join(" ".join(self.text).split())


def table(n, seed=0, shift=0.0):
    """Rows with numbers, a flag, a category, a hostile name, a constant and missing cells."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n) + shift
    return pa.table(
        {
            "size": size,
            HOSTILE: np.where(rng.random(n) < 0.1, np.nan, size + rng.normal(size=n)),
            "flag": rng.integers(0, 2, n),
            "color": rng.choice(["red", "<b>blue</b>", "green"], n),
            "same": np.full(n, 7.0),
            "weight": 1e6 * rng.normal(size=n) + 3e6 * shift,
        }
    )


@pytest.fixture(scope="module")
def detector():
    return VAE(members=2, epochs=5, hidden=(16,), latent=3, random_state=0, validation_fraction=0.4).fit(table(300))


@pytest.fixture(scope="module")
def tested():
    """150 normal rows and 50 anomalies."""
    return pa.concat_tables([table(150, seed=1), table(50, seed=2, shift=4.0)]), np.repeat([0, 1], [150, 50])


def page_of(section, **options):
    html = report.build([section], **{"title": "A title", "command": "oodles report", **options})
    return html, Page(html)


def section_of(detector, X, y=None, **options):
    return report.section(detector, X, y, **{"name": "A name", "description": "A description.", **options})


@pytest.fixture(scope="module")
def judged(detector, tested):
    return section_of(detector, *tested)


@pytest.fixture(scope="module")
def built(judged):
    return page_of(judged)


# -- the page ----------------------------------------------------------------------------------------------------------


def test_a_page_is_balanced_and_refers_to_nothing_outside(built):
    html, page = built
    assert page.references
    assert all(reference.startswith(("#", "data:image/png;base64,")) for reference in page.references)
    assert "http" not in html
    assert "@import" not in html
    assert "script" not in page.tags
    assert len(html) < 1_000_000


def test_ids_are_unique_and_every_local_reference_exists(judged):
    html = report.build([judged, judged], title="Twice", command="")
    page = Page(html)
    assert len(set(page.ids)) == len(page.ids)
    local = {reference[1:] for reference in page.references if reference.startswith("#")}
    assert (local | set(re.findall(r"url\(#([^)]*)\)", html))) <= set(page.ids)


def test_a_page_follows_light_dark_paper_and_phone(built):
    html, _ = built
    for needed in ("prefers-color-scheme: dark", "@media print", "max-width: 640px", "width=device-width"):
        assert needed in html
    assert all(color not in html.split("</style>")[1] for color in ("#46689b", "#1c2026", "#626b78"))


def test_numbers_on_the_page_are_the_metrics(built, detector, tested):
    X, y = tested
    scores, alarms, found = detector.anomaly_score(X), detector.predict(X) == -1, detector.detect(X, 0.05)
    worth = metrics.rates(y, alarms)
    expected = {
        "rows": 200,
        "auroc": metrics.auroc(y, scores),
        "average-precision": metrics.average_precision(y, scores),
        "recall": worth.recall,
        "alarms": alarms.sum(),
        "kept": worth.false_alarm_rate,
        "held-out": 120,
        "discoveries": found.sum(),
    }
    assert {name: values[0] for name, values in built[1].numbers.items()} == expected
    assert f"{int(found[y == 1].sum()):,} of them right" in built[1].words
    assert "promised: 5%" in built[1].words
    assert "chance 0.250" in built[1].words


def test_a_page_is_the_same_for_the_same_rows(judged, detector, tested, built):
    assert section_of(detector, *tested) == judged
    assert page_of(judged)[0] == built[0]


def test_hostile_words_are_escaped_everywhere(detector, tested):
    X, y = tested
    section = section_of(detector, X, y, name=HOSTILE, description=HOSTILE, names=[HOSTILE] * 200)
    html, page = page_of(section, title=HOSTILE, command=HOSTILE)
    assert "<script" not in html
    assert "<b>blue" not in html
    assert "script" not in page.tags
    assert page.words.count(HOSTILE) > 10


def test_several_sections_are_listed_first(judged):
    page = Page(report.build([judged, judged], title="Two", command="x"))
    assert {"#s1", "#s2"} <= set(page.references)
    assert page.tags.count("section") == 2


# -- rows --------------------------------------------------------------------------------------------------------------


def test_rows_are_the_strangest_with_their_reasons(judged, detector, tested):
    X, y = tested
    scores, p, nats = detector.anomaly_score(X), detector.p_value(X), detector.explain(X)
    strangest = judged.groups[0].rows[0]
    position = int(scores.argmax())
    feature = int(nats[position].argmax())
    name = detector.encoder_.names[feature]
    assert strangest.name == f"row {position + 1}"
    assert strangest.score == pytest.approx(scores[position])
    assert strangest.p_value == p[position]
    assert strangest.anomaly == bool(y[position])
    assert strangest.reasons[0].name == name
    assert strangest.reasons[0].nats == pytest.approx(nats[position, feature], rel=1e-4)
    assert [row.anomaly for row in judged.groups[1].rows] == [False] * 6
    assert [row.anomaly for row in judged.groups[2].rows] == [True] * 6
    assert judged.groups[1].rows[0].score == scores[y == 0].max()
    assert judged.groups[2].rows[0].score == scores[y == 1].min()


def test_features_are_ranked_by_their_mean_over_the_anomalies(judged, detector, tested):
    X, y = tested
    mean = detector.explain(X)[y == 1].mean(0)
    assert judged.features[0].nats == pytest.approx(mean.max(), rel=1e-4)
    assert judged.featured == "the anomalies"


def test_text_missing_cells_and_unseen_levels_are_shown(detector):
    X = pa.table(
        {"size": [0.1], HOSTILE: [np.nan], "flag": [1], "color": ["never seen"], "same": [8.0], "weight": [0.0]}
    )
    section = section_of(detector, X)
    shown = {reason.name: reason for reason in section.groups[0].rows[0].reasons}
    assert shown["color"].value == "never seen"
    assert shown["color"].expected in ("red", "<b>blue</b>", "green")
    page_of(section)


def test_a_missing_cell_is_called_missing():
    assert [cell(value) for value in (None, np.nan, -0.123456, 3, "", 14_850_000.0)] == [
        "missing",
        "missing",
        "−0.1235",
        "3",
        "empty",
        "14,850,000",
    ]
    assert len(cell("x" * 99)) < 50


def test_arrays_and_frames_of_every_kind_are_taken(detector, tested):
    import pandas as pd
    import torch

    X, y = tested
    expected = section_of(detector, X, y).numbers
    assert section_of(detector, X.to_pandas(), y).numbers == expected
    rows = np.random.default_rng(0).normal(size=(80, 3))
    plain = VAE(members=1, epochs=2, hidden=(8,), random_state=0).fit(rows)
    expected = section_of(plain, rows)
    assert expected.groups[0].rows[0].reasons[0].name in {"x0", "x1", "x2"}
    assert section_of(plain, pd.DataFrame(rows)) == expected
    assert section_of(plain, torch.from_numpy(rows)) == expected
    assert section_of(plain, rows.tolist()) == expected


# -- truth, or none ----------------------------------------------------------------------------------------------------


def test_without_truth_everything_that_needs_it_is_left_out(detector, tested):
    section = section_of(detector, tested[0])
    _, page = page_of(section)
    assert set(page.numbers) == {"rows", "alarms", "held-out", "discoveries"}
    assert "promised: 5%" in page.words
    assert [figure.title for figure in section.figures] == ["Scores", "Training", "Codes"]
    assert len(section.groups) == 1
    assert "anomaly drawn" not in page.words
    assert "of normal rows it promises at most 5%" in page.words


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_only_is_judged_as_far_as_it_goes(detector, tested, label):
    X, y = tested
    kept = np.flatnonzero(y == label)
    section = section_of(detector, X.take(kept), y[kept])
    _, page = page_of(section)
    assert ("kept" in page.numbers) == (label == 0)
    assert ("recall" in page.numbers) == (label == 1)
    assert "auroc" not in page.numbers
    assert [figure.title for figure in section.figures] == [
        "Scores",
        *(["Calibration"] if label == 0 else []),
        "Training",
        "Codes",
    ]


@pytest.mark.parametrize("y", [None, [0], [1]])
def test_one_row_is_enough(detector, tested, y):
    section = section_of(detector, tested[0].slice(0, 1), y)
    assert section.numbers.rows == 1
    page_of(section)


@pytest.mark.parametrize("y", [[0, 1], np.full(200, 2), np.zeros((200, 1))])
def test_truth_of_the_wrong_kind_is_refused(detector, tested, y):
    with pytest.raises(DataError, match="y must hold"):
        section_of(detector, tested[0], y)


def test_names_must_name_every_row(detector, tested):
    with pytest.raises(DataError, match="200 rows, but 1 names"):
        section_of(detector, tested[0], names=["only one"])


# -- scores of every kind ----------------------------------------------------------------------------------------------


def with_scores(monkeypatch, detector, scores):
    monkeypatch.setattr(detector, "anomaly_score", lambda _: np.asarray(scores, dtype=float))


@pytest.mark.parametrize("truth", [True, False])
@pytest.mark.parametrize(
    "scores",
    [
        np.r_[np.zeros(199), np.inf],
        np.full(200, np.inf),
        np.full(200, -np.inf),
        np.full(200, 3.0),
        np.r_[np.zeros(100), np.geomspace(1e-3, 1e300, 100)],
        -np.geomspace(1, 1e9, 200),
        np.r_[np.full(100, 1e8), np.full(100, 1e8 + 1e-7)],
    ],
    ids=["one infinite", "all infinite", "all minus infinite", "constant", "huge", "negative", "nearly constant"],
)
def test_strange_scores_do_not_break_a_page(monkeypatch, detector, tested, scores, truth):
    X, y = tested
    with_scores(monkeypatch, detector, scores)
    section = section_of(detector, X, y if truth else None)
    html, _ = page_of(section)
    assert "nan" not in re.findall(r'd="[^"]*"', html)
    assert ("Scores" in [figure.title for figure in section.figures]) == bool(np.isfinite(scores).any())


def test_scores_that_are_no_numbers_are_refused(monkeypatch, detector, tested):
    with_scores(monkeypatch, detector, np.full(200, np.nan))
    with pytest.raises(DataError, match="200 of them are NaN"):
        section_of(detector, *tested)


def test_an_infinite_threshold_is_explained(tested):
    detector = VAE(members=1, epochs=2, hidden=(8,), random_state=0).fit(table(50))
    assert detector.offset_ == -np.inf
    section = section_of(detector, *tested)
    _, page = page_of(section)
    assert "No alarm can keep 5% with 12 held-out rows: at least 19 are needed." in page.words
    assert "no score is high enough" in page.words
    assert "nothing can be discovered: 12 held-out rows give no p-value below 0.077" in page.words
    assert section.numbers.alarms == 0


def test_an_alarm_by_another_rule_promises_nothing(tested):
    detector = AutoEncoder(members=1, epochs=2, hidden=(8,), random_state=0, contamination=MedianDeviation()).fit(
        table(60)
    )
    section = section_of(detector, *tested)
    assert section.numbers.promised is None
    assert "no rate was promised" in page_of(section)[1].words


# -- pictures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(8, 8), (28, 28), (9, 12, 3), (8, 8, 1)])
def test_pictures_are_shown_with_what_was_expected_and_why(shape):
    pictures = np.random.default_rng(0).integers(0, 256, (60, *shape), dtype=np.uint8)
    detector = VAE(network="mlp", members=1, epochs=1, hidden=(8,), latent=2, random_state=0).fit(pictures)
    y = np.arange(60) % 2
    section = section_of(detector, pictures, y, names=[f"folder/{i}.png" for i in range(60)])
    html, page = page_of(section)
    images = [reference for reference in page.references if reference.startswith("data:")]
    assert len(images) >= 3 * (12 + 6 + 6)
    assert section.groups[0].rows[0].name.startswith("folder/")
    assert section.features == ()
    assert f"pictures of {shape[0]} × {shape[1]}" in page.words
    assert len(html) < 3_000_000


def test_levels_and_heat_maps_are_pixels():
    assert levels(np.array([[0.0, 0.5], [1.0, 2.0]])).tolist() == [[0, 128], [255, 255]]
    warm = heat_map(np.array([[2.0, -1.0, 0.0]]), scale=2.0)
    assert warm.shape == (1, 3, 4)
    assert warm[0, :, 3].tolist() == [255, 128, 0]


def test_large_pictures_are_made_smaller():
    noise = np.random.default_rng(0).integers(0, 256, (500, 300, 3), dtype=np.uint8)
    assert len(data_uri(noise)) < 20_000


def test_many_rows_keep_a_page_small(detector):
    X = pa.concat_tables([table(5000, seed=3), table(1000, seed=4, shift=3.0)])
    html, page = page_of(section_of(detector, X, np.repeat([0, 1], [5000, 1000])))
    assert len(html) < 1_000_000
    assert "3,000 of 6,000 rows are drawn" in page.words


# -- writing -----------------------------------------------------------------------------------------------------------


def test_writing_replaces_a_page_whole(tmp_path):
    path = tmp_path / "new" / "report.html"
    report.write(path, "old")
    report.write(path, "näw")
    assert path.read_text(encoding="utf-8") == "näw"
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]


def test_a_failed_write_leaves_the_old_page(tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    report.write(path, "old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(FileError, match=r"cannot be written to .*report.html: No space left on device\."):
        report.write(path, "new")
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileError, match="cannot be written to"):
        report.write(tmp_path / "file" / "report.html", "x")
    with pytest.raises(FileError, match="cannot be written to"):
        report.write(tmp_path, "x")
