"""Observation models p(x | parameters), one file each; `per_feature` is the primitive.

| name | what it says about a real column or a pixel |
|---|---|
| `bernoulli` | a real-valued target in [0, 1], read as a probability |
| `gaussian` | N(mean, 1) |
| `gaussian-global` | N(mean, σ²), one σ learned for all |
| `gaussian-column` | N(mean, σ²), one σ learned per column or pixel |
| `gaussian-row` | N(mean, σ²), σ given by the decoder for each row and column |
| `student` | Student-t with ν = 10, one σ learned per column or pixel |
| `gaussian-dequantized` | N(mean, 1) of an 8-bit level plus uniform noise |
| `gaussian-discretized` | the probability that N(mean, σ²) falls on an 8-bit level, one σ learned |

Binary columns are always Bernoulli and category columns always categorical, whatever the name.
"""

from collections.abc import Callable
from functools import partial

from ..errors import ParameterError
from ..layout import Kind, Layout
from .base import Likelihood
from .bernoulli import Bernoulli
from .categorical import Categorical
from .dequantized import DequantizedGaussian
from .discretized import DiscretizedGaussian
from .gaussian import Gaussian
from .mixed import Mixed
from .student import Student

__all__ = [
    "NAMES",
    "Bernoulli",
    "Categorical",
    "DequantizedGaussian",
    "DiscretizedGaussian",
    "Gaussian",
    "Likelihood",
    "Mixed",
    "Student",
    "from_layout",
    "support",
]

NAMES: dict[str, Callable[[Layout, int], Likelihood]] = {
    "bernoulli": Bernoulli,
    "gaussian": partial(Gaussian, spread="fixed"),
    "gaussian-global": partial(Gaussian, spread="global"),
    "gaussian-column": partial(Gaussian, spread="column"),
    "gaussian-row": partial(Gaussian, spread="row"),
    "student": Student,
    "gaussian-dequantized": DequantizedGaussian,
    "gaussian-discretized": DiscretizedGaussian,
}
"""Constructors `(layout, members) → Likelihood` for real columns and pixels."""


def from_layout(layout: Layout, name: str, members: int) -> Likelihood:
    """The likelihood of a whole row: `name` for its real columns or pixels, and what fits for the others.

    Raises:
        ParameterError: If the name is unknown, or is for pictures and the layout is a table.
    """
    if name not in NAMES:
        raise ParameterError(f"likelihood is {name!r}, but must be one of {', '.join(NAMES)}.")
    if name in ("gaussian-dequantized", "gaussian-discretized") and not layout.shape:
        raise ParameterError(f"likelihood={name!r} is for pictures of 8-bit levels; for a table use 'gaussian-column'.")
    makers: dict[Kind, Callable[[Layout, int], Likelihood]] = {
        "real": NAMES[name],
        "pixel": NAMES[name],
        "binary": Bernoulli,
        "category": Categorical,
    }
    parts = [make(layout.only(kind), members) for kind, make in makers.items() if layout.positions(kind)]
    return parts[0] if len(parts) == 1 else Mixed(layout, parts)


def support(name: str) -> str:
    """The range of real columns that a named likelihood can describe: `unit` ([0, 1]) or `line`."""
    return "unit" if name == "bernoulli" else "line"
