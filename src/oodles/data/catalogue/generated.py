"""The sets of `oodles.data.synthetic` by name, with a train and a test draw for every seed."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import synthetic
from ..dataset import Kind
from . import idx
from .listing import Content, Listing, Request

__all__ = ["LISTINGS"]

_LICENCE = "generated; as oodles itself"
_PATUZZO = "Patuzzo, Analysis of classical vs variational autoencoders for anomaly detection (2020)"
_GULRAJANI = "Gulrajani et al., Improved Training of Wasserstein GANs (2017), https://arxiv.org/abs/1704.00028"
_STACKED = {
    3: "Srivastava et al., VEEGAN (2017), https://arxiv.org/abs/1705.07761",
    4: "Kumar et al., Maximum Entropy Generators for Energy-Based Models (2019), https://arxiv.org/abs/1901.08508",
}


def _seed(request: Request) -> synthetic.Seed:
    """The train draw is that of the plain seed; the test draw is independent of it."""
    return request.seed if request.split == "train" else (request.seed, 1)


def _drawn(draw: Callable[[int, synthetic.Seed], tuple[NDArray[Any], NDArray[Any]]], request: Request) -> Content:
    X, labels = draw(request.rows, _seed(request))
    return Content(X, labels=labels)


def _stacked(channels: int, request: Request) -> Content:
    pictures, digits = (idx.read(path) for path in request.paths)
    tuples = synthetic.stacked_digits(request.rows, _seed(request), channels=channels, pictures=len(pictures))
    labels = digits[tuples] @ 10 ** np.arange(channels)[::-1]
    published = (128 if request.split == "train" else 26) * 10**channels
    note = f"{request.rows:,} of the published {published:,} tuples." if request.rows < published else ""
    return Content(synthetic.stack(pictures, tuples), labels=labels, note=note)


def _generated(
    name: str,
    description: str,
    size: str,
    draw: Callable[..., Any],
    rows: dict[str, int],
    *,
    kind: Kind = "pictures",
    citation: str = _PATUZZO,
) -> Listing:
    return Listing(
        name=name,
        description=description,
        kind=kind,
        size=size,
        citation=citation,
        licence=_LICENCE,
        read=partial(_drawn, draw),
        editions=dict.fromkeys(rows, ()),
        rows=rows,
    )


def _points(name: str, description: str, draw: Callable[..., Any]) -> Listing:
    rows = {"train": 10_000, "test": 10_000}
    return _generated(name, description, "any number of 2", draw, rows, kind="points", citation=_GULRAJANI)


def _stack(channels: int, rows: dict[str, int], size: str) -> Listing:
    return Listing(
        name=f"stacked-mnist-{channels}",
        description=f"{channels} MNIST digits as the channels of one picture: {10**channels:,} modes",
        kind="pictures",
        size=size,
        citation=_STACKED[channels],
        licence="CC BY-SA 3.0, as usually given for MNIST",
        read=partial(_stacked, channels),
        editions=idx.MNIST_EDITIONS,
        rows=rows,
    )


LISTINGS = (
    _points("25-gaussians", "25 Gaussians on a grid in the plane", synthetic.twenty_five_gaussians),
    _points("8-gaussians", "8 Gaussians on a circle in the plane", synthetic.eight_gaussians),
    _points("swiss-roll", "A noisy spiral in the plane", synthetic.swiss_roll),
    _generated(
        "lines",
        "A line through the center that parts white from black",
        "any number of 32×32",
        synthetic.lines,
        {"train": 1000, "test": 1000},
    ),
    _generated("four-pictures", "The four 2×2 pictures of a line", "4 of 2×2", synthetic.four_pictures, {"train": 4}),
    _stack(3, {"train": 128_000, "test": 26_000}, "128,000 + 26,000 of 28×28×3"),
    # The published 1,280,000 training tuples are 4 GB, so they come only when asked for: rows=1_280_000.
    _stack(4, {"train": 128_000, "test": 26_000}, "128,000 + 26,000 of 28×28×4, up to any number"),
)
