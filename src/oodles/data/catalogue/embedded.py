"""Sets that come inside scikit-learn: no file, no network."""

import numpy as np
import pyarrow as pa

from .listing import Content, Listing, Request

__all__ = ["LISTINGS"]


def _digits(_: Request) -> Content:
    from sklearn.datasets import load_digits  # noqa: PLC0415 - scikit-learn is slow to import

    digits = load_digits()
    pictures = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    note = "The published values 0..16 are scaled to 0..255 and rounded."
    return Content(pictures, labels=digits.target.astype(np.int64), note=note)


def _breast_cancer(_: Request) -> Content:
    from sklearn.datasets import load_breast_cancer  # noqa: PLC0415 - scikit-learn is slow to import

    cancer = load_breast_cancer()
    table = pa.table({str(name): column for name, column in zip(cancer.feature_names, cancer.data.T, strict=True)})
    labels = cancer.target_names[cancer.target]
    y = (labels == "malignant").astype(np.int8)
    return Content(table, y, labels.astype(str), dict.fromkeys(table.column_names, "real"))


LISTINGS = (
    Listing(
        name="digits",
        description="Small handwritten digits 0-9",
        kind="pictures",
        size="1,797 of 8×8",
        citation="Alpaydin & Kaynak, Optical Recognition of Handwritten Digits (1998), https://doi.org/10.24432/C50P49",
        licence="CC BY 4.0 (UCI)",
        read=_digits,
        editions={"train": ()},
    ),
    Listing(
        name="breast-cancer",
        description="Cell nuclei of breast tumours; malignant (212 of 569) is the anomaly",
        kind="table",
        size="569 × 30",
        citation="Wolberg, Mangasarian, Street & Street, Breast Cancer Wisconsin (1993), https://doi.org/10.24432/C5DW2B",
        licence="CC BY 4.0 (UCI)",
        read=_breast_cancer,
        editions={"train": ()},
    ),
)
