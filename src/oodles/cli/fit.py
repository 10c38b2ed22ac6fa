"""`oodles fit`: learn from rows or pictures, write a model."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from ..errors import ArtefactError, FileError
from . import inputs, options
from .output import note, print_facts, print_json

__all__ = ["command", "learn"]


def command(
    source: options.Input,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL", help="Folder for the model.")],
    detector: Annotated[str, typer.Option(help="A name that `oodles detectors` lists.")] = "VAE",
    label: options.Label = None,
    normal: options.Normal = None,
    schema: options.Schema = None,
    settings: options.Settings = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the rows, at most.")] = None,
    members: Annotated[int | None, typer.Option(min=1, help="Models trained as one.")] = None,
    false_alarm_rate: Annotated[float | None, typer.Option(help="Share of normal rows that may be alarmed.")] = None,
    resume: Annotated[bool, typer.Option(help="Continue a fit that was stopped, given the same options.")] = False,
    format: options.Format = None,  # noqa: A002 - the word of the command line
    no_header: options.NoHeader = False,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    threads: options.Threads = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Learn from INPUT, which should be (mostly) normal, and write a MODEL folder.

    With --label, only the normal rows are learned. Stopped with Ctrl-C or killed, it goes on with --resume.

    oodles fit payments.csv --label Class -o payments.oodles
    """
    refuse_bad_output(output)
    rows = inputs.load(
        source,
        format=format,
        header=not no_header,
        label=label,
        normal=normal or [],
        schema=inputs.pairs(schema or [], "--schema"),
    )
    made = inputs.detector(
        detector,
        settings=settings or [],
        schema=rows.schema,
        epochs=epochs,
        members=members,
        false_alarm_rate=false_alarm_rate,
        random_state=seed,
        device=device,
        verbose=not quiet,
    )
    X = rows.X if rows.y is None else inputs.taken(rows.X, np.flatnonzero(rows.y == 0))
    learn(made, X, output, resume=resume, threads=threads)
    facts = {
        "model": str(output),
        "detector": type(made).__name__,
        "rows": len(X),
        "held out": len(made.calibration_.scores),
        "members": made.model_.members,
        "epochs": int(made.history_["epoch"][-1][0]),
        "alarm above": -made.offset_,
    }
    if json:
        print_json(facts)
    elif not quiet:
        print_facts("", facts)
    if np.isinf(made.offset_):
        needed = int(np.ceil(1 / made.false_alarm_rate))
        note(
            f"No alarm can keep a false-alarm rate of {made.false_alarm_rate:g} with {facts['held out']} held-out "
            f"rows: give about {4 * needed} rows or more, or a larger --false-alarm-rate.",
            quiet=quiet,
        )


def learn(detector: Any, X: Any, output: Path, *, resume: bool, threads: int | None) -> None:
    """Fit with a checkpoint beside the output, and save.

    Raises:
        FileError: If the user stopped it; the sentence says how to go on.
    """
    from ..training import fixed_threads  # noqa: PLC0415 - torch arrives here

    checkpoint = output.with_name(output.name + ".checkpoint")
    if not resume:
        checkpoint.unlink(missing_ok=True)
    detector.set_params(checkpoint=checkpoint)
    try:
        with fixed_threads(threads):
            detector.fit(X)
    except KeyboardInterrupt:
        raise FileError(f"Stopped. {checkpoint} holds the training so far: add --resume to go on.") from None
    detector.set_params(checkpoint=None, verbose=False)
    detector.save(output)


def refuse_bad_output(output: Path) -> None:
    """Find out before the training whether the model can be written.

    Raises:
        ArtefactError: If it cannot, or something else stands there.
    """
    if output.exists() and not (output / "config.json").is_file():
        raise ArtefactError(f"{output} exists and is not a saved model; it is left alone. Choose another name.")
    try:
        parent = next(folder for folder in (output.parent, *output.parent.parents) if folder.exists())
        tempfile.TemporaryFile(dir=parent).close()
    except OSError as error:
        raise ArtefactError(f"The model cannot be written to {output}: {error.strerror}.") from error
