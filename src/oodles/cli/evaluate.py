"""`oodles evaluate`: how well are known anomalies found, and is the promise kept?"""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import DataError
from . import options
from .output import is_watched, note, print_facts, print_json

__all__ = ["EXAMPLES", "command"]

EXAMPLES = """\
oodles evaluate payments.csv --label fraud --report payments.html
oodles evaluate digits --normal 0 --detector AutoEncoder
oodles evaluate today.csv --label fraud --model payments.oodles --json"""


def command(
    source: options.Input,
    model: Annotated[Path | None, typer.Option("--model", metavar="MODEL", help="A fitted model to judge.")] = None,
    detector: options.Detector = "VAE",
    train: Annotated[
        float, typer.Option(metavar="SHARE", help="Without --model: share of the normal rows to learn from.")
    ] = 0.5,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="MODEL", help="Without --model: folder for the fitted one.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="HTML file with pictures of what was found.")
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", metavar="NAME", help="One more score to rank by; repeatable.")
    ] = None,
    label: options.Label = None,
    normal: options.Normal = None,
    schema: options.Schema = None,
    settings: options.Settings = None,
    epochs: options.Epochs = None,
    members: options.Members = None,
    split: Annotated[str, typer.Option(metavar="NAME", help="Part of a public dataset: train or test.")] = "train",
    format: options.Format = None,  # noqa: A002 - the word of the command line
    no_header: options.NoHeader = False,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    threads: options.Threads = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Judge a detector on rows that are labelled.

    With --model it is that one; else a detector is fitted to a share of the normal rows, and judged on all others.
    """
    from .. import storage  # noqa: PLC0415
    from ..detectors import load  # noqa: PLC0415 - torch arrives here
    from ..training import fixed_threads  # noqa: PLC0415
    from . import figures, inputs, making  # noqa: PLC0415

    if save is not None:
        storage.check_target(save)
    made = load(model, device=device) if model is not None else None
    rows = inputs.load(
        source,
        format=format,
        header=not no_header,
        label=label,
        normal=normal or [],
        schema=making.pairs(schema or [], "--schema"),
        split=split,
        quiet=quiet,
    )
    if rows.y is None:
        raise DataError(f"{source} does not say which rows are anomalies: {inputs.how_to_label(source)}.")
    if unlabelled := int((rows.y < 0).sum()):
        raise DataError(f"{label!r} is missing in {unlabelled:,} of {len(rows):,} rows; fill or remove them.")
    with fixed_threads(threads):
        if made is None:
            made = making.detector(
                detector,
                settings=settings or [],
                schema=rows.schema,
                epochs=epochs,
                members=members,
                random_state=seed,
                device=device,
                verbose=is_watched(quiet=quiet),
            )
            for name in kind or []:
                made.score_named(name)  # refuses what is not there before the training
            learned, judged = figures.split(rows.y, train, seed)
            made.fit(inputs.taken(rows.X, learned))
            if save is not None:
                made.save(save)
            X, y = inputs.taken(rows.X, judged), rows.y[judged]
        else:
            X, y = inputs.fitting(made, rows.X, label), rows.y
        facts = {"rows learned": len(rows) - len(y), **figures.measured(made, X, y, kind or [])}
    if json:
        print_json(facts)
    elif not quiet:
        print_facts(f"{type(made).__name__} on {source}", facts)
    if report is not None:
        from .. import report as reports  # noqa: PLC0415 - matplotlib arrives here

        described = f"{len(rows) - len(y):,} rows learned, {len(y):,} judged."
        page = reports.section(made, X, y, name=source, description=described)
        reports.write(report, reports.build([page], title=f"oodles: {source}", command=f"oodles evaluate {source}"))
        note(f"report: {report}", quiet=quiet)
