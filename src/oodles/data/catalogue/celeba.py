"""CelebA: aligned and cropped photographs of faces, in the archive that its authors publish.

Pictures of `celeba` are uint8 (N, 64, 64, 3): the square of 108 pixels in the middle of the published 178×218 (rows 55
to 162, columns 35 to 142), the usual choice of papers on generative networks, resized by Pillow's BICUBIC, which
averages where it makes a picture smaller. Archives of half the size are cropped at the same place, where 54 pixels are
made 64. Those of `celeba-128` are the whole pictures, squeezed to 128×128: 8 GB for the whole set. Unpacked, the
archive is a folder of pictures that can be learned piece by piece (`oodles fit FOLDER --size 128 --memory 1000`).

The splits are the official partition by number; the faces between them, 162,771 to 182,637, are for validation and not
loaded. Attributes and identities are files of their own, so there are no labels.
"""

import io
import zipfile
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..download import File
from .listing import Content, Edition, Listing, Request, intact

__all__ = ["LISTINGS", "NUMBERS"]

NUMBERS: dict[int, dict[str, range]] = {
    202_599: {"train": range(1, 162_771), "test": range(182_638, 202_600)},
    4000: {"train": range(1, 3601), "test": range(3601, 4001)},
}
"""For each archive, by how many faces it holds, the numbers of the faces of each split."""

# Left, upper, right and lower edge of the square, for the published size and for half of it.
_SQUARES = {(178, 218): (35.0, 55.0, 143.0, 163.0), (89, 109): (17.5, 27.5, 71.5, 81.5)}
_FOLDER = "img_align_celeba"
_PARTIAL = File(f"celeba-partial/{_FOLDER}.zip")
_NOTES = {
    "train": "Partial: 3,600 of the 162,770 training faces, from an archive of the first 4,000 at half size (89×109).",
    "test": "Partial: the last 400 of an archive of the first 4,000 at half size (89×109); not official test faces, "
    "but training faces that the train split leaves out.",
}


def _face(archive: zipfile.ZipFile, number: int, side: int, *, whole: bool) -> NDArray[np.uint8]:
    """One face, resized: the whole picture, or the square in its middle."""
    from PIL import Image  # noqa: PLC0415 - slow to import, and only this set needs it

    name = f"{_FOLDER}/{number:06}.jpg"
    with Image.open(io.BytesIO(archive.read(name)), formats=["JPEG"]) as image:
        if image.size not in _SQUARES:
            raise ValueError(f"{name} is {image.width}×{image.height} pixels")
        place = None if whole else _SQUARES[image.size]
        return np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.BICUBIC, place))


def _read(request: Request, *, side: int, whole: bool, note: str) -> Content:
    (path,) = request.paths
    what = f"a zip archive of {_FOLDER}/000001.jpg and so on, 178×218 pixels or half of it"
    # Zip files may be encrypted or compressed in a way that Python does not know: a RuntimeError.
    with intact(path, what, also=(RuntimeError,)), zipfile.ZipFile(path) as archive:
        held = sum(name.startswith(f"{_FOLDER}/") and name.endswith(".jpg") for name in archive.namelist())
        if held not in NUMBERS:
            raise ValueError(f"{held:,} faces instead of {' or '.join(f'{known:,}' for known in NUMBERS)}")
        numbers = NUMBERS[held][request.split]
        faces = np.empty((len(numbers), side, side, 3), np.uint8)  # filled in place: the whole set is 2 or 8 GB
        for face, number in zip(faces, numbers, strict=True):
            face[...] = _face(archive, number, side, whole=whole)
    return Content(faces, note=note)


def _listing(name: str, description: str, side: int, read: Callable[[Request], Content]) -> Listing:
    published = File(
        f"celeba/{_FOLDER}.zip",
        hashes=("md5:00d2c5bc6d35e252742224ab0c1e8fcb",),
        page="https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
    )
    return Listing(
        name=name,
        description=description,
        kind="pictures",
        size=f"162,770 + 19,962 of {side}×{side}×3",
        citation="Liu, Luo, Wang & Tang, Deep Learning Face Attributes in the Wild (2015)",
        licence="non-commercial research only",
        read=read,
        editions={split: (Edition((published,)), Edition((_PARTIAL,), note)) for split, note in _NOTES.items()},
    )


LISTINGS = (
    _listing(
        "celeba",
        "Photographs of celebrities' faces, aligned at the eyes",
        64,
        partial(
            _read,
            side=64,
            whole=False,
            note="Each face is the middle square of 108 of 178×218 pixels, resized to 64×64 (bicubic).",
        ),
    ),
    _listing(
        "celeba-128",
        "The same, whole and twice as large",
        128,
        partial(
            _read,
            side=128,
            whole=True,
            note="Each face is the whole picture, squeezed to 128×128 (bicubic): it is a quarter wider than it was.",
        ),
    ),
)
