"""A detector with PyOD's habits: larger is stranger, label 1 is an outlier."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from .base import Detector

__all__ = ["PyODView"]


class PyODView:
    """The same detector for tools that expect PyOD: `decision_function`, `predict` in {0, 1}, `threshold_`.

    `decision_scores_` and `labels_`, the training rows' own, exist after `fit` through this view.

    Arguments:
        detector: The detector behind it, fitted or not.
    """

    def __init__(self, detector: "Detector") -> None:
        self.detector = detector

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the detector and score its training rows."""
        self.detector.fit(X, y)
        self.decision_scores_ = self.decision_function(X)
        self.labels_ = (self.decision_scores_ > self.threshold_).astype(int)
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """How strange each row is, (N,)."""
        return self.detector.anomaly_score(X)

    def predict(self, X: Any) -> np.ndarray:
        """1 for outliers, 0 for others, (N,)."""
        return (self.detector.predict(X) == -1).astype(int)

    @property
    def threshold_(self) -> float:
        """The score above which a row is an outlier."""
        return -self.detector.offset_

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The detector's parameters."""
        return self.detector.get_params(deep)

    def set_params(self, **parameters: Any) -> Self:
        """Change the detector's parameters."""
        self.detector.set_params(**parameters)
        return self
