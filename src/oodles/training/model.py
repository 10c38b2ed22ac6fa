"""What a model is: networks, a loss, and one training round."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol, runtime_checkable

from torch import Tensor, nn

from ..nn import Draws
from ..shapes import Batch, PerMember, PerRow

__all__ = ["LossModel", "Minimize", "Model", "Scored", "of_members"]


@runtime_checkable
class Minimize(Protocol):
    """Moves one player's parameters against a loss, and no other's."""

    def __call__(self, loss: PerMember, *, over: nn.Module) -> None:
        """An alternating move: `over` descends `loss`; later losses see the new parameters."""

    def together(self, *moves: tuple[PerMember, nn.Module]) -> None:
        """A simultaneous move: every gradient is taken before any player steps."""


class Scored(nn.Module, ABC):
    """What scores rows, however it came to be.

    Attributes:
        scores: Functions `(model, x) → PerRow` by name; larger is stranger.
        members: Number of members, M.
        missing: Encoded columns with missing cells in training.
        work: Floating-point operations of what was applied to a chunk of rows, by name.
        panel: What the scores that a detector combines say of learned rows; None if it combines none.
    """

    scores: ClassVar[Mapping[str, Callable[..., PerRow]]] = {}
    members: int
    missing: list[int]
    work: dict[str, float]
    panel: Any


class Model(Scored):
    """Networks with a member axis, and the round that trains them.

    Attributes:
        players: Names of the modules that move separately; empty if the whole model moves at once.
        draws: The members' random streams, for training and sampling; scoring never uses them.
    """

    players: tuple[str, ...] = ()
    draws: Draws

    @abstractmethod
    def step(self, x: Batch, minimize: Minimize) -> dict[str, PerMember]:
        """One round of training on a batch; returns what to log, on the device.

        It only computes: a detector records one step and repeats its kernels, so that other Python in it (a counter, a
        branch on a number) runs a few times and no more. The batch's memory is filled anew for every step.
        """

    @abstractmethod
    def criterion(self, x: Batch) -> PerRow:
        """What early stopping watches, without randomness: smaller is better."""


def of_members(model: Model) -> dict[str, Tensor]:
    """What changes in training, with a member axis: all but the model's own constants, such as fixed draws."""
    parameters = dict(model.named_parameters())
    return {name: tensor for name, tensor in model.state_dict().items() if "." in name or name in parameters}


class LossModel(Model):
    """A model that descends one loss."""

    @abstractmethod
    def loss(self, x: Batch) -> PerRow:
        """The loss of each row."""

    def step(self, x: Batch, minimize: Minimize) -> dict[str, Tensor]:
        """One gradient step on the batch's mean loss."""
        loss = self.loss(x).mean(-1)
        minimize(loss, over=self)
        return {"loss": loss.detach()}
