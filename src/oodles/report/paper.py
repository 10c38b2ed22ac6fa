"""A paper's tables, reported beside reproduced, as Markdown and as a page with pictures."""

import json
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment
from markupsafe import Markup
from matplotlib.axes import Axes
from scipy.stats import t as student

from ..experiments import Cell, Paper, Record
from ..experiments.papers.paper import Table
from ..experiments.records import load
from .build import templates
from .drawing import ANOMALY, MUTED, NORMAL, RULE, drawn, with_ids

__all__ = ["Sheet", "as_html", "as_markdown", "sheets"]

BUDGET = ("protocol", "network", "epochs", "images", "lr", "test", "members", "few")


@dataclass(frozen=True)
class Value:
    """One quantity of a cell.

    Attributes:
        name: The paper's word for it.
        reported: Published mean and standard deviation.
        runs: Ours, one for each member or split.
    """

    name: str
    reported: tuple[float, float | None] | None
    runs: np.ndarray

    @property
    def mean(self) -> float | None:
        """Our mean."""
        return float(self.runs.mean()) if len(self.runs) else None

    @property
    def std(self) -> float | None:
        """Our standard deviation over the runs, as the paper computes it (dividing by their number)."""
        return float(self.runs.std()) if len(self.runs) > 1 else None

    @property
    def difference(self) -> float | None:
        """|ours - reported|."""
        return None if self.mean is None or self.reported is None else abs(self.mean - self.reported[0])

    @property
    def interval(self) -> tuple[float, float] | None:
        """A 95 % interval for our mean by Student's t, where there are at least two runs."""
        if self.mean is None or len(self.runs) < 2:
            return None
        half = float(student.ppf(0.975, len(self.runs) - 1) * self.runs.std(ddof=1) / len(self.runs) ** 0.5)
        return self.mean - half, self.mean + half


@dataclass(frozen=True)
class Line:
    """A cell with what was found for it."""

    cell: Cell
    record: Record
    mark: str
    values: tuple[Value, ...]
    beyond: tuple[Value, ...]

    def picture(self, kind: str) -> str:
        """The name of a picture's file; empty if there is none."""
        return self.record.pictures.get(kind, "")


@dataclass(frozen=True)
class Sheet:
    """A table with its lines: those that were run, and how many were not."""

    number: str
    table: Table
    lines: tuple[Line, ...]
    missing: int

    @property
    def columns(self) -> bool:
        """Whether cells have a heading above them."""
        return any(line.cell.column for line in self.lines)

    @property
    def beyond(self) -> tuple[str, ...]:
        """Extra quantities that some line has, in the table's order."""
        seen = {value.name for line in self.lines for value in line.beyond if value.mean is not None}
        return tuple(name for name in self.table.beyond if name in seen)

    @property
    def claims(self) -> tuple[str, ...]:
        """How often each claim holds among the rows that were run, by the means."""
        found = []
        for claim in self.table.claims:
            means = {
                (line.cell.row, line.cell.column): looked_up(line.record, line.cell, claim.quantity)
                for line in self.lines
            }
            better = {row: runs for (row, column), runs in means.items() if column == claim.better}
            pairs = [(runs, means.get((row, claim.worse))) for row, runs in better.items()]
            whole = [(more.mean(), less.mean()) for more, less in pairs if less is not None]
            if whole:
                kept = sum(more > less for more, less in whole)
                found.append(f"{claim.text}: so in {kept} of the {len(whole)} rows that were run for both.")
        return tuple(found)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the records say about their data."""
        every = [note for line in self.lines for note in line.record.notes]
        return tuple(dict.fromkeys(note for note in every if not note.startswith("The fit took")))


def records(folder: Path) -> list[Record]:
    """Every record of a folder, the largest budget first.

    Raises:
        FileError: If one is damaged.
    """
    return sorted(map(load, sorted(folder.glob("*.json"))), key=effort, reverse=True)


def effort(record: Record) -> tuple[Any, ...]:
    """How much was spent on a record."""
    task = record.task
    return task["network"] == "paper", (task["epochs"] or 1e9) * (task["images"] or 60_000) * task["members"]


def sheets(paper: Paper, folder: Path) -> tuple[list[Sheet], list[tuple[str, Record]]]:
    """The tables of a paper with what lies in a folder of records, and the budgets by their mark."""
    found = records(folder)
    marks: dict[str, tuple[str, Record]] = {}
    pages = []
    for number, table in paper.tables.items():
        lines: list[Line] = []
        for cell in table.cells:
            fields = json.loads(json.dumps(asdict(cell.task)))  # type: ignore[call-overload]
            fields["name"] = cell.task.name
            fitting = [r for r in found if all(r.task.get(key) == value for key, value in fields.items())]
            for protocol in dict.fromkeys(r.task["protocol"] for r in fitting):
                record = next(r for r in fitting if r.task["protocol"] == protocol)
                budget = json.dumps([record.task[key] for key in BUDGET])
                mark = marks.setdefault(budget, (chr(ord("a") + len(marks)), record))[0]
                lines.append(line(table, cell, record, mark))
        run = {line.cell.name for line in lines}
        pages.append(Sheet(number, table, tuple(lines), sum(cell.name not in run for cell in table.cells)))
    return pages, list(marks.values())


def line(table: Table, cell: Cell, record: Record, mark: str) -> Line:
    """One cell and its record."""
    values = tuple(
        Value(word, cell.reported.get(quantity), looked_up(record, cell, quantity))
        for quantity, word in table.quantities.items()
    )
    beyond = tuple(Value(name, None, looked_up(record, cell, name)) for name in table.beyond)
    return Line(cell, record, mark, values, beyond)


def looked_up(record: Record, cell: Cell, quantity: str) -> np.ndarray:
    """One number for each run: `test …` is of the learned set, `ood …` of the other."""
    if quantity.startswith("test "):
        return record.of(str(getattr(cell.task, "inlier", "")), quantity.removeprefix("test "))
    return record.of(cell.against, quantity.removeprefix("ood "))


def spent(record: Record, paper: Paper) -> str:
    """A record's budget, in words."""
    task, made = record.task, record.provenance
    if "seeds" in task:
        what = f"{task['seeds']} splits, default parameters"
    else:
        rows = "all rows" if task["images"] is None else f"{task['images']:,} rows"
        few = f" ({task['few']} for {paper.costly})" if paper.costly else ""
        what = (
            f"protocol {task['protocol']}, {task['members']} {'run' if task['members'] == 1 else 'runs'}, "
            f"{task['epochs'] or 'the authors’'} epochs of {rows}, "
            f"{'the authors’ network' if task['network'] == 'paper' else paper.light}, "
            f"learning rate {task['lr'] or 'the authors’'}, {task['test']:,} test pictures of each set{few}"
        )
    versions = ", ".join(f"{name} {number}" for name, number in made["versions"].items())
    return f"{what}; {versions}; {made['processor']}, {made['cores']} cores"


def number(value: float | None, std: float | None = None, digits: int = 2) -> str:
    """A number as papers print it, with its standard deviation in parentheses."""
    if value is None:
        return "–"
    text = f"{value:.0e}" if abs(value) >= 1e6 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.{digits}f}"
    return text if std is None else f"{text} ({number(std, digits=digits)})"


def short(name: str) -> str:
    """A quantity without the word that all share."""
    return name.removeprefix("AUC ").replace("_", " ")


def environment(*, html: bool) -> Environment:
    """Templates with the words of this page."""
    pages = templates(html=html)
    pages.filters |= {"number": number, "short": short, "spent": spent}
    return pages


def as_markdown(paper: Paper, folder: Path, *, pictures: str) -> str:
    """The page in Markdown; `pictures` is where a reader of the page finds the folder."""
    pages, budgets = sheets(paper, folder)
    template = environment(html=False).get_template("paper.md.j2")
    page = template.render(paper=paper, sheets=pages, budgets=budgets, pictures=pictures, commands=commands(pages))
    return "\n".join(line.rstrip() for line in page.splitlines()) + "\n"


def as_html(paper: Paper, folder: Path) -> str:
    """The page with its pictures inside: no network, no second file."""
    from .. import __version__  # noqa: PLC0415 - the package imports its rooms when they are used

    pages, budgets = sheets(paper, folder)

    def inline(name: str) -> str:
        return f"data:image/png;base64,{b64encode((folder / name).read_bytes()).decode()}"

    charts = {page.number: chart(page) for page in pages}
    template = environment(html=True).get_template("paper.html.j2")
    return template.render(
        paper=paper,
        sheets=pages,
        budgets=budgets,
        inline=inline,
        charts=charts,
        commands=commands(pages),
        version=__version__,
    )


def commands(pages: Iterable[Sheet]) -> list[str]:
    """The commands that made the records, each once."""
    every = [line.record.provenance["command"] for page in pages for line in page.lines]
    return list(dict.fromkeys(every))


def chart(page: Sheet) -> Markup | None:
    """Reported against reproduced with intervals, for the areas under the curve; None where nothing was published."""
    pairs = [(line, value) for line in page.lines for value in line.values if value.difference is not None]
    pairs = [(line, value) for line, value in pairs if value.name.startswith("AUC")]
    if not pairs:
        return None

    def paint(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], color=RULE, linewidth=1.0, zorder=0)
        for name, color in (("AUC BPD", NORMAL), ("AUC KL", ANOMALY)):
            some = [value for _, value in pairs if value.name == name]
            places = np.array([(value.reported[0], value.mean) for value in some if value.reported], dtype=float)
            axes.plot(*places.reshape(-1, 2).T, "o", color=color, markersize=3.5, label=name, linewidth=0)
            for value in some:
                if value.interval is not None and value.reported is not None:
                    axes.plot([value.reported[0]] * 2, np.clip(value.interval, 0, 1), color=color, linewidth=0.8)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="reported", ylabel="reproduced")
        axes.legend(frameon=False, fontsize=7, loc="upper left", labelcolor=MUTED)

    return Markup(with_ids(drawn(paint), f"t{page.number}"))  # noqa: S704 - drawn here, no user's word in it
