"""`oodles datasets`: what can be loaded by name."""

from . import options
from .output import print_json, print_table

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
oodles datasets
OODLES_DATA=/data oodles datasets --json"""


def command(*, json: options.Json = False) -> None:
    """List the public datasets that INPUT may name.

    Files are looked for in the folder $OODLES_DATA, and downloaded into it once where they may be.
    """
    from .. import data  # noqa: PLC0415 - numpy and pyarrow arrive here

    entries = data.names()
    if json:
        print_json(entries)
        return
    cells = [(entry.name, entry.presence, f"{entry.description}; {entry.kind}, {entry.size}") for entry in entries]
    print_table("", ("name", "files", "what it is"), cells)
