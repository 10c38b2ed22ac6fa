"""Pictures of experiments as pixels: grids of samples, points and densities."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = [
    "density_picture",
    "histogram_picture",
    "map_picture",
    "named_pictures",
    "pictures_grid",
    "points_picture",
]

TICKS = (*(-(10**power) for power in range(9, 1, -1)), -30, 0, 30, 100, 300)
"""What a logarithmic axis may name."""

COLORS = ("#46689b", "#c9501c", "#3a8a5f")


def pictures_grid(pictures: np.ndarray, columns: int = 10) -> np.ndarray:
    """Pictures (N, H, W) or (N, H, W, 3) in [0, 1] on one of 8 bits; what does not fill a row is left out."""
    pixels = np.rint(255 * np.clip(pictures, 0, 1)).astype(np.uint8)
    lines = pixels[: len(pixels) // columns * columns]
    lines = lines.reshape(-1, columns, *pixels.shape[1:])
    return np.concatenate([np.concatenate(list(line), axis=1) for line in lines])


def points_picture(sets: Sequence[tuple[str, np.ndarray]], reach: float) -> np.ndarray:
    """Sets of points in the plane, one beside the other."""

    def draw(axes: Any, number: int) -> None:
        name, points = sets[number]
        axes.scatter(*points.T, s=1, color=COLORS[number], linewidths=0)
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach))
        axes.set_title(name, fontsize=8)

    return drawn(draw, len(sets))


def density_picture(densities: Sequence[tuple[str, np.ndarray]]) -> np.ndarray:
    """Densities on a grid, one beside the other, in one scale."""
    highest = np.quantile(densities[0][1], 0.999)

    def draw(axes: Any, number: int) -> None:
        name, density = densities[number]
        axes.imshow(density, origin="lower", cmap="Blues", vmin=0, vmax=highest)
        axes.set_title(name, fontsize=8)

    return drawn(draw, len(densities))


def histogram_picture(sets: Sequence[tuple[str, np.ndarray]], boundaries: Mapping[str, float], name: str) -> np.ndarray:
    """Histograms of a number, each with a total of 1, and boundaries: far from 0 the axis is logarithmic."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - matplotlib is slow to import
    from matplotlib.figure import Figure  # noqa: PLC0415

    every = np.concatenate([values[np.isfinite(values)] for _, values in sets])
    straight = float(np.abs(np.quantile(sets[0][1], (0.05, 0.95))).max())
    low, high = np.arcsinh(np.array([every.min(), every.max()]) / straight)
    edges = straight * np.sinh(np.linspace(low, high, 81))
    figure = Figure(figsize=(7.2, 3.4), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.09, 0.15, 0.89, 0.74))
    for (what, values), color in zip(sets, COLORS, strict=False):
        weights = np.full(len(values), 1 / len(values))
        shown = values.clip(edges[0], edges[-1])
        axes.hist(shown, edges.tolist(), weights=weights, alpha=0.6, color=color, label=f"{what} ({len(values):,})")
    for (rule, place), style in zip(boundaries.items(), (":", "-", "--", "-."), strict=False):
        axes.axvline(place, color="#c00000", linestyle=style, linewidth=1.2, label=rule)
    axes.set_xscale("asinh", linear_width=straight)
    axes.set(xlabel=name, ylabel="share of the rows", xlim=(edges[0], edges[-1]))
    ticks = [tick for tick in TICKS if edges[0] <= tick <= edges[-1]]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks], minor=False)
    axes.set_xticks([], minor=True)
    axes.legend(fontsize=7, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=6)
    axes.tick_params(labelsize=8)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def drawn(draw: Any, count: int, side: float = 3.0) -> np.ndarray:
    """`count` square drawings of this side (in units of 100 pixels) in a row, as pixels (H, W, 3)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - matplotlib is slow to import
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(side * count, side + 0.2), dpi=100)
    canvas = FigureCanvasAgg(figure)
    for number in range(count):
        axes = figure.add_subplot(1, count, number + 1, aspect="equal")
        axes.set_xticks([])
        axes.set_yticks([])
        draw(axes, number)
    figure.tight_layout()
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def map_picture(
    rows: Sequence[str], columns: Sequence[str], values: np.ndarray, *, breaks: Sequence[int] = ()
) -> np.ndarray:
    """Numbers from 0 to 1 as colors with .5 in the middle, and printed: areas under the curve, (rows, columns).

    Arguments:
        rows: Names to the left.
        columns: Names above.
        values: The numbers; NaN leaves a cell empty.
        breaks: Rows above which a gap is left.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - matplotlib is slow to import
    from matplotlib.colors import LinearSegmentedColormap  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    scale = LinearSegmentedColormap.from_list("chance in the middle", (COLORS[0], "#f7f7f5", COLORS[1]))
    places = np.arange(len(rows)) + 0.25 * np.searchsorted(np.asarray(breaks), np.arange(len(rows)), side="right")
    figure = Figure(figsize=(1.7 + 0.62 * len(columns), 1.5 + 0.3 * places[-1]), dpi=130)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for place, line in zip(places, values, strict=True):
        axes.imshow(line[None], cmap=scale, vmin=0, vmax=1, extent=(-0.5, len(columns) - 0.5, place + 0.5, place - 0.5))
        for column, value in enumerate(line):
            dark = abs(value - 0.5) > 0.35
            text = "" if np.isnan(value) else f"{value:.2f}".replace("0.", ".", 1)
            axes.text(column, place, text, ha="center", va="center", fontsize=8, color="white" if dark else "#1c2026")
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(places[-1] + 0.5, -0.5), aspect="auto")
    axes.set_xticks(range(len(columns)), columns, fontsize=8, rotation=40, ha="left")
    axes.set_yticks(places, rows, fontsize=8)
    axes.tick_params(length=0, top=False, bottom=False, labeltop=True, labelbottom=False)
    axes.spines[:].set_visible(False)
    figure.tight_layout()
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def named_pictures(sets: Mapping[str, np.ndarray], shown: int = 12) -> np.ndarray:
    """The first pictures (N, H, W) of 8 bits of each set in a row, the set's name beside it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - matplotlib is slow to import
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(1.2 + 0.42 * shown, 0.42 * len(sets)), dpi=130)
    canvas = FigureCanvasAgg(figure)
    for number, (name, pictures) in enumerate(sets.items()):
        low = 1 - (number + 1) / len(sets)
        axes = figure.add_axes((1.2 / (1.2 + 0.42 * shown), low, 1 - 1.2 / (1.2 + 0.42 * shown), 0.96 / len(sets)))
        axes.imshow(np.concatenate(list(pictures[:shown]), axis=1), cmap="gray", vmin=0, vmax=255, aspect="auto")
        axes.set_axis_off()
        figure.text(1.1 / (1.2 + 0.42 * shown), low + 0.5 / len(sets), name, ha="right", va="center", fontsize=8)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]
