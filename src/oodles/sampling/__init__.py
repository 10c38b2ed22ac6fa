"""What is drawn, not learned from files: negatives, the samples that they may be, and Markov chains."""

from .importance import proposed
from .langevin import (
    KERNELS,
    MALA,
    ULA,
    Energy,
    Kernel,
    Metropolis,
    State,
    Walk,
    chain,
    effective_sample_size,
    init,
    latent_energy,
    walk,
)
from .negatives import SOURCES, Frozen, FrozenPool, Given, Noise, Own, Source, Uniform, generated

__all__ = [
    "KERNELS",
    "MALA",
    "SOURCES",
    "ULA",
    "Energy",
    "Frozen",
    "FrozenPool",
    "Given",
    "Kernel",
    "Metropolis",
    "Noise",
    "Own",
    "Source",
    "State",
    "Uniform",
    "Walk",
    "chain",
    "effective_sample_size",
    "generated",
    "init",
    "latent_energy",
    "proposed",
    "walk",
]
