"""Convolutional generators, and trunks for energies and statistics: codes → rows of pictures, rows → features."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from .convolutions import Conv, ConvTranspose
from .draws import Draws
from .layers import Initializer, Linear
from .networks import halved
from .normalization import BatchNorm
from .reshaping import Leaky, Picture, Rectifier

__all__ = ["Trunk", "dcgan_generator", "dcgan_trunk", "standard_generator", "standard_trunk"]

SPREAD = 0.02
"""Standard deviation at the start: of kernels around 0, of the slopes of batch normalization around 1."""


def start(*, transposed: bool = False) -> Initializer:
    r"""Weights from N(0, 0.02²), biases uniform in $\pm 1/\sqrt{\text{fan}}$ as PyTorch leaves them.

    For a transposed convolution PyTorch counts outputs · kernel² as the fan, for others inputs · kernel².
    """

    @torch.no_grad()
    def fill(weight: Tensor, bias: Tensor | None, fans: tuple[int, int], draws: Draws) -> None:
        weight.copy_(SPREAD * draws.normal(*weight.shape[1:]))
        if bias is not None:
            bias.copy_((2 * draws.uniform(*bias.shape[1:]) - 1) * fans[transposed] ** -0.5)

    return fill


DOWN, UP = start(), start(transposed=True)


class Trunk(nn.Sequential):
    """Rows of pictures → (M, B, features): convolutions without a head.

    Attributes:
        features: Number of features, F.
    """

    def __init__(self, *layers: nn.Module, features: int) -> None:
        super().__init__(*layers, nn.Flatten(2))
        self.features = features


def rectified(channels: int, members: int) -> list[nn.Module]:
    """Batch normalization with PyTorch's numbers, and ReLU."""
    return [BatchNorm(channels, members, momentum=0.1, epsilon=1e-5, spread=SPREAD), Rectifier()]


def widths(width: int, levels: int) -> list[int]:
    """Channels after each halving: doubled from level to level up to 8 · width."""
    return [width * 2 ** min(level, 3) for level in range(levels)]


def grown(shape: tuple[int, ...], channels: list[int], kernel: int, members: int) -> list[nn.Module]:
    """Transposed convolutions of stride 2 from channels[0] to channels[-1], which is left as it is.

    Each gives the size that a picture of this shape has after one halving less: what a trunk halves, they undo.
    """
    layers: list[nn.Module] = []
    for level, (inputs, outputs) in enumerate(pairwise(channels), start=2):
        size = halved(shape, len(channels) - level)
        layers += [ConvTranspose(inputs, outputs, kernel, members, stride=2, size=size, init=UP)]
        layers += rectified(outputs, members)
    return layers


def dcgan_generator(
    latent: int, shape: tuple[int, ...], members: int, *, width: int = 64, levels: int = 4
) -> nn.Sequential:
    """A dense layer, then `levels` 5x5 transposed convolutions of stride 2: (M, B, L) → (M, B, C·H·W) in [-1, 1].

    Batch normalization and ReLU follow every layer but the last, which tanh follows. With width w the channels are
    8w, 4w, 2w, w, C; a fifth level, for pictures of 64x64, begins with 8w twice. Pictures of any height and width:
    sizes are those of `dcgan_trunk`, backwards.

    References:
        | Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks (Radford et al.,
          2016), https://arxiv.org/abs/1511.06434
        | Maximum Entropy Generators for Energy-Based Models (Kumar et al., 2019), https://arxiv.org/abs/1901.08508
    """
    channels = [*widths(width, levels)[::-1], shape[0]]
    height, across = halved(shape, levels)
    return nn.Sequential(
        Linear(latent, channels[0] * height * across, members),
        Picture(channels[0], height, across),
        *rectified(channels[0], members),
        *grown(shape, channels, 5, members)[:-2],
        nn.Flatten(2),
        nn.Tanh(),
    )


def dcgan_trunk(shape: tuple[int, ...], members: int, *, width: int = 64, levels: int = 4) -> Trunk:
    """`levels` 5x5 convolutions of stride 2 with LeakyReLU 0.2 and no normalization: rows → (M, B, F).

    With width w the channels are w, 2w, 4w, 8w, and 8w again at a fifth level. F = 8w · ⌈H/2ˡ⌉ · ⌈W/2ˡ⌉.

    References:
        | Maximum Entropy Generators for Energy-Based Models (Kumar et al., 2019), https://arxiv.org/abs/1901.08508
    """
    layers: list[nn.Module] = [Picture(*shape)]
    channels = [shape[0], *widths(width, levels)]
    for inputs, outputs in pairwise(channels):
        layers += [Conv(inputs, outputs, 5, members, stride=2, init=DOWN), Leaky(0.2)]
    height, across = halved(shape, levels)
    return Trunk(*layers, features=channels[-1] * height * across)


def standard_generator(latent: int, shape: tuple[int, ...], members: int, *, width: int = 64) -> nn.Sequential:
    """A dense layer, three 4x4 transposed convolutions of stride 2, a 3x3 one: (M, B, L) → (M, B, C·H·W) in [-1, 1].

    With width w the channels are 8w (4x4 pixels of a 32x32 picture), 4w, 2w, w, C. Batch normalization and ReLU follow
    the transposed convolutions of stride 2, tanh the last one.

    References:
        | Spectral Normalization for GANs (Miyato et al., 2018), https://arxiv.org/abs/1802.05957, "standard CNN"
        | Maximum Entropy Generators for Energy-Based Models (Kumar et al., 2019), https://arxiv.org/abs/1901.08508
    """
    channels = widths(width, 4)[::-1]
    height, across = halved(shape, 3)
    return nn.Sequential(
        Linear(latent, channels[0] * height * across, members),
        Picture(channels[0], height, across),
        *grown(shape, channels, 4, members),
        # Transposed without a stride, it is a convolution with the kernel turned, which starts alike and is quicker.
        Conv(width, shape[0], 3, members, init=UP),
        nn.Flatten(2),
        nn.Tanh(),
    )


def standard_trunk(shape: tuple[int, ...], members: int, *, width: int = 64) -> Trunk:
    """3x3 convolutions of stride 1 and 4x4 ones of stride 2 in turn, with LeakyReLU 0.1: rows → (M, B, F).

    With width w the channels are w, w, 2w, 2w, 4w, 4w, 8w. F = 8w · ⌈H/8⌉ · ⌈W/8⌉.

    References:
        | Spectral Normalization for GANs (Miyato et al., 2018), https://arxiv.org/abs/1802.05957, "standard CNN"
        | Maximum Entropy Generators for Energy-Based Models (Kumar et al., 2019), https://arxiv.org/abs/1901.08508
    """
    layers: list[nn.Module] = [Picture(*shape)]
    channels = [shape[0], *widths(width, 4)]
    for inputs, outputs in pairwise(channels):
        layers += [Conv(inputs, outputs, 3, members, init=DOWN), Leaky(0.1)]
        layers += [Conv(outputs, outputs, 4, members, stride=2, init=DOWN), Leaky(0.1)]
    height, across = halved(shape, 3)
    return Trunk(*layers[:-2], features=channels[-1] * height * across)
