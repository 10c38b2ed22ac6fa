"""How well a score ranks anomalies above normal rows. The positive class is the anomaly."""

import numpy as np
from numpy.typing import ArrayLike

from ..errors import DataError

__all__ = ["auroc", "average_precision", "average_precision_trapezoid", "false_positive_rate"]


def both(y: ArrayLike, scores: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The labels and scores as arrays.

    Raises:
        DataError: If the lengths differ, a class is absent, a label is not 0 or 1, or a score is NaN.
    """
    labels, values = np.asarray(y), np.asarray(scores, dtype=np.float64)
    if labels.shape != values.shape or labels.ndim != 1:
        raise DataError(
            f"y and scores must be two lists of one length, but have shapes {labels.shape}, {values.shape}."
        )
    if not np.isin(labels, (0, 1)).all():
        raise DataError("y must hold 1 for an anomaly and 0 for a normal row, and nothing else.")
    if not 0 < labels.sum() < len(labels):
        raise DataError(f"A ranking needs both classes, but all {len(labels)} rows are of one.")
    if np.isnan(values).any():
        raise DataError(f"Scores must be numbers, but {int(np.isnan(values).sum())} of them are NaN.")
    return labels.astype(bool), values


def auroc(y: ArrayLike, scores: ArrayLike) -> float:
    """The probability that an anomaly scores above a normal row, ties counted half."""
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - a second of import, needed only here

    labels, values = both(y, scores)
    return float(roc_auc_score(labels, ordered(values)))


def average_precision(y: ArrayLike, scores: ArrayLike) -> float:
    """The step-wise area under precision over recall (scikit-learn's `average_precision_score`)."""
    from sklearn.metrics import average_precision_score  # noqa: PLC0415

    labels, values = both(y, scores)
    return float(average_precision_score(labels, ordered(values)))


def average_precision_trapezoid(y: ArrayLike, scores: ArrayLike) -> float:
    """The trapezoidal area under precision over recall, as the BiGAN and EnGAN papers report it."""
    from sklearn.metrics import auc, precision_recall_curve  # noqa: PLC0415

    labels, values = both(y, scores)
    precision, recall, _ = precision_recall_curve(labels, ordered(values))
    return float(auc(recall, precision))


def false_positive_rate(y: ArrayLike, scores: ArrayLike, recall: float = 0.95) -> float:
    """The share of normal rows alarmed at the threshold that catches `recall` of the anomalies (FPR95)."""
    labels, values = both(y, scores)
    anomalies = np.sort(values[labels])[::-1]
    threshold = anomalies[int(np.ceil(recall * len(anomalies) - 1e-9)) - 1]  # 0.55 of 100 anomalies are 55, not 56
    return float((values[~labels] >= threshold).mean())


def ordered(values: np.ndarray) -> np.ndarray:
    """Ranks in place of values where infinities stand among them: the ranking survives, the curves stay finite."""
    return values if np.isfinite(values).all() else np.unique(values, return_inverse=True)[1].astype(np.float64)
