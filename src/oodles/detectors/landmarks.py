"""Kernel machines for more rows than can be solved for exactly: a few of them are landmarks, and all of them count."""

import torch
from torch import Tensor

from ..shapes import Rows
from .kernels import gaussian

__all__ = ["PASSES", "LandmarkSVM"]

PASSES = 5
"""How often each piece is gone over while its kernels are in memory."""

NEGLIGIBLE = 1e-10
"""Eigenvalues of the landmarks' kernel below this share of the largest are rounding."""


class LandmarkSVM:
    r"""A one-class support vector machine that learns rows piece by piece.

    Nyström's map of n landmarks, $\phi(v) = \Lambda^{-1/2} U^\top k(L, v)$ with $k(L, L) = U \Lambda U^\top$, makes
    linear what the kernel bends: $\phi(v)^\top \phi(v') \approx k(v, v')$. There, scikit-learn's stochastic gradient
    descent finds the plane $w^\top \phi(v) = \rho$. As a function of v it is again a sum of kernels, those of the
    landmarks with weights $U \Lambda^{-1/2} w$.

    References:
        | Using the Nyström Method to Speed Up Kernel Machines (Williams & Seeger, 2001)

    Arguments:
        landmarks: Some of the rows, (n, W), on the CPU.
        gamma: The kernel's γ.
        nu: Share of the rows that may lie outside, at most.
    """

    def __init__(self, landmarks: Rows, gamma: float, nu: float) -> None:
        from sklearn.linear_model import SGDOneClassSVM  # noqa: PLC0415 - scikit-learn is slow to import

        self.landmarks, self.gamma = landmarks, gamma
        sizes, vectors = torch.linalg.eigh(gaussian(landmarks, landmarks, gamma))
        kept = sizes > NEGLIGIBLE * sizes[-1]
        self.map = vectors[:, kept] / sizes[kept].sqrt()
        self.plane = SGDOneClassSVM(nu=nu, random_state=0)

    def learn(self, v: Rows) -> None:
        """A few passes over rows (n, W) on the CPU."""
        mapped = (gaussian(v, self.landmarks, self.gamma) @ self.map).numpy()
        for _ in range(PASSES):
            self.plane.partial_fit(mapped)

    @property
    def functions(self) -> tuple[Tensor, Tensor]:
        r"""Minus the landmarks' weights, (n, 1), and ρ, (1,): $\rho - \sum_i a_i k(v, l_i)$ is positive outside."""
        normal = torch.from_numpy(self.plane.coef_).double().reshape(-1, 1)
        return -self.map @ normal, torch.from_numpy(self.plane.offset_).double()
