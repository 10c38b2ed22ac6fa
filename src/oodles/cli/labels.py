"""Labels of rows: columns and arrays that say which rows are normal."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .. import arrow
from ..errors import DataError, SchemaError

__all__ = ["anomalous", "beside", "labelled"]


def beside(source: str, rows: int) -> np.ndarray | None:
    """The array `y` that stands beside `X` in an .npz file, if any.

    Raises:
        DataError: If it does not say 0 or 1 of each row.
    """
    if not source.endswith(".npz"):
        return None
    with np.load(source, allow_pickle=False) as archive:
        if "y" not in archive:
            return None
        y = archive["y"].ravel()
    if len(y) != rows or not np.isin(y, (0, 1)).all():
        raise DataError(f"y in {source} must hold 0 (normal) or 1 (anomaly) for each of the {rows} rows of X.")
    return y.astype(np.int8)


def labelled(table: pa.Table, label: str, normal: Sequence[str], *, mixed: bool = True) -> np.ndarray:
    """1 for rows whose label is none of the normal ones, -1 for rows without a label.

    Raises:
        SchemaError: If there is no such column.
        DataError: If no row is normal, but some should be (`mixed`).
    """
    if label not in table.column_names:
        raise SchemaError(f"There is no column {label!r} for --label; the columns are {', '.join(table.column_names)}.")
    return anomalous(table[label].cast(pa.string()), normal or ("0", "false", "False", "FALSE"), label, mixed=mixed)


def anomalous(labels: pa.ChunkedArray, normal: Sequence[str], where: str, *, mixed: bool = True) -> np.ndarray:
    """1 for labels that are none of the normal ones, -1 for missing ones.

    Raises:
        DataError: If no row is normal, but some should be (`mixed`).
    """
    wanted = {canonical(value) for value in normal}
    came = pc.unique(labels.drop_null()).to_pylist()
    accepted = [value for value in came if canonical(value) in wanted]
    if mixed and not accepted:
        shown = ", ".join(map(repr, came[:5]))
        raise DataError(f"No row is normal: {where!r} never is {' or '.join(normal)}, but {shown}. Use --normal.")
    y = 1 - pc.is_in(labels, arrow.texts(accepted)).to_numpy().astype(np.int8)
    y[labels.is_null().to_numpy()] = -1
    return y


def canonical(label: str) -> str:
    """A label as it is compared: 0, 0.0 and " 0" are one."""
    try:
        return repr(float(label))
    except ValueError:
        return label.strip()
