"""Scores: functions (model, x) → one number per row, larger = stranger, each with a unit.

| name | unit | formula |
|---|---|---|
| `reconstruction_error` | squared encoded units | mean over observed cells of (x - x̂)² |
| `likelihood` | nats | -log p(x given its reconstruction) |
| `reconstruction_probability` | nats | -log (1/L) Σ p(x given z_l), z_l ~ q(z given x) |
| `mean_log_probability` | nats | -(1/L) Σ log p(x given z_l) |
| `elbo` | nats | KL(q ‖ p) - (1/L) Σ log p(x given z_l) |
| `bits_per_dim` | bits per cell | the same per observed cell, in raw units |
| `iwae` | nats | -log (1/K) Σ p(x, z_k) / q(z_k given x) |
| `kl` | nats | KL(q(z given x) ‖ N(0, I)) |
| `latent_norm` | prior deviations | ‖mean of q(z given x)‖ |

A score never names a model class: it says in a Protocol what it needs.
"""

from .latent import kl, latent_norm
from .likelihood import bits_per_dim, elbo, iwae
from .points import normal_points
from .protocols import Posterior, Reconstructs
from .reconstruction import (
    likelihood,
    mean_log_probability,
    reconstruction_error,
    reconstruction_probability,
    surprise,
)

__all__ = [
    "Posterior",
    "Reconstructs",
    "bits_per_dim",
    "elbo",
    "iwae",
    "kl",
    "latent_norm",
    "likelihood",
    "mean_log_probability",
    "normal_points",
    "reconstruction_error",
    "reconstruction_probability",
    "surprise",
]
