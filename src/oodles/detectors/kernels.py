"""What both kernel methods share: rows that are remembered, and a Gaussian kernel around each.

scikit-learn solves; its solution becomes tensors, so that scoring needs torch alone.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from ..layout import Layout
from ..scores import Combined, energy
from ..shapes import Batch, PerRow, Rows
from .base import Detector
from .energies import Landscape
from .estimator import hyperparameters
from .negatives import pools_of
from .parameters import seed_of
from .preparing import Prepared, resident, some

__all__ = ["KernelDetector", "KernelModel", "Remembered", "gamma_of", "gaussian"]

PAIRED = 1000
"""Rows whose distances from each other the median is taken of, at most."""


def gaussian(v: Tensor, rows: Tensor, gamma: float | Tensor) -> Tensor:
    r"""$e^{-\gamma \|v - s\|^2}$ of each row v with each row s, (…, B, W) and (…, n, W) → (…, B, n), in float64.

    Sums over thousands of kernels cancel almost entirely; float32 would leave noise.
    """
    v, rows = v.double(), rows.double()
    apart = v.square().sum(-1, keepdim=True) + rows.square().sum(-1).unsqueeze(-2) - 2 * v @ rows.mT
    return (-gamma * apart.clamp_min(0)).exp()


def gamma_of(gamma: float | str, v: Rows) -> float:
    r"""The kernel's γ in numbers, for rows v (n, W) on the CPU.

    `scale` is 1 / (W · variance of all cells), `auto` 1 / W, and `median` 1 / the median of $\|v - v'\|^2$ over the
    pairs of a thousand rows.

    References:
        | Large Sample Analysis of the Median Heuristic (Garreau et al., 2017), https://arxiv.org/abs/1707.07269
    """
    if not isinstance(gamma, str):
        return float(gamma)
    v = v.double()
    if gamma == "median":
        apart = torch.pdist(v[:: -(-len(v) // PAIRED)]).square()
        spread = float(apart.median()) if len(apart) else 0.0
    else:
        spread = v.shape[1] * (float(v.var(correction=0)) if gamma == "scale" else 1.0)
    return 1 / spread if spread > 0 else 1.0


class Remembered(nn.Module):
    r"""Functions $f_j(v) = b_j + \sum_i k(v, s_i)\,w_{ij}$ of remembered rows $s_i$: (M, B, W) → (M, B, functions).

    How many rows and functions there are depends on the data: what is loaded says so.

    Arguments:
        width: Columns of a row, W.
        members: Number of members that remember rows of their own, as many each; None for rows without a member axis.
    """

    rows: Tensor
    weights: Tensor
    bias: Tensor
    gamma: Tensor

    def __init__(self, width: int, members: int | None = None) -> None:
        super().__init__()
        stack = () if members is None else (members,)
        self.register_buffer("rows", torch.zeros(*stack, 1, width))
        self.register_buffer("weights", torch.zeros(*stack, 1, 1, dtype=torch.float64))
        self.register_buffer("bias", torch.zeros(*stack, 1, dtype=torch.float64))
        self.register_buffer("gamma", torch.ones(stack, dtype=torch.float64))

    def remember(self, rows: Tensor, weights: Tensor, bias: Tensor, gamma: float | Tensor) -> None:
        """Become the functions of these rows (…, n, W), weights (…, n, functions), bias (…, functions) and γ (…)."""
        self.rows, self.weights, self.bias = rows.to(self.rows), weights.to(self.weights), bias.to(self.bias)
        self.gamma.copy_(torch.as_tensor(gamma))

    def forward(self, v: Batch) -> Tensor:
        """The functions, in float64."""
        return gaussian(v, self.rows, self.gamma[..., None, None]) @ self.weights + self.bias.unsqueeze(-2)

    def _load_from_state_dict(self, state_dict: Mapping[str, Tensor], prefix: str, *others: Any) -> None:
        """Make room for as many rows and functions as come; whatever else does not fit is refused as ever."""
        rows, weights = (state_dict.get(prefix + name) for name in ("rows", "weights"))
        if rows is not None and weights is not None and rows.ndim == weights.ndim == self.rows.ndim:
            *stack, _, width = self.rows.shape
            self.rows = self.rows.new_zeros(*stack, rows.shape[-2], width)
            self.weights = self.weights.new_zeros(*stack, rows.shape[-2], weights.shape[-1])
            self.bias = self.bias.new_zeros(*stack, weights.shape[-1])
        super()._load_from_state_dict(state_dict, prefix, *others)


class KernelModel(Landscape):
    """An energy made of kernels around remembered rows; there is nothing to train."""

    scores: ClassVar[Mapping[str, Callable[..., PerRow]]] = {"energy": energy}

    def __init__(self, layout: Layout, members: int, missing: list[int]) -> None:
        super().__init__(layout, members, missing)
        self.remembered = Remembered(self.see.width)


@hyperparameters
class KernelDetector(Detector):
    r"""A detector that scikit-learn solves for; subclasses add fields, `build` and `solve`.

    Arguments:
        gamma: The kernel is $e^{-\gamma \|x - x'\|^2}$. `scale` is 1 / (columns · variance of all cells), `auto`
            1 / columns, `median` 1 / the median squared distance of two rows; columns are encoded ones.
        rows: Rows to learn from, at most; `random_state` chooses them. Time and memory grow with their square.
    """

    scoring: str | Combined = "energy"
    gamma: float | str = "scale"
    rows: int = 4000

    @abstractmethod
    def solve(self, v: Rows, gamma: float) -> tuple[Tensor, Tensor, Tensor]:
        """Rows worth remembering, their weights and the bias, from rows (n, W) on the CPU: see `Remembered`."""

    def learn(self, X: Any, negatives: Any) -> Prepared:
        """Solve for the model."""
        prepared = resident(self, X, self._device)
        pools_of(self, negatives, prepared.rows, self._device)  # there are none, or a sentence
        model: Any = self.placed(1, prepared.missing)
        (x,) = prepared.source.blocks(0, 0)
        chosen = some(np.random.default_rng(seed_of(self.random_state)), len(x), min(len(x), self.rows))
        v = model.seen(x[torch.from_numpy(chosen).to(x.device)].unsqueeze(0))[0].cpu()
        gamma = gamma_of(self.gamma, v)
        model.remembered.remember(*self.solve(v, gamma), gamma)
        self.model_, self.history_ = model, {}
        return prepared
