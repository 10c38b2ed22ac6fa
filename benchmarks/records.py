"""Records of runs: one JSON object a line, written as soon as it is known, so that a killed run continues."""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from oodles.experiments.records import processor

OODLES = Path(sys.executable).with_name("oodles")
RESULTS = Path(__file__).parent.parent / "results"


def provenance() -> dict[str, Any]:
    """Versions and hardware: what a number means nothing without."""
    packages = ("oodles", "torch", "numpy", "scikit-learn", "pyod")
    return {
        "command": " ".join(["python", *sys.argv]),
        "versions": {name: found for name in packages if (found := installed(name))},
        "python": platform.python_version(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": int(os.environ.get("OMP_NUM_THREADS", "0")) or None,
    }


def installed(name: str) -> str | None:
    """The version of a package, if it is there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def read(name: str) -> Iterator[dict[str, Any]]:
    """The records of a file in `results/`."""
    path = RESULTS / name
    if path.exists():
        yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


def append(name: str, record: dict[str, Any]) -> None:
    """Add one record to a file in `results/`."""
    path = RESULTS / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def measured(*arguments: str | Path) -> tuple[str, float, float]:
    """What an `oodles` command printed, its seconds, and its own peak memory in MiB."""
    with tempfile.TemporaryFile("w+") as printed:
        start = time.perf_counter()
        process = subprocess.Popen([OODLES, *arguments], stdout=printed)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        if status:
            raise SystemExit(f"oodles {arguments[0]} failed")
        printed.seek(0)
        return printed.read(), seconds, usage.ru_maxrss / 1024
