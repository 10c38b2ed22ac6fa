"""What `fit` is given as negatives, and what a detector makes of it."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import nn

from ..encoding import as_pictures
from ..errors import DataError, ParameterError
from ..sampling import Source
from ..shapes import Rows
from ..training import Model
from .blocks import encoded
from .rows import raw_rows

if TYPE_CHECKING:
    from .base import Detector

__all__ = ["TakesNegatives", "digest_of", "learning_from", "pools_of"]

SAMPLES = 50_000
"""Rows that a generator is asked for, at most."""


@runtime_checkable
class TakesNegatives(Protocol):
    """A detector that can learn what does not belong."""

    def sources(self, pools: Sequence[Rows], *, steps: int) -> list[Source]:
        """Where negatives come from, given encoded rows and the number of steps in the training."""


def pools_of(detector: "Detector", negatives: Any, rows: int, device: torch.device) -> list[Rows]:
    """The negatives as encoded rows, one block for each set.

    Arguments:
        detector: Whose encoder reads them; it has learned its columns already.
        negatives: Rows or pictures, or a fitted generator with `sample(n)`, or a list of such.
        rows: Rows that are learned from: a generator is asked for as many.
        device: Where they are needed.

    Raises:
        ParameterError: If the detector cannot learn from negatives.
        DataError: If they do not fit what is learned; the sentence says which set.
    """
    if negatives is None:
        return []
    if not isinstance(detector, TakesNegatives):
        raise ParameterError(
            f"{type(detector).__name__} cannot learn from negatives; leave them out, or use NegativeSamplingVAE or "
            "SemiSupervisedVAE."
        )
    several = isinstance(negatives, (list, tuple)) and any(map(is_set, negatives))
    every = list(negatives) if several else [negatives]
    pools = []
    for number, given in enumerate(every, start=1):
        try:
            raw = raw_rows(detector, sampled(given, min(rows, SAMPLES)), reset=False)
            pools.append(torch.cat(list(encoded(detector, raw, device))))
        except ValueError as error:
            which = f"set {number} of the negatives" if len(every) > 1 else "the negatives"
            kind = type(error) if isinstance(error, DataError) else DataError
            raise kind(f"In {which}: {error}") from error
    return pools


def is_generator(value: Any) -> bool:
    """Whether rows can be drawn from it; tables have a `sample` too, but no `fit`."""
    return hasattr(value, "sample") and hasattr(value, "fit")


def is_set(value: Any) -> bool:
    """Whether it is a whole set of rows, not one row."""
    return is_generator(value) or hasattr(value, "columns") or np.ndim(value) >= 2 or as_pictures(value) is not None


def sampled(given: Any, count: int) -> Any:
    """Rows as they are, or as a generator makes them."""
    if not is_generator(given):
        return given
    rows = given.sample(count)
    return rows[0] if isinstance(rows, tuple) else rows


def digest_of(pools: Sequence[Rows]) -> str:
    """What tells these negatives from others."""
    return hashlib.sha256(b"".join(pool.cpu().numpy().tobytes() for pool in pools)).hexdigest() if pools else ""


@contextmanager
def learning_from(detector: "Detector", model: Model, pools: Sequence[Rows], *, steps: int) -> Iterator[None]:
    """Within the block the model's step draws negatives; afterwards it has forgotten them."""
    if not isinstance(detector, TakesNegatives):
        yield
        return
    learner: Any = model
    learner.sources = detector.sources(pools, steps=steps)
    learner.remembered = nn.ModuleList(source for source in learner.sources if isinstance(source, nn.Module))
    yield
    learner.sources = ()
    del learner.remembered  # what a source remembers is no part of a finished model
