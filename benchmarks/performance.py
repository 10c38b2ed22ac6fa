"""docs/performance.md from the records in results/benchmarks/: every ratio with its spread, command and hardware.

python benchmarks/performance.py
"""

import json
from pathlib import Path
from typing import Any

import page
import records

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
FOLDER = records.RESULTS / "benchmarks"

ROWS = (
    ("training-tiny", "per member of 1", "training 30-20-10-8, batch 128, one member, against PyOD's loop", "≥ 3 / 8"),
    ("training-tiny", "per member of 5", "… per member of five", "≥ 10 / 18"),
    ("training-middle", "per member of 1", "training PyOD's default network without dropout, batch 128", "≥ 2.5 / 5"),
    ("training-middle", "per member of 5", "… per member of five", "≥ 5 / 7"),
    ("training-large-50", "per member of 1", "training 784-400-20, batch 50", "≥ 1.5 / 2"),
    ("training-large-512", "per member of 1", "training 784-400-20, batch 512", "≥ 1.25 / 1.4"),
    ("peak", "share of sgemm peak", "share of the sgemm peak, 784-400-20, batch 512", "≥ .75 / .83"),
    ("convolutions", "plain loop", "gray convolutional VAE, two threads, against plain layers and a DataLoader", "≥ 1.05 / 1.3"),
    ("training-tiny", "five ÷ one without recording", "five members ÷ one called step by step, tiny", "≤ 1.5 / 1"),
    ("training-middle", "five ÷ one without recording", "… PyOD's default network", "≤ 2.5 / 2"),
    ("training-large-512", "five ÷ one without recording", "… 784-400-20", "≤ 4.7 / 4.4"),
    ("training-tiny", "five members ÷ one", "five members ÷ one, both recorded, tiny", ""),
    ("training-middle", "five members ÷ one", "… PyOD's default network", ""),
    ("training-large-512", "five members ÷ one", "… 784-400-20", ""),
    ("defaults", "fit", "`VAE().fit` against PyOD's `VAE().fit`, shuttle", "≥ 10 / 40"),
    ("scoring-tiny", "rows a second", "scoring 1M × 30, tiny network, one thread", "≥ 60 / 150"),
    ("scoring-middle", "rows a second", "scoring 1M × 30, PyOD's default network, one thread", "≥ 20 / 26"),
    ("memory", "MiB above the table", "MiB that scoring 1M × 30 needs above the table", "≤ 32 / 8"),
    ("probability", "rows a second", "reconstruction probability against 100 draws a row, row by row", "≥ 10 / 25"),
    ("commands", "script ÷ oodles", "`oodles score --reasons 0`, 1M × 30, Parquet to Parquet, against a PyOD script", "≥ 8 / 20"),
    ("commands", "script ÷ oodles with 3 reasons", "… with three reasons for every row, which the script does not give", ""),
    ("commands", "seconds of --help", "seconds of `oodles --help`", "≤ .3 / .15"),
)  # fmt: skip

TOP = """\
# Performance

Written by `python benchmarks/performance.py` from the records in `results/benchmarks/`; `make bench` measures them anew,
`make bench-quick` compares this machine's ratios with the committed ones in three minutes.

Deep detectors are called slow because their loops are. Ours does little beside its matrix products:

- **A step is recorded once and repeated** ([`training/tape.py`](../src/oodles/training/tape.py)). The first steps run as
  they are written; then one is noted kernel by kernel, gradients and Adam included, and from then on only the kernels are
  called, on the same memory. What never changes, what nobody reads and copies that nobody needs are left out. The bits
  are those of the steps as written: a test compares whole trainings
  ([decision 7](decisions/0007-a-step-is-recorded.md)). On a GPU a CUDA graph does the same
  ([`training/capture.py`](../src/oodles/training/capture.py); written without a GPU at hand, and never run on one).
- **Members are stacked**: five models cost as many kernel calls as one.
- **Large members train in threads of their own** ([`training/parallel.py`](../src/oodles/training/parallel.py)) where every
  thread gets as many; kernels then use one thread each and never wait for each other. The bits stay the same.
- **Small work gets one thread**: below 500 MFLOP a step a second one costs more than it brings.
- **Scores stream**: rows are encoded and scored in blocks of 2 MiB; a command that scores imports neither pandas nor
  scikit-learn, and torch only when it loads the model
  ([decision 8](decisions/0008-an-estimator-without-its-base-class.md)).

`compile=True` compiles the networks for the training. It needs a C++ compiler at run time, compiles before the first step,
and pays only for long trainings.

## Side by side

Ratios rival / oodles (how many times faster), medians of the repeats with the smallest and largest, both sides in turn in
one process: same network, batch, rows and epochs; own CPU seconds for one thread, wall seconds for commands and for two
threads. The goals stand in the last column: to be reached / to be proud of.

| what | ratio | from – to | goal |
|---|---|---|---|
"""


def number(value: float) -> str:
    """Three digits."""
    return f"{value:.3g}"


def read(name: str) -> dict[str, Any] | None:
    """A record, if it is there."""
    path = FOLDER / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def table() -> list[str]:
    """A line for every ratio."""
    lines = []
    for name, what, said, goal in ROWS:
        found = (read(name) or {"ratios": {}})["ratios"].get(what)
        if found:
            spread = f"{number(found['least'])} – {number(found['most'])}"
            lines.append(f"| {said} | **{number(found['median'])}** | {spread} | {goal} |")
    return lines


def details() -> list[str]:
    """What the table cannot say."""
    lines = []
    if defaults := read("defaults"):
        auroc = defaults["auroc"]
        lines += [
            f"Defaults on shuttle, five seeds a side: AUROC {auroc['oodles']:.4f}, PyOD {auroc['PyOD']:.4f}.",
            "",
        ]
    if probability := read("probability"):
        errors = probability["errors"]
        lines += [
            f"Reconstruction probability: the error (RMSE ÷ deviation of the scores) of our 32 fixed points is "
            f"{errors['32 points']:.3f}, of 100 fresh draws {errors['100 draws']:.3f}, both against 20,000 draws.",
            "",
        ]
    adbench = [row for row in records.read("adbench.jsonl") if row["detector"] in ("VAE, PyOD's network", "PyOD VAE")]
    means = {}
    for name in ("VAE, PyOD's network", "PyOD VAE"):
        mine = [row["auroc"] for row in adbench if row["detector"] == name]
        means[name] = (sum(mine) / len(mine), len(mine))
    (ours, n), (theirs, m) = means.values()
    lines += [
        f"Equal quality: with PyOD's network, epochs (30) and batch (32), one member, the mean AUROC over 16 ADBench sets and "
        f"five seeds is {ours:.4f} ({n} runs); PyOD's is {theirs:.4f} ({m} runs) (`python benchmarks/adbench.py --seeds 5 "
        "--only \"VAE, PyOD's network\" --only \"PyOD VAE\"`).",
        "",
    ]  # fmt: skip
    return lines


def streaming(record: dict[str, Any]) -> list[str]:
    """What is larger than memory."""
    means, fit = record["means"], record["fit"]
    lines = [
        "## Larger than memory",
        "",
        "With `memory=MiB`, `fit` reads a memory-mapped array or a `pyarrow.dataset` piece by piece: one pass collects a",
        "sample, from which the columns are learned, and the held-out rows; every epoch takes the row groups in another",
        "order, as many at once as there is room for, and shuffles their rows, while the next ones are being read.",
        "From the command line: `oodles fit FOLDER -o MODEL --memory 512`, for Parquet and `.npy`.",
        "",
        "```python",
        "import pyarrow.dataset",
        "",
        "from oodles import detectors",
        "",
        'detectors.VAE(memory=512).fit(pyarrow.dataset.dataset("payments"))  # a folder of Parquet files',
        "```",
        "",
        f"| `oodles fit`, {record['rows']:,} × 30, one member, one epoch | seconds | peak memory |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {found['seconds']} | {found['peak_mib']:,} MiB |" for name, found in fit.items()]
    shown = ", ".join(f"{name} {value:.4f}" for name, value in means.items())
    return [
        *lines,
        "",
        f"Same quality: {record['set']}, five seeds, mean AUROC {shown}.",
        "",
        page.provenance(record),
        "",
    ]


BOUNDS = """\
## What bounds the rest

- **Scoring with PyOD's default network** is bound by its matrix products, which run at the processor's sgemm speed. Larger
  chunks fall out of the cache, smaller ones pay more per call: both were tried and were slower.
- **784-400-20, batch 512** is bound by its matrix products too, see the share of the sgemm peak. Recording and fewer copies
  were tried one after the other; the median stays at the goal's edge.
- **Five members ÷ one**: recording made the single member faster than it made five of a stack, which call hardly more;
  measured against a single recorded member the quotient therefore grew. Both are shown. For 784-400-20 the arithmetic of
  five members is five times that of one.
- **Loading torch** is the largest single part of `oodles score`.
"""


def main() -> None:
    """Write the page."""
    lines = [*table(), "", *details()]
    record = read("training-tiny")
    text = TOP + "\n".join(lines) + "\n"
    if record:
        text += page.provenance({**record, "command": "python benchmarks/speed.py"}) + "\n\n"
    text += BOUNDS
    if found := read("streaming"):
        text += "\n" + "\n".join(streaming(found))
    PAGE.write_text(text.rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
