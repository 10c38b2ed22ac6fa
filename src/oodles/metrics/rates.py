"""What alarms are worth: counts and shares at one threshold."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Rates", "rates"]


@dataclass(frozen=True)
class Rates:
    """Alarms against the truth.

    Attributes:
        precision: Share of alarms that are anomalies; 0 without alarms.
        recall: Share of anomalies that are alarmed.
        f1: Harmonic mean of the two.
        false_alarm_rate: Share of normal rows that are alarmed.
        alarms: Number of alarms.
    """

    precision: float
    recall: float
    f1: float
    false_alarm_rate: float
    alarms: int


def rates(y: ArrayLike, alarms: ArrayLike) -> Rates:
    """Count alarms (booleans) against labels (1 = anomaly)."""
    truth, alarmed = np.asarray(y).astype(bool), np.asarray(alarms).astype(bool)
    hits = int((truth & alarmed).sum())
    precision, recall = hits / max(int(alarmed.sum()), 1), hits / max(int(truth.sum()), 1)
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    false = int((alarmed & ~truth).sum()) / max(int((~truth).sum()), 1)
    return Rates(precision, recall, f1, false, int(alarmed.sum()))
