"""Tasks one after the other: what is done is not done again, and what is missing costs its cells, never the run."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import DatasetError
from .records import Record, identity, read, write
from .tasks import Budget, Cell, Task

__all__ = ["Outcome", "run", "tasks_of"]


@dataclass(frozen=True)
class Outcome:
    """What became of a task: it was done before, it is done now, or a dataset is missing."""

    task: Task
    state: Literal["before", "now", "missing"]
    record: Record | None
    sentence: str = ""


def tasks_of(cells: Iterable[Cell]) -> list[Task]:
    """The tasks that some cells need, each once, in order."""
    return list(dict.fromkeys(cell.task for cell in cells))


def run(
    tasks: Iterable[Task], folder: Path, budget: Budget, *, device: str, verbose: bool, tell: Callable[[str], None]
) -> list[Outcome]:
    """Do what has not been done, and record it.

    A task that is stopped, or killed, goes on from its checkpoint when the same command is given again.

    Arguments:
        tasks: What to do.
        folder: Where the records lie.
        budget: How much to spend on each.
        device: `auto`, `cpu` or `cuda`.
        verbose: Show a bar for each training.
        tell: Called with a line about each task.

    Raises:
        FileError: If a record cannot be written or read.
        KeyboardInterrupt: After a checkpoint, if the user pressed Ctrl-C.
    """
    todo = list(tasks)
    outcomes: list[Outcome] = []
    taken: list[float] = []
    for number, task in enumerate(todo, start=1):
        found = read(folder, task, budget)
        if found is not None:
            outcomes.append(Outcome(task, "before", found))
            continue
        left = sum(read(folder, other, budget) is None for other in todo[number - 1 :])
        eta = f", about {duration(left * sum(taken) / len(taken))} left" if taken else ""
        tell(f"{number}/{len(todo)} {task.name}{eta} …")
        checkpoint = folder / f"{identity(task, budget)}.checkpoint"
        started = time.perf_counter()
        try:
            result = task.run(budget, device=device, checkpoint=checkpoint, verbose=verbose)
        except DatasetError as error:
            tell(f"{task.name}: left out. {error}")
            outcomes.append(Outcome(task, "missing", None, str(error)))
            continue
        taken.append(time.perf_counter() - started)
        outcomes.append(Outcome(task, "now", write(folder, task, budget, result, taken[-1])))
        checkpoint.unlink(missing_ok=True)
    return outcomes


def duration(seconds: float) -> str:
    """Seconds in words."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
