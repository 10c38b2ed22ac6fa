"""A round captured as a CUDA graph: what a `Tape` is on a CPU, for a GPU."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import torch

from .tape import Recorded

__all__ = ["repeated"]

T = TypeVar("T")

WARM = 3
"""Plain calls before the capture: libraries choose their kernels and ask for their memory in them."""


class Captured(Generic[T]):
    """A function without arguments whose kernels are captured once and launched together by every later call.

    Arguments:
        function: What is repeated, under the conditions of `Recorded`; no kernel may wait for the host.
        generators: Where its random numbers come from.
    """

    def __init__(self, function: Callable[[], T], generators: Sequence[torch.Generator]) -> None:
        self.function, self.generators = function, generators
        self.graph: torch.cuda.CUDAGraph | None = None
        self.plain = 0
        self.result: T

    def __call__(self) -> T:
        """The function's result."""
        if self.graph is not None:
            self.graph.replay()
            return self.result
        if self.plain < WARM:
            self.plain += 1
            aside = torch.cuda.Stream()
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):
                result = self.function()
            torch.cuda.current_stream().wait_stream(aside)
            return result
        graph = torch.cuda.CUDAGraph()
        for generator in self.generators:
            graph.register_generator_state(generator)
        with torch.cuda.graph(graph):
            self.result = self.function()
        self.graph = graph
        graph.replay()  # a capture computes nothing
        return self.result


def repeated(
    function: Callable[[], T], device: torch.device, generators: Sequence[torch.Generator] = ()
) -> Callable[[], T]:
    """The function, prepared to be called again and again on this device."""
    return Captured(function, generators) if device.type == "cuda" else Recorded(function)
