"""Scores: functions (model, x) → one number per row, larger = stranger, each with a unit.

A score never names a model class: it says in a Protocol what it needs.
"""

from .explanation import explained
from .latent import divergence, kl, latent_norm
from .likelihood import bits_per_dim, elbo, iwae
from .points import normal_points
from .protocols import Posterior, Reconstructs
from .reconstruction import (
    code,
    expectation,
    likelihood,
    mean_log_probability,
    reconstruction_error,
    reconstruction_probability,
    surprise,
)

__all__ = [
    "UNITS",
    "Posterior",
    "Reconstructs",
    "bits_per_dim",
    "code",
    "divergence",
    "elbo",
    "expectation",
    "explained",
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

UNITS = {
    "reconstruction_error": "squared encoded units per cell",
    "likelihood": "nats: -log p(x | its reconstruction)",
    "reconstruction_probability": "nats: -log mean p(x | z), z ~ q(z | x)",
    "mean_log_probability": "nats: -mean log p(x | z), z ~ q(z | x)",
    "elbo": "nats: KL - mean log p(x | z)",
    "bits_per_dim": "bits per cell: the same in raw units",
    "iwae": "nats: -log mean p(x, z) / q(z | x)",
    "kl": "nats: KL(q(z | x) ‖ N(0, I))",
    "latent_norm": "prior deviations: ‖mean of q(z | x)‖",
}
"""Every score by name, with its unit and formula."""
