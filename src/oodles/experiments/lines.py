"""Black and white pictures of a line through the center: a thousand of 32 x 32 pixels, and the simplest four."""

from typing import Literal, get_args

import numpy as np

__all__ = ["COUNT", "SETS", "SIDE", "SQUARES", "Images", "half_planes", "pictures_of"]

COUNT, SIDE = 1000, 32

SQUARES = np.array([[0, 0, 1, 1], [1, 0, 1, 0], [1, 1, 0, 0], [0, 1, 0, 1]], dtype=np.float32)
"""The four pictures of 2 x 2 pixels, row by row, (4, 4): white below, left, above and right."""

Images = Literal["lines", "squares", "copies", "upscaled"]
"""The thousand lines; the four squares; as many copies of them as there are lines; the four as large as the lines."""

SETS = get_args(Images)


def half_planes(count: int, side: int, seed: int = 0) -> np.ndarray:
    r"""Pictures (count, side²) that are white (1) where $x \cos\theta + y \sin\theta > 0$, with θ uniform in [0, 2π).

    Pixels are judged at their centers, which never lie on the middle of an even `side`; a line through the center
    leaves half of them white.
    """
    angle = np.random.default_rng(seed).uniform(0, 2 * np.pi, count)[:, None, None]
    place = np.arange(side) - (side - 1) / 2
    return (np.cos(angle) * place + np.sin(angle) * place[:, None] > 0).reshape(count, -1).astype(np.float32)


def pictures_of(images: Images) -> np.ndarray:
    """One of the four sets as rows of pixels, (N, D), N and D being few or many."""
    if images == "lines":
        return half_planes(COUNT, SIDE)
    if images == "copies":
        return np.tile(SQUARES, (COUNT // len(SQUARES), 1))
    if images == "upscaled":
        block = np.ones((SIDE // 2, SIDE // 2), dtype=np.float32)
        return np.stack([np.kron(square.reshape(2, 2), block).ravel() for square in SQUARES])
    return SQUARES
