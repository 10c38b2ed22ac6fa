"""A likelihood that is not impressed by simple pictures.

References:
    | Input Complexity and Out-of-distribution Detection with Likelihood-based Generative Models (Serrà et al., 2020),
    | https://arxiv.org/abs/1909.11480
"""

import math

import torch
from torch import Tensor

from ..errors import ParameterError
from ..shapes import Batch, PerRow
from .likelihood import bits_per_dim
from .protocols import Posterior

__all__ = ["code_length", "input_complexity"]

LEVELS = 256


def input_complexity(model: Posterior, x: Batch, draws: int = 4) -> PerRow:
    r"""$-\frac1D \log_2 p(x) - \frac1D L(x)$, in bits per cell, with L(x) the bits of a lossless code for the picture.

    Both terms are bits per pixel and channel of the same 8-bit picture. It costs as much as `bits_per_dim`.

    Raises:
        ParameterError: If the model learned a table: only pictures have neighbours to predict a cell from.
    """
    shape = model.likelihood.layout.shape
    if not shape:
        raise ParameterError("The score input_complexity is for pictures, but this model learned a table.")
    levels = (x[0].nan_to_num() * (LEVELS - 1)).round().long().unflatten(-1, shape)
    return bits_per_dim(model, x, draws) - code_length(levels) / math.prod(shape)


def code_length(pictures: Tensor) -> Tensor:
    r"""Bits of each picture, (B, C, H, W) of levels 0 … 255 → (B,), in the best of five codes.

    PNG's five predictors leave residuals $r_1 \dots r_n$; an adaptive arithmetic coder that begins with a pseudo-count
    $a = 1/256$ for each level spends $\log_2 \frac{\Gamma(n + 1)}{\Gamma(1)} - \sum_v \log_2 \frac{\Gamma(c_v + a)}
    {\Gamma(a)}$ bits on them, $c_v$ of which are v.
    """
    edge = torch.nn.functional.pad(pictures, (1, 0, 1, 0))
    left, up, corner = edge[..., 1:, :-1], edge[..., :-1, 1:], edge[..., :-1, :-1]
    slope = left + up - corner
    nearest = torch.stack([(slope - known).abs() for known in (left, up, corner)]).argmin(0)
    paeth = torch.where(nearest == 0, left, torch.where(nearest == 1, up, corner))
    guesses = (torch.zeros_like(left), left, up, (left + up) // 2, paeth)
    lengths = torch.stack([adaptive((pictures - guess) % LEVELS) for guess in guesses])
    return lengths.amin(0) + math.log2(len(guesses))


def adaptive(residuals: Tensor) -> Tensor:
    """Bits that an adaptive arithmetic coder spends on each row of residuals, (B, …) → (B,)."""
    rows = residuals.flatten(1)
    one = torch.ones(rows.shape, dtype=torch.float64, device=rows.device)
    counts = one.new_zeros(len(rows), LEVELS).scatter_add_(1, rows, one)
    a = 1 / LEVELS
    nats = math.lgamma(rows.shape[1] + 1) - (torch.lgamma(counts + a) - math.lgamma(a)).sum(-1)
    return (nats / math.log(2)).float()
