"""Numbers left out at random, from the members' own streams."""

from torch import Tensor

from .draws import Draws
from .layers import Layer

__all__ = ["Dropout"]


class Dropout(Layer):
    r"""In training each number of (M, B, …) is 0 with probability `rate`, else $x / (1 - \text{rate})$.

    Evaluation changes nothing. What is left out is drawn from the streams that `initialize` was given: member m leaves
    out what it would leave out alone, and training needs streams that stay the model's own (`Model.draws`). A restored
    layer, which nobody initialized, has none and needs none in evaluation.

    Arguments:
        rate: Probability of a 0, in [0, 1).

    References:
        | Dropout: A Simple Way to Prevent Neural Networks from Overfitting (Srivastava et al., 2014),
          https://jmlr.org/papers/v15/srivastava14a.html
    """

    draws: Draws

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def reset(self, draws: Draws) -> None:
        """Remember the streams; nothing is drawn yet."""
        self.draws = draws

    def forward(self, x: Tensor) -> Tensor:
        """The numbers that are kept, larger by what is missing."""
        if not self.training or not self.rate:
            return x
        kept = self.draws.uniform(*x.shape[1:]) >= self.rate
        return x * (kept.to(x) / (1 - self.rate))
