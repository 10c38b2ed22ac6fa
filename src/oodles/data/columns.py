"""Columns of tables: numbers found in text, types that stay the same from block to block, blocks of equal length."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import DataError, SchemaError

__all__ = ["checked", "distinct", "numbers", "regrouped", "typed"]


def distinct(names: Sequence[str], where: str) -> None:
    """Refuses two columns of one name.

    Raises:
        SchemaError: A name occurs twice.
    """
    name, count = Counter(names).most_common(1)[0] if names else ("", 1)
    if count > 1:
        raise SchemaError(
            f"Expected columns with different names, but {where} has {count} columns called {name!r}; "
            "rename them, or say that there is no header if the first line already holds values."
        )


def checked(tables: Iterable[pa.Table], where: str) -> Iterator[pa.Table]:
    """The tables that have rows.

    Raises:
        DataError: None has.
        SchemaError: A column name occurs twice.
    """
    rows = 0
    for table in tables:
        distinct(table.column_names, where)
        rows += len(table)
        if len(table):
            yield table
    if not rows:
        raise DataError(f"Expected rows, but {where} has a header but no rows; check what wrote it.")


def regrouped(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of exactly `rows` rows, the last one excepted."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        while sum(map(len, held)) >= rows:
            joined = pa.concat_tables(held)
            yield joined.slice(0, rows)
            held = [joined.slice(rows)]
    if sum(map(len, held)):
        yield pa.concat_tables(held)


def numbers(table: pa.Table) -> pa.Table:
    """A table of text in which every column that reads as numbers throughout is int64 or float64."""
    return pa.Table.from_arrays([_number(cells) for cells in table.columns], names=table.column_names)


def _number(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    # Floats are tried first because the integer parser would also take hexadecimal text.
    if not _castable(cells, pa.float64()):
        return cells
    whole = cells.null_count < len(cells) and _castable(cells, pa.int64())
    return cells.cast(pa.int64() if whole else pa.float64())


def typed(
    tables: Iterable[pa.Table], types: Mapping[str, pa.DataType], *, unit: str = "row", first: int = 1
) -> Iterator[pa.Table]:
    """The tables with the named columns cast to the given types.

    Args:
        tables: Consecutive blocks of rows.
        types: The type of each column that must have one; names that the tables lack are passed over.
        unit: What a row is called in a sentence: a row or a line.
        first: The number of the very first row, in that unit.

    Raises:
        SchemaError: A cell is not of its column's type.
    """
    for table in tables:
        names = table.column_names
        columns = (_cast(table[name], types.get(name), name, f"{unit} {{}}", first) for name in names)
        yield pa.Table.from_arrays(list(columns), names=names)
        first += len(table)


def _cast(cells: pa.ChunkedArray, kind: pa.DataType | None, name: str, place: str, first: int) -> pa.ChunkedArray:
    if kind is None or cells.type == kind:
        return cells
    try:
        return _converted(cells, kind)
    except pa.ArrowNotImplementedError as error:
        raise SchemaError(f"Expected column {name!r} to hold {_noun(kind)}, but it holds {cells.type}.") from error
    except pa.ArrowInvalid as error:
        row = _first_bad(cells, kind)
        raise SchemaError(
            f"column {name!r} holds {_noun(kind)}, but {place.format(first + row)} has {str(cells[row])!r}; "
            "correct the cell, or leave it empty if the value is missing."
        ) from error


def _noun(kind: pa.DataType) -> str:
    return "numbers" if pa.types.is_floating(kind) or pa.types.is_integer(kind) else str(kind)


def _converted(cells: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    # Rounding an integer beyond 2^53 to the next float is right; cutting the decimals off a float is not.
    return pc.cast(cells, kind, safe=not pa.types.is_floating(kind))


def _castable(cells: pa.ChunkedArray, kind: pa.DataType) -> bool:
    try:
        _converted(cells, kind)
    except pa.ArrowInvalid:
        return False
    return True


def _first_bad(cells: pa.ChunkedArray, kind: pa.DataType) -> int:
    """The position of the first cell that cannot be cast, by halving."""
    if len(cells) == 1:
        return 0
    half = len(cells) // 2
    before, after = cells.slice(0, half), cells.slice(half)
    return half + _first_bad(after, kind) if _castable(before, kind) else _first_bad(before, kind)
