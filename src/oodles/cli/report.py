"""`oodles report`: a paper's numbers beside ours."""

import os
from pathlib import Path
from typing import Annotated

import typer

from . import options
from .output import note, print_json
from .reproduce import Folder, Paper, known

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
oodles report csiszarik2019
oodles report csiszarik2019 --results my/records --output my/pages"""


def command(
    paper: Paper,
    results: Folder = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder for PAPER.md and PAPER.html.")
    ] = Path("docs/papers"),
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Write two pages about PAPER: reported beside reproduced.

    They show the records of `oodles reproduce`. The Markdown page points to the pictures beside the records; the HTML
    page holds them.
    """
    from ..errors import FileError  # noqa: PLC0415
    from ..report import paper as page  # noqa: PLC0415 - torch and matplotlib arrive here
    from ..report import write  # noqa: PLC0415

    found = known(paper)
    folder = results or Path("results") / paper
    if not any(folder.glob("*.json")):
        raise FileError(f"There are no records in {folder}: run `oodles reproduce {paper}` first, or give --results.")
    pages = [output / f"{paper}.md", output / f"{paper}.html"]
    pictures = Path(os.path.relpath(folder.resolve(), output.resolve())).as_posix()
    write(pages[0], page.as_markdown(found, folder, pictures=pictures))
    write(pages[1], page.as_html(found, folder))
    if json:
        print_json({"pages": pages})
    else:
        for path in pages:
            note(f"report: {path}", quiet=quiet)
