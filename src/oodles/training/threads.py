"""How many threads a computation deserves.

On a shared machine two threads on a tiny network are many times slower than one, so the count follows the work.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

__all__ = ["LARGE", "fixed_threads", "flops", "threads_for"]

SMALL = 500e6
"""Floating-point operations below which a second thread costs more than it brings."""

LARGE = 10e9
"""Floating-point operations above which repeating a call blindly saves nothing worth its memory."""

BALANCED = 0.9
"""Share of the threads' time that groups of equal parts must keep busy, if they are to have a thread each."""

FIXED: ContextVar[int | None] = ContextVar("FIXED", default=None)


@contextmanager
def fixed_threads(count: int | None) -> Iterator[None]:
    """Within the block, `threads_for` uses this count; None leaves the choice to it."""
    token = FIXED.set(count)
    try:
        yield
    finally:
        FIXED.reset(token)


@contextmanager
def threads_for(work: float, *, parts: int = 1) -> Iterator[int]:
    """One thread for small work (in floating-point operations per call), all of them for large; restored after.

    Large work that falls into `parts` which never meet is better done part by part, if every thread gets as many: the
    block is told how many threads to start, and kernels within it use one.
    """
    before = torch.get_num_threads()
    allowed = FIXED.get() or before
    apart = min(parts, allowed)
    if work < SMALL or parts / (apart * -(-parts // apart)) < BALANCED:
        apart = 1
    torch.set_num_threads(1 if apart > 1 or (FIXED.get() is None and work < SMALL) else allowed)
    try:
        yield apart
    finally:
        torch.set_num_threads(before)


class Work(TorchDispatchMode):
    """Counts floating-point operations."""

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0.0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Let the compiler sleep: waking it takes a second."""
        return False

    def __torch_dispatch__(self, func: OpOverload, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute, and count."""
        result = func(*args, **(kwargs or {}))
        if func.overloadpacket in flop_registry:
            self.flops += flop_registry[func.overloadpacket](*args, **(kwargs or {}), out_val=result)
        return result


@torch.no_grad()
def flops(function: Callable[[], object]) -> float:
    """Floating-point operations of the matrix products and convolutions in one call."""
    with Work() as work:
        function()
    return work.flops
