"""What a column is, learned from its training cells."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import SchemaError
from ..layout import Column
from .values import as_numbers, as_texts, is_number, numbers_in_text

__all__ = ["TAIL", "learned", "varies"]

TAIL = 50.0
"""Deviations from the middle beyond which a real column grows like a logarithm: no finite number overflows."""

HEAVY = 5.0
"""A column is heavy-tailed if its deviation is so many times that of the column cut at its 1 % and 99 % quantiles."""

SMALLEST = float(np.finfo(np.float64).tiny)

MOST_LEVELS = 64
"""Levels kept for a category; rarer ones count as unseen."""


def varies(cells: pa.ChunkedArray) -> bool:
    """Whether a column has two different values; a missing cell is none, and 0 and -0 are one."""
    if is_number(cells):
        numbers = as_numbers("", cells)
        return bool(np.nanmin(numbers) < np.nanmax(numbers))
    return len(pc.unique(cells.drop_null())) > 1


def learned(name: str, cells: pa.ChunkedArray, declared: str | None, support: str) -> Column:
    """What one column is, from its training cells.

    Raises:
        SchemaError: If all cells are missing, text stands among numbers, or the declared kind cannot be.
    """
    numeric = is_number(cells) or declared in ("real", "scaled")
    came: Any = as_numbers(name, cells) if numeric else as_texts(name, cells)
    if not numeric and declared is None:
        refuse_spoiled_numbers(name, came)
    observed = came[~np.isnan(came)] if numeric else came.drop_null()
    if not len(observed):
        raise SchemaError(f"Column {name!r} is empty: every cell is missing. Leave it out, or ignore it in the schema.")
    if declared == "scaled":
        return Column(name, "real")
    if numeric and declared in (None, "real"):
        if declared is None and np.isin(observed, (0.0, 1.0)).all() and observed.min() < observed.max():
            return with_levels(name, "binary", {level: int((observed == int(level)).sum()) for level in ("0", "1")})
        return real(name, observed, support)
    counts = pc.value_counts(as_texts(name, cells).drop_null() if numeric else observed)
    by_level = {pair["values"].as_py(): pair["counts"].as_py() for pair in counts}
    if declared == "binary" and len(by_level) > 2:
        raise SchemaError(f"schema says that {name!r} is binary, but it has {len(by_level)} different values.")
    return with_levels(name, "binary" if declared == "binary" and len(by_level) == 2 else "category", by_level)


def refuse_spoiled_numbers(name: str, text: pa.ChunkedArray) -> None:
    """A text column whose cells are nearly all numbers is a damaged number column, not a category.

    Raises:
        SchemaError: With the first damaged cell.
    """
    distinct = pc.unique(text.drop_null())
    good, row, cell = numbers_in_text(pa.chunked_array([distinct]))
    if row >= 0 and good > 0.9 * len(distinct):
        row = text.to_pylist().index(cell)
        raise SchemaError(
            f"Column {name!r} holds numbers, but row {row + 1} has {cell!r}. Correct the cell, leave it empty, "
            f"or declare schema={{{name!r}: 'category'}}."
        )


def with_levels(name: str, kind: str, counts: Mapping[str, int]) -> Column:
    """A binary or category column; its commonest levels in a fixed order, and what is kept for others."""
    common = sorted(counts, key=lambda level: (-counts[level], level))[:MOST_LEVELS]
    rows = sum(counts.values())
    rare = rows - sum(counts[level] for level in common)
    levels = tuple(sorted(common))
    width = 1 if kind == "binary" else len(levels)
    return Column(name, kind, width, levels=levels, unseen=(rare + 1) / (rows + 2))  # type: ignore[arg-type]


def real(name: str, observed: np.ndarray, support: str) -> Column:
    """A real column: its middle and its spread, measured where outliers do not reach."""
    if support == "unit":
        low, high = (0.0, 1.0) if observed.min() >= 0 and observed.max() <= 1 else (observed.min(), observed.max())
        return Column(name, "real", center=float(low), scale=float(high - low) or 1.0)
    if observed.min() == observed.max():
        center = float(observed[0])
        return Column(name, "real", center=center, scale=abs(center) or 1.0, tail=TAIL, constant=True)
    peak = float(np.abs(observed).max())
    cut = observed.clip(*(peak * np.quantile(observed / peak, (0.01, 0.99))))
    (center, scale), (inner, narrow) = moments(observed), moments(cut)
    if 0 < HEAVY * narrow < scale:
        center, scale = inner, narrow
    return Column(name, "real", center=center, scale=max(scale, SMALLEST), tail=TAIL)


def moments(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation; no square overflows, and none vanishes."""
    peak = float(np.abs(values).max()) or 1.0
    unit = values / peak
    return peak * float(unit.mean()), peak * float(unit.std())
