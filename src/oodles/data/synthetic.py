r"""Datasets that are drawn, not downloaded: points in the plane, pictures of lines, stacked digits.

Every function draws from a generator of its own: the same rows and seed give the same data, the global state of numpy
is neither read nor changed, and the first rows of a longer draw of `stacked_digits` are those of a shorter one.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ParameterError

__all__ = [
    "eight_gaussians",
    "four_pictures",
    "lines",
    "stack",
    "stacked_digits",
    "swiss_roll",
    "twenty_five_gaussians",
]

Seed = int | tuple[int, ...]


def _generator(rows: int, seed: Seed) -> np.random.Generator:
    if rows < 1:
        raise ParameterError(f"rows must be at least 1, but is {rows}.")
    if np.min(seed) < 0:
        raise ParameterError(f"seed must not be negative, but is {seed}.")
    return np.random.default_rng(seed)


def _mixture(
    centers: NDArray[np.float64], noise: float, scale: float, rows: int, seed: Seed
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    generator = _generator(rows, seed)
    labels = generator.integers(len(centers), size=rows)
    points = centers[labels] + noise * generator.standard_normal((rows, 2))
    return points / scale, labels


def twenty_five_gaussians(rows: int = 10_000, seed: Seed = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Equal mixture of 25 Gaussians on a 5×5 grid.

    The grid has step 2 and the noise σ = 0.05, then all is divided by 2.828, which gives each axis about unit variance.
    As in Gulrajani et al., Improved Training of Wasserstein GANs (2017), https://arxiv.org/abs/1704.00028, and in Kumar
    et al., Maximum Entropy Generators for Energy-Based Models (2019), https://arxiv.org/abs/1901.08508.

    Args:
        rows: Number of points, N.
        seed: Of the generator.

    Returns:
        The points (N, 2), and the index 0..24 of each point's Gaussian (N,).

    Raises:
        ParameterError: `rows` is below 1 or `seed` is negative.
    """
    steps = 2.0 * np.arange(-2, 3)
    centers = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    return _mixture(centers, 0.05, 2.828, rows, seed)


def eight_gaussians(rows: int = 10_000, seed: Seed = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Equal mixture of 8 Gaussians on a circle of radius 2 with σ = 0.02, divided by 1.414.

    From the same papers as `twenty_five_gaussians`.

    Args:
        rows: Number of points, N.
        seed: Of the generator.

    Returns:
        The points (N, 2), and the index 0..7 of each point's Gaussian (N,), counter-clockwise from the right.

    Raises:
        ParameterError: `rows` is below 1 or `seed` is negative.
    """
    angles = np.arange(8) * math.pi / 4
    centers = 2.0 * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return _mixture(centers, 0.02, 1.414, rows, seed)


def swiss_roll(rows: int = 10_000, seed: Seed = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""A spiral in the plane: the side view of Marsland's swiss roll.

    A point at $t \sim U(1.5π, 4.5π)$ is $(t \cos t, t \sin t)$ plus noise of σ = 0.25, divided by 7.5. After
    S. Marsland, Machine Learning: An Algorithmic Perspective (2014), scaled as in the papers of
    `twenty_five_gaussians`.

    Args:
        rows: Number of points, N.
        seed: Of the generator.

    Returns:
        The points (N, 2), and the place t of each along the spiral, in radians (N,).

    Raises:
        ParameterError: `rows` is below 1 or `seed` is negative.
    """
    generator = _generator(rows, seed)
    t = generator.uniform(1.5 * math.pi, 4.5 * math.pi, rows)
    points = t[:, None] * np.stack([np.cos(t), np.sin(t)], axis=-1)
    return (points + 0.25 * generator.standard_normal((rows, 2))) / 7.5, t


def lines(rows: int = 1000, seed: Seed = 0, *, side: int = 32) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Pictures of a line through the center that parts a white half from a black one.

    From F. Patuzzo, Analysis of classical vs variational autoencoders for anomaly detection (2020): one free number per
    picture, the direction of the white half, here uniform over the circle.

    Args:
        rows: Number of pictures, N.
        seed: Of the generator.
        side: Height and width in pixels, H.

    Returns:
        The pictures, 0 or 255, (N, H, H), and the direction of each white half in radians, counter-clockwise from the
        right, (N,).

    Raises:
        ParameterError: `rows` is below 1 or `seed` is negative.
    """
    angles = _generator(rows, seed).uniform(0.0, 2 * math.pi, rows)
    right = np.arange(side) - (side - 1) / 2
    up = -right[:, None]
    towards = np.cos(angles)[:, None, None] * right + np.sin(angles)[:, None, None] * up
    return np.where(towards > 0, np.uint8(255), np.uint8(0)), angles


def four_pictures(rows: int = 4, seed: Seed = 0) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The four 2×2 pictures of a line at a multiple of 90 degrees, over and over, in the order of the paper of `lines`.

    Args:
        rows: Number of pictures, N; the four are repeated in turn.
        seed: Accepted like everywhere, but nothing here is random.

    Returns:
        The pictures, 0 or 255, (N, 2, 2), and which of the four each is (N,).

    Raises:
        ParameterError: `rows` is below 1 or `seed` is negative.
    """
    _generator(rows, seed)
    pictures = 255 * np.array([[0, 0, 1, 1], [1, 0, 1, 0], [1, 1, 0, 0], [0, 1, 0, 1]], dtype=np.uint8).reshape(4, 2, 2)
    labels = np.arange(rows) % 4
    return pictures[labels], labels


def stacked_digits(rows: int, seed: Seed = 0, *, channels: int = 3, pictures: int = 60_000) -> NDArray[np.int64]:
    """Which pictures to stack: tuples of indices, uniform with replacement.

    With `stack` this is StackedMNIST of Srivastava et al., VEEGAN (2017), https://arxiv.org/abs/1705.07761; with four
    channels that of Kumar et al. (2019). The tuples are small, so a large set can be stacked batch by batch.

    Args:
        rows: Number of tuples, N.
        seed: Of the generator.
        channels: Pictures per tuple, C.
        pictures: How many pictures there are to choose from.

    Returns:
        Indices in 0..pictures − 1, (N, C).

    Raises:
        ParameterError: `rows` is below 1 or `seed` is negative.
    """
    return _generator(rows, seed).integers(pictures, size=(rows, channels))


def stack(pictures: NDArray[Any], tuples: NDArray[np.int64]) -> NDArray[Any]:
    """Pictures whose channels are other pictures.

    Args:
        pictures: What to choose from (K, H, W).
        tuples: Indices of `pictures`, as from `stacked_digits`, (N, C).

    Returns:
        The stacked pictures (N, H, W, C), of the type of `pictures`.
    """
    stacked = np.empty((len(tuples), *pictures.shape[1:], tuples.shape[1]), pictures.dtype)
    for channel, chosen in enumerate(tuples.T):
        stacked[..., channel] = pictures[chosen]
    return stacked
