"""The engine: the only place that owns optimizers, threads and checkpoints."""

from .chunks import Chunks
from .loop import History, Schedule, train
from .minimizer import Minimizer
from .model import LossModel, Minimize, Model, Scored
from .optimizers import OPTIMIZERS, NAdam, RMSProp
from .source import Resident, Source
from .threads import LARGE, fixed_threads, flops, threads_for

__all__ = [
    "LARGE",
    "OPTIMIZERS",
    "Chunks",
    "History",
    "LossModel",
    "Minimize",
    "Minimizer",
    "Model",
    "NAdam",
    "RMSProp",
    "Resident",
    "Schedule",
    "Scored",
    "Source",
    "fixed_threads",
    "flops",
    "threads_for",
    "train",
]
