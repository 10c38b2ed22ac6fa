"""What a person wants to know of a detector: ranking, alarms, and whether the promised rate was kept."""

from typing import Any

import numpy as np

from .. import metrics
from ..errors import DataError

__all__ = ["measured", "split"]


def split(y: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A share of the normal rows to learn from; all other rows to judge.

    Raises:
        DataError: If the share leaves nothing on one side.
    """
    normal = np.random.default_rng(seed).permutation(np.flatnonzero(y == 0))
    count = round(share * len(normal))
    if not 2 <= count < len(normal):
        raise DataError(f"--train {share:g} of {len(normal)} normal rows leaves too few to learn from or to judge.")
    learned = np.sort(normal[:count])
    return learned, np.setdiff1d(np.arange(len(y)), learned)


def measured(detector: Any, X: Any, y: np.ndarray, kinds: list[str]) -> dict[str, Any]:
    """The figures of judged rows; `kinds` are further scores to rank by."""
    scores = detector.anomaly_score(X)
    rates = metrics.rates(y, -scores - detector.offset_ < 0)
    others = {f"AUROC of {kind}": metrics.auroc(y, detector.anomaly_score(X, kind)) for kind in kinds}
    return {
        "rows judged": len(y),
        "anomalies": int(y.sum()),
        "AUROC": metrics.auroc(y, scores),
        "average precision": metrics.average_precision(y, scores),
        "chance": float(y.mean()),
        "false-positive rate at 95 % recall": metrics.false_positive_rate(y, scores),
        "false-alarm rate promised": detector.false_alarm_rate,
        "false-alarm rate kept": rates.false_alarm_rate,
        "recall": rates.recall,
        "precision": rates.precision,
        **others,
    }
