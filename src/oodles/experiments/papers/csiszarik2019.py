"""Csiszárik, Benkő & Varga, Negative Sampling in Variational Autoencoders, 2019: every experiment as a value.

Published means and standard deviations of five runs stand beside the cells; settings are the authors' own.
"""

from collections.abc import Mapping
from dataclasses import replace

from ..known import KnownAnomalies
from ..pictures import OutOfDistribution
from ..tasks import Cell, Reported
from .csiszarik2019_reported import (
    BASELINE_3,
    BPD,
    KL,
    LAST_4,
    PUBLISHED_5,
    TABLE_1,
    TABLE_2,
    C,
    F,
    I,
    L,
    Line,
    M,
    S,
)
from .paper import Claim, Paper, Table

__all__ = ["PAPER"]

METRICS = {BPD: "AUC BPD", KL: "AUC KL"}
MEANS = {**METRICS, "test bits_per_dim": "Test BPD", "ood bits_per_dim": "OOD BPD"}
LEVELS = {**MEANS, "test kl": "Test KL", "ood kl": "OOD KL"}
BEYOND = (
    "AUC density",
    "AUC density, all members",
    "AUC typicality",
    "AUC waic",
    "AUC likelihood_ratio",
    "AUC input_complexity",
    "AUC likelihood_regret",
    "AUC iwae",
    "AUC reconstruction_error",
)
CLAIMS = (
    Claim("The adversarial scheme's AUC KL lies above the baseline's", KL, "adversarial", "baseline"),
    Claim("Auxiliary negatives' AUC KL lies above the baseline's", KL, "auxiliary", "baseline"),
)
METHODS = ("baseline", "auxiliary", "adversarial")
NOISES = {"Bernoulli": "bernoulli", "Gaussian": "gaussian", "Q. Gaussian": "gaussian-dequantized"}

COUNTS = (0, 1, 5, 20, 100)
"""Known anomalies."""

REMARKS_1 = (
    "A baseline's KL moves with the length of the training: ours made a hundredth of the authors' 120,000 rounds.",
    "Rows with a stand-in for Letters are other experiments: its strokes are thin, and Bernoulli prefers the dark.",
)
REMARKS_2 = (
    "Two cells of the published table were lost and have no reported number.",
    "Auxiliary cells need ImageNet-32; where it is not on the machine they are left out.",
)


def task(inlier: str, against: str, noise: str, method: str) -> OutOfDistribution:
    """What one of the first two tables' cells needs: the auxiliary set is the one that has no other part in it."""
    base = OutOfDistribution(inlier, NOISES[noise])
    if method == "adversarial":
        return replace(base, source="adversarial")
    if method == "auxiliary":
        third = I if base.color else next(role for role in (F, M, L) if role not in (inlier, against))
        return replace(base, negatives=(third,))
    return base


def comparison(
    number: str, title: str, published: dict[tuple[str, str, str], tuple[Line, Line]], remarks: tuple[str, ...] = ()
) -> Table:
    """Inlier, OOD, noise × method."""
    cells = []
    for row, (bpd, kl) in published.items():
        for method, *found in zip(METHODS, bpd, kl, strict=True):
            reported = {metric: value for metric, value in zip((BPD, KL), found, strict=True) if value is not None}
            cells.append(Cell(number, row, method, task(*row, method), row[1], reported))
            if METHODS[0] == method and row[0] == C:  # which of both did the authors' layers do?
                normalized = replace(cells[-1].task, normalized="batch")  # type: ignore[type-var]
                cells.append(Cell(number, row, "baseline, batch normalization", normalized, row[1], reported))
    return Table(title, ("inlier", "OOD", "noise"), tuple(cells), METRICS, BEYOND, claims=CLAIMS, remarks=remarks)


def line(number: str, row: str, what: OutOfDistribution, reported: Mapping[str, Reported]) -> Cell:
    """A cell of the tables that have Fashion-MNIST against MNIST only."""
    return Cell(number, (row,), "", what, M, reported)


SHIRTS = OutOfDistribution(F, "bernoulli")
TABLE_3 = Table(
    "Sources of negatives: Fashion-MNIST against MNIST, Bernoulli",
    ("negatives",),
    (
        line("3", "none", SHIRTS, BASELINE_3),
        line(
            "3",
            "uniform noise",
            replace(SHIRTS, source="uniform"),
            {
                BPD: (0.47, 0.05),
                KL: (0.56, 0.08),
                "test bits_per_dim": (0.44, 0.00),
                "ood bits_per_dim": (0.46, 0.06),
            },
        ),
        line(
            "3",
            "KMNIST",
            replace(SHIRTS, negatives=("KMNIST",)),
            {
                BPD: (1.00, 0.00),
                KL: (1.00, 0.00),
                "test bits_per_dim": (0.44, 0.00),
                "ood bits_per_dim": (1.63, 0.11),
            },
        ),
        line(
            "3",
            "Letters",
            replace(SHIRTS, negatives=(L,)),
            {BPD: (1.00, 0.00), KL: (1.00, 0.00), "ood bits_per_dim": (2.09, 0.28)},
        ),
        line(
            "3",
            "adversarial",
            replace(SHIRTS, source="adversarial"),
            {BPD: (0.70, 0.13), KL: (0.88, 0.07), "test bits_per_dim": (0.68, 0.13), "ood bits_per_dim": (1e18, 1e19)},
        ),
        line("3", "additive noise, σ = 0.25", replace(SHIRTS, source="noise"), {BPD: (0.44, 0.01), KL: (0.70, 0.09)}),
        line("3", "own samples (ablation)", replace(SHIRTS, source="own"), {}),
        line("3", "samples frozen early (ablation)", replace(SHIRTS, source="frozen"), {}),
        line("3", "Letters and KMNIST mixed", replace(SHIRTS, negatives=(L, "KMNIST")), {}),
    ),
    MEANS,
    BEYOND,
    remarks=(
        "The last three rows are not in the paper.",
        "The adversarial OOD BPD of 1e18 is an overflow of exp(log σ²) in the authors' KL; our log σ ends at 3.",
    ),
)
TABLE_4 = Table(
    "Reconstruction of negatives with weight α: Fashion-MNIST against MNIST, Bernoulli, negatives: Letters",
    ("α",),
    tuple(
        line(
            "4",
            f"{alpha / 10:.1f}",
            replace(SHIRTS, negatives=(L,), rebuilt=alpha / 10),
            LAST_4 if alpha == 10 else {},
        )
        for alpha in range(11)
    ),
    LEVELS,
    BEYOND,
    pictures=("samples",),
    remarks=("Only the last column of the published table could be read.",),
)
TABLE_5 = Table(
    "Latent dimension: baseline, Fashion-MNIST against MNIST, Bernoulli",
    ("latent",),
    tuple(
        line(
            "5",
            str(latent),
            SHIRTS if latent == 10 else replace(SHIRTS, latent=latent),
            dict(zip(LEVELS, values, strict=True)),
        )
        for latent, values in PUBLISHED_5.items()
    ),
    LEVELS,
    BEYOND,
    pictures=("samples",),
    remarks=("Published numbers beyond 10 codes are single runs.",),
)


def gallery(number: str, title: str, rows: tuple[tuple[str, str], ...], noises: tuple[str, ...], picture: str) -> Table:
    """Pictures of models that other tables need too."""
    cells = tuple(
        Cell(number, (inlier, noise), method, task(inlier, against, noise, method), against)
        for inlier, against in rows
        for noise in noises
        for method in METHODS
    )
    return Table(title, ("inlier", "noise"), cells, {}, (), (picture,))


TABLE_6 = gallery("6", "Generated samples", ((F, M), (M, F), (C, S), (S, C)), ("Bernoulli", "Gaussian"), "samples")
TABLE_7 = gallery("7", "First two coordinates of the latent space", ((F, M),), ("Bernoulli",), "codes")
SWEEP = Table(
    "Distance m of the negative prior",
    ("inlier", "OOD", "m"),
    tuple(
        Cell(
            "shift",
            (inlier, against, str(m)),
            method,
            replace(task(inlier, against, "Bernoulli", method), shift=None if m == own else float(m)),
            against,
        )
        for inlier, against, shifts, own in ((F, M, (2, 4, 6, 8, 10), 8), (C, S, (5, 10, 15, 20, 25, 30), 25))
        for m in shifts
        for method in METHODS[1:]
    ),
    METRICS,
    BEYOND,
    remarks=("The paper says which distances were tried, not what came of each.",),
)


def baseline(inlier: str, against: str, noise: str) -> dict[str, Reported]:
    """What the first table reports of a baseline, if it is there."""
    found = TABLE_1.get((inlier, against, noise))
    return {} if found is None else {metric: run[0] for metric, run in zip((BPD, KL), found, strict=True) if run[0]}


UNSUPERVISED = Table(
    "Without negatives: scores of the same baseline, both directions",
    ("inlier", "OOD", "noise"),
    tuple(
        Cell(
            "beyond",
            (inlier, against, name),
            "baseline",
            OutOfDistribution(inlier, noise),
            against,
            baseline(inlier, against, name),
        )
        for name, noise in (("Bernoulli", "bernoulli"), ("Gaussian", "gaussian"), ("learned σ", "gaussian-global"))
        for inlier, against in ((F, M), (M, F))
    ),
    METRICS,
    BEYOND,
)
KNOWN = Table(
    "Known anomalies as negatives: AUROC and average precision on others",
    ("dataset", "known"),
    tuple(
        Cell("known", (dataset, row), "", KnownAnomalies(dataset, known, source), "others")
        for dataset in ("kddcup99", "2_annthyroid", "6_cardio")
        for row, known, source in (
            ("plain VAE", None, "none"),
            *((str(count), count, "none") for count in COUNTS),
            ("0, adversarial", 0, "adversarial"),
        )
    ),
    {"AUC elbo": "AUROC", "AP elbo": "AP"},
    ("AUC kl", "AP kl", "AUC density", "AP density"),
    remarks=(
        "0 known: `NegativeSamplingVAE` whose encoder and generator take turns, with nothing to push away.",
        "Each split of the rows is a run; detectors have their default parameters.",
    ),
)

PAPER = Paper(
    key="csiszarik2019",
    title="Csiszárik, Benkő & Varga: Negative Sampling in Variational Autoencoders (2019)",
    link="https://arxiv.org/abs/1910.02760",
    light="light decoder (32 filters instead of 256)",
    costly="iwae and likelihood_regret",
    tables={
        "1": comparison("1", "Gray pictures: baseline, auxiliary and adversarial negatives", TABLE_1, REMARKS_1),
        "2": comparison("2", "Color pictures: baseline, auxiliary and adversarial negatives", TABLE_2, REMARKS_2),
        "3": TABLE_3,
        "4": TABLE_4,
        "5": TABLE_5,
        "6": TABLE_6,
        "7": TABLE_7,
        "shift": SWEEP,
        "beyond": UNSUPERVISED,
        "known": KNOWN,
    },
    deviations=(
        "The encoder's log σ is cut to [-6, 3]; the authors' is free, and overflows in the adversarial runs.",
        "Two per cent of the pictures are held out for calibration (ten in `clean`); the authors train on all.",
        "Auxiliary batches are drawn with replacement; the authors go through a shuffled set.",
        "Quantized Gaussian: the expectation over the dequantization noise is taken exactly instead of by one draw.",
        "Color networks: batch normalization as an affine map, which is what the authors' code most likely computed.",
    ),
)
