"""The engine: the only place that owns optimizers, threads and checkpoints."""

from .chunks import Chunks
from .loop import History, Schedule, train
from .minimizer import Minimizer
from .model import LossModel, Minimize, Model
from .source import Resident, Source
from .threads import fixed_threads, flops, threads_for

__all__ = [
    "Chunks",
    "History",
    "LossModel",
    "Minimize",
    "Minimizer",
    "Model",
    "Resident",
    "Schedule",
    "Source",
    "fixed_threads",
    "flops",
    "threads_for",
    "train",
]
