"""What energies say: a low energy is what the model calls usual.

References:
    | Deep Structured Energy Based Models for Anomaly Detection (Zhai et al., 2016), https://arxiv.org/abs/1605.07717
    | Maximum Entropy Generators for Energy-Based Models (Kumar et al., 2019), https://arxiv.org/abs/1901.08508
"""

import torch

from ..objectives import gradient, squared_norm
from ..shapes import Batch, PerRow
from .protocols import Energetic

__all__ = ["energy", "score_norm", "slope"]


def energy(model: Energetic, x: Batch) -> PerRow:
    r"""$E(x)$, where $p(x) \propto e^{-E(x)}$: nats up to a constant, if the model was trained as a density."""
    return model.energy_at(model.seen(x))


def score_norm(model: Energetic, x: Batch) -> PerRow:
    r"""$\|\nabla_x E(x)\|^2$: how steep the energy is there; at the bottom of a valley it is 0."""
    return squared_norm(slope(model, model.seen(x)))


def slope(model: Energetic, v: Batch) -> Batch:
    r"""$\nabla_v E(v)$, (M, B, W), wherever it is asked for: in inference mode too."""
    if v.requires_grad:  # somebody asks for reasons: the slope is to be differentiated again
        (steep,) = torch.autograd.grad(model.energy_at(v).sum(), v, create_graph=True)
        return steep
    with torch.inference_mode(mode=False), torch.enable_grad():
        return gradient(model.energy_at, v.clone())[1].detach()
