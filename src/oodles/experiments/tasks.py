"""The nouns of an experiment: what is run, how much of it, and which cells of which tables it fills."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

__all__ = ["Budget", "Cell", "Protocol_", "Reported", "Task"]

Protocol_ = Literal["paper", "clean"]

Reported = tuple[float, float | None]
"""A published mean and its standard deviation, where there is one."""


@dataclass(frozen=True)
class Budget:
    """How much of the authors' effort is spent; None keeps theirs.

    Attributes:
        epochs: Passes over the training pictures.
        members: Independent runs, trained as one.
        images: Training pictures, the first ones; None for all.
        network: `paper`, or `light` with a narrower decoder.
        lr: Learning rate.
        test: Test pictures of each set.
        few: Test pictures of each set for scores that cost hundreds of passes.
        protocol: `paper` does as the authors' code; `clean` mends what is unsound there.
    """

    epochs: int | None = None
    members: int = 5
    images: int | None = None
    network: Literal["paper", "light"] = "paper"
    lr: float | None = None
    test: int = 10_000
    few: int = 250
    protocol: Protocol_ = "paper"


class Task(Protocol):
    """One fit and what is measured with it; several cells may need it."""

    @property
    def name(self) -> str:
        """What it is, in a few words."""

    def described(self, budget: Budget) -> dict[str, Any]:
        """Everything that its result depends on, as JSON."""

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> "Result":
        """Do it.

        Raises:
            DatasetError: If a dataset is missing.
        """


@dataclass(frozen=True)
class Result:
    """What a task measured.

    Attributes:
        numbers: Set → quantity → one number for each member.
        pictures: Name → pixels (H, W) or (H, W, 3) of 8 bits.
        notes: What a reader must know, such as which stand-in was used.
    """

    numbers: Mapping[str, Mapping[str, list[float]]]
    pictures: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """A place in a table of a paper.

    Attributes:
        table: The table's number.
        row: What stands to the left of the numbers.
        column: The heading above.
        task: What must be run.
        against: The set that should look strange.
        reported: Quantity → what was published.
    """

    table: str
    row: tuple[str, ...]
    column: str
    task: Task
    against: str
    reported: Mapping[str, Reported] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What `--cells` looks at."""
        return " ".join(filter(None, (*self.row, self.column)))
