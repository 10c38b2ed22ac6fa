"""Records: what was measured, with all that it depends on, one file each."""

import hashlib
import json
import os
import platform
import shlex
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..errors import FileError
from .tasks import Budget, Result, Task

__all__ = ["Record", "identity", "load", "processor", "read", "write"]

FORMAT = 1


@dataclass(frozen=True)
class Record:
    """One task, done.

    Attributes:
        task: Everything that the result depends on.
        numbers: Set → quantity → one number for each member.
        pictures: Names of picture files beside the record.
        notes: What a reader must know.
        seconds: How long it took.
        provenance: Command, versions, hardware.
    """

    task: Mapping[str, Any]
    numbers: Mapping[str, Mapping[str, list[float]]]
    pictures: Mapping[str, str]
    notes: tuple[str, ...]
    seconds: float
    provenance: Mapping[str, Any]

    def of(self, against: str, quantity: str) -> np.ndarray:
        """One number for each member, (M,); empty if it was not measured."""
        return np.asarray(self.numbers.get(against, {}).get(quantity, ()), dtype=np.float64)


def identity(task: Task, budget: Budget) -> str:
    """The name of a task's record: a hash of everything that its result depends on."""
    text = json.dumps([FORMAT, task.described(budget), asdict(budget)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read(folder: Path, task: Task, budget: Budget) -> Record | None:
    """The record of a task, if it has been done.

    Raises:
        FileError: If the file is damaged.
    """
    path = folder / f"{identity(task, budget)}.json"
    return load(path) if path.exists() else None


def load(path: Path) -> Record:
    """The record in a file.

    Raises:
        FileError: If it is damaged.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Record(**{**found, "notes": tuple(found["notes"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise FileError(f"{path} is not a whole record ({error}). Delete it to run the experiment again.") from error


def write(folder: Path, task: Task, budget: Budget, result: Result, seconds: float) -> Record:
    """Write a record and its pictures; a record is whole, or it is not there.

    Raises:
        FileError: If it cannot be written.
    """
    name = identity(task, budget)
    record = Record(
        task={"name": task.name, **task.described(budget), **asdict(budget)},
        numbers=result.numbers,
        pictures={what: f"{name}-{what}.png" for what in result.pictures},
        notes=result.notes,
        seconds=round(seconds, 1),
        provenance=provenance(),
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for what, pixels in result.pictures.items():
            Image.fromarray(pixels).save(folder / record.pictures[what], optimize=True)
        with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".tmp", delete=False, encoding="utf-8") as draft:
            json.dump(asdict(record), draft, indent=1, default=str)
            draft.write("\n")
        Path(draft.name).chmod(0o644)
        Path(draft.name).replace(folder / f"{name}.json")
    except OSError as error:
        raise FileError(f"The record in {folder} cannot be written: {error.strerror}.") from error
    return record


def provenance() -> dict[str, Any]:
    """Command, versions, hardware."""
    return {
        "command": shlex.join(["oodles", *typed(sys.argv[1:])]),
        "versions": {name: version(name) for name in ("oodles", "torch", "numpy", "scikit-learn")},
        "python": platform.python_version(),
        "processor": processor(),
        "cores": os.cpu_count(),
    }


def typed(arguments: list[str]) -> list[str]:
    """A command line without the folder of the records: where they lie is nobody's business."""
    places = [i for i, word in enumerate(arguments) if word == "--results"]
    return [word for i, word in enumerate(arguments) if i not in places and i - 1 not in places]


def processor() -> str:
    """The processor's name."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text(encoding="utf-8").splitlines() if about.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
