"""The Arabic Handwritten Characters Dataset, as published (CSV in a zip) or re-encoded without loss in MNIST's format.

Pictures are uint8 (N, 32, 32), white on black and upright; labels are the letters 1..28 of the alphabet.
"""

import zipfile

import numpy as np
from numpy.typing import NDArray

from ..download import File
from . import idx
from .listing import Content, Edition, Listing, Request, intact

__all__ = ["LISTINGS"]

_NAMES = {
    "train": ("csvTrainImages 13440x1024.csv", "csvTrainLabel 13440x1.csv"),
    "test": ("csvTestImages 3360x1024.csv", "csvTestLabel 3360x1.csv"),
}
_FOLDER = "https://raw.githubusercontent.com/mloey/Arabic-Handwritten-Characters-Dataset/master"
_ARCHIVE = File(
    "ahcd/Arabic Handwritten Characters Dataset CSV.zip",
    (f"{_FOLDER}/Arabic%20Handwritten%20Characters%20Dataset%20CSV.zip",),
)


def _member(archive: zipfile.ZipFile, name: str) -> NDArray[np.uint8]:
    (found,) = (member for member in archive.namelist() if member.endswith(name) and "__MACOSX" not in member)
    with archive.open(found) as lines:
        return np.loadtxt(lines, np.uint8, delimiter=",", ndmin=2)


def _read(request: Request) -> Content:
    if len(request.paths) == 2:
        return idx.pictures(request)

    (path,) = request.paths
    with intact(path, "the archive of the CSV files"), zipfile.ZipFile(path) as archive:
        columns, labels = (_member(archive, name) for name in _NAMES[request.split])
        pictures = columns.reshape(len(labels), 32, 32).transpose(0, 2, 1)  # the file lists each picture by columns
        return Content(np.ascontiguousarray(pictures), labels=labels[:, 0].astype(np.int64))


LISTINGS = (
    Listing(
        name="ahcd",
        description="Handwritten Arabic letters in 28 classes, by 60 writers",
        kind="pictures",
        size="13,440 + 3,360 of 32×32",
        citation="El-Sawy, Loey & El-Bakry, Arabic Handwritten Characters Recognition using CNN (2017)",
        licence="none stated",
        read=_read,
        editions={split: (Edition((_ARCHIVE,)), idx.pair("ahcd", f"ahcd-{split}")) for split in _NAMES},
    ),
)
