"""Functions of (y, scores): y is 1 for an anomaly, a larger score is stranger."""

from .ranking import auroc, average_precision, average_precision_trapezoid, false_positive_rate
from .rates import Rates, rates

__all__ = [
    "Rates",
    "auroc",
    "average_precision",
    "average_precision_trapezoid",
    "false_positive_rate",
    "rates",
]
