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

from ..errors import DataError, SchemaError
from ..layout import Column, Layout
from .values import as_digits, as_numbers, as_texts, as_words, is_number, numbers_in_text

__all__ = ["KINDS", "TAIL", "TableEncoder"]

KINDS = ("real", "binary", "category", "ignore")
"""What `schema` may say of a column."""

TAIL = 50.0
"""Deviations from the middle beyond which a real column grows like a logarithm: no finite number overflows."""

HEAVY = 5.0
"""A column is heavy-tailed if its deviation is so many times that of the column cut at its 1 % and 99 % quantiles."""

LARGEST, SMALLEST = float(np.finfo(np.float64).max), float(np.finfo(np.float64).tiny)

MOST_LEVELS = 64
"""Levels kept for a category; rarer ones count as unseen."""


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
        numeric = frozenset(name for name in names if is_number(table[name]) or schema.get(name) == "real")
        return cls(
            layout, names, tuple(table.column_names), numeric, isinstance(X, pa.Table), clipped=support == "unit"
        )

    def transform(self, X: np.ndarray | pa.Table) -> np.ndarray:
        """Encoded rows (N, D) in float32; a missing cell is NaN.

        Raises:
            SchemaError: If columns are missing, extra, or hold text instead of numbers.
            DataError: If a number is infinite.
        """
        table = self.matched(X)
        encoded = np.empty((table.num_rows, self.layout.width), dtype=np.float32)
        for column, where in zip(self.layout.columns, self.layout.slices, strict=True):
            encoded[:, where] = self.encode(column, table[column.name])
        return encoded

    def matched(self, X: np.ndarray | pa.Table) -> pa.Table:
        """The table's columns under their names: matched by name, whatever their order; without names, by position.

        Raises:
            SchemaError: If columns are missing or extra, or a table without names should stand for text.
        """
        if not (self.named and isinstance(X, pa.Table)):
            if text := [name for name in self.names if name not in self.numeric]:
                raise SchemaError(f"The model learned text in {listed(text)}; give a table with column names.")
            return X.rename_columns(list(self.inputs)) if isinstance(X, pa.Table) else numbered(X, self.inputs)
        came = set(X.column_names)
        missing = [name for name in self.names if name not in came]
        extra = [name for name in X.column_names if name not in self.inputs]
        if missing or extra:
            raise SchemaError(
                "The columns are not those that the model learned:"
                + (f" missing {listed(missing)}." if missing else "")
                + (f" Not expected {listed(extra)}; leave them out." if extra else "")
            )
        return X

    def encode(self, column: Column, cells: pa.ChunkedArray) -> np.ndarray:
        """One column's cells, (N, width)."""
        if column.kind == "real":
            return self.scaled(column, as_numbers(column.name, cells))[:, None]
        codes, missing = coded(column, cells, numeric=column.name in self.numeric)
        encoded = codes[:, None].astype(np.float32)
        if column.kind == "category":
            encoded = (codes[:, None] == np.arange(column.width)).astype(np.float32)
        encoded[missing] = np.nan
        return encoded

    def scaled(self, column: Column, values: np.ndarray) -> np.ndarray:
        """A real column in encoded units."""
        with np.errstate(over="ignore"):
            u = ((values - column.center) / column.scale).clip(-LARGEST, LARGEST)
        if self.clipped:
            return u.clip(0, 1)
        if column.tail is None:
            return u
        beyond = np.maximum(np.abs(u) - column.tail, 0)
        return np.sign(u) * (np.minimum(np.abs(u), column.tail) + np.log1p(beyond))

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


def varies(cells: pa.ChunkedArray) -> bool:
    """Whether a column has two different values; a missing cell is none, and 0 and -0 are one."""
    if is_number(cells):
        numbers = as_numbers("", cells)
        return bool(np.nanmin(numbers) < np.nanmax(numbers))
    return len(pc.unique(cells.drop_null())) > 1


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


def learned(name: str, cells: pa.ChunkedArray, declared: str | None, support: str) -> Column:
    """What one column is, from its training cells.

    Raises:
        SchemaError: If all cells are missing, text stands among numbers, or the declared kind cannot be.
    """
    numeric = is_number(cells) or declared == "real"
    came: Any = as_numbers(name, cells) if numeric else as_texts(name, cells)
    if not numeric and declared is None:
        refuse_spoiled_numbers(name, came)
    observed = came[~np.isnan(came)] if numeric else came.drop_null()
    if not len(observed):
        raise SchemaError(f"Column {name!r} is empty: every cell is missing. Leave it out, or ignore it in the schema.")
    if numeric and declared in (None, "real"):
        if declared is None and np.isin(observed, (0.0, 1.0)).all() and observed.min() < observed.max():
            return with_levels(name, "binary", {level: int((observed == int(level)).sum()) for level in ("0", "1")})
        return real(name, observed, support)
    counts = pc.value_counts(as_texts(name, cells).drop_null() if numeric else observed)
    by_level = {pair["values"].as_py(): pair["counts"].as_py() for pair in counts}
    if declared == "binary" and len(by_level) > 2:
        raise SchemaError(f"schema says that {name!r} is binary, but it has {len(by_level)} different values.")
    return with_levels(name, "binary" if declared == "binary" and len(by_level) == 2 else "category", by_level)


def refuse_spoiled_numbers(name: str, text: pa.ChunkedArray) -> None:
    """A text column whose cells are nearly all numbers is a damaged number column, not a category.

    Raises:
        SchemaError: With the first damaged cell.
    """
    distinct = pc.unique(text.drop_null())
    good, row, cell = numbers_in_text(pa.chunked_array([distinct]))
    if row >= 0 and good > 0.9 * len(distinct):
        row = text.to_pylist().index(cell)
        raise SchemaError(
            f"Column {name!r} holds numbers, but row {row + 1} has {cell!r}. Correct the cell, leave it empty, "
            f"or declare schema={{{name!r}: 'category'}}."
        )


def with_levels(name: str, kind: str, counts: Mapping[str, int]) -> Column:
    """A binary or category column; its commonest levels in a fixed order, and what is kept for others."""
    common = sorted(counts, key=lambda level: (-counts[level], level))[:MOST_LEVELS]
    rows = sum(counts.values())
    rare = rows - sum(counts[level] for level in common)
    levels = tuple(sorted(common))
    width = 1 if kind == "binary" else len(levels)
    return Column(name, kind, width, levels=levels, unseen=(rare + 1) / (rows + 2))  # type: ignore[arg-type]


def real(name: str, observed: np.ndarray, support: str) -> Column:
    """A real column: its middle and its spread, measured where outliers do not reach."""
    if support == "unit":
        low, high = (0.0, 1.0) if observed.min() >= 0 and observed.max() <= 1 else (observed.min(), observed.max())
        return Column(name, "real", center=float(low), scale=float(high - low) or 1.0)
    if observed.min() == observed.max():
        return Column(name, "real", center=float(observed[0]), scale=float(abs(observed[0])) or 1.0, tail=TAIL)
    peak = float(np.abs(observed).max())
    cut = observed.clip(*(peak * np.quantile(observed / peak, (0.01, 0.99))))
    (center, scale), (inner, narrow) = moments(observed), moments(cut)
    if 0 < HEAVY * narrow < scale:
        center, scale = inner, narrow
    return Column(name, "real", center=center, scale=max(scale, SMALLEST), tail=TAIL)


def moments(values: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation; no square overflows, and none vanishes."""
    peak = float(np.abs(values).max()) or 1.0
    unit = values / peak
    return peak * float(unit.mean()), peak * float(unit.std())


def coded(column: Column, cells: pa.ChunkedArray, *, numeric: bool) -> tuple[np.ndarray, np.ndarray]:
    """The level of each cell as a number, -1 for a value never seen; and which cells are missing."""
    if numeric:
        values = as_numbers(column.name, as_digits(cells))
        levels = np.array([float(level) for level in column.levels])
        order = levels.argsort()
        place = order[np.searchsorted(levels, values, sorter=order).clip(max=len(levels) - 1)]
        return np.where(levels[place] == values, place, -1), np.isnan(values)
    text = as_texts(column.name, as_words(cells, column.levels))
    found = pc.index_in(text, value_set=pa.array(column.levels, pa.string()))
    return pc.fill_null(found, -1).to_numpy(), text.is_null().to_numpy()
