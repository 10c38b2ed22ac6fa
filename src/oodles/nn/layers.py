"""Layers with a member axis: weights are (M, …), and member m never sees another member's numbers."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from .draws import Draws

__all__ = ["Initializer", "Layer", "Linear", "fan_in", "glorot", "initialize", "normal"]

Initializer = Callable[[Tensor, Tensor | None, tuple[int, int], Draws], None]
"""Fills weights and biases, (M, …) each, from the members' streams; told how many inputs and outputs meet
in one weight."""


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


@torch.no_grad()
def fan_in(weight: Tensor, bias: Tensor | None, fans: tuple[int, int], draws: Draws) -> None:
    r"""Weights and biases uniform in $\pm 1/\sqrt{\text{fan in}}$: PyTorch's habit."""
    bound = fans[0] ** -0.5
    weight.copy_((2 * draws.uniform(*weight.shape[1:]) - 1) * bound)
    if bias is not None:
        bias.copy_((2 * draws.uniform(*bias.shape[1:]) - 1) * bound)


@torch.no_grad()
def glorot(weight: Tensor, bias: Tensor | None, fans: tuple[int, int], draws: Draws) -> None:
    r"""Weights uniform in $\pm\sqrt{6 / (\text{fan in} + \text{fan out})}$, biases 0 (Glorot & Bengio, 2010)."""
    bound = (6 / sum(fans)) ** 0.5
    weight.copy_((2 * draws.uniform(*weight.shape[1:]) - 1) * bound)
    if bias is not None:
        bias.zero_()


def normal(std: float) -> Initializer:
    """Weights and biases from N(0, std²)."""

    @torch.no_grad()
    def fill(weight: Tensor, bias: Tensor | None, fans: tuple[int, int], draws: Draws) -> None:  # noqa: ARG001
        weight.copy_(std * draws.normal(*weight.shape[1:]))
        if bias is not None:
            bias.copy_(std * draws.normal(*bias.shape[1:]))

    return fill


def filled(width: int) -> int:
    """The next multiple of 16.

    Matrix kernels round a product's ragged last columns differently from row to row and from member to member. There
    are none where zeros fill them up.
    """
    return width + -width % 16


class Linear(Layer):
    """(M, B, inputs) → (M, B, outputs), an affine map for each member.

    Weights and biases are filled up with columns of zeros, and stay so: nothing that reaches the outputs depends on
    them, hence no gradient moves them.

    Arguments:
        inputs: Width of the rows.
        outputs: Width of the results.
        members: Number of members, M.
        init: Where the parameters begin.
        chained: The rows come from another layer's `whole`, filled up with zeros.
    """

    def __init__(
        self, inputs: int, outputs: int, members: int, init: Initializer = fan_in, *, chained: bool = False
    ) -> None:
        super().__init__()
        # A product of width 1 is rounded differently in a stack of one: there is none where a zero joins it.
        rows = filled(inputs) if chained else max(inputs, 2)
        self.weight = nn.Parameter(torch.zeros(members, rows, filled(outputs)))
        self.bias = nn.Parameter(torch.zeros(members, 1, filled(outputs)))
        self.inputs, self.outputs, self.init = inputs, outputs, init

    def reset(self, draws: Draws) -> None:
        """Draw new parameters; the filling stays 0."""
        weight, bias = self.weight[:, : self.inputs, : self.outputs], self.bias[..., : self.outputs]
        self.init(weight, bias, (self.inputs, self.outputs), draws)

    def forward(self, x: Tensor) -> Tensor:
        """`x @ weight + bias`, for each member."""
        return self.whole(x)[..., : self.outputs]

    def whole(self, x: Tensor) -> Tensor:
        """The same with its filling, (M, B, filled(outputs))."""
        missing = self.weight.shape[1] - x.shape[-1]
        return torch.baddbmm(self.bias, pad(x, (0, missing)) if missing else x, self.weight)
