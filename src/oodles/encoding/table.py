r"""Tables → encoded rows.

Columns are told apart by their values: {0, 1} is binary, text is a category, other numbers are real; `schema`
corrects the guess. A real column becomes $u = (\text{raw} - \text{center}) / \text{scale}$ up to $|u| = t$ and grows
like a logarithm beyond, so that no finite number overflows. Center and scale are mean and deviation or, where a few
outliers make most of the deviation, those of the column cut at its 1 % and 99 % quantiles. A number that never changed
in training is measured in units of its own magnitude, a text that never changed is a category of one level: a change is
legal, and surprising.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .. import arrow
from ..errors import DataError, SchemaError
from ..layout import Column, Layout
from .learning import learned, varies
from .values import Cells, as_digits, as_numbers, as_texts, as_words, is_number, refuse_infinite

__all__ = ["KINDS", "TableEncoder"]

KINDS = ("real", "scaled", "binary", "category", "ignore")
"""What `schema` may say of a column; `scaled` is a real one that is taken as it is."""

AT_ONCE = 4096
"""Rows that are scaled together: they stay in the processor's cache."""

LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True)
class TableEncoder:
    """What was learned about a table's columns.

    Attributes:
        layout: The encoded columns: real ones first, then binary ones, then categories.
        names: The features in the table's order, without ignored ones.
        inputs: All columns of the training table in its order, with ignored ones: the names of a headerless file.
        numeric: Features that hold numbers; the others hold text.
        named: Whether the table had column names of its own; otherwise columns are matched by position.
        clipped: Whether real columns are cut to [0, 1], for a likelihood that knows nothing else.
    """

    layout: Layout
    names: tuple[str, ...]
    inputs: tuple[str, ...]
    numeric: frozenset[str]
    named: bool
    clipped: bool = False

    @classmethod
    def fit(cls, X: np.ndarray | pa.Table, schema: Mapping[str, str] | None = None, *, support: str = "line") -> Self:
        """Learn the columns of a table of numbers (N, F) or of named columns.

        Raises:
            SchemaError: If `schema` names unknown columns or kinds, a column is empty, or text stands among numbers.
            DataError: If no column varies.
        """
        table = X if isinstance(X, pa.Table) else numbered(X)
        schema = dict(schema or {})
        check_schema(schema, table.column_names)
        names = tuple(name for name in table.column_names if schema.get(name) != "ignore")
        if not names:
            raise SchemaError("Every column is ignored; at least one is needed to learn from.")
        columns = [learned(name, table[name], schema.get(name), support) for name in names]
        if not any(varies(table[name]) for name in names):
            raise DataError(
                f"None of the {len(names)} columns varies: every row is the same, there is nothing to learn."
            )
        order = {"real": 0, "binary": 1, "category": 2}
        layout = Layout(tuple(sorted(columns, key=lambda column: order[column.kind])))
        numeric = frozenset(name for name in names if is_number(table[name]) or schema.get(name) in ("real", "scaled"))
        return cls(
            layout, names, tuple(table.column_names), numeric, isinstance(X, pa.Table), clipped=support == "unit"
        )

    def transform(self, X: np.ndarray | pa.Table) -> np.ndarray:
        """Encoded rows (N, D) in float32; a missing cell is NaN.

        Raises:
            SchemaError: If columns are missing, extra, or hold text instead of numbers.
            DataError: If a number is infinite.
        """
        cells = self.matched(X)
        encoded = np.empty((len(X), self.layout.width), dtype=np.float32)
        self.scale(self.reals(X, cells), encoded)
        for column, where in zip(self.layout.columns, self.layout.slices, strict=True):
            if column.kind != "real":
                encoded[:, where] = self.encode(column, cells[column.name])
        return encoded

    def matched(self, X: np.ndarray | pa.Table) -> dict[str, Cells]:
        """The columns by name: matched by name, whatever their order; without names, by position.

        Raises:
            SchemaError: If columns are missing or extra, or a table without names should stand for text.
        """
        if not (self.named and isinstance(X, pa.Table)):
            if text := [name for name in self.names if name not in self.numeric]:
                raise SchemaError(f"The model learned text in {listed(text)}; give a table with column names.")
            return dict(zip(self.inputs, X.columns if isinstance(X, pa.Table) else X.T, strict=True))
        came = set(X.column_names)
        missing = [name for name in self.names if name not in came]
        extra = [name for name in X.column_names if name not in self.inputs]
        if missing or extra:
            raise SchemaError(
                "The columns are not those that the model learned:"
                + (f" missing {listed(missing)}." if missing else "")
                + (f" Not expected {listed(extra)}; leave them out." if extra else "")
            )
        return dict(zip(X.column_names, X.columns, strict=True))

    def encode(self, column: Column, cells: Cells) -> np.ndarray:
        """The cells of a binary or category column, (N, width)."""
        if isinstance(cells, np.ndarray):
            cells = pa.chunked_array([arrow.from_numpy(cells)])
        codes, missing = coded(column, cells, numeric=column.name in self.numeric)
        encoded = codes[:, None].astype(np.float32)
        if column.kind == "category":
            encoded = (codes[:, None] == np.arange(column.width)).astype(np.float32)
        encoded[missing] = np.nan
        return encoded

    def reals(self, X: np.ndarray | pa.Table, cells: dict[str, Cells]) -> np.ndarray:
        """The raw real columns side by side, (N, R), in the layout's order: the array itself where it is just that."""
        names = [column.name for column in self.layout.columns if column.kind == "real"]
        if isinstance(X, np.ndarray) and names == list(self.inputs):
            return X
        values = np.empty((len(X), len(names)))
        for i, name in enumerate(names):
            plain = isinstance(cells[name], pa.ChunkedArray) and pa.types.is_floating(cells[name].type)
            values[:, i] = arrow.to_numpy(cells[name]) if plain else as_numbers(name, cells[name])
        return values

    def scale(self, raw: np.ndarray, encoded: np.ndarray) -> None:
        """Write real columns (N, R) in encoded units to the first columns of `encoded`, few rows at once.

        Raises:
            DataError: If a number is infinite.
        """
        columns = self.layout.columns[: raw.shape[1]]
        center, scale = (np.array([getattr(column, key) for column in columns]) for key in ("center", "scale"))
        tail = np.array([np.inf if column.tail is None else column.tail for column in columns])
        nearest = tail.min(initial=LARGEST)
        work = np.empty((min(AT_ONCE, len(raw)), raw.shape[1]))
        for start in range(0, len(raw), AT_ONCE):
            some, target = raw[start : start + AT_ONCE], encoded[start : start + AT_ONCE, : raw.shape[1]]
            u = work[: len(some)]
            u[...] = some
            with np.errstate(over="ignore", invalid="ignore"):
                u -= center
                u /= scale
                target[...] = u
            # NaN and infinity, which no comparison lets pass, take the longer way too.
            if self.clipped or not (-nearest <= target.min(initial=0) and target.max(initial=0) <= nearest):
                if (infinite := np.argwhere(np.isinf(some))).size:
                    row, place = infinite[0]
                    refuse_infinite(columns[place].name, start + row)
                target[...] = u.clip(0, 1) if self.clipped else with_tails(u.clip(-LARGEST, LARGEST), tail)

    def decode(self, rows: np.ndarray) -> pa.Table:
        """Encoded rows (N, D) → the table they stand for; probabilities become the likeliest level."""
        values: dict[str, np.ndarray] = {}
        for column, where in zip(self.layout.columns, self.layout.slices, strict=True):
            share = rows[:, where].astype(np.float64)
            if column.kind == "real":
                beyond = np.maximum(np.abs(share[:, 0]) - (column.tail or np.inf), 0)
                u = np.sign(share[:, 0]) * (np.abs(share[:, 0]) - beyond + np.expm1(np.minimum(beyond, 700)))
                values[column.name] = column.center + column.scale * u
            else:
                code = (share[:, 0] > 0.5).astype(int) if column.kind == "binary" else share.argmax(1)
                level = np.asarray(column.levels, dtype=object)[code]
                values[column.name] = level.astype(np.float64) if column.name in self.numeric else level.astype(str)
        return pa.table({name: values[name] for name in self.names})

    def unshuffled(self, per_feature: np.ndarray) -> np.ndarray:
        """(N, F) in the layout's order → the same in the table's order."""
        position = {column.name: index for index, column in enumerate(self.layout.columns)}
        return per_feature[:, [position[name] for name in self.names]]

    def to_json(self) -> dict[str, Any]:
        """A JSON value that `from_json` understands."""
        return {
            "layout": self.layout.to_json(),
            "names": list(self.names),
            "inputs": list(self.inputs),
            "numeric": sorted(self.numeric),
            "named": self.named,
            "clipped": self.clipped,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The encoder that `to_json` described."""
        return cls(
            layout=Layout.from_json(value["layout"]),
            names=tuple(value["names"]),
            inputs=tuple(value["inputs"]),
            numeric=frozenset(value["numeric"]),
            named=value["named"],
            clipped=value["clipped"],
        )


def with_tails(u: np.ndarray, tail: np.ndarray) -> np.ndarray:
    """Numbers that grow like a logarithm beyond each column's tail."""
    size = np.abs(u)
    return np.sign(u) * (np.minimum(size, tail) + np.log1p(np.maximum(size - tail, 0)))


def numbered(X: np.ndarray, names: tuple[str, ...] = ()) -> pa.Table:
    """An array (N, F) as a table with the columns x0, x1 … or the given names."""
    return pa.table({name: X[:, i] for i, name in enumerate(names or [f"x{i}" for i in range(X.shape[1])])})


def listed(names: list[str]) -> str:
    """Names for a sentence, at most five."""
    return ", ".join(map(repr, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def check_schema(schema: Mapping[str, str], names: list[str]) -> None:
    """Refuse kinds and columns that do not exist.

    Raises:
        SchemaError: In a sentence.
    """
    if unknown := [name for name in schema if name not in names]:
        raise SchemaError(f"schema names {listed(unknown)}, but the columns are {listed(names)}.")
    for name, kind in schema.items():
        if kind not in KINDS:
            raise SchemaError(f"schema says that {name!r} is {kind!r}, but a column is one of {', '.join(KINDS)}.")


def coded(column: Column, cells: pa.ChunkedArray, *, numeric: bool) -> tuple[np.ndarray, np.ndarray]:
    """The level of each cell as a number, -1 for a value never seen; and which cells are missing."""
    if numeric:
        values = as_numbers(column.name, as_digits(cells))
        levels = np.array([float(level) for level in column.levels])
        order = levels.argsort()
        place = order[np.searchsorted(levels, values, sorter=order).clip(max=len(levels) - 1)]
        return np.where(levels[place] == values, place, -1), np.isnan(values)
    text = as_texts(column.name, as_words(cells, column.levels))
    found = pc.index_in(text, value_set=arrow.texts(column.levels))
    return arrow.to_numpy(found, missing=-1), arrow.to_numpy(text.is_null())
