"""Options that several commands share: one meaning, one help text."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Detector",
    "Device",
    "Epochs",
    "Format",
    "Input",
    "Json",
    "JsonLines",
    "Label",
    "Members",
    "ModelPath",
    "NoHeader",
    "Normal",
    "Output",
    "Quiet",
    "Reasons",
    "Schema",
    "Seed",
    "Settings",
    "Size",
    "Threads",
]

Input = Annotated[
    str,
    typer.Argument(
        metavar="INPUT",
        help="A file (CSV, Parquet, Feather, JSON lines, npy, npz; .gz too), a folder of Parquet files or of pictures, "
        "the name of a dataset, or - for standard input.",
    ),
]
ModelPath = Annotated[Path, typer.Argument(metavar="MODEL", help="A folder that `oodles fit` wrote.")]
Output = Annotated[
    str,
    typer.Option("--output", "-o", metavar="FILE", help="CSV, Parquet, Feather or JSON lines; - is standard output."),
]
Format = Annotated[
    str | None,
    typer.Option("--format", metavar="KIND", help="What INPUT is, where its name does not tell: csv, jsonl, parquet …"),
]
NoHeader = Annotated[bool, typer.Option("--no-header", help="The first line of text is a row, not names.")]
Label = Annotated[
    str | None,
    typer.Option("--label", metavar="COLUMN", help="The column that says what a row is; never learned from."),
]
Normal = Annotated[
    list[str] | None,
    typer.Option("--normal", metavar="VALUE", help="A label of normal rows; repeatable. Without it: 0."),
]
Schema = Annotated[
    list[str] | None,
    typer.Option("--schema", metavar="COLUMN=KIND", help="Kind: real, scaled, binary, category, ignore; repeatable."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Any parameter of the detector, as latent=16; repeatable."),
]
Epochs = Annotated[int | None, typer.Option("--epochs", metavar="N", min=1, help="Passes over the rows, at most.")]
Members = Annotated[int | None, typer.Option("--members", metavar="N", min=1, help="Models trained as one.")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, max=2**32 - 1, help="Seed of everything random.")]
Threads = Annotated[
    int | None, typer.Option("--threads", metavar="N", min=1, help="Threads to use; else as many as the work deserves.")
]
Device = Annotated[str, typer.Option("--device", metavar="NAME", help="auto, cpu or cuda.")]
Detector = Annotated[
    str, typer.Option("--detector", metavar="NAME", help="What to fit; `oodles detectors` lists the names.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
JsonLines = Annotated[
    bool, typer.Option("--json", help="JSON lines on standard output; a summary in JSON if --output names a file.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors and what was asked for.")]
Reasons = Annotated[
    int, typer.Option("--reasons", metavar="N", min=0, help="How many of the strangest features to name per row.")
]
Size = Annotated[
    int | None,
    typer.Option(
        "--size", metavar="N", min=4, help="Resize pictures of a folder to N x N pixels, stretched where need be."
    ),
]
