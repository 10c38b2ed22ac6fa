"""What adversaries play for: bounds on mutual information, and penalties on gradients."""

from .information import INFORMATION, JSD, MINE, SHUFFLES, InfoNCE, Information, shuffled
from .penalties import gradient, lipschitz_penalty, score_penalty, squared_norm

__all__ = [
    "INFORMATION",
    "JSD",
    "MINE",
    "SHUFFLES",
    "InfoNCE",
    "Information",
    "gradient",
    "lipschitz_penalty",
    "score_penalty",
    "shuffled",
    "squared_norm",
]
