"""Anomalies of known kinds, made from normal rows and pictures: which score sees which kind?

Tables: `TABLES[name]().fit(X)` learns normal rows; `sample(n)` makes anomalies of one kind, `normal(n)` normal rows of
the same model. Pictures: `PICTURES[name]` is a value that turns pictures into strange ones, `PICTURES[name](pictures)`.
`held_out` splits labels into usual and strange classes.

References:
    | ADBench: Anomaly Detection Benchmark (Han et al., 2022), https://arxiv.org/abs/2206.09426
    | MNIST-C: A Robustness Benchmark for Computer Vision (Mu & Gilmer, 2019), https://arxiv.org/abs/1906.02337
"""

from .corruption import Corruption
from .normals import Box, Copula, Mixture
from .pixels import (
    Blur,
    Brightness,
    Contrast,
    DottedLine,
    GaussianNoise,
    Impulse,
    Inverse,
    Quantize,
    Shot,
    Speckle,
)
from .places import Block, Mixed, Repeated, Rotate, Scale, Shear, Shuffled, Stripe, Translate, held_out
from .tables import Cluster, Dependency, Global, Local, TableAnomalies

__all__ = [
    "PICTURES",
    "TABLES",
    "Block",
    "Blur",
    "Box",
    "Brightness",
    "Cluster",
    "Contrast",
    "Copula",
    "Corruption",
    "Dependency",
    "DottedLine",
    "GaussianNoise",
    "Global",
    "Impulse",
    "Inverse",
    "Local",
    "Mixed",
    "Mixture",
    "Quantize",
    "Repeated",
    "Rotate",
    "Scale",
    "Shear",
    "Shot",
    "Shuffled",
    "Speckle",
    "Stripe",
    "TableAnomalies",
    "Translate",
    "held_out",
]

TABLES: dict[str, type[TableAnomalies]] = {
    "local": Local,
    "cluster": Cluster,
    "global": Global,
    "dependency": Dependency,
}
"""Kinds of anomalies in tables, by name."""

PICTURES: dict[str, Corruption] = {
    "impulse": Impulse(),
    "gaussian": GaussianNoise(),
    "speckle": Speckle(),
    "shot": Shot(),
    "dotted line": DottedLine(),
    "block": Block(),
    "stripe": Stripe(),
    "blur": Blur(),
    "rotate": Rotate(),
    "shear": Shear(),
    "translate": Translate(),
    "scale": Scale(),
    "brightness": Brightness(),
    "contrast": Contrast(),
    "inverse": Inverse(),
    "quantize": Quantize(),
    "shuffled": Shuffled(),
    "mixed": Mixed(),
    "repeated": Repeated(),
}
"""Kinds of anomalies in pictures, by name: pixels, occlusion, blur, geometry, intensity, dependency, cluster."""
