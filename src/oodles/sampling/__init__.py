"""What is drawn, not learned from files: negatives, and the samples that they may be."""

from .negatives import SOURCES, Frozen, FrozenPool, Given, Noise, Own, Source, Uniform, generated

__all__ = [
    "SOURCES",
    "Frozen",
    "FrozenPool",
    "Given",
    "Noise",
    "Own",
    "Source",
    "Uniform",
    "generated",
]
