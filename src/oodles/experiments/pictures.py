"""Pictures that were learned against pictures that were not: one trained model, judged on several sets."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .. import data
from ..detectors import Detector, NegativeSamplingVAE
from ..errors import DatasetError
from ..metrics import auroc
from .tasks import Budget, Result

__all__ = ["OutOfDistribution", "load"]

ROLES = {
    "Fashion-MNIST": ("fashion-mnist",),
    "MNIST": ("mnist",),
    "KMNIST": ("kmnist",),
    "Letters": ("emnist-letters", "ahcd"),
    "CIFAR-10": ("cifar-10",),
    "SVHN": ("svhn",),
    "ImageNet-32": ("imagenet-32",),
}
"""A paper's word for a dataset → where its pictures come from: the set itself, then stand-ins."""

GRAY, COLOR = ("Fashion-MNIST", "MNIST", "Letters"), ("CIFAR-10", "SVHN")

CHEAP = ("bits_per_dim-1", "kl", "reconstruction_error", "density", "typicality", "waic-1", "input_complexity-1")
COSTLY = ("iwae-16", "likelihood_regret")
SIDES, SHOWN = {1: 28, 3: 32}, (5, 10)


def load(role: str, split: str, *, protocol: str) -> tuple[np.ndarray, str]:
    """Pictures (N, H, W) or (N, H, W, 3) of 8 bits, in stored order, and a note where they are not the official ones.

    Arguments:
        role: A key of `ROLES`.
        split: `train` or `test`.
        protocol: The authors learned letters as they are stored, transposed; `clean` turns them upright.

    Raises:
        DatasetError: If neither the set nor a stand-in is on this machine.
    """
    for name in ROLES[role]:
        try:
            found = data.load(name, split, download=False)
        except (DatasetError, ValueError):
            continue
        pictures = np.asarray(found.X)
        notes = [found.note] if found.note else []
        if name != ROLES[role][0]:
            notes = [f"{name} ({split}, {len(pictures):,} pictures) stands in for {role}.", *notes]
        if name == "emnist-letters" and protocol == "paper":
            pictures = pictures.transpose(0, 2, 1)
        return resized(pictures), " ".join(notes)
    missing = " nor ".join(ROLES[role])
    raise DatasetError(f"{role} is not on this machine: neither {missing} lies in $OODLES_DATA.")


def resized(pictures: np.ndarray) -> np.ndarray:
    """Gray pictures at 28 x 28, color ones at 32 x 32."""
    side = SIDES[1 if pictures.ndim == 3 else 3]
    if pictures.shape[1] == side:
        return pictures
    smaller = [np.asarray(Image.fromarray(p).resize((side, side), Image.Resampling.BOX)) for p in pictures]
    return np.stack(smaller)


@dataclass(frozen=True)
class OutOfDistribution:
    """A model of one set of pictures, and how strange other sets look to it.

    Attributes:
        inlier: What is learned.
        noise: A name of `oodles.likelihoods.NAMES`.
        source: Negatives that the model makes itself: `none`, `adversarial`, `noise`, `uniform`, `own` or `frozen`.
        negatives: Sets that are given as negatives.
        latent: Number of codes.
        shift: Distance of the negative prior.
        rebuilt: Weight of the negatives' reconstruction.
        normalized: Color networks: `affine` for layers that only scale, as the authors' most likely did, or `batch`.
    """

    inlier: str
    noise: str
    source: str = "none"
    negatives: tuple[str, ...] = ()
    latent: int | None = None
    shift: float | None = None
    rebuilt: float = 0.0
    normalized: str = "affine"

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        more = [f"{key}={value:g}" for key, value in (("latent", self.latent), ("shift", self.shift)) if value]
        more += [f"rebuilt={self.rebuilt:g}"] if self.rebuilt else []
        more += ["batch normalization"] if self.normalized == "batch" else []
        kind = " + ".join(self.negatives) or {"none": "baseline"}.get(self.source, self.source)
        return ", ".join([f"{self.inlier}, {self.noise}, {kind}", *more])

    @property
    def color(self) -> bool:
        """Whether the pictures have colors."""
        return self.inlier in COLOR

    @property
    def others(self) -> tuple[str, ...]:
        """The sets that it is judged on."""
        return tuple(role for role in (COLOR if self.color else GRAY) if role != self.inlier)

    def described(self, budget: Budget) -> dict[str, Any]:
        """Everything that its result depends on."""
        # What differs from the defaults: a parameter that is invented later leaves old records valid.
        return {**asdict(self), "detector": repr(self.detector(budget))}

    def detector(self, budget: Budget, **more: Any) -> NegativeSamplingVAE:
        """The authors' settings, within the budget."""
        own = self.source in ("adversarial", "own", "frozen")
        epochs = (300 if own else 100) if self.color else 100
        colors = "color-spectral" if own else {"affine": "color-affine", "batch": "color"}[self.normalized]
        gray = {"paper": "gray", "light": "gray-light"}[budget.network]
        clean = budget.protocol == "clean"
        return NegativeSamplingVAE(
            likelihood=self.noise,
            network=colors if self.color else gray,
            latent=self.latent or (100 if self.color else 10),
            shift=self.shift or (25.0 if self.color else 8.0),
            source=self.source,
            negative_reconstruction=self.rebuilt,
            # The likelihood ratio needs a second model; of the baselines only, which have time for it.
            background=0.0 if own or self.negatives or self.rebuilt else 0.2,
            scoring="bits_per_dim-1",
            members=budget.members,
            epochs=budget.epochs or epochs,
            batch_size=50,
            optimizer="adam" if self.color else "rmsprop",
            lr=budget.lr or 1e-4,
            decay=False,
            early_stopping=clean,
            validation_fraction=0.1 if clean else 0.02,
            random_state=1,
            **more,
        )

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:
        """Train and judge."""
        learned, note = load(self.inlier, "train", protocol=budget.protocol)
        learned = learned[: budget.images]
        given, notes = [], [note]
        for role in self.negatives:
            pictures, note = load(role, "train", protocol=budget.protocol)
            given.append(pictures[: budget.images])
            notes.append(note)
        tests = {}
        for role in (self.inlier, *self.others):
            try:
                pictures, note = load(role, "test", protocol=budget.protocol)
            except DatasetError as error:
                notes.append(str(error))
                continue
            tests[role] = pictures[: budget.test]
            notes.append(note)
        detector = self.detector(budget, device=device, checkpoint=checkpoint, verbose=verbose)
        started = time.perf_counter()
        detector.fit(learned, negatives=given or None)
        notes.append(f"The fit took {time.perf_counter() - started:,.0f} s for {len(learned):,} pictures.")
        return Result(
            numbers=judged(detector, tests, self.inlier, budget.few),
            pictures={"samples": grid(detector), "codes": scattered(detector, tests, self.inlier)},
            notes=tuple(dict.fromkeys(filter(None, notes))),
        )


def judged(
    detector: Detector, tests: Mapping[str, np.ndarray], inlier: str, few: int
) -> dict[str, dict[str, list[float]]]:
    """Set → quantity → one number for each member: means of scores, and how well they tell the sets apart."""
    numbers: dict[str, dict[str, list[float]]] = {role: {} for role in tests}
    more = ("likelihood_ratio-1",) if getattr(detector, "background", 0.0) else ()
    for kind, most in [*((kind, None) for kind in (*CHEAP, *more)), *((kind, few) for kind in COSTLY)]:
        name = kind.partition("-")[0]
        scores = {role: detector.member_scores(pictures[:most], kind) for role, pictures in tests.items()}
        for role, values in scores.items():
            numbers[role][name] = finite_means(values)
            if (wild := int((~np.isfinite(values)).sum())) > 0:
                numbers[role][f"{name}: not finite"] = [wild]
            if role != inlier:
                numbers[role][f"AUC {name}"] = list(areas(scores[inlier], values))
                together = [of.mean(0, keepdims=True) for of in (scores[inlier], values)]
                numbers[role][f"AUC {name}, all members"] = list(areas(*together))
    return numbers


def finite_means(values: np.ndarray) -> list[float]:
    """The mean of each member's finite scores."""
    return [
        float(member[np.isfinite(member)].mean()) if np.isfinite(member).any() else float("nan") for member in values
    ]


def areas(usual: np.ndarray, strange: np.ndarray) -> Iterator[float]:
    """The area under the curve of each member; infinite scores keep their rank, and what is no number is strangest."""
    y = np.repeat([0, 1], [usual.shape[1], strange.shape[1]])
    for member in np.concatenate([usual, strange], axis=1):
        yield auroc(y, np.where(np.isnan(member), np.inf, member))


def grid(detector: NegativeSamplingVAE) -> np.ndarray:
    """Fifty pictures that the first member makes, on one."""
    (rows, columns), members = SHOWN, detector.model_.members
    pictures = np.asarray(detector.sample(rows * columns * members)[::members])
    pixels = np.rint(255 * pictures).astype(np.uint8)
    lines = pixels.reshape(rows, columns, *pixels.shape[1:])
    return np.concatenate([np.concatenate(list(line), axis=1) for line in lines])


def scattered(detector: Detector, tests: Mapping[str, np.ndarray], inlier: str) -> np.ndarray:
    """The first two codes of a thousand pictures of each set, as the paper's last table shows them."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - matplotlib is slow to import
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(3.2, 3.2), dpi=100)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.14, 0.1, 0.83, 0.87))
    others = [role for role in tests if role != inlier]
    for role, color in zip([inlier, *others], ("#46689b", "#c9501c", "#3a8a5f"), strict=False):
        across, up = detector.embed(tests[role][:1000])[:, :2].T
        axes.scatter(across, up, s=2, color=color, label=role, linewidths=0)
    axes.legend(markerscale=4, fontsize=7, loc="upper right", frameon=False)
    axes.tick_params(labelsize=7)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]
