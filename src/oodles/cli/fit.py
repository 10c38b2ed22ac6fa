"""`oodles fit`: learn from rows or pictures, write a model."""

from math import ceil, isinf
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import CheckpointError
from . import options
from .output import is_watched, note, print_facts, print_json

__all__ = ["EXAMPLES", "command", "learn"]

EXAMPLES = """\
oodles fit payments.csv --label fraud -o payments.oodles
oodles fit photos/ -o photos.oodles --set latent=32
oodles fit faces/ -o faces.oodles --size 128 --memory 500 --set network=faces
oodles fit a.csv -o a --scoring reconstruction_probability --hidden 20,10,8
oodles fit a.csv -o model --negatives bad.csv --detector NegativeSamplingVAE
zcat today.csv.gz | oodles fit - -o today.oodles --epochs 50"""


def command(
    source: options.Input,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL", help="Folder for the model.")],
    detector: options.Detector = "VAE",
    label: options.Label = None,
    normal: options.Normal = None,
    schema: options.Schema = None,
    scoring: Annotated[
        str | None, typer.Option(metavar="NAME", help="The score; `oodles detectors` lists them, as elbo or iwae-500.")
    ] = None,
    hidden: Annotated[
        str | None, typer.Option(metavar="N,N,…", help="Widths of the dense layers; a decoder mirrors them.")
    ] = None,
    settings: options.Settings = None,
    epochs: options.Epochs = None,
    members: options.Members = None,
    negatives: Annotated[
        list[str] | None,
        typer.Option(
            "--negatives",
            metavar="INPUT",
            help="Known anomalies, for detectors that learn from them; repeatable.",
        ),
    ] = None,
    false_alarm_rate: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Share of normal rows that may be alarmed; 0.05 unless said.")
    ] = None,
    memory: Annotated[
        float | None,
        typer.Option(
            metavar="MIB",
            min=1,
            help="Learn INPUT (Parquet, .npy, a folder of pictures) piece by piece, so much of it in memory at a time.",
        ),
    ] = None,
    size: options.Size = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a fit that was stopped; say all else again.")
    ] = False,
    format: options.Format = None,  # noqa: A002 - the word of the command line
    no_header: options.NoHeader = False,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    threads: options.Threads = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Learn what is normal from INPUT, and write a MODEL folder.

    INPUT should be (mostly) normal; with --label, only its normal rows are learned. Stopped with Ctrl-C or killed, a
    fit goes on with --resume and ends as if it had never stopped.
    """
    from .. import storage  # noqa: PLC0415 - torch arrives here
    from ..data.pieces import pieces  # noqa: PLC0415
    from . import inputs, making  # noqa: PLC0415 - numpy and pyarrow arrive here

    if not output.name:
        raise typer.BadParameter(f"a name for the model's folder is expected, but got {str(output)!r}.")
    storage.check_target(output)
    checkpoint = output.with_name(output.name + ".checkpoint")
    if checkpoint.exists() and not resume:
        raise CheckpointError(
            f"{checkpoint} holds a fit that was stopped: add --resume to go on with it, or delete it to start again."
        )
    kinds = making.pairs(schema or [], "--schema")
    if memory is not None:
        if label is not None:
            raise typer.BadParameter("rows read piece by piece must be normal already: filter them first")
        rows = inputs.Rows(inputs.stored(source, size), None, kinds)
    else:
        known: Any = {"label": label, "normal": normal or [], "schema": kinds, "size": size, "quiet": quiet}
        rows = inputs.load(source, format=format, header=not no_header, **known)
    made = making.detector(
        detector,
        settings=settings or [],
        schema=rows.schema,
        scoring=scoring,
        hidden=widths(hidden),
        epochs=epochs,
        members=members,
        false_alarm_rate=false_alarm_rate,
        random_state=seed,
        device=device,
        memory=memory,
    )
    learned = rows.normal()
    reading: Any = {"format": format, "header": not no_header, "label": label, "normal": normal or [], "quiet": quiet}
    strange = [inputs.strange(bad, **reading) for bad in negatives or []]
    learn(made, learned, checkpoint, negatives=strange or None, verbose=is_watched(quiet=quiet), threads=threads)
    made.save(output)
    checkpoint.unlink(missing_ok=True)
    facts = {
        "model": str(output),
        "detector": type(made).__name__,
        "rows": sum(piece.rows for piece in pieces(learned)) if memory else len(learned),
        **({"negatives": sum(map(len, strange))} if strange else {}),
        "held out": len(made.calibration_.scores),
        **({"members": made.model_.members, "epochs": made.epochs_} if made.epochs_ else {}),
        "alarm above": -made.offset_,
    }
    if json:
        print_json(facts)
    elif not quiet:
        print_facts("", facts)
    if isinf(made.offset_):
        note(
            f"No alarm can keep a false-alarm rate of {made.false_alarm_rate:g} with {facts['held out']} held-out "
            f"rows: give about {4 * ceil(1 / made.false_alarm_rate):,} rows or more, or a larger --false-alarm-rate.",
            quiet=quiet,
        )


def widths(text: str | None) -> tuple[int, ...] | None:
    """The numbers of `--hidden`.

    Raises:
        BadParameter: If they are none.
    """
    try:
        return None if text is None else tuple(map(int, text.split(",")))
    except ValueError:
        raise typer.BadParameter(
            f"numbers such as 20,10,8 are expected, but got {text!r}.", param_hint="--hidden"
        ) from None


def learn(
    detector: Any, X: Any, checkpoint: Path, *, negatives: Any = None, verbose: bool, threads: int | None
) -> None:
    """Fit, with a checkpoint if the detector can go on from one.

    Raises:
        CheckpointError: If the user stopped it; the sentence says how to go on.
    """
    from ..training import fixed_threads  # noqa: PLC0415 - torch arrives here

    kept = {"checkpoint": checkpoint} if "checkpoint" in detector.get_params() else {}
    detector.set_params(**kept, verbose=verbose)
    try:
        with fixed_threads(threads):
            detector.fit(X, negatives=negatives)
    except KeyboardInterrupt:
        if not checkpoint.exists():
            raise
        raise CheckpointError(f"Stopped. {checkpoint} holds the training so far: add --resume to go on.") from None
    detector.set_params(**dict.fromkeys(kept), verbose=False)
