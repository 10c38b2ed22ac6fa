"""KDD Cup 1999: network connections, normal or one of many attacks.

An anomaly (y = 1) is whatever is not labelled `normal.`, which is four rows in five: papers that want anomalies to be
rare call the attacks normal instead, and say so.
"""

import numpy as np
import pyarrow as pa

from ..dataset import ColumnKind
from ..download import File
from .listing import Content, Edition, Listing, Request, intact

__all__ = ["LISTINGS", "SCHEMA"]

SCHEMA: dict[str, ColumnKind] = {
    "duration": "real",
    "protocol_type": "category",
    "service": "category",
    "flag": "category",
    "src_bytes": "real",
    "dst_bytes": "real",
    "land": "binary",
    "wrong_fragment": "real",
    "urgent": "real",
    "hot": "real",
    "num_failed_logins": "real",
    "logged_in": "binary",
    "num_compromised": "real",
    "root_shell": "real",
    "su_attempted": "real",
    "num_root": "real",
    "num_file_creations": "real",
    "num_shells": "real",
    "num_access_files": "real",
    "num_outbound_cmds": "real",
    "is_host_login": "binary",
    "is_guest_login": "binary",
    "count": "real",
    "srv_count": "real",
    "serror_rate": "real",
    "srv_serror_rate": "real",
    "rerror_rate": "real",
    "srv_rerror_rate": "real",
    "same_srv_rate": "real",
    "diff_srv_rate": "real",
    "srv_diff_host_rate": "real",
    "dst_host_count": "real",
    "dst_host_srv_count": "real",
    "dst_host_same_srv_rate": "real",
    "dst_host_diff_srv_rate": "real",
    "dst_host_same_src_port_rate": "real",
    "dst_host_srv_diff_host_rate": "real",
    "dst_host_serror_rate": "real",
    "dst_host_srv_serror_rate": "real",
    "dst_host_rerror_rate": "real",
    "dst_host_srv_rerror_rate": "real",
}
"""The 41 public columns: the seven that kddcup.names calls symbolic are categories or binary, the others real."""

_ROWS = {"train": 494_021, "test": 311_029}


def _read(request: Request) -> Content:
    from pyarrow import csv  # noqa: PLC0415 - only who loads a CSV pays for its reader

    types = {"category": pa.string(), "binary": pa.int8(), "real": pa.float64()}
    (path,) = request.paths
    with intact(path, f"{_ROWS[request.split]:,} rows of 41 columns and a label, compressed with gzip"):
        table = csv.read_csv(
            path,
            read_options=csv.ReadOptions(column_names=[*SCHEMA, "label"]),
            convert_options=csv.ConvertOptions(
                column_types={column: types[kind] for column, kind in SCHEMA.items()} | {"label": pa.string()}
            ),
        )
        if len(table) != _ROWS[request.split]:
            raise ValueError(f"{len(table):,} rows")
    labels = table["label"].to_numpy().astype(str)
    return Content(table.drop_columns("label"), (labels != "normal.").astype(np.int8), labels, SCHEMA)


def _file(name: str, *hashes: str, more: tuple[str, ...] = ()) -> tuple[Edition, ...]:
    addresses = (
        f"https://archive.ics.uci.edu/ml/machine-learning-databases/kddcup99-mld/{name}",
        f"http://kdd.ics.uci.edu/databases/kddcup99/{name}",
    )
    return (Edition((File(f"kddcup99/{name}", (*addresses, *more), hashes),)),)


LISTINGS = (
    Listing(
        name="kddcup99",
        description="Network connections with attacks: the 10 % set and the corrected test set",
        kind="table",
        size="494,021 + 311,029 × 41",
        citation="Stolfo et al., KDD Cup 1999 Data, https://doi.org/10.24432/C51C7N",
        licence="CC BY 4.0 (UCI)",
        read=_read,
        # The first hash is that of the UCI archive's file, the second that of the same text compressed again.
        editions={
            "train": _file(
                "kddcup.data_10_percent.gz",
                "8045aca0d84e70e622d1148d7df782496f6333bf6eb979a1b0837c42a9fd9561",
                "7bfaa8cef1350f72842018c32893e2fa4539d57efbb22f998eb74ecefc3da3b4",
                more=("https://ndownloader.figshare.com/files/5976042",),
            ),
            "test": _file(
                "corrected.gz",
                "abd8165508378859b07e38537271f0ebf8a4d7319f643188cd7361e939a05c43",
                "74f0daef49b242badc09f2adbd457dea6a45b4f77177efbd11216d333651044b",
            ),
        },
    ),
)
