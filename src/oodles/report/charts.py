"""The charts of a report, each one question about the scores of a detector.

Every function gives an SVG element, or None where there is nothing to draw. Many rows are thinned by a fixed stride,
so that equal rows give an equal page.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator, PercentFormatter
from scipy.stats import beta, betabinom
from sklearn.metrics import precision_recall_curve, roc_curve

from ..calibration import Calibration
from ..metrics.ranking import ordered
from .axis import Axis
from .drawing import ANOMALY, INK, MUTED, NORMAL, RULE, annotate, drawn
from .measures import Numbers, counted, percent, ratio

__all__ = ["codes", "histogram", "kept_rates", "losses", "precision_recall", "roc"]

MOST_POINTS, POINTS_AS_SHAPES, MOST_CORNERS = 3000, 800, 400
EXACT = 2000
RATES = (0.001, 0.5)
BLEND = LinearSegmentedColormap.from_list("strangeness", [NORMAL, "#a9a3a8", ANOMALY])


def thinned(count: int, most: int) -> np.ndarray:
    """At most `most` of `count` positions, evenly spread, first and last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))


# -- scores ------------------------------------------------------------------------------------------------------------


def histogram(scores: np.ndarray, y: np.ndarray | None, numbers: Numbers) -> str | None:
    """Scores of normal rows upwards, of anomalies downwards, and where the alarm begins."""
    axis = Axis.of(scores, scores[~y] if y is not None and not y.all() else scores, numbers.threshold)
    return None if axis is None else drawn(partial(paint_histogram, axis, scores, y, numbers))


def paint_histogram(axis: Axis, scores: np.ndarray, y: np.ndarray | None, numbers: Numbers, axes: Axes) -> None:
    """Two groups back to back, each as shares of its own rows."""
    edges = np.linspace(*axis.limits, 20 if len(scores) < 60 else 44)
    up = paint_group(
        axes, axis, edges, "all rows" if y is None else "normal", scores if y is None else scores[~y], numbers
    )
    down = 0.0 if y is None else paint_group(axes, axis, edges, "anomalous", scores[y], numbers)
    room = 0.22 * max(up, down, 1e-9)
    axes.set(xlim=axis.limits, ylim=(-down - room if down else 0, up + room))
    axes.axhline(0, color=MUTED, linewidth=0.6)
    if axis.drawable(np.array(numbers.threshold)):
        at = float(axis.forward(np.array(numbers.threshold)))
        axes.axvline(at, color=INK, linewidth=1.0)
        axes.text(at, 1.015, "alarm", transform=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=7.5)
    elif numbers.threshold > 0:
        annotate(axes, "no score is high enough for an alarm", (0.5, 1.015), color=MUTED, ha="center", va="bottom")
    axes.spines["left"].set_visible(False)
    axes.yaxis.set_major_locator(NullLocator())
    axes.xaxis.set_major_locator(FixedLocator(axis.forward(axis.ticks).tolist()))
    axes.set_xticklabels([tick_text(tick) for tick in axis.ticks])
    axes.set_xlabel("anomaly score" if axis.spread is None else "anomaly score (tails compressed)")


def paint_group(axes: Axes, axis: Axis, edges: np.ndarray, label: str, group: np.ndarray, numbers: Numbers) -> float:
    """One group's histogram, downwards for anomalies, and its highest share."""
    if not len(group):
        return 0.0
    drawable = axis.drawable(group)
    share = np.histogram(axis.forward(group[drawable]), edges)[0] / len(group)
    sign, color, place = (-1, ANOMALY, (0.99, 0.03)) if label == "anomalous" else (1, NORMAL, (0.99, 0.97))
    axes.stairs(sign * share, edges, fill=True, color=color, alpha=0.28, linewidth=0)
    axes.stairs(sign * share, edges, color=color, linewidth=1.0)
    text = f"{label}: {(group > numbers.threshold).sum():,} of {len(group):,} alarmed"
    beyond = "" if drawable.all() else f",\n{(~drawable).sum():,} too far to draw"
    annotate(axes, text + beyond, place, color=color, ha="right", va="top" if sign > 0 else "bottom")
    return float(share.max())


def tick_text(score: float) -> str:
    """A round score in words."""
    size = abs(score)
    return (f"{score:,.9g}" if 1e4 <= size < 1e9 else f"{score:.6g}").replace("-", "−")


# -- ranking -----------------------------------------------------------------------------------------------------------


def roc(scores: np.ndarray, y: np.ndarray, numbers: Numbers) -> str:
    """Share of anomalies caught against share of normal rows alarmed."""
    wrong, right, _ = roc_curve(y, ordered(scores))

    def paint(axes: Axes) -> None:
        unit_square(axes, "normal rows alarmed", "anomalies caught")
        axes.plot([0, 1], [0, 1], color=RULE, linewidth=1.0)
        axes.text(0.7, 0.65, "chance", color=MUTED, fontsize=7.5, rotation=33.5, ha="center", va="center")
        kept = thinned(len(wrong), MOST_CORNERS)
        axes.plot(wrong[kept], right[kept], color=NORMAL)
        annotate(axes, f"AUROC {ratio(numbers.auroc or 0.0)}", (0.97, 0.06), ha="right", fontsize=9.5)
        if numbers.alarms:
            mark(axes, (numbers.kept or 0.0, numbers.recall or 0.0))

    return drawn(paint)


def precision_recall(scores: np.ndarray, y: np.ndarray, numbers: Numbers) -> str:
    """Share of alarms that are anomalies against share of anomalies caught."""
    precision, recall, _ = precision_recall_curve(y, ordered(scores))
    chance = numbers.chance or 0.0

    def paint(axes: Axes) -> None:
        unit_square(axes, "anomalies caught", "alarms that are right")
        axes.axhline(chance, color=RULE, linewidth=1.0)
        above = chance < 0.6
        axes.text(0.02, chance + (0.015 if above else -0.015), f"chance {percent(chance)}", color=MUTED, fontsize=7.5,
                  va="bottom" if above else "top")  # fmt: skip
        kept = thinned(len(recall), MOST_CORNERS)
        axes.step(recall[kept], precision[kept], where="post", color=NORMAL)
        annotate(
            axes, f"average precision {ratio(numbers.average_precision or 0.0)}", (0.97, 0.06), ha="right", fontsize=9.5
        )
        if numbers.alarms:
            mark(axes, (numbers.recall or 0.0, (numbers.caught or 0) / numbers.alarms))

    return drawn(paint)


def unit_square(axes: Axes, across: str, up: str) -> None:
    """Axes of two shares."""
    axes.set(xlim=(-0.01, 1.02), ylim=(0, 1.03), xlabel=across, ylabel=up)
    for side in (axes.xaxis, axes.yaxis):
        side.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
        side.set_major_formatter(PercentFormatter(1, decimals=0))


def mark(axes: Axes, at: tuple[float, float]) -> None:
    """Where the alarm works."""
    axes.plot(*at, "o", color=INK, markersize=4, clip_on=False, zorder=5)
    right, low = at[0] < 0.75, at[1] > 0.12 or axes.get_yscale() == "log"
    axes.annotate("alarm", at, (5 if right else -5, -5 if low else 5), textcoords="offset points", fontsize=7.5,
                  ha="left" if right else "right", va="top" if low else "bottom")  # fmt: skip


# -- calibration -------------------------------------------------------------------------------------------------------


def kept_rates(normal: np.ndarray, calibration: Calibration, numbers: Numbers) -> str:
    """Promised against kept false-alarm rate, for every promise that the held-out rows allow."""
    promised, kept, low, high = rates_with_band(normal, calibration)
    floor = RATES[0] / 1.6

    def paint(axes: Axes) -> None:
        axes.set(xscale="log", yscale="log", xlim=(RATES[0], 0.55), ylim=(floor, 1.05))
        axes.set(xlabel="promised false-alarm rate", ylabel="kept false-alarm rate")
        axes.plot(RATES, RATES, color=MUTED, linewidth=0.7, dashes=(4, 3))
        chance = np.maximum(low, floor), np.maximum(high, floor)
        axes.fill_between(promised, *chance, step="post", color=NORMAL, alpha=0.16, linewidth=0)
        axes.step(promised, np.maximum(kept, floor / 2), where="post", color=NORMAL)
        if numbers.promised and numbers.kept and np.isfinite(numbers.threshold):
            mark(axes, (numbers.promised, numbers.kept))
        for side in (axes.xaxis, axes.yaxis):
            side.set_major_locator(FixedLocator([0.001, 0.01, 0.05, 0.1, 0.5]))
            side.set_minor_locator(NullLocator())
            side.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
        if promised[0] > 0.004:
            axes.axvline(promised[0], color=RULE, linewidth=1.0, zorder=0)
            text = f"no alarm below {percent(promised[0])}:\n{counted(numbers.held_out, 'row')} held out"
            annotate(axes, text, (0.03, 0.97), color=MUTED, va="top", linespacing=1.35)

    return drawn(paint)


def rates_with_band(
    normal: np.ndarray, calibration: Calibration
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Promised rates, the rates kept, and the band that holds each kept rate with 95% probability."""
    held_out, rows = len(calibration.scores), len(normal)
    first, last = (max(1, round(np.ceil(RATES[0] * (held_out + 1)))), max(1, int(RATES[1] * (held_out + 1))))
    allowed = np.unique(np.geomspace(first, last, 150).round().astype(int))
    kept = (calibration.p_value(normal)[:, None] <= allowed / (held_out + 1) + 1e-12).mean(0)
    low, high = band(allowed, held_out, rows)
    # Each number holds until the next promise, the last one until the end of the axis.
    promised = np.append(allowed / (held_out + 1), RATES[1])
    return promised, *(np.append(values, values[-1]) for values in (kept, low, high))  # type: ignore[return-value]


def band(allowed: np.ndarray, held_out: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Between which shares of the test rows the false alarms lie with 95% probability.

    If k of n held-out rows may lie above the threshold, a fresh normal row does so at a rate of Beta(k, n + 1 - k).
    The false alarms are therefore beta-binomial: binomial, but knowing how few rows were held out. For many rows
    the Beta of the same mean and variance stands for it; the exact quantiles would take minutes.
    """
    if rows <= EXACT:
        low, high = (betabinom.ppf(q, rows, allowed, held_out + 1 - allowed) / rows for q in (0.025, 0.975))
        return low, high
    mean, weight = allowed / (held_out + 1), (held_out + 2) * rows / (held_out + 1 + rows) - 1
    low, high = (beta.ppf(q, mean * weight, (1 - mean) * weight) for q in (0.025, 0.975))
    return low, high


# -- training ----------------------------------------------------------------------------------------------------------


def losses(history: Mapping[str, list[list[float]]]) -> str | None:
    """What was minimized over the epochs, on the training and on the held-out rows: members thin, their mean thick."""
    named = {"loss": "training rows", "validation_loss": "held-out rows"}
    curves = {label: np.asarray(history[name], dtype=float) for name, label in named.items() if history.get(name)}
    if not curves:
        curves = {name: np.asarray(values, dtype=float) for name, values in history.items() if values}
    if not curves:
        return None
    longest = max(map(len, curves.values()))
    ends = np.asarray(history.get("epoch") or [[look + 1.0] for look in range(longest)])[:, 0]
    return drawn(partial(paint_losses, curves, ends))


def paint_losses(curves: Mapping[str, np.ndarray], ends: np.ndarray, axes: Axes) -> None:
    """One color per curve, its name beside its end; `ends` are the epochs at which the losses were logged."""
    colors = (NORMAL, ANOMALY, INK, MUTED)
    epochs, looks = ends[-1], len(ends)
    settled = np.concatenate([curve[min(len(curve) - 1, looks // 25) :].ravel() for curve in curves.values()])
    settled = settled[np.isfinite(settled)]
    for curve, color in zip(curves.values(), colors, strict=False):
        kept = thinned(len(curve), MOST_CORNERS // 2)
        curve = np.where(np.isfinite(curve), curve, np.nan)  # noqa: PLW2901 - the same curve, drawable
        if curve.shape[1] > 1:
            axes.plot(ends[kept], curve[kept], color=color, linewidth=0.5, alpha=0.35)
        axes.plot(ends[kept], curve[kept].mean(1), color=color, linewidth=1.4, marker="o" if len(curve) == 1 else None)
    if len(settled):
        low, high = settled.min(), settled.max()
        room = 0.08 * (high - low) or 0.5
        axes.set_ylim(low - room, high + 3 * room)
    for place, (label, color) in enumerate(zip(curves, colors, strict=False)):
        annotate(axes, label, (0.98, 0.97 - 0.075 * place), color=color, ha="right", va="top")
    axes.set(xlabel="epoch", ylabel="loss", xlim=(0, epochs * 1.01 + 1))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))


# -- codes -------------------------------------------------------------------------------------------------------------


def codes(embedding: np.ndarray, scores: np.ndarray, y: np.ndarray | None) -> str:
    """Where the rows lie among the codes, in two dimensions."""
    plane, names = in_plane(embedding, scores)
    points: dict[str, Any] = {"s": 7, "linewidths": 0, "rasterized": len(plane) > POINTS_AS_SHAPES}

    def paint(axes: Axes) -> None:
        if y is None:
            rank = scores.argsort(kind="stable").argsort() / max(len(scores) - 1, 1)
            axes.scatter(plane[:, 0], plane[:, 1], c=rank, cmap=BLEND, vmin=0, vmax=1, alpha=0.75, **points)
            annotate(axes, "stranger rows", (0.98, 1.0), color=ANOMALY, ha="right", va="top")
        else:
            axes.scatter(plane[y, 0], plane[y, 1], color=ANOMALY, alpha=0.55, **points)
            axes.scatter(plane[~y, 0], plane[~y, 1], color=NORMAL, alpha=0.75, **points)
            named = [
                (word, color) for word, color, any_ in (("anomalous", ANOMALY, y), ("normal", NORMAL, ~y)) if any_.any()
            ]
            for place, (word, color) in enumerate(named):
                annotate(axes, word, (0.98, 1.0 - 0.075 * place), color=color, ha="right", va="top")
        axes.margins(0.06)
        axes.set(xlabel=names[0], ylabel=names[1])
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_locator(MaxNLocator(4))

    return drawn(paint)


def in_plane(embedding: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, tuple[str, str]]:
    """Codes in two dimensions: themselves, their principal components, or one code beside the score."""
    z = np.nan_to_num(np.asarray(embedding, dtype=np.float64))
    if z.shape[1] == 1:
        return np.column_stack([z[:, 0], np.nan_to_num(scores)]), ("code", "anomaly score")
    if z.shape[1] == 2:
        return z, ("first code", "second code")
    centered = z - z.mean(0)
    _, size, directions = np.linalg.svd(centered, full_matrices=False)
    directions = directions[:2] * np.sign(directions[:2].sum(1, keepdims=True) + 1e-30)
    shares = (size**2 / max((size**2).sum(), 1e-300))[:2]
    axes = [f"principal component {i + 1} ({percent(share)})" for i, share in enumerate(np.resize(shares, 2))]
    plane = centered @ directions.T
    plane = np.pad(plane, ((0, 0), (0, 2 - plane.shape[1])))
    return plane, (axes[0], axes[1])
