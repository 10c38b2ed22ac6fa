"""`oodles datasets`: what can be loaded by name."""

from . import options
from .output import print_json, print_table

__all__ = ["command"]


def command(*, json: options.Json = False) -> None:
    """List the public datasets that INPUT may name, and whether their files are here.

    Files are looked for in $OODLES_DATA, and downloaded once where they may be.
    """
    from .. import data  # noqa: PLC0415 - numpy and pyarrow arrive here

    entries = data.names()
    if json:
        print_json(entries)
        return
    cells = [(entry.name, entry.kind, entry.size, entry.presence, entry.description) for entry in entries]
    print_table("", ("name", "kind", "size", "files", "what it is"), cells)
