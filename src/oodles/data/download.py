"""Public files: where they lie, whether they are the right ones, and how missing ones come.

The folder is `$OODLES_DATA`, or the user's cache folder. `OODLES_OFFLINE=1` forbids the network.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from logging import WARNING
from pathlib import Path
from typing import Any

from ..errors import DatasetError

__all__ = ["TIMEOUT", "File", "fetch", "folder", "verify"]

TIMEOUT = 30.0
"""Seconds to wait for a server to answer, or to send its next bytes."""

# By name, because importing the classes would load the network stack.
_REASONS = {
    "ConnectTimeout": "no answer in time",
    "ReadTimeout": "no answer in time",
    "ProxyError": "the proxy refused the connection",
    "SSLError": "the server's certificate is not trusted",
    "ChunkedEncodingError": "the connection was cut before the whole file had come",
    "ConnectionError": "no connection, or it was lost",
}


@dataclass(frozen=True)
class File:
    """One public file.

    Attributes:
        path: Its place under the data folder, `folder/public name`.
        urls: Where to download it, best first; empty if only a person can.
        hashes: What it may hash to, as `sha256` or `md5:…` hexadecimal digits; a download must match the first. Empty
            if no hash is published.
        page: The page from which a person gets it, if it has no `urls`.
    """

    path: str
    urls: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    page: str = ""

    @property
    def place(self) -> Path:
        """Where it lies, or would lie, on this machine."""
        return folder() / self.path


def folder() -> Path:
    """The folder of all public files: `$OODLES_DATA`, else the user's cache folder."""
    chosen = os.environ.get("OODLES_DATA")
    if chosen:
        return Path(chosen).expanduser()

    import pooch  # noqa: PLC0415 - slow to import, and most programs name their folder

    return Path(pooch.os_cache("oodles"))


def fetch(file: File, *, dataset: str, download: bool = True, progress: bool = False) -> Path:
    """The file on this machine, downloaded if it is missing, and checked.

    A download lands under its final name only when it is whole and right; a failed one leaves nothing behind.

    Args:
        file: What to fetch.
        dataset: The name of the dataset that needs it, for the message.
        download: Whether a missing file may be downloaded.
        progress: Whether to draw a progress bar on standard error.

    Raises:
        DatasetError: The file is missing and cannot be downloaded, or it is not the public one.
    """
    if file.place.is_file():
        verify(file)
        return file.place

    problem = _forbidden(file, download=download) or _download(file, progress=progress)
    if not problem:
        return file.place
    source = file.urls[0] if file.urls else file.page
    raise DatasetError(
        f"{dataset!r} needs {file.path}, which is not in {folder()} and {problem}; set OODLES_DATA to a folder that "
        f"has it, or get it by hand from {source} and put it into {file.place.parent}."
    )


def verify(file: File) -> None:
    """Check that a file on this machine is the public one.

    Raises:
        DatasetError: It cannot be read, or it has another hash than every one that is known for it.
    """
    found = ""
    for known in file.hashes:
        found = _hash(file.place, like=known)
        if found == known:
            return
    if found:
        raise DatasetError(
            f"{file.place} is not the public file: expected hash {' or '.join(file.hashes)}, found {found}; delete it "
            "and load again, or set OODLES_DATA to another folder."
        )


def _hash(path: Path, *, like: str) -> str:
    """The hash of a file, written as another hash is: with the name of its algorithm unless that is sha256."""
    algorithm, colon, _ = like.rpartition(":")
    try:
        with path.open("rb") as stream:
            return f"{algorithm}{colon}{hashlib.file_digest(stream, algorithm or 'sha256').hexdigest()}"
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be read ({error}); make it readable, or delete it and load again."
        ) from error


def _forbidden(file: File, *, download: bool) -> str | None:
    """Why a missing file may not be downloaded, or None if it may."""
    if not file.urls:
        return "is not downloaded by this program"
    if not download:
        return "may not be downloaded (download=False)"
    if os.environ.get("OODLES_OFFLINE", "0") not in {"", "0"}:
        return "may not be downloaded (OODLES_OFFLINE is set)"
    return None


def _download(file: File, *, progress: bool) -> str | None:
    """Try every address in turn; None once the file is in place, else what went wrong at each."""
    failures = []
    for url in file.urls:
        try:
            _retrieve(url, file, progress=progress)
        except (OSError, ValueError) as error:  # requests' errors are OSErrors, pooch's wrong hash is a ValueError
            failures.append(f"{url}: {_reason(error)}")
        else:
            return None
    return f"could not be downloaded ({'; '.join(failures)})"


def _retrieve(url: str, file: File, *, progress: bool) -> None:
    """Download one file from one address, into a temporary file first."""
    import pooch  # noqa: PLC0415 - loads the network stack, which most programs never need

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(WARNING)  # pooch reports every download on standard error; here the caller decides
    try:
        with _bar(file.path, shown=progress) as bar:
            pooch.retrieve(
                url,
                known_hash=file.hashes[0] if file.hashes else None,
                fname=file.place.name,
                path=file.place.parent,
                downloader=pooch.HTTPDownloader(progressbar=bar, chunk_size=2**16, timeout=TIMEOUT),
            )
    finally:
        logger.setLevel(level)


def _reason(error: Exception) -> str:
    """A few words about why a download failed."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"the server answered {response.status_code} {response.reason}"
    if type(error) is ValueError:
        return "what came is not the public file (its hash is wrong)"
    classes = (_REASONS.get(kind.__name__) for kind in type(error).__mro__)
    return next(filter(None, classes), None) or str(error)


@contextmanager
def _bar(description: str, *, shown: bool) -> Iterator[Any]:
    """The progress bar that pooch asks for, drawn by rich; False for none."""
    if not shown:
        yield False
        return

    from rich.console import Console  # noqa: PLC0415 - only who asks for a bar pays for it
    from rich.progress import DownloadColumn, Progress  # noqa: PLC0415

    with Progress(*Progress.get_default_columns(), DownloadColumn(), console=Console(stderr=True)) as display:
        yield _Bar(display, display.add_task(description, total=None))


class _Bar:
    """What pooch does to a progress bar, said to rich."""

    def __init__(self, display: Any, task: Any) -> None:
        self._display = display
        self._task = task

    @property
    def total(self) -> float | None:
        """Bytes that will come, as the server announces."""
        return next((task.total for task in self._display.tasks if task.id == self._task), None)

    @total.setter
    def total(self, size: float) -> None:
        self._display.update(self._task, total=size)

    def update(self, size: float) -> None:
        """So many bytes have come."""
        self._display.advance(self._task, size)

    def reset(self) -> None:
        """Begin again at 0, as pooch does to end at exactly 100 %."""
        self._display.update(self._task, completed=0)

    def close(self) -> None:
        """All is here."""
        self._display.refresh()
