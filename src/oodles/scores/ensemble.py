"""What several models say together.

References:
    | WAIC, but Why? Generative Ensembles for Robust Anomaly Detection (Choi et al., 2018),
    | https://arxiv.org/abs/1810.01392
    | Likelihood Ratios for Out-of-Distribution Detection (Ren et al., 2019), https://arxiv.org/abs/1906.02845
"""

from ..errors import ParameterError
from ..shapes import Batch, PerRow
from .likelihood import elbo
from .protocols import Backed, Posterior

__all__ = ["likelihood_ratio", "waic"]


def waic(model: Posterior, x: Batch, draws: int = 4) -> PerRow:
    r"""$-(\text{mean}_m \log p_m(x) - \text{var}_m \log p_m(x))$ over the members, with the ELBO for log p, in nats.

    All members say the same number. With one member there is no variance, and the score is `elbo`; as is its cost.
    """
    surprises = elbo(model, x, draws)
    return (surprises.mean(0) + surprises.var(0, correction=0)).expand_as(surprises)


def likelihood_ratio(model: Backed, x: Batch, draws: int = 4) -> PerRow:
    r"""$-(\log p(x) - \log p_{\text{background}}(x))$ in nats, with the ELBO for both.

    The background model learned from rows in which a share of the cells was spoiled: what it knows as well, such as
    how many pixels are black, says nothing about the kind of a picture. It costs twice as much as `elbo`.

    Raises:
        ParameterError: If the model has no background model.
    """
    if model.background is None:
        raise ParameterError("The score likelihood_ratio needs a background model: fit with background=0.2 or so.")
    return elbo(model, x, draws) - elbo(model.background, x, draws)
