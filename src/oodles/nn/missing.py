"""Whether cells may be missing, known once instead of asked at every step."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor

__all__ = ["knowing_missing", "may_be_missing"]

MISSING: ContextVar[bool] = ContextVar("MISSING", default=True)


@contextmanager
def knowing_missing(rows: Tensor) -> Iterator[None]:
    """Within the block, and in this thread, models see these rows only: without NaN they need not look for it."""
    token = MISSING.set(bool(rows.sum().isnan()))
    try:
        yield
    finally:
        MISSING.reset(token)


def may_be_missing() -> bool:
    """Whether a cell of the rows may be NaN."""
    return MISSING.get()
