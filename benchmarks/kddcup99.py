"""KDD Cup 99 (10 %) through the command line, raw text with its categorical columns.

    python benchmarks/kddcup99.py

Half of the `normal.` rows are learned; the other half and all attacks are judged. Then the same model scores the
corrected test file as a stream. The record goes to results/kddcup99.jsonl.
"""

import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import records

from oodles import data, metrics
from oodles.data import download


def main() -> None:
    """Evaluate, score the corrected file, judge its scores against its labels."""
    files = download.folder() / "kddcup99"
    options = ("--no-header", "--label", "c42", "--normal", "normal.", "--train", "0.5", "--seed", "0", "--json", "-q")
    with tempfile.TemporaryDirectory() as name:
        model, target = Path(name) / "model", Path(name) / "scores.parquet"
        judged, seconds, peak = records.measured(
            "evaluate", files / "kddcup.data_10_percent.gz", *options, "--save", model
        )
        _, score_seconds, score_peak = records.measured(
            "score", model, files / "corrected.gz", "--no-header", "-q", "-o", target
        )
        scores = pq.read_table(target)
    labels = np.array(data.load("kddcup99", "test").labels).astype(str)
    y = (labels != "normal.").astype(int)
    strange, alarmed = scores["score"].to_numpy(), scores["alarm"].to_numpy()
    record = {
        "evaluate": {**json.loads(judged), "seconds": round(seconds), "peak_mib": round(peak)},
        "corrected": {
            "rows": len(scores),
            "AUROC": metrics.auroc(y, strange),
            "average precision": metrics.average_precision(y, strange),
            "false-alarm rate kept": float(alarmed[y == 0].mean()),
            "recall": float(alarmed[y == 1].mean()),
            "seconds": round(score_seconds),
            "peak_mib": round(score_peak),
        },
        "options": " ".join(options),
        **records.provenance(),
    }
    records.append("kddcup99.jsonl", record)
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
