"""Pictures of experiments as pixels: grids of samples, points and densities."""

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["density_picture", "pictures_grid", "points_picture"]

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


def drawn(draw: Any, count: int) -> np.ndarray:
    """`count` square drawings in a row, as pixels (H, W, 3)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - matplotlib is slow to import
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(3.0 * count, 3.2), dpi=100)
    canvas = FigureCanvasAgg(figure)
    for number in range(count):
        axes = figure.add_subplot(1, count, number + 1, aspect="equal")
        axes.set_xticks([])
        axes.set_yticks([])
        draw(axes, number)
    figure.tight_layout()
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]
