"""Rules: scores of rows → the score above which a row is an alarm. Larger is stranger."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import ParameterError
from .conformal import Calibration

__all__ = ["RULES", "FalseAlarmRate", "MedianDeviation", "Quantile", "Rule"]

Rule = Callable[[np.ndarray], float]
"""Scores of normal rows → threshold."""


@dataclass(frozen=True)
class FalseAlarmRate:
    """The conformal threshold: at most this share of new normal rows is alarmed, on average.

    Attributes:
        rate: The share, between 0 and 1.
    """

    rate: float = 0.05

    def __call__(self, scores: np.ndarray) -> float:
        """The threshold."""
        return Calibration.from_scores(scores).threshold(self.rate)


@dataclass(frozen=True)
class Quantile:
    """The empirical quantile: this share of the given rows lies above the threshold.

    Attributes:
        share: The share above, between 0 and 1.
    """

    share: float = 0.05

    def __call__(self, scores: np.ndarray) -> float:
        """The threshold."""
        if not 0 <= self.share <= 1:
            raise ParameterError(f"The share above a quantile must lie between 0 and 1, but is {self.share!r}.")
        return float(np.quantile(Calibration.from_scores(scores).scores, 1 - self.share))


@dataclass(frozen=True)
class MedianDeviation:
    r"""$\text{median} + k \cdot 1.4826 \cdot \text{MAD}$: k robust standard deviations above the median.

    Attributes:
        deviations: The number k.

    References:
        | Detecting outliers: do not use standard deviation around the mean (Leys et al., 2013)
    """

    deviations: float = 3.0

    def __call__(self, scores: np.ndarray) -> float:
        """The threshold."""
        scores = Calibration.from_scores(scores).scores
        median = np.median(scores)
        return float(median + self.deviations * 1.4826 * np.median(np.abs(scores - median)))


RULES: dict[str, type] = {rule.__name__: rule for rule in (FalseAlarmRate, Quantile, MedianDeviation)}
"""Rules by name: how a saved model remembers the one it was given."""
