"""The public datasets, one file a family: addresses, hashes, schema, citation, licence and how to read them."""

from difflib import get_close_matches

from ...errors import ParameterError
from ..dataset import Dataset, Entry
from . import adbench, ahcd, celeba, cifar10, creditcard, embedded, generated, idx, kddcup99, svhn
from .listing import Listing

__all__ = ["LISTINGS", "load", "names"]

LISTINGS: tuple[Listing, ...] = (
    *idx.LISTINGS,
    *ahcd.LISTINGS,
    *cifar10.LISTINGS,
    *svhn.LISTINGS,
    *celeba.LISTINGS,
    *kddcup99.LISTINGS,
    *creditcard.LISTINGS,
    *embedded.LISTINGS,
    *generated.LISTINGS,
    *adbench.LISTINGS,
)
"""Every dataset, in the order in which it is listed."""


def _plain(name: str) -> str:
    return name.strip().lower().replace("_", "-")


# Names come after aliases, so that "mnist" is the pictures and not ADBench's 24_mnist.
_KNOWN = {_plain(alias): listing for listing in LISTINGS for alias in listing.aliases} | {
    _plain(listing.name): listing for listing in LISTINGS
}


def load(
    name: str,
    split: str = "train",
    *,
    rows: int | None = None,
    seed: int | None = None,
    download: bool = True,
    progress: bool = False,
) -> Dataset:
    """A public dataset by its name.

    Files are looked for under `$OODLES_DATA` (by default the user's cache folder), checked against the published hash,
    and downloaded into that folder if they are missing. Where only a part of a set is found, in a folder that ends in
    `-partial`, that part is loaded and `note` says what it is.

    Args:
        name: As in `names()`; case does not matter, and ADBench's sets also answer to `cardio` or `adbench/cardio`.
        split: `train` or `test`; sets that are published in one piece have one split.
        rows: How many rows to draw, for generated sets only.
        seed: Of the draw, for generated sets only; 0 by default. The test split of a seed is another draw than its
            train split.
        download: Whether missing files may be downloaded; never with `OODLES_OFFLINE=1`.
        progress: Whether to draw a progress bar on standard error while downloading.

    Raises:
        ParameterError: There is no such dataset or split, or it takes neither rows nor seed.
        DatasetError: A file is missing and cannot be downloaded, is not the public one, or is damaged.

    Example:
        >>> load("swiss-roll", rows=100, seed=1).X.shape
        (100, 2)
    """
    listing = _KNOWN.get(_plain(name))
    if listing is None:
        near = get_close_matches(_plain(name), _KNOWN, n=3)
        guess = f"did you mean {' or '.join(near)}?" if near else "oodles.data.names() lists them."
        raise ParameterError(f"There is no dataset {name!r}: {guess}")
    return listing.load(split, rows=rows, seed=seed, download=download, progress=progress)


def names() -> list[Entry]:
    """All datasets, and which of them are on this machine; reads no file and never uses the network."""
    return [listing.entry() for listing in LISTINGS]
