"""Credit card fraud: two days of European card payments, 28 principal components and the amount."""

import gzip

import numpy as np
import pyarrow as pa

from ..dataset import ColumnKind
from ..download import File
from .listing import Content, Edition, Listing, Request, intact

__all__ = ["LISTINGS", "SCHEMA"]

SCHEMA: dict[str, ColumnKind] = {
    "Time": "ignore",  # seconds since the first payment: it says when the data were taken, not what a payment is
    **{f"V{number}": "real" for number in range(1, 29)},
    "Amount": "real",
}
"""The 30 public columns; `Class` (1 = fraud) is `y`."""

_PAGE = "https://www.kaggle.com/datasets/mlg-ulb/creditcardfraud"
_SHARE = "all 492 frauds are here, so their share is not the real 0.17 %."


def _read(request: Request) -> Content:
    from pyarrow import csv  # noqa: PLC0415 - only who loads a CSV pays for its reader

    (path,) = request.paths
    columns = [*SCHEMA, "Class"]
    # Python unpacks, because pyarrow takes a gzip file that is cut off for complete.
    unpacked = gzip.open if path.suffix == ".gz" else open
    with intact(path, "a CSV file with the columns Time, V1 ... V28, Amount and Class"), unpacked(path, "rb") as stream:
        table = csv.read_csv(
            stream,
            convert_options=csv.ConvertOptions(column_types=dict.fromkeys(SCHEMA, pa.float64()) | {"Class": pa.int8()}),
        )
        if table.column_names != columns:
            raise ValueError(f"the columns {', '.join(table.column_names)}")
    y = table["Class"].to_numpy()
    return Content(table.drop_columns("Class"), y.astype(np.int8), schema=SCHEMA)


LISTINGS = (
    Listing(
        name="creditcard",
        description="Card payments of two days, 492 of them frauds (0.17 %)",
        kind="table",
        size="284,807 × 30",
        citation="Dal Pozzolo, Caelen, Johnson & Bontempi, Calibrating Probability with Undersampling (2015)",
        licence="DbCL 1.0 (as given by Kaggle)",
        read=_read,
        editions={
            "train": (
                Edition(
                    (
                        File(
                            "creditcard/creditcard.csv",
                            hashes=("76274b691b16a6c49d3f159c883398e03ccd6d1ee12d9d8ee38f4b4b98551a89",),
                            page=_PAGE,
                        ),
                    )
                ),
                Edition((File("creditcard/creditcard.csv.gz"),)),
                Edition(
                    (File("creditcard-partial/creditcard_random_sample.csv.gz"),),
                    f"Partial: 3,604 random normal payments; {_SHARE}",
                ),
                Edition(
                    (File("creditcard-partial/creditcard_sample.csv.gz"),),
                    f"Partial: 6,598 normal payments, most of them of the first 76 minutes; {_SHARE}",
                ),
            )
        },
    ),
)
