"""Experiments of papers as values: run from the command line, recorded, shown beside what was published."""

from .papers import PAPERS, Paper
from .records import Record, read, write
from .runner import Outcome, run
from .tasks import Budget, Cell, Task

__all__ = ["PAPERS", "Budget", "Cell", "Outcome", "Paper", "Record", "Task", "read", "run", "write"]
