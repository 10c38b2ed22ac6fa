"""INPUT → rows, labels and names: files, folders, standard input and public datasets alike."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import typer

from .. import data
from ..data import reading
from ..errors import DataError, FileError, SchemaError

__all__ = ["Rows", "choose", "detector", "load", "pairs", "stream", "taken"]


@dataclass(frozen=True)
class Rows:
    """Rows or pictures with what is known about them.

    Attributes:
        X: What a detector takes.
        y: 1 for an anomaly, 0 for a normal row; None where nobody says.
        schema: Kinds of columns; the label column is ignored.
        names: Names of pictures, if they are files.
    """

    X: Any
    y: np.ndarray | None
    schema: dict[str, str]
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.X)


def load(
    source: str,
    *,
    format: str | None,  # noqa: A002 - the word of the command line
    header: bool,
    label: str | None,
    normal: Sequence[str],
    schema: dict[str, str],
    split: str = "train",
) -> Rows:
    """Read all of INPUT.

    Raises:
        OodlesError: In a sentence, whatever is wrong with it.
    """
    if source != "-" and not Path(source).exists() and is_dataset(source):
        return dataset(source, split, normal, schema)
    X = reading.read(source, format=format, header=header)
    if isinstance(X, reading.Pictures):
        return Rows(X.pixels, None, schema, tuple(X.names))
    if isinstance(X, np.ndarray):
        return Rows(X, beside(source, len(X)), schema)
    if label is None:
        return Rows(X, None, schema)
    return Rows(X, labelled(X, label, normal), {**schema, label: "ignore"})


def is_dataset(name: str) -> bool:
    """Whether `data.load` knows the name; a name with a suffix or a slash is meant as a file."""
    known = {entry.name for entry in data.names()}
    return name.lower() in known or any(entry.partition("_")[2].lower() == name.lower() for entry in known)


def dataset(name: str, split: str, normal: Sequence[str], schema: dict[str, str]) -> Rows:
    """A public dataset; `normal` classes are the normal ones where it has classes but no anomalies."""
    found = data.load(name, split, progress=True)
    y = found.y
    if normal and found.labels is not None:
        y = (~np.isin(found.labels.astype(str), list(normal))).astype(np.int8)
    return Rows(found.X, y, {**found.schema, **schema})


def beside(source: str, rows: int) -> np.ndarray | None:
    """The array `y` that stands beside `X` in an .npz file, if any."""
    if not source.endswith(".npz"):
        return None
    with np.load(source, allow_pickle=False) as archive:
        y = archive["y"].ravel() if "y" in archive else None
    return y.astype(np.int8) if y is not None and len(y) == rows and np.isin(y, (0, 1)).all() else None


def labelled(table: pa.Table, label: str, normal: Sequence[str]) -> np.ndarray:
    """1 for rows whose label is none of the normal ones.

    Raises:
        SchemaError: If there is no such column.
        DataError: If no row is normal.
    """
    if label not in table.column_names:
        raise SchemaError(f"There is no column {label!r} for --label; the columns are {', '.join(table.column_names)}.")
    values = {value.strip() for value in normal} or {"0", "0.0", "false"}
    texts = pc.utf8_trim_whitespace(table[label].cast(pa.string()))
    y = ~pc.is_in(texts, pa.array(sorted(values))).to_numpy().astype(bool)
    if y.all():
        came = ", ".join(repr(value) for value in pc.unique(texts).to_pylist()[:5])
        raise DataError(f"No row is normal: {label!r} never is {', '.join(sorted(values))}, but {came}. Use --normal.")
    return y.astype(np.int8)


def taken(X: Any, rows: np.ndarray) -> Any:
    """Some of the rows, in their order."""
    return X.take(rows) if isinstance(X, pa.Table) else X[rows]


def stream(detector: Any, source: str, *, format: str | None, header: bool) -> Iterator[tuple[Any, tuple[str, ...]]]:  # noqa: A002
    """INPUT in blocks that a fitted detector takes, with the names of pictures; memory does not grow with the file.

    Raises:
        FileError: If INPUT is not there.
    """
    if source != "-" and not Path(source).exists():
        if not is_dataset(source):
            raise FileError(f"{source!r} is neither a file nor a dataset that `oodles datasets` lists.")
        yield data.load(source, "test" if "test" in splits(source) else "train").X, ()
        return
    encoder = detector.encoder_
    numeric: Collection[str] = getattr(encoder, "numeric", ())
    inputs: Sequence[str] | None = getattr(encoder, "inputs", None)
    types = {name: pa.float64() for name in numeric}
    blocks = reading.stream(source, format=format, header=header, names=None if header else inputs, types=types)
    for block in blocks:
        if isinstance(block, reading.Pictures):
            yield block.pixels, tuple(block.names)
        elif isinstance(block, pa.Table) and inputs is not None:
            ignored = set(inputs) - set(encoder.names)
            yield block.drop_columns([name for name in block.column_names if name in ignored]), ()
        else:
            yield block, ()


def splits(name: str) -> tuple[str, ...]:
    """The splits of a dataset."""
    return next((entry.splits for entry in data.names() if entry.name == name.lower()), ("train",))


def choose(name: str) -> type:
    """The detector of that name, whatever its case.

    Raises:
        BadParameter: If there is none.
    """
    from .. import detectors  # noqa: PLC0415 - torch arrives here

    known = {key.lower(): value for key, value in detectors.NAMES.items()}
    if name.lower() not in known:
        raise typer.BadParameter(f"there is no detector {name!r}; there are {', '.join(detectors.NAMES)}.")
    return known[name.lower()]


def detector(name: str, *, settings: Sequence[str], schema: dict[str, str], **given: Any) -> Any:
    """An unfitted detector: its defaults, what options say, and what `--set` says last.

    Raises:
        BadParameter: If a setting is no parameter of the detector.
    """
    kind = choose(name)
    parameters = {**{key: value for key, value in given.items() if value is not None}, **pairs(settings, "--set")}
    known = kind().get_params()
    if unknown := [key for key in parameters if key not in known]:
        raise typer.BadParameter(f"{kind.__name__} has no parameter {unknown[0]!r}; it has {', '.join(sorted(known))}.")
    if isinstance(parameters.get("hidden"), list):
        parameters["hidden"] = tuple(parameters["hidden"])
    return kind(**parameters, schema=schema or None)


def pairs(settings: Sequence[str], option: str) -> dict[str, Any]:
    """`NAME=VALUE` texts as a dictionary; values are read as JSON where they can be, and as text otherwise.

    Raises:
        BadParameter: If a text has no `=`.
    """
    values: dict[str, Any] = {}
    for text in settings:
        name, equals, value = text.rpartition("=") if option == "--schema" else text.partition("=")
        if not equals:
            raise typer.BadParameter(f"{option} expects NAME=VALUE, but got {text!r}.")
        try:
            values[name] = json.loads(value)
        except ValueError:
            values[name] = {"None": None, "True": True, "False": False}.get(value, value)
    return values
