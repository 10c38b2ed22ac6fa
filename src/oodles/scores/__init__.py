"""Scores: functions (model, x) → one number per row, larger = stranger, each with a unit.

A score never names a model class: it says in a Protocol what it needs.
"""

from .adversarial import feature_matching, sigma
from .classes import classified_elbo, log_odds
from .combined import RULES, Combined, Panel, combination, each
from .complexity import code_length, input_complexity
from .energy import energy, score_norm, slope
from .ensemble import likelihood_ratio, waic
from .explanation import Anchor, attributed, expected, explained, reasons
from .latent import divergence, kl, latent_norm
from .likelihood import bits_per_dim, elbo, iwae
from .naming import named
from .points import normal_points, random_points
from .protocols import (
    Anchored,
    Backed,
    Classifies,
    Encodes,
    Energetic,
    Paired,
    Posterior,
    Reconstructs,
    Referring,
    Restores,
    Settles,
)
from .reconstruction import (
    code,
    likelihood,
    mean_log_probability,
    reconstruction_error,
    reconstruction_probability,
    surprise,
)
from .regret import likelihood_regret
from .statistics import Reference, density, statistics, typicality

__all__ = [
    "RULES",
    "UNITS",
    "Anchor",
    "Anchored",
    "Backed",
    "Classifies",
    "Combined",
    "Encodes",
    "Energetic",
    "Paired",
    "Panel",
    "Posterior",
    "Reconstructs",
    "Reference",
    "Referring",
    "Restores",
    "Settles",
    "attributed",
    "bits_per_dim",
    "classified_elbo",
    "code",
    "code_length",
    "combination",
    "density",
    "divergence",
    "each",
    "elbo",
    "energy",
    "expected",
    "explained",
    "feature_matching",
    "input_complexity",
    "iwae",
    "kl",
    "latent_norm",
    "likelihood",
    "likelihood_ratio",
    "likelihood_regret",
    "log_odds",
    "mean_log_probability",
    "named",
    "normal_points",
    "random_points",
    "reasons",
    "reconstruction_error",
    "reconstruction_probability",
    "score_norm",
    "sigma",
    "slope",
    "statistics",
    "surprise",
    "typicality",
    "waic",
]

UNITS = {
    "energy": "nats up to a constant, or the detector's own measure: E(x)",
    "score_norm": "squared energy per encoded unit: ‖∇ₓE(x)‖²",
    "sigma": "encoded units, and nats: 0.9 ‖x - G(E(x))‖₁ - 0.1 log D(G(E(x)), E(x))",
    "feature_matching": "encoded units: 0.9 ‖x - G(E(x))‖₁ + 0.1 times the same of the discriminator's features",
    "reconstruction_error": "squared encoded units per cell",
    "likelihood": "nats: -log p(x | its reconstruction)",
    "reconstruction_probability": "nats: -log mean p(x | z), z ~ q(z | x)",
    "mean_log_probability": "nats: -mean log p(x | z), z ~ q(z | x)",
    "elbo": "nats: KL - mean log p(x | z)",
    "bits_per_dim": "bits per cell: the same in raw units",
    "iwae": "nats: -log mean p(x, z) / q(z | x)",
    "kl": "nats: KL(q(z | x) ‖ N(0, I))",
    "latent_norm": "prior deviations: ‖mean of q(z | x)‖",
    "density": "nats: -log density of six statistics of the model",
    "typicality": "nats: |elbo at the code - its mean over learned rows|",
    "waic": "nats: mean + variance of elbo over the members",
    "likelihood_ratio": "nats: elbo - that of a model of spoiled rows",
    "likelihood_regret": "nats: elbo - the best elbo of any posterior",
    "input_complexity": "bits per cell: bits_per_dim - those of a lossless code",
    "classified_elbo": "nats: elbo per feature - log q(usual | x)",
    "log_odds": "nats: log q(strange | x) - log q(usual | x)",
}
"""Every score by name, with its unit and formula."""
