"""Scores by name, with the number of draws."""

from collections.abc import Callable, Mapping
from functools import partial
from inspect import signature
from typing import Any

from ..errors import ParameterError
from ..shapes import PerRow

__all__ = ["named"]


def named(scores: Mapping[str, Callable[..., PerRow]], kind: str, *, owner: str) -> Callable[..., PerRow]:
    """The function behind a name such as `elbo`, `iwae-500` or `reconstruction_probability-100-random`.

    Arguments:
        scores: Functions by name.
        kind: The name, and after a dash the draws, and after another `random`.
        owner: Whose scores they are, for the message.

    Raises:
        ParameterError: If there is no such score, or it takes no draws.
    """
    name, *asked = kind.split("-")
    score = scores.get(name)
    more: dict[str, Any] | None = {}
    if asked:
        count, *random = asked
        whole = count.isdigit() and int(count) >= 1 and random in ([], ["random"])
        more = {"draws": int(count), **({"random": True} if random else {})} if whole else None
    if score is None or more is None or not set(more) <= set(signature(score).parameters):
        raise ParameterError(f"{owner} has no score {kind!r} for scoring, but {', '.join(scores)}.")
    return partial(score, **more) if more else score
