"""NumPy ↔ Arrow, without pandas.

pyarrow imports pandas, wherever it is installed, to ask whether it was given a Series: a third of a second that a
command which scores does not have. What stands here goes by another door.
"""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

__all__ = ["from_numpy", "text", "texts", "to_numpy"]


def from_numpy(values: np.ndarray) -> pa.Array:
    """Numbers or booleans, (N,), as an Arrow array."""
    if values.dtype == bool:
        bits = np.packbits(values, bitorder="little")
        return pa.Array.from_buffers(pa.bool_(), len(values), [None, pa.py_buffer(bits)])
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def to_numpy(column: pa.ChunkedArray | pa.Array, missing: float = np.nan) -> np.ndarray:
    """Numbers or booleans as an array, (N,), with `missing` in place of nulls."""
    if pa.types.is_boolean(column.type):
        return to_numpy(column.cast(pa.uint8()), missing).astype(bool)
    kind = np.dtype(column.type.to_pandas_dtype())
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    parts = [np.frombuffer(c.buffers()[1], kind, len(c), c.offset * kind.itemsize) for c in chunks if len(c)]
    values = parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, kind), *parts])
    if column.null_count:
        values = values.copy()
        values[~to_numpy(column.is_valid())] = missing
    return values


def texts(values: Iterable[str]) -> pa.Array:
    """Texts as an Arrow array."""
    encoded = [value.encode() for value in values]
    ends = np.cumsum([0, *map(len, encoded)]).astype(np.int32)
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))


def text(value: str | None) -> pa.Scalar:
    """A text or a null as an Arrow scalar."""
    return (pa.nulls(1, pa.string()) if value is None else texts([value]))[0]
