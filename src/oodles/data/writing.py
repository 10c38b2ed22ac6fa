"""Writing tables, block by block: a file appears when it is complete, or not at all."""

import csv
import errno
import gzip
import io
import json
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import IO, Final, Protocol, TypeVar, cast

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import ipc
from pyarrow.csv import CSVWriter, WriteOptions
from pyarrow.parquet import ParquetWriter

from ..errors import DataError, FileError, ParameterError, SchemaError
from .columns import distinct
from .sources import STANDARD

__all__ = ["Writer", "create"]


class _Closable(Protocol):
    def close(self) -> object: ...


class _Sink(_Closable, Protocol):
    """What turns tables into bytes."""

    def write(self, table: pa.Table, /) -> object: ...


Closable = TypeVar("Closable", bound=_Closable)


class Writer:
    """Writes tables one after the other; `create` makes it and closes it."""

    def __init__(self, name: str, sink: Callable[[pa.Schema], _Sink]) -> None:
        self._name = name
        self._make = sink
        self._sink: _Sink | None = None
        self._schema = pa.schema([])

    def write(self, table: pa.Table) -> None:
        """Appends rows.

        Args:
            table: Rows with the columns of the first table written.

        Raises:
            FileError: There is no space left, or writing fails otherwise.
            SchemaError: The columns are not those of the first table, or the format cannot hold them.
            BrokenPipeError: Nobody reads standard output any more; the block of `create` then ends silently.
        """
        sink = self._started(table)
        if set(table.column_names) != set(self._schema.names):
            raise SchemaError(
                f"Expected the columns {self._schema.names} of the first table, but got {table.column_names}; "
                "write tables of one kind."
            )
        with _sentences(self._name):
            sink.write(table.select(self._schema.names).cast(self._schema))

    def close(self) -> None:
        """Writes what a format has at its end."""
        sink = self._started(pa.table({}))
        with _sentences(self._name):
            sink.close()

    def _started(self, table: pa.Table) -> _Sink:
        """The sink, made for the columns of the first table."""
        if self._sink is None:
            distinct(table.column_names, "the table")
            self._schema = pa.schema([(field.name, _plain(field.type)) for field in table.schema])
            with _sentences(self._name):
                self._sink = self._make(self._schema)
        return self._sink


def _plain(kind: pa.DataType) -> pa.DataType:
    # A Feather file cannot grow the dictionary of its first block.
    return kind.value_type if pa.types.is_dictionary(kind) else kind


@contextmanager
def create(
    target: str | Path,
    *,
    format: str | None = None,  # noqa: A002  the word that users of a command line know
) -> Iterator[Writer]:
    """A writer to a file that replaces `target` when the block ends well, and leaves no trace when it does not.

    On standard output the block ends silently when the reader of the pipe has gone.

    Args:
        target: A path that ends in .csv, .jsonl, .ndjson (each also .gz), .parquet, .feather or .arrow; or "-" for
            standard output, as CSV if `format` does not say jsonl.
        format: An ending without its dot, where the name does not tell.

    Yields:
        The writer.

    Raises:
        FileError: The ending is unknown, or the file cannot be written.
        ParameterError: The format is unknown.
    """
    is_standard = str(target) == STANDARD
    name = "standard output" if is_standard else str(target)
    sink = SINKS[_ending(name, format or ("csv" if is_standard else None))]
    with (
        _standard_output(name) if is_standard else _replacement(Path(target)) as file,
        _compressed(file, name) as out,
        _closed(Writer(name, partial(sink, out)), name) as writer,
    ):
        yield writer


def _compressed(file: IO[bytes], name: str) -> AbstractContextManager[IO[bytes]]:
    if not name.lower().endswith(".gz"):
        return nullcontext(file)
    # Without a name and a time inside, equal rows make equal files.
    return _closed(cast("IO[bytes]", gzip.GzipFile("", "wb", fileobj=file, mtime=0)), name)


def _ending(name: str, format: str | None) -> str:  # noqa: A002  as above
    ending = f".{format.lower()}" if format else Path(name.lower().removesuffix(".gz")).suffix
    if ending not in SINKS:
        known = ", ".join(SINKS)
        if format:
            raise ParameterError(f"Expected a format among {known}, each without its dot, but got {format!r}.")
        raise FileError(f"Expected a file name that ends in one of {known}, but got {name}; rename it.")
    if ending not in TEXT and (name.lower().endswith(".gz") or name == "standard output"):
        raise FileError(f"Expected csv or jsonl for {name}, but got {ending[1:]}; write {ending[1:]} to a plain file.")
    return ending


@contextmanager
def _replacement(path: Path) -> Iterator[IO[bytes]]:
    """A new file beside `path` that takes its place at the end."""
    name = str(path)
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "a device or pipe"
        raise FileError(f"Expected the name of a file to write, but {name} is {kind}; choose another, or - for output.")
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    with _sentences(name):
        file = part.open("xb")
    try:
        with _closed(file, name):
            yield file
            with _sentences(name):
                file.flush()
                os.fsync(file.fileno())
        with _sentences(name):
            if path.exists():
                shutil.copymode(path, part)
            part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def _standard_output(name: str) -> Iterator[IO[bytes]]:
    if sys.stdout is None:
        raise FileError("Expected a standard output, but it is closed; write to a file.")
    sys.stdout.flush()
    out = sys.stdout.buffer
    try:
        yield out
        with _sentences(name):
            out.flush()
    except BrokenPipeError:
        _silence()
    except BaseException:
        try:
            out.flush()
        except OSError:
            _silence()
        raise


def _silence() -> None:
    """Lets go nowhere what is left for standard output; Python flushes it once more at its exit and would complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


@contextmanager
def _closed(thing: Closable, name: str) -> Iterator[Closable]:
    """Closes a thing at the end; if something went wrong before, that and not the closing is reported."""
    try:
        yield thing
        with _sentences(name):
            thing.close()
    except BaseException:
        with suppress(Exception):
            thing.close()
        raise


@contextmanager
def _sentences(name: str) -> Iterator[None]:
    try:
        yield
    except (DataError, BrokenPipeError):
        raise
    except OSError as error:
        advice = ADVICE.get(error.errno or 0, "write elsewhere")
        raise FileError(f"Expected to write {name}, but the system says: {error.strerror}; {advice}.") from error
    except (pa.ArrowException, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise SchemaError(f"Expected columns that {name} can hold, but {reason}; convert or drop them.") from error


ADVICE: Final = {
    errno.ENOENT: "make its folder first",
    errno.ENOTDIR: "choose a folder that exists",
    errno.EACCES: "choose a folder you may write to",
    errno.EPERM: "choose a folder you may write to",
    errno.EROFS: "choose a folder you may write to",
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
}


def _csv(file: IO[bytes], schema: pa.Schema) -> _Sink:
    header = io.StringIO()
    if schema.names:
        # Arrow puts every name of a header into quotation marks.
        csv.writer(header, lineterminator="\n").writerow(schema.names)
    file.write(header.getvalue().encode())
    return CSVWriter(file, schema, write_options=WriteOptions(include_header=False))


def _feather(file: IO[bytes], schema: pa.Schema) -> _Sink:
    return ipc.new_file(file, schema, options=ipc.IpcWriteOptions(compression="lz4"))


class _JSONLines:
    """One object a line; NaN and the infinities, which JSON does not have, become null."""

    def __init__(self, file: IO[bytes], schema: pa.Schema) -> None:
        self._file = file
        self._floats = [pa.types.is_floating(kind) for kind in schema.types]

    def write(self, table: pa.Table) -> None:
        for batch in table.to_batches(max_chunksize=4096):
            columns = zip(batch.columns, self._floats, strict=True)
            finite = [
                pc.if_else(pc.is_finite(cells), cells, pa.nulls(1, cells.type)[0]) if real else cells
                for cells, real in columns
            ]
            rows = pa.Table.from_arrays(finite, names=batch.schema.names).to_pylist()
            lines = [json.dumps(row, ensure_ascii=False, allow_nan=False, default=str) for row in rows]
            self._file.write("".join(f"{line}\n" for line in lines).encode())

    def close(self) -> None:
        """Nothing comes after the last line."""


TEXT: Final = frozenset({".csv", ".jsonl", ".ndjson"})
SINKS: Final[dict[str, Callable[[IO[bytes], pa.Schema], _Sink]]] = {
    ".csv": _csv,
    ".jsonl": _JSONLines,
    ".ndjson": _JSONLines,
    ".parquet": ParquetWriter,
    ".feather": _feather,
    ".arrow": _feather,
}
