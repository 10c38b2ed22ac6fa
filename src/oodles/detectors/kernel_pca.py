"""Kernel principal components: how far a row lies from the subspace that learned rows span."""

import torch
from torch import Tensor

from ..layout import Layout
from ..shapes import Batch, Codes, PerRow, Rows
from .estimator import hyperparameters
from .kernels import KernelDetector, KernelModel, gaussian

__all__ = ["KernelPCA", "KernelPCAModel"]

LEAST, ROWS_EACH = 8, 32
"""Components at least, and rows for one of them, if nobody says how many."""


class KernelPCAModel(KernelModel):
    r"""The first remembered function is $\|\tilde\Phi(x)\|^2$, the others are the projections."""

    def energy_at(self, v: Batch) -> PerRow:
        """The squared distance to the principal subspace."""
        functions: Tensor = self.remembered(v)
        return (functions[..., 0] - functions[..., 1:].square().sum(-1)).to(v)

    def code(self, x: Batch) -> Codes:
        """The projections on the principal components, the largest first."""
        return self.remembered(self.seen(x))[..., 1:].to(x)


@hyperparameters
class KernelPCA(KernelDetector):
    r"""Kernel PCA: rows far from the principal subspace of a kernel's feature space are strange.

    A Gaussian kernel maps rows x to $\Phi(x)$; $\tilde\Phi(x)$ is that minus its mean over the learned rows, and
    $P \tilde\Phi(x)$ its projection on the first principal components, which scikit-learn solves for. The score
    `energy` is $\|\tilde\Phi(x) - P \tilde\Phi(x)\|^2$: 0 in the subspace, up to rounding. Far from all learned rows
    it levels off.

    References:
        | Kernel PCA for novelty detection (Hoffmann, 2007), https://doi.org/10.1016/j.patcog.2006.07.009
        | Nonlinear Component Analysis as a Kernel Eigenvalue Problem (Schölkopf et al., 1998),
        | https://doi.org/10.1162/089976698300017467

    Arguments:
        components: Dimensions of the subspace, at most as many as learned rows; `auto` is one for every 32 of these,
            and at least 8. With too many, learned rows are nearer to the subspace than others like them.

    Example:
        >>> from oodles import data, detectors
        >>> X = data.load("breast-cancer").X.slice(0, 100)
        >>> detectors.KernelPCA(random_state=0).fit(X).predict(X).shape
        (100,)
    """

    components: int | str = "auto"
    rows: int = 2000

    model_class = KernelPCAModel

    def build(self, layout: Layout, members: int, missing: list[int]) -> KernelPCAModel:
        """The model before it has components."""
        return KernelPCAModel(layout, members, missing)

    def solve(self, v: Rows, gamma: float) -> tuple[Tensor, Tensor, Tensor]:
        r"""All rows, and what makes $\|\tilde\Phi\|^2$ and the projections of their kernels.

        With $\mu_i$ the mean of $k(s_i, \cdot)$ over the learned rows and $\mu$ that of $\mu_i$,
        $\|\tilde\Phi(x)\|^2 = 1 + \mu - \frac{2}{n} \sum_i k(x, s_i)$. Eigenvectors $a_j$ of the centered kernel add up
        to 0; divided by the root of their eigenvalue, they project: $\sum_i a_{ij} (k(x, s_i) - \mu_i)$.
        """
        from sklearn.decomposition import KernelPCA as Solver  # noqa: PLC0415 - scikit-learn is slow to import

        kernel = gaussian(v, v, gamma)
        mean = kernel.mean(0)
        wanted = max(LEAST, len(v) // ROWS_EACH) if self.components == "auto" else int(self.components)
        solver = Solver(n_components=min(wanted, len(v)), kernel="precomputed", eigen_solver="dense")
        solved = solver.fit(kernel.numpy())
        sizes, vectors = torch.from_numpy(solved.eigenvalues_), torch.from_numpy(solved.eigenvectors_)
        projecting = torch.where(sizes > 0, vectors / sizes.sqrt(), 0.0)
        weights = torch.cat([torch.full_like(mean, -2 / len(v)).unsqueeze(1), projecting], dim=1)
        return v, weights, torch.cat([(1 + mean.mean()).unsqueeze(0), -mean @ projecting])
