"""Gradient steps, one optimizer per player."""

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from itertools import accumulate

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ..shapes import PerMember
from .model import Model

__all__ = ["Minimizer"]

ALIGNED = 16
"""Numbers in a cache line: what starts at a multiple of it is rounded alike wherever it lies."""


def gathered(tensors: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """One (M, P) tensor of zeros and, for each (M, …) tensor, a view into it that starts at an aligned address.

    A fused update of the whole is faster than one of many parts, and it treats a member's numbers as it would in a
    stack of one: no number lies in a ragged end, where vector code rounds differently.
    """
    sizes = [tensor[0].numel() for tensor in tensors]
    starts = [0, *accumulate(size + -size % ALIGNED for size in sizes)]
    flat = tensors[0].new_zeros(len(tensors[0]), starts[-1])
    pieces = zip(tensors, starts, sizes, strict=False)
    return flat, [flat[:, start : start + size].unflatten(1, tensor.shape[1:]) for tensor, start, size in pieces]


def players_of(model: Model) -> list[nn.Module]:
    """What moves separately."""
    return [getattr(model, name) for name in model.players] or [model]


class Minimizer:
    """Gradient steps on one player's parameters, never on another's.

    Members share no parameter and the optimizers are element-wise, so the gradient of the sum over members moves
    each member exactly as its own loss would.

    Arguments:
        model: The model whose `players` move.
        optimizer: Makes an optimizer of parameters; it must be element-wise.
    """

    def __init__(self, model: Model, optimizer: Callable[[Iterable[nn.Parameter]], Optimizer]) -> None:
        self.optimizer = optimizer
        self.parameters = {player: tuple(player.parameters()) for player in players_of(model)}
        self.gradients: dict[nn.Module, list[Tensor]] = {}
        self.wholes: dict[nn.Module, nn.Parameter] = {}
        self.parts: list[Minimizer] = []
        for player, parameters in self.parameters.items():
            values, views = gathered([parameter.detach() for parameter in parameters])
            for parameter, view in zip(parameters, views, strict=True):
                parameter.data = view.copy_(parameter.detach())
            self.wholes[player] = nn.Parameter(values)
            self.wholes[player].grad, self.gradients[player] = gathered(parameters)
        self.optimizers = {player: optimizer([whole]) for player, whole in self.wholes.items()}

    def part(self, model: Model, members: slice) -> "Minimizer":
        """The same for a model of some members, whose parameters lie in the same memory; it goes on where this stands.

        From then on the parts move, and this one only answers for their state.
        """
        part = copy(self)
        self.parts.append(part)
        part.parts, part.optimizers = [], {}
        part.parameters = {player: tuple(player.parameters()) for player in players_of(model)}
        part.gradients = {
            player: [gradient[members] for gradient in gradients]
            for player, gradients in zip(part.parameters, self.gradients.values(), strict=True)
        }
        for player, whole, optimizer in zip(
            part.parameters, self.wholes.values(), self.optimizers.values(), strict=True
        ):
            own = nn.Parameter(whole.detach()[members])
            own.grad = None if whole.grad is None else whole.grad[members]
            part.optimizers[player] = self.optimizer([own])
            for name, value in optimizer.state[whole].items():
                part.optimizers[player].state[own][name] = value[members] if value.dim() else value.clone()
        return part

    def __call__(self, loss: PerMember, *, over: nn.Module) -> None:
        """An alternating move: `over` descends `loss`; later losses see the new parameters."""
        self.together((loss, over))

    def together(self, *moves: tuple[PerMember, nn.Module]) -> None:
        """A simultaneous move: every gradient is taken before any player steps."""
        gradients = [
            torch.autograd.grad(loss.sum(), self.parameters[over], retain_graph=len(moves) > 1) for loss, over in moves
        ]
        for (_, over), gradient in zip(moves, gradients, strict=True):
            torch._foreach_copy_(self.gradients[over], gradient)
            self.optimizers[over].step()
            # The parameters are views of what was stepped: say that they moved, so that a stale graph is an error.
            torch.autograd.graph.increment_version(self.parameters[over])

    def scale_lr(self, factor: float) -> None:
        """Let every optimizer step with `factor` times its first learning rate."""
        for part in self.parts:
            part.scale_lr(factor)
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                lr = group.setdefault("first_lr", float(group["lr"])) * factor
                # In place where it can be: what is recorded or captured goes on reading the same number.
                group["lr"] = group["lr"].fill_(lr) if isinstance(group["lr"], Tensor) else lr

    def state(self) -> dict[str, Tensor]:
        """Every optimizer's memory as named tensors."""
        if self.parts:
            states = [part.state() for part in self.parts]
            return {
                name: torch.cat([state[name] for state in states]) if tensor.dim() else tensor
                for name, tensor in states[0].items()
            }
        return {
            f"{player}.{index}.{key}": value
            for player, optimizer in enumerate(self.optimizers.values())
            for index, memory in optimizer.state_dict()["state"].items()
            for key, value in memory.items()
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Continue from a `state`."""
        for player, optimizer in enumerate(self.optimizers.values()):
            memories: dict[int, dict[str, Tensor]] = {}
            for name, value in state.items():
                owner, index, key = name.split(".", 2)
                if int(owner) == player:
                    memories.setdefault(int(index), {})[key] = value
            optimizer.load_state_dict({**optimizer.state_dict(), "state": memories})
