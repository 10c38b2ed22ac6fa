"""Penalties on the gradient of a network with respect to what it sees.

References:
    | Improved Training of Wasserstein GANs (Gulrajani et al., 2017), https://arxiv.org/abs/1704.00028
    | Maximum Entropy Generators for Energy-Based Models (Kumar et al., 2019), https://arxiv.org/abs/1901.08508
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ..nn import Draws
from ..shapes import Batch, PerRow

__all__ = ["gradient", "lipschitz_penalty", "score_penalty", "squared_norm"]

Function = Callable[[Batch], PerRow]


def gradient(function: Function, x: Batch, *, higher: bool = False) -> tuple[PerRow, Batch]:
    r"""f(x) and $\nabla_x f(x)$ of each row, (M, B) and (M, B, D); with `higher`, both can be differentiated again."""
    x = x.detach().requires_grad_()
    value = function(x)
    (slope,) = torch.autograd.grad(value.sum(), x, create_graph=higher)
    return value, slope


def squared_norm(slope: Batch, shape: tuple[int, ...] = ()) -> PerRow:
    r"""$\|\nabla\|^2$ over all columns of each row.

    With the `shape` (C, H, W) of a picture it is the authors' form: squared norms over the channels, averaged over the
    pixels, which is the same divided by H · W.
    """
    squares = slope.square().sum(-1)
    return squares / (shape[1] * shape[2]) if shape else squares


def score_penalty(energy: Function, x: Batch, shape: tuple[int, ...] = ()) -> tuple[PerRow, PerRow]:
    r"""E(x) and $\|\nabla_x E(x)\|^2$ of each row, (M, B) each: what bounds the scale of an energy on data."""
    value, slope = gradient(energy, x, higher=True)
    return value, squared_norm(slope, shape)


def lipschitz_penalty(critic: Function, real: Batch, fake: Batch, draws: Draws, shape: tuple[int, ...] = ()) -> PerRow:
    r"""$(\|\nabla D(\hat x)\| - 1)^2$ at $\hat x = \epsilon x + (1 - \epsilon) \tilde x$, with one ε for a row.

    ε is uniform in (0, 1). With the `shape` (C, H, W) of a picture it is the form of EnGAN's authors: an ε for every
    cell, and the norm over the channels driven to 1 at each pixel.
    """
    weight = draws.uniform(*real.shape[1:]) if shape else draws.uniform(real.shape[1], 1)
    _, slope = gradient(critic, fake + weight * (real - fake), higher=True)
    if shape:
        slope = slope.unflatten(-1, (shape[0], -1)).movedim(-2, -1)
    return (norm(slope) - 1).square().flatten(2).mean(-1) if shape else (norm(slope) - 1).square()


def norm(slope: Tensor) -> Tensor:
    """The length along the last axis; at 0 its gradient is 0, not undefined."""
    return (slope.square().sum(-1) + 1e-12).sqrt()
