"""Which rule turns gradients into steps."""

from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

__all__ = ["OPTIMIZERS", "RMSProp"]


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


def adam(parameters: Iterable[nn.Parameter], lr: Tensor, betas: tuple[float, float] = (0.9, 0.999)) -> Adam:
    """Adam (Kingma & Ba, 2015), in one kernel."""
    return Adam(parameters, lr=lr, betas=betas, fused=True, capturable=lr.device.type == "cuda")


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "adam": adam,
    "adam-0.5-0.9": partial(adam, betas=(0.5, 0.9)),
    "rmsprop": RMSProp,
}
"""Constructors `(parameters, lr=…) → Optimizer` by name; all are element-wise, so that members stay strangers."""
