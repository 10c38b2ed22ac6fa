"""What a detector is worth on test rows, in numbers and in sentences."""

from dataclasses import dataclass
from math import ceil, isinf
from typing import Any

import numpy as np

from ..calibration import FalseAlarmRate, benjamini_hochberg
from ..detectors import Detector
from ..metrics import auroc, average_precision, rates

__all__ = ["FDR", "Numbers", "counted", "measured", "number", "percent", "ratio", "sentences"]

FDR = 0.05
"""Share of normal rows expected among the discoveries."""


@dataclass(frozen=True)
class Numbers:
    """The numbers of one detector on its test rows; None where the truth, or one of its classes, is missing.

    Attributes:
        rows: Test rows.
        anomalies: True anomalies among them.
        held_out: Held-out rows behind every p-value.
        threshold: Score above which a row is an alarm; +inf where no alarm can keep its promise.
        alarms: Rows above it.
        caught: Anomalies among the alarms.
        promised: Promised false-alarm rate; None where the alarm was set by another rule.
        kept: Share of the normal rows that were alarmed.
        recall: Share of the anomalies that were alarmed.
        auroc: Chance that an anomaly is stranger than a normal row.
        average_precision: Mean precision over the ranking.
        chance: Share of anomalies, which is the average precision of a blind guess.
        discoveries: Rows that Benjamini and Hochberg's procedure reports at `FDR`.
        right: Anomalies among the discoveries.
    """

    rows: int
    anomalies: int | None
    held_out: int
    threshold: float
    alarms: int
    caught: int | None
    promised: float | None
    kept: float | None
    recall: float | None
    auroc: float | None
    average_precision: float | None
    chance: float | None
    discoveries: int
    right: int | None

    @property
    def normal(self) -> int | None:
        """True normal rows."""
        return None if self.anomalies is None else self.rows - self.anomalies

    @property
    def false_alarms(self) -> int | None:
        """Normal rows among the alarms."""
        return None if self.caught is None else self.alarms - self.caught

    @property
    def smallest(self) -> float:
        """The smallest p-value that so many held-out rows can give."""
        return 1 / (self.held_out + 1)


def measured(detector: Detector, scores: np.ndarray, y: np.ndarray | None) -> Numbers:
    """The numbers of a detector whose test rows have these scores and, if known, this truth."""
    threshold = -float(detector.offset_)
    alarms = scores > threshold
    found = benjamini_hochberg(detector.calibration_.p_value(scores), FDR)
    shown: dict[str, Any] = dict.fromkeys(
        ("anomalies", "caught", "kept", "recall", "auroc", "average_precision", "chance", "right")
    )
    if y is not None:
        worth = rates(y, alarms)
        shown.update(anomalies=int(y.sum()), caught=int(alarms[y].sum()), right=int(found[y].sum()))
        shown["recall"] = worth.recall if y.any() else None
        shown["kept"] = None if y.all() else worth.false_alarm_rate
    if y is not None and y.any() and not y.all():
        shown.update(auroc=auroc(y, scores), average_precision=average_precision(y, scores), chance=float(y.mean()))
    return Numbers(
        rows=len(scores),
        held_out=len(detector.calibration_.scores),
        threshold=threshold,
        alarms=int(alarms.sum()),
        promised=promised(detector),
        discoveries=int(found.sum()),
        **shown,
    )


def promised(detector: Detector) -> float | None:
    """The false-alarm rate that a detector's alarm promises, if it promises one."""
    if detector.contamination is None:
        return detector.false_alarm_rate
    return detector.contamination.rate if isinstance(detector.contamination, FalseAlarmRate) else None


def percent(share: float) -> str:
    """A share as a percentage: one decimal, two digits if it is tiny; 0% and 100% mean none and all."""
    points = 100 * share
    if 0 < points < 0.1:
        return f"{points:.2g}%"
    return ">99.9%" if 99.95 <= points < 100 else f"{points:.1f}%".replace(".0%", "%")


def ratio(value: float) -> str:
    """A number in [0, 1] in three decimals, and more where it would otherwise look like 1."""
    texts = [f"{value:.{digits}f}" for digits in range(3, 8)]
    return next((text for text in texts if value > 1 - 1e-7 or float(text) < 1), texts[-1])


def number(value: float, digits: int = 4) -> str:
    """A number in so many digits; large ones in groups of three instead of powers of ten."""
    if isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    text = f"{value:,.0f}" if 1e4 <= size < 1e9 else f"{value:.0f}" if 1e3 <= size < 1e4 else f"{value:#.{digits}g}"
    return text.rstrip(".").replace("-", "−")


def counted(count: int, noun: str) -> str:
    """A number of things: 1 row, 1,200 rows, 2 anomalies."""
    plural = {"anomaly": "anomalies", "discovery": "discoveries"}.get(noun, f"{noun}s")
    return f"{count:,} {noun if count == 1 else plural}"


def sentences(numbers: Numbers) -> list[str]:
    """The numbers in words: how well the rows are ranked, what the alarm does, what is discovered."""
    said = [ranking_sentence(numbers), alarm_sentence(numbers), discovery_sentence(numbers)]
    return [sentence for sentence in said if sentence]


def ranking_sentence(n: Numbers) -> str:
    """What the AUROC means."""
    if n.auroc is None:
        return ""
    return f"An anomaly drawn at random is stranger than a normal row drawn at random in {percent(n.auroc)} of cases."


def alarm_sentence(n: Numbers) -> str:
    """What the alarm catches and what it costs."""
    if isinf(n.threshold) and n.threshold > 0:
        needed = "" if n.promised is None else f": at least {ceil(1 / n.promised - 1 - 1e-9):,} are needed"
        promise = "its promise" if n.promised is None else percent(n.promised)
        return f"No alarm can keep {promise} with {counted(n.held_out, 'held-out row')}{needed}."
    promise = "" if n.promised is None else f", where {percent(n.promised)} were promised"
    if n.caught is None or n.anomalies is None or n.normal is None or n.false_alarms is None:
        return f"The alarm goes off for {n.alarms:,} of {counted(n.rows, 'row')}" + (
            "." if n.promised is None else f"; of normal rows it promises at most {percent(n.promised)}."
        )
    catches = f"catches {n.caught:,} of {counted(n.anomalies, 'anomaly')}" if n.anomalies else ""
    catches += f" ({percent(n.recall)})" if n.recall is not None else ""
    costs = f"goes off for {n.false_alarms:,} of {counted(n.normal, 'normal row')}" if n.normal else ""
    costs += f" ({percent(n.kept)}{promise})" if n.kept is not None else ""
    return f"The alarm {' and '.join(part for part in (catches, costs) if part)}."


def discovery_sentence(n: Numbers) -> str:
    """What is discovered, or why nothing can be."""
    rate = f"At a false-discovery rate of {percent(FDR)}"
    if not n.discoveries and n.smallest > FDR:
        gives = "gives" if n.held_out == 1 else "give"
        held_out = counted(n.held_out, "held-out row")
        return f"{rate} nothing can be discovered: {held_out} {gives} no p-value below {n.smallest:.2g}."
    if not n.discoveries:
        needed = counted(ceil(n.smallest * n.rows / FDR - 1e-9), "row")
        return f"{rate} no row is a discovery: it would take {needed} at the smallest p-value, {n.smallest:.2g}."
    right = "" if n.right is None else f", {n.right:,} of them rightly"
    return f"{rate}, {counted(n.discoveries, 'row')} {'are' if n.discoveries > 1 else 'is'} reported{right}."
