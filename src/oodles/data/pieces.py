"""Rows in pieces that can be read one by one: what is larger than memory is never there as a whole."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from ..errors import DataError, FileError
from .pictures import Album
from .sources import STANDARD, kind_of, sentences

__all__ = ["Piece", "pieces", "stored"]

ROWS = 4096
"""Rows of a piece of an array or a table in memory: few, so that shuffled pieces are nearly shuffled rows."""

CELLS = 2**20
"""Cells of a piece of an array, at most, unless one row has more: large pictures come in small pieces."""


@dataclass(frozen=True)
class Piece:
    """Some rows that lie together.

    Attributes:
        rows: How many.
        load: Reads them: an array (n, …) or a pyarrow table.
    """

    rows: int
    load: Callable[[], Any]


def pieces(X: Any) -> list[Piece]:
    """Rows in pieces: an array (in memory, memory-mapped, an `Album`), a pyarrow table or the row groups of a dataset.

    Raises:
        DataError: If `X` is something else, or has no rows.
    """
    if hasattr(X, "get_fragments"):
        groups = [group for fragment in X.get_fragments() for group in row_groups(fragment)]
        every = [Piece(counted(group), partial(group.to_table, schema=X.schema)) for group in groups]
    elif isinstance(X, pa.Table):
        every = [Piece(min(ROWS, len(X) - at), partial(X.slice, at, ROWS)) for at in range(0, len(X), ROWS)]
    elif hasattr(X, "shape") and hasattr(X, "dtype"):
        rows = min(ROWS, max(CELLS // max(int(np.prod(X.shape[1:])), 1), 1))
        taken = [slice(at, min(at + rows, len(X))) for at in range(0, len(X), rows)]
        every = [Piece(part.stop - part.start, partial(X.__getitem__, part)) for part in taken]
    else:
        raise DataError(
            f"Rows that are learned piece by piece must be an array, a pyarrow table or a pyarrow dataset, not a "
            f"{type(X).__name__}: convert them, or leave memory out."
        )
    every = [piece for piece in every if piece.rows]
    if not every:
        raise DataError("There are no rows (0 samples) to learn from.")
    return every


def stored(source: str, size: tuple[int, int] | None = None) -> Any:
    """A .npy file as a memory-mapped array, Parquet files as a pyarrow dataset, a folder of pictures as an `Album`.

    Arguments:
        source: The file or folder.
        size: Height and width that pictures are resized to; None demands pictures of one size.

    Raises:
        FileError: If it is none of these, or damaged, or is to be resized and holds no pictures.
    """
    kind = kind_of(source, None)
    with sentences(source):
        if kind == "pictures":
            return Album.of(source, size)
        if size is not None:
            raise FileError(f"Only pictures can be resized, but {source} holds none; leave the size out.")
        if kind == "npy":
            return np.load(source, mmap_mode="r", allow_pickle=False)
        if kind == "parquet" and source != STANDARD:
            from pyarrow.dataset import dataset  # noqa: PLC0415 - slow to import

            return dataset(source, format="parquet")
    raise FileError(
        f"Expected a .npy file, a Parquet file, or a folder of them or of pictures, which can be read piece by piece, "
        f"but got {source}; convert it, or leave --memory out."
    )


def counted(group: Any) -> int:
    """Rows of a piece of a dataset; `count_rows` of a row group counts those of the whole file."""
    if hasattr(group, "row_groups"):
        return sum(info.num_rows for info in group.row_groups)
    return int(group.count_rows())


def row_groups(fragment: Any) -> list[Any]:
    """The row groups of a Parquet file; another file as it is."""
    return fragment.split_by_row_group() if hasattr(fragment, "split_by_row_group") else [fragment]
