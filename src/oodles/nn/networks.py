"""Networks as functions of numbers: rows in, rows out, a member axis in front."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, silu, softplus, threshold

from .convolutions import Conv, ConvTranspose
from .layers import Linear, glorot, normal
from .normalization import BatchNorm, SpectralNorm
from .reshaping import Crop, Leaky, Picture, Rectifier, Upsample

__all__ = [
    "ACTIVATIONS",
    "Dense",
    "color_decoder",
    "color_encoder",
    "face_decoder",
    "face_encoder",
    "gray_decoder",
    "gray_encoder",
]

NORMAL = normal(0.02**0.5)
"""The papers' start for gray convolutions: weights and biases from N(0, 0.02)."""


def shifted_softplus(x: Tensor) -> Tensor:
    """log(1 + eˣ) - log 2, which is 0 at 0; the next layer's bias absorbs the shift."""
    return softplus(x) - math.log(2)


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "silu": silu,
    "relu": partial(threshold, threshold=0.0, value=0.0),
    "tanh": torch.tanh,
    "leaky": partial(leaky_relu, negative_slope=0.2),
    "leaky-0.1": partial(leaky_relu, negative_slope=0.1),
    "softplus": shifted_softplus,
}
"""What stands between dense layers, by name; each maps 0 to 0, so that a layer's filling stays 0.

ReLU is spelled as a threshold: unlike `relu`, that kernel can fill memory which is there already. Softplus is lowered
by log 2, which changes no function that a network can compute: the next bias takes it up."""


class Dense(nn.Module):
    """Dense layers with an activation between them: (M, B, inputs) → (M, B, outputs).

    `filled` fills the rows up with zeros, too: then their own gradient has no ragged columns either.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        hidden: Sequence[int],
        members: int,
        *,
        activation: str = "silu",
        filled: bool = False,
    ) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[activation]
        first, *widths = [inputs, *hidden, outputs]
        layers = [Linear(first, widths[0], members, chained=filled)]
        layers += [Linear(narrow, wide, members, chained=True) for narrow, wide in pairwise(widths)]
        self.layers: Any = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        """The outputs of the last layer."""
        for layer in self.layers[:-1]:
            x = self.activation(layer.whole(x))
        return self.layers[-1](x)


def halved(shape: tuple[int, ...], times: int) -> tuple[int, int]:
    """Height and width after `times` convolutions of stride 2."""
    return -(-shape[1] // 2**times), -(-shape[2] // 2**times)


def gray_encoder(shape: tuple[int, ...], outputs: int, members: int) -> nn.Sequential:
    """Five 5x5 convolutions with ReLU, then a dense head: rows of pictures → (M, B, outputs).

    References:
        | Distribution Matching in Variational Inference (Rosca et al., 2018), https://arxiv.org/abs/1802.06847
        | Negative Sampling in Variational Autoencoders (Csiszárik et al., 2019), https://arxiv.org/abs/1910.02760
    """
    height, width = halved(shape, 3)
    layers: list[nn.Module] = [Picture(*shape)]
    channels = shape[0]
    for filters, stride in ((8, 2), (16, 1), (32, 2), (64, 1), (64, 2)):
        layers += [Conv(channels, filters, 5, members, stride=stride, init=NORMAL), Rectifier()]
        channels = filters
    return nn.Sequential(*layers, nn.Flatten(2), Linear(64 * height * width, outputs, members, glorot))


def gray_decoder(
    inputs: int, shape: tuple[int, ...], parameters: int, members: int, *, width: int = 32
) -> nn.Sequential:
    """A dense layer, three 5x5 transposed convolutions with ReLU, a 5x5 convolution: (M, B, inputs) → (M, B, P).

    `width` filters work at full size: 256 in the papers' network, 32 in the light one (five to six times cheaper).
    `parameters` numbers are given for each of the C·H·W pixels.

    References:
        | Negative Sampling in Variational Autoencoders (Csiszárik et al., 2019), https://arxiv.org/abs/1910.02760
    """
    small = halved(shape, 2)
    return nn.Sequential(
        Linear(inputs, 64 * small[0] * small[1], members, glorot),
        Picture(64, *small),
        ConvTranspose(64, 32, 5, members, stride=2, init=NORMAL),
        Rectifier(),
        ConvTranspose(32, 32, 5, members, stride=2, init=NORMAL),
        Rectifier(),
        ConvTranspose(32, width, 5, members, init=NORMAL),
        Rectifier(),
        Conv(width, parameters * shape[0], 5, members, init=NORMAL),
        Crop(shape),
    )


def color_encoder(
    shape: tuple[int, ...],
    outputs: int,
    members: int,
    *,
    affine_only: bool = False,
    spectral: bool = False,
) -> nn.Sequential:
    """Four 4x4 convolutions with batch normalization and ReLU, then a dense head: rows → (M, B, outputs).

    `spectral` replaces batch normalization by spectral normalization; `affine_only` keeps its moments at 0 and 1.

    References:
        | Negative Sampling in Variational Autoencoders (Csiszárik et al., 2019), https://arxiv.org/abs/1910.02760
    """
    height, width = halved(shape, 3)
    layers: list[nn.Module] = [Picture(*shape)]
    channels = shape[0]
    for filters, stride in ((32, 1), (64, 2), (128, 2), (256, 2)):
        conv = Conv(channels, filters, 4, members, stride=stride, bias=False, init=glorot)
        norm = BatchNorm(filters, members, affine_only=affine_only)
        layers += [SpectralNorm(conv), Rectifier()] if spectral else [conv, norm, Rectifier()]
        channels = filters
    return nn.Sequential(*layers, nn.Flatten(2), Linear(256 * height * width, outputs, members, glorot))


def color_decoder(
    inputs: int,
    shape: tuple[int, ...],
    parameters: int,
    members: int,
    *,
    affine_only: bool = False,
    norm: bool = True,
) -> nn.Sequential:
    """A dense layer, three times [4x4 convolution, batch normalization, ReLU, doubling], a convolution → (M, B, P).

    References:
        | Negative Sampling in Variational Autoencoders (Csiszárik et al., 2019), https://arxiv.org/abs/1910.02760
    """
    small = halved(shape, 3)
    layers: list[nn.Module] = [Linear(inputs, 256 * small[0] * small[1], members, glorot), Picture(256, *small)]
    channels = 256
    for filters in (128, 64, 32):
        layers.append(Conv(channels, filters, 4, members, bias=False, init=glorot))
        if norm:
            layers.append(BatchNorm(filters, members, affine_only=affine_only))
        layers += [Rectifier(), Upsample()]
        channels = filters
    last = Conv(channels, parameters * shape[0], 4, members, bias=False, init=glorot)
    return nn.Sequential(*layers, last, Crop(shape))


SLOPE = 0.3
"""Slope below zero of the LeakyReLU between the layers for faces: Keras's habit."""


def face_encoder(shape: tuple[int, ...], outputs: int, members: int) -> nn.Sequential:
    """Four 3x3 convolutions of stride 2 with LeakyReLU 0.3, then a dense head: rows of pictures → (M, B, outputs).

    Made for 128×128 pixels, of which 8×8 places with 64 numbers are left.

    References:
        | Auto-Encoding Variational Bayes: experiments (Fiorino, 2020), after
        | https://github.com/dhanushkamath/VariationalAutoencoder
    """
    height, width = halved(shape, 4)
    layers: list[nn.Module] = [Picture(*shape)]
    channels = shape[0]
    for filters in (32, 64, 64, 64):
        layers += [Conv(channels, filters, 3, members, stride=2, init=glorot), Leaky(SLOPE)]
        channels = filters
    return nn.Sequential(*layers, nn.Flatten(2), Linear(64 * height * width, outputs, members, glorot))


def face_decoder(inputs: int, shape: tuple[int, ...], parameters: int, members: int) -> nn.Sequential:
    """A dense layer, then four 3x3 transposed convolutions of stride 2 with LeakyReLU 0.3 between → (M, B, P).

    References:
        | Auto-Encoding Variational Bayes: experiments (Fiorino, 2020), after
        | https://github.com/dhanushkamath/VariationalAutoencoder
    """
    height, width = halved(shape, 4)
    layers: list[nn.Module] = [Linear(inputs, 64 * height * width, members, glorot), Picture(64, height, width)]
    channels = 64
    for filters in (64, 64, 32):
        layers += [ConvTranspose(channels, filters, 3, members, stride=2, init=glorot), Leaky(SLOPE)]
        channels = filters
    last = ConvTranspose(channels, parameters * shape[0], 3, members, stride=2, init=glorot)
    return nn.Sequential(*layers, last, Crop(shape))
