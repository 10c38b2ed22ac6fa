"""An axis for scores: straight where most rows are, logarithmic where a few are far away."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from matplotlib.ticker import MaxNLocator

__all__ = ["Axis"]

FAR, UNDRAWABLE = 12.0, 1e100


@dataclass(frozen=True)
class Axis:
    """Scores → places on paper.

    Attributes:
        middle: Score in the middle of the usual ones.
        spread: Distance from it within which the axis is straight; None for an axis that is straight everywhere.
        limits: Ends of the axis, on paper.
        ticks: Round scores to name.
    """

    middle: float
    spread: float | None
    limits: tuple[float, float]
    ticks: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, usual: np.ndarray, threshold: float) -> Self | None:
        """An axis on which all scores and the threshold can be seen; None if no score is finite.

        Arguments:
            scores: Everything to draw.
            usual: Scores that should be easy to tell apart: those of normal rows.
            threshold: Drawn too, if it is finite.
        """
        drawable = np.append(scores, threshold)
        drawable = drawable[cls.drawable(drawable)]
        usual = usual[cls.drawable(usual)]
        if not cls.drawable(scores).any():
            return None
        low, high = float(drawable.min()), float(drawable.max())
        tenth, middle, ninth = map(float, np.quantile(usual if len(usual) else drawable, (0.1, 0.5, 0.9)))
        # Twice the lower half: among rows of unknown truth the upper half may be full of anomalies.
        spread = 2 * (middle - tenth) or ninth - tenth
        bent = spread > 0 and high - low > FAR * spread
        straight = cls(middle, spread if bent else None, (0.0, 1.0), np.empty(0))
        ends = straight.forward(np.array([low, high]))
        room = 0.02 * float(np.ptp(ends)) or 0.5
        limits = (float(ends[0]) - room, float(ends[1]) + room)
        return cls(middle, straight.spread, limits, straight.round_scores(low, high))

    @staticmethod
    def drawable(scores: np.ndarray) -> np.ndarray:
        """Which scores are numbers that fit on paper."""
        return np.abs(scores) < UNDRAWABLE

    def forward(self, scores: np.ndarray) -> np.ndarray:
        """Scores → places."""
        return scores if self.spread is None else np.arcsinh((scores - self.middle) / self.spread)

    def round_scores(self, low: float, high: float) -> np.ndarray:
        """Round scores between two others, a readable distance apart on paper."""
        if self.spread is None:
            ticks = np.asarray(MaxNLocator(5).tick_values(low, high)) if high > low else np.array([low])
            return ticks[(ticks >= low) & (ticks <= high)]
        powers = 10.0 ** np.arange(np.floor(np.log10(high - low)), np.floor(np.log10(self.spread)) - 2, -1)
        # Multiples of the largest step are offered first, and keep the less round ones away from them.
        steps = np.outer(powers, (5, 2, 1)).ravel()
        offered = np.concatenate([step * (np.round(self.middle / step) + np.arange(-10, 11)) for step in steps])
        offered = offered[(offered >= low) & (offered <= high)]
        apart = 0.1 * float(np.ptp(self.forward(np.array([low, high]))))
        chosen: list[float] = []
        for tick in offered:
            places = self.forward(np.array([*chosen, tick]))
            if not chosen or np.abs(places[:-1] - places[-1]).min() >= apart:
                chosen.append(float(tick))
        return np.unique(chosen)
