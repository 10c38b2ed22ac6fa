"""What the tests of the command line are about: a small table as a file, options of a quick fit, what a run came to."""

import csv
import io
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import feather, parquet

from oodles.data import writing

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
