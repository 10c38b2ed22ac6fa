"""NumPy files: the rows of a table of numbers, or pictures."""

import math
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any, Final

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from ..errors import DataError, FileError
from .sources import STANDARD, Source, label, rows_per_block, seekable

__all__ = ["npy", "npz"]

KINDS_OF_NUMBERS: Final = "fiub"
# What NumPy, which parses a header as Python source, and zipfile raise on damaged bytes.
DAMAGE: Final = (
    ValueError,
    EOFError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def npy(source: Source, rows: int | None) -> Iterator[NDArray[Any]]:
    """The rows of a .npy file, at most `rows` at a time, or all at once if None; a file on disk is memory-mapped.

    Raises:
        DataError: The array is not one of numbers with two to four axes.
        FileError: It is not a .npy file, or cut off.
    """
    name = label(source)
    try:
        if str(source) == STANDARD:
            with seekable(source) as stream:
                yield from _pieces(stream, rows, name)
        else:
            yield from _slices(npy_format.open_memmap(Path(source), mode="r"), rows, name)
    except DataError:
        raise
    except DAMAGE as error:
        raise FileError(f"Expected a .npy file of numbers, but {name} is not ({error}); save it again.") from error


def npz(source: Source, rows: int | None) -> Iterator[NDArray[Any]]:
    """The rows of the array called X in a .npz file, or of its only array, at most `rows` at a time.

    Raises:
        DataError: The array is not one of numbers with two to four axes.
        FileError: It is not a .npz file, is damaged, or has several arrays, none of them called X.
    """
    name = label(source)
    try:
        with seekable(source) as stream, zipfile.ZipFile(stream) as archive, archive.open(_member(archive, name)) as X:
            yield from _pieces(X, rows, name)
    except DataError:
        raise
    except DAMAGE as error:
        raise FileError(f"Expected a .npz file of numbers, but {name} is not ({error}); save it again.") from error


def _member(archive: zipfile.ZipFile, name: str) -> str:
    arrays = [member for member in archive.namelist() if member.endswith(".npy")]
    if "X.npy" in arrays:
        return "X.npy"
    if len(arrays) != 1:
        found = ", ".join(member.removesuffix(".npy") for member in arrays) or "none"
        raise FileError(f"Expected an array called X in {name}, but its arrays are: {found}; save the rows as X.")
    return arrays[0]


def _pieces(stream: IO[bytes], rows: int | None, name: str) -> Iterator[NDArray[Any]]:
    """Consecutive rows of a .npy stream that is read from first to last."""
    version = npy_format.read_magic(stream)
    header = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    shape, is_fortran, dtype = header(stream)
    _require_rows(shape, dtype, name)
    if is_fortran:
        # Column after column: the first row is complete only when everything is read.
        yield from _slices(_read(stream, shape[::-1], dtype, name).T, rows, name)
        return
    step = rows_per_block(rows, dtype.itemsize * math.prod(shape[1:]))
    for start in range(0, shape[0], step):
        yield _read(stream, (min(step, shape[0] - start), *shape[1:]), dtype, name)


def _read(stream: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> NDArray[Any]:
    size = dtype.itemsize * math.prod(shape)
    found = bytearray(stream.read(size))  # unlike bytes, writable
    if len(found) < size:
        raise FileError(f"Expected a whole array, but {name} is cut off before its end; copy it again.")
    return np.frombuffer(found, dtype).reshape(shape)


def _slices(array: NDArray[Any], rows: int | None, name: str) -> Iterator[NDArray[Any]]:
    _require_rows(array.shape, array.dtype, name)
    step = rows_per_block(rows, array[:1].nbytes)
    for start in range(0, len(array), step):
        yield np.array(array[start : start + step])


def _require_rows(shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> None:
    if not 2 <= len(shape) <= 4 or dtype.kind not in KINDS_OF_NUMBERS:
        raise DataError(
            f"Expected numbers as rows x columns, or as pictures x height x width (x channels), but {name} holds "
            f"{dtype} of shape {shape}; reshape and save it again."
        )
    if min(shape) < 1:
        raise DataError(f"Expected rows, but {name} has shape {shape}; check what wrote it.")
