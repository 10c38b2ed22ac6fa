"""What a model says of the class of a row.

References:
    | Semi-Supervised Learning with Deep Generative Models (Kingma et al., 2014), https://arxiv.org/abs/1406.5298
"""

from ..shapes import Batch, PerRow
from .likelihood import elbo
from .protocols import Classifies

__all__ = ["classified_elbo", "log_odds"]


def log_odds(model: Classifies, x: Batch) -> PerRow:
    r"""$\log q(y = 1|x) - \log q(y = 0|x)$ in nats: how much likelier a row is an anomaly of a known kind than usual.

    Without a labeled anomaly, nobody told the model which class is which, and it says nothing about strangeness.
    """
    log_q = model.log_classes(x)
    return log_q[..., 1] - log_q[..., 0]


def classified_elbo(model: Classifies, x: Batch, draws: int = 4) -> PerRow:
    r"""`elbo` $/ F - \log q(y = 0|x)$ in nats: how little a row looks usual, and how little it is called usual.

    The bound grows with the F features, and the other term does not: their mean keeps the one from drowning the other.
    """
    return elbo(model, x, draws) / model.likelihood.layout.features - model.log_classes(x)[..., 0]
