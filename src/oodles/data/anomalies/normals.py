"""Models of normal rows, and of rows that are none: each can be drawn from."""

import warnings
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Box", "Copula", "Drawn", "Mixture"]

ROWS = 10_000
"""Rows that a model learns from, at most; of more, ADBench takes as many at random."""

Rows = NDArray[np.float64]


class Drawn(Protocol):
    """What rows can be drawn from."""

    def draw(self, n: int, generator: np.random.Generator) -> Rows:
        """Rows, (n, F)."""


def some(rows: Rows, generator: np.random.Generator) -> Rows:
    """The rows, or as many of them as a model learns from."""
    return rows if len(rows) <= ROWS else rows[generator.choice(len(rows), ROWS, replace=False)]


@dataclass(frozen=True, eq=False)
class Mixture:
    r"""$x = c + s \odot v$ with $v \sim \sum_k w_k N(\mu_k, \Sigma_k)$; a column that never changes has $s = 0$.

    Attributes:
        center: c, the columns' means, (F,).
        spread: s, their standard deviations, (F,).
        weights: w, (K,).
        means: μ in units of the spread, (K, F).
        covariances: Σ in those units, (K, F, F).
        learned: Number of rows that it was fitted to.
    """

    center: Rows
    spread: Rows
    weights: Rows
    means: Rows
    covariances: Rows
    learned: int

    @classmethod
    def of(cls, rows: Rows, generator: np.random.Generator, most: int = 9) -> Self:
        """The mixture that BIC prefers among those of 1 to `most` Gaussians.

        A Gaussian gets at least F + 1 different rows: with fewer it would be flat, and its likelihood without bound.
        """
        from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - scikit-learn is slow to import
        from sklearn.mixture import GaussianMixture  # noqa: PLC0415

        rows = some(rows, generator)
        constant = np.ptp(rows, axis=0) == 0
        center = np.where(constant, rows[0], rows.mean(axis=0))
        spread = np.where(constant, 0.0, rows.std(axis=0))
        scaled = (rows - center) / np.where(constant, 1.0, spread)
        most = max(1, min(most, len(np.unique(rows, axis=0)) // (rows.shape[1] + 1)))
        seed = int(generator.integers(2**31))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # what has not converged is a mixture all the same
            every = [GaussianMixture(k, random_state=seed).fit(scaled) for k in range(1, most + 1)]
        best = min(every, key=lambda mixture: float(mixture.bic(scaled)))
        return cls(center, spread, best.weights_, best.means_, best.covariances_, len(rows))

    def draw(self, n: int, generator: np.random.Generator) -> Rows:
        """Rows, (n, F)."""
        rows = np.empty((n, len(self.center)))
        chosen = generator.choice(len(self.weights), n, p=self.weights / self.weights.sum())
        for k, (mean, covariance) in enumerate(zip(self.means, self.covariances, strict=True)):
            rows[chosen == k] = gaussian(mean, covariance, int((chosen == k).sum()), generator)
        return self.center + self.spread * rows


@dataclass(frozen=True, eq=False)
class Copula:
    r"""Columns with the kernel densities of the real ones, tied together by a Gaussian copula.

    With $g \sim N(0, R)$, cell j of a row is the $\Phi(g_j)$-quantile of the real column, plus noise of the kernel's
    width $s_j N^{-1/5}$ (Scott's rule). Whatever R, a column alone is distributed as its kernel density.

    Attributes:
        columns: The real columns, each sorted by itself, (N, F).
        widths: The kernels' standard deviations, (F,).
        correlation: R: the correlation of the columns' normal scores, (F, F).
    """

    columns: Rows
    widths: Rows
    correlation: Rows

    @classmethod
    def of(cls, rows: Rows, generator: np.random.Generator) -> Self:
        """The copula of these rows."""
        from scipy.special import ndtri  # noqa: PLC0415 - scipy is slow to import
        from scipy.stats import rankdata  # noqa: PLC0415

        rows = some(rows, generator)
        scores = ndtri(rankdata(rows, axis=0) / (len(rows) + 1))
        scores = scores - scores.mean(axis=0)
        size = np.linalg.norm(scores, axis=0)
        scores = scores / np.where(np.ptp(rows, axis=0) > 0, size, np.inf)
        correlation = scores.T @ scores
        np.fill_diagonal(correlation, 1.0)
        widths = np.where(np.ptp(rows, axis=0) > 0, rows.std(axis=0), 0.0) * len(rows) ** -0.2
        return cls(np.sort(rows, axis=0), widths, correlation)

    def draw(self, n: int, generator: np.random.Generator) -> Rows:
        """Rows, (n, F)."""
        from scipy.special import ndtr  # noqa: PLC0415

        count, features = self.columns.shape
        quantiles = ndtr(gaussian(np.zeros(features), self.correlation, n, generator))
        places = np.minimum((quantiles * count).astype(int), count - 1)
        cells = np.take_along_axis(self.columns, places, axis=0)
        return cells + self.widths * generator.standard_normal((n, features))


@dataclass(frozen=True, eq=False)
class Box:
    """Uniform in a box.

    Attributes:
        low: Lower ends, (F,).
        high: Upper ends, (F,).
    """

    low: Rows
    high: Rows

    def draw(self, n: int, generator: np.random.Generator) -> Rows:
        """Rows, (n, F)."""
        return generator.uniform(self.low, self.high, (n, len(self.low)))


def gaussian(mean: Rows, covariance: Rows, n: int, generator: np.random.Generator) -> Rows:
    """Rows of N(mean, covariance), (n, F); the covariance may be singular."""
    return generator.multivariate_normal(mean, covariance, n, check_valid="ignore", method="eigh")
