"""Out-of-distribution likelihood estimates: deep generative detectors that keep their false-alarm rate.

>>> from oodles import data, detectors, load
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import data, detectors
    from .detectors import load

__all__ = ["__version__", "data", "detectors", "load"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import `data`, `detectors` and `load` when they are first used: torch takes a second to arrive."""
    if name in ("data", "detectors"):
        return import_module(f".{name}", __name__)
    if name == "load":
        return import_module(".detectors", __name__).load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
