r"""Several scores as one.

Each score $s_k$ becomes a surprise $t_k = -\log p_k$ in nats, where $p_k$ is the share of learned rows that are at
least as strange; beyond their 90 % quantile it goes on along a generalized Pareto tail, so that no anomaly is too
strange to be told from a stranger one. A rule makes one number of them. What the rule assumes about dependence only
shapes the ranking: the detector calibrates the result like any other score, on rows that nothing here has seen, so that
its p-values are valid whatever the rule.

References:
    | Statistical Methods for Research Workers (Fisher, 1925)
    | The American Soldier (Stouffer et al., 1949)
    | Cauchy Combination Test (Liu & Xie, 2020), https://arxiv.org/abs/1808.09011
    | Density of States Estimation for Out-of-Distribution Detection (Morningstar et al., 2021),
    | https://arxiv.org/abs/2006.09273
    | Parameter and Quantile Estimation for the Generalized Pareto Distribution (Hosking & Wallis, 1987)
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import ParameterError
from ..shapes import Batch, PerRow
from .statistics import rarity

__all__ = ["RULES", "Combined", "Panel", "combination", "combined", "each"]

ROWS = 1024

TAIL = 0.1
"""Share of the learned rows that the tail is fitted to."""

MOST = 1e12
"""Nats of surprise at most: infinite scores stay comparable."""

FAR = 300.0
"""Nats beyond which a sum of inverse p-values is taken from its logarithm."""


def mean_rank(t: Tensor) -> Tensor:
    r"""$\frac1K \sum_k (1 - p_k)$: a share."""
    return -torch.expm1(-t).mean(-1)


def fisher(t: Tensor) -> Tensor:
    r"""$-\log \prod_k p_k = \sum_k t_k$, in nats. Brown's correction for dependence would only scale it."""
    return t.sum(-1)


def stouffer(t: Tensor) -> Tensor:
    r"""$\frac{1}{\sqrt K} \sum_k z_k$ with $z_k = \Phi^{-1}(1 - p_k)$, in deviations."""
    return deviations(t).sum(-1) / t.shape[-1] ** 0.5


def cauchy(t: Tensor) -> Tensor:
    r"""$-\log(\frac12 - \frac1\pi \arctan T)$ with $T = \frac1K \sum_k \tan((\frac12 - p_k) \pi)$, in nats.

    Far out, T is the mean of $1 / \pi p_k$: the strangest score decides, however the scores depend on each other.
    """
    p = t.clamp_max(FAR).neg().exp()
    near = -(torch.atan2(torch.ones_like(p[..., 0]), (1 / (math.pi * p).tan()).mean(-1)) / math.pi).log()
    return torch.where(t.amax(-1) < FAR, near, t.logsumexp(-1) - math.log(t.shape[-1]))


def smallest(t: Tensor) -> Tensor:
    r"""$-\log \min_k p_k$, in nats."""
    return t.amax(-1)


def rarest(t: Tensor, usual: Tensor) -> Tensor:
    r"""Minus the logarithm of the density of $(z_1, \dots, z_K)$ among learned rows, in nats up to a constant.

    Rows that are strangely normal are strange, too.
    """
    return rarity(deviations(t), deviations(usual))


RULES: dict[str, Callable[..., Tensor]] = {
    "mean": mean_rank,
    "fisher": fisher,
    "stouffer": stouffer,
    "cauchy": cauchy,
    "min": smallest,
    "density": rarest,
}
"""Rules by name: surprises (…, B, K) → one number for each row; `density` looks at those of learned rows, too."""


@dataclass(frozen=True)
class Combined:
    """Several scores of a detector as one, for its `scoring`: `Combined(("elbo", "latent_norm"), "fisher")`.

    The command line writes it as `fisher(elbo, latent_norm)`, which `scoring` takes as well.

    Attributes:
        kinds: Names of two scores or more.
        rule: A key of `RULES`.

    Raises:
        ParameterError: If there are fewer, or one comes twice, or the rule is unknown.
    """

    kinds: tuple[str, ...]
    rule: str = "fisher"

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ParameterError(
                f"{self.rule!r} does not say how to combine scores: expected one of {', '.join(RULES)}."
            )
        if isinstance(self.kinds, str) or len(set(self.kinds)) < max(len(self.kinds), 2):
            raise ParameterError(f"{self} combines nothing: expected the names of two different scores or more.")

    def __str__(self) -> str:
        return f"{self.rule}({', '.join(self.kinds)})"


def combination(scoring: Any) -> Combined | None:
    """What `scoring` combines, given as a value or in words; None if it names a single score.

    Raises:
        ParameterError: If it makes no sense.
    """
    if isinstance(scoring, Combined):
        return scoring
    words = re.fullmatch(r"(\w+)\((.*)\)", scoring.strip()) if isinstance(scoring, str) else None
    return words and Combined(tuple(kind.strip() for kind in words[2].split(",")), words[1])


class Panel(nn.Module):
    """What some scores say of rows that were learned: (M, 1024, K).

    Arguments:
        kinds: Their names.
        members: Number of members, M.
    """

    scores: Tensor

    def __init__(self, kinds: tuple[str, ...], members: int) -> None:
        super().__init__()
        self.kinds = kinds
        self.register_buffer("scores", torch.zeros(members, ROWS, len(kinds), dtype=torch.float64))


def each(model: Any, x: Batch, *, scores: Sequence[Callable[..., PerRow]]) -> Tensor:
    """What every score says of rows, (M, B, K) in float64."""
    return torch.stack([score(model, x).double() for score in scores], dim=-1)


def combined(
    model: Any, x: Batch, *, scores: Sequence[Callable[..., PerRow]], kinds: tuple[str, ...], rule: str
) -> PerRow:
    """The scores' members' means, each as a surprise, under one rule: (M, B), the same number for all members.

    Raises:
        ParameterError: If the model has not learned how these scores are distributed.
    """
    panel = getattr(model, "panel", None)
    if panel is None or not set(kinds) <= set(panel.kinds):
        asked = Combined(kinds, rule)
        raise ParameterError(f"'{asked}' needs to know what these scores say of learned rows: fit with it as scoring.")
    usual = panel.scores.mean(0)[:, [panel.kinds.index(kind) for kind in kinds]]
    here = each(model, x, scores=scores).mean(0)
    t = surprises(here, usual)
    said = rarest(t, surprises(usual, usual)) if rule == "density" else RULES[rule](t)
    return said.expand(len(x), -1)


def surprises(scores: Tensor, usual: Tensor) -> Tensor:
    """Each score as a surprise among the usual ones of its kind, (B, K) and (n, K) → (B, K)."""
    return torch.stack([surprise(s, u) for s, u in zip(scores.unbind(-1), usual.unbind(-1), strict=True)], dim=-1)


def surprise(s: Tensor, usual: Tensor) -> Tensor:
    r"""$-\log p$ in nats of scores (B,), where p is the share of `usual` scores (n,) that are at least as large.

    At a usual score v up to the 90 % quantile u, p is $\frac{1 + \#\{v' \ge v\}}{n + 1}$, and at most n / (n + 1);
    between two of them, $-\log p$ is linear. Beyond, it is $-\log p(u) + \frac1\xi \log(1 + \xi (s - u) / \beta)$ with
    $\xi \ge 0$ and $\beta$ from probability-weighted moments.
    """
    v = usual.sort().values
    n = len(v)
    above = torch.arange(n, 0, -1, dtype=v.dtype, device=v.device)
    nats = -((above + 1).clamp_max(n) / (n + 1)).log()
    cut = n - max(round(TAIL * n), 2)
    right = torch.searchsorted(v[: cut + 1].contiguous(), s.detach().contiguous()).clamp(1, cut)
    low, high = v[right - 1], v[right]
    way = ((s - low) / (high - low).clamp_min(torch.finfo(v.dtype).tiny)).clamp(0, 1)
    inside = nats[right - 1] + way * (nats[right] - nats[right - 1])

    excess = v[cut:] - v[cut]
    weight = above[cut:].sub(0.65) / len(excess)
    first, second = excess.mean(), (weight * excess).mean()
    shape = (2 - first / (first - 2 * second).clamp_min(1e-12 * first + 1e-300)).clamp(0, 0.9)
    scale = (first * (1 - shape)).clamp_min(1e-9 * v.abs().amax() + 1e-30)
    beyond = (s - v[cut]).clamp_min(0) / scale
    tail = torch.where(shape > 1e-6, (shape * beyond).log1p() / shape.clamp_min(1e-6), beyond)
    return torch.where(s > v[cut], nats[cut] + tail, inside).clamp_max(MOST)


def deviations(t: Tensor) -> Tensor:
    r"""$z = \Phi^{-1}(1 - e^{-t})$: surprises in nats as deviations of a standard normal number."""
    far = t.clamp_min(FAR)
    inside = -torch.special.ndtri(t.clamp_max(FAR).neg().exp())
    return torch.where(t < FAR, inside, (2 * far - (4 * math.pi * far).log()).sqrt())
