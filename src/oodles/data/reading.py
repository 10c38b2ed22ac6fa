"""Reading files: tables, arrays and folders of pictures, whole or in blocks.

| kind | endings | read as |
| --- | --- | --- |
| delimited text | .csv .tsv .txt .data, an unknown ending, each also .gz | table |
| JSON lines | .jsonl .ndjson, each also .gz | table |
| Parquet | .parquet, or a folder of them | table |
| Feather, Arrow IPC | .feather .arrow .ipc | table |
| NumPy | .npy, .npz with an array called X or a single one | array |
| pictures | .png .jpg .jpeg, or a folder of them | `Pictures` |

The source "-" is standard input: CSV, or what `format` says. Whatever is wrong with a file is said in one sentence,
as `FileError` (it is not what it claims to be), `SchemaError` (its columns are wrong) or `DataError` (its rows are).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
from numpy.typing import NDArray

from ..errors import ParameterError
from . import arrays, columnar, columns, delimited, jsonlines, pictures
from .pictures import Pictures
from .sources import Source, kind_of, label, sentences

__all__ = ["Pictures", "read", "stream"]

ARRAYS: Final = {"npy": arrays.npy, "npz": arrays.npz, "pictures": pictures.pictures}


def read(
    source: Source,
    *,
    format: str | None = None,  # noqa: A002  the word that users of a command line know
    header: bool = True,
    names: Sequence[str] | None = None,
) -> pa.Table | Pictures | NDArray[Any]:
    """Everything that a source holds, in memory.

    A column of delimited text is int64 or float64 if all its cells read as such, and text otherwise; the whole file
    decides, not its beginning. Cells are trimmed; empty ones and NA, N/A, NaN, nan, null, NULL, None, ?, - are nulls.

    Args:
        source: A file, a folder, or "-" for standard input.
        format: A file ending without its dot, where the name does not tell.
        header: Whether the first line of delimited text names the columns.
        names: The columns of delimited text, instead of the header's names; without both they are c1, c2, ...

    Returns:
        A table (N rows); an array, (N, D) or (N, H, W) or (N, H, W, C); or pictures (N).

    Raises:
        FileError: The source is missing, damaged, or not what it claims to be.
        SchemaError: Columns are duplicated, or differ between the files of a folder.
        DataError: There are no rows, or pictures differ in size.
        ParameterError: The format is unknown.
    """
    with sentences(source):
        kind = kind_of(source, format)
        if kind in ARRAYS:
            return next(ARRAYS[kind](source, None))
        tables = list(columns.checked(_tables(kind, source, header, names), label(source)))
        table = pa.concat_tables(jsonlines.joined(tables) if kind == "jsonl" else tables)
        return columns.numbers(table) if kind == "text" else table


def stream(
    source: Source,
    *,
    rows: int = 65_536,
    format: str | None = None,  # noqa: A002  as above
    header: bool = True,
    names: Sequence[str] | None = None,
    types: Mapping[str, pa.DataType] | None = None,
) -> Iterator[pa.Table | Pictures | NDArray[Any]]:
    """What a source holds, block by block, in memory that does not grow with the source.

    No type depends on where a block begins: columns of delimited text and of JSON lines are text unless `types` says
    otherwise, other files say themselves. A block of an array or of pictures holds at most 128 MiB.

    Args:
        source: A file, a folder, or "-" for standard input.
        rows: The rows of a block; the last one may have fewer.
        format: A file ending without its dot, where the name does not tell.
        header: Whether the first line of delimited text names the columns.
        names: The columns of delimited text, instead of the header's names.
        types: The types of columns; names that the source lacks are passed over.

    Yields:
        Tables, arrays or pictures, as `read` returns them.

    Raises:
        FileError: The source is missing, damaged, or not what it claims to be; a truncation shows at its end only.
        SchemaError: A cell is not of its column's type, or as for `read`.
        DataError: As for `read`.
        ParameterError: The format is unknown, or `rows` is not positive.
    """
    if rows < 1:
        raise ParameterError(f"Expected blocks of at least one row, but got rows={rows}; the default is 65536.")
    types = dict(types or {})
    with sentences(source):
        kind = kind_of(source, format)
        if kind in ARRAYS:
            yield from ARRAYS[kind](source, rows)
            return
        tables = columns.checked(_tables(kind, source, header, names), label(source))
        if kind == "jsonl":
            tables = jsonlines.texts(tables, types)
        unit, first = ("line", 1 + header) if kind == "text" else ("row", 1)
        yield from columns.regrouped(columns.typed(tables, types, unit=unit, first=first), rows)


def _tables(kind: str, source: Source, header: bool, names: Sequence[str] | None) -> Iterator[pa.Table]:
    match kind:
        case "text":
            return delimited.tables(source, header=header, names=names)
        case "jsonl":
            return jsonlines.tables(source)
        case "parquet":
            return columnar.parquet(source)
        case _:
            return columnar.feather(source)
