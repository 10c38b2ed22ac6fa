"""Normalization with a member axis."""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from .convolutions import Conv
from .draws import Draws
from .layers import Layer

__all__ = ["BatchNorm", "SpectralNorm"]


class BatchNorm(Layer):
    r"""Batch normalization of (M, B, C, H, W) or (M, B, C), each member over its own batch.

    $y = \gamma (x - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta$ with the batch's moments in training and running
    moments afterwards. With `affine_only` the moments stay 0 and 1, so that the layer is $\gamma x + \beta$: what
    the networks of Csiszárik et al. (2019) most likely computed. The slopes γ start from N(1, `spread`²).

    References:
        | Batch Normalization (Ioffe & Szegedy, 2015), https://arxiv.org/abs/1502.03167
    """

    mean: Tensor
    variance: Tensor

    def __init__(
        self,
        channels: int,
        members: int,
        *,
        momentum: float = 0.01,
        epsilon: float = 1e-3,
        spread: float = 0.0,
        affine_only: bool = False,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(members, channels))
        self.bias = nn.Parameter(torch.zeros(members, channels))
        self.register_buffer("mean", torch.zeros(members, channels))
        self.register_buffer("variance", torch.ones(members, channels))
        self.momentum, self.epsilon, self.spread, self.affine_only = momentum, epsilon, spread, affine_only

    def reset(self, draws: Draws) -> None:
        """Become the identity, but for the `spread` of the slopes."""
        with torch.no_grad():
            self.weight.fill_(1)
            if self.spread:  # without it nothing is drawn
                self.weight += self.spread * draws.normal(*self.weight.shape[1:])
            self.bias.zero_()
            self.mean.zero_()
            self.variance.fill_(1)

    def forward(self, x: Tensor) -> Tensor:
        """The normalized batch."""
        wide = (len(x), 1, -1) + (1,) * (x.dim() - 3)
        mean, variance = self.moments(x)
        slope = self.weight * (variance + self.epsilon).rsqrt() if not self.affine_only else self.weight
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
