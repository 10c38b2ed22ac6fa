"""Folders of PNG and JPEG pictures as one array."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, FileError
from .sources import Source, members, rows_per_block

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Pictures", "pictures"]

SIXTEEN_BITS: Final = frozenset({"I", "I;16", "I;16L", "I;16B", "I;16N"})
GREY: Final = frozenset({"1", "L", "LA", "La"}) | SIXTEEN_BITS
PALETTES: Final = frozenset({"P", "PA"})


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of one size.

    Attributes:
        pixels: uint8, (N, H, W) where every picture is grey, (N, H, W, 3) otherwise.
        names: The path of each picture, relative to the folder they were read from.
    """

    pixels: NDArray[np.uint8]
    names: list[str]

    def __len__(self) -> int:
        return len(self.names)


def pictures(source: Source, rows: int | None) -> Iterator[Pictures]:
    """The pictures of a folder in the order of their paths, or a single one, at most `rows` at a time.

    They are turned upright as their EXIF data says. Transparency is dropped, 16 bits become 8. If one picture of
    the folder has colors, all are returned in color.

    Args:
        source: A folder or a file.
        rows: The most pictures in one block; None reads all at once.

    Raises:
        DataError: The pictures differ in size.
        FileError: A file is not a readable picture.
    """
    path = Path(source)
    root, paths = (path, members(path, "pictures")) if path.is_dir() else (path.parent, [path])
    if not paths:
        raise FileError(f"Expected .png or .jpg pictures in {path}, but there are none; name another folder.")
    mode = "L" if all(_is_grey(file) for file in paths) else "RGB"
    first = _pixels(paths[0], mode)
    step = rows_per_block(rows, first.nbytes)
    for start in range(0, len(paths), step):
        files = paths[start : start + step]
        names = [str(file.relative_to(root)) for file in files]
        yield Pictures(_stacked(files, mode, paths[0], first.shape), names)


def _stacked(files: Sequence[Path], mode: str, first: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    stack = np.empty((len(files), *shape), np.uint8)
    for pixels, file in zip(stack, files, strict=True):
        found = _pixels(file, mode)
        if found.shape != shape:
            raise DataError(
                f"Expected pictures of one size, but {first} is {_size(shape)} and {file} is {_size(found.shape)} "
                "(width x height); resize or remove those that differ."
            )
        pixels[...] = found
    return stack


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]}"


def _is_grey(path: Path) -> bool:
    with _image(path) as image:
        return image.mode in GREY


def _pixels(path: Path, mode: str) -> NDArray[np.uint8]:
    from PIL import ImageOps  # noqa: PLC0415  Pillow is slow to import and tables do not need it

    with _image(path) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode in SIXTEEN_BITS:
            return _colored((np.asarray(upright).clip(0, 65_535).astype(np.uint32) + 128) // 257, mode)
        # A palette with transparency is turned into colors by way of RGBA.
        plain = upright.convert("RGBA") if upright.mode in PALETTES else upright
        return np.asarray(plain.convert(mode))


def _colored(grey: NDArray[Any], mode: str) -> NDArray[np.uint8]:
    pixels = grey.astype(np.uint8)
    return pixels if mode == "L" else np.repeat(pixels[..., None], 3, axis=-1)


@contextmanager
def _image(path: Path) -> Iterator["Image.Image"]:
    from PIL import Image  # noqa: PLC0415  as above

    try:
        with Image.open(path) as image:
            yield image
    except Exception as error:
        # Decoders raise errors of many kinds; those of the operating system have a number and a sentence of their own.
        if getattr(error, "errno", None):
            raise
        raise FileError(f"Expected a picture, but {path} cannot be decoded ({error}); replace or remove it.") from error
