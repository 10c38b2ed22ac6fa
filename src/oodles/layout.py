"""What each column of an encoded row means: the treaty between encoding and likelihood."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from typing import Any, Literal, Self

__all__ = ["Column", "Kind", "Layout"]

Kind = Literal["real", "binary", "category", "pixel"]


@dataclass(frozen=True)
class Column:
    """One feature of a table, or all pixels of a picture.

    Attributes:
        name: The feature's name.
        kind: `real` (one encoded column, scaled), `binary` (one, 0 or 1), `category` (one per level, one-hot) or
            `pixel` (all pixels, in [0, 1]).
        width: Number of encoded columns.
        center: Raw value that is encoded as 0 (real).
        scale: Raw units per encoded unit (real, pixel).
        tail: Encoded distance from 0 beyond which a real column is compressed to a logarithm; None for never.
        levels: Values seen in training, as text (binary, category).
        unseen: Probability kept for a value never seen in training (binary, category).
        constant: Whether it never changed in training (real).
    """

    name: str
    kind: Kind
    width: int = 1
    center: float = 0.0
    scale: float = 1.0
    tail: float | None = None
    levels: tuple[str, ...] = ()
    unseen: float = 0.0
    constant: bool = False

    @property
    def features(self) -> int:
        """Number of features the column stands for: its pixels, or 1."""
        return self.width if self.kind == "pixel" else 1


@dataclass(frozen=True)
class Layout:
    """The columns of an encoded row, in order.

    Attributes:
        columns: The columns; their widths add up to D.
        shape: (C, H, W) of a picture; empty for a table.
    """

    columns: tuple[Column, ...]
    shape: tuple[int, ...] = field(default=())

    @property
    def width(self) -> int:
        """Number of encoded columns, D."""
        return sum(column.width for column in self.columns)

    @property
    def features(self) -> int:
        """Number of features, F."""
        return sum(column.features for column in self.columns)

    @property
    def owners(self) -> list[int]:
        """The number of the feature that each encoded column belongs to, D of them."""
        starts = accumulate((column.features for column in self.columns), initial=0)
        return [
            start + place % column.features
            for column, start in zip(self.columns, starts, strict=False)
            for place in range(column.width)
        ]

    @property
    def slices(self) -> Iterator[slice]:
        """Where each column lies in an encoded row."""
        stops = list(accumulate(column.width for column in self.columns))
        return (slice(stop - column.width, stop) for column, stop in zip(self.columns, stops, strict=True))

    def only(self, kind: Kind) -> "Layout":
        """The same layout with the columns of one kind."""
        return Layout(tuple(column for column in self.columns if column.kind == kind), self.shape)

    def positions(self, kind: Kind) -> list[int]:
        """The encoded columns that belong to one kind."""
        return [
            position
            for column, where in zip(self.columns, self.slices, strict=True)
            if column.kind == kind
            for position in range(where.start, where.stop)
        ]

    def to_json(self) -> dict[str, Any]:
        """A JSON value that `from_json` understands."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The layout that `to_json` described."""
        columns = (Column(**{**column, "levels": tuple(column["levels"])}) for column in value["columns"])
        return cls(tuple(columns), tuple(value["shape"]))
