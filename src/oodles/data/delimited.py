"""Delimited text: CSV and its relatives, plain or gzipped, block by block, every cell as text."""

import codecs
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.csv import ConvertOptions, CSVStreamingReader, InvalidRow, ParseOptions, ReadOptions, open_csv

from .. import arrow
from ..errors import FileError, SchemaError
from .columns import distinct
from .sources import KINDS, Source, label, opened

__all__ = ["MISSING", "tables"]

MISSING: Final = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?", "-")
"""The cells that stand for no value."""

BLOCK: Final = 2 * 2**20  # Arrow reads some thirty of them ahead
DELIMITERS: Final = ",;\t|"
SIGNATURES: Final = {
    b"PAR1": "a Parquet file",
    b"ARROW1": "a Feather file",
    b"\x93NUMPY": "a NumPy file",
    b"PK\x03\x04": "a zip archive",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
}


def tables(source: Source, *, header: bool, names: Sequence[str] | None) -> Iterator[pa.Table]:
    """The rows of a text file in tables of a few megabytes; every cell is text, trimmed, and null if among `MISSING`.

    Args:
        source: A path, or "-" for standard input.
        header: Whether the first line names the columns.
        names: The columns' names, instead of the header's; without both they are c1, c2, ...

    Raises:
        FileError: The bytes are not UTF-8 text, or a line has more or fewer cells than the first.
        SchemaError: A name occurs twice, or there are too many or too few names.
    """
    with opened(source) as stream:
        text = _Text(stream, label(source))
        columns, delimiter = _first_line(text, header=header, names=names)
        if text.at_end():
            return
        last, bad = None, list[InvalidRow]()
        try:
            with _reader(text, columns, delimiter, bad.append) as reader:
                for last in reader:
                    yield pa.Table.from_arrays([_trimmed(cells) for cells in last.columns], names=columns)
        except pa.ArrowInvalid as error:
            if bad:
                raise _ragged(bad[0], text.name, first=2 if header else 1) from error
            if "straddl" in str(error):
                raise _too_long(text.name) from error
            raise
        text.refuse_open_quote(last)


def _reader(
    text: "_Text", columns: Sequence[str], delimiter: str, note: Callable[[InvalidRow], None]
) -> CSVStreamingReader:
    def refuse(row: InvalidRow) -> str:
        note(row)
        return "error"

    return open_csv(
        text,
        read_options=ReadOptions(column_names=columns, use_threads=False, block_size=BLOCK),
        parse_options=ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=refuse),
        convert_options=ConvertOptions(column_types=dict.fromkeys(columns, pa.string()), null_values=[]),
    )


def _trimmed(cells: pa.Array) -> pa.Array:
    cells = pc.utf8_trim_whitespace(cells)
    return pc.if_else(pc.is_in(cells, value_set=arrow.texts(MISSING)), arrow.text(None), cells)


def _first_line(text: "_Text", *, header: bool, names: Sequence[str] | None) -> tuple[list[str], str]:
    """The columns' names and the delimiter; a header is consumed."""
    lines = text.ahead.splitlines(keepends=True)
    if len(lines) == 1 and len(text.ahead) > BLOCK - len(codecs.BOM_UTF8):
        raise _too_long(text.name)
    words = [line.decode(errors="replace") for line in lines]
    try:
        delimiter = _delimiter([word for word in words if word.strip()][:5])
        reader = csv.reader(words, delimiter=delimiter)
        cells = next(row for row in reader if row)
    except csv.Error as error:
        raise FileError(f"Expected a line of cells at the start of {text.name}, but csv says: {error}.") from error
    if header:
        text.skip(sum(map(len, lines[: reader.line_num])))
        named = [cell.strip() or f"c{i}" for i, cell in enumerate(cells, 1)]
    else:
        named = [f"c{i}" for i, _ in enumerate(cells, 1)]
    if names is not None and len(names) != len(cells):
        raise SchemaError(
            f"Expected {len(names)} columns, one for each name given, but {text.name} has {len(cells)}; "
            "give as many names as there are columns."
        )
    columns = named if names is None else list(names)
    distinct(columns, text.name)
    return columns, delimiter


def _delimiter(lines: Sequence[str]) -> str:
    """The delimiter that cuts each of the lines into the most cells; a comma where none does."""

    def width(delimiter: str) -> int:
        return min((len(row) for row in csv.reader(lines, delimiter=delimiter)), default=0)

    return max(DELIMITERS, key=width)


def _ragged(row: InvalidRow, name: str, first: int) -> FileError:
    # Arrow counts rows; with blank lines or line ends within quotes before it, the line comes later.
    return FileError(
        f"Expected {row.expected_columns} cells on every line, but line {row.number + first - 1} of {name} has "
        f"{row.actual_columns}; correct the line, or quote a cell that contains the delimiter."
    )


def _too_long(name: str) -> FileError:
    return FileError(
        f"Expected lines of at most {BLOCK} bytes, but {name} has a longer one; "
        "look for a quotation mark that opens a cell and is never closed."
    )


class _Text(io.RawIOBase):
    """A source's bytes, which prove to be UTF-8 text as they pass.

    Attributes:
        name: What the source is called in a sentence.
        ahead: Bytes that were read but not handed out yet; at first the beginning of the source, without a BOM.
    """

    def __init__(self, stream: io.BufferedIOBase, name: str) -> None:
        self.name = name
        self.ahead = b""
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._lines = self._quotes = 0
        if self.at_end():
            raise FileError(f"Expected rows, but {name} is empty; check what wrote it.")
        self.ahead = self.ahead.removeprefix(codecs.BOM_UTF8)
        if not self.ahead.strip():
            raise FileError(f"Expected rows, but {name} begins with blank lines only; check what wrote it.")

    def at_end(self) -> bool:
        """Whether everything was handed out."""
        self.ahead = self.ahead or self._proved(self._stream.read(BLOCK))
        return not self.ahead

    def skip(self, count: int) -> None:
        """Passes over bytes of `ahead`."""
        self.ahead = self.ahead[count:]

    def readable(self) -> bool:
        """True: this stream is for reading."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills the buffer with the next bytes and says how many there were."""
        piece = self.ahead[: len(buffer)] or self._proved(self._stream.read(len(buffer)))
        self.skip(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def refuse_open_quote(self, batch: pa.RecordBatch | None) -> None:
        """Refuses a last cell that swallowed the lines after it, given the last rows read."""
        if not batch or self._quotes % 2 == 0:
            return
        swallowed = str(batch.columns[-1][-1]).count("\n")
        if swallowed:
            raise FileError(
                f"Expected every quotation mark to be closed, but {self.name} opens one on line "
                f"{self._lines - swallowed + 1} and never closes it; correct that line."
            )

    def _proved(self, piece: bytes) -> bytes:
        try:
            self._decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            self._refuse(piece, error.start)
        if b"\0" in piece:
            self._refuse(piece, piece.index(b"\0"))
        self._lines += piece.count(b"\n")
        self._quotes += piece.count(b'"')
        return piece

    def _refuse(self, piece: bytes, position: int) -> None:
        line = self._lines + piece.count(b"\n", 0, position) + 1
        found = next((what for start, what in SIGNATURES.items() if not self._lines and piece.startswith(start)), None)
        raise FileError(
            f"Expected delimited text in UTF-8, but {self.name} is {found}; unpack or convert it, or name its format."
            if found
            else f"Expected delimited text in UTF-8, but line {line} of {self.name} holds bytes that are not; "
            f"save it as UTF-8, or use one of the endings {', '.join(KINDS)}."
        )
