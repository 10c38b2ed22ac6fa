"""`oodles explain` says why, for people and for programs."""

import io

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from samples import ROWS, TINY, put, table

from oodles import load
from oodles.cli import output
from oodles.data import reading


def test_without_a_number_the_strangest_row_is_explained(run, here):
    """Its features come with value, expectation and nats, the strangest first."""
    (answer,) = run("explain", here / "model", here / "rows.csv", "--json").json
    detector = load(here / "model")
    scores = detector.anomaly_score(table())
    row = int(scores.argmax())
    nats = [feature["nats"] for feature in answer["features"]]

    assert answer["row"] == row
    assert answer["score"] == pytest.approx(scores[row])
    assert answer["p_value"] == pytest.approx(detector.p_value(table())[row])
    assert nats == sorted(nats, reverse=True)
    for feature in answer["features"]:
        came = table()[feature["feature"]][row].as_py()
        assert feature["value"] == ("missing" if came is None or came != came else came)  # noqa: PLR0124
    np.testing.assert_allclose(sorted(nats), np.sort(detector.explain(table())[row]), atol=1e-6)


def test_rows_are_explained_in_the_order_asked_for(run, here, monkeypatch):
    """Whatever block they stand in."""
    asked = ["--row", "117", "--row", "3"]
    answers = run("explain", here / "model", here / "rows.csv", *asked, "--json").json
    monkeypatch.setitem(reading.stream.__kwdefaults__, "rows", 7)

    assert [answer["row"] for answer in answers] == [117, 3]
    assert run("explain", here / "model", here / "rows.csv", *asked, "--json").json == answers


def test_a_table_is_for_people(run, here):
    result = run("explain", here / "model", here / "rows.csv", "--row", "5", "--reasons", "2")
    lines = result.out.splitlines()

    assert lines[0].startswith("row 5: score ")
    assert lines[1].split() == ["feature", "value", "expected", "nats", "above", "usual"]
    assert len(lines) == 2 + 2
    assert result.err == ""


def test_every_format_is_explained_alike(run, here):
    known = run("explain", here / "model", here / "rows.csv", "--row", "5", "--json").json
    for name in ("rows.parquet", "rows.jsonl", "parts"):
        answer = run("explain", here / "model", here / name, "--row", "5", "--json").json
        assert [feature["feature"] for feature in answer[0]["features"]] == [
            feature["feature"] for feature in known[0]["features"]
        ]


@pytest.mark.parametrize("row", ["120", "1000000000000"])
def test_a_row_beyond_the_end_is_refused(refuses, here, row):
    refuses(
        1,
        (f"no row {int(row):,}", f"{ROWS} rows", "from 0"),
        "explain",
        here / "model",
        here / "rows.csv",
        "--row",
        row,
    )


def test_pixels_have_a_place_and_lie_between_0_and_1(run, tmp_path):
    """Value and expectation are in the same unit, whatever the file's."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(8):
        pixels = np.random.default_rng(i).integers(0, 255, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    assert run("fit", folder, "-o", tmp_path / "m", *TINY).code == 0
    (answer,) = run("explain", tmp_path / "m", folder, "--row", "2", "--reasons", "192", "--json").json
    pixels = np.asarray(Image.open(folder / "2.png")) / 255

    assert len(answer["features"]) == 192
    for feature in answer["features"]:
        _, row, _, column, color = feature["feature"].replace(",", "").split()
        channel = ["red", "green", "blue"].index(color)
        assert feature["value"] == pytest.approx(pixels[int(row), int(column), channel])
        assert 0 <= feature["expected"] <= 1


def test_nothing_in_a_file_moves_the_cursor(run, refuses, tmp_path):
    """Escape codes and line ends in names and cells are spelled out; rich's markup means nothing."""
    rows = table().rename_columns(["amount", "[red]", "flag", "new\nline", "\x1b[31mlabel"])
    path = put(rows, tmp_path / "x.parquet")
    assert run("fit", path, "-o", tmp_path / "m", *TINY).code == 0
    shown = run("explain", tmp_path / "m", path).out

    assert "[red]" in shown
    assert "new\\nline" in shown
    assert "\\x1b[31mlabel" in shown
    assert "\\x1b[31mlabel" in refuses(1, ("no column",), "fit", path, "-o", tmp_path / "n", "--label", "no")


@pytest.mark.parametrize(("no_color", "is_colored"), [("1", False), ("", True)])
def test_a_terminal_gets_colors_unless_NO_COLOR_says_no(monkeypatch, no_color, is_colored):  # noqa: N802
    """The convention of https://no-color.org: any value but the empty one."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    output.print_table("title", ("name", "number"), [("a", 1), ("[red]", 2.5)])
    output.print_facts("title", {"a": 1.23456})

    assert ("\x1b" in screen.getvalue()) == is_colored
    assert "1.235" in screen.getvalue()
    assert Console(file=io.StringIO()).is_terminal is False
