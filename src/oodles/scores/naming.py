"""Scores by name, with the number of draws."""

from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from typing import Any

from ..errors import ParameterError
from ..shapes import PerRow
from .combined import Combined, combination, combined

__all__ = ["named"]


def named(scores: Mapping[str, Callable[..., PerRow]], kind: str | Combined, *, owner: str) -> Callable[..., PerRow]:
    """The function behind a name: `elbo`, `iwae-500`, `reconstruction_probability-100-random` or `min(elbo, kl)`.

    Arguments:
        scores: Functions by name.
        kind: The name, and after a dash the draws, and after another `random`; or several `Combined`.
        owner: Whose scores they are, for the message.

    Raises:
        ParameterError: If there is no such score, or it takes no draws.
    """
    several = combination(kind)
    if several is not None:
        each = tuple(named(scores, one, owner=owner) for one in several.kinds)
        return partial(combined, scores=each, kinds=several.kinds, rule=several.rule)
    name, *asked = str(kind).split("-")
    score = scores.get(name)
    more: dict[str, Any] | None = {}
    if asked:
        count, *random = asked
        whole = count.isdigit() and int(count) >= 1 and random in ([], ["random"])
        more = {"draws": int(count), **({"random": True} if random else {})} if whole else None
    if score is None or more is None or not set(more) <= set(signature(score).parameters):
        raise ParameterError(f"{owner} has no score {kind!r} for scoring, but {', '.join(scores)}.")
    return partial(score, **more) if more else score
