"""MNIST with a hundred labels, as Kingma et al. (2014) use it: M1, M2 and M1+M2."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from sklearn.svm import SVC
from torch import Tensor

from .. import data
from ..detectors import VAE
from ..encoding import PictureEncoder
from ..nn import Draws, initialize
from ..shapes import Batch, Rows
from ..training import Chunks, Resident, Schedule, train
from .drawings import pictures_grid
from .semi_supervised import Labels, SemiSupervised, codes_of, m2
from .tasks import Budget, Result

__all__ = ["LabeledDigits", "self_taught"]

CLASSES, LATENT = 10, 50

LABELS, PICTURES = 100, 50_000
"""Pictures with a label, and all pictures: those with a label are among those without."""

PASSES, RATE = 3000, 3e-4
"""What the authors spend, and how fast they learn."""

BATCH, KNOWN = 256, 64
"""Pictures of a step, and labeled ones beside them."""

CHUNK = 500
"""Pictures at once when nothing is learned."""

STYLES = 6
"""Codes that are shown in every class."""

ROUNDS, OTHERS = 5, 5000
"""Rounds in which a support vector machine teaches itself, and the unlabeled codes that it labels."""


@dataclass(frozen=True)
class LabeledDigits:
    """50,000 digits, ten of each class with a label; each member has a hundred labels of its own.

    Measured is the share of the 10,000 test digits that are taken for another class, in per cent.

    Attributes:
        method: `M2` learns from pixels. `M1+M2` is a VAE (M1), support vector machines on its codes, and M2 on them.
    """

    method: Literal["M2", "M1+M2"]

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        return f"MNIST with {LABELS} labels, {self.method}"

    def described(self, budget: Budget) -> dict[str, Any]:
        """Everything that its result depends on."""
        settings = {"batch": BATCH, "known": KNOWN, "hidden": self.hidden(budget), "alpha": self.alpha(budget)}
        below = {"below": repr(self.below(budget))} if self.method == "M1+M2" else {}
        return {**asdict(self), **settings, **below}

    def hidden(self, budget: Budget) -> int:
        """The width of M2's hidden layers."""
        width = 500 if self.method == "M2" else 300
        return width if budget.network == "paper" else width // 2

    def alpha(self, budget: Budget) -> float:
        """The weight of the labels, in units of N: the authors' 0.1 for their hundreds of thousands of steps."""
        return 0.1 if budget.protocol == "paper" else 1.0

    def below(self, budget: Budget, **more: Any) -> VAE:
        """M1."""
        return VAE(
            network="mlp",
            hidden=(500, 500) if budget.network == "paper" else (250, 250),
            activation="softplus",
            latent=LATENT,
            likelihood="bernoulli",
            epochs=budget.epochs or PASSES,
            batch_size=BATCH,
            lr=budget.lr or RATE,
            decay=True,
            early_stopping=False,
            validation_fraction=0.01,
            members=budget.members,
            random_state=1,
            **more,
        )

    def schedule(self, budget: Budget, checkpoint: Path, *, verbose: bool) -> Schedule:
        """How M2 is trained."""
        text = json.dumps([self.described(budget), asdict(budget)])
        passes = budget.epochs or PASSES
        return Schedule(
            epochs=passes,
            batch_size=BATCH,
            lr=budget.lr or RATE,
            decay=True,
            look=passes,
            patience=None,
            chunk=CHUNK,
            fingerprint=hashlib.sha256(text.encode()).hexdigest(),
            repeat=True,
            checkpoint=checkpoint,
            verbose=verbose,
        )

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:
        """Learn, and count mistakes."""
        learned, judged = (data.load("mnist", split, download=False) for split in ("train", "test"))
        pictures, digits = (np.asarray(rows)[: budget.images or PICTURES] for rows in (learned.X, learned.labels))
        tests, truth = (np.asarray(rows)[: budget.test] for rows in (judged.X, judged.labels))
        place = torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")
        encoder = PictureEncoder.fit(pictures)
        x, x_test = (torch.from_numpy(encoder.transform(rows)).to(place) for rows in (pictures, tests))
        seeds = [1 + member for member in range(budget.members)]
        chosen = torch.from_numpy(np.stack([balanced(digits, seed) for seed in seeds]))
        answers: dict[str, np.ndarray] = {}
        first, below = checkpoint.with_name(f"{checkpoint.name}-below"), None
        if self.method == "M1+M2":
            below = self.below(budget, device=place.type, checkpoint=first, verbose=verbose).fit(pictures).model_
            answers = on_codes(below, x, digits, chosen, x_test)
        model = SemiSupervised(
            m2(
                codes_of(LATENT) if below else encoder.layout,
                classes=CLASSES,
                latent=LATENT,
                hidden=self.hidden(budget),
                members=budget.members,
                labeled=LABELS / len(x),
                alpha=self.alpha(budget) * (1 + LABELS / len(x)),
            ),
            Labels(x[chosen], torch.eye(CLASSES)[torch.from_numpy(digits)[chosen]], KNOWN),
            below,
        ).to(place)
        model.draws = Draws(seeds, place)
        initialize(model.model, model.draws)
        train(model, Resident(x), x[:CHUNK], self.schedule(budget, checkpoint, verbose=verbose), seeds=seeds)
        answers[self.method] = applied(model.log_classes, x_test, model.members).argmax(-1).cpu().numpy()
        first.unlink(missing_ok=True)
        errors = {name: {"error": (100 * (said != truth).mean(1)).tolist()} for name, said in answers.items()}
        return Result(errors, pictures={"classes": styles(model, encoder.layout.shape[1:])})


@torch.inference_mode()
def styles(model: SemiSupervised, shape: tuple[int, ...]) -> np.ndarray:
    """Six codes of the first member, a row each, as every class would have them."""
    y = torch.eye(CLASSES).repeat(STYLES, 1).expand(model.members, -1, -1)
    z = Draws([7] * model.members).normal(STYLES, LATENT).repeat_interleave(CLASSES, 1)
    device = next(model.parameters()).device
    made = model.imagined(z.to(device), y.to(device))[0].cpu().numpy()
    return pictures_grid(made.reshape(-1, *shape), columns=CLASSES)


def balanced(digits: np.ndarray, seed: int) -> np.ndarray:
    """A hundred pictures, as many of each class."""
    rng = np.random.default_rng(seed)
    each = LABELS // CLASSES
    return np.concatenate([rng.choice(np.flatnonzero(digits == k), each, replace=False) for k in range(CLASSES)])


def applied(function: Callable[[Batch], Tensor], x: Rows, members: int) -> Tensor:
    """A function of every member and row, (M, N, …)."""
    return Chunks(function, members=members, chunk=CHUNK, repeat=False)(x)


def on_codes(below: Any, x: Rows, digits: np.ndarray, chosen: Tensor, tests: Rows) -> dict[str, np.ndarray]:
    """What support vector machines on each member's codes say of the tests, (M, N): one as it is, one self-taught."""
    answers: dict[str, list[np.ndarray]] = {"M1, SVM": [], "M1, SVM self-taught": []}
    codes, judged = (applied(below.code, rows, len(chosen)).cpu().numpy() for rows in (x, tests))
    for own, known, test in zip(codes, chosen.numpy(), judged, strict=True):
        machine = SVC(C=10.0).fit(own[known], digits[known])
        answers["M1, SVM"].append(machine.predict(test))
        answers["M1, SVM self-taught"].append(self_taught(own[known], digits[known], own[:OTHERS]).predict(test))
    return {name: np.stack(said) for name, said in answers.items()}


def self_taught(codes: np.ndarray, labels: np.ndarray, others: np.ndarray) -> SVC:
    """A support vector machine that labels others, the surest first, and learns from them in the next round."""
    machine = SVC(C=10.0).fit(codes, labels)
    for share in np.linspace(0, 1, ROUNDS + 1)[1:]:
        votes = np.sort(machine.decision_function(others), axis=1)
        surest = np.argsort(votes[:, -2] - votes[:, -1])[: round(share * len(others))]
        guesses = machine.predict(others[surest])
        machine = SVC(C=10.0).fit(np.concatenate([codes, others[surest]]), np.concatenate([labels, guesses]))
    return machine
