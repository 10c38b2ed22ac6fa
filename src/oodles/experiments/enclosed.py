"""One-class support vector machines around codes of digits, and around their pixels."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from ..detectors import LatentOneClassSVM
from ..detectors.blocks import Applied
from ..detectors.kernels import gamma_of, gaussian
from ..detectors.latent_one_class_svm import ENCLOSED
from ..metrics import auroc
from .latents import LEARNED, autoencoder, digits
from .tasks import Budget, Result

__all__ = ["EnclosedCodes", "EnclosedPixels"]

GAMMAS, NUS = ("scale", "auto", "median"), (0.01, 0.05, 0.1)

MOST = 2000
"""Learned rows that a machine is solved for exactly."""

LEAST_DEVIATION = 0.1
"""Columns that vary less are not blown up by standardizing: unused codes, and pixels at the edge."""

WORDS = {"mean": "μ", "posterior": "μ, log σ²", "surprise": "μ, −log p"}
"""What is enclosed: the detector's word for it, and the table's."""

Usual = Literal["one", "nine"]

TURNS: dict[Usual, tuple[int, ...]] = {"one": tuple(range(10)), "nine": (1, 4, 8)}
"""Which digits take their turn: as the only usual one, or as the strange one among nine usual ones."""


def cut(usual: Usual, digit: int, budget: Budget) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures to learn, pictures to judge, and which of these are strange.

    Raises:
        DatasetError: If MNIST is not on this machine.
    """
    learned, known = digits("train", budget.images or LEARNED)
    tests, labels = digits("test", budget.test)
    kept, strange = (known == digit, labels != digit) if usual == "one" else (known != digit, labels == digit)
    return learned[kept], tests, strange.astype(int)


def areas(learned: np.ndarray, judged: np.ndarray, strange: np.ndarray) -> dict[str, float]:
    """AUROC of machines around standardized rows (n, W), for every γ and ν; the first is that of our defaults.

    At most two thousand rows, evenly spread, are learned; scikit-learn solves exactly.
    """
    from sklearn.svm import OneClassSVM  # noqa: PLC0415 - scikit-learn is slow to import

    middle, spread = learned.mean(0), learned.std(0).clip(LEAST_DEVIATION)
    rows, others = (torch.from_numpy((some - middle) / spread).double() for some in (learned, judged))
    rows = rows[torch.linspace(0, len(rows) - 1, min(len(rows), MOST)).long()]
    found: dict[str, float] = {}
    for word in GAMMAS:
        gamma = gamma_of(word, rows)
        inner, across = gaussian(rows, rows, gamma).numpy(), gaussian(others, rows, gamma).numpy()
        for nu in NUS:
            machine = OneClassSVM(kernel="precomputed", nu=nu).fit(inner)
            found[f"{word}, {nu:g}"] = auroc(strange, -machine.decision_function(across))
    return {"AUROC": found["scale, 0.1"], **found}


def collected(found: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, list[float]]]:
    """What each digit's turn gave, side by side: one number for each digit."""
    return {
        what: {name: [turn[what][name] for turn in found] for name in numbers} for what, numbers in found[0].items()
    }


@dataclass(frozen=True)
class EnclosedCodes:
    """Machines around what a VAE says of digits. The VAE learns the usual digits only.

    Each VAE takes as many steps as `epochs` passes over all 50,000 pictures. Beside the machines stand its −ELBO, and
    `LatentOneClassSVM` as it is, with its own machine for all learned rows.

    Attributes:
        usual: One digit is usual and nine are strange, or the reverse.
        latent: Number of codes.
    """

    usual: Usual
    latent: int

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        return f"{self.usual} usual, {self.latent} codes"

    def described(self, budget: Budget) -> dict[str, Any]:
        """Everything that its result depends on."""
        detector = repr(self.detector(budget, budget.images or LEARNED))
        return {**asdict(self), "detector": detector, "digits": TURNS[self.usual], "most": MOST}

    def detector(self, budget: Budget, rows: int, **more: Any) -> LatentOneClassSVM:
        """The authors' autoencoder, within the budget."""
        epochs = max(round((budget.epochs or 200) * (budget.images or LEARNED) / rows), 1)
        return LatentOneClassSVM(**autoencoder(self.latent, budget, epochs=epochs, **more))

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:
        """Learn, enclose and judge, digit by digit; a digit that was learned before a stop is not learned again."""
        found, files = [], []
        for digit in TURNS[self.usual]:
            learned, judged, strange = cut(self.usual, digit, budget)
            files.append(checkpoint.with_name(f"{checkpoint.name}-{digit}"))
            detector = self.detector(budget, len(learned), device=device, checkpoint=files[-1], verbose=verbose)
            detector.fit(learned)
            seen, others = described(detector, learned), described(detector, judged)
            turn = {what: areas(seen[what], others[what], strange) for what in seen}
            for what, kind in (("−ELBO", "elbo"), ("LatentOneClassSVM", "energy")):
                turn[what] = {"AUROC": auroc(strange, detector.anomaly_score(judged, kind))}
            found.append(turn)
        for path in files:
            path.unlink(missing_ok=True)
        return Result(collected(found))


@dataclass(frozen=True)
class EnclosedPixels:
    """Machines around pixels of digits, and around their first principal components; only these learn.

    Attributes:
        usual: One digit is usual and nine are strange, or the reverse.
        components: Numbers of components.
    """

    usual: Usual
    components: tuple[int, ...]

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        return f"{self.usual} usual, pixels"

    def described(self, budget: Budget) -> dict[str, Any]:  # noqa: ARG002 - the number of pictures says it all
        """Everything that its result depends on."""
        return {**asdict(self), "digits": TURNS[self.usual], "most": MOST}

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:  # noqa: ARG002
        """Enclose and judge, digit by digit."""
        from sklearn.decomposition import PCA  # noqa: PLC0415 - scikit-learn is slow to import

        found = []
        for digit in TURNS[self.usual]:
            learned, judged, strange = cut(self.usual, digit, budget)
            pixels, others = (pictures.reshape(len(pictures), -1) / 255.0 for pictures in (learned, judged))
            turn = {"pixels": areas(pixels, others, strange)}
            for count in self.components:
                pca = PCA(min(count, *pixels.shape), random_state=0).fit(pixels)
                turn[f"PCA-{count}"] = areas(pca.transform(pixels), pca.transform(others), strange)
            found.append(turn)
        return Result(collected(found))


def described(detector: LatentOneClassSVM, pictures: np.ndarray) -> dict[str, np.ndarray]:
    """What the VAE says of pictures, by name: (N, W) each."""
    x = torch.from_numpy(detector.encoder_.transform(pictures)).to(next(detector.model_.parameters()).device)
    return {name: Applied(detector, ENCLOSED[word])(x)[0].cpu().numpy() for word, name in WORDS.items()}
