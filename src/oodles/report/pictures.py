"""Pictures and heat maps as small PNG files inside a page."""

from base64 import b64encode
from io import BytesIO

import numpy as np
from PIL import Image

from .drawing import ANOMALY, NORMAL

__all__ = ["data_uri", "heat_map", "levels"]

LARGEST = 64
"""Pixels of the longer side of a picture on the page."""


def levels(picture: np.ndarray) -> np.ndarray:
    """A picture of 8-bit levels or of numbers in [0, 1] as 8-bit levels, (H, W) or (H, W, 3)."""
    if picture.dtype != np.uint8:
        picture = np.rint(255 * np.nan_to_num(np.asarray(picture, dtype=np.float64)).clip(0, 1)).astype(np.uint8)
    return picture[..., 0] if picture.ndim == 3 and picture.shape[-1] == 1 else picture


def heat_map(nats: np.ndarray, scale: float) -> np.ndarray:
    """Nats per pixel as colors (H, W, 4): stranger than usual is vermilion, less strange blue, usual transparent."""
    per_pixel = np.nan_to_num(nats.sum(-1) if nats.ndim == 3 else nats)
    share = (np.abs(per_pixel) / scale).clip(0, 1)
    color = np.where(per_pixel[..., None] > 0, rgb(ANOMALY), rgb(NORMAL))
    return np.concatenate([color, np.rint(255 * share)[..., None]], axis=-1).astype(np.uint8)


def rgb(color: str) -> list[int]:
    """#rrggbb as three numbers."""
    return list(bytes.fromhex(color[1:]))


def data_uri(pixels: np.ndarray) -> str:
    """8-bit pixels as the address of a PNG inside the page; large pictures are made smaller."""
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if max(picture.size) > LARGEST:
        share = LARGEST / max(picture.size)
        width, height = (max(1, round(side * share)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BOX)
    blob = BytesIO()
    picture.save(blob, "PNG", optimize=True)
    return f"data:image/png;base64,{b64encode(blob.getvalue()).decode()}"
