"""Corruptions that change pixels where they are: noise, lines, blur, intensity.

Parameters are those of MNIST-C's code at its default severity, unless a docstring says otherwise.

References:
    | MNIST-C: A Robustness Benchmark for Computer Vision (Mu & Gilmer, 2019), https://arxiv.org/abs/1906.02337
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .corruption import Corruption, Pixels, at_least, share

__all__ = [
    "Blur",
    "Brightness",
    "Contrast",
    "DottedLine",
    "GaussianNoise",
    "Impulse",
    "Inverse",
    "Quantize",
    "Shot",
    "Speckle",
]


@dataclass(frozen=True)
class Impulse(Corruption):
    """Salt and pepper: a pixel becomes 0 or 1, each as often.

    Attributes:
        share: Share of the pixels, of each channel by itself.
    """

    share: float = 0.17

    def changed(self, x: Pixels, generator: np.random.Generator) -> NDArray[Any]:
        """Some pixels black, some white."""
        u = generator.random(x.shape, dtype=np.float32)
        half = share(self.share, "share") / 2
        return np.where(u < half, 0, np.where(u < 2 * half, 1, x))


@dataclass(frozen=True)
class GaussianNoise(Corruption):
    r"""$x + \sigma \varepsilon$ with $\varepsilon \sim N(0, 1)$.

    Attributes:
        std: σ.
    """

    std: float = 0.38

    def changed(self, x: Pixels, generator: np.random.Generator) -> NDArray[Any]:
        """The pictures with noise."""
        return x + at_least(0, self.std, "std") * generator.standard_normal(x.shape, dtype=np.float32)


@dataclass(frozen=True)
class Speckle(Corruption):
    r"""$x + x \sigma \varepsilon$ with $\varepsilon \sim N(0, 1)$: noise where there is light.

    Attributes:
        std: σ.
    """

    std: float = 0.6

    def changed(self, x: Pixels, generator: np.random.Generator) -> NDArray[Any]:
        """The pictures with noise."""
        return x + at_least(0, self.std, "std") * x * generator.standard_normal(x.shape, dtype=np.float32)


@dataclass(frozen=True)
class Shot(Corruption):
    r"""$n / \lambda$ with $n \sim \mathrm{Poisson}(\lambda x)$: few photons.

    Attributes:
        photons: λ, the photons of a white pixel.
    """

    photons: float = 3.0

    def changed(self, x: Pixels, generator: np.random.Generator) -> NDArray[Any]:
        """The pictures counted."""
        photons = at_least(1e-3, self.photons, "photons")
        return generator.poisson(photons * x) / photons


@dataclass(frozen=True)
class DottedLine(Corruption):
    """A white line from the left edge to the right, two columns of it shown, two not.

    Its brightness falls with the vertical distance d in pixels as 1 + log(1 - d / 2.3).
    """

    def changed(self, x: Pixels, generator: np.random.Generator) -> NDArray[Any]:
        """The pictures with a line each."""
        count, height, width, _ = x.shape
        left, right = generator.uniform(0, height - 1, (2, count, 1))
        columns = np.arange(width)
        middle = left + (right - left) * columns / max(width - 1, 1)
        distance = np.abs(np.arange(height)[:, None] - middle[:, None, :])
        ink = np.maximum(1 + np.log1p(-np.minimum(distance, 2.2) / 2.3), 0) * (columns // 2 % 2)
        return x + ink[..., None].astype(np.float32)


@dataclass(frozen=True)
class Blur(Corruption):
    """Each pixel is a Gaussian mean of those around it.

    Attributes:
        std: The Gaussian's standard deviation in pixels.
    """

    std: float = 2.0

    def changed(self, x: Pixels, generator: np.random.Generator) -> NDArray[Any]:  # noqa: ARG002 - nothing is random
        """The pictures out of focus."""
        from scipy.ndimage import gaussian_filter  # noqa: PLC0415 - scipy is slow to import

        std = at_least(0, self.std, "std")
        return gaussian_filter(x, (0, std, std, 0))


@dataclass(frozen=True)
class Brightness(Corruption):
    """x + `by`.

    Attributes:
        by: What is added to every pixel; negative numbers make pictures darker.
    """

    by: float = 0.5

    def changed(self, x: Pixels, generator: np.random.Generator) -> NDArray[Any]:  # noqa: ARG002
        """The pictures, brighter."""
        return x + np.float32(share(abs(self.by), "the size of by") * np.sign(self.by))


@dataclass(frozen=True)
class Contrast(Corruption):
    """m + `factor` (x - m), with the picture's mean m of each channel.

    Attributes:
        factor: Below 1 takes contrast away.
    """

    factor: float = 0.1

    def changed(self, x: Pixels, generator: np.random.Generator) -> NDArray[Any]:  # noqa: ARG002
        """The pictures, paler."""
        mean = x.mean(axis=(1, 2), keepdims=True)
        return mean + np.float32(at_least(0, self.factor, "factor")) * (x - mean)


@dataclass(frozen=True)
class Inverse(Corruption):
    """1 - x."""

    def changed(self, x: Pixels, generator: np.random.Generator) -> NDArray[Any]:  # noqa: ARG002
        """The negatives."""
        return 1 - x


@dataclass(frozen=True)
class Quantize(Corruption):
    """The nearest of a few gray levels between 0 and 1.

    Attributes:
        levels: Their number; 2 leaves black and white.
    """

    levels: int = 2

    def changed(self, x: Pixels, generator: np.random.Generator) -> NDArray[Any]:  # noqa: ARG002
        """The pictures in steps."""
        steps = at_least(2, self.levels, "levels") - 1
        return np.rint(steps * x) / steps
