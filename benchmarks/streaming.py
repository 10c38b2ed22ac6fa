"""Larger than memory: what `fit` needs when it reads piece by piece, and what it costs in quality.

    python benchmarks/streaming.py [--rows 4000000]

One set with rows in memory and with 1 MiB of them at a time, five seeds; then `oodles fit` of a Parquet file with and
without --memory 64, one epoch, in processes of their own: seconds and peak memory. The record goes to
results/benchmarks/streaming.json.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

import adbench
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import records

from oodles import data, detectors, metrics

SET = "32_shuttle"


def quality() -> dict[str, list[float]]:
    """AUROC of five seeds, resident and streamed."""
    found = data.load(SET, download=False)
    aurocs: dict[str, list[float]] = {"resident": [], "1 MiB at a time": []}
    for seed in range(5):
        train, test = adbench.split(found.y, seed)
        for name, memory in (("resident", None), ("1 MiB at a time", 1.0)):
            detector = detectors.VAE(random_state=seed, memory=memory).fit(found.X[train])
            aurocs[name].append(metrics.auroc(found.y[test], detector.anomaly_score(found.X[test])))
    return aurocs


def memory(rows: int) -> dict[str, dict[str, float]]:
    """Seconds and peak MiB of fitting so many rows of 30 columns."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "rows.parquet"
        rng = np.random.default_rng(0)
        schema = pa.schema([(f"c{i}", pa.float32()) for i in range(30)])
        with pq.ParquetWriter(source, schema) as writer:
            for _ in range(rows // 100_000):
                columns = rng.normal(size=(30, 100_000)).astype(np.float32)
                writer.write_table(pa.table(list(columns), schema=schema))
        for label, options in (("--memory 64", ("--memory", "64")), ("all in memory", ())):
            target = Path(name) / label
            settings = ("--epochs", "1", "--members", "1", "-q")
            _, seconds, peak = records.measured("fit", source, "-o", target, *settings, *options)
            found[label] = {"seconds": round(seconds, 1), "peak_mib": round(peak)}
    return found


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=4_000_000)
    arguments = parser.parse_args()
    aurocs = quality()
    means = {name: statistics.mean(each) for name, each in aurocs.items()}
    record = {"set": SET, "auroc": aurocs, "means": means, "rows": arguments.rows, "fit": memory(arguments.rows)}
    record |= records.provenance()
    path = records.RESULTS / "benchmarks" / "streaming.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
