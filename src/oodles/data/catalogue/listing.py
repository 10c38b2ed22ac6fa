"""What the catalogue knows of a dataset before it is loaded."""

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...errors import DatasetError, ParameterError
from ..dataset import ColumnKind, Dataset, Entry, Kind, Presence
from ..download import File, fetch

__all__ = ["Content", "Edition", "Listing", "Request", "intact"]


@dataclass(frozen=True)
class Edition:
    """One form in which a split may lie on a machine.

    Attributes:
        files: All that is needed to read it.
        note: What it lacks of the official set; empty if nothing.
    """

    files: tuple[File, ...]
    note: str = ""

    @property
    def here(self) -> bool:
        """Whether all its files are on this machine."""
        return all(file.place.is_file() for file in self.files)


@dataclass(frozen=True)
class Request:
    """What a reader is asked for.

    Attributes:
        split: The split.
        paths: The files of the edition that was found or downloaded.
        rows: How many rows to draw, for a generator.
        seed: Of the draw, for a generator.
    """

    split: str
    paths: tuple[Path, ...]
    rows: int
    seed: int


class Content(NamedTuple):
    """What a reader returns: the fields of `Dataset` that depend on the files."""

    X: pa.Table | NDArray[Any]
    y: NDArray[np.int8] | None = None
    labels: NDArray[Any] | None = None
    schema: Mapping[str, ColumnKind] = MappingProxyType({})
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One dataset of the catalogue.

    Attributes:
        name: Its public name.
        description: One line about it.
        kind: `table`, `pictures` or `points`.
        size: Its rows and their shape, in words.
        citation: Who to cite.
        licence: What its publishers allow.
        read: Makes the rows from the files, or from nothing.
        editions: For each split the forms it may lie in, the official one first; no form if no file is needed.
        rows: For each split of a generated set, how many rows are drawn unless the caller says otherwise.
        aliases: Other names it answers to.
    """

    name: str
    description: str
    kind: Kind
    size: str
    citation: str
    licence: str
    read: Callable[[Request], Content] = field(repr=False)
    editions: Mapping[str, tuple[Edition, ...]] = field(repr=False)
    rows: Mapping[str, int] = field(default_factory=dict, repr=False)
    aliases: tuple[str, ...] = ()

    def load(self, split: str, *, rows: int | None, seed: int | None, download: bool, progress: bool) -> Dataset:
        """Find, fetch and read one split; see `oodles.data.load`."""
        if split not in self.editions:
            known = " and ".join(f"split={known!r}" for known in self.editions)
            raise ParameterError(f"{self.name!r} has no split {split!r}: it has {known}.")
        if not self.rows and not (rows is None and seed is None):
            raise ParameterError(f"{self.name!r} is not a generated set, so it takes neither rows nor seed.")

        editions = self.editions[split]
        chosen = next((edition for edition in editions if edition.here), editions[0] if editions else Edition(()))
        paths = (fetch(file, dataset=self.name, download=download, progress=progress) for file in chosen.files)
        drawn = self.rows.get(split, 0) if rows is None else rows
        content = self.read(Request(split, tuple(paths), drawn, seed or 0))
        return Dataset(
            name=self.name,
            X=content.X,
            y=content.y,
            labels=content.labels,
            schema=dict(content.schema),
            citation=self.citation,
            licence=self.licence,
            note=" ".join(filter(None, (chosen.note, content.note))),
        )

    def entry(self) -> Entry:
        """Its line in the list of datasets."""
        return Entry(self.name, self.description, self.kind, self.size, tuple(self.editions), self._presence())

    def _presence(self) -> Presence:
        needed = [editions for editions in self.editions.values() if editions]
        if not needed:
            return "generated" if self.rows else "embedded"

        found = [next((edition for edition in editions if edition.here), None) for editions in needed]
        if all(edition is not None and not edition.note for edition in found):
            return "present"
        if any(found):
            return "partial"
        return "downloadable" if all(file.urls for editions in needed for file in editions[0].files) else "by hand"


_DAMAGE: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    zlib.error,
    zipfile.BadZipFile,
    tarfile.TarError,
)


@contextmanager
def intact(path: Path, what: str, *, also: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turn whatever a parser says of a damaged file into one sentence.

    Args:
        path: The file that is read.
        what: What it should be, for the message.
        also: Further exceptions that mean damage.

    Raises:
        DatasetError: The file is truncated or not what it claims to be.
    """
    try:
        yield
    except (*_DAMAGE, *also) as error:
        reason = str(error) or type(error).__name__
        raise DatasetError(
            f"{path} is damaged: expected {what}, but reading it gave {reason!r}; delete it and load again, or put a "
            "good copy in its place."
        ) from error
