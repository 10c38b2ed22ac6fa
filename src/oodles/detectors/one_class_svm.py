"""The one-class support vector machine: a few learned rows whose kernels enclose the others."""

import torch
from torch import Tensor

from ..layout import Layout
from ..shapes import Batch, PerRow, Rows
from .estimator import hyperparameters
from .kernels import KernelDetector, KernelModel

__all__ = ["OneClassSVM", "OneClassSVMModel", "support_vectors"]


def support_vectors(v: Rows, gamma: float, nu: float) -> tuple[Tensor, Tensor, Tensor]:
    """Which of these rows (n, W), on the CPU, are support vectors, with −α, (vectors, 1), and ρ, (1,)."""
    from sklearn.svm import OneClassSVM as Solver  # noqa: PLC0415 - scikit-learn is slow to import

    solver = Solver(nu=nu, gamma=gamma)
    solver.random_state = 0  # else it draws from NumPy's global state a number that it does not need
    solved = solver.fit(v.double().numpy())
    weights, bias = torch.from_numpy(-solved.dual_coef_.T), torch.from_numpy(-solved.intercept_)
    return torch.from_numpy(solved.support_).long(), weights, bias


class OneClassSVMModel(KernelModel):
    r"""$\rho - \sum_i \alpha_i k(x, s_i)$."""

    def energy_at(self, v: Batch) -> PerRow:
        """Minus scikit-learn's decision function."""
        return self.remembered(v).squeeze(-1).to(v)


@hyperparameters
class OneClassSVM(KernelDetector):
    r"""One-class support vector machine: rows outside a region that holds most of what was learned are strange.

    In the space of a Gaussian kernel, a plane separates the learned rows from the origin with the largest margin. Few
    of them, the support vectors $s_i$, say where it lies. The score `energy` is $\rho - \sum_i \alpha_i k(x, s_i)$,
    minus the decision function of scikit-learn, which solves for α and ρ: positive outside. Far from all support
    vectors it is ρ.

    References:
        | Estimating the Support of a High-Dimensional Distribution (Schölkopf et al., 2001),
        | https://doi.org/10.1162/089976601750264965

    Arguments:
        nu: Share ν of the learned rows that may lie outside, at most; it is also the least share of support vectors.

    Example:
        >>> from oodles import data, detectors
        >>> X = data.load("breast-cancer").X.slice(0, 100)
        >>> detectors.OneClassSVM(random_state=0).fit(X).predict(X).shape
        (100,)
    """

    nu: float = 0.1

    model_class = OneClassSVMModel

    def build(self, layout: Layout, members: int, missing: list[int]) -> OneClassSVMModel:
        """The model before it has support vectors."""
        return OneClassSVMModel(layout, members, missing)

    def solve(self, v: Rows, gamma: float) -> tuple[Tensor, Tensor, Tensor]:
        """The support vectors, −α and ρ."""
        vectors, weights, bias = support_vectors(v, gamma, self.nu)
        return v[vectors], weights, bias
