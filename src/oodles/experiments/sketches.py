"""Sketches of an hourglass: pictures in viridis, what each output does along the bottleneck, histograms."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

__all__ = ["Solution", "architecture", "bottleneck", "histogram", "in_rows", "neuron", "roc"]

BLUE, ORANGE, GRAY = "#46689b", "#c9501c", "#626b78"


@dataclass(frozen=True)
class Solution:
    """The decoder of one network with one number in its bottleneck, two units in L3 and four outputs.

    Attributes:
        third: Weights and biases of L3, (2,) each.
        fourth: Weights (2, 4) and biases (4,) of the outputs.
        codes: The four pictures' places in the bottleneck, (4,).
    """

    third: tuple[np.ndarray, np.ndarray]
    fourth: tuple[np.ndarray, np.ndarray]
    codes: np.ndarray

    def logits(self, z: np.ndarray) -> np.ndarray:
        """The outputs before the sigmoid, (N, 4), for places (N,)."""
        units = np.maximum(z[:, None] * self.third[0] + self.third[1], 0)
        return units @ self.fourth[0] + self.fourth[1]

    def along(self, count: int = 20_001, reach: float = 0.6) -> np.ndarray:
        """Places from before the first picture's code to behind the last one's."""
        room = reach * float(np.ptp(self.codes))
        return np.linspace(self.codes.min() - room, self.codes.max() + room, count)

    def thresholds(self, output: int) -> list[float]:
        """Where an output changes between black and white."""
        z = self.along()
        white = self.logits(z)[:, output] > 0
        return [float(place) for place in z[1:][white[1:] != white[:-1]]]


def in_rows(rows: Sequence[np.ndarray], scale: int) -> np.ndarray:
    """Rows of pictures (N, H, W) in [0, 1], in viridis: white is yellow, black violet, gray green; (H', W', 3)."""
    from matplotlib import colormaps  # noqa: PLC0415 - matplotlib is slow to import

    gap = 4
    lines = []
    for pictures in rows:
        colored = colormaps["viridis"](np.clip(pictures.astype(float), 0, 1))[..., :3]
        large = np.rint(255 * colored).astype(np.uint8).repeat(scale, 1).repeat(scale, 2)
        framed = np.pad(large, ((0, 0), (gap, gap), (gap, gap), (0, 0)), constant_values=255)
        lines.append(np.concatenate(list(framed), axis=1))
    return np.concatenate(lines)


def neuron(solution: Solution, output: int) -> np.ndarray:
    """The weights that lead from the bottleneck to an output, and what they make of it."""

    def draw(axes: Any) -> None:
        net, curve = axes
        net.set(xlim=(-0.5, 5.2), ylim=(-1.8, 1.8))
        net.axis("off")
        heights = (1.0, -1.0)
        for unit, height in enumerate(heights):
            edge(net, (0, 0), (2.4, height), solution.third[0][unit])
            edge(net, (2.4, height), (4.6, 0), solution.fourth[0][unit, output])
            node(net, (2.4, height), "relu", f"bias {solution.third[1][unit]:.1f}")
        node(net, (0, 0), "BN", "")
        node(net, (4.6, 0), str(output + 1), f"bias {solution.fourth[1][output]:.1f}")
        z = solution.along()
        logits = solution.logits(z)[:, output]
        size = float(np.abs(logits).max())
        curve.plot(z, expit(logits), color=BLUE, label="output")
        curve.plot(z, 0.5 + logits / (2 * size), color=GRAY, linewidth=0.9, dashes=(4, 2), label=f"logit (±{size:.0f})")
        curve.step(z, logits > 0, color=ORANGE, linewidth=0.9, dashes=(1, 1), label="Heaviside")
        marked(curve, solution)
        curve.set(xlabel="bottleneck", ylabel=f"output {output + 1}", ylim=(-0.05, 1.12))
        curve.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))

    return painted(draw, (8.2, 2.6), widths=(1.0, 1.1))


def bottleneck(solution: Solution) -> np.ndarray:
    """All four outputs along the bottleneck, and the pictures that they make."""

    def draw(axes: Any) -> None:
        curves, shown = axes
        z = solution.along()
        for output, color in enumerate((BLUE, ORANGE, "#3a8a5f", "#8b5a9b")):
            curves.plot(z, expit(solution.logits(z)[:, output]), color=color, linewidth=1.2, label=f"{output + 1}")
        marked(curves, solution)
        curves.set(xlabel="bottleneck", ylabel="outputs", ylim=(-0.05, 1.12))
        curves.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
        places = solution.along(21, 0.25)
        pictures = expit(solution.logits(places)).reshape(-1, 2, 2)
        shown.imshow(in_rows(list(pictures.reshape(3, 7, 2, 2)), 24))
        shown.set_title(f"outputs from BN = {places[0]:.1f} to {places[-1]:.1f}", fontsize=8)
        shown.axis("off")

    return painted(draw, (9.6, 2.8), widths=(1.1, 1.0))


def marked(axes: Any, solution: Solution) -> None:
    """The four pictures' places, numbered."""
    for picture, place in enumerate(solution.codes):
        axes.axvline(place, color="#d6dae0", linewidth=0.8, zorder=0)
        axes.text(place, 1.045, str(picture + 1), fontsize=7, ha="center", color=GRAY)


def edge(axes: Any, begin: tuple[float, float], end: tuple[float, float], weight: float) -> None:
    """A weight between two units."""
    axes.plot(*zip(begin, end, strict=True), color=ORANGE if weight < 0 else BLUE, linewidth=1.4, zorder=0)
    middle = [(b + e) / 2 for b, e in zip(begin, end, strict=True)]
    axes.text(middle[0], middle[1] + 0.12 * np.sign(middle[1]), f"{weight:.1f}", fontsize=8, ha="center", va="center",
              backgroundcolor="white")  # fmt: skip


def node(axes: Any, place: tuple[float, float], name: str, below: str) -> None:
    """A unit."""
    axes.plot(*place, "o", markersize=22, color="white", markeredgecolor=GRAY)
    axes.text(*place, name, fontsize=8, ha="center", va="center")
    axes.text(place[0], place[1] - 0.62, below, fontsize=7, ha="center", color=GRAY)


def histogram(numbers: np.ndarray, label: str) -> np.ndarray:
    """How numbers are distributed; on a logarithmic axis, if they are positive and span more than a decade."""

    def draw(axes: Any) -> None:
        low, high = float(numbers.min()), float(numbers.max())
        log = low > 0 and high > 10 * low
        axes[0].hist(numbers, bins=np.geomspace(low, high, 41) if log else np.linspace(low, high, 41), color=BLUE)
        axes[0].set(xlabel=label, ylabel="pictures", xscale="log" if log else "linear")
        if log:
            ticks = [float(f"{digit}e{power}") for power in range(-6, 6) for digit in (1, 2, 5)]
            ticks = [tick for tick in ticks if low <= tick <= high]
            axes[0].set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axes[0].minorticks_off()

    return painted(draw, (3.8, 2.8))


def architecture(layers: Sequence[tuple[str, int]]) -> np.ndarray:
    """Layers, one beside the other, each with its name and the number of its parameters."""

    def draw(axes: Any) -> None:
        (sheet,) = axes
        sheet.set(xlim=(-0.6, len(layers) - 0.4), ylim=(-1, 1))
        sheet.axis("off")
        for place, (name, parameters) in enumerate(layers):
            sheet.text(place, 0, name, fontsize=8, ha="center", va="center",
                       bbox={"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": GRAY})  # fmt: skip
            if parameters:
                sheet.text(place, -0.75, f"{parameters:,} parameters", fontsize=7, ha="center", color=GRAY)
            if place:
                arrow = {"arrowstyle": "->", "color": GRAY}
                sheet.annotate("", (place - 0.4, 0), (place - 0.6, 0), arrowprops=arrow)

    return painted(draw, (1.9 * len(layers), 1.3))


def roc(curves: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Receiver operating characteristics by name: false and true positive rates."""

    def draw(axes: Any) -> None:
        axes[0].plot([0, 1], [0, 1], color="#d6dae0", linewidth=0.8)
        for (name, curve), color in zip(curves.items(), (BLUE, ORANGE, "#3a8a5f", "#8b5a9b", GRAY), strict=False):
            axes[0].plot(*curve, color=color, linewidth=1.1, label=name)
        axes[0].set(xlabel="false positive rate", ylabel="true positive rate", aspect="equal")
        axes[0].legend(fontsize=7, frameon=False, loc="lower right")

    return painted(draw, (3.8, 3.6))


def painted(draw: Callable[[Any], None], size: tuple[float, float], widths: tuple[float, ...] = (1.0,)) -> np.ndarray:
    """A drawing as pixels (H, W, 3)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - matplotlib is slow to import
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=size, dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(widths), squeeze=False, width_ratios=widths)[0]
    for one in axes:
        one.tick_params(labelsize=7)
        one.spines[["top", "right"]].set_visible(False)
    draw(axes)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
