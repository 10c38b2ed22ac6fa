"""What every corruption of pictures shares: it takes and gives pictures of one shape and type."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DataError, ParameterError

__all__ = ["Corruption", "Pixels", "at_least", "share", "signs"]

Pixels = NDArray[np.float32]
"""Pictures in [0, 1], (N, H, W, C)."""


class Corruption(ABC):
    """A way in which pictures can be strange: a value, called with pictures."""

    def __call__(self, pictures: Any, random_state: int | np.random.Generator = 0) -> NDArray[Any]:
        """The pictures, made strange; what leaves [0, 1] is cut off.

        Arguments:
            pictures: uint8 in 0..255 or floats in [0, 1], (N, H, W) or (N, H, W, C).
            random_state: Seed, or a generator to draw from.

        Returns:
            Pictures of the same shape and type.

        Raises:
            DataError: If these are no such pictures.
            ParameterError: If a parameter of the corruption is impossible.
        """
        given = np.asarray(pictures)
        eight_bits = given.dtype == np.uint8
        if given.ndim not in (3, 4) or not given.size or not (eight_bits or given.dtype.kind == "f"):
            raise DataError(
                "Pictures (N, H, W) or (N, H, W, C) of uint8 or of floats in [0, 1] are expected, "
                f"but these are {given.dtype} of shape {given.shape}."
            )
        if not eight_bits and not (given.min() >= 0 and given.max() <= 1):
            raise DataError("Pixels must be numbers in [0, 1], but some are not: divide them by their largest value.")
        x = given.reshape(*given.shape[:3], -1).astype(np.float32)
        if eight_bits:
            x /= 255
        changed = np.clip(self.changed(x, np.random.default_rng(random_state)), 0, 1).reshape(given.shape)
        return np.rint(255 * changed).astype(np.uint8) if eight_bits else changed.astype(given.dtype)

    @abstractmethod
    def changed(self, x: Pixels, generator: np.random.Generator) -> NDArray[Any]:
        """The pictures, made strange, of the same shape; they may leave [0, 1].

        Raises:
            ParameterError: If a parameter is impossible.
        """


def share(value: float, name: str) -> float:
    """The value.

    Raises:
        ParameterError: If it is not in [0, 1].
    """
    if not 0 <= value <= 1:
        raise ParameterError(f"{name} must be a share between 0 and 1, but is {value}.")
    return value


def at_least(least: float, value: float, name: str) -> float:
    """The value.

    Raises:
        ParameterError: If it is smaller than the least one, or no number.
    """
    if not least <= value < np.inf:
        raise ParameterError(f"{name} must be at least {least:g}, but is {value}.")
    return value


def signs(generator: np.random.Generator, *shape: int) -> NDArray[np.float64]:
    """-1 or 1, each as often."""
    return generator.choice([-1.0, 1.0], shape)
