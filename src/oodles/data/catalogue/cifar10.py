"""CIFAR-10 in its binary version: rows of one label and 3 planes of 32×32 bytes."""

import gzip
import tarfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..download import File
from .listing import Content, Edition, Listing, Request, intact

__all__ = ["LISTINGS"]

_BATCHES = {"train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)), "test": ("test_batch.bin",)}
_ARCHIVE = File(
    "cifar-10/cifar-10-binary.tar.gz",
    (
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "https://cave.cs.toronto.edu/kriz/cifar-10-binary.tar.gz",
    ),
    ("md5:c32a1d4ab5d03f1284b67883e8d87530",),
)
_PARTIAL = {
    "train": Edition(
        tuple(File(f"cifar-10-partial/data_batch_{number}.bin.gz") for number in (1, 2)),
        "Partial: batches 1 and 2, 20,000 of the 50,000 training pictures.",
    ),
    "test": Edition(
        (File("cifar-10-partial/test_batch.bin.gz"),),
        "Partial: all 10,000 test pictures, but 32 of them lossy (listed in test_batch_lossy_indices.txt).",
    ),
}


def _bytes(path: Path, split: str) -> bytes:
    """All batches of a split in a file, one after the other."""
    if path.suffixes[-2:] == [".bin", ".gz"]:
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".bin":
        return path.read_bytes()
    with tarfile.open(path) as archive:
        members = (archive.extractfile(f"cifar-10-batches-bin/{name}") for name in _BATCHES[split])
        return b"".join(member.read() for member in members if member is not None)


def _rows(path: Path, split: str) -> NDArray[np.uint8]:
    with intact(path, "rows of 3,073 bytes that begin with a label 0-9"):
        rows = np.frombuffer(_bytes(path, split), np.uint8).reshape(-1, 3073)
        if rows[:, 0].max() > 9:
            raise ValueError(f"label {rows[:, 0].max()}")
        return rows


def _read(request: Request) -> Content:
    rows = np.concatenate([_rows(path, request.split) for path in request.paths])
    pictures = rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Content(np.ascontiguousarray(pictures), labels=rows[:, 0].astype(np.int64))


LISTINGS = (
    Listing(
        name="cifar-10",
        description="Photographs of animals and vehicles in 10 classes",
        kind="pictures",
        size="50,000 + 10,000 of 32×32×3",
        citation="Krizhevsky, Learning Multiple Layers of Features from Tiny Images (2009)",
        licence="none stated",
        read=_read,
        editions={
            split: (
                Edition((_ARCHIVE,)),
                Edition(tuple(File(f"cifar-10/cifar-10-batches-bin/{name}") for name in names)),
                _PARTIAL[split],
            )
            for split, names in _BATCHES.items()
        },
    ),
)
