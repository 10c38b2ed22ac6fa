r"""Samples of a generator as proposals whose density is known.

References:
    | Monte Carlo theory, methods and examples, chapter 9 (Owen, 2013), https://artowen.su.domains/mc/
"""

import math
from collections.abc import Sequence

import torch

from ..nn import Draws
from ..shapes import Batch, PerRow

__all__ = ["proposed"]


@torch.no_grad()
def proposed(centers: Batch, draws: Draws, stds: Sequence[float]) -> tuple[Batch, PerRow]:
    r"""Rows x around centers c, and $\log q(x)$ of $q(x) = \frac{1}{BK} \sum_j \sum_k N(x;\ c_j, s_k^2 I)$ in nats.

    For a density $p \propto e^{-E}$, means over p are means over these rows weighed by $e^{-E(x)} / q(x)$: exact in the
    limit, and of use where rows have few columns.

    Arguments:
        centers: (M, B, D), such as a generator's samples.
        draws: The members' random streams.
        stds: $s_k$, K standard deviations; the largest should reach from one center to the next.
    """
    rows, columns = centers.shape[1:]
    spread = torch.tensor(stds, dtype=centers.dtype, device=centers.device)
    which = (draws.uniform(rows, 1) * len(stds)).long().clamp_max(len(stds) - 1)
    x = centers + spread[which] * draws.normal(rows, columns)
    apart = (x.unsqueeze(2) - centers.unsqueeze(1)).square().sum(-1).unsqueeze(-1)
    nats = -apart / (2 * spread.square()) - columns * spread.log()
    log_q: PerRow = nats.flatten(2).logsumexp(-1) - math.log(rows * len(stds)) - columns / 2 * math.log(2 * math.pi)
    return x, log_q
