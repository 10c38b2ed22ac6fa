"""Ours and theirs side by side: the same network, batch and rows, interleaved, five times and more.

    python benchmarks/speed.py [--quick] [--only NAME …]

Each case measures rival and oodles in turn, in one process, in own CPU seconds (which a busy machine hardly
distorts) and in wall seconds; a ratio is the median over the repeats of rival / oodles. Records go to
results/benchmarks/NAME.json. With --quick, fewer repeats of the quicker cases are compared with the committed ratios
instead, and what got slower by more than 15 % is said so: nothing is written.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import records
import rivals
import torch

from oodles import data, detectors, metrics
from oodles.training import Resident, Schedule, train

FOLDER = records.RESULTS / "benchmarks"
SLOWER = 0.85

TINY = {"hidden": (20, 10), "latent": 8}
MIDDLE = {"hidden": (128, 64, 32), "latent": 2}
LARGE = {"hidden": (400,), "latent": 20}
ALIKE = {"likelihood": "gaussian", "activation": "relu", "early_stopping": False, "lr": 1e-3, "random_state": 0}
"""What makes our VAE that of PyOD: N(x, 1), ReLU, Adam(0.001)."""


def rows(count: int, columns: int, seed: int = 0) -> np.ndarray:
    """Normal numbers in float32."""
    return np.random.default_rng(seed).normal(size=(count, columns)).astype(np.float32)


def clocked(function: Callable[[], Any]) -> dict[str, float]:
    """Own CPU seconds and wall seconds of one call."""
    cpu, wall = time.process_time(), time.perf_counter()
    function()
    return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}


def interleaved(sides: dict[str, Callable[[], Any]], repeats: int) -> dict[str, list[dict[str, float]]]:
    """Every side once to warm up, then all of them in turn."""
    for function in sides.values():
        function()
    found: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, function in sides.items():
            found[name].append(clocked(function))
    return found


def ratio(
    found: dict[str, list[dict[str, float]]], rival: str, ours: str, clock: str, scale: float = 1.0
) -> dict[str, float]:
    """rival / ours: the median over the repeats, and the smallest and largest."""
    each = [scale * a[clock] / b[clock] for a, b in zip(found[rival], found[ours], strict=True)]
    return {"median": statistics.median(each), "least": min(each), "most": max(each)}


# -- training ---------------------------------------------------------------------------------------------------------


class Training:
    """Our training alone, from untrained weights: recording a step, and all else that it takes, included.

    Arguments:
        X: Rows or pictures.
        batch: Rows of a batch.
        epochs: Passes over the rows.
        repeat: Whether steps are recorded.
        parameters: The detector's.
    """

    def __init__(self, X: np.ndarray, batch: int, epochs: int, *, repeat: bool = True, **parameters: Any) -> None:
        settings = {**ALIKE, **parameters}
        self.detector = detectors.VAE(epochs=1, batch_size=batch, **settings).fit(X[: 4 * batch])
        self.x = torch.from_numpy(self.detector.encoder_.transform(X))
        chunk = 64 if X.ndim == 3 else 512
        self.schedule = Schedule(epochs, batch, lr=1e-3, patience=None, chunk=chunk, look=epochs, repeat=repeat)

    def __call__(self) -> None:
        """Train."""
        model = self.detector.model_
        train(model, Resident(self.x), self.x[:16], self.schedule, seeds=list(range(model.members)))


def training(
    network: dict[str, Any], columns: int, batch: int, steps: int, members: tuple[int, ...], repeats: int
) -> dict[str, Any]:
    """PyOD's loop against ours, per member: five epochs of a fifth of the steps."""
    torch.set_num_threads(1)
    X = rows(batch * steps // 5, columns)
    sides: dict[str, Callable[[], Any]] = {"PyOD": rivals.pyod_epochs(X, network, batch, 5)}
    sides |= {f"oodles, {m} members": Training(X, batch, 5, members=m, **network) for m in members}
    if len(members) > 1:
        sides["oodles, 1 members, called"] = Training(X, batch, 5, members=1, repeat=False, **network)
    found = interleaved(sides, repeats)
    ratios = {f"per member of {m}": ratio(found, "PyOD", f"oodles, {m} members", "cpu", m) for m in members}
    if len(members) > 1:
        ratios["five members ÷ one"] = ratio(found, "oodles, 5 members", "oodles, 1 members", "cpu")
        ratios["five ÷ one without recording"] = ratio(found, "oodles, 5 members", "oodles, 1 members, called", "cpu")
    facts = {"clock": "cpu", "steps": steps, "batch": batch, "columns": columns, **network}
    return {**facts, "seconds": found, "ratios": ratios}


def peak(steps: int, repeats: int) -> dict[str, Any]:
    """The share of the machine's matrix product speed that training 784-400-20 with batches of 512 reaches."""
    torch.set_num_threads(1)
    X = rows(512 * 10, 784)
    square = torch.randn(1024, 1024)
    flop = 3 * 2 * 512 * (784 * 400 + 400 * 40 + 20 * 400 + 400 * 784) - 2 * 512 * 784 * 400  # no gradient for the rows
    sides = {
        "sgemm": lambda: [square @ square for _ in range(40)],
        "oodles": Training(X, 512, steps // 10, members=1, **LARGE),
    }
    found = interleaved(sides, repeats)
    best = 40 * 2 * 1024**3 / min(one["cpu"] for one in found["sgemm"])
    shares = [steps * flop / one["cpu"] / best for one in found["oodles"]]
    share = {"median": statistics.median(shares), "least": min(shares), "most": max(shares)}
    return {"clock": "cpu", "sgemm_gflops": best / 1e9, "seconds": found, "ratios": {"share of sgemm peak": share}}


def convolutions(epochs: int, repeats: int) -> dict[str, Any]:
    """Our gray VAE against the same network in plain layers, a DataLoader and Adam; two threads where there are two."""
    threads = min(2, os.cpu_count() or 1)
    torch.set_num_threads(threads)
    pictures = np.random.default_rng(0).integers(0, 256, (480, 28, 28), dtype=np.uint8)
    ours = Training(pictures, 48, epochs, members=1)
    found = interleaved({"plain": rivals.plain_convolutions(ours.x, 48, epochs), "oodles": ours}, repeats)
    ratios = {"plain loop": ratio(found, "plain", "oodles", "wall")}
    return {"clock": "wall", "threads": threads, "batch": 48, "epochs": epochs, "seconds": found, "ratios": ratios}


def defaults(seeds: int) -> dict[str, Any]:
    """`VAE().fit` against PyOD's, both with their defaults, on half of shuttle's normal rows: seconds and AUROC."""
    torch.set_num_threads(1)
    found: dict[str, list[dict[str, float]]] = {"PyOD": [], "oodles": []}
    whole = data.load("32_shuttle", download=False)
    for seed in range(seeds):
        normal = np.random.default_rng(seed).permutation(np.flatnonzero(whole.y == 0))
        train = normal[: len(normal) // 2]
        test = np.concatenate([normal[len(normal) // 2 :], np.flatnonzero(whole.y == 1)])
        for name, made in (("PyOD", rivals.pyod_default(seed)), ("oodles", detectors.VAE(random_state=seed))):
            taken = clocked(partial(made.fit, whole.X[train]))
            scores = made.decision_function(whole.X[test]) * (1 if name == "PyOD" else -1)
            found[name].append({**taken, "auroc": metrics.auroc(whole.y[test], scores)})
    auroc = {name: statistics.mean(one["auroc"] for one in each) for name, each in found.items()}
    ratios = {"fit": ratio(found, "PyOD", "oodles", "cpu")}
    return {"clock": "cpu", "set": "32_shuttle", "seconds": found, "auroc": auroc, "ratios": ratios}


# -- scoring ----------------------------------------------------------------------------------------------------------


def scoring(network: dict[str, Any], count: int, repeats: int) -> dict[str, Any]:
    """Rows a second, one thread: PyOD's `decision_function` (on 20,000 rows) and our reconstruction error (on all)."""
    torch.set_num_threads(1)
    X = rows(count, 30)
    ours = detectors.VAE(epochs=1, members=1, scoring="reconstruction_error", **{**ALIKE, **network}).fit(X[:2000])
    theirs = rivals.pyod_fitted(X[:2000], network)
    few = X[:20_000]
    found = interleaved(
        {"PyOD": lambda: theirs.decision_function(few), "oodles": lambda: ours.anomaly_score(X)}, repeats
    )
    ratios = {"rows a second": ratio(found, "PyOD", "oodles", "cpu", count / len(few))}
    return {"clock": "cpu", "rows": count, **network, "seconds": found, "ratios": ratios}


MEMORY = """
import sys, numpy as np
from oodles import load
def status(key):
    return next(int(l.split()[1]) / 1024 for l in open("/proc/self/status") if l.startswith(key))
detector, X = load(sys.argv[1]), np.load(sys.argv[2])
detector.anomaly_score(X[:50_000])
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
detector.anomaly_score(X)
print(status("VmHWM") - before)
"""


def memory(count: int) -> dict[str, Any]:
    """Peak resident memory of scoring above what was there before: the table, the model and the libraries."""
    with tempfile.TemporaryDirectory() as name:
        X = rows(count, 30)
        np.save(f"{name}/rows.npy", X)
        detectors.VAE(epochs=1, members=1, scoring="reconstruction_error", **{**ALIKE, **TINY}).fit(X[:2000]).save(
            f"{name}/model"
        )
        command = [sys.executable, "-c", MEMORY, f"{name}/model", f"{name}/rows.npy"]
        used = [float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(3)]
    return {
        "clock": "MiB",
        "rows": count,
        "ratios": {"MiB above the table": {"median": statistics.median(used), "least": min(used), "most": max(used)}},
    }


def probability(repeats: int) -> dict[str, Any]:
    """Reconstruction probability by our 32 fixed points against 100 fresh draws, one row at a time, and both errors."""
    torch.set_num_threads(1)
    X = rows(20_000, 30) @ np.random.default_rng(1).normal(size=(30, 30)).astype(np.float32)
    settings = {**ALIKE, **TINY, "likelihood": "gaussian-row"}
    ours = detectors.VAE(epochs=8, members=1, scoring="reconstruction_probability", **settings).fit(X)
    x, few = torch.from_numpy(ours.encoder_.transform(X)), 400
    single = partial(rivals.drawn_probability, ours.model_, 100)
    exact = rivals.drawn_probability(ours.model_, 20_000, x[:few], torch.Generator().manual_seed(9))
    errors = {
        "100 draws": float(
            (single(x[:few], torch.Generator().manual_seed(1)) - exact).square().mean().sqrt() / exact.std()
        ),
        "32 points": float(
            (torch.from_numpy(ours.anomaly_score(X[:few])) - exact).square().mean().sqrt() / exact.std()
        ),
    }
    generator = torch.Generator().manual_seed(0)
    sides = {
        "row by row": lambda: [single(row[None], generator) for row in x[:few]],
        "oodles": lambda: ours.anomaly_score(X),
    }
    found = interleaved(sides, repeats)
    ratios = {"rows a second": ratio(found, "row by row", "oodles", "cpu", len(X) / few)}
    return {"clock": "cpu", "errors": errors, "seconds": found, "ratios": ratios}


def commands(count: int, repeats: int) -> dict[str, Any]:
    """`oodles score` from Parquet to Parquet against a script with pandas and PyOD; and `oodles --help`."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as name:
        X = rows(count, 30)
        table = pa.table({f"c{i}": X[:, i] for i in range(30)})
        pq.write_table(table, f"{name}/rows.parquet")
        few = table.slice(0, 2000)
        settings = {**ALIKE, **TINY, "scoring": "reconstruction_error"}
        detectors.VAE(epochs=1, members=1, **settings).fit(few).save(f"{name}/model")
        rivals.pyod_fitted(X[:2000], TINY).save(f"{name}/pyod.pickle")
        target, source = f"{name}/scores.parquet", f"{name}/rows.parquet"
        ours = [records.OODLES, "score", f"{name}/model", source, "-o", target, "-q"]
        sides = {
            "oodles": [*ours, "--reasons", "0"],
            "oodles with 3 reasons": ours,
            "oodles --help": [records.OODLES, "--help"],
        }
        run = partial(subprocess.run, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "2"})
        found = interleaved({side: partial(run, command) for side, command in sides.items()}, repeats)
        script = [sys.executable, rivals.__file__, f"{name}/pyod.pickle", source, target]
        found["PyOD"] = [clocked(partial(run, script)) for _ in range(max(repeats // 2, 1))]
    slow = statistics.median(one["wall"] for one in found["PyOD"])
    ratios = {}
    for side in ("oodles", "oodles with 3 reasons"):
        each = [slow / one["wall"] for one in found[side]]
        ratios[f"script ÷ {side}"] = {"median": statistics.median(each), "least": min(each), "most": max(each)}
    helps = [one["wall"] for one in found["oodles --help"]]
    ratios["seconds of --help"] = {"median": statistics.median(helps), "least": min(helps), "most": max(helps)}
    return {"clock": "wall", "rows": count, "seconds": found, "ratios": ratios}


# -- all of it --------------------------------------------------------------------------------------------------------


def cases(*, quick: bool) -> dict[str, Callable[[], dict[str, Any]]]:
    """Every case by name."""
    n, slow = (3, 2) if quick else (7, 7)
    few = (1,) if quick else (1, 5)
    return {
        "training-tiny": partial(training, TINY, 30, 128, 1000, (1, 5), n),
        "training-middle": partial(training, MIDDLE, 30, 128, 500, (1, 5), n),
        "training-large-50": partial(training, LARGE, 784, 50, 300, few, n),
        "training-large-512": partial(training, LARGE, 784, 512, 200, few, slow),
        "peak": partial(peak, 200, slow),
        "convolutions": partial(convolutions, 4, slow),
        "scoring-tiny": partial(scoring, TINY, 1_000_000, n),
        "scoring-middle": partial(scoring, MIDDLE, 1_000_000, n),
        "probability": partial(probability, n),
        "memory": partial(memory, 1_000_000),
        **({} if quick else {"commands": partial(commands, 1_000_000, 5), "defaults": partial(defaults, 5)}),
    }


def main() -> None:
    """Measure, and write or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", action="append")
    arguments = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, measure in cases(quick=arguments.quick).items():
        if arguments.only and name not in arguments.only:
            continue
        path = FOLDER / f"{name}.json"
        before = json.loads(path.read_text(encoding="utf-8"))["ratios"] if path.exists() else {}
        found = measure()
        for what, numbers in found["ratios"].items():
            shown = f"{name:20} {what:28} {numbers['median']:8.2f} ({numbers['least']:.2f} to {numbers['most']:.2f})"
            if arguments.quick and what in before:
                change = numbers["median"] / before[what]["median"]
                better = 1 / change if what in LESS else change
                shown += f"   committed {before[what]['median']:.2f}" + ("   SLOWER" if better < SLOWER else "")
            print(shown, flush=True)
        if not arguments.quick:
            path.write_text(json.dumps({**found, **records.provenance()}, indent=1) + "\n", encoding="utf-8")


LESS = ("five members ÷ one", "five ÷ one without recording", "MiB above the table", "seconds of --help")
"""Ratios of which less is better."""


if __name__ == "__main__":
    main()
