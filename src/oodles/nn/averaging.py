"""A network and the mean of its recent parameters: the one is trained, the other is asked."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from .draws import Draws
from .layers import Layer

__all__ = ["Averaged"]


class Mean(Layer):
    """A network with the mean of its recent parameters in their place.

    The means are buffers, (M, …) each: no optimizer moves them, and they are saved and restored like any other.
    Buffers of the network, such as running moments, are not averaged: it answers with those it has.
    """

    steps: Tensor

    def __init__(self, moving: nn.Module, decay: float) -> None:
        super().__init__()
        self.moving = (moving,)  # in a tuple it is no child, so that its parameters are listed once
        self.decay = decay
        parameters = dict(moving.named_parameters())
        self.names = {name: name.replace(".", "_") for name in parameters}
        for name, parameter in parameters.items():
            self.register_buffer(self.names[name], torch.zeros_like(parameter.detach()))
        self.register_buffer("steps", torch.zeros(len(next(iter(parameters.values()))), 1))

    def reset(self, draws: Draws) -> None:  # noqa: ARG002 - the network has drawn, and was reset before
        """Forget every step, and start where the network starts."""
        self.steps.zero_()
        for mean, moving in self.pairs():
            mean.copy_(moving)

    def pairs(self) -> list[tuple[Tensor, Tensor]]:
        """Every parameter's mean, and where the parameter stands now."""
        now = dict(self.moving[0].named_parameters())
        return [(getattr(self, name), now[path].detach()) for path, name in self.names.items()]

    @torch.no_grad()
    def follow(self) -> None:
        """Move every mean towards its parameter."""
        weight = (1 / (self.steps + 1)).clamp(min=1 - self.decay)
        self.steps.add_(1)
        for mean, moving in self.pairs():
            wide = weight.view(-1, *[1] * (mean.dim() - 1))
            # Products and sums of their own: a fused one is rounded otherwise in ragged ends, hence in other stacks.
            mean.mul_(1 - wide).add_(wide * moving)

    def forward(self, *inputs: Tensor) -> Any:
        """What the network says with its mean parameters."""
        means = {path: getattr(self, name) for path, name in self.names.items()}
        return functional_call(self.moving[0], means, inputs)


class Averaged(nn.Module):
    r"""A network that is trained, and in evaluation answers with the moving average of its parameters.

    After step $t = 0, 1, …$ (`follow`) $\bar\theta \leftarrow \bar\theta + w_t (\theta - \bar\theta)$ with
    $w_t = \max(1 - \text{decay}, 1 / (t + 1))$: at first the plain mean of all steps, in which the start has no part,
    then an exponential one with a memory of $1 / (1 - \text{decay})$ steps. Without decay it is $\theta$ itself.

    Adversarial players circle around their equilibrium; the mean of their way is nearer to it.

    Arguments:
        moving: The network; every parameter has a member axis.
        decay: Share of the old mean in the new one, in [0, 1).

    References:
        | The Unusual Effectiveness of Averaging in GAN Training (Yazıcı et al., 2019),
          https://arxiv.org/abs/1806.04498
    """

    def __init__(self, moving: nn.Module, decay: float) -> None:
        super().__init__()
        self.moving = moving
        self.mean = Mean(moving, decay)  # after `moving`, whose start it takes: layers are reset in this order

    def forward(self, *inputs: Tensor) -> Any:
        """What the network says: with its parameters in training, with their means in evaluation."""
        return self.moving(*inputs) if self.training else self.mean(*inputs)

    def follow(self) -> None:
        """Take in where the parameters stand: for a model's `step`, after they moved."""
        self.mean.follow()
