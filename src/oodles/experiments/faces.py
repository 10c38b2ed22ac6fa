"""Faces from a convolutional VAE (Fiorino, 2020, section 2): given back, made anew, and turned into one another."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from .. import data
from ..detectors import VAE
from .drawings import pictures_grid
from .drawn_faces import drawn_faces
from .tasks import Budget, Result

__all__ = ["Faces"]

WEIGHT = 10_000
"""What the authors multiply the mean squared error with, before they add the KL in nats."""

VARIANCE = 128 * 128 * 3 / 2 / WEIGHT
"""σ² of the Gaussian that this weight stands for, 1.57²: with σ = 1 and KL weighed by it, the loss is the same."""

DRAWN, UNSEEN, SHOWN = 20_000, 400, 10

PIXELS_IN_MEMORY = 4e8
"""Pixels that are encoded at once; more are learned piece by piece."""

ACTIVE = 0.01
"""Variance of a code's mean over pictures, above which the code says something (Burda et al., 2016)."""


@dataclass(frozen=True)
class Faces:
    """A VAE of 200 codes that learns faces of 128 x 128 pixels; four hundred others are given back.

    `paper` has the authors' loss, 10,000 times the mean squared error plus KL, and their last weights; in `clean` σ is
    learned, the learning rate falls, and held-out faces choose the weights. The light network is the authors' with
    batches of 16 instead of 512.

    Attributes:
        pictures: Photographs, or faces drawn by a rule.
    """

    pictures: Literal["CelebA", "drawn"]

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        return f"faces, {self.pictures}"

    def described(self, budget: Budget) -> dict[str, Any]:
        """Everything that its result depends on."""
        return {**asdict(self), "detector": repr(self.detector(budget))}

    def detector(self, budget: Budget, **more: Any) -> VAE:
        """The authors' settings, within the budget."""
        clean = budget.protocol == "clean"
        return VAE(
            network="faces",
            latent=200,
            likelihood="gaussian-global" if clean else "gaussian",
            beta=1.0 if clean else VARIANCE,
            epochs=budget.epochs or 400,
            batch_size=512 if budget.network == "paper" else 16,
            lr=budget.lr or 5e-4,
            members=1,
            decay=clean,
            early_stopping=clean,
            validation_fraction=0.02,
            random_state=1,
            **more,
        )

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:
        """Learn, give back, make anew."""
        learned, unseen, notes = faces_of(self.pictures, budget)
        memory = 2000.0 if learned.size > PIXELS_IN_MEMORY else None
        detector = self.detector(budget, device=device, checkpoint=checkpoint, verbose=verbose, memory=memory)
        detector.fit(learned)
        rebuilt = detector.reconstruct(unseen)
        middle = learned[:2000].mean(0) / 255
        numbers = {
            "error": squared(rebuilt, unseen),
            "error, learned faces": squared(detector.reconstruct(learned[:UNSEEN]), learned[:UNSEEN]),
            "error, mean face": squared(middle, unseen),
            "error, 200 components": squared(projected(learned[:2000], unseen), unseen),
            "KL": float(detector.anomaly_score(unseen, "kl").mean()),
            "active codes": float((detector.embed(unseen).var(0) > ACTIVE).sum()),
            "epochs": float(detector.epochs_),
        }
        pictures = {
            "reconstructions": grid(np.concatenate([unseen[:SHOWN] / 255, rebuilt[:SHOWN]])),
            "samples": grid(detector.sample(3 * SHOWN)),
            "interpolation": grid(between(detector, unseen[SHOWN : SHOWN + 6])),
        }
        return Result({"unseen": {name: [value] for name, value in numbers.items()}}, pictures, notes)


def faces_of(pictures: str, budget: Budget) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Faces to learn, others to give back, and notes.

    Raises:
        DatasetError: If the photographs are not on this machine.
    """
    if pictures == "drawn":
        count = budget.images or DRAWN
        return drawn_faces(count, 0), drawn_faces(UNSEEN, 1), ("Drawn faces: ellipses with seventeen free numbers.",)
    train, test = (data.load("celeba-128", split, download=False) for split in ("train", "test"))
    return np.asarray(train.X)[: budget.images], np.asarray(test.X)[:UNSEEN], (train.note, test.note)


def squared(found: np.ndarray, faces: np.ndarray) -> float:
    """The authors' error: 10,000 times the mean squared error of pixels in [0, 1]."""
    return WEIGHT * float(np.square(found - faces / np.float32(255)).mean(dtype=np.float64))


def grid(faces: np.ndarray) -> np.ndarray:
    """Faces at half their size, in lines."""
    n, height, width, colors = faces.shape
    return pictures_grid(faces.reshape(n, height // 2, 2, width // 2, 2, colors).mean((2, 4)), SHOWN)


def projected(learned: np.ndarray, faces: np.ndarray, codes: int = 200) -> np.ndarray:
    """What is left of faces on as many principal components of learned ones: the best that is linear."""
    rows, others = (torch.from_numpy(some.reshape(len(some), -1)).float() / 255 for some in (learned, faces))
    middle = rows.mean(0)
    rows -= middle
    values, vectors = torch.linalg.eigh(rows @ rows.T)
    directions = (vectors[:, -codes:] / values[-codes:].clamp_min(1e-6).sqrt()).T @ rows
    return (middle + (others - middle) @ directions.T @ directions).reshape(faces.shape).numpy()


def between(detector: VAE, faces: np.ndarray) -> np.ndarray:
    """Pairs of faces, and decoded codes on the straight lines between theirs: a line of pictures for each pair."""
    model: Any = detector.model_
    steps = torch.linspace(0, 1, SHOWN - 2)[:, None]
    lines = []
    for first, last in zip(faces[::2], faces[1::2], strict=True):
        start, end = torch.from_numpy(detector.embed(np.stack([first, last])))
        with torch.inference_mode():
            z = (start + steps * (end - start)).unsqueeze(0).to(model.points.device)
            rows = model.likelihood.mean(model.decoder(z))[0].cpu().numpy()
        lines += [first[None] / 255, detector.encoder_.decode(rows), last[None] / 255]
    return np.concatenate(lines)
