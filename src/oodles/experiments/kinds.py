"""Which score sees which kind of anomaly? Normal rows against anomalies that were made to be of one kind."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import data
from ..data.anomalies import PICTURES, TABLES, Repeated, TableAnomalies, held_out
from ..detectors import VAE, Detector, OneClassSVM
from ..detectors.blocks import Applied, encoded
from ..detectors.rows import raw_rows
from ..metrics import auroc
from ..scores import Posterior
from ..shapes import Batch, PerRow
from .drawings import map_picture, named_pictures
from .known import taken
from .tasks import Budget, Result

__all__ = ["FAMILIES", "SCORES", "PictureKinds", "TableKinds"]

RECONSTRUCTION = ("likelihood", "reconstruction_error", "reconstruction_probability")
LATENT = ("kl", "latent_norm", "entropy")
SCORES = ("elbo", *RECONSTRUCTION, *LATENT, "density", "typicality", "OC-SVM")
"""The scores of a variational autoencoder, the entropy of its posterior, and a machine without codes."""

MOST = 5000
"""Normal rows of a table to learn from, at most."""

SAME_NORMALS = (("local", "cluster", "global"), ("dependency",))
"""Kinds of anomalies in tables by the model of their normal rows."""

FAMILIES = {
    "noise": ("impulse", "gaussian", "speckle", "shot"),
    "occlusion": ("dotted line", "block", "stripe"),
    "blur": ("blur",),
    "geometry": ("rotate", "shear", "translate", "scale"),
    "intensity": ("brightness", "contrast", "inverse", "quantize"),
    "dependency": ("shuffled", "mixed"),
    "cluster": ("repeated",),
    "meaning": ("held-out digit",),
}
"""What kinds of anomalies in pictures have in common."""


def entropy(model: Posterior, x: Batch) -> PerRow:
    r"""$H(q(z|x)) = \frac12 \sum_l \log 2 \pi e \sigma_l^2$ in nats: how little the model says about the code."""
    std = model.posterior(x)[1]
    return (std.log() + 0.5 * np.log(2 * np.pi * np.e)).sum(-1)


def strangeness(vae: Detector, machine: Detector, X: Any) -> dict[str, np.ndarray]:
    """Every score of rows, (N,) each: larger is taken for stranger."""
    model: Any = vae.model_
    blocks = encoded(vae, raw_rows(vae, X, reset=False), model.points.device)
    apply = Applied(vae, entropy)
    found = {kind: vae.anomaly_score(X, kind) for kind in SCORES if kind not in ("entropy", "OC-SVM")}
    found["entropy"] = torch.cat([apply(x).double().mean(0).cpu() for x in blocks]).numpy()
    found["OC-SVM"] = machine.anomaly_score(X)
    return found


def areas(usual: Mapping[str, np.ndarray], strange: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The area under the curve of each score."""
    return {
        kind: auroc(np.repeat([0, 1], [len(usual[kind]), len(strange[kind])]), np.r_[usual[kind], strange[kind]])
        for kind in SCORES
    }


def gathered(runs: Iterable[Mapping[str, float]]) -> dict[str, list[float]]:
    """Score → one number for each run."""
    every = list(runs)
    return {kind: [run[kind] for run in every] for kind in SCORES}


def drawn(numbers: Mapping[str, Mapping[str, list[float]]], kinds: Iterable[str], breaks: list[int]) -> np.ndarray:
    """The map from kinds of anomalies and scores to mean areas."""
    names = list(kinds)
    means = np.array([[np.mean(numbers[name][score]) for score in SCORES] for name in names])
    return map_picture(names, [score.replace("_", " ") for score in SCORES], means, breaks=breaks)


def judged(
    kinds: Mapping[str, TableAnomalies], vae: Detector, machine: Detector, sizes: tuple[int, int], seed: int
) -> Iterator[tuple[str, dict[str, float]]]:
    """What detectors say of kinds that share their normal rows, after learning some of them.

    Arguments:
        kinds: Fitted to normal rows.
        vae: An autoencoder to train.
        machine: A one-class machine to train.
        sizes: Normal rows to learn, and rows of each kind to judge.
        seed: Of the draws.
    """
    learn, judge = sizes
    streams = [np.random.default_rng([seed, stage]) for stage in range(2 + len(kinds))]
    first = next(iter(kinds.values()))
    rows, usual = first.normal(learn, random_state=streams[0]), first.normal(judge, random_state=streams[1])
    normal = strangeness(vae.fit(rows), machine.fit(rows), usual)
    for (name, kind), stream in zip(kinds.items(), streams[2:], strict=True):
        yield name, areas(normal, strangeness(vae, machine, kind.sample(judge, random_state=stream)))


@dataclass(frozen=True)
class TableKinds:
    """Tables whose normal rows are modelled, and made anew with anomalies of each kind.

    For each seed, as many normal rows as the table has (at most 5,000) are drawn and learned, and others are judged
    with as many anomalies of each kind. What is recorded for a kind is the mean over the tables.

    Attributes:
        datasets: Their names in the catalogue.
    """

    datasets: tuple[str, ...] = ("breast-cancer", "cardio", "pendigits", "thyroid", "vowels")

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        return f"kinds of anomalies in {len(self.datasets)} tables"

    def described(self, budget: Budget) -> dict[str, Any]:
        """Everything that its result depends on."""
        made = [repr(kind()) for kind in TABLES.values()]
        return {**asdict(self), "seeds": budget.members, "kinds": made, "detectors": [repr(VAE()), repr(OneClassSVM())]}

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:  # noqa: ARG002
        """Learn and judge; a fit takes seconds and needs no checkpoint."""
        numbers: dict[str, dict[str, list[float]]] = {}
        for dataset in self.datasets:
            found = data.load(dataset, download=False)
            normal = np.flatnonzero(np.asarray(found.y) == 0)
            kinds = {name: kind().fit(taken(found.X, normal)) for name, kind in TABLES.items()}
            runs: dict[str, list[dict[str, float]]] = {name: [] for name in kinds}
            sizes = min(len(normal), MOST), min(budget.test, MOST)
            for seed in range(budget.members):
                for same in SAME_NORMALS:
                    some = {name: kinds[name] for name in same}
                    vae = VAE(random_state=seed, device=device, verbose=verbose)
                    machine = OneClassSVM(random_state=seed, device=device)
                    for name, measured in judged(some, vae, machine, sizes, seed):
                        runs[name].append(measured)
            numbers |= {f"{name}, {dataset}": gathered(every) for name, every in runs.items()}
        for name in TABLES:
            each = [numbers[f"{name}, {dataset}"] for dataset in self.datasets]
            numbers[name] = {score: np.mean([one[score] for one in each], axis=0).tolist() for score in SCORES}
        apart = [f"{name}, {dataset}" for name in TABLES for dataset in self.datasets]
        breaks = np.arange(len(self.datasets), len(apart), len(self.datasets)).tolist()
        return Result(numbers, {"map": drawn(numbers, TABLES, []), "each": drawn(numbers, apart, breaks)})


@dataclass(frozen=True)
class PictureKinds:
    """MNIST against pictures of each kind, and against the digit that a run has never seen.

    Run m learns the first 50,000 training pictures without the digit m mod 10. Half of the other test pictures is
    normal, the other half is corrupted.

    Attributes:
        latent: Number of codes of the autoencoder, 784-400-L-400-784.
    """

    latent: int

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        return f"kinds of anomalies in MNIST, {self.latent} codes"

    def described(self, budget: Budget) -> dict[str, Any]:
        """Everything that its result depends on."""
        made = {name: repr(kind) for name, kind in kinds_of_pictures().items()}
        detectors = [repr(self.detector(budget)), repr(OneClassSVM())]
        return {**asdict(self), "kinds": made, "detectors": detectors}

    def detector(self, budget: Budget, **more: Any) -> VAE:
        """The presentation's network, within the budget."""
        return VAE(
            network="mlp",
            hidden=(400,),
            latent=self.latent,
            activation="relu",
            likelihood="bernoulli",
            epochs=budget.epochs or 200,
            batch_size=512,
            lr=budget.lr or 1e-3,
            decay=False,
            validation_fraction=0.02,
            **more,
        )

    def run(self, budget: Budget, *, device: str, checkpoint: Path, verbose: bool) -> Result:
        """Learn and judge, with another digit held out in each run."""
        train, test = (data.load("mnist", split, download=False) for split in ("train", "test"))
        learned, judged = np.asarray(train.X)[:50_000], np.asarray(test.X)
        kinds = kinds_of_pictures()
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in (*kinds, "held-out digit")}
        saved = [checkpoint.with_suffix(f".{run}.checkpoint") for run in range(budget.members)]
        shown: dict[str, np.ndarray] = {}
        for run, place in enumerate(saved):
            usual, _ = held_out(np.asarray(train.labels)[:50_000], run % 10)
            rest, odd = held_out(np.asarray(test.labels), run % 10)
            rest = np.random.default_rng(run).permutation(rest)
            size = min(budget.test, len(rest) // 2)
            rows = learned[usual][: budget.images]
            vae = self.detector(budget, random_state=run, device=device, verbose=verbose, checkpoint=place).fit(rows)
            machine = OneClassSVM(random_state=run, device=device).fit(rows)
            normal = strangeness(vae, machine, judged[rest[:size]])
            sets = {name: kind(judged[rest[size : 2 * size]], run) for name, kind in kinds.items()}
            sets["held-out digit"] = judged[odd[:size]]
            for name, pictures in sets.items():
                runs[name].append(areas(normal, strangeness(vae, machine, pictures)))
            shown = shown or {"normal": judged[rest[size : 2 * size]], **sets}
        for place in saved:
            place.unlink(missing_ok=True)
        numbers = {name: gathered(every) for name, every in runs.items()}
        breaks = np.cumsum([len(family) for family in FAMILIES.values()])[:-1].tolist()
        return Result(numbers, {"map": drawn(numbers, runs, breaks), "kinds": named_pictures(shown)})


def kinds_of_pictures() -> dict[str, Any]:
    """Every corruption of pictures; five pictures are repeated, so that the result hangs less on one."""
    return {**PICTURES, "repeated": Repeated(templates=5)}
