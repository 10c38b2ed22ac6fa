"""How well a model gives a row back, and what its discriminator says of it.

References:
    | Efficient GAN-Based Anomaly Detection (Zenati et al., 2018), https://arxiv.org/abs/1802.06222
"""

from torch.nn.functional import softplus

from ..shapes import Batch, Codes, PerRow
from .protocols import Paired

__all__ = ["feature_matching", "sigma"]

WEIGHT = 0.1
"""The discriminator's part of a score."""


def sigma(model: Paired, x: Batch) -> PerRow:
    r"""$0.9 \|x - G(E(x))\|_1 - 0.1 \log D(G(E(x)), E(x))$: the error, and whether the discriminator likes the pair."""
    _, error, made, z = rebuilt(model, x)
    return (1 - WEIGHT) * error + WEIGHT * softplus(-model.discriminator(made, z))


def feature_matching(model: Paired, x: Batch) -> PerRow:
    r"""$0.9 \|x - G(E(x))\|_1 + 0.1 \|f(x, E(x)) - f(G(E(x)), E(x))\|_1$, f the discriminator's last hidden layer."""
    v, error, made, z = rebuilt(model, x)
    away = model.discriminator(v, z, True) - model.discriminator(made, z, True)
    return (1 - WEIGHT) * error + WEIGHT * away.abs().sum(-1)


def rebuilt(model: Paired, x: Batch) -> tuple[Batch, PerRow, Batch, Codes]:
    r"""A row v as networks read it, $\|v - G(E(v))\|_1$, $G(E(v))$ likewise and $E(v)$."""
    v = model.seen(x)
    z = model.encoder(v)
    made = model.like(x, model.generator(z))
    return v, (v - made).abs().sum(-1), made, z
