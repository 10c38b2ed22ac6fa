"""Fraud by reconstruction probability (Fiorino, 2020, section 3): genuine payments are learned, frauds are strange."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..calibration import Quantile
from ..detectors import VAE, Detector, OneClassSVM
from ..encoding import TableEncoder
from ..metrics import auroc, average_precision, rates
from .drawings import histogram_picture
from .payments import Parts, Rows, parts_of
from .root_error import RootErrorVAE
from .tasks import Budget, Result

__all__ = ["Frauds", "Method"]

Method = Literal["VAE", "VAE, σ = 1", "VAE, RMSE", "OC-SVM", "Isolation forest"]

SHARE = 492 / 284_807
"""How many payments are frauds in the published file."""

PROBABILITY, LOGARITHM = "reconstruction_probability-100-random", "mean_log_probability-100"

KINDS: dict[str, tuple[str, ...]] = {
    "VAE": (PROBABILITY, LOGARITHM, "elbo", "reconstruction_error"),
    "VAE, σ = 1": (PROBABILITY, "reconstruction_error"),
    "VAE, RMSE": ("reconstruction_error",),
    "OC-SVM": ("energy",),
    "Isolation forest": ("isolation",),
}


@dataclass(frozen=True)
class Frauds:
    """A split and a fit for each run; payments are a table of 29 numbers, connections one of 41 columns.

    In the `clean` protocol every run draws 80 % of the payments to learn from, 10 % to set alarms with and 10 % to
    judge, frauds in the same shares, of which those to learn from are dropped; no row lies in two parts. `paper` does
    what code that the document names does: columns are scaled by all rows, the first 90 % in time are learned, 5 % and
    5 % are for alarms and judging, the network learns to the last epoch. Connections have a test set of their own.

    Attributes:
        rows: What is learned and judged.
        method: What learns.
        latent: Number of codes of a VAE.
    """

    rows: Rows
    method: Method
    latent: int = 2

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        return f"{self.rows}, {self.method}" + (f", {self.latent} codes" if "VAE" in self.method else "")

    def described(self, budget: Budget) -> dict[str, Any]:
        """Everything that its result depends on."""
        what = "IsolationForest()" if self.method == "Isolation forest" else repr(self.detector(budget, 0))
        return {**asdict(self), "detector": what}

    def detector(self, budget: Budget, seed: int, **more: Any) -> Detector:
        """The document's settings, within the budget."""
        clean = budget.protocol == "clean"
        shared: dict[str, Any] = {"random_state": seed, "validation_fraction": 0.1 if clean else 0.02, **more}
        if self.method == "OC-SVM":
            return OneClassSVM(**{key: value for key, value in shared.items() if key != "checkpoint"})
        network: dict[str, Any] = {"hidden": (20, 10, 8), "activation": "relu", "latent": self.latent, "members": 1}
        effort = {"epochs": budget.epochs or 1000, "batch_size": 128, "lr": budget.lr or 1e-3}
        trained = {"optimizer": "nadam", "decay": False, "early_stopping": clean, **network, **effort, **shared}
        if self.method == "VAE, RMSE":
            return RootErrorVAE(**trained)
        likelihood = "gaussian-row" if self.method == "VAE" else "gaussian"
        return VAE(likelihood=likelihood, scoring=PROBABILITY, **trained)

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:
        """Learn and judge; each run has a checkpoint of its own."""
        draw, note = parts_of(self.rows, budget)
        numbers: dict[str, dict[str, list[float]]] = {}
        pictures: dict[str, np.ndarray] = {}
        places = [checkpoint.with_name(f"{checkpoint.name}-{seed}") for seed in range(budget.members)]
        for seed, place in enumerate(places):
            parts = draw(seed)
            more: dict[str, Any] = {"device": device, "verbose": verbose, "checkpoint": place}
            if budget.protocol == "paper" and self.rows != "connections":
                more["schema"] = dict.fromkeys(parts.learned.column_names, "scaled")
            found, about = self.scores(budget, seed, parts, **more)
            for kind, (validated, judged) in found.items():
                for against, measured in worth(kind, validated, judged, parts).items():
                    for quantity, value in {**measured, **about}.items():
                        numbers.setdefault(against, {}).setdefault(quantity, []).append(value)
            if not seed and PROBABILITY in found:
                pictures["histogram"] = histogram(*found[PROBABILITY], parts)
        for place in places:
            place.unlink(missing_ok=True)
        return Result(numbers, pictures=pictures, notes=tuple(filter(None, (note,))))

    def scores(
        self, budget: Budget, seed: int, parts: Parts, **more: Any
    ) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], dict[str, float]]:
        """How strange rows for alarms and judged rows are by each score; the epochs that were made, and the KL."""
        if self.method == "Isolation forest":
            from sklearn.ensemble import IsolationForest  # noqa: PLC0415 - scikit-learn is slow to import

            encoder = TableEncoder.fit(parts.learned, more.get("schema"))
            rows = [encoder.transform(table) for table in (parts.learned, parts.validated, parts.judged)]
            forest = IsolationForest(random_state=seed).fit(rows[0][: budget.images])
            validated, judged = (-forest.score_samples(some) for some in rows[1:])
            return {"isolation": (validated, judged)}, {}
        detector = self.detector(budget, seed, **more).fit(parts.learned.slice(0, budget.images))
        found = {
            kind: (detector.anomaly_score(parts.validated, kind), detector.anomaly_score(parts.judged, kind))
            for kind in KINDS[self.method]
        }
        if not detector.epochs_:
            return found, {}
        nats = float(detector.anomaly_score(parts.judged, "kl")[parts.truth == 0].mean())
        return found, {"epochs": float(detector.epochs_), "KL of usual rows": nats}


def worth(kind: str, validated: np.ndarray, judged: np.ndarray, parts: Parts) -> dict[str, dict[str, float]]:
    """What a score is worth as a ranking, and as an alarm by each rule: set → quantity → number."""
    truth = parts.truth
    ranking = {
        "AUROC": auroc(truth, judged),
        "AUPRC": average_precision(truth, judged),
        "chance": float(truth.mean()),
        "strange rows judged": float(truth.sum()),
    }
    found = {kind: ranking}
    for rule, limit in limits(validated, parts.validation).items():
        at = rates(truth, judged > limit)
        caught, false = SHARE * at.recall, (1 - SHARE) * at.false_alarm_rate
        found[f"{kind}, {rule}"] = {
            "precision": at.precision,
            "recall": at.recall,
            "F1": at.f1,
            "false alarms": at.false_alarm_rate,
            "precision at 0.17 %": caught / (caught + false) if caught + false else 0.0,
        }
    return found


def limits(scores: np.ndarray, strange: np.ndarray) -> dict[str, float]:
    """The score above which a row is alarmed, by three rules; only the last looks at known anomalies."""
    usual = scores[strange == 0]
    spread = 1.4826 * np.median(np.abs(usual - np.median(usual)))
    return {
        "0.1 % alarmed": Quantile(0.001)(usual),
        "1 % alarmed": Quantile(0.01)(usual),
        "mean + 3 MAD": float(usual.mean() + 3 * spread),
        "best F1": best_f1(scores, strange),
    }


def best_f1(scores: np.ndarray, strange: np.ndarray) -> float:
    """The score above which alarms have the largest F1: halfway between two neighbors."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(strange[order])
    f1 = 2 * hits / (np.arange(1, len(scores) + 1) + strange.sum())
    ranked = np.append(scores[order], scores.min() - 1)
    f1[ranked[:-1] == ranked[1:]] = 0  # equals are alarmed together
    last = int(np.argmax(f1))
    return float((ranked[last] + ranked[last + 1]) / 2)


def histogram(validated: np.ndarray, judged: np.ndarray, parts: Parts) -> np.ndarray:
    """The logarithm of the reconstruction probability of judged rows, with the boundaries of the rules."""
    named = {"genuine": -judged[parts.truth == 0], "fraud": -judged[parts.truth == 1]}
    if "duration" in parts.judged.column_names:
        named = {"normal": named["genuine"], "attack": named["fraud"]}
    boundaries = {rule: -limit for rule, limit in limits(validated, parts.validation).items()}
    return histogram_picture(list(named.items()), boundaries, "log reconstruction probability (nats)")
