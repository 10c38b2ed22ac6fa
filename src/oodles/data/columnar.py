"""Parquet, one file or a folder of them, and Feather, which is Arrow's own format."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyarrow import ipc
from pyarrow.parquet import ParquetFile

from ..errors import FileError, SchemaError
from .sources import STANDARD, Source, members, seekable, sentences

__all__ = ["feather", "parquet"]

ROWS: Final = 65_536
BUFFER: Final = 2**20
MAGIC: Final = b"ARROW1"


def parquet(source: Source) -> Iterator[pa.Table]:
    """The rows of a Parquet file, or of all Parquet files in a folder, in the order of their names.

    Raises:
        SchemaError: The files of the folder have different columns.
    """
    if str(source) == STANDARD or not Path(source).is_dir():
        yield from _one_parquet(source)
        return
    files = members(source, "parquet")
    if not files:
        raise FileError(f"Expected .parquet files in {source}, but there are none; name another folder.")
    schema = _shared(files)
    for file in files:
        for table in _one_parquet(file):
            yield table.select(schema.names).cast(schema)


def feather(source: Source) -> Iterator[pa.Table]:
    """The rows of a Feather or Arrow IPC file, record batch by record batch; files and streams are both read."""
    with seekable(source) as stream:
        is_file = stream.read(len(MAGIC)) == MAGIC
        stream.seek(0)
        if is_file:
            reader = ipc.open_file(stream)
            batches = (reader.get_batch(i) for i in range(reader.num_record_batches))
        else:
            batches = ipc.open_stream(stream)
        yield from map(_proved, batches)


def _one_parquet(source: Source) -> Iterator[pa.Table]:
    with sentences(source), seekable(source) as stream:
        # A small buffer and no other keeps a row group, whatever its size, from being read at once.
        for batch in ParquetFile(stream, buffer_size=BUFFER, pre_buffer=False).iter_batches(ROWS):
            yield _proved(batch)


def _proved(batch: pa.RecordBatch) -> pa.Table:
    """The batch as a table; damaged offsets and letters would otherwise show later, as a crash perhaps."""
    batch.validate(full=True)
    return pa.Table.from_batches([batch])


def _shared(files: Sequence[Path]) -> pa.Schema:
    """The schema that holds every file's rows, its columns in the order of the first file."""
    schemas = [_schema(file) for file in files]
    names = set(schemas[0].names)
    for file, schema in zip(files, schemas, strict=True):
        if set(schema.names) != names:
            name = min(names.symmetric_difference(schema.names))
            raise SchemaError(
                f"Expected the same columns in every file, but {name!r} is in only one of {files[0]} and {file}; "
                "put files with different columns into different folders."
            )
    try:
        return pa.unify_schemas(schemas, promote_options="permissive").remove_metadata()
    except pa.ArrowException as error:
        raise SchemaError(
            f"Expected columns of the same type in every file of {files[0].parent}, but {error}; convert them."
        ) from error


def _schema(file: Path) -> pa.Schema:
    with sentences(file), seekable(file) as stream:
        return ParquetFile(stream).schema_arrow
