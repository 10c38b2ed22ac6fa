"""One million rows of 30 columns, scored from Parquet to Parquet by `oodles score`: seconds and peak memory.

    python benchmarks/million.py [--rows 1000000]

The record goes to results/million.jsonl.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import records

from oodles import detectors


def main() -> None:
    """Write the rows, fit a small model, score as a command of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(5, 30))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = rows(rng, mixing, arguments.rows)
        pq.write_table(table, folder / "rows.parquet")
        detectors.VAE(random_state=0).fit(table.slice(0, 20_000)).save(folder / "model")
        del table
        found = {}
        for label, options in {"with 3 reasons": (), "without reasons": ("--reasons", "0")}.items():
            target = folder / "scores.parquet"
            _, seconds, peak = records.measured(
                "score", folder / "model", folder / "rows.parquet", "-o", target, "-q", *options
            )
            if pq.read_metadata(target).num_rows != arguments.rows:
                raise SystemExit("rows were lost")
            found[label] = {
                "seconds": round(seconds, 1),
                "rows_per_second": round(arguments.rows / seconds),
                "peak_mib": round(peak),
            }
    record = {"rows": arguments.rows, "columns": 30, **found, **records.provenance()}
    records.append("million.jsonl", record)
    print(json.dumps(record, indent=1))


def rows(rng: np.random.Generator, mixing: np.ndarray, count: int) -> pa.Table:
    """Correlated normal columns in float32."""
    X = (rng.normal(size=(count, 5)) @ mixing + 0.3 * rng.normal(size=(count, 30))).astype(np.float32)
    return pa.table({f"c{i}": X[:, i] for i in range(30)})


if __name__ == "__main__":
    main()
