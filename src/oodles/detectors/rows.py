"""What comes in as `X`: its shape is checked here, its values by the encoders."""

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from torch import Tensor

from ..encoding import PictureEncoder, as_pictures, as_table
from ..errors import DataError

if TYPE_CHECKING:
    from .base import Detector

__all__ = ["held_out_split", "is_pictures", "raw_rows"]


def raw_rows(detector: "Detector", X: Any, *, reset: bool) -> Any:
    """`X` as an array of numbers (N, F), a pyarrow table, or an array of pictures.

    With `reset`, in `fit`, the detector remembers the features; otherwise they must be those that it remembers.

    Raises:
        DataError: If there are no rows, or pictures stand where a table was learned.
        ValueError: With scikit-learn's words, if an array has the wrong shape or type.
    """
    pictures, table = as_pictures(X), None
    if pictures is None:
        table = as_table(X)
    check_kind(detector, pictures=pictures is not None, reset=reset)
    if pictures is not None:
        return counted(detector, pictures, reset=reset)
    if table is not None and named_by_text(X):
        return named(detector, table, reset=reset)
    if isinstance(X, Tensor):
        X = X.detach().cpu().numpy()
    if not reset and is_plain(X, detector.n_features_in_):
        return X
    from sklearn.utils.validation import validate_data  # noqa: PLC0415 - scikit-learn is slow to import

    return validate_data(detector, X, reset=reset, dtype=(np.float64, np.float32), ensure_all_finite=False)


def is_plain(X: Any, features: int) -> bool:
    """Whether scikit-learn would find nothing to change or to say."""
    is_matrix = type(X) is np.ndarray and X.ndim == 2 and X.dtype in (np.float64, np.float32)
    return is_matrix and len(X) > 0 and X.shape[1] == features


def is_pictures(raw: Any) -> bool:
    """Whether raw rows are pictures."""
    return isinstance(raw, np.ndarray) and raw.ndim > 2


def check_kind(detector: "Detector", *, pictures: bool, reset: bool) -> None:
    """Forget what was learned (`reset`), or refuse pictures where a table was learned and the reverse."""
    if reset:
        for name in ("encoder_", "n_features_in_", "feature_names_in_"):
            detector.__dict__.pop(name, None)
    elif isinstance(detector.encoder_, PictureEncoder) != pictures:
        learned, came = ("a table", "pictures") if pictures else ("pictures", "a table")
        raise DataError(f"This {type(detector).__name__} learned {learned}, but X is {came}.")


def counted(detector: "Detector", pictures: np.ndarray, *, reset: bool) -> np.ndarray:
    """Pictures, at least one."""
    if not len(pictures):
        raise DataError("X holds no pictures (0 samples); at least one is expected.")
    if reset:
        detector.n_features_in_ = int(np.prod(pictures.shape[1:]))
    return pictures


def named(detector: "Detector", table: pa.Table, *, reset: bool) -> pa.Table:
    """A table with column names and at least one row."""
    if not len(table):
        raise DataError("X has columns but no rows (0 samples); at least one is expected.")
    if reset:
        detector.n_features_in_ = table.num_columns
        detector.feature_names_in_ = np.asarray(table.column_names, dtype=object)
    elif not hasattr(detector, "feature_names_in_"):
        shown = type(detector).__name__
        warnings.warn(f"X has feature names, but {shown} was fitted without feature names", UserWarning, stacklevel=5)
        if table.num_columns != detector.n_features_in_:
            raise DataError(
                f"X has {table.num_columns} features, "
                f"but {shown} is expecting {detector.n_features_in_} features as input."
            )
    return table


def named_by_text(X: Any) -> bool:
    """Whether a table's columns have names; a pandas frame may number them instead, and then counts as an array."""
    return not hasattr(X, "iloc") or all(isinstance(name, str) for name in X.columns)


def held_out_split(n: int, fraction: float, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows to learn from and rows to hold out: at least one each, the same for every `random_state`.

    A false-alarm rate needs 1 / rate - 1 held-out rows; a small table gives up to a quarter of its rows for that.
    """
    order = np.random.default_rng(n).permutation(n)
    needed = min(int(np.ceil(1 / rate - 1 - 1e-9)), n // 4)
    held_out = min(max(round(fraction * n), needed, 1), n - 1)
    return np.sort(order[held_out:]), np.sort(order[:held_out])
