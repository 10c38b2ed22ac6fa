"""MNIST and the sets in its file format: IDX, a header of sizes and then the bytes, compressed with gzip.

Pictures are uint8 (N, 28, 28), labels int64 (N,).
"""

import gzip
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..download import File
from .listing import Content, Edition, Listing, Request, intact

__all__ = ["LISTINGS", "MNIST_EDITIONS", "decode", "pair", "pictures", "read"]


def decode(raw: bytes) -> NDArray[np.uint8]:
    """The array in an uncompressed IDX file of unsigned bytes.

    Raises:
        ValueError: The header is not that of such a file, or bytes are missing or too many.
    """
    if len(raw) < 4 or raw[:3] != b"\0\0\x08":
        raise ValueError("no header of an IDX file of unsigned bytes")
    start = 4 + 4 * raw[3]
    shape = [int(size) for size in np.frombuffer(raw[4:start], ">u4")]
    values = np.frombuffer(raw, np.uint8, offset=start)
    if values.size != math.prod(shape):
        raise ValueError(f"{values.size:,} values where the header promises {math.prod(shape):,}")
    return values.reshape(shape).copy()  # a view of bytes could not be written to


def read(path: Path) -> NDArray[np.uint8]:
    """The array in an IDX file that is compressed with gzip.

    Raises:
        DatasetError: The file is damaged.
    """
    with intact(path, "an IDX file compressed with gzip"):
        return decode(gzip.decompress(path.read_bytes()))


def pictures(request: Request) -> Content:
    """Pictures and labels from one file each.

    Raises:
        DatasetError: A file is damaged, or the two do not belong together.
    """
    images, labels = (read(path) for path in request.paths)
    with intact(request.paths[0], f"as many pictures as {request.paths[1].name} has labels"):
        return _matched(images, labels)


def _matched(images: NDArray[np.uint8], labels: NDArray[np.uint8], **more: Any) -> Content:
    if len(images) != len(labels):
        raise ValueError(f"{len(images):,} pictures and {len(labels):,} labels")
    return Content(images, labels=labels.astype(np.int64), **more)


def _letters(request: Request) -> Content:
    """EMNIST-letters, unpacked or still in the archive of all EMNIST sets."""
    note = "The pictures are transposed, as NIST publishes them: swap the axes for upright letters."
    if len(request.paths) == 2:
        return pictures(request)._replace(note=note)

    (path,) = request.paths
    with intact(path, "the archive of the EMNIST sets"), zipfile.ZipFile(path) as archive:
        names = (f"gzip/{Path(file.path).name}" for file in _letter_files(request.split).files)
        parts = (archive.read(name) for name in names)
        images, labels = (decode(gzip.decompress(part)) for part in parts)
        return _matched(images, labels, note=note)


def _letter_files(split: str) -> Edition:
    return pair("emnist", f"emnist-letters-{split}")


def pair(folder: str, prefix: str, *addresses: str, note: str = "") -> Edition:
    """Two files under their usual names, the pictures and their labels, at every address."""
    names = f"{prefix}-images", f"{prefix}-labels"
    files = zip(names, ("idx3-ubyte.gz", "idx1-ubyte.gz"), strict=True)
    return Edition(
        tuple(
            File(
                f"{folder}/{name}-{ending}",
                tuple(f"{address}/{name}-{ending}" for address in addresses),
                _HASHES.get(f"{folder}/{name}", ()),
            )
            for name, ending in files
        ),
        note,
    )


# sha256 where the published file was at hand, else the published md5.
_HASHES = {
    "mnist/train-images": ("440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",),
    "mnist/train-labels": ("3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",),
    "mnist/t10k-images": ("8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",),
    "mnist/t10k-labels": ("f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",),
    "fashion-mnist/train-images": ("3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",),
    "fashion-mnist/train-labels": ("a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",),
    "fashion-mnist/t10k-images": ("346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",),
    "fashion-mnist/t10k-labels": ("67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",),
    "kmnist/train-images": ("md5:bdb82020997e1d708af4cf47b453dcf7",),
    "kmnist/train-labels": ("e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",),
    "kmnist/t10k-images": ("edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",),
    "kmnist/t10k-labels": ("20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",),
    "notmnist/t10k-images": ("70ae9e06201f2827e5b0a3781a3169d735dd2efc69996b9eeaee7f10ed4044d7",),
    "notmnist/t10k-labels": ("1fa03836e01c862542f8eb83463bb951bebec6fcb3efa28dad748c6b38a9021b",),
}
_MNIST = ("https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist")
_FASHION = (
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
)
_KMNIST = ("https://codh.rois.ac.jp/kmnist/dataset/kmnist", "http://codh.rois.ac.jp/kmnist/dataset/kmnist")
_NOTMNIST = "https://raw.githubusercontent.com/davidflanagan/notMNIST-to-MNIST/master"
_EMNIST = File(
    "emnist/gzip.zip",
    (
        "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
        "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
    ),
    ("md5:58c8d27c78d21e728a6bc7b3cc06412e",),
)

MNIST_EDITIONS = {
    "train": (pair("mnist", "train", *_MNIST),),
    "test": (pair("mnist", "t10k", *_MNIST),),
}
"""Where MNIST lies; the stacked sets are made from it."""

LISTINGS = (
    Listing(
        name="mnist",
        description="Handwritten digits 0-9",
        kind="pictures",
        size="60,000 + 10,000 of 28×28",
        citation="LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document recognition (1998)",
        licence="CC BY-SA 3.0, as usually given",
        read=pictures,
        editions=MNIST_EDITIONS,
    ),
    Listing(
        name="fashion-mnist",
        description="Articles of clothing in 10 classes",
        kind="pictures",
        size="60,000 + 10,000 of 28×28",
        citation="Xiao, Rasul & Vollgraf, Fashion-MNIST (2017), https://arxiv.org/abs/1708.07747",
        licence="MIT",
        read=pictures,
        editions={
            "train": (pair("fashion-mnist", "train", *_FASHION),),
            "test": (pair("fashion-mnist", "t10k", *_FASHION),),
        },
    ),
    Listing(
        name="kmnist",
        description="Cursive Japanese characters (Kuzushiji) in 10 classes",
        kind="pictures",
        size="60,000 + 10,000 of 28×28",
        citation="Clanuwat et al., Deep Learning for Classical Japanese Literature (2018), https://arxiv.org/abs/1812.01718",
        licence="CC BY-SA 4.0",
        read=pictures,
        editions={
            "train": (
                pair("kmnist", "train", *_KMNIST),
                pair(
                    "kmnist-partial",
                    "train-first7011",
                    note="Partial: the first 7,011 of the 60,000 training pictures.",
                ),
            ),
            "test": (pair("kmnist", "t10k", *_KMNIST),),
        },
    ),
    Listing(
        name="emnist-letters",
        description="Handwritten letters A-Z as classes 1-26, upper and lower case together",
        kind="pictures",
        size="124,800 + 20,800 of 28×28",
        citation="Cohen, Afshar, Tapson & van Schaik, EMNIST (2017), https://arxiv.org/abs/1702.05373",
        licence="none stated (made from NIST Special Database 19)",
        read=_letters,
        editions={split: (Edition((_EMNIST,)), _letter_files(split)) for split in ("train", "test")},
    ),
    Listing(
        name="notmnist",
        description="Letters A-J as classes 0-9, printed in many fonts",
        kind="pictures",
        size="10,000 of 28×28",
        citation="Bulatov, notMNIST (2011), https://github.com/davidflanagan/notMNIST-to-MNIST",
        licence="MIT (repository), posted there with permission of the author",
        read=pictures,
        editions={"test": (pair("notmnist", "t10k", _NOTMNIST),)},
    ),
)
