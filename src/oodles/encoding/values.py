"""Columns as they come → numbers and texts. Everything a table can hold passes through here once."""

from typing import Any, NoReturn, TypeAlias

import narwhals as nw
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .. import arrow
from ..errors import DataError, SchemaError

__all__ = [
    "Cells",
    "as_digits",
    "as_numbers",
    "as_table",
    "as_texts",
    "as_words",
    "is_number",
    "number_text",
    "numbers_in_text",
]

Cells: TypeAlias = Any
"""One column: an array (N,) or a pyarrow.ChunkedArray."""


def as_table(X: Any) -> pa.Table | None:
    """A pandas, polars or pyarrow table (or anything narwhals knows) as a pyarrow table; None if `X` is no table.

    Raises:
        SchemaError: If two columns share a name, or a column mixes types.
        DataError: If it is a lazy frame.
    """
    if isinstance(X, pa.RecordBatch):
        X = pa.Table.from_batches([X])
    if isinstance(X, pa.Table):
        refuse_twins(X.column_names)
        return X
    try:
        frame = nw.from_native(X, pass_through=True)
    except nw.exceptions.DuplicateError:  # pandas allows what nobody else does
        refuse_twins(list(X.columns))
        raise
    if isinstance(frame, nw.LazyFrame):
        raise DataError("X is a lazy frame, but a table in memory is expected: call .collect() on it first.")
    if not isinstance(frame, nw.DataFrame):
        return None
    try:
        return frame.to_arrow()
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise SchemaError(f"A column mixes types and cannot be read: {error}. Give each column one type.") from error


def refuse_twins(names: list[str]) -> None:
    """Refuse two columns of one name.

    Raises:
        SchemaError: If there are any.
    """
    if twins := sorted({str(name) for name in names if names.count(name) > 1}):
        raise SchemaError(f"Column names must be different, but {', '.join(map(repr, twins))} came twice.")


def is_number(column: pa.ChunkedArray) -> bool:
    """Whether a column holds numbers or booleans."""
    kind = column.type
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_decimal(kind)
    )


def as_numbers(name: str, column: Cells) -> np.ndarray:
    """A column as float64 (N,), missing cells as NaN; text is parsed.

    Raises:
        SchemaError: If a cell is not a number.
        DataError: If a cell is infinite.
    """
    if isinstance(column, np.ndarray) and column.dtype.kind in "fiub":
        column = pa.chunked_array([arrow.from_numpy(column)])
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    plain = column if is_number(column) else plain_text(name, column)
    try:
        numbers = pc.cast(plain.cast(pa.int8()) if pa.types.is_boolean(plain.type) else plain, pa.float64(), safe=False)
    except pa.ArrowInvalid:
        row, cell = next(bad_cells(plain))
        raise SchemaError(
            f"Column {name!r} holds numbers, but row {row + 1} has {cell!r}. Correct the cell, or leave it empty."
        ) from None
    values = arrow.to_numpy(numbers)
    if (infinite := np.flatnonzero(np.isinf(values))).size:
        refuse_infinite(name, int(infinite[0]))
    return values


def refuse_infinite(name: str, row: int) -> NoReturn:
    """Refuse an infinite number in a row, counted from 0.

    Raises:
        DataError: Always.
    """
    raise DataError(
        f"Column {name!r} holds an infinite number in row {row + 1}; "
        "finite numbers are expected. Correct the cell, or leave it empty."
    )


def plain_text(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A text-like column as strings.

    Raises:
        SchemaError: If it holds dates, lists or other things that are neither numbers nor text.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_null(kind) or is_number(column):
        return column.cast(pa.string())
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise SchemaError(
            f"Column {name!r} holds values of type {kind}, but numbers or text are expected. "
            f"Turn it into one of them, or leave it out with schema={{{name!r}: 'ignore'}}."
        )
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return pc.if_else(pc.equal(text, arrow.text("")), arrow.text(None), text)


def as_digits(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A text column whose words true and false, as CSV files write booleans, are 1 and 0; other columns as they are."""
    kind = column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        return column
    text = column.cast(pa.string())
    word = pc.utf8_lower(pc.utf8_trim_whitespace(text))
    numeral = pc.if_else(pc.equal(word, arrow.text("false")), arrow.text("0"), text)
    return pc.if_else(pc.equal(word, arrow.text("true")), arrow.text("1"), numeral)


def as_words(column: pa.ChunkedArray, levels: tuple[str, ...]) -> pa.ChunkedArray:
    """A column of booleans as the levels spell them, such as True or TRUE; other columns as they are."""
    if not pa.types.is_boolean(column.type):
        return column
    spelled = {level.lower(): level for level in levels}
    return pc.if_else(column, *(arrow.text(spelled.get(word, word)) for word in ("true", "false")))


def as_texts(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as strings, missing cells as null; numbers are written the shortest way (1, not 1.0)."""
    if not is_number(column):
        return plain_text(name, column)
    numbers = as_numbers(name, column)
    return pa.chunked_array([pa.array([None if np.isnan(v) else number_text(v) for v in numbers], pa.string())])


def number_text(value: float) -> str:
    """A number as text: whole numbers without a point."""
    return str(int(value)) if value == int(value) else repr(float(value))


def bad_cells(text: pa.ChunkedArray) -> Any:
    """(row, cell) of every text cell that is not a number."""
    for row, cell in enumerate(text.to_pylist()):
        try:
            float(cell or "nan")
        except ValueError:
            yield row, cell


def numbers_in_text(text: pa.ChunkedArray) -> tuple[int, int, str]:
    """How many cells of a text column are numbers, and the first (row, cell) that is not."""
    bad = list(bad_cells(text))
    return len(text) - text.null_count - len(bad), *(bad[0] if bad else (-1, ""))
