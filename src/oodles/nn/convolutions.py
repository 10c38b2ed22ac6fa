"""Convolutions with a member axis.

They run member by member, so that a stack equals its members trained alone, bit for bit. "Same" padding is
TensorFlow's: the surplus pixel goes to the right and the bottom, as in the papers' networks.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, fold, pad

from .draws import Draws
from .layers import Initializer, Layer, fan_in

__all__ = ["Conv", "ConvTranspose"]

FEW = 4
"""Outputs of a convolution that are too few for the kernels made for many."""


def same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Padding before and after, so that a convolution gives ⌈size / stride⌉ outputs."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def channels_last(rows: Tensor) -> Tensor:
    """(B, C, H, W) in the order of memory that convolutions are quickest with."""
    return rows.contiguous(memory_format=torch.channels_last)


def cut(x: Tensor, height: int, width: int) -> Tensor:
    """(B, C, ≥H, ≥W) → (B, C, H, W), in one piece of work."""
    down, across = height - x.shape[-2], width - x.shape[-1]
    return pad(x, (0, across, 0, down)) if down or across else x


def apart(x: Tensor) -> Sequence[Tensor]:
    """(M, …) as M tensors, whose gradients need no copy if there is only one."""
    return [x.squeeze(0)] if len(x) == 1 else x.unbind()


def stacked(pictures: list[Tensor]) -> Tensor:
    """(B, C, H, W) of each member → (M, B, C, H, W), without a copy of a single one."""
    return pictures[0][None] if len(pictures) == 1 else torch.stack(pictures)


def padded(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int) -> Tensor:
    """A convolution with "same" padding, (B, inputs, H, W) → (B, outputs, ⌈H/stride⌉, ⌈W/stride⌉)."""
    kernel = weight.shape[-1]
    (top, bottom), (left, right) = same(x.shape[-2], kernel, stride), same(x.shape[-1], kernel, stride)
    x = channels_last(x)
    if (top, left) == (bottom, right):
        return conv2d(x, weight, bias, stride, padding=(top, left))
    return conv2d(pad(x, (left, right, top, bottom)), weight, bias, stride)


def scattered(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int) -> Tensor:  # noqa: ARG001 - `padded`'s twin
    """The same for stride 1 and few outputs: every pixel throws its share on its neighbours.

    A matrix product gives the shares. Convolution kernels, made for many outputs, are four times slower here.
    """
    outputs, _, kernel, _ = weight.shape
    height, width = x.shape[-2:]
    taps = weight.flip(-1, -2).permute(1, 0, 2, 3).flatten(1)
    shares = channels_last(x).flatten(2).transpose(1, 2) @ taps
    sums = fold(shares.transpose(1, 2), (height + kernel - 1, width + kernel - 1), kernel)
    first = kernel // 2
    y = sums[..., first : first + height, first : first + width]
    return y if bias is None else y + bias.view(outputs, 1, 1)


class Conv(Layer):
    """(M, B, inputs, H, W) → (M, B, outputs, ⌈H/stride⌉, ⌈W/stride⌉)."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        members: int,
        *,
        stride: int = 1,
        bias: bool = True,
        init: Initializer = fan_in,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(members, outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.empty(members, outputs)) if bias else None
        self.kernel, self.stride, self.init = kernel, stride, init

    def reset(self, draws: Draws) -> None:
        """Draw new parameters."""
        outputs, inputs = self.weight.shape[1:3]
        self.init(self.weight, self.bias, (inputs * self.kernel**2, outputs * self.kernel**2), draws)

    def forward(self, x: Tensor) -> Tensor:
        """The convolution, member by member."""
        return self.convolve(x, self.weight)

    def convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        """The convolution with given weights: what spectral normalization changes."""
        convolved = scattered if self.stride == 1 and weight.shape[1] <= FEW else padded
        biases: Sequence[Tensor | None] = [None] * len(weight) if self.bias is None else apart(self.bias)
        each = zip(apart(x), apart(weight), biases, strict=True)
        return stacked([convolved(rows, w, b, self.stride) for rows, w, b in each])


class ConvTranspose(Layer):
    """(M, B, inputs, H, W) → (M, B, outputs, stride·H, stride·W): the transpose of `Conv`.

    With a `size` it is the transpose of the `Conv` that sees pictures of that height and width, H = ⌈height/stride⌉,
    and gives them back: (M, B, outputs, height, width).
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        members: int,
        *,
        stride: int = 1,
        size: tuple[int, int] | None = None,
        init: Initializer = fan_in,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs, kernel, kernel))
        self.bias = nn.Parameter(torch.empty(members, outputs))
        self.kernel, self.stride, self.size, self.init = kernel, stride, size, init

    def reset(self, draws: Draws) -> None:
        """Draw new parameters."""
        inputs, outputs = self.weight.shape[1:3]
        self.init(self.weight, self.bias, (inputs * self.kernel**2, outputs * self.kernel**2), draws)

    def forward(self, x: Tensor) -> Tensor:
        """The transposed convolution, member by member, cut to `size` or to `stride` times the input."""
        height, width = self.size or (x.shape[-2] * self.stride, x.shape[-1] * self.stride)
        before = [same(pixels, self.kernel, self.stride)[0] for pixels in (height, width)]
        return stacked(
            [
                cut(conv_transpose2d(channels_last(rows), w, b, stride=self.stride, padding=before), height, width)
                for rows, w, b in zip(*map(apart, (x, self.weight, self.bias)), strict=True)
            ]
        )
