r"""Neural bounds on the mutual information I(X, Z) of pairs.

A statistics network T tells pairs (x, z) from pairs whose codes were shuffled. For a deterministic generator x = G(z),
$I(X, Z)$ moves with the entropy of x: maximizing a bound over G spreads the samples out.

References:
    | f-GAN (Nowozin et al., 2016), https://arxiv.org/abs/1606.00709
    | Mutual Information Neural Estimation (Belghazi et al., 2018), https://arxiv.org/abs/1801.04062
    | Representation Learning with Contrastive Predictive Coding (van den Oord et al., 2018),
    | https://arxiv.org/abs/1807.03748
    | Learning Deep Representations by Mutual Information Estimation and Maximization (Hjelm et al., 2018),
    | https://arxiv.org/abs/1808.06670
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ..nn import Draws
from ..shapes import Codes, PerMember, PerRow

__all__ = ["INFORMATION", "JSD", "MINE", "SHUFFLES", "InfoNCE", "Information", "Statistics", "shuffled"]

Statistics = Callable[[Codes], PerRow]
"""T(x, ·) for the rows of a batch: codes (M, B, L) → one number for each pair, (M, B)."""

SHUFFLES = ("dimensions", "rows")
"""How codes lose their rows: each dimension by itself, as Algorithm 1 of Kumar et al. says, or whole rows, as their
code does."""


def shuffled(z: Codes, draws: Draws, by: str = "dimensions") -> Codes:
    """The codes of a batch in other rows, (M, B, L): what T should tell from the true pairs."""
    columns = z.shape[2] if by == "dimensions" else 1
    order = draws.uniform(z.shape[1], columns).argsort(1)
    return z.gather(1, order.expand_as(z))


class Information(nn.Module, ABC):
    """A bound on I(X, Z), to be maximized over T, and over what made x.

    Arguments:
        members: Number of members, M.
    """

    def __init__(self, members: int) -> None:
        super().__init__()
        self.members = members

    @abstractmethod
    def forward(self, statistics: Statistics, z: Codes, others: Codes) -> PerMember:
        """The bound, given T for a batch of rows, their codes, and the same codes shuffled."""


class JSD(Information):
    r"""$E_{p(x,z)}[-s(-T)] - E_{p(x)p(z)}[s(T)]$ with $s(a) = \log(1 + e^a)$.

    It lies between $-2 \log 2$ and 0 at the best T, grows with I and is no estimate of it in nats.
    """

    def forward(self, statistics: Statistics, z: Codes, others: Codes) -> PerMember:
        """The bound."""
        return -softplus(-statistics(z)).mean(-1) - softplus(statistics(others)).mean(-1)


class MINE(Information):
    r"""Donsker & Varadhan's bound in nats, $E_{p(x,z)}[T] - \log E_{p(x)p(z)}[e^T]$.

    The gradient of the logarithm divides by $E[e^T]$, which a small batch estimates with a bias: in training a moving
    average of it stands there instead.
    """

    MOMENTUM = 0.01
    log_average: Tensor

    def __init__(self, members: int) -> None:
        super().__init__(members)
        self.register_buffer("log_average", torch.full((members,), torch.nan))

    def forward(self, statistics: Statistics, z: Codes, others: Codes) -> PerMember:
        """The bound; its gradient is the corrected one."""
        log_mean = statistics(others).logsumexp(-1) - math.log(z.shape[1])
        if self.training:
            with torch.no_grad():
                now = log_mean.detach()
                last = torch.where(self.log_average.isnan(), now, self.log_average)
                weighed = torch.stack([last + math.log1p(-self.MOMENTUM), now + math.log(self.MOMENTUM)])
                self.log_average.copy_(weighed.logsumexp(0))
            ratio = (log_mean - self.log_average).exp()
            log_mean = log_mean.detach() + ratio - ratio.detach()
        return statistics(z).mean(-1) - log_mean


class InfoNCE(Information):
    r"""$E[\log (e^{T(x_i, z_i)} / \frac1K \sum_k e^{T(x_i, z_k)})]$ in nats: at most $\log K$.

    The other codes of the batch are the contrast, K of them in turn; shuffled ones are not needed.
    """

    CONTRAST = 16

    def forward(self, statistics: Statistics, z: Codes, others: Codes) -> PerMember:  # noqa: ARG002 - all are called alike
        """The bound."""
        count = min(self.CONTRAST, z.shape[1])
        scores = torch.stack([statistics(z.roll(shift, 1)) for shift in range(count)])
        return (scores[0] - scores.logsumexp(0)).mean(-1) + math.log(count)


INFORMATION: dict[str, Callable[[int], Information]] = {"jsd": JSD, "mine": MINE, "infonce": InfoNCE}
"""Constructors `(members) → Information` by name."""
