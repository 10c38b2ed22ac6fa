"""What the codes of digits look like, and which digits are likely given theirs."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import data
from ..detectors import VAE
from .labeled import classes_picture, digits_picture
from .neighbors import map_in_the_plane, neighbor_accuracy
from .tasks import Budget, Result

__all__ = ["LatentDigits", "PixelDigits", "autoencoder", "digits"]

LEARNED, SIDE = 50_000, 5
"""Pictures that the authors learn from; digits of a side of the square that is shown."""

ENDS = {"least likely": slice(None), "most likely": slice(None, None, -1)}
"""The ends of the order, from the end inwards."""

ACTIVE = 0.01
"""Variance of a code's mean over the data above which the code is in use (Burda et al., 2016)."""


def digits(split: str, count: int | None) -> tuple[np.ndarray, np.ndarray]:
    """The first `count` pictures of MNIST and their labels.

    Raises:
        DatasetError: If MNIST is not on this machine.
    """
    found = data.load("mnist", split, download=False)
    return np.asarray(found.X)[:count], np.asarray(found.labels)[:count]


def autoencoder(latent: int, budget: Budget, *, epochs: int, **more: Any) -> dict[str, Any]:
    """The authors' settings, 784-400-L-400-784 with Bernoulli pixels; activation and optimizer are ours."""
    return {
        "likelihood": "bernoulli",
        "network": "mlp",
        "hidden": (400 if budget.network == "paper" else 100,),
        "activation": "relu",
        "latent": latent,
        "epochs": epochs,
        "batch_size": 512,
        "lr": budget.lr or 1e-3,
        "decay": False,
        "early_stopping": False,
        "validation_fraction": 0.02,
        "members": 1,
        "random_state": 1,
        **more,
    }


@dataclass(frozen=True)
class LatentDigits:
    """A VAE of digits: which test digits are likely given their code, and where t-SNE puts the codes.

    Attributes:
        latent: Number of codes.
    """

    latent: int

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        return f"digits, {self.latent} codes"

    def described(self, budget: Budget) -> dict[str, Any]:
        """Everything that its result depends on."""
        return {**asdict(self), "detector": repr(self.detector(budget))}

    def detector(self, budget: Budget, **more: Any) -> VAE:
        """The authors' settings, within the budget."""
        return VAE(**autoencoder(self.latent, budget, epochs=budget.epochs or 200, **more))

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:
        """Learn, order and project."""
        learned, _ = digits("train", budget.images or LEARNED)
        tests, labels = digits("test", budget.test)
        detector = self.detector(budget, device=device, checkpoint=checkpoint, verbose=verbose).fit(learned)
        likely, codes = -detector.anomaly_score(tests, "likelihood"), detector.embed(tests)
        places = map_in_the_plane(codes)
        every = {
            "log-likelihood": [float(likely.mean())],
            "KL": [float(detector.anomaly_score(tests, "kl").mean())],
            "codes in use": [float((codes.var(0) > ACTIVE).sum())],
            "k-NN, codes": [neighbor_accuracy(codes, labels)],
            "k-NN, projection": [neighbor_accuracy(places, labels)],
        }
        order = np.argsort(likely, kind="stable")
        ends = {name: order[where][: SIDE**2] for name, where in ENDS.items()}
        every |= {f"labels, {name}": labels[end].astype(float).tolist() for name, end in ends.items()}
        return Result(
            numbers={"all": every, **by_class(likely, labels, ends)},
            pictures={
                "global": digits_picture([(name, tests[end], labels[end]) for name, end in ends.items()], SIDE),
                "conditional": digits_picture(
                    [(f"{name}, by class", *of_classes(order[where], tests, labels)) for name, where in ENDS.items()],
                    2 * SIDE,
                ),
                "projection": classes_picture(self.name, places, labels),
            },
        )


@dataclass(frozen=True)
class PixelDigits:
    """The same projection of the test digits' pixels: nothing is learned."""

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        return "digits, pixels"

    def described(self, budget: Budget) -> dict[str, Any]:  # noqa: ARG002 - it learns nothing
        """Everything that its result depends on."""
        return {"projected": "pixels"}

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:  # noqa: ARG002
        """Project."""
        tests, labels = digits("test", budget.test)
        pixels = tests.reshape(len(tests), -1) / 255.0
        places = map_in_the_plane(pixels)
        every = {
            "k-NN, codes": [neighbor_accuracy(pixels, labels)],
            "k-NN, projection": [neighbor_accuracy(places, labels)],
        }
        return Result({"all": every}, pictures={"projection": classes_picture(self.name, places, labels)})


def by_class(likely: np.ndarray, labels: np.ndarray, ends: dict[str, np.ndarray]) -> dict[str, dict[str, list[float]]]:
    """For each digit, how often it is among the least and the most likely, and its mean log p(x | z)."""
    tenth = np.argsort(likely, kind="stable")[: len(likely) // 10]
    return {
        f"digit {digit}": {
            **{name: [float((labels[end] == digit).sum())] for name, end in ends.items()},
            "of the least likely tenth": [float((labels[tenth] == digit).mean())],
            "log-likelihood": [float(likely[labels == digit].mean())],
        }
        for digit in np.unique(labels).tolist()
    }


def of_classes(order: np.ndarray, tests: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first ten of each class, class by class, with their labels."""
    first = np.concatenate([order[labels[order] == digit][: 2 * SIDE] for digit in np.unique(labels)])
    return tests[first], labels[first]
