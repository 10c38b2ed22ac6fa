r"""Conformal p-values on held-out rows.

With n held-out scores $s_1 … s_n$ of normal rows, the p-value of a new score s is
$p(s) = (1 + \#\{i : s_i \ge s\}) / (n + 1)$. If the new row is exchangeable with the held-out ones,
$P(p \le \alpha) \le \alpha$ for every α: an alarm at $p \le \alpha$ keeps its false-alarm rate, whatever the model.

References:
    | Algorithmic Learning in a Random World (Vovk, Gammerman & Shafer, 2005)
    | Testing for Outliers with Conformal p-values (Bates et al., 2023), https://arxiv.org/abs/2104.08279
    | Controlling the False Discovery Rate (Benjamini & Hochberg, 1995)
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from ..errors import DataError, ParameterError

__all__ = ["Calibration", "benjamini_hochberg"]


@dataclass(frozen=True, eq=False)
class Calibration:
    """The scores of held-out normal rows, sorted; larger is stranger.

    It is an object of its own: stored beside the weights, refittable with `from_scores` without retraining.
    """

    scores: np.ndarray

    @classmethod
    def from_scores(cls, scores: ArrayLike) -> Self:
        """Calibrate on scores of rows that the model was not fitted to.

        Raises:
            DataError: If there are none, or one is NaN.
        """
        values = np.sort(np.asarray(scores, dtype=np.float64).ravel())
        if not len(values) or np.isnan(values).any():
            raise DataError(f"Calibration needs at least one score and no NaN, but got {len(values)} scores.")
        return cls(values)

    @property
    def smallest(self) -> float:
        """The smallest p-value that can be given, 1 / (n + 1)."""
        return 1 / (len(self.scores) + 1)

    def p_value(self, scores: ArrayLike) -> np.ndarray:
        """Conformal p-values in (0, 1], one for each score; an infinite score gets the smallest."""
        at_least = len(self.scores) - np.searchsorted(self.scores, np.asarray(scores, dtype=np.float64), side="left")
        return (1 + at_least) / (len(self.scores) + 1)

    def threshold(self, rate: float) -> float:
        """The score above which p ≤ `rate`; +inf where too few rows are held out to keep that rate.

        Raises:
            ParameterError: If the rate is not between 0 and 1.
        """
        if not 0 < rate < 1:
            raise ParameterError(f"A false-alarm rate must lie between 0 and 1, but is {rate!r}.")
        # The tiny term undoes rounding in products such as 0.05 * 20, which must count as 1.
        allowed = int(np.floor(rate * (len(self.scores) + 1) + 1e-9))
        return float(self.scores[-allowed]) if allowed else np.inf


def benjamini_hochberg(p_values: ArrayLike, fdr: float = 0.05) -> np.ndarray:
    r"""Which rows are discoveries, as booleans: among them the expected share of normal rows is at most `fdr`.

    The largest k with $p_{(k)} \le k\,\text{fdr}/N$ sets the bar. Conformal p-values that share their held-out rows
    are positively dependent, for which the procedure is valid (Bates et al., 2023).

    Raises:
        ParameterError: If `fdr` is not between 0 and 1.
    """
    if not 0 < fdr < 1:
        raise ParameterError(f"fdr must lie between 0 and 1, but is {fdr!r}.")
    p = np.asarray(p_values, dtype=np.float64)
    ranked = np.sort(p)
    passing = np.flatnonzero(ranked <= fdr * np.arange(1, len(p) + 1) / max(len(p), 1) + 1e-12)
    return p <= ranked[passing[-1]] if len(passing) else np.zeros(len(p), dtype=bool)
