"""Kinds of anomalies and the scores that see them: what the slides of 2015 leave to do, as values."""

from ...data.anomalies import TABLES
from ..kinds import FAMILIES, SCORES, PictureKinds, TableKinds
from ..tasks import Cell, Task
from .paper import Table

__all__ = ["ANOMALIES", "ANOMALY_KINDS", "ANOMALY_MAPS"]

MODELS: tuple[tuple[str, Task], ...] = (
    ("digits, 5 codes", PictureKinds(5)),
    ("digits, 200 codes", PictureKinds(200)),
    ("tables", TableKinds()),
)


def cells() -> tuple[Cell, ...]:
    """One for each kind of anomaly and model."""
    pictures = [
        Cell("anomalies", (model, family, kind), "", task, kind)
        for model, task in MODELS[:2]
        for family, kinds in FAMILIES.items()
        for kind in kinds
    ]
    model, task = MODELS[2]
    rows = [Cell("anomalies", (model, kind, kind), "", task, kind) for kind in TABLES]
    return (*pictures, *rows)


ANOMALIES = Table(
    "Kinds of anomalies and the scores that see them: AUROC, larger scores taken for stranger",
    ("normal rows", "family", "kind"),
    cells(),
    {SCORES[0]: SCORES[0]},
    SCORES[1:],
    remarks=(
        (
            "Below .5 the anomalies have the smaller scores. `entropy` is that of q(z | x); `OC-SVM` sees pixels or "
            "columns, no codes. Run m of the digits has not seen the digit m."
        ),
        (
            "Normal rows of tables are replaced by draws of a model, as in ADBench, and learned with default "
            "parameters, whatever the budget's epochs; `dependency` has a Gaussian copula where ADBench has a vine. "
            "Numbers are means over breast-cancer, cardio, pendigits, thyroid and vowels."
        ),
        (
            "Expected: the reconstruction sees what is wrong with pixels, the codes see what is wrong with meaning and "
            "dependency. The first half is found: the likelihood has .98 and more for additive noise, lines, stripes, "
            "brightness, contrast and inversion."
        ),
        (
            "The second half is not found. Where cells do not belong together the likelihood sees it (tables .91, "
            "mixed patches .95 with 5 codes), and the codes move the other way, to the prior's middle: KL and norm are "
            "smaller than usual (tables .32, mixed patches .06). Held-out digits have a likelihood of .66 and a KL of "
            ".39 with 5 codes, .63 and .60 with 200."
        ),
        (
            "Likelihood and KL both miss less ink (`block` and `scale`, .13 to .52). Digits that are merely repeated "
            "are one by one as usual as any: no score has more than .70. The digit 1 is easier than any digit that was "
            "learned: without it the elbo has .07, the density of statistics .84."
        ),
        (
            "`density` takes rows for strange that are too hard or too easy. It is above .5 for every kind, at least "
            ".56 with 5 codes, .64 with 200 and .87 in tables; no other score is in all three."
        ),
    ),
)

ANOMALY_MAPS = Table(
    "The same as maps",
    ("normal rows",),
    tuple(Cell("maps", (model,), "", task, "") for model, task in MODELS),
    {},
    pictures=("map", "each"),
)

ANOMALY_KINDS = Table(
    "Pictures of each kind",
    ("normal rows",),
    (Cell("kinds", ("digits",), "", PictureKinds(5), ""),),
    {},
    pictures=("kinds",),
)
