"""Street View House Numbers, cropped digits, in its Matlab files."""

import numpy as np

from ..download import File
from .listing import Content, Edition, Listing, Request, intact

__all__ = ["LISTINGS"]

_ADDRESS = "http://ufldl.stanford.edu/housenumbers"
_HASHES = {"train": "md5:e26dedcc434d2e4c54c9b2d4a06d8373", "test": "md5:eb5a983be6a315427106f1b164d9cef3"}
_NOTES = {
    "train": "Partial: 20,000 digits, cropped anew from the official train photographs; a close re-creation.",
    "test": "Partial: 10,000 digits of held-out official train photographs, cropped anew; not the official test set.",
}


def _read(request: Request) -> Content:
    from scipy.io import loadmat, matlab  # noqa: PLC0415 - only this set needs scipy

    (path,) = request.paths
    also = (TypeError, NotImplementedError, matlab.MatReadError)
    with intact(path, "a Matlab file with X (32, 32, 3, N) and y (N, 1)", also=also):
        file = loadmat(path, variable_names=["X", "y"])
        pictures = np.ascontiguousarray(file["X"].transpose(3, 0, 1, 2))
        labels = file["y"].reshape(len(pictures)).astype(np.int64) % 10  # the file writes digit 0 as 10
        return Content(pictures, labels=labels)


LISTINGS = (
    Listing(
        name="svhn",
        description="Digits 0-9 cut out of photographs of house numbers",
        kind="pictures",
        size="73,257 + 26,032 of 32×32×3",
        citation="Netzer et al., Reading Digits in Natural Images with Unsupervised Feature Learning (2011)",
        licence="non-commercial use only",
        read=_read,
        editions={
            split: (
                Edition((File(f"svhn/{split}_32x32.mat", (f"{_ADDRESS}/{split}_32x32.mat",), (known,)),)),
                Edition((File(f"svhn-partial/{split}_32x32.mat"),), _NOTES[split]),
            )
            for split, known in _HASHES.items()
        },
    ),
)
