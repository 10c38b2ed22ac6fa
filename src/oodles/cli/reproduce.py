"""`oodles reproduce`: run a paper's experiments, and record what comes out."""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import options
from .output import is_watched, note, print_facts, print_json, print_table

if TYPE_CHECKING:
    from ..experiments import Paper as Experiments

__all__ = ["EXAMPLES", "command", "known"]

EXAMPLES = """\
oodles reproduce csiszarik2019 --list
oodles reproduce csiszarik2019 --table 1 --cells "Fashion-MNIST MNIST"
oodles reproduce csiszarik2019 --table 3 --network light --epochs 2
oodles reproduce engan2018 --figure 2 --network light --epochs 50"""

Paper = Annotated[str, typer.Argument(metavar="PAPER", help="The paper's name: first author and year.")]
Folder = Annotated[
    Path | None,
    typer.Option("--results", metavar="FOLDER", help="Folder of the records; results/PAPER unless said."),
]


def command(
    paper: Paper,
    table: Annotated[
        list[str] | None,
        typer.Option("--table", metavar="N", help="A table of the paper; repeatable. Without it: all."),
    ] = None,
    figure: Annotated[
        list[str] | None,
        typer.Option("--figure", metavar="N", help="A figure of the paper; repeatable."),
    ] = None,
    cells: Annotated[
        list[str] | None,
        typer.Option(
            "--cells", metavar="WORDS", help="Only cells with these words in their name, * for any; repeatable."
        ),
    ] = None,
    members: Annotated[
        int, typer.Option("--members", metavar="N", min=1, help="Independent runs, trained as one.")
    ] = 5,
    epochs: Annotated[
        int | None, typer.Option("--epochs", metavar="N", min=1, help="Passes over the rows; else the authors'.")
    ] = None,
    images: Annotated[
        int | None, typer.Option("--images", metavar="N", min=100, help="Training pictures; else all.")
    ] = None,
    network: Annotated[
        str, typer.Option(metavar="SIZE", help="paper, or light: narrower networks, cheaper.")
    ] = "paper",
    lr: Annotated[
        float | None, typer.Option("--lr", metavar="RATE", min=0, help="Learning rate; else the authors'.")
    ] = None,
    test: Annotated[int, typer.Option(metavar="N", min=1, help="Test pictures of each set.")] = 10_000,
    few: Annotated[
        int, typer.Option(metavar="N", min=1, help="Test pictures for scores that cost hundreds of passes.")
    ] = 250,
    protocol: Annotated[
        str, typer.Option(metavar="NAME", help="paper does as the authors' code; clean mends what is unsound there.")
    ] = "paper",
    results: Folder = None,
    listed: Annotated[bool, typer.Option("--list", help="Say what has been done, and do nothing.")] = False,
    device: options.Device = "auto",
    threads: options.Threads = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Run the experiments of PAPER that have no record yet.

    Stopped with Ctrl-C or killed, the same command goes on where it was. A missing dataset costs its cells, not the
    run. `oodles report PAPER` shows the records beside what was published.
    """
    from ..errors import CheckpointError  # noqa: PLC0415
    from ..experiments import Budget, read, run  # noqa: PLC0415 - torch arrives here
    from ..experiments.runner import tasks_of  # noqa: PLC0415
    from ..training import fixed_threads  # noqa: PLC0415

    if network not in ("paper", "light") or protocol not in ("paper", "clean"):
        raise typer.BadParameter("--network is paper or light, and --protocol is paper or clean.")
    found = known(paper)
    asked = [*(table or ()), *(f"figure {number}" for number in figure or ())]
    for number in asked:
        if number not in found.tables:
            raise typer.BadParameter(f"{paper} has no {spoken(number)}; it has {', '.join(map(spoken, found.tables))}.")
    budget = Budget(epochs, members, images, network, lr, test, few, protocol)  # type: ignore[arg-type]
    chosen = [
        cell
        for number in asked or found.tables
        for cell in found.tables[number].cells
        if not cells or any(fnmatchcase(cell.name, f"*{pattern}*") for pattern in cells)
    ]
    if not chosen:
        raise typer.BadParameter("no cell has these words; `--list` without --cells shows their names.")
    folder = results or Path("results") / paper
    if listed:
        rows = [(c.table, c.name, c.task.name, read(folder, c.task, budget) is not None) for c in chosen]
        if json:
            print_json([dict(zip(("table", "cell", "task", "done"), row, strict=True)) for row in rows])
        else:
            print_table("", ("table", "cell", "task", "done"), [(*row[:3], "done" if row[3] else "") for row in rows])
        return
    try:
        with fixed_threads(threads):
            outcomes = run(
                tasks_of(chosen),
                folder,
                budget,
                device=device,
                verbose=is_watched(quiet=quiet or json),
                tell=lambda line: note(line, quiet=quiet or json),
            )
    except KeyboardInterrupt:
        raise CheckpointError(f"Stopped: the same command goes on from what lies in {folder}.") from None
    counts = {state: sum(outcome.state == state for outcome in outcomes) for state in ("now", "before", "missing")}
    facts = {
        "records": str(folder),
        "done now": counts["now"],
        "done before": counts["before"],
        "missing": counts["missing"],
    }
    if json:
        print_json({**facts, "left out": [outcome.sentence for outcome in outcomes if outcome.sentence]})
    elif not quiet:
        print_facts("", facts)


def spoken(number: str) -> str:
    """A table's or figure's number in words."""
    return number if number.startswith("figure ") else f"table {number}"


def known(paper: str) -> "Experiments":
    """A paper by its name.

    Raises:
        BadParameter: If there is none.
    """
    from ..experiments import PAPERS  # noqa: PLC0415

    if paper not in PAPERS:
        raise typer.BadParameter(f"there is no paper {paper!r}; there are {', '.join(PAPERS)}.", param_hint="PAPER")
    return PAPERS[paper]
