"""KDD Cup 99 as Zong et al. (2018) and Zenati et al. (2018) use it: attacks are usual, normal connections strange."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .. import data
from ..detectors import DAGMM, DSEBM, WGANGP, BiGAN, Detector, EnGAN, KernelPCA, OneClassSVM
from ..metrics import auroc, average_precision, rates
from .settings import authors
from .tasks import Budget, Result

__all__ = ["Intrusions", "Method", "Scaling"]

SHARE = 0.2
"""Share of the test rows that is alarmed: the authors' rule, which looks at the test scores."""

ONE_HOT = ("protocol_type", "service", "flag", "land", "logged_in", "is_host_login", "is_guest_login")

Scaling = Literal["raw", "min-max", "standard"]

Method = Literal["Kernel PCA", "OC-SVM", "DSEBM", "DAGMM", "BiGAN", "WGAN-GP", "EnGAN"]

KINDS: dict[str, tuple[str, ...]] = {
    "Kernel PCA": ("energy",),
    "OC-SVM": ("energy",),
    "DSEBM": ("energy", "score_norm"),
    "DAGMM": ("energy",),
    "BiGAN": ("sigma", "feature_matching"),
    "WGAN-GP": ("energy", "score_norm"),
    "EnGAN": ("energy", "score_norm"),
}


@dataclass(frozen=True)
class Intrusions:
    """Half of all rows, the attacks among them learned; the other half judged, attacks against normal connections.

    Attributes:
        method: What learns.
        scaling: `raw` leaves the numbers as they are, as the authors' code does by mistake; `min-max` is what it
            meant; `standard` is what our detectors do with a table.
        penalty: λ of EnGAN.
    """

    method: Method
    scaling: Scaling
    penalty: float | None = None

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        return f"KDD Cup 99, {self.method}, {self.scaling}" + (f", λ = {self.penalty:g}" if self.penalty else "")

    def described(self, budget: Budget) -> dict[str, Any]:
        """Everything that its result depends on."""
        return {**asdict(self), "detector": repr(self.detector(budget))}

    def detector(self, budget: Budget, **more: Any) -> Detector:
        """The authors' settings, within the budget; `clean` has our defaults where the paper and its code disagree."""
        clean = budget.protocol == "clean"
        shared: dict[str, Any] = {"random_state": 1, "validation_fraction": 0.02, **more}
        if self.method in ("Kernel PCA", "OC-SVM"):
            kernel: type[Detector] = KernelPCA if self.method == "Kernel PCA" else OneClassSVM
            return kernel(**shared)
        trained: dict[str, Any] = {"members": budget.members, "early_stopping": False, "decay": False, **shared}
        adversarial: dict[str, Any] = {
            "latent": 32,
            "generator_hidden": (64, 128),
            "optimizer": "adam-0.5-0.9",
            **trained,
        }
        if self.method == "DSEBM":
            return DSEBM(**setting(budget, 20, 100, 1e-4), hidden=(128, 512), noise=1.0, **trained)
        if self.method == "DAGMM":
            return DAGMM(**setting(budget, 200, 1024, 1e-4), latent=1, density_weight=0.1, **trained)
        if self.method == "BiGAN":
            hidden: dict[str, Any] = {"hidden": (64,), "activation": "leaky-0.1"}
            return BiGAN(**setting(budget, 50, 50, 1e-5), **hidden, **adversarial)
        critic: dict[str, Any] = {"hidden": (256, 128, 128), **setting(budget, 55, 256, 1e-4), **adversarial}
        if self.method == "WGAN-GP":
            return WGANGP(**critic)
        penalty = self.penalty or 0.1
        # Only standardized columns have the spread that our reference measure expects.
        reference = "auto" if clean and self.scaling == "standard" else None
        own = {"penalty": penalty} if clean else {**authors(penalty=penalty), "penalty_form": "row"}
        return EnGAN(n_phi=1, reference_std=reference, **own, **critic)

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:
        """Learn and judge."""
        learned, judged, truth, note = split(self.scaling)
        columns = [] if self.scaling == "standard" else [f"x{i}" for i in range(learned.shape[1])]
        schema = dict.fromkeys(columns, "scaled") or None
        trained = self.method not in ("Kernel PCA", "OC-SVM")
        more = {"checkpoint": checkpoint} if trained else {}
        numbers: dict[str, dict[str, list[float]]] = {kind: {} for kind in KINDS[self.method]}
        for seed in range(1 if trained else budget.members):
            detector = self.detector(budget, schema=schema, device=device, verbose=verbose, **more)
            detector.set_params(random_state=1 + seed)
            detector.fit(learned[: budget.images])
            for kind, found in numbers.items():
                for scores in detector.member_scores(judged, kind):
                    for quantity, value in measured(truth, scores, detector, kind).items():
                        found.setdefault(quantity, []).append(value)
        return Result(numbers, notes=tuple(filter(None, (note,))))


def setting(budget: Budget, epochs: int, batch_size: int, lr: float) -> dict[str, Any]:
    """The authors' effort, within the budget."""
    return {"epochs": budget.epochs or epochs, "batch_size": batch_size, "lr": budget.lr or lr}


def measured(truth: np.ndarray, scores: np.ndarray, detector: Detector, kind: str) -> dict[str, float]:
    """What one member's scores are worth: at the authors' threshold, as a ranking, at the detector's own alarm."""
    finite = np.where(np.isfinite(scores), scores, np.inf)
    limit = np.sort(finite)[int(np.ceil((1 - SHARE) * len(finite))) - 1]
    at = rates(truth, finite > limit)
    found = {"precision": at.precision, "recall": at.recall, "F1": at.f1}
    found |= {"AUROC": auroc(truth, finite), "AP": average_precision(truth, finite)}
    if kind == detector.scoring:
        own = rates(truth, finite > -detector.offset_)
        found |= {"F1 at its own alarm": own.f1, "false alarms at its own": own.false_alarm_rate}
    return found


def split(scaling: Scaling) -> tuple[Any, Any, np.ndarray, str]:
    """Rows to learn, rows to judge and their labels (1: normal connection), and a note.

    A random half, drawn as the authors draw it; of its rows only attacks are learned. Of the other half all attacks and
    as many normal connections as make a fifth of all, which is all of them.

    Raises:
        DatasetError: If the set is not on this machine.
    """
    found = data.load("kddcup99", download=False)
    strange = np.asarray(found.y) == 0
    n = len(strange)
    half = np.zeros(n, dtype=bool)
    order = np.random.RandomState(42).choice(n, round(n / 2), replace=False)
    half[order] = True
    learned = order[~strange[order]]
    others = np.flatnonzero(~half)
    attacks, normal = others[~strange[others]], others[strange[others]]
    normal = normal[: int(len(attacks) * SHARE / (1 - SHARE) + 0.5)]
    judged = np.concatenate([attacks, normal])
    truth = np.repeat([0, 1], [len(attacks), len(normal)])
    if scaling == "standard":
        rows = found.X.take(pa.array(learned)), found.X.take(pa.array(judged))
        return *rows, truth, found.note
    numbers = one_hot(found.X)
    if scaling == "min-max":
        low, high = numbers[learned].min(0), numbers[learned].max(0)
        numbers = (numbers - low) / np.where(high > low, high - low, 1)
    return numbers[learned], numbers[judged], truth, found.note


def one_hot(table: pa.Table) -> np.ndarray:
    """The authors' 121 columns: seven as indicators of their levels, 34 as numbers."""
    columns = []
    for name in table.column_names:
        cells = table[name].combine_chunks()
        if name in ONE_HOT:
            coded = pc.dictionary_encode(cells)
            columns.append(np.eye(len(coded.dictionary))[coded.indices.to_numpy(zero_copy_only=False)])
        else:
            columns.append(cells.to_numpy(zero_copy_only=False).astype(np.float64)[:, None])
    return np.concatenate(columns, axis=1)
