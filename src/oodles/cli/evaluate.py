"""`oodles evaluate`: how well are known anomalies found, and is the promise kept?"""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from ..errors import DataError
from . import inputs, options
from .output import note, print_facts, print_json

__all__ = ["command"]


def command(
    source: options.Input,
    model: Annotated[Path | None, typer.Option("--model", help="A fitted model to judge.")] = None,
    detector: Annotated[str, typer.Option(help="Without --model: what to fit first.")] = "VAE",
    train: Annotated[float, typer.Option(help="Without --model: share of the normal rows to learn from.")] = 0.5,
    save: Annotated[Path | None, typer.Option("--save", help="Folder for the fitted model.")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="HTML file with pictures of what was found.")] = None,
    kind: Annotated[list[str] | None, typer.Option("--kind", help="More scores to rank by; repeatable.")] = None,
    label: options.Label = None,
    normal: options.Normal = None,
    schema: options.Schema = None,
    settings: options.Settings = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the rows, at most.")] = None,
    members: Annotated[int | None, typer.Option(min=1, help="Models trained as one.")] = None,
    split: Annotated[str, typer.Option(help="Part of a public dataset: train or test.")] = "train",
    format: options.Format = None,  # noqa: A002 - the word of the command line
    no_header: options.NoHeader = False,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    threads: options.Threads = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Judge a detector on rows that are labelled: with --model that one, else one fitted to a share of the normal rows.

    The rows that were learned from are never judged.

    oodles evaluate payments.csv --label Class --detector VAE --report payments.html
    """
    from ..detectors import load  # noqa: PLC0415 - torch arrives here
    from ..training import fixed_threads  # noqa: PLC0415

    kinds = inputs.pairs(schema or [], "--schema")
    rows = inputs.load(
        source, format=format, header=not no_header, label=label, normal=normal or [], schema=kinds, split=split
    )
    if rows.y is None:
        raise DataError(f"{source} does not say which rows are anomalies: name the column with --label.")
    judged = np.arange(len(rows))
    if model is not None:
        made = load(model, device=device)
    else:
        made = inputs.detector(
            detector,
            settings=settings or [],
            schema=rows.schema,
            epochs=epochs,
            members=members,
            random_state=seed,
            device=device,
            verbose=not quiet,
        )
        learned, judged = one_class_split(rows.y, train, seed)
        with fixed_threads(threads):
            made.fit(inputs.taken(rows.X, learned))
        if save is not None:
            made.save(save)
    X, y = inputs.taken(rows.X, judged), rows.y[judged]
    with fixed_threads(threads):
        facts = figures(made, X, y, kind or [])
    facts = {"rows learned": len(rows) - len(judged), **facts}
    if json:
        print_json(facts)
    elif not quiet:
        print_facts(f"{type(made).__name__} on {source}", facts)
    if report is not None:
        from .. import report as reports  # noqa: PLC0415 - matplotlib arrives here

        described = f"{len(rows) - len(judged):,} rows learned, {len(judged):,} judged."
        page = reports.section(made, X, y, name=source, description=described)
        reports.write(report, reports.build([page], title=f"oodles: {source}", command=f"oodles evaluate {source}"))
        note(f"report: {report}", quiet=quiet)


def one_class_split(y: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A share of the normal rows to learn from; all other rows to judge.

    Raises:
        DataError: If the share leaves nothing on one side.
    """
    normal = np.random.default_rng(seed).permutation(np.flatnonzero(y == 0))
    count = round(share * len(normal))
    if not 2 <= count < len(normal):
        raise DataError(f"--train {share:g} of {len(normal)} normal rows leaves too few to learn from or to judge.")
    learned = np.sort(normal[:count])
    return learned, np.setdiff1d(np.arange(len(y)), learned)


def figures(detector: Any, X: Any, y: np.ndarray, kinds: list[str]) -> dict[str, Any]:
    """What a person wants to know: ranking, alarms, and whether the promised rate was kept."""
    from .. import metrics  # noqa: PLC0415

    scores = detector.anomaly_score(X)
    rates = metrics.rates(y, -scores - detector.offset_ < 0)
    others = {f"AUROC of {kind}": metrics.auroc(y, detector.anomaly_score(X, kind)) for kind in kinds}
    return {
        "rows judged": len(y),
        "anomalies": int(y.sum()),
        "AUROC": metrics.auroc(y, scores),
        "average precision": metrics.average_precision(y, scores),
        "chance": float(y.mean()),
        "false-positive rate at 95 % recall": metrics.false_positive_rate(y, scores),
        "false-alarm rate promised": detector.false_alarm_rate,
        "false-alarm rate kept": rates.false_alarm_rate,
        "recall": rates.recall,
        "precision": rates.precision,
        **others,
    }
