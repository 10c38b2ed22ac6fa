"""From scores to alarms: p-values, thresholds whose false-alarm rate is kept, discoveries."""

from .conformal import Calibration, benjamini_hochberg
from .rules import RULES, FalseAlarmRate, MedianDeviation, Quantile, Rule

__all__ = [
    "RULES",
    "Calibration",
    "FalseAlarmRate",
    "MedianDeviation",
    "Quantile",
    "Rule",
    "benjamini_hochberg",
]
