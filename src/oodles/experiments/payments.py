"""Card payments, and network connections like them, in three parts: to learn, to set alarms with, to judge."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .. import data
from ..data.catalogue.creditcard import LISTINGS
from ..errors import DatasetError
from .tasks import Budget

__all__ = ["Parts", "Rows", "parts_of"]

Rows = Literal["all payments", "random sample", "later rows", "whole sample", "connections"]

FORMS = {
    "all payments": ("creditcard.csv", "creditcard.csv.gz"),
    "random sample": ("creditcard_random_sample.csv.gz",),
    "later rows": ("creditcard_sample.csv.gz",),
    "whole sample": ("creditcard_sample.csv.gz",),
}
"""Rows → the published file that they are in, or the samples of it that are found more easily."""

BIASED = 4563.0
"""Seconds of Time up to which the larger sample holds every payment, and after which one in hundreds."""


@dataclass(frozen=True)
class Parts:
    """Rows to learn, rows to set alarms with, and rows to judge; labels are 1 for what is strange."""

    learned: pa.Table
    validated: pa.Table
    judged: pa.Table
    validation: np.ndarray
    truth: np.ndarray


def parts_of(rows: Rows, budget: Budget) -> tuple[Callable[[int], Parts], str]:
    """Seed → the parts of a set, and a note about it.

    Raises:
        DatasetError: If it is not on this machine.
    """
    if rows == "connections":
        return connections(budget)
    table, strange, note = payments(rows)
    if budget.protocol == "paper":
        return (lambda _: chronological(table, strange)), note
    return (lambda seed: stratified(table, strange, seed)), note


def payments(rows: str) -> tuple[pa.Table, np.ndarray, str]:
    """Payments with their Time, whether each is a fraud, and a note where they are not all of them.

    Raises:
        DatasetError: If they are not on this machine.
    """
    (listing,) = LISTINGS
    forms = [form for form in listing.editions["train"] if Path(form.files[0].path).name in FORMS[rows]]
    if not any(form.here for form in forms):
        raise DatasetError(f"{forms[0].files[0].path} is not in $OODLES_DATA.")
    found = replace(listing, editions={"train": tuple(forms)}).load(
        "train", rows=None, seed=None, download=False, progress=False
    )
    table, strange = pa.table(found.X), np.asarray(found.y)
    if rows != "later rows":
        return table, strange, found.note
    later = pc.greater(table["Time"], BIASED)
    note = f"{found.note} Of these, payments after second {BIASED:g}, which are spread over two days."
    return table.filter(later), strange[later.to_numpy()], note


def chronological(table: pa.Table, strange: np.ndarray) -> Parts:
    """The first 90 % in time, 5 % and 5 %, scaled by the mean and deviation of all rows: what is judged leaks."""
    order = np.argsort(table["Time"].to_numpy(), kind="stable")
    plain = table.drop_columns("Time")
    scaled = []
    for column in plain.columns:
        values = column.to_numpy()[order]
        scaled.append((values - values.mean()) / values.std())
    ends = (np.array([0.9, 0.95]) * len(order)).astype(int)
    return cut(pa.table(scaled, names=plain.column_names), strange[order], np.split(np.arange(len(order)), ends))


def stratified(table: pa.Table, strange: np.ndarray, seed: int) -> Parts:
    """80 %, 10 % and 10 % of either class, each payment once."""
    plain = table.drop_columns("Time")
    numbers = np.column_stack([column.to_numpy() for column in plain.columns])
    once = np.unique(numbers, axis=0, return_index=True)[1]
    rng, sides = np.random.default_rng(seed), []
    for label in (0, 1):
        some = rng.permutation(np.sort(once[strange[once] == label]))
        sides.append(np.split(some, (np.array([0.8, 0.9]) * len(some)).astype(int)))
    return cut(plain, strange, [np.concatenate(pair) for pair in zip(*sides, strict=True)])


def cut(table: pa.Table, strange: np.ndarray, places: list[np.ndarray]) -> Parts:
    """The rows at three lists of places; of the first only what is not strange."""
    first, second, third = places
    learned, validated, judged = (table.take(pa.array(at)) for at in (first[strange[first] == 0], second, third))
    return Parts(learned, validated, judged, strange[second], strange[third])


def connections(budget: Budget) -> tuple[Callable[[int], Parts], str]:
    """KDD Cup 99: nine tenths of the 10 % set's normal connections are learned, of the corrected test set some judged.

    A tenth of all rows of the 10 % set is for alarms. The test set keeps its share of attacks.

    Raises:
        DatasetError: If it is not on this machine.
    """
    train, test = (data.load("kddcup99", split, download=False) for split in ("train", "test"))
    strange, truth = np.asarray(train.y), np.asarray(test.y)

    def draw(seed: int) -> Parts:
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(strange))
        kept, aside = np.split(order, [int(0.9 * len(order))])
        judged = np.sort(rng.permutation(len(truth))[: 2 * budget.test])
        return replace(
            cut(train.X, strange, [kept, aside[: 2 * budget.test], aside[:1]]),
            judged=test.X.take(pa.array(judged)),
            truth=truth[judged],
        )

    return draw, " ".join(filter(None, (train.note, test.note)))
