"""Networks through the eye of a needle: pictures → a number → pictures, classical (A1) and variational (A2).

References:
    | Analysis of classical vs variational autoencoders for anomaly detection (Patuzzo, 2020)
"""

from abc import abstractmethod
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from ..nn import ACTIVATIONS, Draws, Linear, initialize
from ..nn.layers import glorot
from ..scores import normal_points
from ..shapes import Batch, Codes, PerRow
from ..training import LossModel

__all__ = ["A1", "A2", "READINGS", "Hourglass", "Reading", "hourglass", "sharpened"]

Reading = Literal["", "S", "V", "T"]
"""How equation 1 is read; nothing where there is none."""

READINGS: dict[str, tuple[float, float]] = {"V": (0.5, 1.0), "S": (1.0, 1.0), "T": (1.0, 2.0)}
r"""(s, t) of $\sigma = e^{s b}$ and $KL = -\frac12 (1 + t b - a^2 - e^{t b})$, for the encoder's two numbers a and b.

`V`: b is the logarithm of the variance, and the KL is a Gaussian's. `S`: as printed; σ = e^b is drawn with, and e^b
stands in the KL as if it were the variance, which charges half as much for a small σ. `T`: b is the logarithm of σ
everywhere, a Gaussian's KL again. All have their minimum at b = 0."""

POINTS = 8
"""Fixed draws of z at which a restart is judged."""

RELU = ACTIVATIONS["relu"]


def sharpened(outputs: Tensor) -> Tensor:
    """The Heaviside function of the inverse sigmoid of outputs in [0, 1]: black or white, and no gray."""
    return (outputs.logit() > 0).to(outputs)


class Hourglass(LossModel):
    """D pixels → H ReLU units → a code of L numbers → H ReLU units → D sigmoid units; L1 to L4 in the paper.

    Weights begin as Glorot & Bengio's uniform ones, biases at 0.

    Arguments:
        pixels: Number of pixels D.
        hidden: Units H of L1 and L3.
        bottleneck: Numbers L of the code.
        members: Number of members M.
        heads: Numbers that the encoder gives for each one of the code.
    """

    def __init__(self, pixels: int, hidden: int, bottleneck: int, members: int, heads: int) -> None:
        super().__init__()
        self.members, self.missing, self.work = members, [], {}
        self.first = Linear(pixels, hidden, members, glorot)
        self.second = Linear(hidden, heads * bottleneck, members, glorot)
        self.third = Linear(bottleneck, hidden, members, glorot)
        self.fourth = Linear(hidden, pixels, members, glorot)

    @abstractmethod
    def code(self, x: Batch) -> Codes:
        """The number in the bottleneck; the mean, if it is random."""

    def encoded(self, x: Batch) -> Tensor:
        """What the encoder gives, (M, B, heads · L)."""
        numbers: Tensor = self.second(RELU(self.first(x)))
        return numbers

    def logits(self, z: Codes) -> Tensor:
        """The outputs before the sigmoid, (M, B, D)."""
        numbers: Tensor = self.fourth(RELU(self.third(z)))
        return numbers

    def restored(self, x: Batch) -> Batch:
        """The outputs for pictures, (M, B, D); a random code is replaced by its mean."""
        return self.logits(self.code(x)).sigmoid()

    def error(self, x: Batch, z: Codes) -> PerRow:
        """The mean squared error of the outputs for these codes, in squared units of a pixel."""
        return mse_loss(self.logits(z).sigmoid(), x, reduction="none").mean(-1)

    def weights(self, layer: Linear) -> Tensor:
        """A layer's weights without their filling, (M, inputs, outputs)."""
        return layer.weight.detach()[:, : layer.inputs, : layer.outputs]


class A1(Hourglass):
    """The classical one: it descends the mean squared error."""

    def __init__(self, pixels: int, hidden: int, bottleneck: int, members: int) -> None:
        super().__init__(pixels, hidden, bottleneck, members, heads=1)

    def code(self, x: Batch) -> Codes:
        """The number in the bottleneck."""
        return self.encoded(x)

    def loss(self, x: Batch) -> PerRow:
        """The mean squared error."""
        return self.error(x, self.code(x))

    def criterion(self, x: Batch) -> PerRow:
        """The loss."""
        return self.loss(x)


class A2(Hourglass):
    r"""The variational one: $z = a + \sigma\epsilon$ with $\epsilon \sim N(0, I)$, and a loss of two terms.

    `literal` is equation 1 as printed, MSE + mean KL over the codes: it weighs the pixels' *mean* error against whole
    nats, which is a Gaussian of $\sigma_x = \sqrt{D / 2}$ around every pixel, and the code is not worth its price.
    Else it is D · MSE + sum of the KL, as in the examples that the paper cites.

    Arguments:
        pixels: Number of pixels D.
        hidden: Units H of L1 and L3.
        bottleneck: Numbers L of the code.
        members: Number of members M.
        reading: A key of `READINGS`.
        literal: Which weighting.
    """

    points: Tensor

    def __init__(
        self, pixels: int, hidden: int, bottleneck: int, members: int, reading: Reading = "S", *, literal: bool = False
    ) -> None:
        super().__init__(pixels, hidden, bottleneck, members, heads=2)
        self.drawn, self.priced = READINGS[reading]
        self.weight = 1.0 if literal else float(pixels)
        self.share = 1 / bottleneck if literal else 1.0
        self.register_buffer("points", normal_points(POINTS, bottleneck), persistent=False)

    def posterior(self, x: Batch) -> tuple[Codes, Codes, PerRow]:
        """Mean and standard deviation of the code, and the KL term."""
        a, b = self.encoded(x).chunk(2, dim=-1)
        log = self.priced * b
        kl = -0.5 * (1 + log - a.square() - log.exp()).sum(-1)
        return a, (self.drawn * b).exp(), self.share * kl

    def code(self, x: Batch) -> Codes:
        """The mean a."""
        return self.posterior(x)[0]

    def loss(self, x: Batch) -> PerRow:
        """Both terms, with one draw of z."""
        mean, std, kl = self.posterior(x)
        return self.weight * self.error(x, mean + std * self.draws.normal(*mean.shape[1:])) + kl

    def criterion(self, x: Batch) -> PerRow:
        """Both terms, averaged over a few fixed draws."""
        mean, std, kl = self.posterior(x)
        errors = torch.stack([self.error(x, mean + std * point) for point in self.points])
        return self.weight * errors.mean(0) + kl


def hourglass(
    pixels: int,
    hidden: int,
    bottleneck: int,
    seeds: list[int],
    reading: Reading,
    *,
    literal: bool,
    device: torch.device,
) -> Hourglass:
    """An untrained A2, or an A1 where there is no reading, with one member for each seed."""
    members = len(seeds)
    model: Hourglass = (
        A2(pixels, hidden, bottleneck, members, reading, literal=literal)
        if reading
        else A1(pixels, hidden, bottleneck, members)
    )
    model.to(device).draws = Draws(seeds, device)
    initialize(model, model.draws)
    return model
