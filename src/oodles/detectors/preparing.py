"""What `fit` is given → what it learns from: rows in memory, or a stream of blocks from somewhere larger."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch

from ..data.pieces import Piece, pieces
from ..encoding import Encoder, PictureEncoder, TableEncoder
from ..errors import DataError, ParameterError
from ..shapes import Rows
from ..training import Resident, Source
from .blocks import encoded
from .rows import held_out_split, is_pictures, raw_rows

if TYPE_CHECKING:
    from .base import Detector

__all__ = ["Prepared", "Streamed", "resident", "streamed"]

MIB = 2**20

SAMPLE = 1024
"""Rows whose statistics a model remembers, at most."""


@dataclass(frozen=True)
class Prepared:
    """Rows to learn from.

    Attributes:
        source: The rows to train on.
        held_out: The rows for early stopping and calibration, (V, D).
        missing: Encoded columns with missing cells.
        learned: Some of the rows to train on, (n, D).
        rows: Number of rows to train on.
        digest: What tells these rows from others, if a checkpoint needs it.
    """

    source: Source
    held_out: Rows
    missing: list[int]
    learned: Rows
    rows: int
    digest: str


def learned_encoder(detector: "Detector", raw: Any) -> Encoder:
    """The encoder of raw rows.

    Raises:
        ParameterError: If `schema` describes pictures.
    """
    if not is_pictures(raw):
        return TableEncoder.fit(raw, detector.schema, support=detector.support)
    if detector.schema:
        raise ParameterError("schema describes the columns of a table, but X holds pictures: leave it out.")
    return PictureEncoder.fit(raw)


def resident(detector: "Detector", X: Any, device: torch.device) -> Prepared:
    """All rows in memory.

    Raises:
        DataError: If there are fewer than two, or they cannot be learned from.
    """
    raw = raw_rows(detector, X, reset=True)
    if len(raw) < 2:
        raise DataError(f"fit needs at least 2 rows, but got 1 row (n_samples = {len(raw)}).")
    detector.encoder_ = learned_encoder(detector, raw)
    x = torch.cat(list(encoded(detector, raw, device)))
    kept, held_out = held_out_split(len(x), detector.validation_fraction, detector.false_alarm_rate)
    digest = hashlib.sha256(x.cpu().numpy().data).hexdigest() if is_kept(detector) else ""
    learned = x[kept]
    return Prepared(Resident(learned), x[held_out], missing_columns(x), learned[:SAMPLE], len(kept), digest)


def streamed(detector: "Detector", X: Any, device: torch.device, memory: float) -> Prepared:
    """Rows of which at most `memory` MiB are resident at a time, encoded.

    One pass collects a sample, from which the columns are learned, and the held-out rows: a quarter of the memory each
    at most, and no more than 50,000 rows. Every epoch takes the pieces in another order, as many at once as there is
    room for, and shuffles their rows.

    Raises:
        DataError: If there are too few rows, or they cannot be learned from.
    """
    every = pieces(X)
    rows = np.array([piece.rows for piece in every])
    n, rng = int(rows.sum()), np.random.default_rng(int(rows.sum()))
    if n < 2:
        raise DataError(f"fit needs at least 2 rows, but got 1 row (n_samples = {n}).")
    first = every[0].load()
    cells = int(np.prod(first.shape[1:]))
    most = int(min(50_000, max(memory * MIB / 4 / (8 * cells), 1000)))
    share = min(detector.validation_fraction, most / n)
    if n > 10 * most:  # too many to shuffle, and enough for any rate
        held_out = some(rng, n, max(round(share * n), 1))
    else:
        _, held_out = held_out_split(n, share, detector.false_alarm_rate)
    sample = np.union1d(some(rng, n, min(n, most)), held_out)
    raw = raw_rows(detector, collected(every, sample), reset=True)
    detector.encoder_ = learned_encoder(detector, raw)
    x = torch.cat(list(encoded(detector, raw, device)))
    source = Streamed(detector, every, held_out, device, int(memory * MIB / 2 / (4 * x.shape[1])))
    digest = hashlib.sha256(rows.tobytes() + x.cpu().numpy().tobytes()).hexdigest() if is_kept(detector) else ""
    kept_back = torch.from_numpy(np.isin(sample, held_out)).to(device)
    held, others = x[kept_back], x[~kept_back]
    return Prepared(source, held, missing_columns(x), others[:SAMPLE], n - len(held), digest)


def some(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    """`k` different numbers below `n`, sorted."""
    return np.sort(rng.choice(n, k, replace=False, shuffle=False))


def is_kept(detector: "Detector") -> bool:
    """Whether the training goes to a checkpoint."""
    return getattr(detector, "checkpoint", None) is not None


def missing_columns(x: Rows) -> list[int]:
    """Encoded columns with missing cells."""
    return x.isnan().any(0).nonzero().flatten().tolist()


def collected(every: list[Piece], wanted: np.ndarray) -> Any:
    """The wanted rows, sorted numbers, of all pieces."""
    starts = np.cumsum([0, *(piece.rows for piece in every)])
    places = np.searchsorted(wanted, starts)
    parts = [
        without(piece.load(), wanted[a:b] - start, kept=True)
        for piece, start, a, b in zip(every, starts, places, places[1:], strict=False)
        if b > a
    ]
    return pa.concat_tables(parts) if isinstance(parts[0], pa.Table) else np.concatenate(parts)


def without(raw: Any, rows: np.ndarray, *, kept: bool = False) -> Any:
    """Raw rows without some of them, or only those."""
    keep = np.full(len(raw), not kept)
    keep[rows] = kept
    return raw.filter(pa.array(keep)) if isinstance(raw, pa.Table) else np.asarray(raw[keep])


class Streamed:
    """Pieces of rows, read when they are needed; while one block is learned from, the next one is read.

    Arguments:
        detector: Whose encoder reads them.
        every: The pieces.
        held_out: Numbers of rows that are not to be learned from, sorted.
        device: Where the rows are needed.
        most: Rows of a block, unless a single piece has more.
    """

    def __init__(
        self, detector: "Detector", every: list[Piece], held_out: np.ndarray, device: torch.device, most: int
    ) -> None:
        starts = np.cumsum([0, *(piece.rows for piece in every)])
        places = np.searchsorted(held_out, starts)
        self.held_out = [held_out[a:b] - s for a, b, s in zip(places, places[1:], starts, strict=False)]
        self.detector, self.every, self.starts, self.device, self.most = detector, every, starts, device, most
        self.width = detector.encoder_.layout.width

    def groups(self, epoch: int) -> list[list[int]]:
        """Which pieces each block of an epoch is made of."""
        groups: list[list[int]] = []
        room = 0
        for piece in np.random.default_rng(epoch).permutation(len(self.every)).tolist():
            if not groups or self.every[piece].rows > room:
                groups.append([])
                room = self.most
            groups[-1].append(piece)
            room -= self.every[piece].rows
        return [group for group in groups if self.kept(group)]

    def kept(self, group: list[int]) -> int:
        """How many rows of some pieces are learned from."""
        return sum(self.every[piece].rows - len(self.held_out[piece]) for piece in group)

    def sizes(self, epoch: int) -> list[int]:
        """How many rows each block of an epoch has."""
        return list(map(self.kept, self.groups(epoch)))

    def blocks(self, epoch: int, first: int) -> Iterator[Rows]:
        """The blocks of an epoch from the one numbered `first` on, (n, D) each."""
        groups = self.groups(epoch)[first:]
        with ThreadPoolExecutor(1) as reader:
            coming = [reader.submit(self.block, group) for group in groups[:1]]
            for group in [*groups[1:], None]:
                x = coming.pop().result()
                if group is not None:
                    coming.append(reader.submit(self.block, group))
                yield x.to(self.device)

    def block(self, group: list[int]) -> Rows:
        """The rows of some pieces, encoded.

        Raises:
            DataError: If a row cannot be encoded.
        """
        x = torch.empty(self.kept(group), self.width)
        start = 0
        for piece in group:
            whole = self.every[piece].load()
            raw = without(whole, self.held_out[piece])
            if not len(raw):
                continue
            try:
                for part in self.encoded(raw):
                    x[start : start + len(part)] = part
                    start += len(part)
            except DataError:
                try:  # again, with all its rows, so that the sentence counts them as the user does
                    list(self.encoded(whole))
                except DataError as error:
                    raise DataError(f"Counted from row {self.starts[piece] + 1} on: {error}") from error
                raise
        return x

    def encoded(self, raw: Any) -> Iterator[Rows]:
        """Raw rows, encoded."""
        return encoded(self.detector, raw_rows(self.detector, raw, reset=False), torch.device("cpu"))
