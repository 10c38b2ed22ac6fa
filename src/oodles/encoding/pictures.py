"""Pictures → encoded rows: one column per pixel, in [0, 1]."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch

from ..errors import DataError
from ..layout import Column, Layout

__all__ = ["PictureEncoder", "as_pictures"]

CHANNELS = (1, 3, 4)
"""Gray, color, and color with one more, such as near infrared."""


def as_pictures(X: Any) -> np.ndarray | None:
    """Pictures as an array (N, H, W) or (N, H, W, C), or None if `X` holds no pictures.

    Arrays and tensors of three or four axes count as pictures, and so does what has `pixels`.
    """
    X = getattr(X, "pixels", X)
    if isinstance(X, torch.Tensor):
        X = X.detach().cpu().numpy()
    return X if isinstance(X, np.ndarray) and X.ndim in (3, 4) else None


@dataclass(frozen=True)
class PictureEncoder:
    """What was learned about pictures: their shape.

    Attributes:
        layout: One column of all pixels, with the shape (C, H, W).
        flat: Whether the pictures came as (N, H, W), without an axis of channels.
    """

    layout: Layout
    flat: bool

    @classmethod
    def fit(cls, X: np.ndarray) -> Self:
        """Learn the shape of pictures (N, H, W) or (N, H, W, C).

        Raises:
            DataError: If they have other than 1, 3 or 4 channels, are too small, or all pixels are equal.
        """
        height, width, channels = (*X.shape[1:], 1)[:3]
        if channels not in CHANNELS:
            hint = " The channels must come last: use X.transpose(0, 2, 3, 1)." if X.shape[1] in (1, 3) else ""
            raise DataError(f"Pictures have 1, 3 or 4 channels, but these have {channels} (shape {X.shape}).{hint}")
        if min(height, width) < 4:
            raise DataError(f"Pictures must be at least 4 x 4 pixels, but these are {height} x {width}.")
        if len(X) and (X.flat[0] == X).all():
            raise DataError("All pixels of all pictures are equal: there is nothing to learn.")
        pixels = Column("pixels", "pixel", channels * height * width, scale=255.0)
        return cls(Layout((pixels,), (channels, height, width)), flat=X.ndim == 3)

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Encoded rows (N, C·H·W) in float32; 8-bit levels are divided by 255.

        Raises:
            DataError: If shape or channels differ from the training pictures, or values lie outside their range.
        """
        channels, height, width = self.layout.shape
        expected = (height, width) if self.flat else (height, width, channels)
        came = X.shape[1:]
        if came != expected and (*came, 1)[:3] != (height, width, channels):
            raise DataError(f"Pictures of shape {expected} are expected, but these are {came}. Resize or convert them.")
        pixels = X.reshape(len(X), height, width, channels).transpose(0, 3, 1, 2).reshape(len(X), self.layout.width)
        if X.dtype == np.uint8:
            return np.divide(pixels, 255, dtype=np.float32)
        if X.dtype != bool and not np.issubdtype(X.dtype, np.floating):
            raise DataError(
                f"Pictures must be uint8 or numbers in [0, 1], but these are {X.dtype}. Use X.astype('uint8')."
            )
        encoded = pixels.astype(np.float32)
        if (encoded < 0).any() or (encoded > 1).any():
            low, high = np.nanmin(encoded), np.nanmax(encoded)
            raise DataError(
                f"Pixels must lie in [0, 1], but these reach from {low:g} to {high:g}. Rescale, or use uint8."
            )
        return encoded

    def decode(self, rows: np.ndarray) -> np.ndarray:
        """Encoded rows (N, C·H·W) → pictures in [0, 1], of the shape that the training pictures had."""
        return self.unshuffled(rows).clip(0, 1)

    def unshuffled(self, per_feature: np.ndarray) -> np.ndarray:
        """One number per pixel, (N, C·H·W) → the pictures' shape."""
        pictures = per_feature.reshape(-1, *self.layout.shape).transpose(0, 2, 3, 1)
        return pictures[..., 0] if self.flat else pictures

    def to_json(self) -> dict[str, Any]:
        """A JSON value that `from_json` understands."""
        return {"layout": self.layout.to_json(), "flat": self.flat}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The encoder that `to_json` described."""
        return cls(Layout.from_json(value["layout"]), value["flat"])
