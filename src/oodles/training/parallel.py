"""Members on several cores: groups of them, one thread each.

Large kernels can be split among threads, but threads that wait for each other at every kernel lose a good part of a
core. Members never meet: a group of them trains undisturbed until the step is over. The bits stay the same.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from copy import deepcopy
from functools import partial

import torch

from ..shapes import Batch, PerMember
from .minimizer import Minimizer
from .model import Model, of_members

__all__ = ["Step", "parted", "together"]

Step = Callable[[], dict[str, PerMember]]
"""One round of training on rows that lie where they always lie; returns what to log."""


def parted(model: Model, minimizer: Minimizer, batch: Batch, count: int) -> list[Step]:
    """The model's step as the steps of `count` groups of members, which do not get in each other's way."""
    ends = [model.members * i // count for i in range(count + 1)]
    steps: list[Step] = []
    for members in map(slice, ends, ends[1:]):
        some = part(model, members).train()
        steps.append(partial(some.step, batch[members], minimizer.part(some, members)))
    return steps


def part(model: Model, members: slice) -> Model:
    """The model of some members only; its numbers are theirs, in the same memory."""
    # Emptied, not replaced: whatever refers to the streams refers in the copy to the copy's.
    generators, model.draws.generators = model.draws.generators, []
    some = deepcopy(model)
    model.draws.generators = generators
    some.draws.generators = generators[members]
    some.members = members.stop - members.start
    theirs = of_members(model)
    for name, tensor in (*some.named_parameters(), *some.named_buffers()):
        if name in theirs:
            tensor.data = theirs[name].detach()[members]
    return some


def together(steps: list[Step], pool: ThreadPoolExecutor) -> Step:
    """All groups' steps as one, each in a thread of its own."""
    if len(steps) == 1:
        return steps[0]

    def step() -> dict[str, PerMember]:
        waiting = [pool.submit(copy_context().run, own) for own in steps]
        logs = [one.result() for one in waiting]
        return {name: torch.cat([log[name] for log in logs]) for name in logs[0]}

    return step
