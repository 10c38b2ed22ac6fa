"""The ADBench sets of the data folder, one-class: train on half of the normal rows, test on the rest and all anomalies.

    python benchmarks/adbench.py [--seeds 3] [--only VAE --only KNN]

Every detector has its default parameters; rivals get standardized columns, ours get the raw ones. At most 10,000 rows
are trained on. One record per set, seed and detector goes to results/adbench.jsonl; what is there already is not run
again. The table of means goes to results/adbench.md.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import records
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.preprocessing import StandardScaler

from oodles import data, detectors, metrics

FILE = "adbench.jsonl"
MOST_ROWS = 10_000
Scorer = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


def ours(kind: type, **parameters: Any) -> Scorer:
    """One of our detectors on raw columns."""
    return lambda train, test, seed: kind(random_state=seed, **parameters).fit(train).anomaly_score(test)


def standardized(scorer: Scorer) -> Scorer:
    """A rival on standardized columns."""

    def score(train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
        scaler = StandardScaler().fit(train)
        return scorer(scaler.transform(train), scaler.transform(test), seed)

    return score


def forest(train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    """scikit-learn's IsolationForest."""
    return -IsolationForest(random_state=seed).fit(train).score_samples(test)


def lof(train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:  # noqa: ARG001 - nothing random
    """scikit-learn's LocalOutlierFactor for new rows."""
    return -LocalOutlierFactor(novelty=True).fit(train).score_samples(test)


def knn(train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:  # noqa: ARG001 - nothing random
    """Distance to the fifth neighbour."""
    return NearestNeighbors(n_neighbors=5).fit(train).kneighbors(test)[0][:, -1]


def pyod_vae(train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    """PyOD's VAE."""
    from pyod.models.vae import VAE  # noqa: PLC0415 - an optional rival

    return VAE(random_state=seed, verbose=0).fit(train).decision_function(test)


SCORERS: dict[str, Scorer] = {
    "VAE": ours(detectors.VAE),
    "AutoEncoder": ours(detectors.AutoEncoder),
    "VAE, one member": ours(detectors.VAE, members=1),
    "VAE, PyOD's network": ours(
        detectors.VAE,
        hidden=(128, 64, 32),
        latent=2,
        activation="relu",
        likelihood="gaussian",
        scoring="reconstruction_error",
        members=1,
        epochs=30,
        batch_size=32,
        lr=1e-3,
        early_stopping=False,
    ),
    "IsolationForest": standardized(forest),
    "LocalOutlierFactor": standardized(lof),
    "KNN": standardized(knn),
    "PyOD VAE": standardized(pyod_vae),
}


def split(y: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Half of the normal rows to train on (at most 10,000); the others and all anomalies to test on."""
    normal = np.random.default_rng(seed).permutation(np.flatnonzero(y == 0))
    half = len(normal) // 2
    return normal[:half][:MOST_ROWS], np.concatenate([normal[half:], np.flatnonzero(y == 1)])


def cell(name: str, seed: int, detector: str) -> dict[str, Any]:
    """One set, one seed, one detector."""
    found = data.load(name, download=False)
    train, test = split(found.y, seed)
    start = time.process_time()
    scores = SCORERS[detector](found.X[train], found.X[test], seed)
    seconds = time.process_time() - start
    y = found.y[test]
    return {
        "set": name,
        "seed": seed,
        "detector": detector,
        "auroc": metrics.auroc(y, scores),
        "ap": metrics.average_precision(y, scores),
        "chance": float(y.mean()),
        "train": len(train),
        "test": len(test),
        "cpu_seconds": round(seconds, 2),
    }


def table(rows: list[dict[str, Any]], sets: list[str], seeds: int) -> str:
    """Means over seeds, as Markdown; a dash stands for what has not been run."""
    ran = {d: [r for r in rows if r["detector"] == d and r["seed"] < seeds] for d in SCORERS}
    ran = {d: found for d, found in ran.items() if found}
    lines = ["| set | " + " | ".join(ran) + " |", "|---|" + "---|" * len(ran)]
    for name in sets:
        cells = [[r for r in found if r["set"] == name] for found in ran.values()]
        lines.append(line(name, cells, expected=seeds, digits=3))
    lines.append(line("**mean**", list(ran.values()), expected=seeds * len(sets), digits=4))
    return "\n".join(lines)


def line(name: str, cells: list[list[dict[str, Any]]], *, expected: int, digits: int) -> str:
    """One row of the table: AUROC / average precision for each detector."""
    shown = [
        f"{mean(cell, 'auroc'):.{digits}f} / {mean(cell, 'ap'):.{digits}f}" if len(cell) == expected else "–"
        for cell in cells
    ]
    return f"| {name} | {' | '.join(shown)} |"


def mean(rows: list[dict[str, Any]], key: str) -> float:
    """The mean of one number."""
    return float(np.mean([row[key] for row in rows]))


def main() -> None:
    """Run what is missing, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=list(SCORERS))
    arguments = parser.parse_args()
    warnings.filterwarnings("ignore")
    sets = [e.name for e in data.names() if e.presence == "present" and e.name[0].isdigit() and e.kind == "table"]
    rows = list(records.read(FILE))
    known = {(r["set"], r["seed"], r["detector"]) for r in rows}
    for detector in arguments.only or SCORERS:
        for name in sets:
            for seed in range(arguments.seeds):
                if (name, seed, detector) in known:
                    continue
                record = {**cell(name, seed, detector), **records.provenance()}
                print(detector, name, seed, f"{record['auroc']:.4f} {record['ap']:.4f}", sep="\t", flush=True)
                records.append(FILE, record)
                rows.append(record)
    facts = records.provenance()
    text = (
        "# ADBench, one-class: AUROC / average precision\n\n"
        f"{' '.join((__doc__ or '').split())}\n\nMeans over seeds 0 to {arguments.seeds - 1}. "
        f"{facts['processor']}, {facts['cores']} cores, one thread; {facts['versions']}.\n\n"
        f"{table(rows, sets, arguments.seeds)}\n"
    )
    (records.RESULTS / "adbench.md").write_text(text, encoding="utf-8")
    print(table(rows, sets, arguments.seeds))


if __name__ == "__main__":
    main()
