"""Where rows come from: a path or standard input, what kind of file it is, and one sentence for each way to fail."""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Final, cast

import pyarrow as pa

from ..errors import DataError, FileError, ParameterError

__all__ = [
    "KINDS",
    "STANDARD",
    "Source",
    "kind_of",
    "label",
    "members",
    "opened",
    "rows_per_block",
    "seekable",
    "sentences",
]

Source = str | Path

STANDARD: Final = "-"
"""The name of standard input and standard output."""

KINDS: Final = {
    ".csv": "text",
    ".tsv": "text",
    ".txt": "text",
    ".data": "text",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".feather": "feather",
    ".arrow": "feather",
    ".ipc": "feather",
    ".npy": "npy",
    ".npz": "npz",
    ".png": "pictures",
    ".jpg": "pictures",
    ".jpeg": "pictures",
}
"""The kind of rows behind each file ending; a `format` is an ending without its dot."""

GZIP: Final = b"\x1f\x8b"
BLOCK_BYTES: Final = 128 * 2**20


def label(source: Source) -> str:
    """The name of a source in a sentence."""
    return "standard input" if str(source) == STANDARD else str(source)


def kind_of(source: Source, format: str | None) -> str:  # noqa: A002  the word that users of a command line know
    """What a source holds, one of the values of `KINDS`.

    The format decides, then what the folder holds, then the file's ending; an unknown ending is taken for text.

    Raises:
        FileError: The folder holds nothing that can be read, or pictures are expected on standard input.
        ParameterError: The format is unknown.
    """
    kind = _kind_of_format(format) if format is not None else _kind_of_source(source)
    if kind == "pictures" and str(source) == STANDARD:
        raise FileError("Expected rows on standard input, but pictures were asked for; give their file or folder.")
    return kind


def _kind_of_format(name: str) -> str:
    kind = KINDS.get(f".{name.lower()}")
    if kind is None:
        known = ", ".join(ending[1:] for ending in KINDS)
        raise ParameterError(f"Expected a format among {known}, but got {name!r}; choose one of them.")
    return kind


def _kind_of_source(source: Source) -> str:
    path = Path(source)
    if path.is_dir():
        return _kind_of_folder(path)
    return KINDS.get(Path(path.name.lower().removesuffix(".gz")).suffix, "text")


def _kind_of_folder(folder: Path) -> str:
    for kind in ("parquet", "pictures"):
        if members(folder, kind):
            return kind
    raise FileError(f"Expected .parquet files or .png and .jpg pictures in {folder}, but there are none; name a file.")


def members(folder: Source, kind: str) -> list[Path]:
    """The visible files of a kind in a folder, sorted; pictures in its subfolders too."""
    paths = Path(folder).glob("**/*" if kind == "pictures" else "*")
    return sorted(path for path in paths if KINDS.get(path.suffix.lower()) == kind and not path.name.startswith("."))


def rows_per_block(rows: int | None, row_bytes: int) -> int:
    """At most `rows`, and at most 128 MiB of them; no bound at all where `rows` is None."""
    return sys.maxsize if rows is None else max(1, min(rows, BLOCK_BYTES // max(1, row_bytes)))


@contextmanager
def opened(source: Source) -> Iterator[io.BufferedIOBase]:
    """The bytes of a source from first to last, decompressed where they begin as gzip does."""
    with ExitStack() as stack:
        stream = _standard_input() if str(source) == STANDARD else stack.enter_context(Path(source).open("rb"))
        plain = io.BufferedReader(cast("io.RawIOBase", stream))
        stack.callback(plain.detach)  # else it would close standard input
        # Python's gzip reader refuses a stream that is cut off; pyarrow's takes it for complete.
        yield stack.enter_context(gzip.GzipFile(fileobj=plain)) if plain.peek(2)[:2] == GZIP else plain


@contextmanager
def seekable(source: Source) -> Iterator[IO[bytes]]:
    """The bytes of a source in any order; standard input is held in memory for it."""
    if str(source) == STANDARD:
        yield io.BytesIO(_standard_input().read())
    else:
        with Path(source).open("rb") as stream:
            yield stream


def _standard_input() -> IO[bytes]:
    if sys.stdin is None or sys.stdin.isatty():
        raise FileError(
            "Expected rows on standard input, but nothing is piped into it; add `< rows.csv` or name a file."
        )
    return sys.stdin.buffer


@contextmanager
def sentences(source: Source) -> Iterator[None]:
    """Turns what the operating system, gzip and Arrow say about a source into one sentence.

    Raises:
        FileError: The source cannot be read as what it claims to be.
    """
    name = label(source)
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError as error:
        raise FileError(f"Expected a file, but {error.filename or name} does not exist; check the path.") from error
    except PermissionError as error:
        raise FileError(
            f"Expected a readable file, but there is no permission to read {error.filename or name}; change its mode."
        ) from error
    except EOFError as error:
        raise FileError(f"Expected a whole file, but {name} is cut off before its end; copy it again.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise FileError(f"Expected a gzip file, but {name} is damaged ({_gist(error)}); copy it again.") from error
    except (OSError, UnicodeError, OverflowError, pa.ArrowException) as error:
        raise FileError(
            f"Expected readable rows, but {name} cannot be read ({_gist(error)}); check the file."
        ) from error


def _gist(error: Exception) -> str:
    """The first line of a message, without its full stop."""
    reason = getattr(error, "strerror", None) or str(error)
    return (reason.strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:200]
