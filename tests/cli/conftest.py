"""What the tests of the command line share: a small table in every format, a fitted model, a way to run a command."""

import csv
import io
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from oodles.cli.app import outcome
from oodles.data import writing

ESCAPE = re.compile("[\x1b\x9b]")
TINY = ["--set", "hidden=[8]", "--set", "latent=2", "--epochs", "2", "--members", "1", "--quiet"]
"""Options of a fit that takes a moment."""

ROWS = 120


class Result(NamedTuple):
    """What a command line came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def rows(self) -> list[dict[str, str]]:
        """Standard output, read as CSV."""
        return list(csv.DictReader(io.StringIO(self.out)))


def table(seed: int = 0, rows: int = ROWS) -> pa.Table:
    """A real, a counted, a binary and a text column, missing cells, and a label whose normal value is "ok"."""
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "amount": np.where(rng.random(rows) < 0.05, np.nan, rng.normal(50, 9, rows).round(3)).tolist(),
            "count": rng.integers(0, 9, rows),
            "flag": rng.integers(0, 2, rows),
            "city": rng.choice(["Bern", "Köln", "São Paulo, SP"], rows),
            "label": rng.choice(["ok", "fraud"], rows, p=[0.9, 0.1]),
        },
        schema=pa.schema(
            {
                "amount": pa.float64(),
                "count": pa.int64(),
                "flag": pa.int64(),
                "city": pa.string(),
                "label": pa.string(),
            }
        ),
    )


def put(rows: pa.Table, path: Path) -> Path:
    """The table as a file, whose ending says what kind."""
    if path.suffix == ".parquet":
        parquet.write_table(rows, path)
    elif path.suffix == ".feather":
        feather.write_feather(rows, path)
    else:
        with writing.create(path) as writer:
            writer.write(rows)
    return path


@pytest.fixture
def run(capsys, monkeypatch):
    """Run a command line in this process, with bytes for its standard input if need be."""

    def run(*arguments: object, stdin: bytes | None = None) -> Result:
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(stdin), isatty=lambda: False))
        capsys.readouterr()
        code = outcome([str(argument) for argument in arguments])
        result = Result(code, *capsys.readouterr())
        assert not ESCAPE.search(result.out + result.err)
        return result

    return run


@pytest.fixture
def refuses(run):
    """`refuses(code, words, *command line)`: it fails with one line, a sentence that holds the words."""

    def refuses(code: int, words: tuple[str, ...], *arguments: object, stdin: bytes | None = None) -> str:
        result = run(*arguments, stdin=stdin)
        assert result.code == code, result
        assert result.out == ""
        assert result.err.count("\n") == 1
        assert re.fullmatch(r"oodles: .+[.]\n", result.err)
        assert "Traceback" not in result.err
        assert "mistake of oodles" not in result.err
        for word in words:
            assert word in result.err
        return result.err

    return refuses


@pytest.fixture(scope="session")
def here(tmp_path_factory) -> Path:
    """A folder with the table in every format, and a model fitted to it; nobody may change it."""
    folder = tmp_path_factory.mktemp("here")
    for name in ("rows.csv", "rows.csv.gz", "rows.parquet", "rows.feather", "rows.jsonl"):
        put(table(), folder / name)
    (folder / "parts").mkdir()
    for part in range(3):
        put(table().slice(part * ROWS // 3, ROWS // 3), folder / "parts" / f"{part}.parquet")
    arguments = ["--label", "label", "--normal", "ok", *TINY]
    assert outcome(["fit", str(folder / "rows.parquet"), "-o", str(folder / "model"), *arguments]) == 0
    return folder
