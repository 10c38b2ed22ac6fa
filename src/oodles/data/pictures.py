"""Folders of PNG and JPEG pictures as one array, in memory or where they lie."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, FileError
from .sources import Source, members, rows_per_block, sentences

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Album", "Pictures", "pictures"]

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


class Album:
    """The pictures of a folder as an array (N, H, W) or (N, H, W, 3) of 8 bits that lies on disk.

    A slice of it is read, decoded and resized when it is asked for, and nothing is kept: what is larger than memory can
    be learned piece by piece.

    Arguments:
        root: The folder that names are relative to.
        paths: The files, in order.
        size: Height and width that every picture is resized to, whole: one of other proportions is stretched. Where a
            picture becomes smaller, its pixels are averaged (Pillow's BICUBIC). None demands pictures of one size.

    Attributes:
        names: The path of each picture, relative to the folder.
        shape: (N, H, W), or (N, H, W, 3) if one of them has colors.
        dtype: uint8.
    """

    def __init__(self, root: Path, paths: Sequence[Path], size: tuple[int, int] | None = None) -> None:
        self.root, self.paths, self.size = root, list(paths), size
        self.names = [str(path.relative_to(root)) for path in paths]
        with sentences(root):
            self.mode = "L" if all(_is_grey(path) for path in paths) else "RGB"
            first = _pixels(self.paths[0], self.mode, size)
        self.shape, self.dtype = (len(paths), *first.shape), first.dtype

    @classmethod
    def of(cls, source: Source, size: tuple[int, int] | None = None) -> Self:
        """The pictures of a folder and its subfolders in the order of their paths, or a single one.

        Raises:
            FileError: If there are none, or the first cannot be decoded.
        """
        path = Path(source)
        root, paths = (path, members(path, "pictures")) if path.is_dir() else (path.parent, [path])
        if not paths:
            raise FileError(f"Expected .png or .jpg pictures in {path}, but there are none; name another folder.")
        return cls(root, paths, size)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, rows: slice) -> NDArray[np.uint8]:
        """Some pictures, (n, H, W) or (n, H, W, 3).

        Raises:
            DataError: If one differs in size and is not resized.
            FileError: If one is not a readable picture; the sentence names it.
        """
        paths = self.paths[rows]
        stack = np.empty((len(paths), *self.shape[1:]), np.uint8)
        with sentences(self.root):
            for pixels, path in zip(stack, paths, strict=True):
                found = _pixels(path, self.mode, self.size)
                if found.shape != pixels.shape:
                    raise DataError(
                        f"Expected pictures of one size, but {self.paths[0]} is {_size(pixels.shape)} and {path} is "
                        f"{_size(found.shape)} (width x height); resize or remove those that differ."
                    )
                pixels[...] = found
        return stack

    def blocks(self, rows: int | None) -> Iterator[Pictures]:
        """The pictures in order, at most `rows` at a time, or all at once; the same raises as a slice."""
        step = rows_per_block(rows, int(np.prod(self.shape[1:])))
        for start in range(0, len(self), step):
            block = slice(start, start + step)
            yield Pictures(self[block], self.names[block])

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """All of them, in memory."""
        return self[:]


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
    yield from Album.of(source).blocks(rows)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]}"


def _is_grey(path: Path) -> bool:
    with _image(path) as image:
        return image.mode in GREY


def _pixels(path: Path, mode: str, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps  # noqa: PLC0415  Pillow is slow to import and tables do not need it

    with _image(path) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode in SIXTEEN_BITS:
            levels = (np.asarray(upright).clip(0, 65_535).astype(np.uint32) + 128) // 257
            upright = Image.fromarray(levels.astype(np.uint8))
        # A palette with transparency is turned into colors by way of RGBA.
        plain = upright.convert("RGBA") if upright.mode in PALETTES else upright
        colored = plain.convert(mode)
        return np.asarray(colored if size is None else colored.resize(size[::-1], Image.Resampling.BICUBIC))


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
