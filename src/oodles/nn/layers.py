"""Layers with a member axis: weights are (M, …), and member m never sees another member's numbers.

Convolutions run member by member, so that a stack equals its members trained alone, bit for bit.
"Same" padding is TensorFlow's: the surplus pixel goes to the right and the bottom, as in the papers' networks.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, normalize, pad

from .draws import Draws

__all__ = [
    "BatchNorm",
    "Conv",
    "ConvTranspose",
    "Initializer",
    "Layer",
    "Linear",
    "SpectralNorm",
    "fan_in",
    "glorot",
    "initialize",
    "normal",
]

Initializer = Callable[["Layer", Draws], None]
"""Fills the `weight` and `bias` of a layer from the members' streams."""


class Layer(nn.Module, ABC):
    """A layer whose parameters are filled by `initialize`, member by member."""

    weight: Tensor
    bias: Any

    @abstractmethod
    def reset(self, draws: Draws) -> None:
        """Draw new parameters."""


def initialize(network: nn.Module, draws: Draws) -> None:
    """Fill every layer of a network, in order, each member from its own stream."""
    for module in network.modules():
        if isinstance(module, Layer):
            module.reset(draws)


def fans(weight: Tensor, *, transposed: bool = False) -> tuple[int, int]:
    """Inputs and outputs that meet in one weight of (M, in, out) or (M, out, in, kh, kw)."""
    if weight.dim() == 3:
        return weight.shape[1], weight.shape[2]
    field = weight[0, 0, 0].numel()
    first, second = weight.shape[1] * field, weight.shape[2] * field
    return (first, second) if transposed else (second, first)


@torch.no_grad()
def fan_in(layer: Layer, draws: Draws) -> None:
    r"""Weights and biases uniform in $\pm 1/\sqrt{\text{fan in}}$: PyTorch's habit."""
    bound = fans(layer.weight, transposed=isinstance(layer, ConvTranspose))[0] ** -0.5
    layer.weight.copy_((2 * draws.uniform(*layer.weight.shape[1:]) - 1) * bound)
    if layer.bias is not None:
        layer.bias.copy_((2 * draws.uniform(*layer.bias.shape[1:]) - 1) * bound)


@torch.no_grad()
def glorot(layer: Layer, draws: Draws) -> None:
    r"""Weights uniform in $\pm\sqrt{6 / (\text{fan in} + \text{fan out})}$, biases 0 (Glorot & Bengio, 2010)."""
    bound = (6 / sum(fans(layer.weight))) ** 0.5
    layer.weight.copy_((2 * draws.uniform(*layer.weight.shape[1:]) - 1) * bound)
    if layer.bias is not None:
        layer.bias.zero_()


def normal(std: float) -> Initializer:
    """Weights and biases from N(0, std²)."""

    @torch.no_grad()
    def fill(layer: Layer, draws: Draws) -> None:
        layer.weight.copy_(std * draws.normal(*layer.weight.shape[1:]))
        if layer.bias is not None:
            layer.bias.copy_(std * draws.normal(*layer.bias.shape[1:]))

    return fill


class Linear(Layer):
    """(M, B, inputs) → (M, B, outputs), an affine map for each member."""

    def __init__(self, inputs: int, outputs: int, members: int, init: Initializer = fan_in) -> None:
        super().__init__()
        self.spare = -outputs % 16
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs))
        self.bias = nn.Parameter(torch.empty(members, 1, outputs))
        self.init = init

    def reset(self, draws: Draws) -> None:
        """Draw new parameters."""
        self.init(self, draws)

    def forward(self, x: Tensor) -> Tensor:
        """`x @ weight + bias`, for each member."""
        lone = int(self.weight.shape[1] == 1)
        if not self.spare and not lone:
            return torch.baddbmm(self.bias, x, self.weight)
        # Matrix kernels round a product's ragged last columns differently from row to row and from member to member,
        # and a product of width 1 differently in a stack of one. There are none where zeros fill them up.
        bias, weight = pad(self.bias, (0, self.spare)), pad(self.weight, (0, self.spare, 0, lone))
        return torch.baddbmm(bias, pad(x, (0, lone)), weight)[..., : self.bias.shape[-1]]


def same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Padding before and after, so that a convolution gives ⌈size / stride⌉ outputs."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


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
        self.init(self, draws)

    def forward(self, x: Tensor) -> Tensor:
        """The convolution, member by member."""
        return self.convolve(x, self.weight)

    def convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        """The convolution with given weights: what spectral normalization changes."""
        top, bottom = same(x.shape[-2], self.kernel, self.stride)
        left, right = same(x.shape[-1], self.kernel, self.stride)
        x = pad(x, (left, right, top, bottom))
        biases: Sequence[Tensor | None] = [None] * len(weight) if self.bias is None else list(self.bias)
        return torch.stack(
            [conv2d(rows, w, b, stride=self.stride) for rows, w, b in zip(x, weight, biases, strict=True)]
        )


class ConvTranspose(Layer):
    """(M, B, inputs, H, W) → (M, B, outputs, stride·H, stride·W): the transpose of `Conv`."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, members: int, *, stride: int = 1, init: Initializer = fan_in
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs, kernel, kernel))
        self.bias = nn.Parameter(torch.empty(members, outputs))
        self.kernel, self.stride, self.init = kernel, stride, init

    def reset(self, draws: Draws) -> None:
        """Draw new parameters."""
        self.init(self, draws)

    def forward(self, x: Tensor) -> Tensor:
        """The transposed convolution, member by member, cut to `stride` times the input."""
        height, width = x.shape[-2] * self.stride, x.shape[-1] * self.stride
        before = (self.kernel - self.stride) // 2
        return torch.stack(
            [
                conv_transpose2d(rows, w, b, stride=self.stride, padding=before)[..., :height, :width]
                for rows, w, b in zip(x, self.weight, self.bias, strict=True)
            ]
        )


class BatchNorm(Layer):
    r"""Batch normalization of (M, B, C, H, W) or (M, B, C), each member over its own batch.

    $y = \gamma (x - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta$ with the batch's moments in training and running
    moments afterwards. With `affine_only` the moments stay 0 and 1, so that the layer is $\gamma x + \beta$: what
    the networks of Csiszárik et al. (2019) most likely computed.

    References:
        | Batch Normalization (Ioffe & Szegedy, 2015), https://arxiv.org/abs/1502.03167
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, channels: int, members: int, *, momentum: float = 0.01, affine_only: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(members, channels))
        self.bias = nn.Parameter(torch.zeros(members, channels))
        self.register_buffer("mean", torch.zeros(members, channels))
        self.register_buffer("variance", torch.ones(members, channels))
        self.momentum, self.affine_only = momentum, affine_only

    def reset(self, draws: Draws) -> None:  # noqa: ARG002 - every member starts as the identity
        """Become the identity."""
        with torch.no_grad():
            self.weight.fill_(1)
            self.bias.zero_()
            self.mean.zero_()
            self.variance.fill_(1)

    def forward(self, x: Tensor) -> Tensor:
        """The normalized batch."""
        wide = (len(x), 1, -1) + (1,) * (x.dim() - 3)
        mean, variance = self.moments(x)
        slope = self.weight * (variance + 1e-3).rsqrt() if not self.affine_only else self.weight
        return (x - mean.view(wide)) * slope.view(wide) + self.bias.view(wide)

    def moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance to normalize with, (M, C) each; in training the running moments follow."""
        if self.affine_only or not self.training:
            return self.mean, self.variance
        axes = [axis for axis in range(x.dim()) if axis not in (0, 2)]
        variance, mean = torch.var_mean(x, axes, correction=0)
        with torch.no_grad():
            self.mean.lerp_(mean, self.momentum)
            self.variance.lerp_(variance, self.momentum)
        return mean, variance


class SpectralNorm(Layer):
    r"""A convolution whose kernel is divided by its largest singular value, found by power iteration.

    The kernel counts as a matrix (outputs, inputs · kh · kw); one iteration a forward pass in training.

    References:
        | Spectral Normalization for GANs (Miyato et al., 2018), https://arxiv.org/abs/1802.05957
    """

    u: Tensor

    def __init__(self, conv: Conv) -> None:
        super().__init__()
        self.conv = conv
        self.register_buffer("u", torch.empty(*conv.weight.shape[:2]))

    def reset(self, draws: Draws) -> None:
        """Draw a new start for the power iteration; the convolution resets itself."""
        self.u.copy_(normalize(draws.normal(*self.u.shape[1:]), dim=-1))

    def forward(self, x: Tensor) -> Tensor:
        """The convolution with kernels of norm 1."""
        return self.conv.convolve(x, self.conv.weight / self.sigma().view(-1, 1, 1, 1, 1))

    def sigma(self) -> Tensor:
        """The largest singular value of each member's kernel, (M,)."""
        matrix = self.conv.weight.flatten(2)
        with torch.no_grad():
            v = normalize(torch.einsum("mo,moi->mi", self.u, matrix), dim=-1)
            u = normalize(torch.einsum("moi,mi->mo", matrix, v), dim=-1)
            if self.training:
                self.u.copy_(u)
        return torch.einsum("mo,moi,mi->m", u, matrix, v)
