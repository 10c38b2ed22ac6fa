"""How much better a row could be explained than the encoder explains it.

References:
    | Likelihood Regret: An Out-of-Distribution Detection Score for Variational Auto-encoder (Xiao et al., 2020),
    | https://arxiv.org/abs/2003.02977
"""

import torch
from torch import Tensor

from ..shapes import Batch, Codes, PerRow
from .latent import divergence
from .protocols import Posterior

__all__ = ["likelihood_regret"]

STEPS, RATE, DRAWS = 40, 0.1, 1


def likelihood_regret(model: Posterior, x: Batch) -> PerRow:
    r"""$\max_{\mu, \sigma} \text{ELBO}(x; \mu, \sigma) - \text{ELBO}(x; \mu(x), \sigma(x))$ in nats.

    Forty steps of Adam move the posterior of every row, all rows of a batch at once, from where the encoder puts it;
    the decoder stands still. The authors refit a copy of the encoder to one picture after the other, for the same end.
    It costs some 150 times as much as `likelihood`.
    """
    with torch.inference_mode(mode=False), torch.enable_grad():
        x = x.clone()
        mean, std = (part.detach().clone().requires_grad_() for part in model.posterior(x))
        spread = std.detach().log().requires_grad_()
        free = (mean, spread)
        moments = [(torch.zeros_like(part), torch.zeros_like(part)) for part in free]
        before = bound(model, x, *free).detach()
        best = before
        for step in range(1, STEPS + 1):
            price = bound(model, x, *free)
            best = best.minimum(price.detach())
            gradients = torch.autograd.grad(price.sum(), free)
            for part, gradient, (first, second) in zip(free, gradients, moments, strict=True):
                adam(part, gradient, first, second, step)
        return before - best.minimum(bound(model, x, *free).detach())


def bound(model: Posterior, x: Batch, mean: Codes, log_std: Codes) -> PerRow:
    """The negative ELBO of a posterior in nats, at fixed points."""
    std = log_std.exp()
    points = [mean + std * point for point in model.points[:DRAWS]]
    return divergence(mean, std) - sum(model.likelihood.log_prob(x, model.decoder(z)) for z in points) / DRAWS


@torch.no_grad()
def adam(part: Tensor, gradient: Tensor, first: Tensor, second: Tensor, step: int) -> None:
    """One step of Adam (Kingma & Ba, 2015); a row whose gradient is no number stays where it is."""
    gradient = gradient.nan_to_num(0.0, 0.0, 0.0)
    first.lerp_(gradient, 0.1)
    second.lerp_(gradient.square(), 0.001)
    scale = (second / (1 - 0.999**step)).sqrt() + 1e-8
    part.sub_(RATE / (1 - 0.9**step) * first / scale)
