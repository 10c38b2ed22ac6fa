"""INPUT → rows, labels and names: files, folders, standard input and public datasets alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import typer

from .. import arrow, data
from ..data import columns, reading, sources
from ..data import pieces as files
from ..data.catalogue import LISTINGS
from ..data.catalogue.listing import Listing
from ..data.pictures import Album
from ..encoding import Encoder, TableEncoder
from ..encoding.values import as_digits
from ..errors import DataError, FileError, SchemaError
from .labels import anomalous, beside, labelled
from .output import is_watched, note

__all__ = ["Rows", "fitting", "how_to_label", "load", "refuse_overwriting", "stored", "strange", "stream", "taken"]

BLOCK = 65_536
"""Rows of a block of pictures, at most; few of them are small enough to make so many."""


def stored(source: str, size: int | None = None) -> Any:
    """INPUT where it lies, to be read piece by piece; pictures of another `size` (both sides) are resized.

    Raises:
        FileError: If it is not there, or cannot be read so.
    """
    return files.stored(found(source), None if size is None else (size, size))


@dataclass(frozen=True)
class Rows:
    """Rows or pictures with what is known about them.

    Attributes:
        X: What a detector takes.
        y: 1 for an anomaly, 0 for a normal row, -1 for a row without a label; None where nobody says.
        schema: Kinds of columns; the label column is ignored.
    """

    X: Any
    y: np.ndarray | None
    schema: dict[str, str]

    def __len__(self) -> int:
        return len(self.X)

    def normal(self) -> Any:
        """The rows to learn from."""
        return self.X if self.y is None else taken(self.X, np.flatnonzero(self.y == 0))


def load(
    source: str,
    *,
    format: str | None,  # noqa: A002 - the word of the command line
    header: bool,
    label: str | None,
    normal: Sequence[str],
    schema: dict[str, str],
    split: str = "train",
    size: int | None = None,
    quiet: bool = False,
) -> Rows:
    """Read all of INPUT; pictures of another `size` (both sides) are resized.

    Raises:
        OodlesError: In a sentence, whatever is wrong with it.
    """
    if listing(source):
        if size is not None:
            raise typer.BadParameter("it resizes pictures of a folder, not a dataset's", param_hint="--size")
        return published(source, split, normal, schema, quiet=quiet)
    X = stored(source, size) if size else reading.read(found(source), format=format, header=header)
    if label is not None and not isinstance(X, pa.Table):
        raise SchemaError(f"--label names a column of a table, but {source} holds no table; leave it out.")
    if normal and label is None:
        raise typer.BadParameter("it says what the column of --label holds: give both", param_hint="--normal")
    if isinstance(X, reading.Pictures | Album):
        return Rows(X.pixels, None, schema)
    if isinstance(X, np.ndarray):
        return Rows(X, beside(source, len(X)), schema)
    if header and (odd := [name for name in X.column_names if is_fraction(name)]):
        note(f"The first line of {source} names a column {odd[0]!r}: if it is a row, add --no-header.", quiet=quiet)
    if label is None:
        return Rows(X, None, schema)
    return Rows(X, labelled(X, label, normal), {**schema, label: "ignore"})


def strange(
    source: str,
    *,
    format: str | None,  # noqa: A002
    header: bool,
    label: str | None,
    normal: Sequence[str],
    quiet: bool = False,
) -> Any:
    """The anomalies of INPUT: its labeled ones if it has that column (or is a labeled dataset), else all rows.

    Raises:
        OodlesError: In a sentence, whatever is wrong with it.
    """
    rows = load(source, format=format, header=header, label=None, normal=[], schema={}, quiet=quiet)
    if label is not None and isinstance(rows.X, pa.Table) and label in rows.X.column_names:
        rows = Rows(rows.X, labelled(rows.X, label, normal, mixed=False), {})
    if rows.y is None:
        return rows.X
    if not (rows.y == 1).any():
        raise DataError(f"{source} holds no row that is labeled as an anomaly: there is nothing to learn from.")
    return taken(rows.X, np.flatnonzero(rows.y == 1))


def is_fraction(name: str) -> bool:
    """Whether a column's name is a number with a point, which nobody would call a column."""
    return name.removeprefix("-").replace(".", "", 1).isdecimal() and "." in name


def listing(source: str) -> Listing | None:
    """What the catalogue knows of INPUT, if it is the name of a public dataset and of no file."""
    if source == "-" or Path(source).exists():
        return None
    return next((one for one in LISTINGS if plain(source) in map(plain, (one.name, *one.aliases))), None)


def plain(name: str) -> str:
    """A dataset's name as the catalogue compares it."""
    return name.lower().replace("_", "-")


def found(source: str) -> str:
    """INPUT, if it is there.

    Raises:
        FileError: If it is neither a file nor a dataset.
    """
    if not source or (source != "-" and not Path(source).exists()):
        raise FileError(f"{source!r} is neither a file nor a dataset that `oodles datasets` lists.")
    return source


def refuse_overwriting(source: str, output: str) -> None:
    """Refuse to put the scores in the place of the rows.

    Raises:
        FileError: If both are one file.
    """
    both_exist = "-" not in (source, output) and Path(source).exists() and Path(output).exists()
    if both_exist and Path(output).samefile(source):
        raise FileError(f"{output} is the INPUT; it is left alone. Choose another name.")


def published(name: str, split: str, normal: Sequence[str], schema: dict[str, str], *, quiet: bool) -> Rows:
    """A public dataset; `normal` classes are the normal ones where it has classes but no anomalies."""
    made = data.load(name, split, progress=is_watched(quiet=quiet))
    y = made.y
    if normal and made.labels is not None:
        y = anomalous(pa.chunked_array([made.labels.astype(str)]), normal, f"the class of {name}")
    return Rows(made.X, y, {**made.schema, **schema})


def how_to_label(source: str) -> str:
    """How INPUT can say which of its rows are anomalies."""
    if listing(source):
        return "say which classes are normal with --normal"
    if source.endswith(".npz"):
        return "put an array y of 0 (normal) and 1 (anomaly) beside X"
    return "name the column with --label"


def taken(X: Any, rows: np.ndarray) -> Any:
    """Some of the rows, in their order."""
    return X.take(rows) if isinstance(X, pa.Table) else X[rows]


def fitting(detector: Any, X: Any, label: str | None) -> Any:
    """Rows for a fitted detector, without a label that it never saw."""
    seen = getattr(detector.encoder_, "inputs", ())
    if isinstance(X, pa.Table) and label is not None and label not in seen:
        X = X.drop_columns(label)
    return prepared(detector.encoder_, X)


def stream(
    detector: Any,
    source: str,
    *,
    format: str | None,  # noqa: A002
    header: bool,
    size: int | None = None,
    quiet: bool = False,
) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """INPUT in blocks that a fitted detector takes, with the names of pictures; memory does not grow with the file.

    Pictures of another `size` (both sides) are resized.

    Raises:
        FileError: If INPUT is not there.
    """
    encoder = detector.encoder_
    if known := listing(source):
        split = "test" if "test" in known.editions else "train"
        yield prepared(encoder, data.load(source, split, progress=is_watched(quiet=quiet)).X), ()
        return
    is_text = sources.kind_of(found(source), format) == "text"
    unit, number = ("line", 1 + header) if is_text else ("row", 1)
    if size is not None:
        read: Any = stored(source, size).blocks(BLOCK)
    else:
        read = reading.stream(source, format=format, header=header)
    for block in read:
        if isinstance(block, reading.Pictures):
            yield block.pixels, tuple(block.names)
        else:
            yield prepared(encoder, block, by_name=header or not is_text, unit=unit, first=number), ()
            number += len(block)


def prepared(encoder: Encoder, X: Any, *, by_name: bool = True, unit: str = "row", first: int = 1) -> Any:
    """Rows as the encoder learned them: named columns for one that learned names, an array for one that did not.

    Columns are found by name only if both sides have names, and by position otherwise. `unit` and `first` say how
    the file counts its rows.
    """
    is_array = isinstance(X, np.ndarray)
    if not isinstance(encoder, TableEncoder) or (is_array and X.ndim > 2):
        return X
    table = X if encoder.named and by_name and not is_array else by_position(encoder, X)
    ignored = set(encoder.inputs) - set(encoder.names) if encoder.named else set()
    table = table.drop_columns([name for name in table.column_names if name in ignored])
    for column in encoder.layout.only("binary").columns:
        if column.name in encoder.numeric and column.name in table.column_names:
            place = table.column_names.index(column.name)
            table = table.set_column(place, column.name, as_digits(table[column.name]))
    (table,) = columns.typed([table], dict.fromkeys(encoder.numeric, pa.float64()), unit=unit, first=first)
    return table if encoder.named else np.column_stack(list(map(arrow.to_numpy, table.columns)))


def by_position(encoder: TableEncoder, X: np.ndarray | pa.Table) -> pa.Table:
    """The columns under the names of the training table: all of them, or those that are not ignored.

    Raises:
        SchemaError: If their number is neither.
    """
    cells = X.columns if isinstance(X, pa.Table) else list(map(arrow.from_numpy, X.T))
    for names in (encoder.inputs, encoder.names):
        if len(names) == len(cells):
            return pa.Table.from_arrays(cells, names=list(names))
    raise SchemaError(
        f"The model learned {len(encoder.inputs)} columns, but these rows have {len(cells)}. "
        "Give the same columns in the same order, or with their names."
    )
