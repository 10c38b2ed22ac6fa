"""A paper: tables of cells."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..tasks import Cell

__all__ = ["Claim", "Paper", "Table"]


@dataclass(frozen=True)
class Claim:
    """What a paper says of every row: one column's quantity lies above another's.

    Attributes:
        text: The claim, in a few words.
        quantity: Ours.
        better: The column that should have more of it.
        worse: The column that should have less.
    """

    text: str
    quantity: str
    better: str
    worse: str


@dataclass(frozen=True)
class Table:
    """A table of a paper, or an experiment that stands only in its text.

    Attributes:
        title: What it shows.
        heads: Names of what stands to the left of the numbers.
        cells: Its cells.
        quantities: What is shown of each cell: our quantity → the paper's word.
        beyond: Quantities that the paper does not have, shown as extra columns.
        pictures: Kinds of pictures to show of each cell: `samples` or `codes`.
        claims: What the paper says of its rows.
        remarks: What a reader should know, and how disagreements are explained.
    """

    title: str
    heads: tuple[str, ...]
    cells: tuple[Cell, ...]
    quantities: Mapping[str, str]
    beyond: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Paper:
    """What can be reproduced of a paper.

    Attributes:
        key: Its name on the command line.
        title: Authors, title, year.
        link: Where to read it.
        tables: Tables by number.
        light: What `--network light` means.
        costly: Scores of which fewer test pictures are given.
        deviations: Where we knowingly do otherwise than the authors.
    """

    key: str
    title: str
    link: str
    tables: Mapping[str, Table]
    light: str
    costly: str = ""
    deviations: tuple[str, ...] = field(default=())

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell of every table."""
        return tuple(cell for table in self.tables.values() for cell in table.cells)
