"""Experimental Results on VAE, slides of a seminar at Seoul National University, 2015: its experiments as values.

The slides show pictures and one grid of labels; they announce more than they show ("To do").
"""

from ..enclosed import GAMMAS, NUS, EnclosedCodes, EnclosedPixels, Usual
from ..latents import LatentDigits, PixelDigits
from ..tasks import Cell, Task
from .paper import Paper, Table
from .snu2015_anomalies import ANOMALIES, ANOMALY_KINDS, ANOMALY_MAPS
from .snu2015_combined import ALONE, COMBINED, FALSE_ALARMS
from .snu2015_labels import HANDFUL, SEMI_SUPERVISED

__all__ = ["PAPER"]

LATENTS = (3, 5, 200)

GRID = "4057754954084445650058889"
"""The classes of the 25 digits that the slides show as the least likely ones, line by line."""

FIGURE_1 = Table(
    "Test digits by likelihood given their code, over all classes",
    ("codes",),
    tuple(Cell("figure 1", (str(latent),), "", LatentDigits(latent), "all") for latent in LATENTS),
    {"log-likelihood": "log-likelihood", "KL": "KL"},
    ("codes in use",),
    pictures=("global",),
    remarks=(
        "The slides do not say how many codes their model had, nor which end of the order they show.",
        "The log-likelihood is log p(x | z) in nats at the posterior's mean z; KL is that of q(z | x) from the prior.",
    ),
)

LABELS = Table(
    "Classes of the 25 least likely digits",
    ("codes", "digit"),
    tuple(
        Cell(
            "labels",
            (str(latent), str(digit)),
            "",
            LatentDigits(latent),
            f"digit {digit}",
            {"least likely": (GRID.count(str(digit)), None)},
        )
        for latent in LATENTS
        for digit in range(10)
    ),
    {"least likely": "of 25"},
    ("most likely", "of the least likely tenth", "log-likelihood"),
    remarks=("Of 25 digits drawn at random 2.5 would be of each class; the slides' grid has no 1, 2 or 3.",),
)

FIGURE_2 = Table(
    "The same within each class: the ten least and the ten most likely",
    ("codes",),
    tuple(Cell("figure 2", (str(latent),), "", LatentDigits(latent), "all") for latent in LATENTS),
    {},
    pictures=("conditional",),
)

PROJECTED: tuple[tuple[str, Task], ...] = (
    *((f"{latent} codes", LatentDigits(latent)) for latent in LATENTS),
    ("pixels", PixelDigits()),
)

FIGURE_3 = Table(
    "t-SNE of codes and of pixels: share of test digits whose class most of their ten neighbors have",
    ("of what",),
    tuple(Cell("figure 3", (name,), "", task, "all") for name, task in PROJECTED),
    {"k-NN, projection": "in the plane", "k-NN, codes": "before"},
    ("codes in use",),
    pictures=("projection",),
    remarks=("The slides show pictures only, and give no numbers.",),
)


def enclosed(usual: Usual) -> tuple[Cell, ...]:
    """Machines around pixels and codes, one digit or nine being usual."""
    pixels = EnclosedPixels(usual, LATENTS)
    known = {"one": "one usual, nine strange", "nine": "nine usual, one strange"}[usual]
    original = ("pixels", *(f"PCA-{count}" for count in LATENTS))
    said = ("μ", "μ, log σ²", "μ, −log p", "LatentOneClassSVM", "−ELBO")
    return (
        *(Cell("one-class", (known, what), "", pixels, what) for what in original),
        *(
            Cell("one-class", (known, f"{what}, {latent} codes"), "", EnclosedCodes(usual, latent), what)
            for latent in LATENTS
            for what in said
        ),
    )


ONE_CLASS = Table(
    "Support vector machines around codes of several sizes, and around the original data",
    ("digits", "what is enclosed"),
    (*enclosed("one"), *enclosed("nine")),
    {"AUROC": "AUROC"},
    tuple(f"{gamma}, {nu:g}" for gamma in GAMMAS for nu in NUS),
    remarks=(
        (
            "Means over digits, their standard deviation in parentheses: every digit as the only usual one; 1, 4 and "
            "8 as the strange one. A VAE, and a PCA, learn the usual digits only, each VAE in as many steps as the "
            "epochs of 50,000 pictures take."
        ),
        (
            "The first column has γ = `scale` and ν = 0.1, the others what their heads say. Rows are standardized "
            "(deviations below 0.1 count as 0.1); 2,000 learned rows, evenly spread, are solved for exactly."
        ),
        "`LatentOneClassSVM` is the detector as it is: μ and −log p(x | μ), and all learned rows by Nyström's method.",
        (
            "Areas far below one half are no slip of a sign: digits that were never learned get codes nearer to the "
            "middle of the latent space than those that were, inside the region."
        ),
    ),
)

PAPER = Paper(
    key="snu2015",
    title="Experimental Results on VAE (slides, Seoul National University, 2015)",
    link="https://arxiv.org/abs/1312.6114",
    light="light networks (100 hidden units)",
    tables={
        "figure 1": FIGURE_1,
        "labels": LABELS,
        "figure 2": FIGURE_2,
        "figure 3": FIGURE_3,
        "one-class": ONE_CLASS,
        "anomalies": ANOMALIES,
        "maps": ANOMALY_MAPS,
        "kinds": ANOMALY_KINDS,
        "alone": ALONE,
        "combined": COMBINED,
        "combined alarms": FALSE_ALARMS,
        "semi-supervised": SEMI_SUPERVISED,
        "handful": HANDFUL,
    },
    deviations=(
        "The slides name neither activation nor optimizer: ours are ReLU and Adam with a learning rate of 0.001.",
        "Two per cent of the 50,000 training pictures are held out for calibration.",
    ),
)
