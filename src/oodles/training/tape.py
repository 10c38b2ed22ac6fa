"""A round recorded once and repeated: what a CUDA graph is on a GPU, for a CPU.

On tiny networks most of a training step is Python: modules are called, a graph of gradients is built and walked, memory
is asked for and given back. None of it changes from step to step. A `Tape` notes the kernels of one round, with the
tensors that they read and write, and repeats them: the same kernels on the same memory, hence the same bits.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import torch
from torch import Tag, Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

__all__ = ["Recorded"]

T = TypeVar("T")
Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]

PLAIN = 3
"""Calls that are not recorded: a function that is called no more often is not worth it."""

BLIND = ("_like", "new_")
"""Parts of the names of functions that look at a tensor's shape and never at its numbers."""


class Recorded(Generic[T]):
    """A function without arguments, one call of which is recorded and repeated by every later one.

    As with a CUDA graph, Python no longer runs: the function reads its inputs from tensors that the caller fills in
    place, its results are then the same tensors every time, and it depends on no number of a tensor. A function that
    does look at one (`item`, `nonzero`, `if tensor`) is simply called again each time.

    Arguments:
        function: What is repeated; its random numbers must come from `torch.Generator` objects.
    """

    def __init__(self, function: Callable[[], T]) -> None:
        self.function = function
        self.tape = Tape()
        self.plain = 0
        self.result: T

    def __call__(self) -> T:
        """The function's result."""
        if self.tape.calls:
            self.tape.repeat()
            return self.result
        if self.plain < PLAIN or self.tape.looked:
            self.plain += 1
            return self.function()
        with self.tape:
            self.result = self.function()
        self.tape.close(self.result)
        return self.result


class Note:
    """One kernel that ran.

    Attributes:
        func: The kernel; if `writes`, into its arguments.
        args: What it read.
        result: What it gave.
        call: How to do it again.
    """

    def __init__(self, func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        self.func, self.args, self.result = func, args, result
        self.writes = func._schema.is_mutable
        self.call = repetition(func, args, kwargs, result)

    def always_gives(self, fixed: set[int]) -> bool:
        """Whether it gives the same numbers every time, if the memory in `fixed` does not change."""
        if self.writes or Tag.nondeterministic_seeded in self.func.tags:
            return False
        blind = any(part in self.func._schema.name for part in BLIND)
        return blind or fixed.issuperset(memory(self.args))


class Tape(TorchDispatchMode):
    """The kernels of a round, each with its arguments and the memory that it fills.

    Attributes:
        looked: Whether the function looked at a number, so that it cannot be repeated blindly.
        calls: What is to be called, once the tape is closed. A view is never among it, for memory stays where it is;
            neither is what would give the same numbers every time.
    """

    def __init__(self) -> None:
        super().__init__()
        self.looked = False
        self.calls: list[Call] = []
        self.notes: list[Note] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Let the compiler sleep: waking it takes a second."""
        return False

    def __torch_dispatch__(self, func: OpOverload, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute, and note how."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        self.looked |= Tag.data_dependent_output in func.tags or Tag.dynamic_output_shape in func.tags
        if func.namespace == "aten" and (func._schema.is_mutable or not is_view(args, result)):
            self.notes.append(Note(func, args, kwargs, result))
        return result

    def close(self, result: Any) -> None:
        """Turn the notes into calls: only what changes, and only what somebody reads."""
        if not self.looked:
            self.calls = [note.call for note in elided(read(changing(self.notes), result), result)]
        self.notes = []

    @torch.no_grad()
    def repeat(self) -> None:
        """Fill the same memory with new numbers."""
        for function, args, kwargs in self.calls:
            function(*args, **kwargs)


def changing(notes: list[Note]) -> Iterator[Note]:
    """The kernels whose results differ from round to round."""
    written = {piece for note in notes if note.writes for piece in memory(note.args)}
    fixed: set[int] = set()
    for note in notes:
        made = set(memory(note.result))
        if note.always_gives(fixed) and not made & written:
            fixed |= made
        elif "aten::empty" not in note.func._schema.name:
            yield note


def read(notes: Iterator[Note], result: Any) -> list[Note]:
    """The kernels whose results are read by a later one or returned."""
    kept, needed = [], set(memory(result))
    for note in reversed(list(notes)):
        if note.writes or not needed.isdisjoint(memory(note.result)):
            needed.update(memory(note.args))
            kept.append(note)
    return kept[::-1]


def elided(notes: list[Note], result: Any) -> list[Note]:
    """The same without copies of what one kernel made for nobody else: it may write to the copy's place at once."""
    readers = Counter(piece for note in notes for piece in set(memory(note.args)))
    readers.update(memory(result))
    kept: list[Note] = []
    for note in notes:
        if note.func is torch.ops.aten._foreach_copy_.default:
            left = [pair for pair in zip(*note.args[:2], strict=True) if not redirected(kept, readers, *pair)]
            note.call = (torch._foreach_copy_, tuple(map(list, zip(*left, strict=True))), {})
            if not left:
                continue
        kept.append(note)
    return kept


def redirected(before: list[Note], readers: Counter[int], place: Tensor, made: Tensor) -> bool:
    """Let the kernel that made a tensor write to `place` instead, if nobody but the copy reads the tensor."""
    if any(readers[piece] > 1 for piece in memory(made)):
        return False
    for note in reversed(before):
        if note.result is made and "out" in note.call[2]:
            note.call[2]["out"] = place
            return True
        if not set(memory(place)).isdisjoint(memory((note.args, note.result))):
            return False
    return False


def tensors(tree: Any) -> Iterator[Tensor]:
    """The tensors among arguments or results."""
    return (leaf for leaf in tree_iter(tree) if isinstance(leaf, Tensor))


def memory(tree: Any) -> Iterator[int]:
    """Which pieces of memory the tensors live in."""
    return (tensor.untyped_storage()._cdata for tensor in tensors(tree))


def is_view(args: Any, result: Any) -> bool:
    """Whether a function only gave its argument another shape."""
    return set(memory(result)) <= set(memory(args))


def repetition(func: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Call:
    """How to compute `result` again, into its own memory, with as little ado as possible."""
    if func._schema.is_mutable:
        return func, args, kwargs
    if func in (torch.ops.aten._to_copy.default, torch.ops.aten.clone.default):
        return Tensor.copy_, (result, args[0]), {}
    if isinstance(result, Tensor) and Tag.nondeterministic_seeded not in func.tags:
        trial = torch.empty_strided(result.shape, result.stride(), dtype=result.dtype)
        for function, name in candidates(func):
            try:
                function(*args, **kwargs, **{name: trial.zero_()})
            except (RuntimeError, TypeError, ValueError, NotImplementedError):
                continue
            if torch.equal(trial, result):
                return function, args, {**kwargs, name: result}

    def again() -> None:
        for old, new in zip(tensors(result), tensors(func(*args, **kwargs)), strict=True):
            old.copy_(new)

    return again, (), {}


def candidates(func: OpOverload) -> Iterator[tuple[Callable[..., Any], str]]:
    """Functions that fill given memory, the quickest to call first, and the name of the argument that gives it."""
    name = func._schema.name.removeprefix("aten::")
    for place in (torch, torch._C._nn):
        if (function := getattr(place, name, None)) is not None:
            yield function, "out"
    for overload in func.overloadpacket.overloads():
        function = getattr(func.overloadpacket, overload)
        filled = [argument.name for argument in function._schema.arguments if argument.is_out]
        if len(filled) == 1:
            yield function, filled[0]
