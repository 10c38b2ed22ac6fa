"""Pictures and points whose classes are shown, as pixels."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .drawings import drawn, pictures_grid

__all__ = ["classes_picture", "digits_picture"]

SPACE = 2
"""Pixels between two pictures."""


def digits_picture(panels: Sequence[tuple[str, np.ndarray, np.ndarray]], columns: int) -> np.ndarray:
    """Pictures (N, H, W) of 8 bits, each with its label in a corner: squares with a title, side by side."""

    def draw(axes: Any, number: int) -> None:
        name, pictures, labels = panels[number]
        framed = np.pad(pictures / 255, ((0, 0), (SPACE, 0), (SPACE, 0)), constant_values=0.35)
        height, width = framed.shape[1:]
        axes.imshow(pictures_grid(framed, columns), cmap="gray", vmin=0, vmax=255)
        for place, label in enumerate(labels[: len(labels) // columns * columns]):
            corner = place % columns * width + SPACE + 0.5, place // columns * height + SPACE + 0.5
            axes.text(*corner, str(label), color="#ffa04d", fontsize=4 + 20 / columns, va="top", ha="left")
        axes.set_title(name, fontsize=9)

    return drawn(draw, len(panels), side=4.0)


def classes_picture(name: str, points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Points in the plane, colored by their class, with a legend."""

    def draw(axes: Any, number: int) -> None:  # noqa: ARG001 - there is one drawing
        for label in np.unique(labels):
            axes.scatter(*points[labels == label].T, s=2.5, color=f"C{label}", linewidths=0, label=str(label))
        axes.set_title(name, fontsize=9)
        axes.legend(markerscale=4, fontsize=9, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))

    return drawn(draw, 1, side=5.0)
