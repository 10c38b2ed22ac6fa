r"""Rows that are strange in a known way: a model of the normal rows, and what is changed in it.

The four kinds are those of ADBench. As there, normal rows are replaced by draws from the model (`normal`), so that
nothing but the change tells anomalies (`sample`) from them. A column that never changes stays as it is.

References:
    | ADBench: Anomaly Detection Benchmark (Han et al., 2022), https://arxiv.org/abs/2206.09426
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import narwhals as nw
import numpy as np
import pyarrow as pa

from ...arrow import from_numpy
from ...errors import DataError, ParameterError, SchemaError
from .normals import Box, Copula, Drawn, Mixture, Rows

__all__ = ["Cluster", "Dependency", "Global", "Local", "TableAnomalies"]

LARGEST = 1e100


@dataclass(kw_only=True, eq=False)
class TableAnomalies(ABC):
    """What the kinds have in common: they learn normal rows, and then make normal rows and strange ones.

    Once fitted, it is a generator that `fit(X, negatives=…)` of a detector takes.

    Arguments:
        random_state: Seed of `fit`.
    """

    random_state: int = 0
    normals: Any = field(default=None, init=False, repr=False)
    strangers: Drawn | None = field(default=None, init=False, repr=False)
    names: tuple[str, ...] = field(default=(), init=False, repr=False)

    @abstractmethod
    def model(self, rows: Rows, generator: np.random.Generator) -> Any:
        """The model of normal rows (N, F)."""

    @abstractmethod
    def changed(self, normals: Any, generator: np.random.Generator) -> Drawn:
        """What makes strange rows, given the model of normal ones.

        Raises:
            ParameterError: If a parameter is impossible.
        """

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 - y is scikit-learn's
        """Learn normal rows.

        Arguments:
            X: An array (N, F), or a pandas, polars or pyarrow table of numbers. Of more than 10,000 rows, 10,000 are
                taken at random.
            y: Ignored; here for scikit-learn.

        Raises:
            DataError: If there are fewer than two rows, or a cell is missing, infinite or beyond 10^100.
            SchemaError: If a column holds no numbers.
            ParameterError: If a parameter is impossible.
        """
        rows, self.names = numbers(X)
        generator = np.random.default_rng(self.random_state)
        self.normals = self.model(rows, generator)
        self.strangers = self.changed(self.normals, generator)
        return self

    def sample(self, n: int, *, random_state: int | np.random.Generator = 0) -> Any:
        """Strange rows, (n, F): an array, or a pyarrow table if names were learned.

        The same `random_state` gives the same rows: take different ones for rows to learn from and rows to judge.

        Raises:
            ParameterError: If n is below 1, or nothing was learned.
        """
        return self._drawn(self.strangers, n, random_state)

    def normal(self, n: int, *, random_state: int | np.random.Generator = 0) -> Any:
        """Normal rows of the model, (n, F), in the form of `sample`.

        Raises:
            ParameterError: If n is below 1, or nothing was learned.
        """
        return self._drawn(self.normals, n, random_state)

    def _drawn(self, model: Drawn | None, n: int, random_state: int | np.random.Generator) -> Any:
        if model is None:
            raise ParameterError(f"{type(self).__name__} has learned no rows: call fit(X) with normal ones first.")
        if n < 1:
            raise ParameterError(f"n must be at least 1, but is {n}.")
        rows = model.draw(n, np.random.default_rng(random_state))
        return pa.table(dict(zip(self.names, map(from_numpy, rows.T), strict=True))) if self.names else rows


@dataclass(kw_only=True, eq=False)
class Local(TableAnomalies):
    r"""Rows a little too far from where normal ones are dense: $\sum_k w_k N(\mu_k, \alpha \Sigma_k)$.

    Normal rows are those of a mixture of 1 to 9 Gaussians, chosen by BIC. It is fitted to standardized columns, so that
    the units of a column do not matter, as they do in ADBench's code.

    References:
        | ADBench: Anomaly Detection Benchmark (Han et al., 2022), https://arxiv.org/abs/2206.09426

    Arguments:
        alpha: Factor α of the covariances.
        random_state: Seed of `fit`.

    Example:
        >>> import numpy as np
        >>> X = np.random.default_rng(0).normal(size=(500, 3))
        >>> strange = Local(alpha=5).fit(X).sample(1000)
        >>> bool(strange.var() > 4)
        True
    """

    alpha: float = 5.0

    def model(self, rows: Rows, generator: np.random.Generator) -> Mixture:
        """A mixture of Gaussians."""
        return Mixture.of(rows, generator)

    def changed(self, normals: Mixture, generator: np.random.Generator) -> Mixture:  # noqa: ARG002
        """The mixture with larger covariances."""
        return replace(normals, covariances=positive(self.alpha, "alpha") * normals.covariances)


@dataclass(kw_only=True, eq=False)
class Cluster(TableAnomalies):
    r"""Rows in clusters of their own: $\sum_k w_k N(\alpha \mu_k, \Sigma_k)$ in raw units.

    Normal rows are those of the mixture of `Local`. How far the clusters lie from them depends on where the columns'
    zero is, as it does in ADBench: a cluster in the middle of centered columns stays there.

    References:
        | ADBench: Anomaly Detection Benchmark (Han et al., 2022), https://arxiv.org/abs/2206.09426

    Arguments:
        alpha: Factor α of the means.
        random_state: Seed of `fit`.
    """

    alpha: float = 5.0

    def model(self, rows: Rows, generator: np.random.Generator) -> Mixture:
        """A mixture of Gaussians."""
        return Mixture.of(rows, generator)

    def changed(self, normals: Mixture, generator: np.random.Generator) -> Mixture:  # noqa: ARG002
        """The mixture with means further out."""
        moved = (positive(self.alpha, "alpha") - 1) * (normals.center + normals.spread * normals.means)
        moves = normals.spread > 0
        return replace(normals, means=normals.means + np.where(moves, moved, 0) / np.where(moves, normals.spread, 1))


@dataclass(kw_only=True, eq=False)
class Global(TableAnomalies):
    r"""Rows anywhere: each cell is uniform on the range of the normal column, widened by `margin` on both sides.

    Normal rows are those of the mixture of `Local`; the range [a, b] is that of as many draws from it as rows were
    learned. `widened` takes [a - m (b - a), b + m (b - a)]. `adbench` takes [a (1 + m), b (1 + m)] as its code does,
    which does not hold all normal rows where a > 0 or b < 0.

    References:
        | ADBench: Anomaly Detection Benchmark (Han et al., 2022), https://arxiv.org/abs/2206.09426

    Arguments:
        margin: The share m.
        rule: `widened` or `adbench`.
        random_state: Seed of `fit`.
    """

    margin: float = 0.1
    rule: Literal["widened", "adbench"] = "widened"

    def model(self, rows: Rows, generator: np.random.Generator) -> Mixture:
        """A mixture of Gaussians."""
        return Mixture.of(rows, generator)

    def changed(self, normals: Mixture, generator: np.random.Generator) -> Box:
        """A box around what the mixture makes."""
        if not 0 <= self.margin < np.inf:
            raise ParameterError(f"margin must be at least 0, but is {self.margin}.")
        rows = normals.draw(normals.learned, generator)
        low, high = rows.min(axis=0), rows.max(axis=0)
        if self.rule == "widened":
            return Box(low - self.margin * (high - low), high + self.margin * (high - low))
        if self.rule == "adbench":
            factor = np.where(high > low, 1 + self.margin, 1)
            return Box(low * factor, high * factor)
        raise ParameterError(f"rule must be 'widened' or 'adbench', but is {self.rule!r}.")


@dataclass(kw_only=True, eq=False)
class Dependency(TableAnomalies):
    r"""Rows whose cells are usual one by one, but do not belong together: every column is drawn by itself.

    Columns of normal and of strange rows are distributed alike, as kernel densities of the real ones. What ties normal
    cells together is a Gaussian copula, one correlation matrix of normal scores. ADBench fits a vine of copulas to at
    most 50 columns, whose pairs may also depend on each other in other, such as asymmetric, ways; its strange rows are
    made as ours are. Where real columns hardly correlate, these anomalies hardly differ from normal rows.

    References:
        | ADBench: Anomaly Detection Benchmark (Han et al., 2022), https://arxiv.org/abs/2206.09426

    Arguments:
        random_state: Seed of `fit`.
    """

    def model(self, rows: Rows, generator: np.random.Generator) -> Copula:
        """Kernel densities and a Gaussian copula."""
        if (np.ptp(rows, axis=0) > 0).sum() < 2:
            raise DataError("At least two columns that change are expected: one alone depends on nothing.")
        return Copula.of(rows, generator)

    def changed(self, normals: Copula, generator: np.random.Generator) -> Copula:  # noqa: ARG002
        """The same columns, independent."""
        return replace(normals, correlation=np.eye(len(normals.correlation)))


def positive(value: float, name: str) -> float:
    """The value.

    Raises:
        ParameterError: If it is not a positive number.
    """
    if not 0 < value < np.inf:
        raise ParameterError(f"{name} must be a positive number, but is {value}.")
    return value


def numbers(X: Any) -> tuple[Rows, tuple[str, ...]]:
    """Rows of numbers (N, F), and the columns' names if they have any.

    Raises:
        DataError: If there are fewer than two rows, or a cell is missing, infinite or too large.
        SchemaError: If a column holds no numbers.
    """
    frame = nw.from_native(X, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        raise DataError("X is a lazy frame, but a table in memory is expected: call .collect() on it first.")
    names: tuple[Any, ...] = ()
    if isinstance(frame, nw.DataFrame):
        names, columns = tuple(frame.columns), list(frame.iter_columns())
        others = [str(column.name) for column in columns if not column.dtype.is_numeric()]
        if others:
            raise SchemaError(f"Columns of numbers are expected, but {', '.join(others)} hold none: leave them out.")
        X = np.column_stack([column.cast(nw.Float64).to_numpy() for column in columns]) if columns else np.empty((0, 0))
    try:
        rows = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"Rows of numbers (N, F) are expected, but X cannot be read as such: {error}.") from error
    if rows.ndim != 2 or len(rows) < 2 or not rows.shape[1]:
        raise DataError(f"At least two rows of numbers (N, F) are expected, but X has shape {rows.shape}.")
    bad = ~(np.abs(rows) < LARGEST)
    if bad.any():
        row, column = (int(place) for place in np.argwhere(bad)[0])
        name = names[column] if names else column
        raise DataError(
            f"Finite numbers below {LARGEST:g} are expected, but row {row} has {rows[row, column]} in column {name}: "
            "fill missing cells or leave such rows out."
        )
    return rows, tuple(names) if all(isinstance(name, str) for name in names) else ()
