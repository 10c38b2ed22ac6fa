"""Corruptions that move pixels, hide them, or put them together anew.

Parameters are those of MNIST-C's code at its default severity, unless a docstring says otherwise.

References:
    | MNIST-C: A Robustness Benchmark for Computer Vision (Mu & Gilmer, 2019), https://arxiv.org/abs/1906.02337
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError, ParameterError
from .corruption import Corruption, Pixels, at_least, share, signs

__all__ = [
    "Block",
    "Mixed",
    "Repeated",
    "Rotate",
    "Scale",
    "Shear",
    "Shuffled",
    "Stripe",
    "Translate",
    "held_out",
]


MODE = "grid-constant"
"""Black outside; a place that rounding puts just outside keeps its pixel."""


class Geometric(Corruption):
    r"""$x'(p) = x(A (p - c) + c + t)$ about the middle c, between pixels by interpolation, black outside."""

    @abstractmethod
    def maps(self, count: int, generator: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
        """A (N, 2, 2) and t (N, 2), of rows and columns, for each picture.

        Raises:
            ParameterError: If a parameter is impossible.
        """

    def changed(self, x: Pixels, generator: np.random.Generator) -> NDArray[Any]:
        """The pictures, seen through the maps."""
        from scipy.ndimage import affine_transform  # noqa: PLC0415 - scipy is slow to import

        middle = (np.array(x.shape[1:3]) - 1) / 2
        moved = np.empty_like(x)
        for target, source, turn, step in zip(moved, x, *self.maps(len(x), generator), strict=True):
            offset = middle - turn @ middle + step
            for channel in range(x.shape[3]):
                target[..., channel] = affine_transform(source[..., channel], turn, offset, order=1, mode=MODE)
        return moved


@dataclass(frozen=True)
class Rotate(Geometric):
    """Turned about the middle, as often one way as the other.

    Attributes:
        angle: In radians.
    """

    angle: float = 0.4

    def maps(self, count: int, generator: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
        """Rotations."""
        angles = at_least(0, self.angle, "angle") * signs(generator, count)
        turns = np.array([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]])
        return turns.transpose(2, 0, 1), np.zeros((count, 2))


@dataclass(frozen=True)
class Shear(Geometric):
    """Rows shifted in proportion to their distance from the middle, as often one way as the other.

    Attributes:
        factor: Pixels that a row shifts for each pixel of distance.
    """

    factor: float = 0.4

    def maps(self, count: int, generator: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
        """Shears."""
        maps = np.tile(np.eye(2), (count, 1, 1))
        maps[:, 1, 0] = at_least(0, self.factor, "factor") * signs(generator, count)
        return maps, np.zeros((count, 2))


@dataclass(frozen=True)
class Scale(Geometric):
    """Shrunk or grown about the middle.

    Attributes:
        factor: New size in old sizes.
    """

    factor: float = 0.7

    def maps(self, count: int, generator: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:  # noqa: ARG002
        """The inverse of the factor."""
        return np.tile(np.eye(2) / at_least(1e-3, self.factor, "factor"), (count, 1, 1)), np.zeros((count, 2))


@dataclass(frozen=True)
class Translate(Geometric):
    """Shifted along both axes, as often one way as the other.

    Attributes:
        pixels: Along each axis.
    """

    pixels: float = 3.0

    def maps(self, count: int, generator: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
        """Shifts."""
        return np.tile(np.eye(2), (count, 1, 1)), at_least(0, self.pixels, "pixels") * signs(generator, count, 2)


@dataclass(frozen=True)
class Stripe(Corruption):
    """All but a stripe down the middle is inverted, x → 1 - x.

    Attributes:
        share: Share of the width that is inverted on each side.
    """

    share: float = 0.25

    def changed(self, x: Pixels, generator: np.random.Generator) -> NDArray[Any]:  # noqa: ARG002 - nothing is random
        """The pictures with two inverted sides."""
        width = x.shape[2]
        side = round(share(self.share, "share") * width)
        columns = np.arange(width)
        inverted = (columns < side) | (columns >= width - side)
        return np.where(inverted[:, None], 1 - x, x)


@dataclass(frozen=True)
class Block(Corruption):
    """A square of one level hides a part of the picture, anywhere in it. MNIST-C has no such corruption.

    Attributes:
        share: The square's side, as a share of the picture's smaller side.
        level: Its gray level: 0 is black.
    """

    share: float = 0.4
    level: float = 0.0

    def changed(self, x: Pixels, generator: np.random.Generator) -> NDArray[Any]:
        """The pictures with a hole each."""
        count, height, width, _ = x.shape
        side = round(share(self.share, "share") * min(height, width))
        top, left = (generator.integers(size - side + 1, size=count)[:, None] for size in (height, width))
        rows, columns = np.arange(height) - top, np.arange(width) - left
        within = ((rows >= 0) & (rows < side))[:, :, None] & ((columns >= 0) & (columns < side))[:, None, :]
        return np.where(within[..., None], share(self.level, "level"), x)


def patches(x: Pixels, grid: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """A copy of the pictures, and a view of its patches (N, grid, grid, h, w, C) that can be written to.

    Raises:
        ParameterError: If there are fewer than two patches, or more than pixels.
    """
    height, width = (size // grid if grid else 0 for size in x.shape[1:3])
    if grid < 2 or not min(height, width):
        raise ParameterError(f"grid must lie between 2 and the pictures' smaller side, but is {grid}.")
    copy = x.copy()
    count, _, _, channels = x.shape
    inner = copy[:, : grid * height, : grid * width]
    rows, *others = inner.strides[1:]
    view = np.lib.stride_tricks.as_strided(
        inner,
        (count, grid, grid, height, width, channels),
        (copy.strides[0], rows * height, others[0] * width, rows, *others),
    )
    return copy, view


@dataclass(frozen=True)
class Shuffled(Corruption):
    """Patches of a picture in random order: it keeps every pixel, but not its place. MNIST-C has no such corruption.

    Attributes:
        grid: Patches along each side; pixels that are left over at the right and lower edge stay.
    """

    grid: int = 4

    def changed(self, x: Pixels, generator: np.random.Generator) -> NDArray[Any]:
        """The pictures as puzzles."""
        copy, view = patches(x, self.grid)
        order = generator.permuted(np.tile(np.arange(self.grid**2), (len(x), 1)), axis=1)
        flat = view.reshape(len(x), self.grid**2, *view.shape[3:])
        view[...] = flat[np.arange(len(x))[:, None], order].reshape(view.shape)
        return copy


@dataclass(frozen=True)
class Mixed(Corruption):
    """Each patch comes from another picture of the set, from the same place: `Dependency` for pictures.

    Every patch is usual where it stands, and all pixels together are those of the set; only what ties patches is lost.

    Attributes:
        grid: Patches along each side; pixels that are left over at the right and lower edge stay.
    """

    grid: int = 4

    def changed(self, x: Pixels, generator: np.random.Generator) -> NDArray[Any]:
        """Pictures of pieces."""
        copy, view = patches(x, self.grid)
        every = view.copy()
        for row in range(self.grid):
            for column in range(self.grid):
                view[:, row, column] = every[generator.permutation(len(x)), row, column]
        return copy


@dataclass(frozen=True)
class Repeated(Corruption):
    """The same few pictures over and over, each time a little shifted: `Cluster` for pictures.

    One by one they are as usual as any picture of the set. MNIST-C has no such corruption.

    Attributes:
        templates: Pictures of the set that are repeated.
        pixels: Largest shift along each axis.
    """

    templates: int = 1
    pixels: int = 1

    def changed(self, x: Pixels, generator: np.random.Generator) -> NDArray[Any]:
        """A cluster around each template."""
        count = int(at_least(1, self.templates, "templates"))
        chosen = generator.choice(len(x), min(count, len(x)), replace=False)
        repeated = x[generator.choice(chosen, len(x))]
        reach = int(at_least(0, self.pixels, "pixels"))
        padded = np.pad(repeated, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
        top, left = generator.integers(2 * reach + 1, size=(2, len(x), 1))
        rows, columns = top + np.arange(x.shape[1]), left + np.arange(x.shape[2])
        return padded[np.arange(len(x))[:, None, None], rows[:, :, None], columns[:, None, :]]


def held_out(labels: Any, strange: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the usual classes and rows of the strange ones: anomalies of meaning, in which no pixel is odd.

    Arguments:
        labels: The class of each row, (N,).
        strange: A class, or several.

    Returns:
        Two arrays of row numbers, in order.

    Raises:
        DataError: If one of them would be empty.
    """
    classes = np.asarray(labels)
    odd = np.isin(classes, np.atleast_1d(strange))
    if classes.ndim != 1 or odd.all() or not odd.any():
        raise DataError(
            f"Rows of usual and of strange classes are expected, but {int(odd.sum())} of {odd.size} rows "
            f"are of the classes {np.atleast_1d(strange).tolist()}."
        )
    return np.flatnonzero(~odd), np.flatnonzero(odd)
