"""The noun: raw rows, what is known about them and where they come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["ColumnKind", "Dataset", "Entry", "Kind", "Presence"]

ColumnKind = Literal["real", "binary", "category", "ignore"]
Kind = Literal["table", "pictures", "points"]
Presence = Literal["embedded", "generated", "present", "partial", "downloadable", "by hand"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """One split of a public dataset, as its authors published it: nothing is scaled, encoded or shuffled.

    Attributes:
        name: Its name in the catalogue.
        X: The rows: a `pyarrow.Table` where columns have names and types, else a float array (N, F); pictures are uint8
            in 0..255, (N, H, W) or (N, H, W, C).
        y: 1 for an anomaly, 0 for a normal row, int8 (N,); None where the authors do not say which rows are anomalies.
        labels: The class of each row (N,), or the coordinate a generator drew it from; None where there is none.
        schema: Kind of each column, where it is known: `real`, `binary`, `category`, or `ignore` for a column that
            should not be learnt from.
        citation: Who to cite.
        licence: What its publishers allow, or that they do not say.
        note: What a reader of any number made from it must know, such as that only a part of the set was found.
    """

    name: str
    X: pa.Table | NDArray[Any] = field(repr=False)
    y: NDArray[np.int8] | None = field(default=None, repr=False)
    labels: NDArray[Any] | None = field(default=None, repr=False)
    schema: Mapping[str, ColumnKind] = field(default_factory=dict, repr=False)
    citation: str = ""
    licence: str = ""
    note: str = ""


@dataclass(frozen=True)
class Entry:
    """One line of the list of datasets.

    Attributes:
        name: What to call `load` with.
        description: One line about it.
        kind: `table`, `pictures` or `points`.
        size: Its rows and their shape, in words.
        splits: What `load` takes as `split`.
        presence: `embedded` and `generated` need no file; `present` and `partial` are in the data folder, whole or not;
            `downloadable` will be fetched; `by hand` must be fetched by a person.
    """

    name: str
    description: str
    kind: Kind
    size: str
    splits: tuple[str, ...]
    presence: Presence
