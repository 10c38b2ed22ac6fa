"""Which rule turns gradients into steps."""

from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

__all__ = ["OPTIMIZERS", "NAdam", "RMSProp"]


class RMSProp(Optimizer):
    r"""RMSProp as TensorFlow's first version has it.

    $s \leftarrow \rho s + (1 - \rho) g^2$, then $\theta \leftarrow \theta - \eta\, g / \sqrt{s + \epsilon}$. Unlike
    `torch.optim.RMSprop`, $\epsilon$ stands inside the root and s starts at 1, so that the first fifty steps or so are
    damped. The papers that compare likelihoods of pictures trained with it.

    Arguments:
        parameters: What moves.
        lr: The learning rate $\eta$; a tensor is read anew at every step.
        decay: $\rho$.
        epsilon: $\epsilon$.

    References:
        | Lecture 6.5: RMSProp (Tieleman & Hinton, 2012)
        | Distribution Matching in Variational Inference (Rosca et al., 2018), https://arxiv.org/abs/1802.06847
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float | Tensor = 1e-4,
        *,
        decay: float = 0.9,
        epsilon: float = 1e-10,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "decay": decay, "epsilon": epsilon})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002 - losses come as gradients
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["squares"] = torch.ones_like(parameter)
                squares, gradient = state["squares"], parameter.grad
                squares.mul_(group["decay"]).addcmul_(gradient, gradient, value=1 - group["decay"])
                parameter.sub_(gradient * (squares + group["epsilon"]).rsqrt() * group["lr"])


class NAdam(Optimizer):
    r"""Adam that looks ahead: Nesterov's momentum in place of the mean gradient.

    With $m \leftarrow \beta_1 m + (1 - \beta_1) g$, $v \leftarrow \beta_2 v + (1 - \beta_2) g^2$,
    $\mu_t = \beta_1 (1 - 0.96^{\psi t} / 2)$ and $\pi_t = \mu_1 \cdots \mu_t$, step t is
    $\theta \leftarrow \theta - \eta\, n / (\sqrt{v / (1 - \beta_2^t)} + \epsilon)$ with
    $n = g (1 - \mu_t) / (1 - \pi_t) + m \mu_{t+1} / (1 - \pi_{t+1})$.

    It is `torch.optim.NAdam` to rounding, but counts on the device, so that a step can be recorded.

    Arguments:
        parameters: What moves.
        lr: The learning rate $\eta$; a tensor is read anew at every step.
        betas: $\beta_1$ and $\beta_2$.
        epsilon: $\epsilon$.
        momentum_decay: $\psi$.

    References:
        | Incorporating Nesterov Momentum into Adam (Dozat, 2016), https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float | Tensor = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        momentum_decay: float = 4e-3,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "betas": betas, "epsilon": epsilon, "momentum_decay": momentum_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # noqa: ARG002 - losses come as gradients
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            (first, second), decay = group["betas"], group["momentum_decay"]
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["steps"], state["product"] = parameter.new_zeros(()), parameter.new_ones(())
                    state["mean"], state["squares"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
                g, t = parameter.grad, state["steps"].add_(1)
                mu, following = (first * (1 - 0.5 * 0.96 ** (decay * count)) for count in (t, t + 1))
                product = state["product"].mul_(mu)
                m = state["mean"].mul_(first).add_(g, alpha=1 - first)
                v = state["squares"].mul_(second).addcmul_(g, g, value=1 - second)
                n = g * ((1 - mu) / (1 - product)) + m * (following / (1 - product * following))
                parameter.sub_(n / ((v / (1 - second**t)).sqrt() + group["epsilon"]) * group["lr"])


def adam(parameters: Iterable[nn.Parameter], lr: Tensor, betas: tuple[float, float] = (0.9, 0.999)) -> Adam:
    """Adam (Kingma & Ba, 2015), in one kernel."""
    return Adam(parameters, lr=lr, betas=betas, fused=True, capturable=lr.device.type == "cuda")


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "adam": adam,
    "adam-0.5-0.9": partial(adam, betas=(0.5, 0.9)),
    "nadam": NAdam,
    "rmsprop": RMSProp,
}
"""Constructors `(parameters, lr=…) → Optimizer` by name; all are element-wise, so that members stay strangers."""
