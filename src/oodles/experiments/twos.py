"""The digit 2 among all digits, in black and white: which pictures does an autoencoder of twos give back badly?"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from .. import data
from ..detectors import VAE, AutoEncoder
from ..metrics import auroc
from .sketches import in_rows, roc
from .tasks import Budget, Result

__all__ = ["Twos"]

USUAL, WHITE, SHOWN = 2, 128, 10

TRAININGS: dict[str, dict[str, Any]] = {
    "relu": {"activation": "relu", "epochs": 100, "lr": 1e-3, "decay": False},
    "silu": {"activation": "silu", "epochs": 400, "lr": 5e-3, "decay": True},
}
"""The paper says neither how long nor how fast it trained, and names no activation for this network. `relu` is that of
its other networks, with the habits of its time; `silu` has a lower error on the learned twos than relu and tanh, about
that of softplus, and is trained until that error hardly falls."""


@dataclass(frozen=True)
class Twos:
    """A network 784-64-8-64-784 learns the 5,958 twos; the 10,000 test digits are judged by their squared error.

    Attributes:
        method: Classical (`A1`), or variational (`A2`) with D · MSE + KL: a Gaussian of σ² = 1/2 around each pixel.
        training: A key of `TRAININGS`.
    """

    method: Literal["A1", "A2"]
    training: str = "silu"

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        return f"MNIST's twos in black and white, {self.method}, {self.training}"

    def described(self, budget: Budget) -> dict[str, Any]:
        """Everything that its result depends on."""
        return {**asdict(self), "detector": repr(self.detector(budget)), "white": WHITE}

    def detector(self, budget: Budget, **more: Any) -> AutoEncoder | VAE:
        """The network within the budget."""
        how = {**TRAININGS[self.training], **({"epochs": budget.epochs} if budget.epochs else {})}
        how |= {"lr": budget.lr} if budget.lr else {}
        shared: dict[str, Any] = {
            "network": "mlp",
            "hidden": (64,),
            "latent": 8,
            # N(·, 1): half the squared error of all pixels; β = 1/2 halves the KL beside it.
            "likelihood": "gaussian",
            "scoring": "reconstruction_error",
            "members": budget.members,
            "batch_size": 128,
            "early_stopping": False,
            "validation_fraction": 0.02,
            "random_state": 1,
            **how,
            **more,
        }
        return AutoEncoder(**shared) if self.method == "A1" else VAE(beta=0.5, **shared)

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:
        """Learn and judge."""
        from sklearn.metrics import roc_curve  # noqa: PLC0415 - a second of import

        learned, _ = black_and_white("train", only=USUAL)
        learned = learned[: budget.images]
        judged, labels = black_and_white("test")
        judged, strange = judged[: budget.test], labels[: budget.test] != USUAL
        detector = self.detector(budget, device=device, checkpoint=checkpoint, verbose=verbose).fit(learned)
        scores = detector.member_scores(judged)
        numbers = {
            "AUC": [auroc(strange, member) for member in scores],
            "MSE, learned": detector.member_scores(learned).mean(1).tolist(),
            "MSE": scores[:, ~strange].mean(1).tolist(),
            "MSE of other digits": scores[:, strange].mean(1).tolist(),
        }
        some = np.concatenate([judged[~strange][:SHOWN], judged[strange][:SHOWN]])
        restored = self.restored(detector, some)
        halves = [rows for part in (slice(SHOWN), slice(SHOWN, None)) for rows in (some[part], restored[part])]
        names = [f"{self.method}, AUC {area:.3f}" for area in numbers["AUC"]]
        pictures = {
            "learned": in_rows([learned[:SHOWN]], 2),
            "outputs": in_rows(halves, 2),
            "ROC": roc({name: roc_curve(strange, m)[:2] for name, m in zip(names, scores, strict=True)}),
        }
        return Result({"others": numbers}, pictures=pictures)

    def restored(self, detector: AutoEncoder | VAE, pictures: np.ndarray) -> np.ndarray:
        """What the first member makes of pictures (N, H, W)."""
        model: Any = detector.model_
        x = torch.from_numpy(detector.encoder_.transform(pictures)).to(next(model.parameters()).device)
        with torch.inference_mode():
            rows = model.likelihood.mean(model.decoder(model.code(x.expand(model.members, *x.shape))))[0]
        return detector.encoder_.decode(rows.cpu().numpy())


def black_and_white(split: str, *, only: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Digits (N, 28, 28), white where they are at least half as bright as can be, and their labels.

    Raises:
        DatasetError: If MNIST is not on this machine.
    """
    found = data.load("mnist", split, download=False)
    pictures, labels = np.asarray(found.X) >= WHITE, np.asarray(found.labels)
    return (pictures, labels) if only is None else (pictures[labels == only], labels[labels == only])
